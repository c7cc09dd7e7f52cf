//! Pages of the directory as it was against pages of it as it is, in turns, through the queries of the product.

use std::time::{Duration, Instant};

use anyhow::Context;
use eventstore::{Deadline, Position};
use serde::{Deserialize, Serialize};
use user_domain::{Email, SearchText, Status, User};
use user_service::directory::Directory;
use user_service::queries::{
    Freshness, ListQuestion, Moment, Owned, PageOf, PageToken, Past, UserRef, find_user, list_users,
    owner_at, users_at,
};
use user_service::read_model::{SortKey, Sorting, UserOrder};

use super::stand::{Running, Stand};

/// Microseconds of two reads in each round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) what: String,
    /// Of the live one, then of the one that is compared with it.
    pub(crate) rounds: Vec<(f64, f64)>,
}

const SIZE: u32 = 50;
const LISTED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];
const ACTIVE: [Status; 1] = [Status::Active];
const SUSPENDED: [Status; 1] = [Status::Suspended];

fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_mins(1))
}

fn now() -> Freshness {
    Freshness { min_position: None, deadline: soon() }
}

pub(super) async fn measure(stand: &Stand, rounds: usize) -> anyhow::Result<Vec<Compared>> {
    let directory = stand.directory().await?;
    let running = Running::of(&directory);
    let head = stand.store.head().await?.position;
    directory.projections().reached("user_history", head, soon()).await?;
    directory.projections().reached("user_search", head, soon()).await?;
    let mut compared = Vec::new();
    for (name, statuses) in [("listed", &LISTED[..]), ("active", &ACTIVE), ("suspended", &SUSPENDED)] {
        for per_mille in [1, 10, 100, 500, 900, 1000] {
            let at = Position(head.0 * per_mille / 1000);
            let what = format!("{name} at {} % of the log", f64::from(u32::try_from(per_mille)?) / 10.0);
            let pair = pair(
                rounds,
                async || live(&directory, statuses).await,
                async || past(&directory, Moment::Position(at), statuses).await,
            );
            compared.push(Compared { what, rounds: pair.await? });
        }
    }
    let middle = Position(head.0 / 2);
    let time = stand
        .store
        .events(&eventstore::EventQuery::after(middle, 1))
        .await?
        .events
        .first()
        .context("the log is empty")?
        .recorded_at;
    let by_time = pair(
        rounds,
        async || live(&directory, &LISTED).await,
        async || past(&directory, Moment::Time(time), &LISTED).await,
    );
    compared.push(Compared { what: "listed at a time in the middle".to_owned(), rounds: by_time.await? });
    let page = past_page(&directory, Moment::Position(middle), &LISTED).await?;
    let email = page
        .iter()
        .find_map(|past| if let User::Live(user) = &past.user { Some(user.email.clone()) } else { None });
    let email = email.context("nobody was there")?;
    let owner = pair(
        rounds,
        async || owner_now(&directory, &email).await,
        async || owner_then(&directory, &email, middle).await,
    );
    compared.push(Compared { what: "the owner of an address".to_owned(), rounds: owner.await? });
    compared.extend(lists(&directory, &page, rounds).await?);
    running.stop().await?;
    Ok(compared)
}

/// The other pages of today, each against the first.
async fn lists(directory: &Directory, middle: &[Past], rounds: usize) -> anyhow::Result<Vec<Compared>> {
    let id =
        middle.iter().find_map(|past| if let User::Live(user) = &past.user { Some(user.id) } else { None });
    let question: Vec<u8> = Status::ALL.iter().map(|status| u8::from(LISTED.contains(status))).collect();
    let binding = PageToken { method: "ListUsers", question: &question };
    let token = binding.issue(directory.root(), id.context("nobody was there")?.0.as_bytes());
    let search = SearchText::parse("changed").map_err(|_| anyhow::anyhow!("not to be searched for"))?;
    let by_email = UserOrder { key: SortKey::Email, sorting: Sorting::Ascending };
    let newest = UserOrder::NEWEST_FIRST;
    let ask =
        |statuses: &[Status], search, order| ListQuestion { search, ..ListQuestion::of(statuses, order) };
    let others = [
        ("at depth", ask(&LISTED, None, newest), token.as_str()),
        ("of those suspended", ask(&SUSPENDED, None, newest), ""),
        ("by e-mail", ask(&LISTED, None, by_email), ""),
        ("searched", ask(&LISTED, Some(search), newest), ""),
    ];
    let mut compared = Vec::new();
    for (what, question, token) in others {
        let pair = pair(
            rounds,
            async || live(directory, &LISTED).await,
            async || Ok(list_users(directory, &question, SIZE, token, now()).await?.users.len()),
        );
        compared.push(Compared { what: what.to_owned(), rounds: pair.await? });
    }
    Ok(compared)
}

async fn live(directory: &Directory, statuses: &[Status]) -> anyhow::Result<usize> {
    let question = ListQuestion::of(statuses, UserOrder::NEWEST_FIRST);
    Ok(list_users(directory, &question, SIZE, "", now()).await?.users.len())
}

async fn past(directory: &Directory, moment: Moment, statuses: &[Status]) -> anyhow::Result<usize> {
    Ok(past_page(directory, moment, statuses).await?.len())
}

async fn past_page(directory: &Directory, moment: Moment, statuses: &[Status]) -> anyhow::Result<Vec<Past>> {
    let binding = PageToken { method: "ListUsers as of", question: &[] };
    let page = PageOf { size: SIZE, token: "", binding };
    Ok(users_at(directory, moment, statuses, page, soon()).await?.users)
}

async fn owner_now(directory: &Directory, email: &Email) -> anyhow::Result<usize> {
    Ok(find_user(directory, &UserRef::Email(email.clone())).await?.iter().count())
}

async fn owner_then(directory: &Directory, email: &Email, at: Position) -> anyhow::Result<usize> {
    Ok(owner_at(directory, Owned::Email(email), at, soon()).await?.past.iter().count())
}

/// How often each is asked in a round.
const ASKED: usize = 40;

/// Two reads in turns: in each round the medians, in microseconds.
async fn pair(
    rounds: usize,
    one: impl AsyncFn() -> anyhow::Result<usize>,
    other: impl AsyncFn() -> anyhow::Result<usize>,
) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut medians = Vec::new();
    for _ in 0..rounds {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for _ in 0..ASKED {
            ones.push(timed(&one).await?);
            others.push(timed(&other).await?);
        }
        medians.push((median(ones), median(others)));
    }
    Ok(medians)
}

async fn timed(read: &impl AsyncFn() -> anyhow::Result<usize>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    read().await?;
    Ok(begun.elapsed().as_secs_f64() * 1e6)
}

pub(super) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
