//! Organizations and the roles inside them.

use super::id::OrganizationId;
use super::time::Millis;

/// A role, by its published number (contracts/flashback.md section 3). A higher role contains the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    User = 0,
    Billing = 1,
    Workspaces = 2,
    Administrators = 254,
    Owner = 255,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Role; 5] =
        [Role::User, Role::Billing, Role::Workspaces, Role::Administrators, Role::Owner];

    /// The published number.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The role of a number; the reserved ones are none.
    pub fn of_number(number: i64) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.number() == number)
    }

    /// The published name.
    pub fn name(self) -> &'static str {
        match self {
            Role::User => "USER",
            Role::Billing => "BILLING",
            Role::Workspaces => "WORKSPACES",
            Role::Administrators => "ADMINISTRATORS",
            Role::Owner => "OWNER",
        }
    }

    /// This role and all that it contains, the least first.
    pub fn cumulative(self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| *role <= self).collect()
    }
}

/// An organization, as the database holds it.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    pub website: Option<String>,
    /// The registrable domain it says it has; nothing follows from that alone.
    pub domain: Option<String>,
    /// The domain that a member's verified address proved. At most one organization holds a domain.
    pub claimed_domain: Option<String>,
    pub is_business: bool,
    pub contact: Contact,
    /// Whether its members must log in with a second factor.
    pub mfa_enforced: bool,
    pub created_at: Millis,
    pub banned_at: Option<Millis>,
}

/// How an organization can be reached, as the registrant typed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    pub phone: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub zipcode: Option<String>,
    pub country: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_contain_the_lower_ones() {
        assert_eq!(Role::Workspaces.cumulative(), [Role::User, Role::Billing, Role::Workspaces]);
        assert_eq!(Role::Owner.cumulative().len(), 5);
        assert_eq!(Role::of_number(3), None);
        assert_eq!(Role::of_number(254), Some(Role::Administrators));
    }
}
