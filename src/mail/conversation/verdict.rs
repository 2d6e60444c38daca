//! What became of one attempt, and how a server's reply or a fault of the connection turns into it.

use mail_send::{Credentials, Error};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Response};
use std::fmt;
use std::time::Duration;

/// The longest reason, in characters.
const REASON_LIMIT: usize = 300;
/// A run of this many letters and digits may be a link's secret, an API key or an encoded password that the
/// server repeats; queue ids and host names are shorter.
const SECRET_LENGTH: usize = 40;
/// The base64 of `Password:`, the challenge by which AUTH LOGIN asks for the password.
const PASSWORD_CHALLENGE: &str = "UGFzc3dvcmQ6";

/// What became of one attempt to hand a letter over (DESIGN section 8). Every text is one line of at most
/// 300 characters without control characters or secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The server has taken the letter.
    Delivered { reply: String },
    /// 4xx to this letter, or a connection lost over it: try it again later.
    Deferred { reason: String },
    /// No word from DNS, no answer in time (but to the message), no connection, or one that was over before a letter could be named: any other letter would
    /// fare the same there. Try again later, and do not bother the server with the others meanwhile.
    Unreachable { reason: String },
    /// 5xx to RCPT, DATA or the message, or a domain that takes no mail: this letter will never be taken.
    Rejected { reply: String },
    /// 5xx to greeting, EHLO, STARTTLS, AUTH or MAIL FROM, or TLS refused: a fault of the set-up, not of the
    /// letter. Try again, and tell the operator.
    Misconfigured { reason: String },
}

impl Verdict {
    /// What the server or the connection had to say.
    pub fn words(&self) -> &str {
        match self {
            Verdict::Delivered { reply } | Verdict::Rejected { reply } => reply,
            Verdict::Deferred { reason }
            | Verdict::Unreachable { reason }
            | Verdict::Misconfigured { reason } => reason,
        }
    }
}

/// How far the conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mail) enum Step {
    Connect,
    Tls,
    Greeting,
    Ehlo,
    StartTls,
    Login,
    MailFrom,
    RcptTo,
    Data,
    EndOfData,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Connect => "connecting",
            Step::Tls => "the TLS handshake",
            Step::Greeting => "the greeting",
            Step::Ehlo => "EHLO",
            Step::StartTls => "STARTTLS",
            Step::Login => "AUTH",
            Step::MailFrom => "MAIL FROM",
            Step::RcptTo => "RCPT TO",
            Step::Data => "DATA",
            Step::EndOfData => "the end of the message",
        })
    }
}

/// The server has answered 2xx to the end of the message.
pub(in crate::mail) fn delivered(reply: &Response<String>, login: Option<&Credentials<String>>) -> Verdict {
    Verdict::Delivered { reply: reply_line(reply, login) }
}

/// The outer time limit has passed.
pub(in crate::mail) fn out_of_time(step: Step, limit: Duration) -> Verdict {
    let hint = match step {
        Step::Greeting => "; a port that expects TLS at once needs smtps://",
        _ => "",
    };
    silent(step, format!("no answer within {} ms, at {step}{hint}", limit.as_millis()))
}

/// The conversation has ended at `step` with `error`.
pub(in crate::mail) fn failed(step: Step, error: &Error, login: Option<&Credentials<String>>) -> Verdict {
    let deferred = |reason: String| put_off(step, one_line(&reason));
    let misconfigured = |reason: String| Verdict::Misconfigured { reason: one_line(&reason) };
    match error {
        Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) => refused(step, reply, login),
        Error::Io(fault) => match fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(fault) => misconfigured(format!("TLS failed at {step}: {fault}")),
            None if step == Step::Connect => deferred(format!("cannot connect to the server: {fault}")),
            None => deferred(format!("the connection failed at {step}: {fault}")),
        },
        Error::Tls(fault) => match fault.as_ref() {
            rustls::Error::InvalidMessage(_) => misconfigured(
                "the port does not speak TLS; one that starts in clear text needs smtp://".into(),
            ),
            fault => misconfigured(format!("TLS failed: {fault}")),
        },
        Error::Timeout => silent(step, format!("no answer in time, at {step}")),
        Error::UnparseableReply => {
            deferred(format!("the server hung up or gave an answer that is not SMTP, at {step}"))
        }
        Error::MissingStartTls => misconfigured(
            "the server does not offer STARTTLS; nothing is sent in clear text over the network".into(),
        ),
        Error::UnsupportedAuthMechanism | Error::Auth(_) | Error::Base64(_) => {
            misconfigured("the server offers no login by AUTH PLAIN or AUTH LOGIN".into())
        }
        Error::InvalidTLSName => misconfigured("the host name cannot be one of a certificate".into()),
        Error::MissingCredentials | Error::MissingMailFrom | Error::MissingRcptTo => {
            misconfigured(format!("{error}, at {step}"))
        }
    }
}

fn refused(step: Step, reply: &Response<String>, login: Option<&Credentials<String>>) -> Verdict {
    let line = reply_line(reply, login);
    match reply.code {
        500..=599 if matches!(step, Step::RcptTo | Step::Data | Step::EndOfData) => {
            Verdict::Rejected { reply: line }
        }
        500..=599 => Verdict::Misconfigured { reason: one_line(&format!("{step} was refused: {line}")) },
        // 421: the server closes the connection, whatever it was asked (RFC 5321 section 3.8).
        421 => Verdict::Unreachable { reason: one_line(&format!("{step} was put off: {line}")) },
        _ => put_off(step, one_line(&format!("{step} was put off: {line}"))),
    }
}

/// A server that has heard the letter to its end and says nothing may be busy with this very letter.
pub(in crate::mail) fn silent(step: Step, reason: String) -> Verdict {
    match step {
        Step::EndOfData => Verdict::Deferred { reason },
        _ => Verdict::Unreachable { reason },
    }
}

/// Before the sender is named nothing has been said of the letter, so it is the server that is not to be had.
fn put_off(step: Step, reason: String) -> Verdict {
    match step {
        Step::Connect | Step::Tls | Step::Greeting | Step::Ehlo | Step::StartTls => {
            Verdict::Unreachable { reason }
        }
        Step::Login | Step::MailFrom | Step::RcptTo | Step::Data | Step::EndOfData => {
            Verdict::Deferred { reason }
        }
    }
}

/// The reply as the server said it, on one line. Some servers repeat the line that they refuse, and that may
/// be the one with the password: then only the code is kept.
fn reply_line(reply: &Response<String>, login: Option<&Credentials<String>>) -> String {
    let code = match reply.esc {
        [0, _, _] => reply.code.to_string(),
        [class, subject, detail] => format!("{} {class}.{subject}.{detail}", reply.code),
    };
    if login.is_some_and(|login| repeats_password(&reply.message, login)) {
        return format!("{code} (text withheld: it repeated the login)");
    }
    one_line(&format!("{code} {}", reply.message))
}

fn repeats_password(text: &str, login: &Credentials<String>) -> bool {
    let Credentials::Plain { secret, .. } = login else { return false };
    let encoded = [(AUTH_PLAIN, ""), (AUTH_LOGIN, PASSWORD_CHALLENGE)]
        .into_iter()
        .filter_map(|(mechanism, challenge)| login.encode(mechanism, challenge).ok());
    encoded.chain([secret.clone()]).any(|form| text.contains(&form))
}

/// One line of at most 300 characters: controls become spaces, runs that may be secrets an ellipsis.
pub(in crate::mail) fn one_line(text: &str) -> String {
    let is_wordy = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '=');
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let run = rest.find(|c| is_wordy(c) != is_wordy(first)).unwrap_or(rest.len());
            let (head, tail) = rest.split_at(run);
            line.push_str(if is_wordy(first) && head.len() >= SECRET_LENGTH { "…" } else { head });
            rest = tail;
        }
    }
    match line.char_indices().nth(REASON_LIMIT - 1) {
        Some((cut, last)) if line.len() > cut + last.len_utf8() => format!("{}…", &line[..cut]),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, message: &str) -> Response<String> {
        Response { code, esc: [0; 3], message: message.into() }
    }

    #[test]
    fn a_reply_becomes_one_short_line() {
        assert_eq!(one_line("a\r\nb\tc\0d\u{1b}[31me\u{2028}f\u{85}g"), "a b c d [31me f g");
        assert_eq!(one_line(&"ab ".repeat(200)).chars().count(), 300);
        assert_eq!(one_line(&"ä ".repeat(150)).chars().count(), 299);
        assert_eq!(one_line(&"日".repeat(300)).chars().count(), 300);
        assert!(one_line(&"日".repeat(301)).ends_with("日…"));
    }

    #[test]
    fn a_long_secret_is_cut_out() {
        let secret = "q7".repeat(22);
        let line = one_line(&format!("554 blocked link https://example.com/verify?token={secret}, sorry"));
        assert_eq!(line, "554 blocked link https://example.com/verify?…, sorry");
    }

    #[test]
    fn a_reply_that_repeats_the_password_keeps_its_code_only() {
        let login = Credentials::new("ada".to_owned(), "hunter2".to_owned());
        let repeated =
            ["bad line AUTH PLAIN AGFkYQBodW50ZXIy", "bad line aHVudGVyMg==", "wrong password hunter2"];
        for text in repeated {
            let verdict = failed(Step::Login, &Error::AuthenticationFailed(reply(535, text)), Some(&login));
            let reason = "AUTH was refused: 535 (text withheld: it repeated the login)".to_owned();
            assert_eq!(verdict, Verdict::Misconfigured { reason });
        }
    }

    #[test]
    fn the_step_decides_what_a_5xx_means_and_whom_a_4xx_is_about() {
        use Step::{Connect, Data, Ehlo, EndOfData, Greeting, Login, MailFrom, RcptTo, StartTls, Tls};
        for step in [Connect, Tls, Greeting, Ehlo, StartTls, Login, MailFrom, RcptTo, Data, EndOfData] {
            let last = matches!(step, RcptTo | Data | EndOfData);
            match failed(step, &Error::UnexpectedReply(reply(550, "no")), None) {
                Verdict::Rejected { reply } => assert!(last && reply == "550 no", "{step}: {reply}"),
                Verdict::Misconfigured { reason } => {
                    assert!(!last && reason.ends_with("550 no"), "{step}: {reason}");
                }
                other => panic!("{step}: {other:?}"),
            }
            let of_the_letter = matches!(step, Login | MailFrom) || last;
            match failed(step, &Error::UnexpectedReply(reply(451, "later")), None) {
                Verdict::Deferred { reason } => {
                    assert!(of_the_letter && reason.ends_with("451 later"), "{step}");
                }
                Verdict::Unreachable { reason } => {
                    assert!(!of_the_letter && reason.ends_with("451 later"), "{step}");
                }
                other => panic!("{step}: {other:?}"),
            }
            let closing = failed(step, &Error::UnexpectedReply(reply(421, "closing")), None);
            assert!(matches!(closing, Verdict::Unreachable { .. }), "{step}");
            for silence in [out_of_time(step, Duration::ZERO), failed(step, &Error::Timeout, None)] {
                let of_the_letter = matches!(silence, Verdict::Deferred { .. });
                assert_eq!(of_the_letter, step == EndOfData, "{step}: {silence:?}");
            }
        }
    }
}
