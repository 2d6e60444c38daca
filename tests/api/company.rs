//! What a sign-up founds: an organization with its domain, its trial, and the bans that keep some out.

use latchkey::model::domain::Host;
use latchkey::model::organization::Organization;
use latchkey::model::time::DAY;
use latchkey::service::operator::BanTarget;
use latchkey::store::{Value as Column, subscriptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Person, registration};

/// A sign-up of another website and kind.
fn founding(email: &str, website: Option<&str>, is_business: bool) -> Value {
    let mut body = registration(email);
    body["isBusiness"] = json!(is_business);
    if let Some(website) = website {
        body["companyWebsite"] = json!(website);
    }
    body
}

async fn found(app: &App, email: &str, website: Option<&str>, is_business: bool) -> Person {
    let answer = app.post("/user/register", &founding(email, website, is_business)).await;
    assert_eq!(answer.status, 201, "{email}: {}", answer.text);
    Person::of(email, &answer)
}

async fn prove(app: &App, person: &Person) {
    let token = app.letter(&person.email, "verify").await.token();
    let answer = app.post("/user/verify-email", &json!({"token": token})).await;
    assert_eq!(answer.status, 200, "{}: {}", person.email, answer.text);
}

fn organization(app: &App, person: &Person) -> Organization {
    let id = person.organization.parse().expect("an id");
    app.service.find_organization(id).expect("the store").expect("an organization").0
}

/// The plan of a person's organization and what it amounts to now.
fn plan(app: &App, person: &Person) -> (String, &'static str) {
    let id = person.organization.parse().expect("an id");
    let found = app.service.store.read(|tx| subscriptions::latest(tx, id)).expect("the store");
    let subscription = found.expect("a subscription");
    let state = subscription.state(app.clock.now()).as_str();
    (subscription.plan, state)
}

fn refused(answer: &Answer, code: &str, what: &str) {
    assert_eq!(answer.refusal(), (400, code.to_owned()), "{what}: {}", answer.text);
}

async fn ban(app: &App, target: BanTarget) {
    assert_eq!(app.service.ban(target, true).await.expect("the store"), Some(true));
}

#[tokio::test]
async fn a_website_is_a_url_or_a_bare_host() {
    let app = App::start().await;
    let rows = [
        ("https", "https://shop.acme.co.uk/about?x=1#y", Some("acme.co.uk")),
        ("http in capitals", "HTTP://ACME.com", Some("acme.com")),
        ("a bare host", "acme.com", Some("acme.com")),
        ("a port", "acme.com:8443/x", Some("acme.com")),
        ("an international name", "https://b\u{fc}cher.example", Some("xn--bcher-kva.example")),
        ("another scheme", "ftp://acme.com", None),
        ("a script", "javascript:alert(1)", None),
        ("a user", "https://user@acme.com", None),
        ("an address of a machine", "https://127.0.0.1", None),
        ("one label", "acme", None),
        ("a space inside", "acme .com", None),
    ];
    for (row, (what, website, domain)) in rows.into_iter().enumerate() {
        let email = format!("ann{row}@gmail.com");
        let answer = app.post("/user/register", &founding(&email, Some(website), true)).await;
        let Some(domain) = domain else {
            refused(&answer, "INVALID_INPUT", what);
            assert!(answer.field("message").starts_with("companyWebsite "), "{what}: {}", answer.text);
            continue;
        };
        assert_eq!(answer.status, 201, "{what}: {}", answer.text);
        let organization = organization(&app, &Person::of(&email, &answer));
        assert_eq!(organization.website.as_deref(), Some(website), "{what}");
        assert_eq!(organization.domain.as_deref(), Some(domain), "{what}");
    }
    // A form sends an empty text for a field that nobody filled in.
    let blank = found(&app, "blank@gmail.com", Some(" "), true).await;
    assert_eq!(organization(&app, &blank).website, None);
    app.finish().await;
}

#[tokio::test]
async fn the_domain_comes_from_the_website_or_the_address_of_a_business() {
    let app = App::start().await;
    let rows = [
        ("a business without a website", "ann@mail.acme.com", None, true, Some("acme.com")),
        ("the website before the address", "ann@other.example", Some("www.acme.com"), true, Some("acme.com")),
        ("a business at a free-mail provider", "ann@gmail.com", None, true, None),
        ("a free-mail provider as website", "ann@gmx.de", Some("gmail.com"), true, None),
        ("a personal account", "bob@acme.com", None, false, None),
        ("a personal account with a website", "eve@acme.com", Some("acme.com"), false, None),
    ];
    for (what, email, website, is_business, domain) in rows {
        let person = found(&app, email, website, is_business).await;
        let organization = organization(&app, &person);
        assert_eq!(organization.domain.as_deref(), domain, "{what}");
        assert_eq!(organization.is_business, is_business, "{what}");
        assert_eq!(
            organization.claimed_domain, None,
            "{what}: nothing is claimed before the address is proved"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_domain_is_claimed_by_a_proved_address_in_it_and_once() {
    let app = App::start().await;
    let stranger = found(&app, "eve@evil.example", Some("acme.com"), true).await;
    prove(&app, &stranger).await;
    assert_eq!(organization(&app, &stranger).claimed_domain, None, "typing a website claims nothing");
    let owner = found(&app, "ann@acme.com", None, true).await;
    prove(&app, &owner).await;
    assert_eq!(organization(&app, &owner).claimed_domain.as_deref(), Some("acme.com"));
    let late = found(&app, "bob@acme.com", None, true).await;
    prove(&app, &late).await;
    assert_eq!(organization(&app, &late).claimed_domain, None, "a claim is exclusive");
    assert_ne!(late.organization, owner.organization, "nobody joins an organization by its domain");
    app.finish().await;
}

#[tokio::test]
async fn the_public_clients_extra_fields_are_kept_and_unknown_keys_ignored() {
    let app = App::start().await;
    let kept = ["phone", "address1", "address2", "city", "state", "zipcode", "country"];
    let mut body = registration("ann@acme.com");
    for field in kept {
        body[field] = json!(format!("some {field}"));
    }
    body["activationUid"] = json!("uid");
    body["activationToken"] = json!(5);
    body["companyWebsite"] = json!(null);
    body["website"] = json!("https://acme.com/about");
    body["nonsense"] = json!({"deep": [1, 2, {"x": null}]});
    let answer = app.post("/user/register", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let ann = Person::of("ann@acme.com", &answer);
    for field in kept {
        let sql = format!("select {field} from organizations where id = ?1");
        let id = [Column::Text(ann.organization.clone())];
        let stored: Option<String> = app.service.store.read(|tx| tx.value(&sql, &id)).expect("the store");
        assert_eq!(stored, Some(format!("some {field}")), "{field}");
    }
    let organization = organization(&app, &ann);
    assert_eq!(organization.website.as_deref(), Some("https://acme.com/about"));
    app.finish().await;
}

// G1
#[tokio::test]
async fn nobody_signs_up_with_rights_of_their_own_choice() {
    let app = App::start().await;
    let other = app.member("ann@acme.com").await;
    let mut body = registration("eve@evil.example");
    for (key, value) in [
        ("id", json!(other.id)),
        ("orgId", json!(other.organization)),
        ("organizationId", json!(other.organization)),
        ("orgRole", json!(0)),
        ("validated", json!(true)),
        ("verifiedAt", json!(1)),
        ("plan", json!("paid")),
        ("user", json!({"orgId": other.organization})),
    ] {
        body[key] = value;
    }
    let answer = app.post("/user/register", &body).await;
    let eve = Person::of("eve@evil.example", &answer);
    assert!(eve.id != other.id && eve.organization != other.organization);
    let profile = app.call(&eve, Method::GET, "/user/profile", None).await.json()["data"].clone();
    assert_eq!((&profile["validated"], &profile["orgRole"]), (&json!(false), &json!(255)));
    assert_eq!(plan(&app, &eve), ("trial".to_owned(), "TRIALING"));
    app.finish().await;
}

#[tokio::test]
async fn a_trial_lasts_fourteen_days_by_the_clock_alone() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    assert_eq!(plan(&app, &ann), ("trial".to_owned(), "TRIALING"));
    app.advance(14 * DAY - std::time::Duration::from_millis(1));
    assert_eq!(plan(&app, &ann).1, "TRIALING");
    app.advance(std::time::Duration::from_millis(1));
    assert_eq!(plan(&app, &ann), ("trial".to_owned(), "EXPIRED"));
    app.finish().await;
}

// G5
#[tokio::test]
async fn there_is_one_trial_for_a_mailbox_and_for_a_claimed_domain() {
    let app = App::start().await;
    let ann = found(&app, "ann@acme.com", None, true).await;
    let early = found(&app, "ann+early@acme.com", None, false).await;
    assert_eq!(plan(&app, &early).0, "trial", "nobody has proved anything yet");
    let colleague = found(&app, "bob@acme.com", None, true).await;
    let stranger = found(&app, "eve@evil.example", Some("acme.com"), true).await;
    prove(&app, &ann).await;
    for person in [&early, &colleague, &stranger] {
        prove(&app, person).await;
    }
    let rows = [
        ("the first", "trial", ann),
        ("a plus-tag, proved later", "free", early),
        ("a colleague, proved later", "free", colleague),
        ("the claimed domain as website, proved later", "free", stranger),
        ("a plus-tag", "free", found(&app, "Ann+two@acme.com", None, false).await),
        ("a colleague in the claimed domain", "free", found(&app, "carl@acme.com", None, true).await),
        (
            "the claimed domain as website",
            "free",
            found(&app, "mallory@evil.example", Some("acme.com"), true).await,
        ),
        ("somebody else", "trial", found(&app, "dora@other.example", None, true).await),
    ];
    for (what, expected, person) in rows {
        assert_eq!(plan(&app, &person).0, expected, "{what}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_banned_domain_keeps_out_addresses_and_websites_below_it() {
    let app = App::start().await;
    ban(&app, BanTarget::Domain(Host::parse("banned.example").expect("a host"))).await;
    let rows = [
        ("the address", "ann@banned.example", None, false),
        ("the address in capitals", "ann@BANNED.Example", None, true),
        ("a subdomain of the address", "ann@mail.banned.example", None, false),
        ("the website", "ann@gmail.com", Some("https://www.banned.example/x"), true),
        ("the address behind another website", "ann@banned.example", Some("fine.example"), true),
    ];
    for (what, email, website, is_business) in rows {
        let answer = app.post("/user/register", &founding(email, website, is_business)).await;
        refused(&answer, "ORG_BANNED", what);
    }
    found(&app, "ann@notbanned.example", Some("example.org"), true).await;
    let host = Host::parse("banned.example").expect("a host");
    assert_eq!(app.service.ban(BanTarget::Domain(host), false).await.expect("the store"), Some(true));
    found(&app, "ann@banned.example", None, true).await;
    app.finish().await;
}

#[tokio::test]
async fn the_ban_of_an_organization_hits_the_domain_it_claimed_and_no_other() {
    let app = App::start().await;
    let squatter = found(&app, "eve@evil.example", Some("victim.example"), true).await;
    prove(&app, &squatter).await;
    ban(&app, BanTarget::Organization(squatter.organization.parse().expect("an id"))).await;
    let victim = found(&app, "ann@victim.example", None, true).await;
    prove(&app, &victim).await;
    ban(&app, BanTarget::Organization(victim.organization.parse().expect("an id"))).await;
    for (what, email) in [("the claimed domain", "bob@victim.example"), ("below it", "bob@x.victim.example")]
    {
        let answer = app.post("/user/register", &founding(email, None, true)).await;
        refused(&answer, "ORG_BANNED", what);
    }
    app.finish().await;
}

#[tokio::test]
async fn refusals_come_in_the_published_order() {
    let app = App::start().await;
    app.newcomer("ann@banned.example").await;
    ban(&app, BanTarget::Domain(Host::parse("banned.example").expect("a host"))).await;
    let mut body = registration("ann@banned.example");
    body["password"] = json!("weak");
    body["firstName"] = json!("");
    refused(&app.post("/user/register", &body).await, "INVALID_INPUT", "everything is wrong");
    body["firstName"] = json!("Ann");
    refused(&app.post("/user/register", &body).await, "WEAK_PASSWORD", "all but the form");
    body["password"] = json!("SecurePass123");
    refused(&app.post("/user/register", &body).await, "EMAIL_EXISTS_INACTIVE", "taken and banned");
    body["email"] = json!("bob@banned.example");
    refused(&app.post("/user/register", &body).await, "ORG_BANNED", "banned");
    app.finish().await;
}
