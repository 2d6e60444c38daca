//! What somebody tells of themselves at a sign-up beside their name.

use super::referral::ReferralCode;

/// Personal details; what was not told is none.
#[derive(Debug, Clone, Default)]
pub struct PersonalDetails {
    /// The country of residence, as typed.
    pub country: Option<String>,
    /// The tag of the preferred language as given, also where no letters are written in it.
    pub language: Option<String>,
    /// By whose code they came; one that nobody has counts as none.
    pub referral: Option<ReferralCode>,
}
