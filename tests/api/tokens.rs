//! Forged tokens, tokens of other keys, and what a remembered token may not do.

use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use latchkey::model::contract::Contract;
use latchkey::tokens::{Claims, Ring, SigningKey, TokenKind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, Person, START};
use crate::jwt::{self, Forge};

type Forged = (&'static str, String);

async fn status(app: &App, access: &str) -> u16 {
    app.send(app.request(Method::GET, "/user/profile").bearer_auth(access)).await.status
}

/// An object with one field set, or removed by null.
fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().expect("an object");
    fields.remove(key);
    if !value.is_null() {
        fields.insert(key.to_owned(), value);
    }
    object
}

/// The point of a public key as the JWK set tells it.
fn public_point(jwk: &Value) -> Vec<u8> {
    let coordinate = |name: &str| jwt::decode(jwk[name].as_str().expect("a coordinate"));
    [vec![4], coordinate("x"), coordinate("y")].concat()
}

/// Claims that the server's own key signed and that are refused for what they say.
fn wrong_claims(app: &App, access: &str) -> Vec<Forged> {
    let forge = Forge::with_the_servers_key(app);
    let (header, claims) = (jwt::header(access), jwt::claims(access));
    let soon = START.seconds() + 3600;
    let rows = [
        ("exp as text", "exp", json!(soon.to_string())),
        ("exp as a float", "exp", json!(soon as f64)),
        ("exp with a fraction", "exp", json!(soon as f64 + 0.5)),
        ("exp of now", "exp", json!(START.seconds())),
        ("exp of zero", "exp", json!(0)),
        ("exp negative", "exp", json!(-soon)),
        ("exp past 63 bits", "exp", json!(u64::MAX)),
        ("exp past all bits", "exp", json!(1e300)),
        ("exp in a list", "exp", json!([soon])),
        ("exp as true", "exp", json!(true)),
        ("no exp", "exp", Value::Null),
        ("aud of another contract", "aud", json!("finradar")),
        ("aud of nobody", "aud", json!("")),
        ("aud as a list", "aud", json!(["flashback"])),
        ("no aud", "aud", Value::Null),
        ("no iss", "iss", Value::Null),
        ("type refresh", "type", json!("refresh")),
        ("type mfa", "type", json!("mfa")),
        ("type in capitals", "type", json!("Access")),
        ("no type", "type", Value::Null),
        ("a session of nobody", "tokenId", json!("000000000000000000000000")),
        ("no session's name", "tokenId", json!("' or 1=1 --")),
        ("no session", "tokenId", Value::Null),
        ("iat as text", "iat", json!("now")),
    ];
    let sign = |(what, key, value)| (what, forge.sign(&header, &with(&claims, key, value)));
    rows.into_iter().map(sign).collect()
}

/// Headers that lead astray, over claims that are good.
fn wrong_headers(app: &App, access: &str) -> Vec<Forged> {
    let own = Forge::with_the_servers_key(app);
    let foreign_key = SigningKey::generate();
    let foreign = Forge::with(foreign_key.pkcs8());
    let foreign_jwk = Ring::new(foreign_key, vec![]).jwks()["keys"][0].clone();
    let (header, claims) = (jwt::header(access), jwt::claims(access));
    let kid = |value: Value| with(&header, "kid", value);
    vec![
        ("a foreign key under our name", foreign.sign(&header, &claims)),
        ("a foreign key under its own name", foreign.sign(&kid(foreign_jwk["kid"].clone()), &claims)),
        ("a foreign key that it brings", foreign.sign(&with(&header, "jwk", foreign_jwk), &claims)),
        (
            "a foreign key behind a link",
            foreign.sign(&with(&header, "jku", json!("http://127.0.0.1/jwks")), &claims),
        ),
        ("no kid", own.sign(&kid(Value::Null), &claims)),
        ("an empty kid", own.sign(&kid(json!("")), &claims)),
        ("a kid that climbs", own.sign(&kid(json!("../../../../dev/null")), &claims)),
        ("a kid that selects", own.sign(&kid(json!("' union select 'x")), &claims)),
        ("a kid that is a number", own.sign(&kid(json!(0)), &claims)),
        ("a kid in a list", own.sign(&kid(json!([header["kid"]])), &claims)),
        ("another algorithm of its family", own.sign(&with(&header, "alg", json!("ES384")), &claims)),
        ("an algorithm for RSA", own.sign(&with(&header, "alg", json!("RS256")), &claims)),
        ("no algorithm", own.sign(&with(&header, "alg", Value::Null), &claims)),
    ]
}

/// Signatures of nobody, and of the public key taken for a shared secret.
fn wrong_signatures(app: &App, access: &str) -> Vec<Forged> {
    let (header, claims) = (jwt::header(access), jwt::claims(access));
    let (text, signature) = access.rsplit_once('.').expect("a signature");
    let jwk = app.service.ring.jwks()["keys"][0].clone();
    let hs256 = |secret: &[u8]| {
        let text = jwt::unsigned(&with(&header, "alg", json!("HS256")), &claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
        jwt::signed(&text, tag.as_ref())
    };
    let none = |alg: &str| jwt::signed(&jwt::unsigned(&with(&header, "alg", json!(alg)), &claims), b"");
    let tampered = |key: &str, value: Value| {
        format!("{}.{signature}", jwt::unsigned(&header, &with(&claims, key, value)))
    };
    let mut flipped = jwt::decode(signature);
    flipped[40] ^= 1;
    vec![
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("alg NONE", none("NONE")),
        ("HS256 with the point", hs256(&public_point(&jwk))),
        ("HS256 with the JWK", hs256(jwk.to_string().as_bytes())),
        ("HS256 with the name of the key", hs256(jwk["kid"].as_str().expect("a name").as_bytes())),
        ("HS256 with nothing", hs256(b"")),
        ("an empty signature", format!("{text}.")),
        ("no signature", text.to_owned()),
        ("a signature of zeros", jwt::signed(text, &[0; 64])),
        ("a bit flipped", jwt::signed(text, &flipped)),
        ("a short signature", jwt::signed(text, &flipped[..63])),
        ("a fourth part", format!("{access}.x")),
        ("another account", tampered("userId", json!("0123456789abcdef01234567"))),
        ("a longer life", tampered("exp", json!(START.seconds() + 10_000_000))),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
    ]
}

// F1
#[tokio::test]
async fn a_forged_access_token_is_refused() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let forge = Forge::with_the_servers_key(&app);
    let copy = forge.sign(&jwt::header(&ann.access), &jwt::claims(&ann.access));
    assert_eq!(status(&app, &copy).await, 200, "the forge itself works");
    let forged = [
        wrong_claims(&app, &ann.access),
        wrong_headers(&app, &ann.access),
        wrong_signatures(&app, &ann.access),
    ];
    for (what, token) in forged.into_iter().flatten() {
        assert_eq!(status(&app, &token).await, 401, "{what}: {token}");
    }
    assert_eq!(status(&app, &ann.access).await, 200, "the session itself is unharmed");
    app.finish().await;
}

// F1
#[tokio::test]
async fn a_forged_refresh_token_is_refused_and_harms_nobody() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let forged = [
        wrong_headers(&app, &ann.refresh),
        wrong_signatures(&app, &ann.refresh),
        vec![("an access token of a refresh token", {
            let claims = with(&jwt::claims(&ann.refresh), "type", json!("access"));
            Forge::with_the_servers_key(&app).sign(&jwt::header(&ann.refresh), &claims)
        })],
    ];
    for (what, token) in forged.into_iter().flatten() {
        let answer = app.post("/user/refresh", &json!({"refreshToken": token})).await;
        assert_eq!(answer.refusal(), (401, "INVALID_REFRESH_TOKEN".to_owned()), "{what}");
        let answer = app.post("/user/logout", &json!({"refreshToken": token})).await;
        assert_eq!(answer.status, 200, "{what}");
    }
    assert_eq!(status(&app, &ann.access).await, 200, "no forgery ended the session");
    let answer = app.post("/user/refresh", &json!({"refreshToken": ann.refresh})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.finish().await;
}

#[tokio::test]
async fn a_rotated_key_goes_on_verifying_and_a_new_one_signs() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let old = jwt::header(&ann.access)["kid"].clone();
    let new = json!(app.service.rotate_keys().await.expect("a new key"));
    assert_ne!(old, new);
    assert_eq!(status(&app, &ann.access).await, 200, "a token of the old key");
    let answer = app.post("/user/refresh", &json!({"refreshToken": ann.refresh})).await;
    assert_eq!(answer.status, 200, "a refresh token of the old key");
    let fresh = answer.field("accessToken");
    assert_eq!(jwt::header(&fresh)["kid"], new);
    assert_eq!(status(&app, &fresh).await, 200);

    let keys = app.get("/.well-known/jwks.json").await.json()["keys"].clone();
    let keys = keys.as_array().expect("a list");
    assert_eq!(keys.len(), 2);
    for (kid, token) in [(old, &ann.access), (new, &fresh)] {
        let jwk = keys.iter().find(|key| key["kid"] == kid).expect("both are told");
        assert!(jwk.get("d").is_none(), "the private half stays here");
        assert_eq!((&jwk["kty"], &jwk["crv"]), (&json!("EC"), &json!("P-256")));
        let (text, signature) = token.rsplit_once('.').expect("a signature");
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_point(jwk));
        public.verify(text.as_bytes(), &jwt::decode(signature)).expect("anybody can verify with it");
    }
    app.finish().await;
}

// F3
#[tokio::test]
async fn a_remembered_token_does_not_outlive_its_session() {
    let app = App::start().await;
    let (ann, bob) = (app.member("ann@acme.com").await, app.member("bob@acme.com").await);
    for person in [&ann, &bob, &ann, &bob] {
        assert_eq!(status(&app, &person.access).await, 200, "verified, and then remembered");
    }
    app.post("/user/logout", &json!({"refreshToken": ann.refresh})).await;
    assert_eq!(status(&app, &ann.access).await, 401, "the session has ended");
    let claims = jwt::claims(&bob.access);
    let left = claims["exp"].as_i64().expect("a moment") - app.clock.now().seconds();
    app.advance(Duration::from_secs(left.unsigned_abs()));
    assert_eq!(status(&app, &bob.access).await, 401, "the token has ended");
    app.finish().await;
}

// F3
#[test]
fn the_memory_of_tokens_is_bounded() {
    const MOST: usize = 10_000;
    let ring = Ring::new(SigningKey::generate(), vec![]);
    let verified = |number: usize| {
        let token = ring.sign(&Claims {
            iss: "latchkey".to_owned(),
            aud: "flashback".to_owned(),
            kind: TokenKind::Access,
            token_id: number.to_string(),
            user_id: String::new(),
            email: None,
            org_id: None,
            generation: None,
            iat: START.seconds(),
            exp: START.seconds() + 3600,
        });
        let verify =
            || ring.verify(&token, TokenKind::Access, Some(Contract::Flashback), START).expect("good");
        let (first, again) = (verify(), verify());
        assert!(Arc::ptr_eq(&first, &again), "a token just verified is remembered");
        Arc::downgrade(&first)
    };
    let seen: Vec<Weak<Claims>> = (0..MOST + 500).map(verified).collect();
    let remembered = seen.iter().filter(|claims| claims.upgrade().is_some()).count();
    assert!(remembered > 0 && remembered <= MOST, "{remembered} are remembered");
}

#[tokio::test]
async fn a_token_is_taken_from_the_authorization_header_alone() {
    let app = App::start().await;
    let ann: Person = app.member("ann@acme.com").await;
    let get = |path: &str| app.request(Method::GET, path);
    let rows = [
        ("no token", get("/user/profile")),
        ("a query", get(&format!("/user/profile?access_token={}&token={}", ann.access, ann.access))),
        ("a cookie", get("/user/profile").header("cookie", format!("accessToken={}", ann.access))),
        ("another header", get("/user/profile").header("x-access-token", &ann.access)),
        ("another scheme", get("/user/profile").header("authorization", format!("Basic {}", ann.access))),
        ("no scheme", get("/user/profile").header("authorization", &ann.access)),
    ];
    for (what, request) in rows {
        let answer = app.send(request).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()), "{what}");
    }
    app.finish().await;
}
