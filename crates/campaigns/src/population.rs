//! People whom a campaign makes and changes through a directory in this process, so that a projection has work. Their
//! hashes come from elsewhere: nothing waits for hashing.

use cqrs::CommandError;
use eventstore::AggregateId;
use fastrand::Rng;
use user_domain::{
    ActivateUser, AvatarUrl, ChangeEmail, ChangePassword, ChangeUsername, CreateUser, CredentialAlgorithm,
    DeactivateUser, DeleteUser, Email, EraseUser, OldPassword, Patch, PersonName, ProfilePatch, Reason,
    ReinstateUser, RestoreUser, SetPassword, SuspendUser, UpdateProfile, UpdateUser, UserCommand, Username,
    Violation,
};
use user_service::directory::{Directory, NewCredential};

use crate::command::{ARGON2ID, execution, hashed};
use crate::seed::uuid;

/// Of a hundred commands so many make somebody new.
const NEWCOMERS: u8 = 15;

/// Addresses and names that everybody wants now and then: they go from one owner to the next.
const WANDERING: u64 = 6;

/// People, and what happens to them.
#[derive(Debug)]
pub(crate) struct Population {
    directory: Directory,
    rng: Rng,
    /// No two populations of one directory have the same.
    mark: String,
    count: u64,
    pub(crate) people: Vec<AggregateId>,
}

impl Population {
    pub(crate) fn new(directory: Directory, mark: &str, rng: Rng) -> Self {
        Self { directory, rng, mark: mark.to_owned(), count: 0, people: Vec::new() }
    }

    /// Something happens to somebody, unless the domain says no.
    pub(crate) async fn act(&mut self) -> anyhow::Result<()> {
        match self.rng.choice(&self.people).copied() {
            Some(id) if self.rng.u8(..100) >= NEWCOMERS => {
                let command = self.change()?;
                let credential =
                    if command.changes_credential() { hashed(ARGON2ID)? } else { NewCredential::None };
                self.execute(id, command, credential).await
            }
            Some(_) | None => self.create().await.map(drop),
        }
    }

    /// Somebody new.
    pub(crate) async fn create(&mut self) -> anyhow::Result<AggregateId> {
        let id = AggregateId(uuid(&mut self.rng));
        let command = CreateUser {
            email: self.email()?,
            username: Username::parse(&format!("{}-{}", self.mark, self.count)).map_err(broken)?,
            first_name: Some(self.name()?),
            last_name: None,
            avatar_url: None,
            algorithm: CredentialAlgorithm::Argon2id,
        };
        self.execute(id, command.into(), hashed(ARGON2ID)?).await?;
        self.people.push(id);
        Ok(id)
    }

    /// Something that is asked of somebody.
    pub(crate) async fn change_somebody(
        &self,
        id: AggregateId,
        command: impl Into<UserCommand>,
    ) -> anyhow::Result<()> {
        self.execute(id, command.into(), NewCredential::None).await
    }

    /// She has another name.
    pub(crate) async fn rename(&mut self, id: AggregateId) -> anyhow::Result<()> {
        let command = self.new_name()?;
        self.execute(id, command, NewCredential::None).await
    }

    fn new_name(&mut self) -> anyhow::Result<UserCommand> {
        let profile = ProfilePatch { first_name: Patch::Set(self.name()?), ..Default::default() };
        Ok(UpdateProfile { profile }.into())
    }

    /// Every kind of command, but for the one that makes somebody.
    fn change(&mut self) -> anyhow::Result<UserCommand> {
        let algorithm = CredentialAlgorithm::Argon2id;
        Ok(match self.rng.u8(..24) {
            0..3 => ChangeEmail { email: self.email_perhaps_of_somebody_else()? }.into(),
            3 | 4 => ChangeUsername { username: self.username_perhaps_of_somebody_else()? }.into(),
            5..9 => self.new_name()?,
            9 | 10 => UpdateProfile { profile: self.profile()? }.into(),
            11 => UpdateUser {
                email: Some(self.email_perhaps_of_somebody_else()?),
                username: Some(self.username_perhaps_of_somebody_else()?),
                profile: self.profile()?,
            }
            .into(),
            12 => SetPassword { algorithm }.into(),
            13 => {
                let old_password = OldPassword::Matches { credential_version: self.rng.u32(1..3) };
                ChangePassword { old_password, algorithm }.into()
            }
            14 | 15 => DeactivateUser.into(),
            16 | 17 => ActivateUser.into(),
            18 => SuspendUser { reason: Reason::parse("spam").map_err(broken)? }.into(),
            19 => ReinstateUser.into(),
            20 | 21 => DeleteUser.into(),
            22 => RestoreUser.into(),
            _ => EraseUser.into(),
        })
    }

    fn profile(&mut self) -> anyhow::Result<ProfilePatch> {
        let last_name = match self.rng.u8(..3) {
            0 => Patch::Keep,
            1 => Patch::Clear,
            _ => Patch::Set(self.name()?),
        };
        let avatar_url = match self.rng.u8(..3) {
            0 => Patch::Keep,
            1 => Patch::Clear,
            _ => {
                self.count += 1;
                let url = format!("https://example.org/{}/{}.png", self.mark, self.count);
                Patch::Set(AvatarUrl::parse(&url).map_err(broken)?)
            }
        };
        Ok(ProfilePatch { last_name, avatar_url, ..Default::default() })
    }

    fn email_perhaps_of_somebody_else(&mut self) -> anyhow::Result<Email> {
        if self.rng.u8(..3) > 0 {
            return self.email();
        }
        Email::parse(&format!("wandering-{}@example.org", self.rng.u64(..WANDERING))).map_err(broken)
    }

    fn username_perhaps_of_somebody_else(&mut self) -> anyhow::Result<Username> {
        self.count += 1;
        let name = match self.rng.u8(..3) {
            0 => format!("wandering-{}", self.rng.u64(..WANDERING)),
            _ => format!("{}-{}", self.mark, self.count),
        };
        Username::parse(&name).map_err(broken)
    }

    /// Never the same twice, so that it changes something.
    fn email(&mut self) -> anyhow::Result<Email> {
        self.count += 1;
        Email::parse(&format!("{}-{}@example.org", self.mark, self.count)).map_err(broken)
    }

    fn name(&mut self) -> anyhow::Result<PersonName> {
        self.count += 1;
        PersonName::parse("first_name", &format!("{} {}", self.mark, self.count)).map_err(broken)
    }

    /// A refusal is an answer too, and so is that nothing was done because too much is going on.
    async fn execute(
        &self,
        id: AggregateId,
        command: UserCommand,
        credential: NewCredential,
    ) -> anyhow::Result<()> {
        match self.directory.execute(&execution(id, command, credential, None)).await {
            Ok(_)
            | Err(
                CommandError::Refused(_)
                | CommandError::Contended
                | CommandError::Overloaded
                | CommandError::StoreDown,
            ) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
pub(crate) fn broken(violation: Violation) -> anyhow::Error {
    anyhow::anyhow!("{violation}")
}
