//! What letters say, in what form and language, and who may read the mailbox.

use latchkey::clock::Clock;
use latchkey::model::letter::LetterState;
use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, START, registration};
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

const MAILBOX: [&str; 9] = [
    "/mailbox",
    "/mailbox?q=ann",
    "/mailbox/newest",
    "/mailbox/letters",
    "/mailbox/letters?to=ann@company.example",
    "/mailbox/0123456789abcdef01234567",
    "/mailbox/0123456789abcdef01234567?view=raw",
    "/mailbox/0123456789abcdef01234567/html",
    "/mailbox/0123456789abcdef01234567/eml",
];

/// What empties the mailbox.
const EMPTYING: [(Method, &str); 2] =
    [(Method::POST, "/mailbox/clear"), (Method::DELETE, "/mailbox/letters")];

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
    for (method, path) in EMPTYING {
        for (name, value) in strange {
            let answer = app.send(app.request(method.clone(), path).header(name, value)).await;
            assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{path} with {name}: {value}");
        }
    }
    assert_eq!(app.letters().await.len(), 1, "strangers empty nothing");
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
        for (method, path) in EMPTYING {
            let answer = app.send(app.request(method, path)).await;
            assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{path}");
        }
        let letters = app.service.list_letters(None, 10).expect("the outbox");
        assert_eq!(letters[0].state, LetterState::Delivered);
        app.finish().await;
    }
}

/// The addresses of letters in an answer of `/mailbox/letters`, in its order.
fn recipients(answer: &Answer) -> Vec<String> {
    let letters = answer.json();
    let letters = letters.as_array().expect("an array").iter();
    letters.map(|letter| letter["to"].as_str().expect("an address").to_owned()).collect()
}

#[tokio::test]
async fn letters_are_found_by_their_address() {
    let app = App::start().await;
    for email in ["ann@company.example", "joann@company.example", "a_n@company.example"] {
        app.register(email).await;
    }
    app.carried().await;
    let to = |address: &str| format!("/mailbox/letters?to={address}");
    assert_eq!(recipients(&app.get(&to("ANN@company.example")).await), ["ann@company.example"]);
    assert_eq!(recipients(&app.get(&to("ann")).await), [""; 0], "a part of an address is another address");
    assert_eq!(recipients(&app.get("/mailbox/letters?to=").await), [""; 0], "and so is none");
    let rows = [
        ("ann", vec!["ann@", "joann@"]),
        ("JOANN", vec!["joann@"]),
        ("a_n", vec!["a_n@"]),
        ("%25", vec![]),
        ("'%20or%201=1", vec![]),
        ("", vec!["ann@", "joann@", "a_n@"]),
    ];
    for (q, found) in rows {
        let page = app.get(&format!("/mailbox?q={q}")).await;
        assert_eq!(page.status, 200);
        for name in ["ann@", "joann@", "a_n@"] {
            let row = format!("<span class=\"to\">{name}company.example</span>");
            assert_eq!(page.text.contains(&row), found.contains(&name), "{name} for {q}: {}", page.text);
        }
        assert_eq!(page.text.contains("No such letters"), found.is_empty(), "{q}: {}", page.text);
    }
    let markup = app.get("/mailbox?q=%3Cb%3E%22").await;
    assert!(!markup.text.contains("<b>") && markup.text.contains("&lt;b&gt;&quot;"), "{}", markup.text);
    app.finish().await;
}

#[tokio::test]
async fn the_mailbox_has_pages_and_each_letter_stands_on_one() {
    let app = App::start().await;
    app.member("ann@company.example").await;
    for number in 0..60 {
        // Some of one moment, some of others.
        if number % 3 == 0 {
            app.advance(std::time::Duration::from_millis(1));
        }
        let address = format!("n{number}@company.example");
        assert_eq!(app.register(&address).await.status, 201);
    }
    app.carried().await;
    let all: Vec<String> =
        app.letters().await.iter().map(|letter| letter.0["id"].as_str().unwrap().to_owned()).collect();
    let shown = |page: &Answer| -> Vec<String> {
        let links = page.text.split("<li><a href=\"/mailbox/").skip(1);
        links.map(|rest| rest[..24].to_owned()).collect()
    };
    let newest = app.get("/mailbox").await;
    assert_eq!(shown(&newest), all[..50]);
    assert!(newest.text.contains("50 of 61 letters"), "{}", newest.text);
    let older = format!("/mailbox?before={}", all[49]);
    assert!(
        newest.text.contains(&format!("href=\"{}\"", older.replace('/', "&#x2f;")))
            || newest.text.contains(&older),
        "{}",
        newest.text
    );
    let oldest = app.get(&older).await;
    assert_eq!(shown(&oldest), all[50..]);
    assert!(oldest.text.contains("Newest letters") && !oldest.text.contains("Older letters"));
    let json = app.get(&format!("/mailbox/letters?before={}", all[58])).await;
    let ids: Vec<String> =
        json.json().as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, all[59..]);
    for nothing in [all[60].as_str(), "0123456789abcdef01234567", "no-id", "'"] {
        let answer = app.get(&format!("/mailbox/letters?before={nothing}")).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "[]"), "{nothing}");
    }
    app.finish().await;
}

// C4
#[tokio::test]
async fn the_mailbox_runs_our_own_script_alone_and_other_pages_none() {
    let app = App::start().await;
    app.register("ann@company.example").await;
    let letter = app.letter("ann@company.example", "verify").await;
    let id = letter.0["id"].as_str().expect("an id");
    for path in ["/mailbox".to_owned(), format!("/mailbox/{id}"), format!("/mailbox/{id}?view=raw")] {
        let page = app.get(&path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; connect-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let scripts: Vec<&str> = page.text.split("<script").skip(1).collect();
        assert!(scripts.len() == 1 && scripts[0].starts_with(" src=\"/assets/mailbox.js\" defer></script>"));
        assert_eq!(
            (page.header("cache-control"), page.header("referrer-policy")),
            ("no-store", "no-referrer")
        );
    }
    let framed = app.get(&format!("/mailbox/{id}/html")).await;
    assert!(!framed.header("content-security-policy").contains("script"), "a letter runs nothing");
    let home = app.get("/").await;
    assert!(!home.header("content-security-policy").contains("script") && !home.text.contains("<script"));
    let script = app.get("/assets/mailbox.js").await;
    assert_eq!((script.status, script.header("content-type")), (200, "text/javascript; charset=utf-8"));
    app.finish().await;
}

#[tokio::test]
async fn a_letter_is_shown_as_html_as_text_and_as_the_bytes_that_would_travel() {
    let app =
        App::start_with(|settings| settings.mail_from = Some("Déjà <desk@acme.example>".to_owned())).await;
    let sign_up = app.request(Method::POST, "/user/register").json(&registration("ann@company.example"));
    app.send(sign_up.header("accept-language", "fr")).await;
    let letter = app.letter("ann@company.example", "verify").await;
    let id = letter.0["id"].as_str().expect("an id");
    let page = app.get(&format!("/mailbox/{id}")).await;
    assert!(page.text.contains("<iframe") && !page.text.contains("<pre"), "{}", page.text);
    for copied in [letter.0["code"].as_str().expect("a code"), letter.0["links"][0].as_str().expect("a link")]
    {
        let escaped = copied.replace('/', "&#x2f;");
        assert!(page.text.contains(&format!("data-copy=\"{escaped}\"")), "{}", page.text);
    }
    let text = app.get(&format!("/mailbox/{id}?view=text")).await;
    assert!(text.text.contains("<pre tabindex=\"0\" dir=\"auto\">Bonjour John,"), "{}", text.text);
    let file = app.get(&format!("/mailbox/{id}/eml")).await;
    assert_eq!((file.status, file.header("content-type")), (200, "message/rfc822"));
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{id}.eml\""));
    let message = mail_parser::MessageParser::default().parse(file.text.as_bytes()).expect("a message");
    assert_eq!(message.message_id(), Some(format!("{id}@acme.example").as_str()));
    assert_eq!(message.subject(), letter.0["subject"].as_str());
    assert_eq!(message.from().and_then(|from| from.first()).and_then(|from| from.name()), Some("Déjà"));
    let said = message.body_text(0).expect("a text").replace("\r\n", "\n");
    assert_eq!(Some(said.as_str()), letter.0["text"].as_str());
    let raw = app.get(&format!("/mailbox/{id}?view=raw")).await;
    assert!(raw.text.contains("Auto-Submitted: auto-generated\n"), "{}", raw.text);
    for gone in ["0123456789abcdef01234567", "0123456789ABCDEF01234567"] {
        for path in
            [format!("/mailbox/{gone}"), format!("/mailbox/{gone}/html"), format!("/mailbox/{gone}/eml")]
        {
            assert_eq!(app.get(&path).await.status, 404, "{path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_downloaded_is_what_a_mail_server_is_handed() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    app.register("ann@company.example").await;
    let sent = sink.wait_for(1).await.remove(0);
    let letter = app.service.list_letters(None, 1).expect("the outbox").remove(0);
    let mut words = latchkey::model::letter::LetterBody {
        subject: sent.subject(),
        text: sent.text().replace("\r\n", "\n"),
        html: sent.html().replace("\r\n", "\n"),
        links: Vec::new(),
        code: None,
    };
    let written = app.service.mailroom.message(&letter, words.clone()).expect("a message");
    assert_eq!(String::from_utf8_lossy(&written).trim_end(), String::from_utf8_lossy(&sent.raw).trim_end());
    words.subject.push('!');
    assert_ne!(app.service.mailroom.message(&letter, words).expect("a message"), sent.raw);
    app.finish().await;
}

#[tokio::test]
async fn the_mailbox_is_emptied_by_its_button_and_by_programs_and_by_no_page_of_others() {
    let app = App::start().await;
    let fill = async || {
        for email in ["ann@company.example", "bob@company.example"] {
            app.post("/user/request-reset-password", &json!({"email": email})).await;
        }
        app.carried().await;
    };
    app.register("ann@company.example").await;
    app.register("bob@company.example").await;
    let clear = || app.request(Method::POST, "/mailbox/clear");
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        assert_eq!(app.send(clear().header(name, value)).await.status, 403, "{name}: {value}");
    }
    assert_eq!(app.get("/mailbox/clear").await.status, 405);
    let letters = app.letters().await;
    assert_eq!(letters.len(), 2);
    let before = app.get("/mailbox/newest").await.text;
    let removed = app.send(app.request(Method::DELETE, "/mailbox/letters?to=bob@company.example")).await;
    assert_eq!((removed.status, removed.json()), (200, json!({"removed": 1})));
    assert_ne!(app.get("/mailbox/newest").await.text, before, "an open page sees that letters are gone");
    assert_eq!(recipients(&app.get("/mailbox/letters").await), ["ann@company.example"]);
    let pressed = app.send(clear().header("sec-fetch-site", "same-origin").header("origin", "null")).await;
    assert_eq!((pressed.status, pressed.header("location")), (303, "/mailbox"));
    assert!(app.get("/mailbox").await.text.contains("No letters yet"));
    for letter in &letters {
        let id = letter.0["id"].as_str().expect("an id");
        assert_eq!(app.get(&format!("/mailbox/{id}")).await.status, 404);
    }
    fill().await;
    assert_eq!(app.letters().await.len(), 2, "what comes later is there");
    let removed = app.send(app.request(Method::DELETE, "/mailbox/letters")).await;
    assert_eq!(removed.json(), json!({"removed": 2}));
    assert_eq!(
        app.service.list_letters(None, 10).expect("the outbox").len(),
        4,
        "that they were sent is on record"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_start_empties_the_mailbox_where_that_is_wished_for_and_never_takes_what_waits_to_be_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("latchkey.db");
    let mut app = App::start_on(database.clone(), Clock::fixed(START), |_| {}).await;
    app.register("ann@company.example").await;
    app.carried().await;
    app.stop().await;
    let mut kept = App::start_on(database.clone(), Clock::fixed(START), |_| {}).await;
    assert_eq!(kept.letters().await.len(), 1);
    kept.stop().await;
    let mut cleared = App::start_on(database.clone(), Clock::fixed(START), |settings| {
        settings.mailbox_clear = Some("on".to_owned());
    })
    .await;
    assert!(cleared.letters().await.is_empty());
    cleared.stop().await;
    // Nobody listens on this port: the letter waits.
    let mut relayed = App::start_on(database.clone(), Clock::fixed(START), |settings| {
        settings.smtp_url = Some("smtp://127.0.0.1:9".to_owned());
    })
    .await;
    relayed.register("bob@company.example").await;
    relayed.stop().await;
    let sink = Sink::start().await;
    let app = App::start_on(database, Clock::fixed(START), |settings| {
        settings.smtp_url = Some(sink.url());
        settings.mailbox_clear = Some("on".to_owned());
    })
    .await;
    app.advance(std::time::Duration::from_secs(3600));
    assert_eq!(sink.wait_for(1).await[0].to, ["bob@company.example"]);
    app.finish().await;
}

#[tokio::test]
async fn letters_go_out_in_the_operators_words_and_all_others_in_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("en")).expect("a folder");
    std::fs::write(folder.path().join("en/verify.subject"), "One last step, {{ name }}").expect("a file");
    let app = App::start_with(|settings| {
        settings.mail_templates = Some(folder.path().display().to_string());
    })
    .await;
    app.register("ann@company.example").await;
    let letter = app.letter("ann@company.example", "verify").await.0;
    assert_eq!(letter["subject"], "One last step, John");
    assert!(letter["text"].as_str().expect("a text").starts_with("Hello John,\n\nPlease confirm"));
    app.finish().await;
}
