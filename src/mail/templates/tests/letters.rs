//! Every letter as it travels, read back with other eyes than those that wrote it.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

use super::*;
use crate::mail::message::{Mailbox, Outgoing, rfc5322};

const MESSAGE_ID: &str = "66f1c2a0b1c2d3e4f5061728@acme.example";
/// What HTML does not close (HTML Living Standard, section 13.1.2).
const VOID: &[&str] = &["meta", "br", "img", "hr", "link", "input"];

/// Each kind in each language, full and bare, as bytes.
fn letters() -> Vec<(String, Language, LetterBody, Vec<u8>)> {
    let templates = Templates::embedded();
    let mut letters = Vec::new();
    for fullness in [Fullness::Full, Fullness::Bare] {
        let samples = Samples::new(fullness);
        for contents in samples.contents() {
            for language in Language::ALL {
                let to = Recipient { address: samples.address(), first_name: samples.first_name(), language };
                let body = templates.render(&samples.head(), to, contents);
                let written = rfc5322(&Outgoing {
                    message_id: MESSAGE_ID.to_owned(),
                    from: Mailbox {
                        name: Some(samples.head().app_name),
                        address: "no-reply@acme.example".to_owned(),
                    },
                    to: samples.address().as_str().to_owned(),
                    subject: body.subject.clone(),
                    text: body.text.clone(),
                    html: body.html.clone(),
                    date_ms: 1_772_366_400_000,
                    language: language.code().to_owned(),
                });
                let name = format!("{language}/{} {fullness:?}", contents.kind().as_str());
                letters.push((name, language, body, written.expect("a letter")));
            }
        }
    }
    letters
}

fn parse(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).expect("a message")
}

// I1
#[test]
fn every_letter_travels_as_short_lines_of_ascii() {
    for (name, _, _, bytes) in letters() {
        assert!(bytes.is_ascii(), "{name}");
        let whole = String::from_utf8(bytes).expect("ASCII");
        for line in whole.split_terminator("\r\n") {
            assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{name}: {line:?}");
            // RFC 2045 sections 6.7 and 6.8 for bodies; headers are folded at the 78 of RFC 5322 section 2.1.1.
            assert!(line.len() <= 78, "{name}: {} octets in {line:?}", line.len());
        }
        let (_, bodies) = whole.split_once("\r\n\r\n").expect("a body");
        for part in bodies.split("\r\n\r\n").skip(1) {
            let encoded = part.lines().take_while(|line| !line.starts_with("--"));
            assert!(encoded.into_iter().all(|line| line.len() <= 76), "{name}");
        }
    }
}

#[test]
fn every_letter_has_the_headers_that_receivers_look_for_and_no_others() {
    for (name, language, body, bytes) in letters() {
        let whole = String::from_utf8(bytes.clone()).expect("ASCII");
        let (head, _) = whole.split_once("\r\n\r\n").expect("a head");
        let mut headers: Vec<String> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap_or_default().to_ascii_lowercase())
            .collect();
        headers.sort();
        let expected = [
            "auto-submitted",
            "content-language",
            "content-type",
            "date",
            "from",
            "message-id",
            "mime-version",
            "subject",
            "to",
        ];
        assert_eq!(headers, expected, "{name}: and so no List-… of bulk mail");
        let message = parse(&bytes);
        assert_eq!(message.message_id(), Some(MESSAGE_ID), "{name}");
        assert_eq!(message.date().expect("a date").to_timestamp(), 1_772_366_400, "{name}");
        let text = |header: &str| message.header_raw(header).unwrap_or_default().trim().to_owned();
        assert_eq!(text("Auto-Submitted"), "auto-generated", "{name}");
        assert_eq!(text("MIME-Version"), "1.0", "{name}");
        assert_eq!(text("Content-Language"), language.code(), "{name}");
        assert_eq!(message.subject(), Some(body.subject.as_str()), "{name}");
        if !body.subject.is_ascii() {
            assert!(text("Subject").starts_with("=?utf-8?"), "{name}: {}", text("Subject"));
        }
        let sender = message.from().and_then(|from| from.first()).expect("a sender");
        assert_eq!((sender.name(), sender.address()), (Some("Acme & Söhne"), Some("no-reply@acme.example")));
        assert!(text("From").starts_with("=?utf-8?"), "{name}: {}", text("From"));
    }
}

#[test]
fn every_letter_has_a_text_and_an_html_alternative_in_this_order() {
    for (name, _, body, bytes) in letters() {
        let message = parse(&bytes);
        let kind = message.content_type().expect("a type");
        assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("alternative")), "{name}");
        let [_, text, html] = message.parts.as_slice() else {
            panic!("{name}: {} parts", message.parts.len())
        };
        let (PartType::Text(text), PartType::Html(html)) = (&text.body, &html.body) else {
            panic!("{name}: who understands both shows the last")
        };
        assert_eq!(text.replace("\r\n", "\n"), body.text, "{name}");
        assert_eq!(html.replace("\r\n", "\n"), body.html, "{name}");
        let marked_up = ["</", "<br", "<p", "&amp;", "&#", "&quot;", "{{", "{%"];
        assert!(!marked_up.iter().any(|markup| text.contains(markup)), "{name}: {text}");
        assert!(!html.contains("{{") && !html.contains("{%"), "{name}: {html}");
    }
}

// C4: nothing is fetched when a letter is read, so nobody learns that it was.
#[test]
fn no_letter_refers_to_anything_but_its_own_link_and_the_operators() {
    for (name, _, body, _) in letters() {
        let html = &body.html;
        for fetching in
            [" src=", "<img", "<link", "<script", "<iframe", "<object", "url(", "@import", "background="]
        {
            assert!(!html.contains(fetching), "{name}: {fetching}");
        }
        for reference in html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let reference = reference.replace("&#x2f;", "/");
            let known = body.links.contains(&reference) || reference == "https://www.acme.example/sign-in";
            assert!(known, "{name}: {reference}");
        }
    }
}

#[test]
fn every_html_part_is_well_formed_and_reads_in_light_and_dark() {
    for (name, language, body, _) in letters() {
        let html = body.html.trim();
        assert!(html.starts_with("<!doctype html>"), "{name}: {html}");
        let opening = format!("<html lang=\"{language}\" dir=\"{}\">", language.direction());
        assert!(html.contains(&opening), "{name}");
        assert!(html.contains("<meta name=\"color-scheme\" content=\"light dark\">"), "{name}");
        assert!(html.contains("@media (prefers-color-scheme: dark)"), "{name}");
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("{name}: <{tag} has no end"));
            assert_eq!(tag.matches('"').count() % 2, 0, "{name}: <{tag}>");
            let element = tag.split([' ', '\n']).next().unwrap_or_default();
            match element.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}: </{closed}>"),
                None if element.starts_with('!') || VOID.contains(&element) => {}
                None => open.push(element),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?} stay open");
    }
}
