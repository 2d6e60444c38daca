//! Tokens in other hands than the server's: reading what one says, and signing what the server never would.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::secrets::Use;
use latchkey::store::signing_keys;
use serde_json::Value;

use crate::app::App;

/// The header of a token.
pub fn header(token: &str) -> Value {
    part(token, 0)
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The bytes of base64url text.
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).expect("a token of three parts");
    serde_json::from_slice(&decode(text)).expect("a part of a token is JSON")
}

/// What the signature of a token is made over.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// A token of a text and whatever stands for its signature.
pub fn signed(unsigned: &str, signature: &[u8]) -> String {
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Signs whatever it is given.
pub struct Forge(EcdsaKeyPair);

impl Forge {
    /// With the server's own key: whatever it signs is refused for what it says, not for who said it.
    pub fn with_the_servers_key(app: &App) -> Forge {
        let keys = app.service.store.read(signing_keys::all).expect("the keys");
        let sealed = &keys.first().expect("a key that signs").sealed;
        let pkcs8 = app.service.secrets.open(Use::SigningKey, sealed).expect("the key opens");
        Forge::with(&pkcs8)
    }

    /// With a key of one's own.
    pub fn with(pkcs8: &[u8]) -> Forge {
        Forge(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("a P-256 key"))
    }

    /// A token of these parts with a sound ES256 signature.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
        signed(&text, signature.as_ref())
    }
}
