//! Who may do what inside an organization: one function decides (contracts/flashback.md section 3, THREATS B5).

use super::organization::Role;

/// What a member may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Change the organization itself or its settings.
    ChangeOrganization,
    /// See, make or end the organization's API keys.
    ManageKeys,
    /// See its invitations, make such as are accepted by a link, or end them.
    ManageInvitations,
    /// See the list of its users, or one of them in full.
    SeeUsers,
    /// See the lists of users and roles where a contract keeps them to administrators (contracts/appmaker.md section 2).
    ListUsers,
    /// Start or cancel a subscription.
    Subscribe,
    /// Bring in a user with this role.
    Invite(Role),
    /// Change a user of this role in anything but the role.
    ChangeUser(Role),
    /// Give a user of the first role the second.
    ChangeRole(Role, Role),
    /// Take a user of this role out, or back in.
    RemoveUser(Role),
}

impl Action {
    /// The least role that may try at all.
    fn least(self) -> Role {
        match self {
            Action::Subscribe => Role::Billing,
            Action::SeeUsers
            | Action::Invite(_)
            | Action::ChangeUser(_)
            | Action::ChangeRole(..)
            | Action::RemoveUser(_) => Role::Workspaces,
            Action::ChangeOrganization
            | Action::ManageInvitations
            | Action::ManageKeys
            | Action::ListUsers => Role::Administrators,
        }
    }

    /// The highest role that the action touches: nobody reaches above themselves.
    fn highest(self) -> Role {
        match self {
            Action::ChangeOrganization
            | Action::ManageInvitations
            | Action::ManageKeys
            | Action::SeeUsers
            | Action::ListUsers
            | Action::Subscribe => Role::User,
            Action::Invite(role) | Action::ChangeUser(role) | Action::RemoveUser(role) => role,
            Action::ChangeRole(from, to) => from.max(to),
        }
    }
}

impl Role {
    /// Whether somebody of this role may do it.
    pub fn may(self, action: Action) -> bool {
        self >= action.least() && self >= action.highest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Administrators, Billing, Owner, User, Workspaces};

    // B5
    #[test]
    fn the_least_role_of_every_action() {
        let rows = [
            (Action::Subscribe, Billing),
            (Action::SeeUsers, Workspaces),
            (Action::Invite(User), Workspaces),
            (Action::ChangeUser(User), Workspaces),
            (Action::ChangeRole(User, Billing), Workspaces),
            (Action::RemoveUser(User), Workspaces),
            (Action::ChangeOrganization, Administrators),
            (Action::ManageInvitations, Administrators),
            (Action::ManageKeys, Administrators),
            (Action::ListUsers, Administrators),
        ];
        for (action, least) in rows {
            for role in Role::ALL {
                assert_eq!(role.may(action), role >= least, "{} {action:?}", role.name());
            }
        }
    }

    // B5: role × action × target role, spelled out
    #[test]
    fn nobody_reaches_above_themselves() {
        for actor in Role::ALL {
            for target in Role::ALL {
                let expected = matches!(
                    (actor, target),
                    (Owner, _)
                        | (Administrators, User | Billing | Workspaces | Administrators)
                        | (Workspaces, User | Billing | Workspaces)
                );
                for action in [Action::Invite(target), Action::ChangeUser(target), Action::RemoveUser(target)]
                {
                    assert_eq!(actor.may(action), expected, "{} {action:?}", actor.name());
                }
                for other in Role::ALL {
                    let both = expected && actor.may(Action::Invite(other));
                    assert_eq!(actor.may(Action::ChangeRole(target, other)), both, "{}", actor.name());
                }
            }
        }
    }
}
