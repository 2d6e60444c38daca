//! Letters and pages in a language that is written from right to left, and in one with accents.

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, registration};
use crate::smtp_sink::Sink;

async fn sign_up(app: &App, email: &str, language: &str) {
    let request = app.request(Method::POST, "/user/register").header("accept-language", language);
    assert_eq!(app.send(request.json(&registration(email))).await.status, 201);
}

fn assert_page(page: &Answer, status: u16, (language, direction): (&str, &str), words: &str) {
    assert_eq!(page.status, status, "{}", page.text);
    let opening = format!("<html lang=\"{language}\" dir=\"{direction}\">");
    assert!(page.text.contains(&opening) && page.text.contains(words), "{}", page.text);
    assert_eq!(page.header("content-language"), language);
}

#[tokio::test]
async fn pages_of_an_account_have_its_language_and_direction_and_others_that_of_the_browser() {
    let app = App::start().await;
    let rows = [
        ("fa-IR", ("fa", "rtl"), ["نشانی خود را تأیید کنید", "نشانی تأیید شد", "این پیوند کار نمی‌کند"]),
        (
            "fr-CA",
            ("fr", "ltr"),
            ["Confirmez votre adresse", "Adresse confirmée", "Ce lien ne fonctionne pas"],
        ),
        ("nl", ("en", "ltr"), ["Confirm your address", "Address confirmed", "This link does not work"]),
    ];
    for (accepted, language, [asked, done, ended]) in rows {
        let email = format!("{accepted}@company.example");
        sign_up(&app, &email, accepted).await;
        let token = app.letter(&email, "verify").await.token();
        let path = format!("/verify-email?token={token}");
        let page = app.send(app.request(Method::GET, &path).header("accept-language", "de")).await;
        assert_page(&page, 200, language, asked);
        // An address reads from left to right whatever surrounds it.
        assert!(page.text.contains(&format!("<bdi dir=\"ltr\">{email}</bdi>")), "{}", page.text);
        assert_page(&app.submit("/verify-email", &[("token", &token)]).await, 200, language, done);
        let nobodys = app.request(Method::GET, "/verify-email?token=none");
        assert_page(&app.send(nobodys.header("accept-language", accepted)).await, 400, language, ended);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_password_that_is_refused_is_refused_in_the_language_and_its_digits() {
    let app = App::start().await;
    sign_up(&app, "ann@company.example", "fa").await;
    app.post("/user/request-reset-password", &json!({"email": "ann@company.example"})).await;
    let token = app.letter("ann@company.example", "reset").await.token();
    let page = app.submit("/reset-password", &[("token", &token), ("password", "short")]).await;
    assert_page(&page, 400, ("fa", "rtl"), "باید دست‌کم ۸ نویسه داشته باشد.");
    app.finish().await;
}

#[tokio::test]
async fn the_mailbox_shows_each_letter_in_its_own_direction() {
    let app = App::start().await;
    sign_up(&app, "ann@company.example", "fa").await;
    let letter = app.letter("ann@company.example", "verify").await.0;
    let (id, subject) =
        (letter["id"].as_str().expect("an id"), letter["subject"].as_str().expect("a subject"));
    let list = app.get("/mailbox").await;
    assert_page(&list, 200, ("en", "ltr"), &format!("<bdi>{subject}</bdi>"));
    let page = app.get(&format!("/mailbox/{id}?view=text")).await;
    assert_page(&page, 200, ("en", "ltr"), &format!("<h1 dir=\"auto\">{subject}</h1>"));
    assert!(page.text.contains("<pre tabindex=\"0\" dir=\"auto\">سلام"), "{}", page.text);
    app.finish().await;
}

// I1: what a mail server gets has short lines of ASCII whatever the language.
#[tokio::test]
async fn a_letter_in_persian_or_french_travels_as_ascii_in_short_lines() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    let rows = [
        ("fa", "نشانی خود را برای Latchkey تأیید کنید", "dir=\"rtl\"", "این پیوند شما را به"),
        (
            "fr",
            "Confirmez votre adresse pour Latchkey",
            "dir=\"ltr\"",
            "puis appuyez sur le bouton de la page\u{a0}:",
        ),
    ];
    for (number, (language, subject, direction, words)) in rows.into_iter().enumerate() {
        sign_up(&app, &format!("n{number}@company.example"), language).await;
        let letter = sink.wait_for(number + 1).await.remove(number);
        assert!(letter.wire.is_ascii(), "{language}");
        for line in letter.wire.split(|byte| *byte == b'\n') {
            assert!(line.len() < 998, "{language}: {} octets", line.len());
        }
        assert_eq!(letter.subject(), subject);
        assert_eq!(letter.header("Content-Language").as_deref(), Some(language));
        let (text, html) = (letter.text(), letter.html());
        assert!(text.contains(words) && html.contains(direction), "{text}\n{html}");
        let alone = |wanted: &dyn Fn(&str) -> bool| text.lines().filter(|line| wanted(line)).count();
        assert_eq!(
            alone(&|line| line.starts_with("http://") && line.contains("/verify-email?token=")),
            1,
            "{text}"
        );
        let is_code = |line: &str| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit());
        assert_eq!(alone(&is_code), 1, "the code stands in ASCII digits on a line of its own: {text}");
    }
    app.finish().await;
}
