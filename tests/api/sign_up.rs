//! One sign-up, seen whole.

use reqwest::Method;
use serde_json::json;

use crate::app::{App, PASSWORD, Person};

#[tokio::test]
async fn a_write_that_was_refused_succeeds_once_the_address_is_proved() {
    let app = App::start().await;
    let example = json!({
        "email": "john.doe@company.com", "password": PASSWORD, "firstName": "John", "lastName": "Doe",
        "companyName": "Acme Corporation", "companyWebsite": "https://acme.com", "isBusiness": true
    });
    let answer = app.post("/user/register", &example).await;
    assert_eq!(answer.status, 201);
    let john = Person::of("john.doe@company.com", &answer);
    let profile = format!("/user/{}", john.id);
    let change = json!({"name": "Johnny"});
    let blocked = app.call(&john, Method::PUT, &profile, Some(&change)).await;
    assert_eq!(blocked.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()));

    let letter = app.letter(&john.email, "verify").await;
    let page = app.get(&format!("/verify-email?token={}", letter.token())).await;
    assert!(page.text.contains("john.doe@company.com"));
    let confirmed = app.submit("/verify-email", &[("token", &letter.token())]).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);

    let allowed = app.call(&john, Method::PUT, &profile, Some(&change)).await;
    assert_eq!(allowed.status, 200, "{}", allowed.text);
    let data = app.call(&john, Method::GET, "/user/profile", None).await.json()["data"].clone();
    assert_eq!((&data["name"], &data["validated"]), (&json!("Johnny"), &json!(true)));
    app.finish().await;
}
