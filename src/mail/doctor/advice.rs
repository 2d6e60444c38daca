//! What an operator can do about a step of a conversation that has failed.

use super::conversation::Belief;
use crate::mail::conversation::verdict::Step;
use mail_send::Error;

/// What to do about a fault at a step.
pub(super) fn on(step: Step, error: &Error, belief: Belief) -> &'static str {
    match error {
        Error::UnexpectedReply(reply) if reply.code / 100 == 4 && step != Step::Greeting => {
            return "the server puts this off for now: try again in a few minutes; letters that wait are tried again by themselves";
        }
        Error::MissingStartTls => {
            return "nothing is sent in clear text over the network: if the server has a port that starts with TLS, write smtps://HOST:465";
        }
        Error::UnsupportedAuthMechanism => {
            return "take user:password@ out of LATCHKEY_SMTP_URL if the server needs no login; many offer one only at port 587 or 465";
        }
        _ => {}
    }
    match (step, belief) {
        (Step::Connect, Belief::Stranger) => {
            "most hosters and all providers at home close port 25 outward: have it opened, or send by a mail server (LATCHKEY_SMTP_URL=smtp://…)"
        }
        (Step::Connect, _) => {
            "see that host and port in LATCHKEY_SMTP_URL are right (smtp:// usually means port 587, smtps:// 465), that the server runs, and that no firewall is between"
        }
        (Step::Greeting, _) if matches!(error, Error::Timeout | Error::UnparseableReply) => {
            "a port that expects TLS at once needs smtps:// in LATCHKEY_SMTP_URL; else the server is overloaded or is no mail server"
        }
        (Step::Greeting, _) => {
            "the server turns this machine away before a word is said: its address may be on a block list, or the server may serve other networks only"
        }
        (Step::Ehlo, _) => "set LATCHKEY_MAIL_EHLO_NAME to a name of this machine that DNS knows",
        (Step::StartTls, _) => {
            "have the server's operator mend its TLS, or use its port that starts with TLS: smtps://HOST:465"
        }
        (Step::Tls, _) => on_tls(error),
        (Step::Login, _) => {
            "see that user and password in LATCHKEY_SMTP_URL are right, with % : @ / written as %25 %3A %40 %2F; some providers want a password made for the app"
        }
        (Step::MailFrom, _) => {
            "the server does not let this machine or login send from that address: set LATCHKEY_MAIL_FROM to one that it may use"
        }
        (Step::RcptTo, Belief::Stranger) => {
            "see that the address is spelled right and exists; a refusal that names a policy or list is about this machine: run `latchkey mail doctor`"
        }
        (Step::RcptTo, _) => {
            "see that the address is spelled right; if the server speaks of relaying, it wants a login before it sends to other domains"
        }
        (Step::Data | Step::EndOfData, _) => {
            "the server does not want the letter itself: its words say why, and `latchkey mail doctor` looks at what receivers look at"
        }
    }
}

fn on_tls(error: &Error) -> &'static str {
    use rustls::CertificateError as Wrong;
    let Some(fault) = rustls_fault(error) else {
        return "the handshake was cut off: see that the port is one of mail, and that the server speaks TLS 1.2 or newer";
    };
    match fault {
        rustls::Error::InvalidCertificate(Wrong::NotValidForName | Wrong::NotValidForNameContext { .. }) => {
            "the certificate is for another name: write that name as host in LATCHKEY_SMTP_URL, or have the server's certificate include the one you use"
        }
        rustls::Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            "the certificate has ended: have it renewed, and see that this machine's clock is right"
        }
        rustls::Error::InvalidCertificate(Wrong::UnknownIssuer) => {
            "nobody whom this system trusts vouches for the certificate: add the authority to the system's store, or name its file in SSL_CERT_FILE"
        }
        rustls::Error::InvalidMessage(_) => {
            "the port does not start with TLS: write smtp:// in LATCHKEY_SMTP_URL"
        }
        _ => "have the server's operator mend its TLS: version 1.2 or newer, with a certificate that is good",
    }
}

fn rustls_fault(error: &Error) -> Option<&rustls::Error> {
    match error {
        Error::Tls(fault) => Some(fault),
        Error::Io(fault) => fault.get_ref()?.downcast_ref(),
        _ => None,
    }
}
