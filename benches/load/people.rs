//! The people who sign up: everyone with an address and a company of their own.

use std::io;
use std::net::SocketAddr;

use serde_json::json;

use crate::client::{Wire, post, send_each};

const PASSWORD: &str = "SecurePass123";

/// The sign-up of the person of this number.
pub fn sign_up(number: usize) -> Wire {
    post(
        "/user/register",
        &json!({
            "email": address(number),
            "password": PASSWORD,
            "firstName": "John",
            "lastName": "Doe",
            "companyName": "Acme Corp",
            "companyWebsite": format!("https://company{number}.com"),
            "isBusiness": true,
        }),
    )
}

/// The login of the person of this number.
pub fn login(number: usize) -> Wire {
    post("/user/login", &json!({ "email": address(number), "password": PASSWORD }))
}

fn address(number: usize) -> String {
    format!("john.doe@company{number}.com")
}

/// What somebody holds who has signed up.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

/// Signs so many people up.
///
/// # Errors
/// When one of them is refused.
pub async fn arrive(server: SocketAddr, count: usize) -> io::Result<Vec<Tokens>> {
    let requests: Vec<Wire> = (0..count).map(sign_up).collect();
    let answers = send_each(server, &requests, count.min(16)).await?;
    let tokens = answers.into_iter().map(|answer| {
        let answer = answer.expect(201)?;
        Ok(Tokens { access: answer.text("accessToken")?, refresh: answer.text("refreshToken")? })
    });
    tokens.collect()
}
