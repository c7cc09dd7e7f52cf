//! The script: random commands, good and bad, with etags, request ids and retries. It looks at the model to be bad on
//! purpose and not only by chance.

use eventstore::{AggregateId, Version};
use fastrand::Rng;
use user_domain::{
    ActivateUser, AvatarUrl, ChangeEmail, ChangePassword, ChangeUsername, CreateUser, CredentialAlgorithm,
    DeactivateUser, DeleteUser, Email, EraseUser, OldPassword, Patch, PersonName, ProfilePatch, Reason,
    ReinstateUser, RestoreUser, SetPassword, SuspendUser, UpdateProfile, UpdateUser, User, UserCommand,
    Username, Violation,
};
use uuid::Uuid;

use super::model::Model;
use crate::seed::uuid;

/// Few enough that they are taken again and again.
const VALUES: u64 = 1_000;

/// Half of the commands are about somebody of so many latest events.
const LATEST: usize = 300;

/// A retry repeats one of so many latest steps.
const RETRIED: usize = 500;

/// A command with what its caller says about it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) id: AggregateId,
    pub(super) command: UserCommand,
    pub(super) precondition: Option<Version>,
    pub(super) request_id: Option<Uuid>,
}

impl Step {
    /// What is asked for. A creation is asked for without its id, which the surface makes anew for each call.
    pub(super) fn asked(&self) -> String {
        match &self.command {
            UserCommand::CreateUser(create) => format!("{create:?}"),
            command => format!("{} {:?} {command:?}", self.id, self.precondition),
        }
    }
}

/// Where steps come from.
#[derive(Debug)]
pub(super) struct Script {
    rng: Rng,
    asked: Vec<Step>,
}

impl Script {
    pub(super) fn new(rng: Rng) -> Self {
        Self { rng, asked: Vec::new() }
    }

    pub(super) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    pub(super) fn next(&mut self, model: &Model) -> Result<Step, Violation> {
        if !self.asked.is_empty() && self.rng.u8(..100) < 10 {
            return self.retry();
        }
        let (id, command) = self.command(model)?;
        let step = Step {
            id,
            precondition: self.precondition(model, id),
            request_id: self.rng.bool().then(|| uuid(&mut self.rng)),
            command,
        };
        if step.request_id.is_some() {
            self.asked.push(step.clone());
        }
        Ok(step)
    }

    /// The same again; now and then with another command, which is a client's mistake.
    fn retry(&mut self) -> Result<Step, Violation> {
        let latest = &self.asked[self.asked.len().saturating_sub(RETRIED)..];
        let mut step = latest[self.rng.usize(..latest.len())].clone();
        if self.rng.u8(..5) == 0 {
            step.command = ChangeEmail { email: self.email()? }.into();
        } else if matches!(step.command, UserCommand::CreateUser(_)) {
            step.id = AggregateId(uuid(&mut self.rng));
        }
        Ok(step)
    }

    fn precondition(&mut self, model: &Model, id: AggregateId) -> Option<Version> {
        match self.rng.u8(..10) {
            0 => Some(model.user(id).version()),
            1 => Some(Version(self.rng.u64(..6))),
            _ => None,
        }
    }

    fn command(&mut self, model: &Model) -> Result<(AggregateId, UserCommand), Violation> {
        let known = self.somebody(model);
        if model.log.is_empty() || self.rng.u8(..100) < 22 {
            return Ok((AggregateId(uuid(&mut self.rng)), self.create()?.into()));
        }
        let id = known.unwrap_or_else(|| AggregateId(uuid(&mut self.rng)));
        Ok((id, self.change(model, id)?))
    }

    /// Whoever has done something is somebody. Nobody, now and then; and seldom one who has been erased.
    fn somebody(&mut self, model: &Model) -> Option<AggregateId> {
        let latest = &model.log[model.log.len().saturating_sub(LATEST)..];
        let log = if self.rng.bool() { latest } else { &model.log };
        let somebody = self.rng.choice(log).map(|event| event.aggregate_id);
        let erased = somebody.is_some_and(|id| matches!(model.user(id), User::Erased(_)));
        match self.rng.u8(..50) {
            0 => None,
            1..45 if erased => self.rng.choice(log).map(|event| event.aggregate_id),
            _ => somebody,
        }
    }

    fn create(&mut self) -> Result<CreateUser, Violation> {
        Ok(CreateUser {
            email: self.email()?,
            username: self.username()?,
            first_name: if self.rng.bool() { Some(self.name()?) } else { None },
            last_name: if self.rng.bool() { Some(self.name()?) } else { None },
            avatar_url: if self.rng.bool() { Some(self.avatar_url()?) } else { None },
            algorithm: self.algorithm(),
        })
    }

    fn change(&mut self, model: &Model, id: AggregateId) -> Result<UserCommand, Violation> {
        Ok(match self.rng.u8(..78) {
            0..8 => ChangeEmail { email: self.email()? }.into(),
            8..16 => ChangeUsername { username: self.username()? }.into(),
            16..26 => UpdateProfile { profile: self.profile()? }.into(),
            26..36 => UpdateUser {
                email: if self.rng.bool() { Some(self.email()?) } else { None },
                username: if self.rng.bool() { Some(self.username()?) } else { None },
                profile: self.profile()?,
            }
            .into(),
            36..41 => SetPassword { algorithm: self.algorithm() }.into(),
            41..46 => self.change_password(model, id).into(),
            46..51 => ActivateUser.into(),
            51..56 => DeactivateUser.into(),
            56..61 => {
                let text = format!("reason {}", self.rng.u64(..VALUES));
                SuspendUser { reason: Reason::parse(&text)? }.into()
            }
            61..66 => ReinstateUser.into(),
            66..71 => DeleteUser.into(),
            71..74 => RestoreUser.into(),
            _ => EraseUser.into(),
        })
    }

    fn change_password(&mut self, model: &Model, id: AggregateId) -> ChangePassword {
        let current = match model.user(id) {
            User::Live(user) => user.credential.version,
            User::Absent | User::Erased(_) => 1,
        };
        let old_password = match self.rng.u8(..4) {
            0 => OldPassword::Differs,
            1 => OldPassword::Matches { credential_version: self.rng.u32(1..4) },
            _ => OldPassword::Matches { credential_version: current },
        };
        ChangePassword { old_password, algorithm: self.algorithm() }
    }

    fn profile(&mut self) -> Result<ProfilePatch, Violation> {
        Ok(ProfilePatch {
            first_name: match self.rng.u8(..3) {
                0 => Patch::Keep,
                1 => Patch::Clear,
                _ => Patch::Set(self.name()?),
            },
            last_name: match self.rng.u8(..3) {
                0 => Patch::Keep,
                1 => Patch::Clear,
                _ => Patch::Set(self.name()?),
            },
            avatar_url: match self.rng.u8(..3) {
                0 => Patch::Keep,
                1 => Patch::Clear,
                _ => Patch::Set(self.avatar_url()?),
            },
        })
    }

    pub(super) fn email(&mut self) -> Result<Email, Violation> {
        let domain = ["example.org", "Example.ORG", "bücher.example", "xn--bcher-kva.example"];
        let local = ["user", "User", "Ζωή", "ζωή"];
        let number = self.rng.u64(..VALUES / 2);
        let (local, domain) = (local[self.rng.usize(..local.len())], domain[self.rng.usize(..domain.len())]);
        Email::parse(&format!("{local}{number}@{domain}"))
    }

    fn username(&mut self) -> Result<Username, Violation> {
        let name = ["name", "Name", "Straße", "STRASSE"];
        Username::parse(&format!("{}{}", name[self.rng.usize(..name.len())], self.rng.u64(..VALUES)))
    }

    fn name(&mut self) -> Result<PersonName, Violation> {
        PersonName::parse("first_name", &format!("Zoë \"{}\" O'Neil\\", self.rng.u64(..5)))
    }

    fn avatar_url(&mut self) -> Result<AvatarUrl, Violation> {
        AvatarUrl::parse(&format!("https://example.org/{}.png", self.rng.u64(..5)))
    }

    fn algorithm(&mut self) -> CredentialAlgorithm {
        if self.rng.bool() { CredentialAlgorithm::Argon2id } else { CredentialAlgorithm::Bcrypt }
    }
}
