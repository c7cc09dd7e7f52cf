//! One command as it goes over the wire, and what its caller is told.

use connectrpc::ConnectError;
use user_api::oneof::set_password_request::Credential;
use user_api::v1;
use uuid::Uuid;

use crate::command::ARGON2ID;
use crate::wire::Client;

/// Something that is asked of the service.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Create {
        email: String,
        username: String,
    },
    Update {
        id: String,
        etag: String,
        first_name: String,
        email: Option<String>,
    },
    SetPassword {
        id: String,
    },
    /// From the password that she was made with.
    ChangePassword {
        id: String,
    },
    Activate {
        id: String,
    },
    Deactivate {
        id: String,
    },
    Suspend {
        id: String,
    },
    Reinstate {
        id: String,
    },
    Delete {
        id: String,
    },
    Restore {
        id: String,
    },
    Erase {
        id: String,
    },
}

/// What the service says that it has done.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) user: v1::User,
    pub(crate) position: u64,
    pub(crate) replayed: bool,
}

/// The password that every user here is made with.
const PASSWORD: &str = "correct horse battery";

/// What it is changed to.
const NEW_PASSWORD: &str = "staple battery horse";

macro_rules! told {
    ($answer:expr) => {{
        let answer = $answer.await?.into_owned();
        let user = answer.user.into_option().unwrap_or_default();
        Ok(Told { user, position: answer.position, replayed: answer.replayed })
    }};
}

impl Order {
    /// How many events it makes.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Update { email: Some(_), .. } => 2,
            Self::Create { .. }
            | Self::Update { email: None, .. }
            | Self::SetPassword { .. }
            | Self::ChangePassword { .. }
            | Self::Activate { .. }
            | Self::Deactivate { .. }
            | Self::Suspend { .. }
            | Self::Reinstate { .. }
            | Self::Delete { .. }
            | Self::Restore { .. }
            | Self::Erase { .. } => 1,
        }
    }

    /// Asks for it; whoever gives no request id cannot ask for the same again.
    pub(crate) async fn send(&self, client: &Client, request_id: Option<Uuid>) -> Result<Told, ConnectError> {
        let request_id = request_id.map(|id| id.to_string()).unwrap_or_default();
        let (order, etag) = (self.clone(), String::new());
        match order {
            Self::Create { email, username } => told!(client.create_user(v1::CreateUserRequest {
                email,
                username,
                password: PASSWORD.to_owned(),
                request_id,
                ..Default::default()
            })),
            Self::Update { id, etag, first_name, email } => {
                let first_name = Some(first_name);
                told!(client.update_user(v1::UpdateUserRequest {
                    id,
                    email,
                    first_name,
                    etag,
                    request_id,
                    ..Default::default()
                }))
            }
            Self::SetPassword { id } => {
                let credential = Some(Credential::PasswordHash(ARGON2ID.to_owned()));
                told!(client.set_password(v1::SetPasswordRequest { id, credential, etag, request_id }))
            }
            Self::ChangePassword { id } => {
                let (old_password, new_password) = (PASSWORD.to_owned(), NEW_PASSWORD.to_owned());
                told!(client.change_password(v1::ChangePasswordRequest {
                    id,
                    old_password,
                    new_password,
                    etag,
                    request_id,
                }))
            }
            Self::Activate { id } => {
                told!(client.activate_user(v1::ActivateUserRequest { id, etag, request_id }))
            }
            Self::Deactivate { id } => {
                told!(client.deactivate_user(v1::DeactivateUserRequest { id, etag, request_id }))
            }
            Self::Suspend { id } => {
                let reason = "as a campaign wants it".to_owned();
                told!(client.suspend_user(v1::SuspendUserRequest { id, reason, etag, request_id }))
            }
            Self::Reinstate { id } => {
                told!(client.reinstate_user(v1::ReinstateUserRequest { id, etag, request_id }))
            }
            Self::Delete { id } => told!(client.delete_user(v1::DeleteUserRequest { id, etag, request_id })),
            Self::Restore { id } => {
                told!(client.restore_user(v1::RestoreUserRequest { id, etag, request_id }))
            }
            Self::Erase { id } => told!(client.erase_user(v1::EraseUserRequest { id, etag, request_id })),
        }
    }
}
