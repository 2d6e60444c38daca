//! The secret key, which is not in the database file: seals what must be read again, and keys the digests of what is
//! too short to be hashed bare. The only door to the AEAD.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Chance;

/// What a sealed text or digest is for. One made for one use is nothing for another.
#[derive(Debug, Clone, Copy)]
pub enum Use {
    SigningKey,
    Letter,
    Code,
    EmailIdentity,
    Throttle,
    /// What a client tells of its device.
    Device,
    InviteCode,
    /// The secret that an authenticator app shares.
    Totp,
    RecoveryCode,
    /// By what an app on a device is reached.
    PushToken,
    /// The check value by which a wrong key is noticed at start-up.
    KeyCheck,
}

impl Use {
    fn label(self) -> &'static [u8] {
        match self {
            Use::SigningKey => b"signing key",
            Use::Letter => b"letter",
            Use::Code => b"code",
            Use::EmailIdentity => b"email identity",
            Use::Throttle => b"throttle",
            Use::Device => b"device",
            Use::InviteCode => b"invite code",
            Use::Totp => b"totp",
            Use::RecoveryCode => b"recovery code",
            Use::PushToken => b"push token",
            Use::KeyCheck => b"key check",
        }
    }
}

/// Why a sealed text cannot be opened: it was made with another key, for another use, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed data cannot be opened with this secret key")]
pub struct Unsealable;

/// Keys derived from the operator's secret (HKDF-SHA-256, RFC 5869), and the chance that makes nonces.
pub struct Secrets {
    sealing: LessSafeKey,
    digesting: hmac::Key,
    chance: Chance,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Secrets {
    /// Derives the working keys from the operator's secret, of at least 32 characters by the settings' rule.
    pub fn new(secret: &str, chance: Chance) -> Secrets {
        let sealing = UnboundKey::new(&AES_256_GCM, &derive(secret, b"latchkey seal"))
            .expect("a derived key has the length of an AES-256 key");
        Secrets {
            sealing: LessSafeKey::new(sealing),
            digesting: hmac::Key::new(hmac::HMAC_SHA256, &derive(secret, b"latchkey digest")),
            chance,
        }
    }

    /// Encrypts and authenticates (AES-256-GCM with a random 96-bit nonce); the result is base64url.
    pub fn seal(&self, purpose: Use, plain: &[u8]) -> String {
        let nonce: [u8; NONCE_LEN] = self.chance.bytes();
        let mut data = plain.to_vec();
        self.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.label()),
                &mut data,
            )
            .expect("AES-GCM seals anything shorter than 64 GiB");
        let mut sealed = nonce.to_vec();
        sealed.append(&mut data);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens what [`Secrets::seal`] made for the same use.
    ///
    /// # Errors
    /// [`Unsealable`] for anything else.
    pub fn open(&self, purpose: Use, sealed: &str) -> Result<Vec<u8>, Unsealable> {
        let mut data = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Unsealable)?;
        let (nonce, body) = data.split_at_mut_checked(NONCE_LEN).ok_or(Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
        let plain =
            self.sealing.open_in_place(nonce, Aad::from(purpose.label()), body).map_err(|_| Unsealable)?;
        Ok(plain.to_vec())
    }

    /// A keyed digest (HMAC-SHA-256) as 64 hexadecimal digits.
    pub fn digest(&self, purpose: Use, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.digesting);
        context.update(purpose.label());
        context.update(&[0]);
        context.update(text.as_bytes());
        hex(context.sign().as_ref())
    }
}

fn derive(secret: &str, info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"latchkey/1")
        .extract(secret.as_bytes())
        .expand(&[info], Length(32))
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    key
}

/// SHA-256 as 64 hexadecimal digits: how secrets of 256 random bits are stored.
pub fn sha256(text: &str) -> String {
    hex(&sha256_bytes(text))
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// SHA-256 as bytes.
pub fn sha256_bytes(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    bytes
}

/// A secret of 32 random bytes as 43 characters of base64url: what a mailed link carries.
pub fn link_secret(chance: &Chance) -> String {
    URL_SAFE_NO_PAD.encode(chance.bytes::<32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_text_opens_for_its_use_and_key_alone() {
        let secrets = Secrets::new("one secret key of the operator's", Chance::seeded(1));
        let sealed = secrets.seal(Use::Letter, b"link");
        assert_eq!(secrets.open(Use::Letter, &sealed).as_deref(), Ok(&b"link"[..]));
        assert_eq!(secrets.open(Use::SigningKey, &sealed), Err(Unsealable));
        let other = Secrets::new("another secret of the operator's", Chance::seeded(1));
        assert_eq!(other.open(Use::Letter, &sealed), Err(Unsealable));
        for broken in ["", "AAAA", "not base64!", &sealed[..sealed.len() - 2]] {
            assert_eq!(secrets.open(Use::Letter, broken), Err(Unsealable), "{broken}");
        }
        assert_ne!(sealed, secrets.seal(Use::Letter, b"link"), "each nonce is used once");
    }

    #[test]
    fn digests_differ_by_use() {
        let secrets = Secrets::new("one secret key of the operator's", Chance::seeded(1));
        assert_ne!(secrets.digest(Use::Code, "x"), secrets.digest(Use::Throttle, "x"));
    }
}
