//! Signed tokens: ES256 JWTs, the ring of keys that sign and verify them. The only door to jsonwebtoken.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::model::contract::Contract;
use crate::model::time::Millis;
use crate::secrets::sha256_bytes;

/// How many verified tokens are remembered (F3). An ES256 verification costs far more than a look-up.
const REMEMBERED: usize = 10_000;

/// What a token is for. A token of one kind is nothing where another kind is asked for (E4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    Access,
    Refresh,
    /// That somebody knows an invite code.
    Invite,
    /// That somebody knows the password, and has yet to answer for the second factor.
    Mfa,
}

/// What a token says. The spellings are those of the published client (contracts/flashback.md section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    #[serde(rename = "type")]
    pub kind: TokenKind,
    /// The session, which is looked up at every request; of an invite token the invite code's id, of an
    /// `mfa` token the login's proof.
    pub token_id: String,
    pub user_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Of a refresh token: the generation of the session that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch; the token is dead at this second.
    pub exp: i64,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It names a key that this ring does not hold; another process may have made it.
    #[error("the token's key is unknown")]
    UnknownKey,
    #[error("the token is not valid")]
    Invalid,
}

/// A private key and the name it is known by.
pub struct SigningKey {
    id: String,
    pkcs8: Vec<u8>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: Jwk,
}

/// Why stored bytes are no signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is malformed")]
pub struct MalformedKey;

impl SigningKey {
    /// Makes a P-256 key from the system's randomness.
    pub fn generate() -> SigningKey {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .and_then(|pair| pair.to_pkcs8v1())
            .expect("P-256 keys can be made and written down");
        SigningKey::from_pkcs8(pair.as_ref()).expect("a key just made is well-formed")
    }

    /// Reads a key written down by [`SigningKey::pkcs8`]. Its id is the thumbprint of its public half (RFC 7638).
    ///
    /// # Errors
    /// [`MalformedKey`].
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<SigningKey, MalformedKey> {
        let encoding = EncodingKey::from_ec_der(pkcs8);
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(|_| MalformedKey)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| MalformedKey)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| MalformedKey)?;
        Ok(SigningKey { id, pkcs8: pkcs8.to_vec(), encoding, decoding, jwk })
    }

    /// The name in the tokens' header (`kid`).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The private key, to be sealed before it is stored.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }
}

struct Keys {
    signing: Arc<SigningKey>,
    all: HashMap<String, Arc<SigningKey>>,
}

/// The keys in force: one signs, all verify.
pub struct Ring {
    keys: RwLock<Keys>,
    remembered: Cache<[u8; 32], Arc<Claims>>,
    validation: Validation,
}

impl Ring {
    /// A ring whose first key signs; the others are older and only verify.
    pub fn new(signing: SigningKey, older: Vec<SigningKey>) -> Ring {
        let mut validation = Validation::new(Algorithm::ES256);
        // Expiry is compared with our own clock and the audience with the contract, below. The issuer is for others: a
        // key of ours is proof enough here, and the public URL may change.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        Ring { keys: RwLock::new(Keys::new(signing, older)), remembered: Cache::new(REMEMBERED), validation }
    }

    /// Replaces the keys, as when another process has rotated them.
    pub fn replace(&self, signing: SigningKey, older: Vec<SigningKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Keys::new(signing, older);
        self.remembered.clear();
    }

    /// Whether these are the keys in force, the one that signs first.
    pub fn holds(&self, ids: &[&str]) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        ids.first().is_some_and(|first| *first == keys.signing.id)
            && ids.len() == keys.all.len()
            && ids.iter().all(|id| keys.all.contains_key(*id))
    }

    /// Signs claims with the key in force.
    pub fn sign(&self, claims: &Claims) -> String {
        let signing = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner).signing);
        let header = Header { kid: Some(signing.id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &signing.encoding)
            .expect("claims of strings and numbers serialize, and the key was checked when it was read")
    }

    /// The claims of a token that one of our keys signed, that is of `kind`, not expired at `now`, and for `contract`
    /// where one is named.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`] when reading the keys again may help, else [`TokenError::Invalid`].
    pub fn verify(
        &self,
        token: &str,
        kind: TokenKind,
        contract: Option<Contract>,
        now: Millis,
    ) -> Result<Arc<Claims>, TokenError> {
        let claims = self.signed_claims(token)?;
        let for_contract = contract.is_none_or(|contract| claims.aud == contract.as_str());
        // `now` counts milliseconds, so that a token dies exactly at its second.
        let alive = claims.exp > now.seconds();
        if claims.kind == kind && for_contract && alive { Ok(claims) } else { Err(TokenError::Invalid) }
    }

    fn signed_claims(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let digest = sha256_bytes(token);
        if let Some(claims) = self.remembered.get(&digest) {
            return Ok(claims);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let key = {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            keys.all.get(&kid).cloned().ok_or(TokenError::UnknownKey)?
        };
        let data = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation)
            .map_err(|_| TokenError::Invalid)?;
        let claims = Arc::new(data.claims);
        self.remembered.insert(digest, Arc::clone(&claims));
        Ok(claims)
    }

    /// The public halves of all keys, as a JWK set (RFC 7517 section 5).
    pub fn jwks(&self) -> serde_json::Value {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<&Arc<SigningKey>> = keys.all.values().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        serde_json::json!({ "keys": all.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }
}

impl Keys {
    fn new(signing: SigningKey, older: Vec<SigningKey>) -> Keys {
        let signing = Arc::new(signing);
        let all = older
            .into_iter()
            .map(Arc::new)
            .chain([Arc::clone(&signing)])
            .map(|key| (key.id.clone(), key))
            .collect();
        Keys { signing, all }
    }
}
