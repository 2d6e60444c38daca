//! Secrets appear where they belong and nowhere else: not in the file, not in its write-ahead log, not in the log.

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, Letter, PATIENCE, Person, registration};
use crate::process::{Place, Process, read};
use crate::smtp_sink::{Received, Sink};

/// Passwords that stand out wherever they turn up.
const FIRST: &str = "Canary-First-7391";
const SECOND: &str = "Canary-Second-5820";
const WRONG: &str = "Canary-Wrong-1177";

fn secret(letter: &Received) -> (String, String) {
    let text = letter.text();
    let token = text.split_once("token=").expect("a link").1.split_whitespace().next().expect("a token");
    let is_code = |line: &&str| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit());
    (token.to_owned(), text.lines().find(is_code).expect("a code").to_owned())
}

fn tokens(answer: &Answer) -> [String; 2] {
    assert!(answer.status < 300, "{}", answer.text);
    [answer.field("accessToken"), answer.field("refreshToken")]
}

/// The file and all that belongs to it, byte for byte, as text.
fn on_disk(app: &App) -> String {
    let path = app.database().display().to_string();
    assert!(
        std::fs::metadata(format!("{path}-wal")).is_ok_and(|wal| wal.len() > 0),
        "there is a log to search"
    );
    ["", "-wal", "-shm"].map(|ending| read(format!("{path}{ending}").as_ref())).concat()
}

// D3
#[tokio::test]
async fn nothing_that_opens_an_account_is_in_the_file_once_its_letters_are_delivered() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    let mut body = registration("ann@company.example");
    body["password"] = json!(FIRST);
    let registered = app.post("/user/register", &body).await;
    let mut secrets = tokens(&registered).to_vec();
    let (verify, verify_code) = secret(&sink.wait_for(1).await[0]);
    secrets.extend(tokens(&app.post("/user/verify-email", &json!({"token": verify})).await));
    assert_eq!(app.login("ann@company.example", WRONG).await.status, 401);
    let login = tokens(&app.login("ann@company.example", FIRST).await);
    secrets.extend(tokens(&app.post("/user/refresh", &json!({"refreshToken": login[1]})).await));
    secrets.extend(login);
    app.post("/user/request-reset-password", &json!({"email": "ann@company.example"})).await;
    let (reset, reset_code) = secret(&sink.wait_for(2).await[1]);
    let changed = app.post("/user/reset-password", &json!({"token": reset, "newPassword": SECOND})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    sink.wait_for(3).await;
    app.carried().await;

    secrets.extend([verify, verify_code, reset, reset_code]);
    secrets.extend([FIRST, SECOND, WRONG].map(str::to_owned));
    let disk = on_disk(&app);
    assert!(disk.contains("ann@company.example"), "the search finds what is there");
    for secret in &secrets {
        assert!(secret.len() >= 8 && !disk.contains(secret.as_str()), "{secret} is in the file");
    }
    let bodies = "select group_concat(sealed, '') from letters where state = 'delivered'";
    let bodies = app.service.store.read(|tx| tx.value::<String>(bodies, &[])).expect("an answer");
    assert_eq!(bodies.as_deref(), Some(""), "what is delivered is erased");
    app.finish().await;
}

async fn letter(server: &Process, kind: &str) -> Letter {
    let looking = async {
        loop {
            let letters = server.get("/mailbox/letters").await.json();
            let mut letters = letters.as_array().expect("an array").iter();
            if let Some(found) = letters.find(|letter| letter["kind"] == kind) {
                return Letter(found.clone());
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the letter comes")
}

/// A whole life of an account, with some mistakes. Returns every secret that was in play.
async fn live(server: &Process) -> Vec<String> {
    let email = "ann@company.example";
    let mut body = registration(email);
    body["password"] = json!(FIRST);
    let registered = server.post("/user/register", &body).await;
    let mut secrets = tokens(&registered).to_vec();
    let verify = letter(server, "verify").await;
    server.get(&format!("/verify-email?token={}", verify.token())).await;
    server.get(&format!("/verify-email/{}", verify.token())).await;
    server.post("/user/pre-verify-email", &json!({"token": verify.token()})).await;
    let pressed = server.submit("/verify-email", &[("token", &verify.token())]).await;
    assert_eq!(pressed.status, 200, "{}", pressed.text);
    let wrong = server.post("/user/login", &json!({"email": email, "password": WRONG})).await;
    assert_eq!(wrong.status, 401);
    let login = server.post("/user/login", &json!({"email": email, "password": FIRST})).await;
    secrets.extend(tokens(&login));
    let person = Person::of(email, &login);
    let refreshed = server.post("/user/refresh", &json!({"refresh_token": person.refresh})).await;
    secrets.extend(tokens(&refreshed));
    server.profile(&person).await;
    server.get(&format!("/user/profile?access_token={}", person.access)).await;
    let weak = server.request(Method::PUT, &format!("/user/{}", person.id)).bearer_auth(&person.access);
    server.send(weak.json(&json!({"password": WRONG.to_lowercase(), "name": 7}))).await;
    server.post("/user/request-reset-password", &json!({"email": email})).await;
    let reset = letter(server, "reset").await;
    server.get(&format!("/reset-password?token={}", reset.token())).await;
    let code = json!({"email": email, "code": "00000000", "newPassword": SECOND});
    server.post("/user/reset-password", &code).await;
    let changed = server.submit("/reset-password", &[("token", &reset.token()), ("password", SECOND)]).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let path = "/finradar/api/v1/auth";
    let token = server.post(&format!("{path}/login"), &json!({"email": email, "password": SECOND})).await;
    assert_eq!(token.status, 200, "{}", token.text);
    secrets.push(token.field("token"));
    for link in ["verifyEmail", "verifyPasswordLink"] {
        server.get(&format!("{path}/{link}?token={}", verify.token())).await;
    }
    let put = server.request(Method::PUT, &format!("{path}/newpassword"));
    server.send(put.json(&json!({"token": reset.token(), "newpassword": FIRST}))).await;
    server.post("/user/logout", &json!({"refreshToken": refreshed.field("refreshToken")})).await;
    secrets.extend([verify.token(), verify.code(), reset.token(), reset.code()]);
    secrets.extend([FIRST, SECOND, WRONG].map(str::to_owned));
    secrets.push(WRONG.to_lowercase());
    secrets
}

// C4, D3
#[tokio::test]
async fn the_log_of_a_whole_life_holds_no_secret_however_loud_it_is() {
    for arguments in [["--log", "trace", "--log-format", "text"], ["--log", "trace", "--log-format", "json"]]
    {
        let place = Place::new();
        let server = place.serve(&arguments);
        let secrets = live(&server).await;
        server.stop().await;
        let log = read(&place.path("server.log"));
        assert!(log.contains("/user/refresh") && log.contains("answered"), "the search finds what is there");
        let key = read(&place.path("latchkey.db.key"));
        for secret in secrets.iter().map(String::as_str).chain([key.trim()]) {
            assert!(secret.len() >= 8 && !log.contains(secret), "{secret} is in the log");
        }
    }
}
