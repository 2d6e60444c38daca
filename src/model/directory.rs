//! Which users of an organization are listed, and in which order (contracts/appmaker.md section 2).

use super::organization::Role;

/// What users are listed by; none lets all pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// A part of the address, in whatever case.
    pub username: Option<String>,
    /// Whether the account is active: proved, and neither deactivated, taken out nor banned.
    pub active: Option<bool>,
    pub role: Option<Role>,
}

/// What users can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    Id,
    Username,
    FirstName,
    LastName,
    Status,
    Role,
    /// That of the creation until the first login.
    LastLoginAt,
    CreatedAt,
    UpdatedAt,
}

/// In which order users are listed; those alike by their ids, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserOrder {
    pub by: UserField,
    pub descending: bool,
}
