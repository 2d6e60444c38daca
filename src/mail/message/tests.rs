use super::*;
use mail_parser::{HeaderValue, MessageParser, MimeHeaders};

fn letter() -> Outgoing {
    Outgoing {
        message_id: "66f1c2a0b1c2d3e4f5061728.1@example.com".into(),
        from: Mailbox { name: Some("Latchkey".into()), address: "no-reply@example.com".into() },
        to: "ada@example.org".into(),
        subject: "Confirm your address".into(),
        text: "Hello Ada,\n\nhttps://example.com/verify?token=abc\n.\nBye\n".into(),
        html: "<p>Hello Ada</p>".into(),
        date_ms: 1_767_225_600_999,
        language: "en".into(),
    }
}

fn assert_travels(message: &[u8]) {
    assert!(message.is_ascii(), "7-bit");
    assert!(!message.contains(&0), "no NUL");
    assert!(message.ends_with(b"\r\n"), "ends with a line end");
    let whole = String::from_utf8(message.to_vec()).unwrap();
    for line in whole.split_terminator("\r\n") {
        assert!(line.len() <= 998, "{} octets", line.len());
        assert!(!line.contains(['\r', '\n']), "bare CR or LF in {line:?}");
    }
}

#[test]
fn a_letter_has_the_headers_and_both_parts() {
    let message = rfc5322(&letter()).unwrap();
    assert_travels(&message);
    let whole = String::from_utf8(message.clone()).unwrap();
    for line in [
        "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n",
        "Message-ID: <66f1c2a0b1c2d3e4f5061728.1@example.com>\r\n",
        "From: \"Latchkey\" <no-reply@example.com>\r\n",
        "To: <ada@example.org>\r\n",
        "Subject: Confirm your address\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Language: en\r\n",
        "MIME-Version: 1.0\r\n",
    ] {
        assert_eq!(whole.matches(line).count(), 1, "{line:?} in {whole}");
    }
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"));
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), letter().text);
    assert_eq!(parsed.body_html(0).unwrap(), letter().html);
}

#[test]
fn the_same_letter_gives_the_same_bytes() {
    let first = rfc5322(&letter()).unwrap();
    let second = std::thread::spawn(|| rfc5322(&letter()).unwrap()).join().unwrap();
    assert_eq!(first, second);
}

#[test]
fn the_boundary_occurs_in_no_part() {
    let mut mail = letter();
    let taken = boundary(&mail.message_id, "", "");
    mail.text = format!("a\n--{taken}\nContent-Type: text/html\n\n<b>forged</b>\n--{taken}--\n");
    let message = rfc5322(&mail).unwrap();
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(parsed.parts.len(), 3, "one multipart and its two alternatives");
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), mail.text);
    assert_eq!(parsed.body_html(0).unwrap(), mail.html);
}

#[test]
fn typed_text_cannot_add_a_header() {
    let breaks = ["\r\n", "\n", "\r", "\0", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}", "\r\n\r\n"];
    for line_break in breaks {
        let evil = format!("Acme{line_break}Bcc: victim@example.net{line_break} more");
        let mut mail = letter();
        mail.subject = evil.clone();
        mail.from.name = Some(evil.clone());
        mail.language = evil;
        let message = rfc5322(&mail).unwrap();
        assert_travels(&message);
        let parsed = MessageParser::default().parse(&message).unwrap();
        assert!(parsed.bcc().is_none(), "{line_break:?}");
        assert_eq!(parsed.headers().len(), 9, "{line_break:?}");
        let subject = parsed.subject().unwrap();
        assert!(subject.starts_with("Acme ") && subject.contains("Bcc: victim@example.net"), "{subject:?}");
        assert!(!subject.chars().any(breaks_a_line), "{subject:?}");
    }
}

#[test]
fn an_encoded_word_that_was_typed_is_not_decoded() {
    let mut mail = letter();
    mail.subject = "=?utf-8?Q?a=0D=0ABcc:_b@example.net?=".into();
    let message = rfc5322(&mail).unwrap();
    let subject = MessageParser::default().parse(&message).unwrap().subject().unwrap().to_owned();
    assert_eq!(subject, "= ?utf-8?Q?a=0D=0ABcc:_b@example.net?=");
}

#[test]
fn long_and_foreign_text_arrives_unchanged_in_short_lines() {
    let umlauts = "Grüße aus Köln 🗝 ".repeat(150).trim().to_owned();
    let unbroken = "x".repeat(5_000);
    for value in [umlauts, unbroken, "日本語".repeat(400), "a \"quoted\\\" <b@c>, d".into()] {
        let mut mail = letter();
        mail.subject = value.clone();
        mail.from.name = Some(value.clone());
        mail.text = value.clone();
        mail.html = format!("<p>{value}</p>");
        let message = rfc5322(&mail).unwrap();
        assert_travels(&message);
        let parsed = MessageParser::default().parse(&message).unwrap();
        assert_eq!(parsed.subject().unwrap(), value);
        assert_eq!(parsed.body_text(0).unwrap(), value);
        assert_eq!(parsed.body_html(0).unwrap(), mail.html);
        let sender = parsed.from().unwrap().first().unwrap();
        assert_eq!(
            (sender.name().unwrap(), sender.address().unwrap()),
            (value.as_str(), "no-reply@example.com")
        );
    }
}

// RFC 2047 section 2: at most 75 characters a word and 76 a line; section 5: whole characters in each word.
#[test]
fn every_encoded_word_of_a_subject_stands_for_itself() {
    let persian = "گذرواژهٔ جدیدی برای فروشگاه نمونه انتخاب کنید، سپس دوباره وارد حساب شوید";
    let french =
        "Votre mot de passe pour Société Générale de l’Été a été modifié à l’instant, à votre demande";
    for subject in [persian, french, &format!("{persian} {french}")] {
        let message = rfc5322(&Outgoing { subject: subject.to_owned(), ..letter() }).unwrap();
        let whole = String::from_utf8(message.clone()).unwrap();
        let (_, from_subject) = whole.split_once("\r\nSubject: ").unwrap();
        let mut words = Vec::new();
        for (number, line) in from_subject.split("\r\n").enumerate() {
            if number > 0 && !line.starts_with([' ', '\t']) {
                break;
            }
            let lead = if number == 0 { "Subject: ".len() } else { 0 };
            assert!(lead + line.len() <= 76, "{line}");
            words.extend(line.split_ascii_whitespace());
        }
        assert!(words.len() > 1, "{words:?}");
        for word in words {
            assert!(word.len() <= 75 && word.starts_with("=?utf-8?") && word.ends_with("?="), "{word}");
            let alone = format!("Subject: {word}\r\n\r\n");
            let read =
                MessageParser::default().parse(alone.as_bytes()).unwrap().subject().unwrap().to_owned();
            assert!(!read.contains('\u{fffd}') && subject.contains(&read), "{word}: {read}");
        }
        assert_eq!(MessageParser::default().parse(&message).unwrap().subject().unwrap(), subject);
    }
}

#[test]
fn bodies_keep_lines_and_lose_controls() {
    let mut mail = letter();
    mail.text = "one\rtwo\r\nthree\nfour\0\u{1b}[31m\r\r.\r\r".into();
    let message = rfc5322(&mail).unwrap();
    assert_travels(&message);
    let text = MessageParser::default().parse(&message).unwrap().body_text(0).unwrap().replace("\r\n", "\n");
    assert_eq!(text, "one\ntwo\nthree\nfour  [31m\n\n.\n\n");
}

#[test]
fn an_address_that_is_not_bare_is_refused() {
    let too_long = format!("{}@example.org", "a".repeat(250));
    let cases = [
        ("a@b.c\r\nBcc: d@e.f", "line break"),
        ("a@b.c>, <d@e.f", "angle brackets"),
        ("a b@c.d", "space"),
        ("a@b.c\0", "NUL"),
        ("ä@b.c", "not ASCII"),
        ("nobody", "no @"),
        ("", "empty"),
        (too_long.as_str(), "too long"),
    ];
    for (address, why) in cases {
        let to = Outgoing { to: address.into(), ..letter() };
        assert_eq!(rfc5322(&to), Err(Unwritable::To), "{why}");
        let from = Outgoing { from: Mailbox { name: None, address: address.into() }, ..letter() };
        assert_eq!(rfc5322(&from), Err(Unwritable::From), "{why}");
        let id = Outgoing { message_id: address.into(), ..letter() };
        assert_eq!(rfc5322(&id), Err(Unwritable::MessageId), "{why}");
    }
}

#[test]
fn an_empty_name_leaves_the_bare_address() {
    let mut mail = letter();
    mail.from.name = Some(" \r\n ".into());
    let message = rfc5322(&mail).unwrap();
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert!(matches!(parsed.header("From"), Some(HeaderValue::Address(_))));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), None);
}
