//! The operator's commands on the file of a running server.

use serde_json::{Value, json};

use crate::app::{PASSWORD, Person, registration};
use crate::process::{Place, Process};

async fn sign_up(server: &Process, email: &str) -> Person {
    let answer = server.post("/user/register", &registration(email)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    Person::of(email, &answer)
}

async fn login(server: &Process, email: &str, password: &str) -> (u16, String) {
    let answer = server.post("/user/login", &json!({"email": email, "password": password})).await;
    (answer.status, answer.field("error_code"))
}

fn letter_id(place: &Place, to: &str) -> String {
    let letters = place.json(&["letters", "list"]);
    let found = letters.as_array().expect("an array").iter().find(|letter| letter["to"] == to);
    found.expect("a letter")["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_account_made_with_a_password_logs_in_at_once() {
    let place = Place::new();
    let server = place.serve(&[]);
    let names =
        ["--first-name", "Ann", "--last-name", "Lee", "--company", "Acme", "--website", "acme.example"];
    let create =
        ["account", "create", "--email", "ann@acme.example", "--password-stdin", "--business", "--json"];
    let made = place.run_with_input(&[&create[..], &names].concat(), "SecurePass123\n");
    assert_eq!(made.status, 0, "{}", made.stderr);
    let account = made.json();
    assert_eq!((&account["email"], &account["state"]), (&json!("ann@acme.example"), &json!("unverified")));
    assert!(!made.stdout.contains("SecurePass123") && !made.stdout.contains("argon2"), "{}", made.stdout);
    assert_eq!(login(&server, "ann@acme.example", PASSWORD).await.0, 200);

    let again = place.run_with_input(&[&create[..], &names].concat(), PASSWORD);
    assert_eq!((again.status, again.stderr.lines().count()), (1, 1), "{}", again.stderr);
    let weak = ["account", "create", "--email", "b@acme.example", "--password-stdin"];
    let weak = place.run_with_input(&[&weak[..], &names].concat(), "weakly");
    assert_eq!(weak.status, 1);
    assert!(weak.stderr.contains("the password") && !weak.stderr.contains("weakly"), "{}", weak.stderr);
    let verified =
        ["account", "create", "--email", "c@acme.example", "--password-stdin", "--verified", "--json"];
    let verified = place.run_with_input(&[&verified[..], &names].concat(), PASSWORD);
    assert_eq!(verified.json()["state"], "active", "{}", verified.stderr);
    server.stop().await;
}

#[tokio::test]
async fn an_account_made_without_a_password_gets_one_on_the_mailed_page() {
    let place = Place::new();
    let server = place.serve(&[]);
    let create =
        ["account", "create", "--email", "ann@acme.example", "--first-name", "Ann", "--last-name", "Lee"];
    let unknown = place.run(&[&create[..], &["--language", "tlh"]].concat());
    assert!(unknown.stderr.contains("--language must be en, de, fa or fr"), "{}", unknown.stderr);
    let made = place.json(&[&create[..], &["--language", "de"]].concat());
    assert_eq!(made["has password"], false);
    assert_eq!(login(&server, "ann@acme.example", PASSWORD).await.0, 401);
    // The courier looks by itself; asking for one retry makes it no later.
    let letters = tokio::time::timeout(crate::app::PATIENCE, async {
        loop {
            let letters = server.get("/mailbox/letters").await.json();
            if letters != json!([]) {
                return letters;
            }
            tokio::task::yield_now().await;
        }
    });
    let letters = letters.await.expect("the letter comes");
    assert_eq!(letters[0]["subject"], "Einladung zu Latchkey");
    let link = letters[0]["links"][0].as_str().expect("a link");
    assert!(link.starts_with(&format!("http://{}/verify-email?token=", server.address)), "{link}");
    let (_, token) = link.split_once("token=").expect("a token");
    let page = server.get(&format!("/verify-email?token={token}")).await;
    assert!(page.text.contains("type=\"password\""), "{}", page.text);
    let bare = server.submit("/verify-email", &[("token", token)]).await;
    assert_eq!(bare.status, 400, "a password has to be chosen");
    let chosen = server.submit("/verify-email", &[("token", token), ("password", PASSWORD)]).await;
    assert_eq!(chosen.status, 200, "{}", chosen.text);
    assert_eq!(login(&server, "ann@acme.example", PASSWORD).await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn what_the_operator_does_to_an_account_cuts_within_one_request() {
    let place = Place::new();
    let server = place.serve(&[]);
    let email = "ann@acme.example";
    let ann = sign_up(&server, email).await;
    let state = |named: &str| place.json(&["account", "show", named])["state"].clone();
    assert_eq!(state(&ann.id), "unverified");
    assert_eq!(place.run(&["account", "verify", email]).status, 0);
    assert_eq!(
        (state("ANN@acme.example"), server.profile(&ann).await.json()["data"]["validated"].clone()),
        (json!("active"), json!(true))
    );
    for (action, undo, named) in [("deactivate", "activate", "deactivated"), ("ban", "unban", "banned")] {
        let answer = server.post("/user/login", &json!({"email": email, "password": PASSWORD})).await;
        let person = Person::of(email, &answer);
        assert_eq!(server.profile(&person).await.status, 200);
        assert_eq!(place.run(&["account", action, email]).status, 0);
        assert_eq!(server.profile(&person).await.status, 401, "{action} cuts at once");
        let refresh = server.post("/user/refresh", &json!({"refreshToken": person.refresh})).await;
        assert_eq!(refresh.status, 401, "{action}");
        assert_eq!(login(&server, email, PASSWORD).await, (401, "USER_INACTIVE".to_owned()), "{action}");
        assert_eq!(state(email), named);
        let twice = place.run(&["account", action, email]);
        assert!(twice.status == 0 && twice.stdout.contains("already"), "{twice:?}");
        assert_eq!(place.run(&["account", undo, email]).status, 0);
        assert_eq!(server.profile(&person).await.status, 401, "{undo} brings no session back");
        assert_eq!(login(&server, email, PASSWORD).await.0, 200, "{undo}");
    }
    let unknown = place.run(&["account", "ban", "nobody@acme.example"]);
    assert_eq!((unknown.status, unknown.stderr.lines().count()), (1, 1), "{unknown:?}");
    assert_eq!(place.run(&["account", "show", "no name"]).status, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_banned_organization_or_domain_is_shut_out_at_once() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = sign_up(&server, "ann@acme.example").await;
    place.run(&["account", "verify", &ann.id]);
    let shown = place.json(&["organization", "show", &ann.organization]);
    assert_eq!((&shown["claimed"], &shown["members"]), (&json!("acme.example"), &json!(1)));
    assert_eq!(place.run(&["organization", "ban", &ann.organization]).status, 0);
    assert_eq!(server.profile(&ann).await.status, 401, "its members are out");
    let newcomer = server.post("/user/register", &registration("ben@mail.acme.example")).await;
    assert_eq!(newcomer.refusal(), (400, "ORG_BANNED".to_owned()), "and its claimed domain with it");
    assert_eq!(place.run(&["organization", "unban", &ann.organization]).status, 0);
    assert_eq!(login(&server, "ann@acme.example", PASSWORD).await.0, 200);

    assert_eq!(place.run(&["organization", "ban", "evil.example"]).status, 0);
    assert_eq!(place.json(&["organization", "list", "--banned-domains"])[0]["domain"], "evil.example");
    let refused = server.post("/user/register", &registration("eve@sub.evil.example")).await;
    assert_eq!(refused.refusal(), (400, "ORG_BANNED".to_owned()));
    assert_eq!(place.run(&["organization", "unban", "evil.example"]).status, 0);
    assert_eq!(server.post("/user/register", &registration("eve@sub.evil.example")).await.status, 201);
    assert_eq!(place.run(&["organization", "ban", "0123456789abcdef01234567"]).status, 1);
    assert_eq!(place.run(&["organization", "ban", "not a domain"]).status, 1);
    server.stop().await;
}

#[tokio::test]
async fn letters_are_listed_without_their_words_and_one_that_failed_is_tried_again() {
    let place = Place::new();
    let sink = crate::smtp_sink::Sink::start().await;
    let refused = crate::smtp_sink::Behavior::RefuseAt(crate::smtp_sink::Step::Rcpt, 550, "5.1.1 full");
    sink.behave(refused);
    let server = place.serve(&["--smtp-url", &sink.url()]);
    sign_up(&server, "ann@acme.example").await;
    let id = letter_id(&place, "ann@acme.example");
    let state = |of: &Value| of["state"].as_str().expect("a state").to_owned();
    let failed = async {
        while state(&place.json(&["letters", "show", &id])) != "failed" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::app::PATIENCE, failed).await.expect("it fails");
    assert_eq!(place.json(&["letters", "list", "--state", "failed"])[0]["id"], json!(id));
    let shown = place.run(&["letters", "show", &id]);
    assert!(shown.stdout.contains("550 5.1.1 full") && !shown.stdout.contains("token="), "{}", shown.stdout);
    sink.behave(crate::smtp_sink::Behavior::Accept);
    assert_eq!(place.run(&["letters", "retry", &id]).status, 0);
    assert_eq!(sink.wait_for(1).await[0].to, ["ann@acme.example"]);
    server.stop().await;
    let delivered = place.run(&["letters", "retry", &id]);
    assert_eq!((delivered.status, delivered.stderr.lines().count()), (1, 1), "{delivered:?}");
    assert_eq!(place.run(&["letters", "list", "--state", "lost"]).status, 1);
}

#[tokio::test]
async fn the_operator_reads_the_log_at_the_command_line() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = sign_up(&server, "ann@acme.example").await;
    sign_up(&server, "ben@acme.example").await;
    assert_eq!(place.run(&["account", "ban", &ann.id]).status, 0);
    let entries = place.json(&["audit"]);
    assert_eq!(entries.as_array().map(Vec::len), Some(3));
    let newest = &entries[0];
    assert_eq!((&newest["action"], &newest["by"]), (&json!("account.banned"), &json!("operator")));
    assert_eq!((&newest["account"], &newest["address"]), (&json!(ann.id), &Value::Null));
    assert_eq!(entries[2]["address"], "127.0.0.1");
    for named in [&ann.id, "ANN@acme.example"] {
        assert_eq!(place.json(&["audit", "--account", named]).as_array().map(Vec::len), Some(2), "{named}");
    }
    assert_eq!(place.json(&["audit", "--limit", "1"]).as_array().map(Vec::len), Some(1));
    let table = place.run(&["audit"]);
    assert!(table.stdout.starts_with("AT ") || table.stdout.starts_with(" AT "), "{}", table.stdout);
    let unknown = place.run(&["audit", "--account", "nobody@acme.example"]);
    assert_eq!((unknown.status, unknown.stderr.lines().count()), (1, 1), "{unknown:?}");
    assert_eq!(place.run(&["audit", "--limit", "0"]).status, 2);
    server.stop().await;
}

#[tokio::test]
async fn a_running_server_goes_over_to_rotated_keys() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = sign_up(&server, "ann@acme.example").await;
    assert_eq!(place.run(&["keys", "rotate"]).status, 0);
    assert_eq!(server.profile(&ann).await.status, 200, "tokens of the old key stay good");
    // Another server on the same file signs with the new key; the first has never seen it.
    let second = place.serve(&[]);
    let answer =
        second.post("/user/login", &json!({"email": "ann@acme.example", "password": PASSWORD})).await;
    let signed_anew = Person::of("ann@acme.example", &answer);
    assert_eq!(server.profile(&signed_anew).await.status, 200, "the key is read when a token names it");
    let keys = server.get("/.well-known/jwks.json").await.json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
    second.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_backup_restores_whole_and_neither_overwrites_anything() {
    let place = Place::new();
    let server = place.serve(&[]);
    sign_up(&server, "kept@acme.example").await;
    let backup = place.run(&["backup", "copy.db"]);
    assert_eq!(backup.status, 0, "{}", backup.stderr);
    let before = std::fs::read(place.path("copy.db")).expect("a copy");
    let again = place.run(&["backup", "copy.db"]);
    assert_eq!((again.status, again.stderr.lines().count()), (1, 1), "{again:?}");
    assert_eq!(std::fs::read(place.path("copy.db")).expect("a copy"), before, "it is as it was");
    sign_up(&server, "later@acme.example").await;
    let busy = place.run(&["restore", "copy.db"]);
    assert_eq!(busy.status, 1, "{busy:?}");
    assert!(busy.stderr.contains("stop the server"), "{}", busy.stderr);
    assert_eq!(login(&server, "later@acme.example", PASSWORD).await.0, 200, "the server goes on");
    server.stop().await;

    std::fs::write(place.path("garbage"), "no database".repeat(500)).expect("written");
    assert_eq!(place.run(&["restore", "garbage"]).status, 1);
    assert_eq!(place.run(&["restore", "missing.db"]).status, 1);
    let restored = place.run(&["restore", "copy.db"]);
    assert_eq!(restored.status, 0, "{}", restored.stderr);
    assert_eq!(place.run(&["check"]).status, 0);
    let again = place.run(&["restore", "copy.db"]);
    assert!(again.status == 0 && again.stdout.contains("latchkey.db.before-restore.2"), "{again:?}");
    assert!(place.path("latchkey.db.before-restore").exists(), "what was put aside first is still there");
    let server = place.serve(&[]);
    assert_eq!(login(&server, "kept@acme.example", PASSWORD).await.0, 200);
    assert_eq!(login(&server, "later@acme.example", PASSWORD).await.0, 401);
    assert_eq!(place.run(&["--database", "latchkey.db.before-restore", "check"]).status, 1, "it has no key");
    server.stop().await;
}

#[tokio::test]
async fn the_printed_document_is_the_committed_one_and_json_is_json_everywhere() {
    let place = Place::new();
    let printed = place.run(&["openapi"]);
    assert_eq!(printed.stdout.trim_end(), include_str!("../../openapi.yaml").trim_end());
    assert_eq!(place.json(&["check"])["done"].as_str().map(|text| text.contains("first start")), Some(true));
    assert_eq!(place.run(&["account", "list"]).status, 1, "there is no file yet");
    let server = place.serve(&[]);
    assert_eq!(place.run(&["account", "list"]).stdout, "none\n");
    let ann = sign_up(&server, "ann@acme.example").await;
    let letter = letter_id(&place, "ann@acme.example");
    for arguments in [
        &["account", "list"][..],
        &["account", "show", &ann.id],
        &["account", "verify", &ann.id],
        &["account", "ban", &ann.id],
        &["account", "unban", &ann.id],
        &["organization", "list"],
        &["organization", "show", &ann.organization],
        &["organization", "ban", "evil.example"],
        &["organization", "list", "--banned-domains"],
        &["letters", "list", "--domain", "acme.example"],
        &["letters", "show", &letter],
        &["audit"],
        &["keys", "rotate"],
        &["backup", "copy.db"],
        &["check"],
    ] {
        let value = place.json(arguments);
        assert!(value.is_object() || value.is_array(), "{arguments:?}: {value}");
        let table = place.run(arguments);
        assert!(table.status == 0 || arguments[0] == "backup", "{arguments:?}: {table:?}");
        assert!(!table.stdout.starts_with(['{', '[']), "{arguments:?}: {table:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn letters_of_ones_own_start_from_files_and_are_checked_before_a_server_starts() {
    let place = Place::new();
    let made = place.run(&["mail", "templates", "--out", "own"]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    assert!(made.stdout.contains("171 templates are in own"), "{}", made.stdout);
    let again = place.run(&["mail", "templates", "--out", "own"]);
    assert_eq!(again.status, 1);
    assert!(
        again.stderr.contains("own/en/verify.txt is there already, and nothing is written over"),
        "{}",
        again.stderr
    );
    let with_them = ["--mail-templates", "own"];
    assert_eq!(place.run(&[&with_them[..], &["check"]].concat()).status, 0, "what is written is sound");

    let server = place.serve(&with_them);
    sign_up(&server, "ann@company.example").await;
    let file = place.path("own/en/verify.txt");
    std::fs::write(&file, "{{ linc }}\n{{ code }}").expect("a file");
    std::fs::write(place.path("own/de/verify.html"), "{{ link }}").expect("a file");
    for arguments in [&["check"][..], &["--listen", "127.0.0.1:0"]] {
        let refused = place.run(&[&with_them[..], arguments].concat());
        assert_eq!(
            (refused.status, refused.stderr.matches("latchkey: ").count()),
            (1, 2),
            "{}",
            refused.stderr
        );
        for words in [
            "own/en/verify.txt, line 1: there is no variable linc",
            "own/de/verify.html: it gives a letter without {{ code }}",
        ] {
            assert!(refused.stderr.contains(words), "{}", refused.stderr);
        }
    }
    let listed = place.run(&[&with_them[..], &["account", "list"]].concat());
    assert_eq!(listed.status, 0, "what has nothing to do with letters is done: {}", listed.stderr);
    assert!(listed.stderr.contains("no server would start"), "{}", listed.stderr);
    server.stop().await;
}
