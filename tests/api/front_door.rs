//! The front door: the name that the server is called by decides whose bare paths are meant, and no spelling of it or
//! of a path leads around a limit.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person, client_builder};
use crate::raw::{exchange, status};

const DOOR: &str = "finradar.localhost";
const LOGIN: &str = "/api/v1/auth/login";
const USER: &str = "/api/v1/user/";

fn at(app: &App, host: &str, method: Method, path: &str) -> RequestBuilder {
    app.request(method, path).header("host", host)
}

async fn login_at(app: &App, host: &str, path: &str, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    app.send(at(app, host, Method::POST, path).json(&body)).await
}

/// Somebody's FinRadar token, got through the prefixed path.
async fn token(app: &App, person: &Person) -> String {
    let body = json!({"email": person.email, "password": PASSWORD});
    let answer = app.post("/finradar/api/v1/auth/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.field("token")
}

fn is_sentence(answer: &Answer) -> bool {
    let body = answer.json();
    let keys: Vec<&String> = body.as_object().into_iter().flatten().map(|(key, _)| key).collect();
    keys == ["message"] && !answer.field("message").is_empty()
}

#[tokio::test]
async fn a_name_decides_whose_paths_are_meant() {
    let app = App::start_with(|settings| {
        settings.hosts = Some("API.finradar.ai=finradar".to_owned());
    })
    .await;
    let ann = app.member("ann@acme.com").await;
    for host in ["finradar.localhost", "FINRADAR.localhost.:81", "api.finradar.ai", "api.finradar.ai:443"] {
        let answer = login_at(&app, host, LOGIN, &ann.email, PASSWORD).await;
        assert_eq!((answer.status, answer.field("message").as_str()), (200, "Login successful"), "{host}");
        for path in [USER, "/api/v1/user", "/finradar/api/v1/user", "/finradar/api/v1/user/?q=/api/v1"] {
            let read = app.send(at(&app, host, Method::GET, path).bearer_auth(answer.field("token"))).await;
            assert_eq!(read.status, 200, "{host} {path}: {}", read.text);
            assert_eq!(read.json()["user"]["uuid"], json!(ann.id), "{host} {path}");
        }
        // Everything else is there as anywhere.
        let own = app.send(at(&app, host, Method::GET, "/user/profile").bearer_auth(&ann.access)).await;
        assert_eq!(own.status, 200, "{host}");
        assert_eq!(app.send(at(&app, host, Method::GET, "/health")).await.status, 200, "{host}");
    }
    for host in ["localhost", "flashback.localhost", "finradar.ai", "xapi.finradar.ai", "evil.example"] {
        let answer =
            app.http.post(format!("http://{}{LOGIN}", app.address)).header("host", host).send().await;
        let answer: Value = answer.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["error_code"], json!("NOT_FOUND"), "{host} stands for nothing there");
    }
    app.finish().await;
}

// C1: where a request says two things about its host, neither counts.
#[tokio::test]
async fn a_request_that_names_two_hosts_names_none() {
    let app = App::start().await;
    let rows = [
        ("one Host", LOGIN, "Host: finradar.localhost\r\n", 400),
        ("two Hosts", LOGIN, "Host: finradar.localhost\r\nHost: finradar.localhost\r\n", 404),
        ("no Host", LOGIN, "", 404),
        ("a Host with user information", LOGIN, "Host: ann@finradar.localhost\r\n", 404),
        (
            "absolute form",
            "http://finradar.localhost/api/v1/auth/login",
            "Host: finradar.localhost:80\r\n",
            400,
        ),
        ("absolute form alone", "http://finradar.localhost/api/v1/auth/login", "", 400),
        (
            "absolute form, another Host",
            "http://finradar.localhost/api/v1/auth/login",
            "Host: localhost\r\n",
            404,
        ),
        (
            "absolute form of another",
            "http://localhost/api/v1/auth/login",
            "Host: finradar.localhost\r\n",
            404,
        ),
        ("forwarded", LOGIN, "Host: localhost\r\nX-Forwarded-Host: finradar.localhost\r\n", 404),
    ];
    for (what, target, hosts, expected) in rows {
        let request = format!(
            "POST {target} HTTP/1.1\r\n{hosts}content-type: application/json\r\nconnection: close\r\n\
            content-length: 2\r\n\r\n{{}}"
        );
        let answer = exchange(app.address, request).await;
        assert_eq!(status(&answer), expected, "{what}: {answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn over_http2_the_authority_is_the_name() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let client =
        client_builder().http2_prior_knowledge().resolve(DOOR, app.address).build().expect("a client");
    let body = json!({"email": "ann@acme.com", "password": PASSWORD});
    let url = format!("http://{DOOR}:{}{LOGIN}", app.address.port());
    let answer = client.post(url).json(&body).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    app.finish().await;
}

// H1
#[tokio::test]
async fn no_spelling_reaches_a_handler_within_another_limit() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    let spellings = [
        "//api/v1/auth/login",
        "/api//v1/auth/login",
        "/api/v1//auth/login",
        "/api/v1/auth/login/",
        "/API/v1/auth/login",
        "/api/v1/Auth/login",
        "/api%2Fv1/auth/login",
        "/api/v1%2fauth/login",
        "/api/v1/auth%2flogin",
        "/api/v1/auth/log%69n",
        "/%61pi/v1/auth/login",
        "/api/v1/./auth/login",
        "/api/v1/x/../auth/login",
        "/api/v1/../v1/auth/login",
        "/api/v1;x/auth/login",
        "/api/v1/auth/login;x=1",
        "/api/v1/finradar/api/v1/auth/login",
        "/finradar/finradar/api/v1/auth/login",
        "/finradar//api/v1/auth/login",
        "/Finradar/api/v1/auth/login",
        "/%66inradar/api/v1/auth/login",
        "/finradar%2Fapi/v1/auth/login",
        "/finradar/api/v1/auth/login/",
        "http://finradar.localhost//api/v1/auth/login",
        "http://finradar.localhost/finradar/../api/v1/auth/login",
    ];
    let body = json!({"email": "ann@company.example", "password": "x"}).to_string();
    for spelling in spellings {
        let request = format!(
            "POST {spelling} HTTP/1.1\r\nhost: {DOOR}\r\nconnection: close\r\n\
            content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(app.address, request).await;
        assert_eq!(status(&answer), 404, "{spelling}: {answer}");
    }
    // Ten logins are still there, and all ways to the one handler share them.
    let ways: [(&str, &str); 5] = [
        (DOOR, LOGIN),
        ("FinRadar.localhost.", "/api/v1/auth/login?again"),
        ("localhost", "/finradar/api/v1/auth/login"),
        (DOOR, "/finradar/api/v1/auth/login"),
        ("localhost", "/user/login"),
    ];
    for (number, (host, path)) in ways.iter().cycle().take(10).enumerate() {
        let email = format!("n{number}@company.example");
        assert_eq!(login_at(&app, host, path, &email, "x").await.status, 401, "{host} {path}");
    }
    for (host, path) in ways {
        assert_eq!(login_at(&app, host, path, "ben@company.example", "x").await.status, 429, "{host} {path}");
    }
    app.finish().await;
}

// H1
#[tokio::test]
async fn both_spellings_of_a_path_with_a_slash_share_its_limit() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    let paths = [USER, "/api/v1/user", "/finradar/api/v1/user", "/finradar/api/v1/user/"];
    for (number, path) in paths.iter().cycle().take(1_200).enumerate() {
        let status = app.send(at(&app, DOOR, Method::GET, path)).await.status;
        assert_eq!(status, 401, "call {number} of {path}");
    }
    for path in paths {
        assert_eq!(app.send(at(&app, DOOR, Method::GET, path)).await.status, 429, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_no_operation_handles_answers_in_the_contracts_shape() {
    let app = App::start().await;
    let long = "x".repeat(70_000);
    for (host, place) in [(DOOR, ""), ("localhost", "/finradar")] {
        let request = |method, path: &str| at(&app, host, method, &format!("{place}{path}"));
        let rows = [
            ("unknown path", request(Method::GET, "/api/v1/nowhere"), 404),
            ("nothing below the root", request(Method::GET, "/api/v1"), 404),
            ("wrong method", request(Method::DELETE, LOGIN), 405),
            ("no JSON", request(Method::POST, LOGIN).header("content-type", "text/plain").body("{}"), 415),
            (
                "too long",
                request(Method::POST, LOGIN).header("content-type", "application/json").body(long.clone()),
                413,
            ),
            ("faulty", request(Method::POST, LOGIN).json(&json!({"email": 7})), 400),
            ("no token", request(Method::GET, USER), 401),
        ];
        for (what, request, status) in rows {
            let answer = app.send(request).await;
            assert_eq!(answer.status, status, "{what} at {host}: {}", answer.text);
            assert!(is_sentence(&answer), "{what} at {host}: {}", answer.text);
            let allow = if status == 405 { "POST" } else { "" };
            assert_eq!(answer.header("allow"), allow, "{what} at {host}");
        }
    }
    for path in [USER, "/api/v1/user"] {
        let answer = app.send(at(&app, DOOR, Method::POST, path)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, PUT"), "{path}");
    }
    assert_eq!(app.get("/finradars").await.field("error_code"), "NOT_FOUND", "elsewhere as ever");
    app.finish().await;
}

// E4
#[tokio::test]
async fn a_token_of_one_contract_is_none_at_another() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let finradar = token(&app, &ann).await;
    let rows = [
        ("/finradar/api/v1/user/", &finradar, 200),
        ("/finradar/api/v1/user/", &ann.access, 401),
        ("/finradar/api/v1/user/", &ann.refresh, 401),
        ("/user/profile", &ann.access, 200),
        ("/user/profile", &finradar, 401),
    ];
    for (path, token, status) in rows {
        let answer = app.send(app.request(Method::GET, path).bearer_auth(token)).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": finradar})).await;
    assert_eq!(refreshed.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_contract_that_is_not_served_has_no_door() {
    let app = App::start_with(|settings| settings.contracts = Some("flashback".to_owned())).await;
    for (host, path) in [(DOOR, LOGIN), ("localhost", "/finradar/api/v1/auth/login")] {
        assert_eq!(
            app.http
                .post(format!("http://{}{path}", app.address))
                .header("host", host)
                .send()
                .await
                .expect("an answer")
                .status()
                .as_u16(),
            404,
            "{host} {path}"
        );
    }
    app.finish().await;
}
