//! The service as it should be, and as it should not: a stand-in on this machine speaks its protocol (H4).

mod stand_in;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::mail::conversation::tls::verifying;
use stand_in::{Log, Reply, StandIn, converse, http, vouching};

const ANSWER: &str = "10000000-aaaa-bbbb-cccc-000000000001";
const SECRET: &str = "0x4AAhunter2";
/// Reached only when something hangs that should not.
const PATIENCE: Duration = Duration::from_secs(20);

fn service(url: String, time_limit: Duration) -> SiteVerify {
    let hostnames = vec!["www.example.com".to_owned(), "app.example.com".to_owned()];
    SiteVerify { url, secret: ServiceSecret::new(SECRET), hostnames, time_limit }
}

fn asking(url: String, time_limit: Duration) -> Asking {
    let tls = verifying(RootCertStore::empty()).expect("a configuration");
    Asking::new(service(url, time_limit), &tls).expect("a client")
}

async fn judge(asking: &Asking) -> Result<(), Fault> {
    asking.judge(ANSWER, "192.0.2.7".parse().expect("an address")).await
}

#[tokio::test]
async fn the_service_is_asked_as_its_protocol_wants_it() {
    let mut stand_in = StandIn::saying(&vouching()).await;
    let asking = asking(stand_in.url(), PATIENCE);
    let odd = "a&secret=other b\u{e9}";
    assert_eq!(asking.judge(odd, "2001:db8::7".parse().expect("an address")).await, Ok(()));
    let question = stand_in.question().await;
    let (head, form) = question.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("POST /siteverify HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded\r\n"), "{head}");
    let fields: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let wanted = [("secret", SECRET), ("response", odd), ("remoteip", "2001:db8::7")];
    assert_eq!(fields, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

// H4
#[tokio::test]
async fn nothing_but_a_clear_yes_for_a_page_of_ours_passes() {
    let yes = |host: &str| http("200 OK", &format!(r#"{{"success":true,"hostname":{host}}}"#));
    let no = |codes: &str| http("200 OK", &format!(r#"{{"success":false,"error-codes":{codes}}}"#));
    let padded =
        format!("{}{}", " ".repeat(LONGEST_VERDICT), r#"{"success":true,"hostname":"app.example.com"}"#);
    let unbounded = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{padded}");
    let elsewhere = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
    let good = r#"{"success":true,"hostname":"app.example.com"}"#;
    // What it says, the outcome, and words of the log; none where nothing is to be logged.
    let rows = [
        ("a success", vouching(), Ok(()), ""),
        ("a success for another page of ours", yes(r#""www.example.com""#), Ok(()), ""),
        ("a failure", no(r#"["invalid-input-response"]"#), Err(Fault::Wrong), ""),
        ("a failure without codes", http("200 OK", r#"{"success":false}"#), Err(Fault::Wrong), ""),
        ("a used answer", no(r#"["timeout-or-duplicate"]"#), Err(Fault::Wrong), ""),
        (
            "a wrong secret",
            no(r#"["invalid-input-secret"]"#),
            Err(Fault::Unavailable),
            "invalid-input-secret",
        ),
        ("a failure with a 400", http("400 Bad Request", r#"{"success":false}"#), Err(Fault::Wrong), ""),
        ("a success with a 400", http("400 Bad Request", good), Err(Fault::Unavailable), "400"),
        ("another host", yes(r#""evil.example""#), Err(Fault::Elsewhere), "\"evil.example\""),
        ("a host below ours", yes(r#""x.app.example.com""#), Err(Fault::Elsewhere), "x.app.example.com"),
        ("a host that ends like ours", yes(r#""evilapp.example.com""#), Err(Fault::Elsewhere), "evilapp"),
        ("a host with a line break", yes(r#""a\nlevel=INFO""#), Err(Fault::Elsewhere), r"a\nlevel"),
        ("an empty host", yes(r#""""#), Err(Fault::Elsewhere), "LATCHKEY_CAPTCHA_HOSTNAMES"),
        ("no host", http("200 OK", r#"{"success":true}"#), Err(Fault::Elsewhere), "which page"),
        ("a null host", yes("null"), Err(Fault::Elsewhere), "which page"),
        (
            "a success as text",
            http("200 OK", r#"{"success":"true","hostname":"app.example.com"}"#),
            Err(Fault::Unavailable),
            "that is no verdict",
        ),
        ("a 500", http("500 Internal Server Error", good), Err(Fault::Unavailable), "500"),
        ("rubbish", http("200 OK", "<html>"), Err(Fault::Unavailable), "that is no verdict"),
        ("nothing", String::new(), Err(Fault::Unavailable), "connection closed"),
        ("half an answer", vouching().replace("}", ""), Err(Fault::Unavailable), "end of file"),
        ("no HTTP", "220 mail.example.com\r\n".to_owned(), Err(Fault::Unavailable), "invalid HTTP"),
        ("too long an answer", http("200 OK", &padded), Err(Fault::Unavailable), "longer than 65536"),
        ("one that does not tell its length", unbounded, Err(Fault::Unavailable), "longer than 65536"),
        ("a redirect", elsewhere.to_owned(), Err(Fault::Unavailable), "307"),
    ];
    let log = Log::default();
    let logging = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(logging);
    for (what, reply, outcome, words) in rows {
        let mut stand_in = StandIn::saying(&reply).await;
        assert_eq!(judge(&asking(stand_in.url(), PATIENCE)).await, outcome, "{what}");
        let logged = log.take();
        assert_eq!(logged.lines().count(), usize::from(!words.is_empty()), "{what}: {logged}");
        assert!(logged.contains(words), "{what}: {logged}");
        assert!(!logged.contains(SECRET) && !logged.contains(ANSWER), "{what}: {logged}");
        stand_in.question().await;
        assert!(stand_in.questions.try_recv().is_err(), "{what}: it is asked once, and no other is");
    }
}

// H4
#[tokio::test]
async fn a_service_that_is_down_or_silent_fails_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let down = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let silent = StandIn::start(|_| Reply::Hold(Arc::default())).await;
    // The port takes the connection and no more.
    let deaf = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let deaf = (format!("http://{}/", deaf.local_addr().expect("an address")), deaf);
    let log = Log::default();
    let logging = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(logging);
    let short = Duration::from_millis(50);
    for (url, limit, words) in
        [(down, PATIENCE, "refused"), (silent.url(), short, "within 50 ms"), (deaf.0, short, "within 50 ms")]
    {
        assert_eq!(judge(&asking(url, limit)).await, Err(Fault::Unavailable));
        let logged = log.take();
        assert!(logged.contains(words) && !logged.contains(SECRET) && !logged.contains(ANSWER), "{logged}");
    }
}

// H4
#[tokio::test]
async fn a_question_that_hangs_holds_up_no_other() {
    let go_on = Arc::new(Notify::new());
    let held = Arc::clone(&go_on);
    let reply = move |number| if number == 0 { Reply::Hold(held.clone()) } else { Reply::Say(vouching()) };
    let mut stand_in = StandIn::start(reply).await;
    let asking = Arc::new(asking(stand_in.url(), PATIENCE));
    let first = tokio::spawn({
        let asking = Arc::clone(&asking);
        async move { judge(&asking).await }
    });
    stand_in.question().await;
    assert_eq!(judge(&asking).await, Ok(()));
    assert!(!first.is_finished());
    go_on.notify_one();
    assert_eq!(first.await.expect("no panic"), Ok(()));
}

// H4, J2
#[tokio::test]
async fn questions_at_a_time_are_bounded_and_who_goes_away_makes_room() {
    let stand_in = StandIn::start(|_| Reply::Hold(Arc::default())).await;
    let asking = Arc::new(asking(stand_in.url(), PATIENCE));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..MOST_AT_ONCE {
        let asking = Arc::clone(&asking);
        waiting.spawn(async move { judge(&asking).await });
    }
    while asking.at_once.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(judge(&asking).await, Err(Fault::Unavailable));
    assert!(waiting.try_join_next().is_none(), "it was refused while all others wait");
    waiting.shutdown().await;
    assert_eq!(asking.at_once.available_permits(), MOST_AT_ONCE);
}

#[tokio::test]
async fn an_answer_that_no_widget_gives_is_not_passed_on() {
    let mut stand_in = StandIn::saying(&vouching()).await;
    let asking = asking(stand_in.url(), PATIENCE);
    let long = "x".repeat(LONGEST_ANSWER + 1);
    assert_eq!(asking.judge(&long, "192.0.2.7".parse().expect("an address")).await, Err(Fault::Wrong));
    assert!(stand_in.questions.try_recv().is_err());
    assert_eq!(asking.judge(&long[1..], "192.0.2.7".parse().expect("an address")).await, Ok(()));
}

#[tokio::test]
async fn over_tls_the_service_is_believed_by_its_certificate_alone() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a sound certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    let (tell, mut questions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A handshake that the client breaks off is what the test wants to see.
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, Reply::Say(vouching()), tell.clone()).await;
            }
        }
    });
    let mut trusting = RootCertStore::empty();
    trusting.add(certificate).expect("an authority");
    for (roots, outcome) in [(RootCertStore::empty(), Err(Fault::Unavailable)), (trusting, Ok(()))] {
        let tls = verifying(roots).expect("a configuration");
        let asking = Asking::new(service(url.clone(), PATIENCE), &tls).expect("a client");
        assert_eq!(judge(&asking).await, outcome);
        assert_eq!(questions.try_recv().is_ok(), outcome.is_ok(), "a stranger is told nothing");
    }
}
