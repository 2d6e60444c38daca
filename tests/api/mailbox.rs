//! What letters say, in what form and language, and who may read the mailbox.

use latchkey::model::letter::LetterState;
use reqwest::Method;
use serde_json::json;

use crate::app::{App, registration};
use crate::smtp_sink::{Received, Sink};

/// A kind of letter, its subject, and how it begins.
type Words = (&'static str, &'static str, &'static str);

/// What the browser asks for, the language it gets, and the words of each letter.
const WORDS: &[(&str, &str, [Words; 3])] = &[
    (
        "en-US,en;q=0.9,de;q=0.5",
        "en",
        [
            ("verify", "Confirm your address for Latchkey", "Hello John,"),
            ("reset", "Choose a new password for Latchkey", "Hello John,"),
            ("password-changed", "Your password for Latchkey was changed", "Hello John,"),
        ],
    ),
    (
        "de-AT,de;q=0.9,en;q=0.5",
        "de",
        [
            ("verify", "Bestätigen Sie Ihre Adresse für Latchkey", "Guten Tag John,"),
            ("reset", "Neues Passwort für Latchkey", "Guten Tag John,"),
            ("password-changed", "Ihr Passwort für Latchkey wurde geändert", "Guten Tag John,"),
        ],
    ),
    (
        "fa-IR,fa;q=0.9,en-US;q=0.8",
        "fa",
        [
            ("verify", "نشانی خود را برای Latchkey تأیید کنید", "سلام \u{2068}John\u{2069}،"),
            ("reset", "گذرواژهٔ جدیدی برای Latchkey انتخاب کنید", "سلام \u{2068}John\u{2069}،"),
            ("password-changed", "گذرواژهٔ شما برای Latchkey تغییر کرد", "سلام \u{2068}John\u{2069}،"),
        ],
    ),
    (
        "de;q=0.3,fr-CA;q=0.7,fa;q=0.5",
        "fr",
        [
            ("verify", "Confirmez votre adresse pour Latchkey", "Bonjour John,"),
            ("reset", "Choisissez un nouveau mot de passe pour Latchkey", "Bonjour John,"),
            ("password-changed", "Votre mot de passe pour Latchkey a été modifié", "Bonjour John,"),
        ],
    ),
    (
        "nl,*;q=0.1",
        "en",
        [
            ("verify", "Confirm your address for Latchkey", "Hello John,"),
            ("reset", "Choose a new password for Latchkey", "Hello John,"),
            ("password-changed", "Your password for Latchkey was changed", "Hello John,"),
        ],
    ),
];

#[tokio::test]
async fn letters_speak_the_language_of_the_sign_up_whoever_asks_for_them_later() {
    let app = App::start().await;
    for (number, (accepted, language, letters)) in WORDS.iter().enumerate() {
        let email = format!("n{number}@company.example");
        let sign_up = app.request(Method::POST, "/user/register").json(&registration(&email));
        assert_eq!(app.send(sign_up.header("accept-language", *accepted)).await.status, 201);
        let ask = app.request(Method::POST, "/user/request-reset-password").json(&json!({"email": email}));
        app.send(ask.header("accept-language", "en")).await;
        let token = app.letter(&email, "reset").await.token();
        let changed = json!({"token": token, "newPassword": "OtherPass123"});
        assert_eq!(app.post("/user/reset-password", &changed).await.status, 200);
        for (kind, subject, greeting) in letters {
            let letter = app.letter(&email, kind).await.0;
            assert_eq!(letter["subject"], json!(subject), "{accepted}");
            let (text, html) =
                (letter["text"].as_str().expect("text"), letter["html"].as_str().expect("html"));
            let marked_up = greeting.replace('\u{2068}', "<bdi>").replace('\u{2069}', "</bdi>");
            assert!(text.starts_with(greeting) && html.contains(&marked_up), "{accepted} {kind}: {text}");
            assert!(html.contains(&format!("lang=\"{language}\"")), "{accepted} {kind}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_letter_through_a_server_has_both_alternatives_and_names_its_language() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    let sign_up = app.request(Method::POST, "/user/register").json(&registration("ann@company.example"));
    app.send(sign_up.header("accept-language", "de")).await;
    let letter = sink.wait_for(1).await.remove(0);
    assert!(letter.text().starts_with("Guten Tag John,\n\nbitte bestätigen"), "{}", letter.text());
    assert!(letter.html().contains("Adresse bestätigen"), "{}", letter.html());
    assert_eq!(letter.header("Content-Language").as_deref(), Some("de"));
    let token = |text: &str| text.split_once("token=").map(|(_, rest)| rest[..43].to_owned());
    assert_eq!(token(&letter.text()), token(&letter.html()));
    app.finish().await;
}

fn head(letter: &Received) -> String {
    let raw = String::from_utf8(letter.raw.clone()).expect("a letter of ASCII");
    raw.split_once("\r\n\r\n").expect("headers and a body").0.to_owned()
}

// I1
#[tokio::test]
async fn a_letter_is_well_formed_whatever_the_names_are() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| {
        settings.smtp_url = Some(sink.url());
        settings.app_name = Some("Müller & \"Söhne\", <Shop> \u{1f511}".to_owned());
    })
    .await;
    let names = [
        "O'Brien \"Bob\"".to_owned(),
        "Zoë, the 1st".to_owned(),
        "王小明".to_owned(),
        "\u{1f469}\u{200d}\u{1f4bb}".to_owned(),
        "ü".repeat(100),
        ".".to_owned(),
        "=?utf-8?q?x?=".to_owned(),
    ];
    for (number, name) in names.iter().enumerate() {
        let mut body = registration(&format!("n{number}@company.example"));
        (body["firstName"], body["lastName"]) = (json!(name), json!(name));
        assert_eq!(app.post("/user/register", &body).await.status, 201, "{name}");
        let letter = sink.wait_for(number + 1).await.remove(number);
        let shown = letter.text();
        let greeted = name.chars().count() <= 40;
        assert_eq!(shown.starts_with(&format!("Hello {name},\n")), greeted, "{name}: {shown}");
        assert_eq!(letter.subject(), "Confirm your address for Müller & \"Söhne\", <Shop> \u{1f511}");
        assert!(letter.html().contains("Müller &amp; "), "{}", letter.html());
        assert!(!letter.html().contains("<Shop>"), "{}", letter.html());
        assert_eq!(letter.to, [format!("n{number}@company.example")]);
        let head = head(&letter);
        for line in String::from_utf8_lossy(&letter.wire).split("\r\n") {
            assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
        }
        for (header, times) in
            [("to", 1), ("from", 1), ("subject", 1), ("message-id", 1), ("date", 1), ("bcc", 0)]
        {
            let is_it = |line: &&str| line.to_lowercase().starts_with(&format!("{header}:"));
            assert_eq!(head.lines().filter(is_it).count(), times, "{header} in {head}");
        }
    }
    app.finish().await;
}

// I1
#[tokio::test]
async fn a_name_that_would_be_a_header_or_a_line_is_refused_and_causes_no_letter() {
    let app = App::start().await;
    for field in ["firstName", "lastName", "companyName"] {
        for breaker in ["\r\n", "\n", "\r", "\0", "\u{b}", "\u{85}", "\u{2028}", "\u{2029}", "\u{202e}"] {
            let mut body = registration("ann@company.example");
            body[field] = json!(format!("Ann{breaker}Bcc: eve@evil.example{breaker}.{breaker}"));
            let answer = app.post("/user/register", &body).await;
            assert_eq!(answer.refusal(), (400, "INVALID_INPUT".to_owned()), "{breaker:?} in {field}");
        }
    }
    assert!(app.letters().await.is_empty());
    app.finish().await;
}

const MAILBOX: [&str; 4] = [
    "/mailbox",
    "/mailbox/letters",
    "/mailbox/0123456789abcdef01234567",
    "/mailbox/0123456789abcdef01234567/html",
];

// J7
#[tokio::test]
async fn the_mailbox_is_closed_to_whoever_may_not_be_of_this_machine() {
    let app = App::start().await;
    app.register("ann@company.example").await;
    let id = app.letter("ann@company.example", "verify").await.0["id"].as_str().expect("an id").to_owned();
    let strange = [
        ("host", "evil.example"),
        ("host", "localhost.evil.example"),
        ("host", "127.0.0.1.evil.example"),
        ("host", "192.0.2.1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
    ];
    for path in MAILBOX.map(|path| path.replace("0123456789abcdef01234567", &id)) {
        assert_eq!(app.get(&path).await.status, 200, "{path} is open to this machine");
        let by_name = app.request(Method::GET, &path).header("host", "finradar.localhost:8080");
        assert_eq!(app.send(by_name).await.status, 200, "{path}");
        for (name, value) in strange {
            let answer = app.send(app.request(Method::GET, &path).header(name, value)).await;
            assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{path} with {name}: {value}");
            assert!(!answer.text.contains("ann@"), "{}", answer.text);
        }
        // No spelling leads around the gate.
        for spelling in
            [format!("/{path}"), path.replace("mailbox", "Mailbox"), path.replace("mail", "%6dail")]
        {
            let answer = app.send(app.request(Method::GET, &spelling).header("host", "evil.example")).await;
            assert_eq!(answer.status, 404, "{spelling}");
        }
    }
    app.finish().await;
}

// J7
#[tokio::test]
async fn the_mailbox_is_closed_where_letters_are_sent_or_the_operator_says_so() {
    let sink = Sink::start().await;
    let relayed = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    let public = App::start_with(|settings| {
        settings.smtp_url = Some(sink.url());
        settings.mailbox = Some("public".to_owned());
        settings.public_url = Some("https://id.company.example".to_owned());
    })
    .await;
    let off = App::start_with(|settings| settings.mailbox = Some("off".to_owned())).await;
    for app in [relayed, public, off] {
        assert_eq!(app.register("ann@company.example").await.status, 201);
        app.carried().await;
        for path in MAILBOX {
            assert_eq!(app.get(path).await.refusal(), (404, "NOT_FOUND".to_owned()), "{path}");
        }
        let letters = app.service.list_letters(None, 10).expect("the outbox");
        assert_eq!(letters[0].state, LetterState::Delivered);
        app.finish().await;
    }
}
