//! Identifiers: 12 bytes shown as 24 lower-case hexadecimal digits, the first 4 bytes the second of creation.

use std::fmt;
use std::str::FromStr;

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hexadecimal digits")]
pub struct MalformedId;

/// The bytes behind every identifier. They sort by time of creation and fit all four contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawId([u8; 12]);

impl RawId {
    /// Joins a creation second (the low 32 bits are kept) and 8 random bytes.
    pub fn new(second: i64, random: [u8; 8]) -> RawId {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&(second as u32).to_be_bytes());
        bytes[4..].copy_from_slice(&random);
        RawId(bytes)
    }
}

impl fmt::Display for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 24];
        let text = base16ct::lower::encode_str(&self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(text)
    }
}

impl FromStr for RawId {
    type Err = MalformedId;
    fn from_str(text: &str) -> Result<RawId, MalformedId> {
        let mut bytes = [0; 12];
        let decoded = base16ct::mixed::decode(text, &mut bytes).map_err(|_| MalformedId)?;
        if decoded.len() != 12 {
            return Err(MalformedId);
        }
        Ok(RawId(bytes))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub RawId);

        impl $name {
            /// The id that a text of the wire names. What is no id names nothing: it becomes one that nothing ever has,
            /// and so is answered as an unknown one.
            pub fn named(text: &str) -> $name {
                text.parse().unwrap_or($name(RawId([0; 12])))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;
            fn from_str(text: &str) -> Result<$name, MalformedId> {
                text.parse().map($name)
            }
        }

        impl From<RawId> for $name {
            fn from(raw: RawId) -> $name {
                $name(raw)
            }
        }
    )*};
}

ids! {
    /// Names an account.
    AccountId
    /// Names an organization.
    OrganizationId
    /// Names a session; on the Flashback wire it is the `tokenId`.
    SessionId
    /// Names a proof; on the Flashback wire it is the `verificationTokenId`.
    ProofId
    /// Names a letter.
    LetterId
    /// Names a subscription.
    SubscriptionId
    /// Names a period of a plan; on the Flashback wire it is the `subscriptionPeriodId`.
    PeriodId
    /// Names a capability of a plan.
    CapabilityId
    /// Names a device.
    DeviceId
    /// Names an entry of the audit log.
    AuditId
    /// Names an invite code; never the code itself.
    InviteCodeId
    /// Names an invitation into an organization; never its secret.
    InvitationId
    /// Names an API key; never the key itself.
    ApiKeyId
    /// Names a personal access token; never the token itself.
    AccessTokenId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_sorts_by_time() {
        let early = AccountId(RawId::new(1_700_000_000, [0xff; 8]));
        let late = AccountId(RawId::new(1_700_000_001, [0; 8]));
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "6553f100",
            "6553f100zzzzzzzzzzzzzzzz",
            "6553f1006553f1006553f10065",
            "+553f1006553f1006553f100",
        ] {
            assert_eq!(text.parse::<AccountId>(), Err(MalformedId), "{text}");
        }
    }
}
