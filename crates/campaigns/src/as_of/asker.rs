//! Asks the service about a moment, in every way there is, and compares each answer with the fold.
//!
//! Whoever is erased while a question is under way may be told in either way: she is left out of both.

use std::fmt::{self, Debug};

use connectrpc::{ConnectError, UnaryResponse};
use cqrs::{Claim, Decider};
use eventstore::{AggregateId, Position, Version};
use fastrand::Rng;
use jiff::SignedDuration;
use user_api::oneof::get_user_request::By;
use user_api::v1;
use user_api::v1::as_of::Moment;
use user_domain::{User, Users};
use user_service::directory::Directory;

use super::fold::Fold;
use super::seen::{Difference, Seen};
use crate::verdict::Findings;
use crate::wire::{self, Client};

/// A moment of the past, and where the fold says that it is.
#[derive(Clone, Debug)]
struct Asked {
    as_of: v1::AsOf,
    position: Position,
}

/// How much of what was asked.
#[derive(Debug, Default)]
pub(super) struct Told {
    users: u64,
    owners: u64,
    pages: u64,
    differences: u64,
    overtaken: u64,
}

/// Who asks.
pub(super) struct Asker {
    client: Client,
    directory: Directory,
    rng: Rng,
    fold: Fold,
    told: Told,
    findings: Findings,
}

const STATUSES: [(v1::UserStatus, &str); 5] = [
    (v1::UserStatus::Active, "active"),
    (v1::UserStatus::Inactive, "inactive"),
    (v1::UserStatus::Suspended, "suspended"),
    (v1::UserStatus::Deleted, "deleted"),
    (v1::UserStatus::Erased, "erased"),
];

impl Asker {
    pub(super) fn new(client: Client, directory: Directory, rng: Rng) -> Self {
        let (fold, told, findings) = (Fold::default(), Told::default(), Findings::default());
        Self { client, directory, rng, fold, told, findings }
    }

    /// Everything about one moment.
    pub(super) async fn ask(&mut self) -> anyhow::Result<()> {
        self.fold.follow(&self.directory).await?;
        let (one, another) = (self.moment(), self.moment());
        self.users(&one).await?;
        self.version().await?;
        self.owners(&one).await?;
        self.list(&one).await?;
        let (from, to) = if one.position <= another.position { (one, another) } else { (another, one) };
        self.differences(&from, &to).await?;
        self.beyond_the_head().await
    }

    pub(super) async fn end(mut self) -> anyhow::Result<(Told, Findings)> {
        self.fold.follow(&self.directory).await?;
        Ok((self.told, self.findings))
    }

    /// A position, or a time: that of an event, one just before it, or one between two events.
    fn moment(&mut self) -> Asked {
        let log = self.fold.log();
        let event = &log[self.rng.usize(..log.len())];
        let time = match self.rng.u8(..8) {
            0..4 => {
                let position = Position(self.rng.u64(..=self.fold.head().0));
                return Asked { as_of: as_of(Moment::Position(position.0)), position };
            }
            4 => event.recorded_at,
            5 => event.recorded_at - SignedDuration::from_micros(1),
            6 => log[0].recorded_at - SignedDuration::from_secs(1),
            _ => {
                let next = log.get(usize::try_from(event.position.0).unwrap_or(0)).unwrap_or(event);
                let between = next.recorded_at.duration_since(event.recorded_at).as_micros();
                let into = self.rng.i128(..=between.max(0));
                event.recorded_at + SignedDuration::from_micros(i64::try_from(into).unwrap_or(0))
            }
        };
        let moment = Moment::Time(Box::new(time.into()));
        Asked { as_of: as_of(moment), position: self.fold.position_at(time) }
    }

    fn somebody(&mut self) -> AggregateId {
        let log = self.fold.log();
        log[self.rng.usize(..log.len())].aggregate_id
    }

    async fn users(&mut self, asked: &Asked) -> anyhow::Result<()> {
        for _ in 0..3 {
            let id = self.somebody();
            let by = By::Id(id.to_string());
            let expected = self.fold.user_at(id, asked.position).ok_or("USER_NOT_YET_CREATED");
            self.get(by, Some(asked), None, expected).await?;
            self.told.users += 1;
        }
        Ok(())
    }

    /// At any of her versions, and at one that she has not reached.
    async fn version(&mut self) -> anyhow::Result<()> {
        let id = self.somebody();
        let last = self.fold.version(id);
        let version = Version(self.rng.u64(1..=last.0 + 1));
        if version > last {
            // Somebody may write it just now.
            return Ok(());
        }
        let expected = self.fold.user_at_version(id, version).ok_or("there is one");
        self.get(By::Id(id.to_string()), None, Some(version), expected).await?;
        self.told.users += 1;
        Ok(())
    }

    /// Whoever owned what somebody owned at some time; by another spelling.
    async fn owners(&mut self, asked: &Asked) -> anyhow::Result<()> {
        for _ in 0..3 {
            let log = self.fold.log();
            let end = self.rng.usize(..log.len());
            let id = log[end].aggregate_id;
            let User::Live(user) = Users::fold(log[..=end].iter().filter(|event| event.aggregate_id == id))
            else {
                continue;
            };
            let [email, username]: [Claim; 2] = [user.email.claim(), user.username.claim()];
            let (by, claim) = if self.rng.bool() {
                (By::Email(user.email.as_str().to_uppercase()), email)
            } else {
                (By::Username(user.username.as_str().to_uppercase()), username)
            };
            self.owner(&by, asked, self.fold.owner_at(&claim, asked.position)).await?;
            let expected = self.fold.owner_at(&claim, asked.position).ok_or("USER_NOT_FOUND");
            self.get(by, Some(asked), None, expected).await?;
            self.told.owners += 1;
        }
        Ok(())
    }

    async fn get(
        &mut self,
        by: By,
        asked: Option<&Asked>,
        version: Option<Version>,
        expected: Result<Seen, &'static str>,
    ) -> anyhow::Result<()> {
        let request = v1::GetUserRequest {
            by: Some(by.clone()),
            as_of: asked.map(|asked| asked.as_of.clone()).into(),
            version: version.map(|version| version.0),
            ..Default::default()
        };
        let answer = self.client.get_user(request).await;
        let answer = answer.map(|answer| answer.into_owned().user.into_option().map(Seen::of));
        let found = match answer {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err("nobody".to_owned()),
            Err(error) => Err(wire::reason(&error).unwrap_or_else(|| error.to_string())),
        };
        let expected = expected.map_err(str::to_owned);
        if found != expected && !self.overtaken(expected.iter().chain(&found).map(|user| &*user.id)).await? {
            let question = (by, asked.map(|asked| asked.position), version);
            self.differ("a user of the past is not what the fold makes of her", &question, &found, &expected);
        }
        Ok(())
    }

    async fn owner(&mut self, by: &By, asked: &Asked, expected: Option<Seen>) -> anyhow::Result<()> {
        let (email, username) = match by {
            By::Email(email) => (email.clone(), String::new()),
            By::Username(username) => (String::new(), username.clone()),
            By::Id(_) => return Ok(()),
        };
        let statuses = STATUSES.iter().map(|(status, _)| (*status).into()).collect();
        let filter = v1::ListUsersFilter { email, username, statuses, ..Default::default() };
        let found = self.walk(asked, filter, 1).await?;
        let expected: Vec<_> = expected.into_iter().collect();
        if found != expected && !self.overtaken(expected.iter().chain(&found).map(|user| &*user.id)).await? {
            self.differ("another owner is listed", &(by, asked), &found, &expected);
        }
        Ok(())
    }

    /// Everybody with some statuses, on however many pages.
    async fn list(&mut self, asked: &Asked) -> anyhow::Result<()> {
        let wanted: Vec<_> = STATUSES.into_iter().filter(|_| self.rng.bool()).collect();
        let statuses = wanted.iter().map(|(status, _)| (*status).into()).collect();
        let filter = v1::ListUsersFilter { statuses, ..Default::default() };
        let unless_asked = |status| ["active", "inactive", "suspended"].contains(&status);
        let mut expected = self.fold.users_at(asked.position);
        expected.retain(|user| {
            wanted.iter().any(|(_, word)| *word == user.status)
                || (wanted.is_empty() && unless_asked(user.status))
        });
        let (before, size) = (self.fold.head(), self.rng.i32(1..60));
        let mut found = self.walk(asked, filter, size).await?;
        if found != expected {
            self.fold.follow(&self.directory).await?;
            self.told.overtaken += 1;
            expected.retain(|user| !self.fold.erased_after(&user.id, before));
            found.retain(|user| !self.fold.erased_after(&user.id, before));
        }
        if found != expected {
            let question = (asked, size, wanted);
            let (found, expected) = apart(&found, &expected);
            self.differ("a list of the past is not the fold", &question, &found, &expected);
        }
        Ok(())
    }

    /// All pages of a list. Each says that it shows the position that was asked for.
    async fn walk(
        &mut self,
        asked: &Asked,
        filter: v1::ListUsersFilter,
        size: i32,
    ) -> anyhow::Result<Vec<Seen>> {
        let (mut users, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListUsersRequest {
                page_size: size,
                page_token,
                filter: Some(filter.clone()).into(),
                as_of: Some(asked.as_of.clone()).into(),
                ..Default::default()
            };
            let Some(page) =
                self.answered(self.client.list_users(request).await.map(UnaryResponse::into_owned))
            else {
                return Ok(users);
            };
            if page.position != asked.position.0 {
                let example = format!("{asked:?}: {}", page.position);
                self.findings.add("a page shows another position", example);
            }
            self.told.pages += 1;
            users.extend(page.users.into_iter().map(Seen::of));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(users);
            }
        }
    }

    /// Who became different between two moments, and one of them alone.
    async fn differences(&mut self, from: &Asked, to: &Asked) -> anyhow::Result<()> {
        let mut expected = self.fold.differences(from.position, to.position);
        let (before, size) = (self.fold.head(), self.rng.i32(1..60));
        let mut found = self.walk_differences(from, to, size).await?;
        self.told.differences += found.len() as u64;
        if found != expected {
            self.fold.follow(&self.directory).await?;
            self.told.overtaken += 1;
            expected.retain(|diff| !self.fold.erased_after(&diff.id, before));
            found.retain(|diff| !self.fold.erased_after(&diff.id, before));
        }
        if found != expected {
            let question = (from, to, size);
            let (found, expected) = apart(&found, &expected);
            self.differ(
                "a difference between two moments is not that of the fold",
                &question,
                &found,
                &expected,
            );
        }
        let Some(expected) = self.rng.choice(self.fold.differences(from.position, to.position)) else {
            return Ok(());
        };
        let request = v1::DiffUserRequest {
            id: expected.id.clone(),
            from: Some(from.as_of.clone()).into(),
            to: Some(to.as_of.clone()).into(),
        };
        let answer = self.answered(self.client.diff_user(request).await.map(UnaryResponse::into_owned));
        let found = answer.and_then(|answer| answer.diff.into_option()).map(Difference::of);
        if found.as_ref() != Some(&expected) && !self.overtaken(std::iter::once(&*expected.id)).await? {
            self.differ("one user's difference is not that of the fold", &(from, to), &found, &expected);
        }
        Ok(())
    }

    async fn walk_differences(
        &mut self,
        from: &Asked,
        to: &Asked,
        size: i32,
    ) -> anyhow::Result<Vec<Difference>> {
        let (mut diffs, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::DiffUsersRequest {
                page_size: size,
                page_token,
                from: Some(from.as_of.clone()).into(),
                to: Some(to.as_of.clone()).into(),
            };
            let Some(page) =
                self.answered(self.client.diff_users(request).await.map(UnaryResponse::into_owned))
            else {
                return Ok(diffs);
            };
            if (page.from_position, page.to_position) != (from.position.0, to.position.0) {
                let example = format!("{from:?}, {to:?}: {} and {}", page.from_position, page.to_position);
                self.findings.add("a page of differences is between other positions", example);
            }
            diffs.extend(page.diffs.into_iter().map(Difference::of));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(diffs);
            }
        }
    }

    /// Of what is still to come nothing is told.
    async fn beyond_the_head(&mut self) -> anyhow::Result<()> {
        let as_of = as_of(Moment::Position(self.fold.head().0 + 1_000_000));
        let request = v1::ListUsersRequest { as_of: Some(as_of).into(), ..Default::default() };
        let reason = match self.client.list_users(request).await {
            Ok(_) => Some("a page".to_owned()),
            Err(error) => wire::reason(&error),
        };
        if reason.as_deref() != Some("POSITION_NOT_REACHED") {
            self.findings.add("the future is told", format!("{reason:?}"));
        }
        Ok(())
    }

    /// Whether somebody whom an answer is about has been erased since the fold was last looked at.
    async fn overtaken(&mut self, mut whom: impl Iterator<Item = &str>) -> anyhow::Result<bool> {
        let before = self.fold.head();
        self.fold.follow(&self.directory).await?;
        let overtaken = whom.any(|id| self.fold.erased_after(id, before));
        self.told.overtaken += u64::from(overtaken);
        Ok(overtaken)
    }

    /// Every question here has an answer.
    fn answered<T>(&mut self, answer: Result<T, ConnectError>) -> Option<T> {
        answer.map_err(|error| self.findings.add("a question about the past is not answered", error)).ok()
    }

    fn differ(&mut self, kind: &str, question: &impl Debug, found: &impl Debug, expected: &impl Debug) {
        self.findings.add(kind, format!("{question:?}: {found:?}, not {expected:?}"));
    }
}

fn as_of(moment: Moment) -> v1::AsOf {
    v1::AsOf { moment: Some(moment) }
}

/// The first place in which two lists differ.
fn apart<T: Clone + PartialEq>(found: &[T], expected: &[T]) -> (Option<T>, Option<T>) {
    let n = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    (found.get(n).cloned(), expected.get(n).cloned())
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, owners, pages, differences, overtaken } = self;
        write!(
            f,
            "{users} users, {owners} owners, {pages} pages and {differences} differences as the fold has them, \
             {overtaken} answers overtaken by an erasure"
        )
    }
}
