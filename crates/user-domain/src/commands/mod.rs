//! What can be asked of a user: one file per command, with its intent, its decision, its refusals and its tests.

mod activate_user;
mod change_email;
mod change_password;
mod change_username;
mod create_user;
mod deactivate_user;
mod delete_user;
mod erase_user;
mod import_user;
mod profile_patch;
mod reinstate_user;
mod restore_user;
mod set_password;
mod suspend_user;
mod update_profile;
mod update_user;

#[cfg(test)]
mod states_by_commands;

pub use activate_user::ActivateUser;
pub use change_email::ChangeEmail;
pub use change_password::{ChangePassword, OldPassword};
pub use change_username::ChangeUsername;
pub use create_user::CreateUser;
pub use deactivate_user::DeactivateUser;
pub use delete_user::DeleteUser;
pub use erase_user::EraseUser;
pub use import_user::ImportUser;
pub use profile_patch::{Patch, ProfilePatch};
pub use reinstate_user::ReinstateUser;
pub use restore_user::RestoreUser;
pub use set_password::SetPassword;
pub use suspend_user::SuspendUser;
pub use update_profile::UpdateProfile;
pub use update_user::UpdateUser;

use crate::{Refusal, User, UserEvent};

/// What a decision comes to: the events of it, none when what is asked for holds already.
type Decision = Result<Vec<UserEvent>, Refusal>;

/// One command. Its file holds everything about it.
trait Command {
    /// For tables and metrics.
    const NAME: &'static str;

    fn decide(&self, user: &User) -> Decision;
}

/// One list makes the enum and the ways to each decision, so that no command can be missing from one of them.
macro_rules! commands_of_a_user {
    ($($command:ident),* $(,)?) => {
        /// Something that is asked of a user. It holds no secret: passwords are hashed and verified before.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum UserCommand {
            $(#[doc = concat!("See [`", stringify!($command), "`].")] $command($command),)*
        }

        impl UserCommand {
            /// The name of every command, for tables and metrics.
            pub const NAMES: &'static [&'static str] = &[$($command::NAME),*];

            /// Its name, for tables and metrics.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$command(_) => $command::NAME,)* }
            }
        }

        pub(crate) fn decide(user: &User, command: &UserCommand) -> Decision {
            match command { $(UserCommand::$command(command) => command.decide(user),)* }
        }

        $(impl From<$command> for UserCommand {
            fn from(command: $command) -> Self {
                Self::$command(command)
            }
        })*
    };
}

commands_of_a_user! {
    CreateUser,
    ImportUser,
    ChangeEmail,
    ChangeUsername,
    UpdateProfile,
    UpdateUser,
    ChangePassword,
    SetPassword,
    ActivateUser,
    DeactivateUser,
    SuspendUser,
    ReinstateUser,
    DeleteUser,
    RestoreUser,
    EraseUser,
}

impl UserCommand {
    /// Whether it comes with a new credential, which the vault takes in the append's transaction.
    ///
    /// Erasing takes the credential away with everything else; it brings none.
    pub fn changes_credential(&self) -> bool {
        match self {
            Self::CreateUser(_) | Self::ImportUser(_) | Self::ChangePassword(_) | Self::SetPassword(_) => {
                true
            }
            Self::ChangeEmail(_)
            | Self::ChangeUsername(_)
            | Self::UpdateProfile(_)
            | Self::UpdateUser(_)
            | Self::ActivateUser(_)
            | Self::DeactivateUser(_)
            | Self::SuspendUser(_)
            | Self::ReinstateUser(_)
            | Self::DeleteUser(_)
            | Self::RestoreUser(_)
            | Self::EraseUser(_) => false,
        }
    }
}
