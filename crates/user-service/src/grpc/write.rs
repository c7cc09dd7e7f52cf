//! What all writes have in common: an id, an etag, a request id, one command, and the user after it.

use buffa::Message;
use cqrs::{Execution, Outcome};
use eventstore::{AggregateId, NewRequest, Version};
use user_api::{ApiError, v1};
use user_domain::{Scope, User, UserCommand};
use uuid::Uuid;

use super::call::Call;
use super::fields::Fields;
use super::{errors, user};
use crate::access::Principal;
use crate::directory::{Attachment, Directory, NewCredential};

/// Which user is to be changed, in which version, and how the client calls it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) id: AggregateId,
    pub(super) precondition: Option<Version>,
    pub(super) request_id: Option<Uuid>,
}

/// A write: its method and its request name it, so that a retry is known again.
pub(super) struct Write<'a> {
    pub(super) directory: &'a Directory,
    pub(super) call: &'a Call,
    pub(super) method: &'static str,
    /// The request as bytes, without secrets and without the request id.
    pub(super) request: Vec<u8>,
}

/// What a write answers with.
pub(super) struct Written {
    pub(super) user: user::Field<v1::User>,
    pub(super) position: u64,
    pub(super) replayed: bool,
}

impl Target {
    /// Reads the three fields that every change of a user has.
    pub(super) fn parse(fields: &mut Fields, id: &str, etag: &str, request_id: &str) -> Option<Self> {
        let id = fields.id(id);
        let precondition = fields.etag(etag, id);
        let request_id = fields.request_id(request_id);
        Some(Self { id: id?, precondition, request_id })
    }

    /// The same when there is nothing else to parse.
    pub(super) fn parse_alone(id: &str, etag: &str, request_id: &str) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let target = Self::parse(&mut fields, id, etag, request_id);
        fields.done()?;
        target.ok_or_else(|| fields.error())
    }
}

impl Write<'_> {
    /// Executes a command that brings no credential.
    pub(super) async fn execute(self, target: Target, command: UserCommand) -> Result<Written, ApiError> {
        self.execute_with(target, command, NewCredential::None).await
    }

    /// Whether an earlier call did the work: then nothing has to be verified for it again.
    pub(super) async fn is_repeated(&self, target: Target) -> Result<bool, ApiError> {
        let remembered = self.directory.remembers(self.named(target)).await;
        remembered.map_err(|fault| errors::of_command(fault.into()))
    }

    /// How the log knows the request.
    fn named(&self, target: Target) -> Option<NewRequest> {
        let root = self.directory.root();
        target.request_id.map(|request_id| NewRequest {
            key: root.request_key(self.call.principal.name(), self.call.actor(), self.method, request_id),
            fingerprint: root.fingerprint(&[&self.request]),
        })
    }

    /// Executes a command that brings one.
    pub(super) async fn execute_with(
        self,
        target: Target,
        command: UserCommand,
        credential: NewCredential,
    ) -> Result<Written, ApiError> {
        let request = self.named(target);
        let execution = Execution {
            id: target.id,
            command,
            attachment: Attachment { origin: self.call.origin.clone(), ..credential.into() },
            precondition: target.precondition,
            request,
            metadata: self.call.metadata(target.request_id),
            deadline: self.call.deadline,
        };
        self.directory
            .execute(&execution)
            .await
            .map(|outcome| Written::of(&outcome, &self.call.principal))
            .map_err(errors::of_command)
    }
}

impl Written {
    /// Whoever may write and not read is told that it was done, and nothing personal.
    fn of(outcome: &Outcome<User>, principal: &Principal) -> Self {
        let shown = if principal.may(Scope::Read) { user::shown } else { user::impersonal };
        Self {
            user: shown(&outcome.state),
            position: user::position(&outcome.state, outcome.position).0,
            replayed: outcome.replayed,
        }
    }
}

/// A request as bytes. The caller has taken out its secrets and its request id.
pub(super) fn bytes_of(request: &impl Message) -> Vec<u8> {
    request.encode_to_vec()
}
