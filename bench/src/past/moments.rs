//! Pages of the directory as it was against pages of it as it is, in turns, through the queries of the product.

use std::time::{Duration, Instant};

use anyhow::Context;
use eventstore::{Deadline, Position};
use user_domain::{Email, Status, User};
use user_service::directory::Directory;
use user_service::queries::{
    Freshness, ListQuestion, Moment, Owned, PageOf, PageToken, Past, UserRef, find_user, list_users,
    owner_at, users_at,
};
use user_service::read_model::UserOrder;

use super::pair::{Compared, Turns, pair};
use super::stand::{Running, Stand};

const SIZE: u32 = 50;
pub(super) const LISTED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];
const ACTIVE: [Status; 1] = [Status::Active];
const SUSPENDED: [Status; 1] = [Status::Suspended];

/// How often each is asked in a round.
const ASKED: usize = 40;

fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_mins(1))
}

pub(super) fn now() -> Freshness {
    Freshness { min_position: None, deadline: soon() }
}

pub(super) async fn measure(stand: &Stand, rounds: usize) -> anyhow::Result<Vec<Compared>> {
    let directory = stand.directory().await?;
    let head = stand.store.head().await?.position;
    let running = Running::up_to(head, &directory).await?;
    let turns = Turns { rounds, asked: ASKED };
    let mut compared = Vec::new();
    for (name, statuses) in [("listed", &LISTED[..]), ("active", &ACTIVE), ("suspended", &SUSPENDED)] {
        for per_mille in [1, 10, 100, 500, 900, 1000] {
            let at = Position(head.0 * per_mille / 1000);
            let what = format!("{name} at {} % of the log", f64::from(u32::try_from(per_mille)?) / 10.0);
            let pair = pair(
                turns,
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
        turns,
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
        turns,
        async || owner_now(&directory, &email).await,
        async || owner_then(&directory, &email, middle).await,
    );
    compared.push(Compared { what: "the owner of an address".to_owned(), rounds: owner.await? });
    running.stop().await?;
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
