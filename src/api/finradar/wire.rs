//! Wire objects that several areas share.

use poem_openapi::Object;

/// Done, with a sentence for people.
#[derive(Object)]
#[oai(rename = "FinRadarMessage")]
pub struct MessageBody {
    message: String,
}

/// Done, with a sentence.
pub fn message(text: &str) -> MessageBody {
    MessageBody { message: text.to_owned() }
}
