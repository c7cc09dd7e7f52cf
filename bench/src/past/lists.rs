//! Pages of today's lists, each against the first of them: deep down, by status, in another order, and searched for what one
//! user has, some, or all. Asked as the product asks itself: what gRPC adds is the same for all and would hide the rest.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use user_domain::{LiveUser, SearchText, Status};
use user_service::directory::Directory;
use user_service::queries::{ListQuestion, Total, count_users, list_users};
use user_service::read_model::{SortKey, Sorting, UserOrder};

use super::moments::{LISTED, now};
use super::pair::{Compared, Turns, pair};
use super::stand::{Running, Stand};

const SIZE: usize = 50;

/// As many as the product reads at once, but for the one that tells whether there are more.
const WALKED: u32 = 999;

/// How often each is asked in a round.
const ASKED: usize = 20;

const BY_EMAIL: UserOrder = UserOrder { key: SortKey::Email, sorting: Sorting::Ascending };
const BY_EMAIL_DOWN: UserOrder = UserOrder { key: SortKey::Email, sorting: Sorting::Descending };
const BY_USERNAME: UserOrder = UserOrder { key: SortKey::Username, sorting: Sorting::Ascending };

/// A page, and what it took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    /// In the name of its bar.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) compared: Compared,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Of a list without a search.
    Listed,
    Searched,
    /// With how many there are in all, where the product says so.
    Counted,
}

pub(super) async fn measure(stand: &Stand, rounds: usize) -> anyhow::Result<Vec<Page>> {
    let directory = stand.directory().await?;
    let head = stand.store.head().await?.position;
    let running = Running::up_to(head, &directory).await?;
    let (first, turns) = (Asked::first(), Turns { rounds, asked: ASKED });
    let mut pages = Vec::new();
    for page in asked(&directory).await? {
        page.audit(&directory).await?;
        let rounds = pair(turns, async || first.read(&directory).await, async || page.read(&directory).await);
        let rounds = rounds.await.with_context(|| page.name.clone())?;
        pages.push(Page { name: page.name, kind: page.kind, compared: Compared { what: page.what, rounds } });
    }
    running.stop().await?;
    Ok(pages)
}

/// A page that is asked for.
#[derive(Debug)]
struct Asked {
    name: String,
    kind: Kind,
    what: String,
    question: ListQuestion,
    token: String,
    /// How many users the list has; enough for a page if it was not counted.
    users: usize,
}

impl Asked {
    fn listed(name: &str, what: impl Into<String>, statuses: &[Status], order: UserOrder) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Listed,
            what: what.into(),
            question: ListQuestion::of(statuses, order),
            token: String::new(),
            users: SIZE,
        }
    }

    fn first() -> Self {
        Self::listed("first", "the first page", &LISTED, UserOrder::NEWEST_FIRST)
    }

    /// Reads a whole page, as a client does: one that is short is gone on with. Answers with how many users it has.
    async fn read(&self, directory: &Directory) -> anyhow::Result<usize> {
        let users = self.users(directory).await?.len();
        ensure!(users == self.users.min(SIZE), "{users} on a page of {}", self.what);
        if self.kind == Kind::Counted {
            self.count(directory).await?;
        }
        Ok(users)
    }

    async fn users(&self, directory: &Directory) -> anyhow::Result<Vec<LiveUser>> {
        let (mut users, mut token) = (Vec::new(), self.token.clone());
        loop {
            let missing = u32::try_from(SIZE - users.len())?;
            let page = list_users(directory, &self.question, missing, &token, now()).await?;
            users.extend(page.users);
            match page.next {
                Some(next) if users.len() < SIZE => token = next,
                Some(_) | None => return Ok(users),
            }
        }
    }

    async fn count(&self, directory: &Directory) -> anyhow::Result<()> {
        match count_users(directory, &self.question, now()).await? {
            Total::Users { count, .. } => {
                ensure!(count == self.users as u64, "{count} users, not {}: {}", self.users, self.what);
            }
            Total::TooCostly => {}
        }
        Ok(())
    }

    /// Whoever is on the page belongs there.
    async fn audit(&self, directory: &Directory) -> anyhow::Result<()> {
        let ListQuestion { statuses, search, .. } = &self.question;
        for user in self.users(directory).await? {
            let is_called = search.as_ref().is_none_or(|text| user.searched().contains(text.folded()));
            ensure!(is_called && statuses.contains(&user.status()), "somebody else is {}", self.what);
        }
        Ok(())
    }
}

/// All that is measured.
async fn asked(directory: &Directory) -> anyhow::Result<Vec<Asked>> {
    let Total::Users { count, .. } =
        count_users(directory, &ListQuestion::of(&LISTED, UserOrder::NEWEST_FIRST), now()).await?
    else {
        anyhow::bail!("users are counted by status");
    };
    let all = usize::try_from(count)?;
    let mut somebody = None;
    let newest = walk(directory, UserOrder::NEWEST_FIRST, |number, user| {
        if somebody.is_none() && number >= all / 2 && user.email.as_str().starts_with("person.") {
            somebody = Some(user.email.as_str().to_owned());
        }
    });
    let newest = newest.await?;
    let texts = texts(all, &somebody.context("everybody has another address now")?)?;
    let mut have = vec![0; texts.len()];
    let by_email = walk(directory, BY_EMAIL, |_, user| {
        let called = user.searched();
        for (have, (_, text)) in have.iter_mut().zip(&texts) {
            *have += usize::from(called.contains(text.folded()));
        }
    });
    let by_email = by_email.await?;
    ensure!(newest.users == all && by_email.users == all, "{all} users: {newest:?}, {by_email:?}");
    let mut asked = listed(&newest, &by_email);
    asked.push(Asked {
        kind: Kind::Counted,
        users: all,
        what: "first, with a total".to_owned(),
        name: "total".to_owned(),
        ..Asked::first()
    });
    for ((name, text), have) in texts.into_iter().zip(have) {
        asked.extend(searched(name, &text, have));
    }
    Ok(asked)
}

fn listed(newest: &Walked, by_email: &Walked) -> Vec<Asked> {
    let depth = format!("after {} users", newest.deep);
    let email_depth = format!("by e-mail, after {} users", by_email.deep);
    let newest_first = UserOrder::NEWEST_FIRST;
    vec![
        Asked { token: newest.token.clone(), ..Asked::listed("depth", depth, &LISTED, newest_first) },
        Asked::listed("active", "of those active", &[Status::Active], newest_first),
        Asked::listed("suspended", "of those suspended", &[Status::Suspended], newest_first),
        Asked::listed("email", "by e-mail", &LISTED, BY_EMAIL),
        Asked::listed("email-desc", "by e-mail, the last first", &LISTED, BY_EMAIL_DOWN),
        Asked {
            token: by_email.token.clone(),
            ..Asked::listed("email-depth", email_depth, &LISTED, BY_EMAIL)
        },
        Asked::listed("username", "by username", &LISTED, BY_USERNAME),
    ]
}

/// A text in the order of creation and in another one, and with a total.
fn searched(name: &str, text: &SearchText, have: usize) -> [Asked; 3] {
    let page = |end: &str, kind, how: &str, order| Asked {
        name: format!("search-{name}{end}"),
        kind,
        what: format!("of {have} with a text{how}"),
        question: ListQuestion { search: Some(text.clone()), ..ListQuestion::of(&LISTED, order) },
        token: String::new(),
        users: have,
    };
    [
        page("", Kind::Searched, "", UserOrder::NEWEST_FIRST),
        page("-email", Kind::Searched, ", by e-mail", BY_EMAIL),
        page("-total", Kind::Counted, ", with a total", UserOrder::NEWEST_FIRST),
    ]
}

/// What is searched for: texts that so many of so many users have. Whoever has one of the first two has nothing in it that
/// others do not have, too, but in another place.
fn texts(all: usize, address: &str) -> anyhow::Result<Vec<(&'static str, SearchText)>> {
    let digits = (all / 50).max(1).ilog10() as usize;
    let hundred = format!("{}@", &"393939"[..digits.min(6)]);
    let texts = [
        ("nobody", "lovlace"),
        ("one", address),
        ("hundred", hundred.as_str()),
        ("one-of-300", "changed_17"),
        ("one-of-100", "17@"),
        ("one-of-3", "changed"),
        ("all", "lovelace"),
    ];
    let parse = |(name, text)| {
        let text = SearchText::parse(text).ok().context("not to be searched for")?;
        Ok((name, text))
    };
    texts.into_iter().map(parse).collect()
}

/// What a walk through everybody came to.
#[derive(Debug)]
struct Walked {
    users: usize,
    /// The token of the last place that a page follows, and how many come before it.
    token: String,
    deep: usize,
}

/// From the first user to the last, in pages, as a client does. It takes seconds, and every user is seen.
async fn walk(
    directory: &Directory,
    order: UserOrder,
    mut see: impl FnMut(usize, &LiveUser),
) -> anyhow::Result<Walked> {
    let question = ListQuestion::of(&LISTED, order);
    let (mut walked, mut token) = (Walked { users: 0, token: String::new(), deep: 0 }, String::new());
    loop {
        let page = list_users(directory, &question, WALKED, &token, now()).await?;
        if page.users.len() >= SIZE {
            (walked.token, walked.deep) = (token, walked.users);
        }
        for user in &page.users {
            see(walked.users, user);
            walked.users += 1;
        }
        let Some(next) = page.next else { return Ok(walked) };
        token = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_about_a_hundred() {
        for all in [9_600, 19_200, 96_000, 963_000] {
            let texts = texts(all, "ada@example.org").unwrap();
            let (_, text) = texts.iter().find(|(name, _)| *name == "hundred").unwrap();
            let have = (1..=all).filter(|n| format!("person.{n}@").contains(text.folded())).count();
            assert!((50..500).contains(&have), "{have} of {all}");
        }
    }
}
