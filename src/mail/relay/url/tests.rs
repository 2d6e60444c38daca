use super::*;

#[test]
fn urls_that_are_taken() {
    use Security::{Implicit, Opportunistic, Plain, StartTls};
    let table = [
        ("smtp://mail.example.com", "mail.example.com", 587, StartTls, false),
        ("SMTP://Mail.Example.com./", "mail.example.com", 587, StartTls, false),
        ("smtp://mail.example.com:25", "mail.example.com", 25, StartTls, false),
        ("smtps://mail.example.com", "mail.example.com", 465, Implicit, false),
        ("smtps://u:p@mail.example.com:8465", "mail.example.com", 8465, Implicit, true),
        ("smtp://u:p@mail.example.com", "mail.example.com", 587, StartTls, true),
        ("smtp://10.0.0.7:25?tls=off", "10.0.0.7", 25, Plain, false),
        ("smtp://10.0.0.7:25/?tls=off", "10.0.0.7", 25, Plain, false),
        ("smtp://localhost:1025", "localhost", 1025, Opportunistic, false),
        ("smtp://u:p@127.9.9.9:1025", "127.9.9.9", 1025, Opportunistic, true),
        ("smtp://u:p@[::1]:1025?tls=off", "::1", 1025, Plain, true),
        ("smtp://[2001:db8::1]", "2001:db8::1", 587, StartTls, false),
        ("smtp://[::ffff:127.0.0.1]:25", "::ffff:127.0.0.1", 25, Opportunistic, false),
        ("smtps://localhost", "localhost", 465, Implicit, false),
    ];
    for (text, host, port, security, has_login) in table {
        let url: RelayUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (url.host(), url.port(), url.security(), url.has_login()),
            (host, port, security, has_login),
            "{text}"
        );
        let again: RelayUrl = url.to_string().replace("***@", "u:p@").parse().unwrap();
        assert_eq!(again, url, "{url} reads back");
    }
}

#[test]
fn urls_that_are_refused_in_a_sentence_without_the_password() {
    let table = [
        ("mail.example.com:25", RelayUrlError::Scheme),
        ("http://mail.example.com", RelayUrlError::Scheme),
        ("", RelayUrlError::Scheme),
        ("smtp://", RelayUrlError::Host),
        ("smtp://u:hunter2secret@", RelayUrlError::Host),
        ("smtp://:25", RelayUrlError::Host),
        ("smtp://mail example.com", RelayUrlError::Host),
        ("smtp://post.müller.example", RelayUrlError::Host),
        ("smtp://mail.example.com\r\nX", RelayUrlError::Host),
        ("smtp://2001:db8::1", RelayUrlError::Host),
        ("smtp://[::1", RelayUrlError::Host),
        ("smtp://[fe80::1%25eth0]", RelayUrlError::Host),
        ("smtp://mail.example.com:0", RelayUrlError::Port),
        ("smtp://mail.example.com:65536", RelayUrlError::Port),
        ("smtp://mail.example.com:+25", RelayUrlError::Port),
        ("smtp://mail.example.com:", RelayUrlError::Port),
        ("smtp://[::1]25", RelayUrlError::Port),
        ("smtp://user@mail.example.com", RelayUrlError::Login),
        ("smtp://:hunter2secret@mail.example.com", RelayUrlError::Login),
        ("smtp://user:@mail.example.com", RelayUrlError::Login),
        ("smtp://user:hunter2secret/x@mail.example.com", RelayUrlError::LoginEncoding),
        ("smtp://user:hunter2secret#x@mail.example.com", RelayUrlError::LoginEncoding),
        ("smtp://user:hunter2secret%zz@mail.example.com", RelayUrlError::LoginEncoding),
        ("smtp://user:hunter2secret%2@mail.example.com", RelayUrlError::LoginEncoding),
        ("smtp://user:hunter2secret%00@mail.example.com", RelayUrlError::LoginCharacters),
        ("smtp://user:hunter2secret%0D%0A@mail.example.com", RelayUrlError::LoginCharacters),
        ("smtp://user:hunter2secret%ff@mail.example.com", RelayUrlError::LoginCharacters),
        ("smtp://mail.example.com/inbox", RelayUrlError::Option),
        ("smtp://mail.example.com?tls=maybe", RelayUrlError::Option),
        ("smtp://mail.example.com#x", RelayUrlError::Option),
        ("smtps://mail.example.com?tls=off", RelayUrlError::Contradiction),
        ("smtp://user:hunter2secret@mail.example.com?tls=off", RelayUrlError::ClearTextLogin),
    ];
    for (text, expected) in table {
        let error = text.parse::<RelayUrl>().expect_err(text);
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains("hunter2"), "{text}");
    }
}

#[test]
fn the_login_is_percent_decoded() {
    let url: RelayUrl = "smtp://a%40b.c:p%25%2F%3a:%C3%A4@w@mail.example.com".parse().unwrap();
    assert!(url.login == Some(Credentials::new("a@b.c".to_owned(), "p%/::ä@w".to_owned())));
}

#[test]
fn neither_form_of_display_shows_the_login() {
    let url: RelayUrl = "smtp://server-token:hunter2@mail.example.com".parse().unwrap();
    assert_eq!(url.to_string(), "smtp://***@mail.example.com:587");
    assert_eq!(format!("{url:?}"), "RelayUrl(smtp://***@mail.example.com:587)");
}
