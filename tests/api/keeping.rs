//! What the operator keeps, and what outlives a change of mind: keys, backups, hashes of another cost, races against a
//! reset.

use latchkey::service::authenticate::Caller;
use latchkey::service::profile::{ProfileChange, ProfileError};
use reqwest::Method;
use serde_json::json;

use crate::app::{App, PASSWORD, Person};
use crate::crowd::crowd;
use crate::process::Place;

#[tokio::test]
async fn no_key_is_made_beside_a_database_that_has_had_one() {
    let place = Place::new();
    place.serve(&[]).stop().await;
    let key = place.path("latchkey.db.key");
    std::fs::rename(&key, place.path("kept.key")).expect("moved");
    let commands: [&[&str]; 3] = [&["account", "list"], &["check"], &["--listen", "127.0.0.1:0"]];
    for command in commands {
        let refused = place.run(command);
        assert_eq!(refused.status, 1, "{command:?}");
        assert!(refused.stderr.contains("latchkey.db.key is missing"), "{command:?}: {}", refused.stderr);
        assert!(!key.exists(), "{command:?} makes no key");
    }
    std::fs::rename(place.path("kept.key"), &key).expect("moved back");
    assert_eq!(place.run(&["account", "list"]).status, 0);
}

// J6
#[tokio::test]
async fn a_backup_is_restored_with_its_own_key_alone() {
    let place = Place::new();
    let server = place.serve(&[]);
    let sign_up = server.post("/user/register", &crate::app::registration("ann@acme.com")).await;
    assert_eq!(sign_up.status, 201);
    assert_eq!(place.run(&["backup", "copy.db"]).status, 0);
    let exists = place.run(&["backup", "copy.db"]);
    assert_eq!(
        exists.stderr.trim_end(),
        "latchkey: cannot back up to copy.db: the database is unavailable: copy.db exists already"
    );
    server.stop().await;

    let elsewhere = Place::new();
    elsewhere.serve(&[]).stop().await;
    let before = std::fs::read(elsewhere.database()).expect("the database");
    let copy = place.path("copy.db");
    let copy = copy.to_str().expect("a path");
    let refused = elsewhere.run(&["restore", copy]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("the secret key does not fit"), "{}", refused.stderr);
    assert_eq!(std::fs::read(elsewhere.database()).expect("the database"), before, "nothing has changed");

    std::fs::copy(place.path("latchkey.db.key"), elsewhere.path("latchkey.db.key")).expect("copied");
    let restored = elsewhere.run(&["restore", copy]);
    assert_eq!(restored.status, 0, "{}", restored.stderr);
    assert_eq!(elsewhere.json(&["account", "list"])[0]["email"], "ann@acme.com");
}

#[tokio::test]
async fn hashes_of_another_cost_are_renewed_and_nobody_is_refused_meanwhile() {
    let mut app = App::start().await;
    app.member("ann@acme.com").await;
    app.stop().await;
    let dearer = App::start_on(app.database().to_owned(), app.clock.clone(), |arguments| {
        arguments.argon2 = Some("m=128,t=1,p=1".to_owned());
    })
    .await;
    let login = |app: std::sync::Arc<App>, _| async move { app.login("ann@acme.com", PASSWORD).await };
    let (dearer, answers) = crowd(dearer, 8, login).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let member =
        dearer.service.store.read(|tx| latchkey::store::accounts::member_by_email(tx, "ann@acme.com"));
    let hash = member.expect("the store").expect("an account").account.password_hash.unwrap_or_default();
    assert!(hash.contains("m=128,"), "{hash}");
    dearer.finish().await;
}

// A1, D2: whoever a reset threw out does not have the last word
#[tokio::test]
async fn a_change_that_was_let_in_before_a_reset_is_refused_after_it() {
    let app = App::start().await;
    let thief = app.member("ann@acme.com").await;
    let session = thief.session.parse().expect("an id");
    let found = app.service.store.read(|tx| latchkey::store::sessions::with_member(tx, session));
    let (member, address) = (found.expect("the store").expect("a session").1, app.address.ip());
    let caller = Caller { session, token: None, member, address, passed_at: None };
    app.post("/user/request-reset-password", &json!({"email": "ann@acme.com"})).await;
    let token = app.letter("ann@acme.com", "reset").await.token();
    let reset = json!({"token": token, "newPassword": "OwnersPass456"});
    assert_eq!(app.post("/user/reset-password", &reset).await.status, 200);

    let password = latchkey::model::password::Password::given("ThiefsPass789");
    let change = ProfileChange { password, ..ProfileChange::default() };
    let late = app.service.change_profile(&caller, caller.member.account.id, change).await;
    assert!(matches!(late, Err(ProfileError::SessionEnded)), "{late:?}");
    assert!(!app.service.deactivate(&caller).await.expect("the store"));
    assert_eq!(app.login("ann@acme.com", "OwnersPass456").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn an_unverified_account_can_be_proved_after_a_ban_was_lifted() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let old = app.letter(&ann.email, "verify").await.token();
    let member = app.service.store.read(|tx| latchkey::store::accounts::member_by_email(tx, "ann@acme.com"));
    let member = member.expect("the store").expect("an account");
    use latchkey::service::operator::AccountAction::{Ban, Unban};
    app.service.act_on_account(&member, Ban).await.expect("banned");
    let banned = app.post("/user/verify-email", &json!({"token": old})).await;
    assert_eq!(banned.refusal(), (400, "INVALID_TOKEN".to_owned()));
    app.service.act_on_account(&member, Unban).await.expect("unbanned");
    let again = app.login(&ann.email, PASSWORD).await;
    let again = Person::of(&ann.email, &again);
    assert_eq!(again.proof, ann.proof, "the same verification is still open");
    app.advance(std::time::Duration::from_secs(2 * 86_400));
    app.sweep().await;
    let resend = format!("/user/resend-verification/{}", ann.proof);
    assert_eq!(app.send(app.request(Method::POST, &resend)).await.status, 200);
    let fresh = app.letter(&ann.email, "verify").await.token();
    assert_ne!(fresh, old);
    assert_eq!(app.post("/user/verify-email", &json!({"token": fresh})).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn health_tells_when_housekeeping_went_through_last() {
    let app = App::start().await;
    crate::app::until("the first round at the start", || app.service.last_sweep().is_some()).await;
    let health = app.get("/health").await.json();
    assert_eq!(health["housekeeping"], json!({"lastRun": "2026-03-01T12:00:00Z", "removed": 0}));
    assert_eq!((&health["status"], &health["courier"]["status"]), (&json!("ok"), &json!("ok")));
    app.finish().await;
}
