//! Another address for an account: asked for with the password, proved by the new mailbox (THREATS A5).

use latchkey::model::domain::Host;
use latchkey::model::time::{DAY, SECOND};
use latchkey::service::operator::{AccountAction, AccountName, BanTarget};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

use crate::app::{Answer, App, Letter, PASSWORD, Person};
use crate::crowd::{count, crowd};
use crate::limits::proxied;

const NEW: &str = "new@other.example";

/// Asks for another address, a second after whatever was before, so that the newest letter is known by its time.
pub async fn ask(app: &App, person: &Person, new: &str) -> Answer {
    app.advance(SECOND);
    let order = json!({"newEmail": new, "password": PASSWORD});
    app.call(person, Method::POST, "/user/change-email", Some(&order)).await
}

pub async fn asked(app: &App, person: &Person, new: &str) -> Letter {
    let answer = ask(app, person, new).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.letter(new, "change-address").await
}

pub async fn confirm(app: &App, token: &str) -> Answer {
    app.post("/user/confirm-email", &json!({"token": token})).await
}

/// Asks for another address and confirms it.
pub async fn changed(app: &App, person: &Person, new: &str) {
    let letter = asked(app, person, new).await;
    app.advance(SECOND);
    let answer = confirm(app, &letter.token()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

pub fn invalid(answer: &Answer, what: &str) {
    assert_eq!(answer.refusal(), (400, "INVALID_TOKEN".to_owned()), "{what}: {}", answer.text);
}

pub async fn enters(app: &App, person: &Person) -> bool {
    app.call(person, Method::GET, "/user/profile", None).await.status == 200
}

async fn address(app: &App, person: &Person) -> Value {
    app.call(person, Method::GET, "/user/profile", None).await.json()["data"]["email"].clone()
}

pub async fn log_in(app: &App, email: &str) -> Person {
    let answer = app.login(email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Person::of(email, &answer)
}

pub async fn act(app: &App, person: &Person, action: AccountAction) {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    assert!(app.service.act_on_account(&member, action).await.expect("the store"));
}

async fn letters_to(app: &App, to: &str) -> Vec<String> {
    let letters = app.letters().await;
    let mut kinds: Vec<String> = letters
        .iter()
        .filter(|letter| letter.to() == to)
        .map(|letter| letter.0["kind"].as_str().unwrap_or_default().to_owned())
        .collect();
    kinds.sort();
    kinds
}

// A5
#[tokio::test]
async fn an_address_is_changed_once_the_new_mailbox_says_so() {
    let app = App::start().await;
    let ann = app.member("Ann@acme.com").await;
    let elsewhere = log_in(&app, "Ann@acme.com").await;
    let letter = asked(&app, &ann, "New@other.example").await;
    assert_eq!(letters_to(&app, "Ann@acme.com").await, ["change-asked", "verify"], "the old one is told");
    assert_eq!(address(&app, &ann).await, "Ann@acme.com", "and stays in force");
    assert_eq!(app.login(NEW, PASSWORD).await.status, 401);
    assert!(enters(&app, &elsewhere).await, "asking ends nothing");

    let answer = confirm(&app, &letter.token()).await;
    assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)), "{}", answer.text);
    assert_eq!(address(&app, &ann).await, "New@other.example", "the session that asked goes on");
    assert!(!enters(&app, &elsewhere).await, "all others end");
    let refused = app.post("/user/refresh", &json!({"refreshToken": elsewhere.refresh})).await;
    assert_eq!(refused.status, 401);
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": ann.refresh})).await;
    let claims = crate::jwt::claims(&refreshed.field("accessToken"));
    assert_eq!(claims["email"], json!("New@other.example"));
    assert_eq!(app.login("ann@acme.com", PASSWORD).await.refusal(), (401, "INVALID_PASSWORD".to_owned()));
    assert_eq!(log_in(&app, "NEW@other.example").await.id, ann.id);
    let undo = app.letter("Ann@acme.com", "address-changed").await;
    assert!(undo.link().contains("/undo-change-email?token=") && undo.0["code"].is_null());
    invalid(&confirm(&app, &letter.token()).await, "a second use");
    app.finish().await;
}

// C3
#[tokio::test]
async fn on_the_pages_only_a_button_changes_the_address() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let token = asked(&app, &ann, NEW).await.token();
    let link = format!("/change-email?token={token}");
    for method in [Method::GET, Method::HEAD, Method::GET] {
        assert_eq!(app.send(app.request(method, &link)).await.status, 200);
    }
    assert!(app.get(&link).await.text.contains(NEW), "the page says which address");
    assert_eq!(address(&app, &ann).await, "ann@acme.com");
    // E4
    for path in ["/undo-change-email", "/verify-email", "/verify-email/not-me", "/reset-password"] {
        let other = app.submit(path, &[("token", &token), ("password", PASSWORD)]).await;
        assert_eq!(other.status, 400, "nor does the button of another page: {path}");
    }
    for path in ["/user/verify-email", "/user/pre-verify-email", "/user/reset-password"] {
        let other = app.post(path, &json!({"token": token, "newPassword": PASSWORD})).await;
        invalid(&other, path);
    }
    assert_eq!(app.submit("/change-email", &[("token", &token)]).await.status, 200);
    assert_eq!(address(&app, &ann).await, NEW);
    assert_eq!(app.submit("/change-email", &[("token", &token)]).await.status, 400);
    let again = app.get(&link).await;
    assert!(again.status == 200 && again.text.contains("Address changed"), "no cause for alarm");
    assert_eq!(app.get("/change-email?token=x").await.status, 400);

    // What was made void by another never had its effect.
    let (void, good) =
        (asked(&app, &ann, "a@x.example").await.token(), asked(&app, &ann, "b@x.example").await.token());
    assert_eq!(app.get(&format!("/change-email?token={void}")).await.status, 400);
    assert_eq!(app.get(&format!("/change-email?token={good}")).await.status, 200);
    app.finish().await;
}

// E1
#[tokio::test]
async fn a_code_confirms_with_the_id_of_its_request_and_five_tries() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let by_code = async |id: &str, code: &str| {
        app.post("/user/confirm-email", &json!({"verificationTokenId": id, "code": code})).await
    };
    let id = ask(&app, &ann, NEW).await.field("verificationTokenId");
    let code = app.letter(NEW, "change-address").await.code();
    for faulty in [json!({"code": code}), json!({"verificationTokenId": id}), json!({})] {
        let answer = app.post("/user/confirm-email", &faulty).await;
        assert_eq!(answer.refusal(), (400, "INVALID_INPUT".to_owned()), "{faulty}");
    }
    for other in [ann.id.as_str(), "nonsense", "000000000000000000000000"] {
        invalid(&by_code(other, &code).await, other);
    }
    let wrong = |step: u64| format!("{:08}", (code.parse::<u64>().expect("digits") + step) % 100_000_000);
    for step in 1..=4 {
        invalid(&by_code(&id, &wrong(step)).await, "a wrong code");
    }
    assert_eq!(by_code(&id, &code).await.status, 200, "the fifth try");
    assert_eq!(address(&app, &ann).await, NEW);

    let id = ask(&app, &ann, "third@x.example").await.field("verificationTokenId");
    for step in 1..=5 {
        invalid(&by_code(&id, &wrong(step)).await, "a wrong code");
    }
    let id = ask(&app, &ann, "third@x.example").await.field("verificationTokenId");
    let letter = app.letter("third@x.example", "change-address").await;
    invalid(&by_code(&id, &letter.code()).await, "the right code of a newer request, too late");
    assert_eq!(confirm(&app, &letter.token()).await.status, 200, "running out kills codes, never links");
    app.finish().await;
}

// H3: who is signed in learns of nobody
#[tokio::test]
async fn free_taken_kept_and_banned_addresses_get_one_answer() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    app.member("Active@taken.example").await;
    app.newcomer("waiting@taken.example").await;
    let gone = app.member("gone@taken.example").await;
    act(&app, &gone, AccountAction::Deactivate).await;
    let mover = app.member("former@kept.example").await;
    changed(&app, &mover, "mover@kept.example").await;
    let target = BanTarget::Domain(Host::parse("banned.example").expect("a host"));
    app.service.ban(target, true).await.expect("the store");
    let rows = [
        ("free", "free@free.example", Some("change-address")),
        ("active", "active@TAKEN.example", Some("address-taken")),
        ("unverified", "waiting@taken.example", Some("address-taken")),
        ("deactivated", "gone@taken.example", Some("address-taken")),
        ("kept for another", "former@kept.example", None),
        ("banned", "x@sub.banned.example", None),
    ];
    let mut seen = Vec::new();
    for (what, wanted, kind) in rows {
        let before = app.letters().await.len();
        let commits = app.service.metrics.commits.get();
        let answer = ask(&app, &ann, wanted).await;
        let id = answer.field("verificationTokenId");
        assert_eq!(id.len(), 24, "{what}");
        let letters = app.letters().await;
        assert_eq!(letters.len() - before, 1 + usize::from(kind.is_some()), "{what}");
        let fresh: Vec<&Letter> = letters.iter().take(letters.len() - before).collect();
        assert!(fresh.iter().any(|l| l.to() == ann.email && l.0["kind"] == "change-asked"), "{what}");
        if let Some(kind) = kind {
            let to = fresh.iter().find(|l| l.0["kind"] == kind).expect(what).to();
            assert_eq!(to == wanted, what != "active", "mail goes to the stored address: {to}");
            assert!(to.eq_ignore_ascii_case(wanted), "{what}");
        }
        assert!(app.service.metrics.commits.get() > commits);
        let code = json!({"verificationTokenId": id, "code": "00000000"});
        invalid(&app.post("/user/confirm-email", &code).await, what);
        let export = app.call(&ann, Method::GET, "/user/export", None).await.json()["data"].clone();
        assert!(export["pendingEmail"]["email"].as_str().is_some_and(|e| e.eq_ignore_ascii_case(wanted)));
        let entries = app.call(&ann, Method::GET, "/user/audit", None).await.json()["data"].clone();
        assert_eq!(entries[0]["action"], "address.requested", "{what}");
        seen.push((answer.status, answer.text.replace(&id, "ID")));
    }
    assert_eq!(seen[0].0, 200);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_and_writes_nothing() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let newcomer = app.newcomer("ben@acme.com").await;
    let before = app.letters().await.len();
    let good = json!({"newEmail": NEW, "password": PASSWORD});
    assert_eq!(app.post("/user/change-email", &good).await.refusal(), (401, "UNAUTHORIZED".to_owned()));
    let unproven = app.call(&newcomer, Method::POST, "/user/change-email", Some(&good)).await;
    assert_eq!(unproven.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()));
    let long = "x".repeat(300);
    let rows = [
        ("no address", json!({"newEmail": "nobody", "password": PASSWORD}), "INVALID_INPUT"),
        ("two addresses", json!({"newEmail": ["a@x.org", "b@x.org"], "password": PASSWORD}), "INVALID_INPUT"),
        ("a list", json!({"newEmail": "a@x.org,b@x.org", "password": PASSWORD}), "INVALID_INPUT"),
        ("a header", json!({"newEmail": "a@x.org\r\nBcc: b@x.org", "password": PASSWORD}), "INVALID_INPUT"),
        ("no password", json!({"newEmail": NEW}), "INVALID_INPUT"),
        ("nothing", json!({}), "INVALID_INPUT"),
        ("the same", json!({"newEmail": "ANN@acme.com", "password": PASSWORD}), "EMAIL_UNCHANGED"),
        ("a wrong password", json!({"newEmail": NEW, "password": "WrongPass123"}), "INVALID_PASSWORD"),
        ("a long password", json!({"newEmail": NEW, "password": long}), "INVALID_PASSWORD"),
    ];
    for (what, body, code) in rows {
        let answer = app.call(&ann, Method::POST, "/user/change-email", Some(&body)).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{what}");
    }
    // G1: whose account it is comes from the session.
    let ben = app.member("carl@acme.com").await;
    let wish = json!({"newEmail": NEW, "password": PASSWORD, "userId": ben.id, "email": ben.email, "address": ben.email});
    assert_eq!(app.call(&ann, Method::POST, "/user/change-email", Some(&wish)).await.status, 200);
    confirm(&app, &app.letter(NEW, "change-address").await.token()).await;
    assert_eq!((address(&app, &ann).await, address(&app, &ben).await), (json!(NEW), json!(ben.email)));
    assert_eq!(app.letters().await.len(), before + 4, "Carl's own, and three for the one change");
    app.finish().await;
}

// E1, E2: another door to guess the password at, and the same lock
#[tokio::test]
async fn a_wrong_password_counts_like_a_failed_login_of_the_account() {
    let app = proxied().await;
    let ann = app.member("ann@acme.com").await;
    let try_from = async |from: &str, password: &str| {
        let body = json!({"newEmail": NEW, "password": password});
        let request = app.request(Method::POST, "/user/change-email").header("x-forwarded-for", from);
        let answer = app.send(request.bearer_auth(&ann.access).json(&body)).await;
        app.advance(Duration::from_secs(6));
        answer
    };
    let login_from = async |from: &str, password: &str| {
        let body = json!({"email": "ann@acme.com", "password": password});
        let request = app.request(Method::POST, "/user/login").header("x-forwarded-for", from).json(&body);
        let answer = app.send(request).await;
        app.advance(Duration::from_secs(6));
        answer.status
    };
    let (home, elsewhere) = ("203.0.113.1", "198.51.100.1");
    for _ in 0..2 {
        assert_eq!(try_from(home, "WrongPass123").await.refusal(), (400, "INVALID_PASSWORD".to_owned()));
        assert_eq!(login_from(home, "WrongPass123").await, 401);
    }
    assert_eq!(try_from(home, "WrongPass123").await.status, 400, "the fifth, two of them logins");
    let locked = try_from(home, PASSWORD).await;
    assert_eq!(locked.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(locked.header("retry-after"), "54");
    assert_eq!(login_from(home, PASSWORD).await, 429);
    assert_eq!(login_from(elsewhere, PASSWORD).await, 200, "for that network alone");
    assert!(app.letters().await.iter().all(|letter| letter.to() != NEW));
    app.advance(Duration::from_secs(60));
    assert_eq!(try_from(home, PASSWORD).await.status, 200);
    for _ in 0..4 {
        assert_eq!(try_from(home, "WrongPass123").await.status, 400, "the success had cleared the count");
    }
    assert_eq!(login_from(home, PASSWORD).await, 200);
    app.finish().await;
}

// E1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_in_parallel_gain_nothing() {
    let app = proxied().await;
    let ann = app.member("ann@acme.com").await;
    let (app, answers) = crowd(app, 9, move |app, caller| {
        let person = ann.clone();
        async move {
            let body = json!({"newEmail": NEW, "password": format!("WrongPass{caller}")});
            app.call(&person, Method::POST, "/user/change-email", Some(&body)).await
        }
    })
    .await;
    assert_eq!((count(&answers, 400, "INVALID_PASSWORD"), count(&answers, 429, "RATE_LIMITED")), (5, 4));
    app.finish().await;
}

// H5
#[tokio::test]
async fn letters_are_paid_for_by_the_account_and_by_the_wanted_address() {
    let app = proxied().await;
    let ann = app.member("ann@acme.com").await;
    app.member("ben@acme.com").await;
    for number in 0..3 {
        assert_eq!(ask(&app, &ann, &format!("n{number}@x.example")).await.status, 200);
    }
    let refused = ask(&app, &ann, "n3@x.example").await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED".to_owned()), "the account's own");
    assert_eq!(letters_to(&app, "n3@x.example").await, [] as [&str; 0]);
    app.advance(Duration::from_secs(7200));
    let (ann, ben) = (log_in(&app, "ann@acme.com").await, log_in(&app, "ben@acme.com").await);
    // A stranger who spends the present address's budget keeps nobody from leaving it.
    for _ in 0..3 {
        app.post("/user/request-reset-password", &json!({"email": ben.email})).await;
    }
    for _ in 0..2 {
        app.post("/user/request-reset-password", &json!({"email": "target@x.example"})).await;
    }
    assert_eq!(ask(&app, &ben, "target@x.example").await.status, 200, "the third letter to it");
    let spent = ask(&app, &ann, "TARGET@x.example").await;
    assert_eq!(spent.refusal(), (429, "RATE_LIMITED".to_owned()), "one budget with all other routes");
    let reset = app.post("/user/request-reset-password", &json!({"email": "target@x.example"})).await;
    assert_eq!(reset.status, 429);
    for _ in 0..3 {
        assert_eq!(ask(&app, &ann, "other@x.example").await.status, 200, "a refusal has cost nothing");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_dies_with_a_new_password_a_newer_request_and_the_account() {
    let app = App::start().await;
    let events = ["reset", "password", "newer", "deactivate", "operator", "ban", "removed", "erased"];
    for event in events {
        let email = format!("{event}@acme.com");
        let owner = app.member(&format!("owner-of-{event}@acme.com")).await;
        let ann = app.colleague(&owner, &email, 0).await;
        let letter = asked(&app, &ann, &format!("{event}@x.example")).await;
        let id = letter.0["id"].clone();
        match event {
            "reset" => {
                app.post("/user/request-reset-password", &json!({"email": email})).await;
                let token = app.letter(&email, "reset").await.token();
                let reset = json!({"token": token, "newPassword": "OtherPass456"});
                assert_eq!(app.post("/user/reset-password", &reset).await.status, 200);
            }
            "password" => {
                let path = format!("/user/{}", ann.id);
                let change = json!({"password": "OtherPass456"});
                assert_eq!(app.call(&ann, Method::PUT, &path, Some(&change)).await.status, 200);
            }
            "newer" => {
                asked(&app, &ann, "newer-still@x.example").await;
            }
            "deactivate" => {
                app.call(&ann, Method::POST, "/user/deactivate", None).await;
                act(&app, &ann, AccountAction::Activate).await;
            }
            "operator" => {
                act(&app, &ann, AccountAction::Deactivate).await;
                act(&app, &ann, AccountAction::Activate).await;
            }
            "ban" => {
                act(&app, &ann, AccountAction::Ban).await;
                act(&app, &ann, AccountAction::Unban).await;
            }
            "removed" => {
                let path = format!("/organization/users/{}", ann.id);
                assert_eq!(app.call(&owner, Method::DELETE, &path, None).await.status, 200);
                let back = app.call(&owner, Method::POST, &format!("{path}/activate"), None).await;
                assert_eq!(back.status, 200);
            }
            _ => {
                act(&app, &ann, AccountAction::Deactivate).await;
                app.service.erase(ann.id.parse().expect("an id")).await.expect("erased");
                assert!(app.letters().await.iter().all(|letter| letter.0["id"] != id), "its letter, too");
            }
        }
        invalid(&confirm(&app, &letter.token()).await, event);
        let page = app.get(&format!("/change-email?token={}", letter.token())).await;
        assert_eq!(page.status, 400, "{event}");
        let name = AccountName::Id(ann.id.parse().expect("an id"));
        let found = app.service.find_account(&name).expect("the store");
        assert!(found.is_none_or(|member| member.account.email.as_str() == email), "{event}");
    }
    app.finish().await;
}

#[tokio::test]
async fn link_and_code_end_after_a_day() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let letter = asked(&app, &ann, NEW).await;
    app.advance(DAY);
    invalid(&confirm(&app, &letter.token()).await, "a day later");
    let ann = log_in(&app, "ann@acme.com").await;
    assert!(app.call(&ann, Method::GET, "/user/export", None).await.json()["data"]["pendingEmail"].is_null());
    let letter = asked(&app, &ann, NEW).await;
    app.advance(DAY - Duration::from_millis(1));
    assert_eq!(confirm(&app, &letter.token()).await.status, 200, "to its last millisecond");
    app.finish().await;
}

// A2, A5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_accounts_that_want_one_address_one_gets_it() {
    let app = App::start().await;
    let mut tokens = Vec::new();
    for number in 0..20 {
        let person = app.member(&format!("ann{number}@acme.com")).await;
        let spelling = if number % 2 == 0 { "one@x.example" } else { "ONE@x.example" };
        tokens.push(asked(&app, &person, spelling).await.token());
    }
    let (app, answers) = crowd(app, 20, move |app, caller| {
        let token = tokens[caller].clone();
        async move { confirm(&app, &token).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(count(&answers, 400, "INVALID_TOKEN"), 19);
    let all = app.service.list_accounts(0, 100).expect("accounts");
    assert_eq!(all.iter().filter(|member| member.account.email.key() == "one@x.example").count(), 1);
    assert_eq!(app.letters().await.iter().filter(|l| l.0["kind"] == "address-changed").count(), 1);
    app.finish().await;
}

// A2, A5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_uses_of_one_link_one_changes_the_address() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let token = asked(&app, &ann, NEW).await.token();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let token = token.clone();
        async move { confirm(&app, &token).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(letters_to(&app, "ann@acme.com").await, ["address-changed", "change-asked", "verify"]);
    app.finish().await;
}

// A2, A5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_up_and_a_change_race_for_an_address_and_one_gets_it() {
    let app = App::start().await;
    for round in 0..5 {
        let (old, wanted) = (format!("ann{round}@acme.com"), format!("one{round}@x.example"));
        let ann = app.member(&old).await;
        let token = asked(&app, &ann, &wanted).await.token();
        let (changed, made) = tokio::join!(confirm(&app, &token), app.register(&wanted));
        assert_eq!((changed.status == 200) as u8 + (made.status == 201) as u8, 1, "round {round}");
        let taken = app.login(&wanted, PASSWORD).await;
        assert_eq!(taken.json()["user"]["id"] == json!(ann.id), changed.status == 200);
    }
    app.finish().await;
}

// D1: the old mailbox opens nothing any more
#[tokio::test]
async fn a_reset_mailed_to_the_old_address_is_void_after_the_change() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    app.post("/user/request-reset-password", &json!({"email": "ann@acme.com"})).await;
    let reset = app.letter("ann@acme.com", "reset").await;
    changed(&app, &ann, NEW).await;
    let body = json!({"token": reset.token(), "newPassword": "OtherPass456"});
    invalid(&app.post("/user/reset-password", &body).await, "the link");
    for email in ["ann@acme.com", NEW] {
        let body = json!({"email": email, "code": reset.code(), "newPassword": "OtherPass456"});
        invalid(&app.post("/user/reset-password", &body).await, email);
    }
    log_in(&app, NEW).await;
    app.finish().await;
}

// A5
#[tokio::test]
async fn what_was_asked_for_and_done_is_in_the_audit_log_and_goes_with_the_account() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    changed(&app, &ann, NEW).await;
    let token = app.letter("ann@acme.com", "address-changed").await.token();
    app.advance(SECOND);
    assert_eq!(app.submit("/undo-change-email", &[("token", &token)]).await.status, 200);
    let entries = app.service.audit(ann.id.parse().ok(), 10).expect("the store");
    let told: Vec<(&str, &str)> =
        entries.iter().take(3).map(|entry| (entry.action.as_str(), entry.detail.as_str())).collect();
    let (there, back) = (format!("ann@acme.com to {NEW}"), format!("{NEW} to ann@acme.com"));
    assert_eq!(
        told,
        [("address.restored", &*back), ("address.changed", &*there), ("address.requested", &*there)]
    );
    assert!(entries.iter().all(|entry| entry.address == "127.0.0.1" && entry.actor_kind == "person"));
    app.carried().await;
    act(&app, &ann, AccountAction::Ban).await;
    app.service.erase(ann.id.parse().expect("an id")).await.expect("erased");
    let left = app.service.audit(ann.id.parse().ok(), 10).expect("the store");
    assert_eq!(left.len(), entries.len() + 2);
    assert!(left.iter().all(|entry| entry.address.is_empty() && !entry.detail.contains('@')), "{left:?}");
    app.finish().await;
}
