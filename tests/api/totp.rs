//! An authenticator app that we did not write into the server: RFC 6238 on another HMAC.

use aws_lc_rs::hmac;
use latchkey::model::time::Millis;

/// The code that an app shows for a secret in base 32.
pub fn code(secret: &str, now: Millis) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decode(secret));
    let step = u64::try_from(now.seconds()).expect("after 1970") / 30;
    let digest = hmac::sign(&key, &step.to_be_bytes());
    let digest = digest.as_ref();
    let offset = usize::from(digest[19] & 15);
    let word: [u8; 4] = digest[offset..offset + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

/// A code of the same shape that is wrong at this moment.
pub fn wrong(secret: &str, now: Millis) -> String {
    let near: Vec<String> = (-1..=1).map(|step| code(secret, Millis(now.0 + step * 30_000))).collect();
    (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).expect("there are a million")
}

fn decode(base32: &str) -> Vec<u8> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for c in base32.bytes().filter(|c| *c != b'=') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|letter| *letter == c);
        buffer = (buffer << 5) | u32::try_from(value.expect("base 32")).expect("small");
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    bytes
}
