//! The keys of DKIM: made, read from a file, shown to DNS.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than any key has; what is longer is some other file.
const LONGEST_FILE: u64 = 64 * 1024;
/// The most characters of one string of a TXT record (RFC 1035 section 3.3.14).
const LONGEST_STRING: usize = 255;
/// The digits of a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256` with 2,048 bits when made here: every receiver checks it.
    Rsa,
    /// `ed25519-sha256` (RFC 8463): short, and not yet checked everywhere.
    Ed25519,
}

impl Algorithm {
    /// As the signature names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rsa => "rsa-sha256",
            Algorithm::Ed25519 => "ed25519-sha256",
        }
    }
}

/// A private key. `Debug` shows nothing of it.
pub enum Key {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that was just made, and the text of the file to keep it in.
#[derive(Debug)]
pub struct Made {
    pub key: Key,
    /// PKCS #8 in PEM.
    pub pem: String,
}

/// Why a file holds no key that can sign. Shows nothing of the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("can be read by every user of this machine; run `chmod 600` on it")]
    Open,
    #[error(
        "holds no private key in PEM: it must begin with -----BEGIN PRIVATE KEY----- and have no passphrase, as \
         `latchkey mail dkim --out FILE` makes it"
    )]
    NoKey,
    #[error("holds a key that is neither RSA of 2048 to 8192 bits nor Ed25519")]
    Kind,
}

impl Key {
    /// Makes a key with the randomness of the operating system. RSA takes a second or so.
    pub fn make(algorithm: Algorithm) -> Made {
        let never = "the system gives random bytes";
        let (key, der) = match algorithm {
            Algorithm::Rsa => {
                let key = RsaKeyPair::generate(KeySize::Rsa2048).expect(never);
                let der: Pkcs8V1Der<'_> = key.as_der().expect("a key that was made can be written");
                let der = der.as_ref().to_vec();
                (Key::Rsa(key), der)
            }
            Algorithm::Ed25519 => {
                let key = Ed25519KeyPair::generate().expect(never);
                let der = key.to_pkcs8v1().expect("a key that was made can be written").as_ref().to_vec();
                (Key::Ed25519(key), der)
            }
        };
        Made { key, pem: pem(&der) }
    }

    /// Reads a key from a file in PEM: PKCS #8, or PKCS #1 for RSA.
    ///
    /// # Errors
    /// [`KeyError`]; also when other users of this machine can read the file.
    pub fn load(path: &Path) -> Result<Key, KeyError> {
        let file = File::open(path).map_err(KeyError::Unreadable)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if file.metadata().map_err(KeyError::Unreadable)?.permissions().mode() & 0o007 != 0 {
                return Err(KeyError::Open);
            }
        }
        let mut text = Vec::new();
        file.take(LONGEST_FILE).read_to_end(&mut text).map_err(KeyError::Unreadable)?;
        Key::from_pem(&text)
    }

    /// Reads a key from the text of such a file.
    ///
    /// # Errors
    /// [`KeyError::NoKey`], [`KeyError::Kind`].
    pub fn from_pem(text: &[u8]) -> Result<Key, KeyError> {
        match PrivateKeyDer::from_pem_slice(text).map_err(|_| KeyError::NoKey)? {
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                    .map(Key::Ed25519)
                    .or_else(|_| RsaKeyPair::from_pkcs8(der).map(Key::Rsa))
                    .map_err(|_| KeyError::Kind)
            }
            PrivateKeyDer::Pkcs1(der) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).map(Key::Rsa).map_err(|_| KeyError::Kind)
            }
            _ => Err(KeyError::Kind),
        }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Key::Rsa(_) => Algorithm::Rsa,
            Key::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// What DNS has to show under the selector, so that others can check what this key has signed.
    pub fn record(&self) -> String {
        let (kind, public) = match self {
            Key::Rsa(key) => {
                let der: PublicKeyX509Der<'_> =
                    key.public_key().as_der().expect("the public half of a key can be written");
                ("rsa", STANDARD.encode(der.as_ref()))
            }
            Key::Ed25519(key) => ("ed25519", STANDARD.encode(key.public_key().as_ref())),
        };
        format!("v=DKIM1; k={kind}; p={public}")
    }

    /// The signature over the SHA-256 digest of `input` (RFC 6376 section 3.3.1, RFC 8463 section 3).
    pub(super) fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
                    .expect("a key of at least 2048 bits has room for a digest");
                signature
            }
            Key::Ed25519(key) => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, input);
                key.sign(digest.as_ref()).as_ref().to_vec()
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm().as_str())
    }
}

/// A record as a zone file takes it: in quotation marks, and in strings of at most 255 characters, which readers join.
pub fn record_lines(record: &str) -> String {
    let digits: Vec<char> = record.chars().collect();
    let strings: Vec<String> = digits
        .chunks(LONGEST_STRING)
        .map(|piece| format!("\"{}\"", piece.iter().collect::<String>()))
        .collect();
    strings.join(" ")
}

/// PKCS #8 as text.
pub(super) fn pem(der: &[u8]) -> String {
    let digits: Vec<char> = STANDARD.encode(der).chars().collect();
    let mut text = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in digits.chunks(PEM_LINE) {
        text.extend(line);
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}
