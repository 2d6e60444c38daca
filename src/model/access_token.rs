//! Personal access tokens: what a program of somebody's shows in place of their session, for a part of what they may
//! (contracts/appmaker.md section 2).

use std::fmt;
use std::time::Duration;

use super::api_key::{self, RANDOM};
use super::id::{AccessTokenId, AccountId, OrganizationId};
use super::name::Name;
use super::organization::Role;
use super::permission::Action;
use super::time::{DAY, Millis};

const PREFIX: &str = "lkp_";
/// Live tokens that an account may have.
pub const MOST_TOKENS: i64 = 20;

/// What a token is called.
pub type TokenName = Name<60>;

/// The text of a token: `lkp_` and 40 digits of base 62, which are made and checked as those of API keys are.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(String);

impl TokenText {
    /// A token of these random bytes.
    pub fn of_bytes(bytes: [u8; RANDOM]) -> TokenText {
        TokenText(format!("{PREFIX}{}", api_key::checked(bytes)))
    }

    /// Reads a token. `None` for what cannot be one: another prefix, length or alphabet, or a wrong check.
    pub fn parse(text: &str) -> Option<TokenText> {
        api_key::holds(text.strip_prefix(PREFIX)?).then(|| TokenText(text.to_owned()))
    }

    /// The whole token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts that are shown once the token is no longer known: `lkp_1a2b` and `9f`.
    pub fn ends(&self) -> (&str, &str) {
        (&self.0[..PREFIX.len() + 4], &self.0[self.0.len() - 2..])
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// How long a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    Day,
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Lifetime {
    /// The span.
    pub fn span(self) -> Duration {
        let days = match self {
            Lifetime::Day => 1,
            Lifetime::Week => 7,
            Lifetime::Month => 30,
            Lifetime::Year => 365,
        };
        Duration::from_secs(days * DAY.as_secs())
    }
}

/// What a token may do beside telling whose it is, named by the actions of the permission table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// List the users and roles of the owner's organization.
    ListUsers,
    /// List, make and revoke invitations into it.
    ManageInvitations,
}

impl Privilege {
    /// All of them, in the order of the documentation.
    pub const ALL: [Privilege; 2] = [Privilege::ListUsers, Privilege::ManageInvitations];

    /// The published word, which is also that of the file.
    pub fn word(self) -> &'static str {
        match self {
            Privilege::ListUsers => "list-users",
            Privilege::ManageInvitations => "manage-invitations",
        }
    }

    /// The least that it stands for: who may not do that has nothing to lend. What goes further, such as inviting
    /// somebody of a higher role, is asked of the owner's role at the call.
    fn action(self) -> Action {
        match self {
            Privilege::ListUsers => Action::ListUsers,
            Privilege::ManageInvitations => Action::ManageInvitations,
        }
    }
}

/// A set of privileges, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privileges(Vec<Privilege>);

impl Privileges {
    /// Those named, however often.
    pub fn new(named: impl IntoIterator<Item = Privilege>) -> Privileges {
        let mut all: Vec<Privilege> = named.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Privileges(all)
    }

    /// Those that a role may lend; none without a place in an organization.
    pub fn of_role(role: Option<Role>) -> Privileges {
        let may = |privilege: &Privilege| role.is_some_and(|role| role.may(privilege.action()));
        Privileges(Privilege::ALL.into_iter().filter(may).collect())
    }

    /// Reads their words, with spaces between. `None` when one is none.
    pub fn of_words(words: &str) -> Option<Privileges> {
        let known = |word: &str| Privilege::ALL.into_iter().find(|privilege| privilege.word() == word);
        words.split_whitespace().map(known).collect::<Option<Vec<_>>>().map(Privileges::new)
    }

    /// Their words.
    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|privilege| privilege.word()).collect()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Privilege> {
        self.0.iter().copied()
    }

    /// Whether this is one of them.
    pub fn contains(&self, privilege: Privilege) -> bool {
        self.0.contains(&privilege)
    }

    /// Those of them that are not among others.
    pub fn beyond(&self, others: &Privileges) -> Privileges {
        Privileges(self.0.iter().copied().filter(|privilege| !others.contains(*privilege)).collect())
    }

    /// Those of them that are among others too.
    pub fn within(&self, others: &Privileges) -> Privileges {
        Privileges(self.0.iter().copied().filter(|privilege| others.contains(*privilege)).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A token as the database holds it: without its text.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub id: AccessTokenId,
    pub account: AccountId,
    /// Where it was made, and the one place where it acts; none where its owner had no organization.
    pub organization: Option<OrganizationId>,
    pub name: String,
    /// The first characters, for lists.
    pub head: String,
    /// The last characters, for lists.
    pub tail: String,
    /// What it was made for. What of that holds is what its owner may at the moment.
    pub privileges: Privileges,
    pub created_at: Millis,
    pub expires_at: Millis,
    pub revoked_at: Option<Millis>,
    /// Within five minutes or so.
    pub last_used_at: Option<Millis>,
}

impl AccessToken {
    /// How it is shown: `lkp_1a2b…9f`.
    pub fn masked(&self) -> String {
        format!("{}…{}", self.head, self.tail)
    }

    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::KeyText;

    // E4
    #[test]
    fn a_token_is_told_from_a_typo_and_from_an_api_key_without_asking() {
        let bytes = std::array::from_fn(|n| n as u8 * 5);
        let (token, key) = (TokenText::of_bytes(bytes), KeyText::of_bytes(bytes));
        assert_eq!(token.as_str().len(), 44);
        assert_eq!(TokenText::parse(token.as_str()).as_ref(), Some(&token));
        assert_eq!(token.ends(), (&token.as_str()[..8], &token.as_str()[42..]));
        for place in 4..44 {
            let mut typo = token.as_str().to_owned().into_bytes();
            typo[place] = if typo[place] == b'x' { b'y' } else { b'x' };
            let typo = String::from_utf8(typo).expect("ASCII");
            assert_eq!(TokenText::parse(&typo), None, "{typo}");
        }
        assert_eq!(TokenText::parse(key.as_str()), None);
        assert_eq!(KeyText::parse(token.as_str()), None);
        for wrong in ["", "lkp_", "LKP_", "lk_p", &token.as_str()[..43], &format!("{}0", token.as_str())] {
            assert_eq!(TokenText::parse(wrong), None, "{wrong}");
        }
    }

    // B5: role × privilege, spelled out
    #[test]
    fn a_role_lends_what_it_may_itself() {
        let rows: [(Option<Role>, &[&str]); 6] = [
            (None, &[]),
            (Some(Role::User), &[]),
            (Some(Role::Billing), &[]),
            (Some(Role::Workspaces), &[]),
            (Some(Role::Administrators), &["list-users", "manage-invitations"]),
            (Some(Role::Owner), &["list-users", "manage-invitations"]),
        ];
        for (role, words) in rows {
            assert_eq!(Privileges::of_role(role).words(), words, "{role:?}");
        }
    }

    #[test]
    fn privileges_are_a_set_and_survive_their_words() {
        let all = Privileges::new([
            Privilege::ManageInvitations,
            Privilege::ListUsers,
            Privilege::ManageInvitations,
        ]);
        assert_eq!(all.words(), ["list-users", "manage-invitations"]);
        assert_eq!(Privileges::of_words(&all.words().join(" ")), Some(all.clone()));
        assert_eq!(Privileges::of_words(""), Some(Privileges::default()));
        assert_eq!(Privileges::of_words("manage-invitations everything"), None);
        let one = Privileges::new([Privilege::ManageInvitations]);
        assert_eq!(all.beyond(&one).words(), ["list-users"]);
        assert_eq!(all.within(&one).words(), ["manage-invitations"]);
        assert!(one.beyond(&all).is_empty());
    }
}
