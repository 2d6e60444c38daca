//! The courier with a carrier that does as it is told: fairness between domains, and memory that stays the same.

mod closing;
mod slow;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::mail::carrier::{Carrier, Envelope, Handing, Handover, Places, Resting};
use crate::mail::conversation::Verdict;
use crate::mail::templates::Templates;
use crate::mail::turn::turn_away;
use crate::mail::{Contents, Letterhead, Recipient};
use crate::model::email::EmailAddress;
use crate::model::language::Language;
use crate::model::letter::{Letter, LetterState};
use crate::model::time::{HOUR, MINUTE, Millis};
use crate::secrets::Secrets;

const NOW: Millis = Millis(1_772_366_400_000);
/// How long a test waits for what must happen; reached only when it never does.
const PATIENCE: Duration = Duration::from_secs(120);

/// Takes every letter at once, but those to `tarpit…`, about which it says nothing until the gate is opened, and those to
/// `grey…`, which it puts off.
struct StandIn {
    /// Letters to `queue…` go one at a time, as at a relay.
    queue: Semaphore,
    gate: watch::Receiver<bool>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    taken: Mutex<Vec<String>>,
    waiting: Mutex<BTreeMap<String, usize>>,
    most_waiting: AtomicUsize,
    closed: AtomicBool,
}

impl Seen {
    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn waiting(&self) -> BTreeMap<String, usize> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Carrier for StandIn {
    fn name(&self) -> &'static str {
        "stand-in"
    }

    fn places(&self) -> Places {
        Places { total: 64, per_domain: 2, probes: Some(32) }
    }

    fn hand_over<'a>(&'a self, envelope: Envelope<'a>) -> Handing<'a> {
        Box::pin(async move {
            let domain = envelope.to.rsplit('@').next().unwrap_or_default();
            let verdict = if domain.starts_with("grey") {
                Verdict::Deferred { reason: "451 come again".to_owned() }
            } else if domain.starts_with("tarpit") {
                self.wait_at_the_gate(domain).await;
                Verdict::Unreachable { reason: "no answer".to_owned() }
            } else {
                if domain.starts_with("queue") {
                    let Ok(_turn) = self.queue.acquire().await else { return turn_away().await };
                    self.wait_at_the_gate(domain).await;
                }
                self.seen.taken.lock().unwrap_or_else(PoisonError::into_inner).push(envelope.to.to_owned());
                Verdict::Delivered { reply: "250 taken".to_owned() }
            };
            Handover { verdict, server: "stand-in:25".to_owned(), tls: "TLS 1.3".to_owned() }
        })
    }

    fn close(&self) {
        self.queue.close();
        self.seen.closed.store(true, Ordering::SeqCst);
    }

    fn rest(&self) -> Resting<'_> {
        Box::pin(async {})
    }
}

impl StandIn {
    async fn wait_at_the_gate(&self, domain: &str) {
        let total = {
            let mut waiting = self.seen.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            *waiting.entry(domain.to_owned()).or_default() += 1;
            waiting.values().sum()
        };
        self.seen.most_waiting.fetch_max(total, Ordering::SeqCst);
        let mut gate = self.gate.clone();
        let _ = gate.wait_for(|open| *open).await;
        let mut waiting = self.seen.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(domain) {
            *count -= 1;
        }
    }
}

struct House {
    courier: Arc<Courier>,
    seen: Arc<Seen>,
    gate: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("outbox.db"), Metrics::new()).expect("a database");
        let (clock, chance) = (Clock::fixed(NOW), Chance::seeded(7));
        let head = Letterhead {
            app_name: "Latchkey".to_owned(),
            public_url: "http://localhost".to_owned(),
            app_url: None,
            from: EmailAddress::parse("no-reply@latchkey.example").expect("an address"),
            from_name: None,
        };
        let secrets = Arc::new(Secrets::new("a secret of the test", chance.clone()));
        let (gate, closed) = watch::channel(false);
        let seen: Arc<Seen> = Arc::default();
        let carrier = StandIn { queue: Semaphore::new(1), gate: closed, seen: Arc::clone(&seen) };
        let courier = Courier {
            store,
            mailroom: Arc::new(Mailroom::new(
                head,
                Templates::embedded(),
                secrets,
                clock.clone(),
                chance.clone(),
            )),
            transport: Transport::Carrier(Box::new(carrier)),
            signer: None,
            clock,
            chance,
            metrics: Metrics::new(),
            bell: CourierBell::default(),
            health: Arc::default(),
        };
        House { courier: Arc::new(courier), seen, gate, _folder: folder }
    }

    /// Writes so many letters to each domain, each a millisecond after the one before.
    async fn write(&self, domains: &[String], each: usize) {
        let mut letters: Vec<Letter> = Vec::new();
        for number in 0..each {
            for domain in domains {
                let address = EmailAddress::parse(&format!("n{number:05}@{domain}")).expect("an address");
                let to = Recipient { address: &address, first_name: "Ann", language: Language::English };
                letters.push(self.courier.mailroom.compose(to, Contents::FactorOn));
                self.courier.clock.advance(Duration::from_millis(1));
            }
        }
        let written: Result<(), Unavailable> = self
            .courier
            .store
            .write(move |tx| letters.iter().try_for_each(|letter| letters::insert(tx, letter, None)))
            .await;
        written.expect("they are written");
    }

    fn run(&self) -> (watch::Sender<bool>, JoinHandle<()>) {
        let (stop, stopped) = watch::channel(false);
        (stop, tokio::spawn(Arc::clone(&self.courier).run(stopped)))
    }

    fn letters(&self, state: LetterState) -> Vec<Letter> {
        let listed = self.courier.store.read(|tx| letters::list(tx, Some(state), None, 100_000));
        listed.expect("the outbox")
    }

    /// Waits until a condition holds that something settled may have brought about.
    async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let mut settled = self.courier.bell.settled();
        let waiting = async {
            while !condition() {
                let _ = tokio::time::timeout(Duration::from_millis(20), settled.changed()).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in time: {what}"));
    }
}

fn domains(kind: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{kind}{number}.example")).collect()
}

// I2
#[tokio::test]
async fn domains_that_tarpit_hold_two_places_each_and_delay_nobody_else() {
    let house = House::new();
    let (tarpits, others) = (domains("tarpit", 10), domains("quick", 30));
    house.write(&tarpits, 20).await;
    house.write(&domains("grey", 5), 5).await;
    house.write(&others, 10).await;
    let (stop, running) = house.run();
    house.until("all others are served", || house.seen.taken().len() == 300).await;
    house.until("the tarpits are in conversation", || house.seen.waiting().len() == 10).await;
    assert!(house.seen.waiting().values().all(|count| *count == 2), "{:?}", house.seen.waiting());
    let mut by_domain: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let taken = house.seen.taken();
    for (name, domain) in taken.iter().filter_map(|to| to.split_once('@')) {
        by_domain.entry(domain).or_default().push(name);
    }
    assert_eq!(by_domain.len(), 30);
    house
        .until("the gray ones are put off", || {
            house.letters(LetterState::Waiting).iter().filter(|letter| letter.attempts == 1).count() == 25
        })
        .await;

    house.gate.send_replace(true);
    let tried = |letter: &&Letter| letter.domain.starts_with("tarpit") && letter.attempts > 0;
    house
        .until("the tarpits have been heard", || {
            house.letters(LetterState::Waiting).iter().filter(tried).count() == 20
        })
        .await;
    house.gate.send_replace(false);
    house.courier.clock.advance(MINUTE);
    house.courier.bell.ring();
    house.until("each is asked again", || house.seen.waiting().values().all(|count| *count > 0)).await;
    house.write(&domains("quick", 1), 1).await;
    house.courier.bell.ring();
    house.until("another letter is served", || house.seen.taken().len() == 301).await;
    assert!(house.seen.waiting().values().all(|count| *count == 1), "by one letter, the others rest");
    let tried = house.letters(LetterState::Waiting);
    let tried = tried.iter().filter(|letter| letter.domain.starts_with("tarpit") && letter.attempts > 0);
    assert_eq!(tried.count(), 20, "no other letter of theirs has been tried in vain");
    house.gate.send_replace(true);
    let _ = stop.send(true);
    running.await.expect("it ends in order");
}

#[tokio::test]
async fn silent_domains_without_number_leave_places_for_the_others() {
    let house = House::new();
    house.write(&domains("tarpit", 40), 3).await;
    let (stop, running) = house.run();
    house.until("all places are taken", || house.seen.waiting().values().sum::<usize>() == 64).await;
    house.gate.send_replace(true);
    let tried = |letter: &&Letter| letter.attempts > 0;
    house
        .until("all are heard", || {
            let letters = house.letters(LetterState::Waiting);
            letters.iter().filter(tried).map(|letter| &letter.domain).collect::<BTreeSet<_>>().len() == 40
        })
        .await;
    let _ = stop.send(true);
    running.await.expect("it ends in order");

    house.gate.send_replace(false);
    house.courier.clock.advance(HOUR);
    house.write(&domains("quick", 50), 2).await;
    house.seen.most_waiting.store(0, Ordering::SeqCst);
    let (stop, running) = house.run();
    house.until("the others are served", || house.seen.taken().len() == 100).await;
    assert!(house.seen.most_waiting.load(Ordering::SeqCst) <= 32, "half of the places stay free");
    house.gate.send_replace(true);
    let _ = stop.send(true);
    running.await.expect("it ends in order");
}

// I2
#[tokio::test]
async fn a_storm_of_ten_thousand_letters_goes_out_in_order_of_age_within_a_domain() {
    let house = House::new();
    house.write(&domains("quick", 50), 200).await;
    let (stop, running) = house.run();
    house.until("all are carried", || house.seen.taken().len() == 10_000).await;
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for to in house.seen.taken() {
        let (name, domain) = to.split_once('@').expect("an address");
        let number: usize = name[1..].parse().expect("a number");
        let newest = last.entry(domain.to_owned()).or_default();
        // Two are in conversation at once, and either may be the quicker.
        assert!(number + 1 >= *newest, "{to} after number {newest}");
        *newest = number.max(*newest);
    }
    let _ = stop.send(true);
    running.await.expect("it ends in order");
    assert!(house.letters(LetterState::Waiting).is_empty());
    assert_eq!(house.courier.store.read(lanes::next_due).expect("the outbox"), None, "no lane is left");
}
