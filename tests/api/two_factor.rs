//! The second factor: set up, asked for at every login, passed, taken away.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey::model::time::{MINUTE, SECOND};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::colleague::colleague;
use crate::crowd::crowd;
use crate::process::Place;
use crate::totp;

/// Somebody with an authenticator app.
pub struct Careful {
    pub person: Person,
    pub secret: String,
    pub codes: Vec<String>,
}

/// Sends a body with wishes that must have no effect (G1).
pub async fn post(app: &App, token: &str, path: &str, mut body: Value) -> Answer {
    let wishes = json!({
        "isEnabled": true, "enabled": true, "verified": true, "sessionVerified": true, "passed": true, "role": "OWNER",
        "accountId": "0123456789abcdef01234567", "userId": "0123456789abcdef01234567", "secret": "AAAAAAAAAAAAAAAA"
    });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(wishes.as_object().cloned().unwrap_or_default());
    app.send(app.request(Method::POST, path).bearer_auth(token).json(&body)).await
}

fn now(app: &App) -> String {
    app.clock.now().rfc3339()
}

impl Careful {
    /// What the app shows.
    pub fn code(&self, app: &App) -> String {
        totp::code(&self.secret, app.clock.now())
    }
}

/// Turns the authenticator app on, and moves on to a step that was not used.
pub async fn enrol(app: &App, person: Person) -> Careful {
    let setup = post(app, &person.access, "/mfa/setup", json!({"mfaType": "GOOGLE_AUTH"})).await;
    assert_eq!(setup.status, 200, "{}", setup.text);
    let data = setup.json()["data"].clone();
    let secret = data["secret"].as_str().expect("a secret").to_owned();
    let codes = data["backupCodes"].as_array().expect("codes").iter();
    let codes = codes.map(|code| code.as_str().expect("a code").to_owned()).collect();
    let careful = Careful { person, secret, codes };
    let body = json!({"mfaType": "GOOGLE_AUTH", "code": careful.code(app)});
    let done = post(app, &careful.person.access, "/mfa/verify-setup", body).await;
    assert_eq!(done.status, 200, "{}", done.text);
    app.advance(30 * SECOND);
    careful
}

/// The token of a login whose second factor is lacking.
async fn ticket(app: &App, email: &str) -> String {
    let answer = app.login(email, PASSWORD).await;
    assert_eq!((answer.status, &answer.json()["mfaRequired"]), (200, &json!(true)), "{}", answer.text);
    assert_eq!((answer.field("refreshToken"), answer.field("tokenId")), (String::new(), String::new()));
    answer.field("accessToken")
}

async fn pass(app: &App, ticket: &str, code: &str) -> Answer {
    post(app, ticket, "/mfa/verify-login", json!({"mfaType": "GOOGLE_AUTH", "code": code})).await
}

fn error(answer: &Answer) -> (u16, String) {
    (answer.status, answer.field("error"))
}

#[tokio::test]
async fn a_login_asks_for_the_code_of_the_app() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let ticket = ticket(&app, "ann@acme.example").await;
    let passed = pass(&app, &ticket, &ann.code(&app)).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    let profile = app
        .send(app.request(Method::GET, "/user/profile").bearer_auth(passed.field("fullAccessToken")))
        .await;
    assert_eq!((profile.status, &profile.json()["data"]["mfaRequired"]), (200, &json!(true)));
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": passed.field("refreshToken")})).await;
    assert_eq!(refreshed.status, 200);
    let kinds: Vec<_> = app.letters().await.into_iter().map(|letter| letter.0["kind"].clone()).collect();
    assert!(kinds.contains(&json!("factor-on")), "{kinds:?}");
    app.finish().await;
}

// E4: the ticket is good for one thing alone, once
#[tokio::test]
async fn the_token_of_an_unfinished_login_opens_nothing() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let ticket = ticket(&app, "ann@acme.example").await;
    for path in ["/user/profile", "/mfa/status", "/token", "/forward-auth", "/finradar/api/v1/user/"] {
        let answer = app.send(app.request(Method::GET, path).bearer_auth(&ticket)).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert_eq!(app.post("/user/refresh", &json!({"refreshToken": ticket})).await.status, 401);
    for other in [&ann.person.refresh, "nonsense"] {
        assert_eq!(pass(&app, other, &ann.code(&app)).await.status, 401);
    }
    assert_eq!(pass(&app, &ticket, &ann.code(&app)).await.status, 200);
    app.advance(30 * SECOND);
    assert_eq!(pass(&app, &ticket, &ann.code(&app)).await.status, 401, "once");
    let late = self::ticket(&app, "ann@acme.example").await;
    app.advance(10 * MINUTE);
    assert_eq!(pass(&app, &late, &ann.code(&app)).await.status, 401, "ten minutes");
    app.finish().await;
}

// E3
#[tokio::test]
async fn a_code_is_good_once_also_of_many_at_once() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let mut tickets = Vec::new();
    for _ in 0..10 {
        tickets.push(ticket(&app, "ann@acme.example").await);
    }
    let code = ann.code(&app);
    let (app, answers) = crowd(app, 10, |app, n| {
        let (ticket, code) = (tickets[n].clone(), code.clone());
        async move { pass(&app, &ticket, &code).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let again = ticket(&app, "ann@acme.example").await;
    assert_ne!(pass(&app, &again, &code).await.status, 200);
    app.advance(30 * SECOND);
    assert_ne!(pass(&app, &again, &code).await.status, 200, "nor in the step after");
    app.finish().await;
}

// E1, E2: one persistent budget on every path
#[tokio::test]
async fn ten_wrong_codes_shut_every_path_for_a_while() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let wrong = totp::wrong(&ann.secret, app.clock.now());
    let ticket = ticket(&app, "ann@acme.example").await;
    for _ in 0..4 {
        assert_eq!(error(&pass(&app, &ticket, &wrong).await), (401, "Invalid MFA code".to_owned()));
    }
    let finradar = async |code: &str| {
        let body = json!({"email": "ann@acme.example", "password": PASSWORD, "totp_code": code});
        app.post("/finradar/api/v1/auth/login", &body).await
    };
    for nonsense in [wrong.as_str(), "AAAAAAAAAA", "12345678", "x"] {
        let answer = finradar(nonsense).await;
        assert_eq!((answer.status, answer.field("message")), (401, "Invalid two-factor code".to_owned()));
    }
    for _ in 0..2 {
        let body = json!({"mfaType": "GOOGLE_AUTH", "code": wrong});
        assert_eq!(post(&app, &ann.person.access, "/mfa/disable", body).await.status, 400);
    }
    for answer in [
        pass(&app, &ticket, &ann.code(&app)).await,
        finradar(&ann.code(&app)).await,
        finradar(&ann.codes[0]).await,
        post(
            &app,
            &ann.person.access,
            "/mfa/disable",
            json!({"mfaType": "GOOGLE_AUTH", "code": ann.code(&app)}),
        )
        .await,
    ] {
        assert_eq!(answer.status, 429, "{}", answer.text);
        assert!(!answer.header("retry-after").is_empty());
    }
    app.advance(15 * MINUTE);
    assert_eq!(finradar(&ann.code(&app)).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn every_contract_asks_after_the_password_and_takes_the_code_with_it() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let login = async |password: &str, code: Option<&str>| {
        let mut body = json!({"email": "ann@acme.example", "password": password});
        if let Some(code) = code {
            body["totp_code"] = json!(code);
        }
        let answer = app.post("/finradar/api/v1/auth/login", &body).await;
        (answer.status, answer.field("message"))
    };
    let wrong_password = (401, "Invalid email or password".to_owned());
    assert_eq!(login("wrong password", Some(&ann.code(&app))).await, wrong_password);
    assert_eq!(login(PASSWORD, None).await, (401, "Two-factor code required".to_owned()));
    assert_eq!(login(PASSWORD, Some(&ann.code(&app))).await.0, 200);
    assert_eq!(login(PASSWORD, Some(&ann.codes[3].to_lowercase())).await.0, 200, "a recovery code");
    assert_eq!(login(PASSWORD, Some(&ann.codes[3])).await.0, 401, "is good once");
    app.finish().await;
}

// E5
#[tokio::test]
async fn what_was_never_confirmed_gates_nothing() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let setup = post(&app, &ann.access, "/mfa/setup", json!({"mfaType": "GOOGLE_AUTH"})).await;
    let secret = setup.json()["data"]["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(app.login(&ann.email, PASSWORD).await.json().get("mfaRequired"), None);
    let wrong = totp::wrong(&secret, app.clock.now());
    let refused =
        post(&app, &ann.access, "/mfa/verify-setup", json!({"mfaType": "GOOGLE_AUTH", "code": wrong})).await;
    assert_eq!(error(&refused), (400, "Invalid MFA code".to_owned()));
    for (path, body) in [
        ("/mfa/enable", json!({"mfaType": "GOOGLE_AUTH"})),
        ("/mfa/primary", json!({"mfaType": "GOOGLE_AUTH"})),
        ("/mfa/disable", json!({"mfaType": "GOOGLE_AUTH"})),
        ("/mfa/setup", json!({"mfaType": "PASSKEY"})),
        ("/mfa/setup", json!({"mfaType": "SMS"})),
    ] {
        assert_eq!(post(&app, &ann.access, path, body).await.status, 400, "{path}");
    }
    // Begun anew, the secret of before is nothing any more.
    let again = post(&app, &ann.access, "/mfa/setup", json!({"mfaType": "GOOGLE_AUTH"})).await;
    assert_ne!(again.json()["data"]["secret"], json!(secret));
    let old = totp::code(&secret, app.clock.now());
    let refused =
        post(&app, &ann.access, "/mfa/verify-setup", json!({"mfaType": "GOOGLE_AUTH", "code": old})).await;
    assert_eq!(refused.status, 400);
    app.finish().await;
}

// E5
#[tokio::test]
async fn taking_it_away_takes_passing_it() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let disable = async |code: Option<String>| {
        let mut body = json!({"mfaType": "GOOGLE_AUTH"});
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        post(&app, &ann.person.access, "/mfa/disable", body).await
    };
    app.advance(15 * MINUTE);
    assert_eq!(disable(None).await.status, 403, "the session passed too long ago");
    assert_eq!(post(&app, &ann.person.access, "/mfa/reset", json!({})).await.status, 403);
    assert_eq!(disable(Some(totp::wrong(&ann.secret, app.clock.now()))).await.status, 400);
    assert_eq!(disable(Some(ann.code(&app))).await.status, 200);
    assert_eq!(app.login("ann@acme.example", PASSWORD).await.json().get("mfaRequired"), None);
    let off = app.letter("ann@acme.example", "factor-off").await;
    assert!(off.0["subject"].as_str().expect("a subject").contains("turned off"));
    // A published client sends no code: a session that passed lately may.
    let person = ann.person;
    let ann = enrol(&app, person).await;
    let again = pass(&app, &ann.person.access, &ann.code(&app)).await;
    assert_eq!(again.status, 200, "{}", again.text);
    app.advance(15 * MINUTE - SECOND);
    let reset = app.request(Method::POST, "/mfa/reset").bearer_auth(&ann.person.access);
    assert_eq!(app.send(reset).await.status, 200);
    app.finish().await;
}

// E5: another way in is as good as taking one away
#[tokio::test]
async fn adding_a_method_takes_passing_the_one_that_is_on() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    app.advance(15 * MINUTE);
    let token = &ann.person.access;
    let begin = async || post(&app, token, "/mfa/setup", json!({"mfaType": "MAGIC_LINK"})).await;
    assert_eq!(begin().await.status, 403);
    assert_eq!(pass(&app, token, &ann.code(&app)).await.status, 200);
    assert_eq!(begin().await.status, 200);
    let code = app.letter(&ann.person.email, "login-code").await.code();
    app.advance(9 * MINUTE);
    let confirm =
        async || post(&app, token, "/mfa/verify-setup", json!({"mfaType": "MAGIC_LINK", "code": code})).await;
    assert_eq!(confirm().await.status, 200);
    app.finish().await;
}

// E5: codes of a setup that was never confirmed are good for nothing
#[tokio::test]
async fn the_recovery_codes_that_work_are_those_shown_with_what_is_on() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let codes = async |token: &str| {
        let setup = post(&app, token, "/mfa/setup", json!({"mfaType": "GOOGLE_AUTH"})).await;
        setup.json()["data"].clone()
    };
    let begun = codes(&ann.access).await["backupCodes"][0].as_str().expect("a code").to_owned();
    post(&app, &ann.access, "/mfa/setup", json!({"mfaType": "MAGIC_LINK"})).await;
    let code = app.letter(&ann.email, "login-code").await.code();
    let on =
        post(&app, &ann.access, "/mfa/verify-setup", json!({"mfaType": "MAGIC_LINK", "code": code})).await;
    assert_eq!(on.status, 200, "{}", on.text);
    let first = ticket(&app, &ann.email).await;
    assert_eq!(pass(&app, &first, &begun).await.status, 401, "of what was never confirmed");
    let both = codes(&ann.access).await;
    let secret = both["secret"].as_str().expect("a secret").to_owned();
    let body = json!({"mfaType": "GOOGLE_AUTH", "code": totp::code(&secret, app.clock.now())});
    assert_eq!(post(&app, &ann.access, "/mfa/verify-setup", body).await.status, 200);
    let shown = both["backupCodes"][0].as_str().expect("a code");
    assert_eq!(pass(&app, &first, shown).await.status, 200);
    app.finish().await;
}

// A5: who took an account over and turned a second factor on does not keep its owner out
#[tokio::test]
async fn undoing_a_change_of_address_takes_away_what_was_turned_on_since() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    crate::change_address::changed(&app, &ann, "thief@evil.example").await;
    let undo = app.letter("ann@acme.example", "address-changed").await.token();
    app.advance(SECOND);
    enrol(&app, ann).await;
    assert_eq!(app.submit("/undo-change-email", &[("token", &undo)]).await.status, 200);
    let link = app.letter("ann@acme.example", "reset").await.token();
    let body = json!({"token": link, "newPassword": "Another5Word"});
    assert_eq!(app.post("/user/reset-password", &body).await.status, 200);
    let entered = app.login("ann@acme.example", "Another5Word").await;
    assert_eq!((entered.status, entered.json().get("mfaRequired")), (200, None));
    app.finish().await;
}

// A stolen token of an account with a second factor changes nothing that guards it.
#[tokio::test]
async fn password_and_address_are_changed_by_who_passed_lately() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    app.advance(15 * MINUTE);
    let path = format!("/user/{}", ann.person.id);
    let change = json!({"password": "Another5Word", "name": "Anna"});
    let put = async || app.call(&ann.person, Method::PUT, &path, Some(&change)).await;
    assert_eq!(put().await.refusal(), (403, "MFA_REQUIRED".to_owned()));
    let profile = app.call(&ann.person, Method::GET, "/user/profile", None).await;
    assert_eq!(profile.json()["data"]["name"], "John", "nothing of it was changed");
    let asked = crate::change_address::ask(&app, &ann.person, "new@other.example").await;
    assert_eq!(asked.refusal(), (403, "MFA_REQUIRED".to_owned()));
    assert_eq!(pass(&app, &ann.person.access, &ann.code(&app)).await.status, 200);
    let waiting = ticket(&app, "ann@acme.example").await;
    assert_eq!(put().await.status, 200);
    app.advance(30 * SECOND);
    assert_eq!(
        pass(&app, &waiting, &ann.code(&app)).await.status,
        401,
        "what the old password began is over"
    );
    app.finish().await;
}

// H6: strangers who use up the address's letters keep nobody out
#[tokio::test]
async fn codes_are_mailed_whatever_strangers_ask_for() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    let ann = app.member("ann@acme.example").await;
    post(&app, &ann.access, "/mfa/setup", json!({"mfaType": "MAGIC_LINK"})).await;
    let code = app.letter(&ann.email, "login-code").await.code();
    post(&app, &ann.access, "/mfa/verify-setup", json!({"mfaType": "MAGIC_LINK", "code": code})).await;
    for _ in 0..5 {
        app.post("/user/request-reset-password", &json!({"email": ann.email})).await;
    }
    let entered = app.login(&ann.email, PASSWORD).await;
    let told = ["mfaType", "mfaCodeMailed"].map(|key| entered.json()[key].clone());
    assert_eq!(told, [json!("MAGIC_LINK"), json!(true)]);
    app.finish().await;
}

#[tokio::test]
async fn mailed_codes_are_a_second_factor_too() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let setup = post(&app, &ann.access, "/mfa/setup", json!({"mfaType": "MAGIC_LINK"})).await;
    assert_eq!((setup.status, setup.json()["data"].get("secret")), (200, None));
    let code = app.letter(&ann.email, "login-code").await.code();
    let done =
        post(&app, &ann.access, "/mfa/verify-setup", json!({"mfaType": "MAGIC_LINK", "code": code})).await;
    assert_eq!(done.status, 200, "{}", done.text);
    app.advance(SECOND);
    let first = ticket(&app, &ann.email).await;
    let code = app.letter(&ann.email, "login-code").await.code();
    app.advance(SECOND);
    let second = ticket(&app, &ann.email).await;
    assert_eq!(pass(&app, &second, &code).await.status, 401, "a code belongs to its login");
    assert_eq!(pass(&app, &first, &code).await.status, 200);
    assert_eq!(pass(&app, &first, &code).await.status, 401, "once");
    // Through a contract with one field for all codes.
    app.advance(SECOND);
    let body = json!({"email": ann.email, "password": PASSWORD});
    let asked = app.post("/finradar/api/v1/auth/login", &body).await;
    assert_eq!(asked.field("message"), "Two-factor code required");
    let code = app.letter(&ann.email, "login-code").await.code();
    let body = json!({"email": ann.email, "password": PASSWORD, "totp_code": code});
    assert_eq!(app.post("/finradar/api/v1/auth/login", &body).await.status, 200);
    assert_eq!(app.post("/finradar/api/v1/auth/login", &body).await.status, 401, "once");
    let old = app.letter(&ann.email, "login-code").await.code();
    app.advance(10 * MINUTE);
    let body = json!({"email": ann.email, "password": PASSWORD, "totp_code": old});
    assert_eq!(app.post("/finradar/api/v1/auth/login", &body).await.status, 401, "ten minutes");
    app.finish().await;
}

#[tokio::test]
async fn the_status_tells_what_is_on() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let status = async |token: &str| {
        app.send(app.request(Method::GET, "/mfa/status").bearer_auth(token)).await.json()["data"].clone()
    };
    let off = json!({"isEnabled": false, "isRequired": false, "isEnforced": false, "enabledMethods": [], "sessionVerified": false});
    assert_eq!(status(&ann.access).await, off);
    let ann = enrol(&app, ann).await;
    let on = json!({
        "isEnabled": true,
        "isRequired": true,
        "isEnforced": false,
        "enabledMethods": ["GOOGLE_AUTH"],
        "primaryMethod": "GOOGLE_AUTH",
        "sessionVerified": true
    });
    assert_eq!(status(&ann.person.access).await, on, "{}", now(&app));
    post(&app, &ann.person.access, "/mfa/setup", json!({"mfaType": "MAGIC_LINK"})).await;
    let code = app.letter(&ann.person.email, "login-code").await.code();
    post(&app, &ann.person.access, "/mfa/verify-setup", json!({"mfaType": "MAGIC_LINK", "code": code})).await;
    let set = post(&app, &ann.person.access, "/mfa/primary", json!({"mfaType": "MAGIC_LINK"})).await;
    assert_eq!(set.status, 200);
    let both = status(&ann.person.access).await;
    assert_eq!(
        (&both["primaryMethod"], both["enabledMethods"].as_array().map(Vec::len)),
        (&json!("MAGIC_LINK"), Some(2))
    );
    let methods = app.send(app.request(Method::GET, "/mfa/methods").bearer_auth(&ann.person.access)).await;
    assert_eq!(
        methods.json()["data"],
        json!([
            {"mfaType": "GOOGLE_AUTH", "isEnabled": true, "isPrimary": false},
            {"mfaType": "MAGIC_LINK", "isEnabled": true, "isPrimary": true}
        ])
    );
    app.finish().await;
}

#[tokio::test]
async fn the_picture_is_read_by_a_decoder_of_others() {
    let app = App::start_with(|settings| settings.app_name = Some("Acme: Shop & Co".to_owned())).await;
    let ann = app.member("ann+x@acme.example").await;
    let setup =
        post(&app, &ann.access, "/mfa/setup", json!({"mfaType": "GOOGLE_AUTH"})).await.json()["data"].clone();
    let url = setup["qrCode"].as_str().expect("a picture");
    let file = STANDARD.decode(url.strip_prefix("data:image/png;base64,").expect("a PNG")).expect("base 64");
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    let (width, height) = (info.width as usize, info.height as usize);
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = picture.detect_grids();
    let (_, text) = grids.first().expect("a code").decode().expect("it is readable");
    let secret = setup["secret"].as_str().expect("a secret");
    assert!(text.starts_with("otpauth://totp/Acme%20%20Shop%20%26%20Co:ann%2Bx%40acme.example?"), "{text}");
    assert!(text.contains(&format!("secret={secret}")), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn who_must_have_one_can_do_nothing_but_set_it_up() {
    let app = App::start().await;
    let owner = app.member("ann@acme.example").await;
    let bob = colleague(&app, &owner, "bob@mates.example", latchkey::model::organization::Role::User).await;
    let refused = post(&app, &bob.access, "/mfa/organization/enforce", json!({"enforced": true})).await;
    assert_eq!(refused.status, 403);
    let set = post(&app, &owner.access, "/mfa/organization/enforce", json!({"enforced": true})).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let read = async |path: &str| app.call(&bob, Method::GET, path, None).await.refusal();
    let must = (403, "MFA_SETUP_REQUIRED".to_owned());
    assert_eq!(read("/organization/api-keys").await, must);
    assert_eq!(read("/user/profile").await, must);
    assert_eq!(read("/mfa/status").await.0, 200);
    let entered = app.login(&bob.email, PASSWORD).await;
    assert_eq!(entered.json().get("mfaRequired"), None, "who has none is let in to set it up");
    let bob = enrol(&app, bob).await;
    assert_eq!(app.call(&bob.person, Method::GET, "/user/profile", None).await.status, 200);
    app.finish().await;
}

// D4: a reset does not get around it
#[tokio::test]
async fn a_new_password_does_not_skip_it() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    let old = ticket(&app, "ann@acme.example").await;
    app.post("/user/request-reset-password", &json!({"email": "ann@acme.example"})).await;
    let link = app.letter("ann@acme.example", "reset").await.token();
    let body = json!({"token": link, "newPassword": "Another5Word"});
    assert_eq!(app.post("/user/reset-password", &body).await.status, 200);
    assert_eq!(pass(&app, &old, &ann.code(&app)).await.status, 401, "what the old password began is over");
    let entered = app.login("ann@acme.example", "Another5Word").await;
    assert_eq!(entered.json()["mfaRequired"], json!(true));
    app.finish().await;
}

// D3
#[tokio::test]
async fn the_secret_is_nowhere_in_the_file() {
    let app = App::start().await;
    let person = app.member("ann@acme.example").await;
    let ann = enrol(&app, person).await;
    for ending in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{ending}", app.database().display())).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&ann.secret));
        assert!(ann.codes.iter().all(|code| !text.contains(code)));
    }
    app.finish().await;
}

#[tokio::test]
async fn the_operator_helps_who_has_lost_everything() {
    let place = Place::new();
    let server = place.serve(&[]);
    let email = "ann@acme.example";
    let ann = Person::of(email, &server.post("/user/register", &crate::app::registration(email)).await);
    assert_eq!(place.run(&["account", "verify", email]).status, 0);
    let call = |path: &str, body: Value| {
        server.send(server.request(Method::POST, path).bearer_auth(&ann.access).json(&body))
    };
    let setup = call("/mfa/setup", json!({"mfaType": "GOOGLE_AUTH"})).await;
    let secret = setup.json()["data"]["secret"].as_str().expect("a secret").to_owned();
    // The server's clock is the machine's.
    let code = totp::code(&secret, latchkey::clock::Clock::system().now());
    assert_eq!(call("/mfa/verify-setup", json!({"mfaType": "GOOGLE_AUTH", "code": code})).await.status, 200);
    let login = async || {
        let answer = server.post("/user/login", &json!({"email": email, "password": PASSWORD})).await;
        answer.json().get("mfaRequired").cloned()
    };
    assert_eq!(login().await, Some(json!(true)));
    assert!(place.run(&["account", "reset-2fa", email]).stdout.contains("no second factor any more"));
    assert_eq!(login().await, None);
    assert!(place.run(&["account", "reset-2fa", email]).stdout.contains("had no second factor"));
    server.stop().await;
}
