//! Proving an address: by link, by code, again and again, and by somebody who never signed up.

use std::time::Duration;

use latchkey::clock::Clock;
use latchkey::model::time::{DAY, SECOND};
use latchkey::store::Value as Column;
use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, PASSWORD, Person};
use crate::crowd::{count, crowd};

async fn by_link(app: &App, token: &str) -> Answer {
    app.post("/user/verify-email", &json!({"token": token})).await
}

async fn look(app: &App, token: &str) -> Answer {
    app.post("/user/pre-verify-email", &json!({"token": token})).await
}

async fn by_code(app: &App, proof: &str, code: &str) -> Answer {
    app.post("/user/verify-email", &json!({"verificationTokenId": proof, "code": code})).await
}

/// Sends the letter again, a second later, so that the newest letter is known by its time.
async fn resend(app: &App, person: &Person) -> Answer {
    app.advance(SECOND);
    app.post(&format!("/user/resend-verification/{}", person.proof), &json!({})).await
}

async fn is_verified(app: &App, person: &Person) -> bool {
    let answer = app.call(person, Method::GET, "/user/profile", None).await;
    answer.json()["data"]["validated"] == json!(true)
}

fn invalid(answer: &Answer, what: &str) {
    assert_eq!(answer.refusal(), (400, "INVALID_TOKEN".to_owned()), "{what}: {}", answer.text);
}

/// Codes of the right form that are not this one.
fn wrong_codes(right: &str) -> impl Iterator<Item = String> {
    let right: u64 = right.parse().expect("digits");
    (1..).map(move |step| format!("{:08}", (right + step) % 100_000_000))
}

/// How many tries an account has spent on codes of its address.
fn tries(app: &App, person: &Person) -> Option<i64> {
    let sql = "select tries from code_tries where account_id = ?1 and purpose = 'verify'";
    let id = [Column::Text(person.id.clone())];
    app.service.store.read(|tx| tx.value(sql, &id)).expect("the store")
}

#[tokio::test]
async fn a_link_and_a_code_prove_the_address_and_open_a_session() {
    let app = App::start().await;
    for (email, way) in [("ann@acme.com", "link"), ("bob@other.com", "code")] {
        let newcomer = app.newcomer(email).await;
        let letter = app.letter(email, "verify").await;
        let answer = match way {
            "link" => by_link(&app, &letter.token()).await,
            _ => by_code(&app, &newcomer.proof, &letter.code()).await,
        };
        assert_eq!(answer.status, 200, "{way}: {}", answer.text);
        let body = answer.json();
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["success", "accessToken", "refreshToken", "tokenId", "expiresAt", "user"], "{way}");
        let entered = Person::of(email, &answer);
        assert_eq!(entered.id, newcomer.id, "{way}");
        assert_ne!(entered.session, newcomer.session, "{way}: a session of its own");
        assert!(is_verified(&app, &entered).await && is_verified(&app, &newcomer).await, "{way}");
        invalid(&by_link(&app, &letter.token()).await, "a link used");
        invalid(&by_code(&app, &newcomer.proof, &letter.code()).await, "a code used");
    }
    app.finish().await;
}

// C3
#[tokio::test]
async fn looking_at_a_link_uses_nothing_up() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let token = app.letter(&ann.email, "verify").await.token();
    for _ in 0..3 {
        let look = look(&app, &token).await;
        assert_eq!((look.status, &look.json()["authMethod"]), (200, &json!("LOCAL")));
        assert_eq!(look.json()["hasPassword"], json!(true));
        assert_eq!(app.get(&format!("/verify-email?token={token}")).await.status, 200);
        let head = app.request(Method::HEAD, &format!("/verify-email?token={token}"));
        app.send(head).await;
    }
    assert!(!is_verified(&app, &ann).await);
    assert_eq!(by_link(&app, &token).await.status, 200);
    invalid(&look(&app, &token).await, "a link used up");
    app.finish().await;
}

#[tokio::test]
async fn a_letter_sent_again_keeps_the_id_and_the_older_links() {
    let app = App::start().await;
    for (email, used) in [("ann@acme.com", "first"), ("bob@other.com", "second")] {
        let newcomer = app.newcomer(email).await;
        let first = app.letter(email, "verify").await;
        let again = resend(&app, &newcomer).await;
        assert_eq!((again.status, again.json()), (200, json!({"success": true})));
        let second = app.letter(email, "verify").await;
        assert_ne!((first.token(), first.code()), (second.token(), second.code()));
        let answer = match used {
            "first" => by_link(&app, &first.token()).await,
            _ => by_code(&app, &newcomer.proof, &second.code()).await,
        };
        assert_eq!(answer.status, 200, "{used}: {}", answer.text);
        for letter in [&first, &second] {
            invalid(&by_link(&app, &letter.token()).await, "one use ends them all");
            invalid(&by_code(&app, &newcomer.proof, &letter.code()).await, "one use ends them all");
        }
        let letters = app.letters().await.len();
        assert_eq!(resend(&app, &newcomer).await.status, 200);
        assert_eq!(app.letters().await.len(), letters, "nothing is sent to an address that is proved");
    }
    app.finish().await;
}

// H3
#[tokio::test]
async fn sending_again_tells_nobody_which_ids_there_are() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let known = resend(&app, &ann).await;
    for (what, id) in [("unknown", "0".repeat(24)), ("an account's", ann.id), ("none", "x".to_owned())] {
        let answer = app.post(&format!("/user/resend-verification/{id}"), &json!({})).await;
        assert_eq!((answer.status, &answer.text), (known.status, &known.text), "{what}");
    }
    assert_eq!(app.letters().await.len(), 2);
    let empty = app.request(Method::POST, &format!("/user/resend-verification/{}", ann.proof));
    assert_eq!(app.send(empty).await.status, 200, "a POST without body and type");
    app.finish().await;
}

#[tokio::test]
async fn a_link_and_its_code_end_after_a_day() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let first = app.letter(&ann.email, "verify").await;
    app.advance(DAY / 2);
    resend(&app, &ann).await;
    let second = app.letter(&ann.email, "verify").await;
    app.advance(DAY / 2 - SECOND - Duration::from_millis(1));
    assert_eq!(look(&app, &first.token()).await.status, 200, "to its last millisecond");
    app.advance(Duration::from_millis(1));
    invalid(&look(&app, &first.token()).await, "its day is over");
    invalid(&by_link(&app, &first.token()).await, "its day is over");
    invalid(&by_code(&app, &ann.proof, &first.code()).await, "and so is its code's");
    assert_eq!(by_code(&app, &ann.proof, &second.code()).await.status, 200, "each letter has its own day");
    app.finish().await;
}

// A2
#[tokio::test]
async fn a_link_activates_exactly_its_account() {
    let app = App::start().await;
    let first = app.newcomer("ann@acme.com").await;
    let stale = app.letter("ann@acme.com", "verify").await;
    app.submit("/verify-email/not-me", &[("token", &stale.token())]).await;
    app.advance(SECOND);
    let second = app.newcomer("ann@acme.com").await;
    let other = app.newcomer("bob@acme.com").await;
    assert_ne!(first.id, second.id);
    invalid(&by_link(&app, &stale.token()).await, "the link of the account before, at the same address");
    invalid(&by_code(&app, &first.proof, &stale.code()).await, "the code of the account before");
    invalid(
        &by_code(&app, &second.proof, &stale.code()).await,
        "the code of the account before, at the new id",
    );
    let fresh = app.letter("ann@acme.com", "verify").await;
    assert_eq!(Person::of("ann@acme.com", &by_link(&app, &fresh.token()).await).id, second.id);
    assert!(is_verified(&app, &second).await && !is_verified(&app, &other).await);
    app.finish().await;
}

// A2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_uses_of_one_link_one_succeeds() {
    let app = App::start().await;
    app.newcomer("ann@acme.com").await;
    let token = app.letter("ann@acme.com", "verify").await.token();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let token = token.clone();
        async move { by_link(&app, &token).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(count(&answers, 400, "INVALID_TOKEN"), 19);
    app.finish().await;
}

// A1
#[tokio::test]
async fn this_was_not_me_removes_the_pending_account_and_its_sessions() {
    let app = App::start().await;
    let attacker = app.newcomer("victim@acme.com").await;
    let letter = app.letter("victim@acme.com", "verify").await;
    let page = app.get(&format!("/verify-email?token={}", letter.token())).await;
    assert!(page.text.contains("/verify-email/not-me"), "the mailed page offers it");
    let removed = app.submit("/verify-email/not-me", &[("token", &letter.token())]).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert!(app.service.list_accounts(0, 10).expect("accounts").is_empty());
    assert_eq!(app.call(&attacker, Method::GET, "/user/profile", None).await.status, 401);
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": attacker.refresh})).await;
    assert_eq!(refreshed.refusal(), (401, "INVALID_REFRESH_TOKEN".to_owned()));
    assert_eq!(app.login("victim@acme.com", PASSWORD).await.status, 401);
    invalid(&by_link(&app, &letter.token()).await, "the link went with the account");

    let owner = app.member("victim@acme.com").await;
    let used = app.submit("/verify-email/not-me", &[("token", &letter.token())]).await;
    assert_ne!(used.status, 200, "a link of before removes nobody");
    assert!(is_verified(&app, &owner).await);
    app.finish().await;
}

// E1
#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused_and_the_link_still_good() {
    let app = App::start().await;
    for (email, wrong, passes) in [("ann@acme.com", 4, true), ("bob@other.com", 5, false)] {
        let newcomer = app.newcomer(email).await;
        let letter = app.letter(email, "verify").await;
        for code in wrong_codes(&letter.code()).take(wrong) {
            invalid(&by_code(&app, &newcomer.proof, &code).await, &code);
        }
        let right = by_code(&app, &newcomer.proof, &letter.code()).await;
        assert_eq!(right.status == 200, passes, "after {wrong} wrong codes: {}", right.text);
        if !passes {
            assert_eq!(
                by_link(&app, &letter.token()).await.status,
                200,
                "running out kills codes, never links"
            );
        }
    }
    app.finish().await;
}

// E1
#[tokio::test]
async fn the_count_of_wrong_codes_survives_new_letters_and_a_restart() {
    let mut app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let first = app.letter(&ann.email, "verify").await;
    for code in wrong_codes(&first.code()).take(5) {
        invalid(&by_code(&app, &ann.proof, &code).await, &code);
    }
    resend(&app, &ann).await;
    let second = app.letter(&ann.email, "verify").await;
    invalid(&by_code(&app, &ann.proof, &second.code()).await, "the code of a new letter");
    app.stop().await;
    let clock: Clock = app.clock.clone();
    let restarted = App::start_on(app.database().to_owned(), clock, |_| {}).await;
    invalid(&by_code(&restarted, &ann.proof, &second.code()).await, "after a restart");
    restarted.advance(DAY);
    resend(&restarted, &ann).await;
    let third = restarted.letter(&ann.email, "verify").await;
    let next_day = by_code(&restarted, &ann.proof, &third.code()).await;
    assert_eq!(next_day.status, 200, "the day after, there are five new tries: {}", next_day.text);
    restarted.finish().await;
    app.finish().await;
}

// E1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_guesses_at_once_are_all_counted() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let letter = app.letter(&ann.email, "verify").await;
    let guesses: Vec<String> = wrong_codes(&letter.code()).take(100).collect();
    let proof = ann.proof.clone();
    let (app, answers) = crowd(app, 100, move |app, caller| {
        let (proof, guess) = (proof.clone(), guesses[caller].clone());
        async move { by_code(&app, &proof, &guess).await }
    })
    .await;
    assert_eq!(count(&answers, 400, "INVALID_TOKEN"), 100);
    assert_eq!(tries(&app, &ann), Some(100), "each was counted before it was compared, so five at most were");
    invalid(&by_code(&app, &ann.proof, &letter.code()).await, "the right code");
    assert_eq!(by_link(&app, &letter.token()).await.status, 200);
    app.finish().await;
}
