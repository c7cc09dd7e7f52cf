//! `events tail`: the latest events, and whatever happens from then on.

use std::convert::Infallible;
use std::slice::from_ref;
use std::time::Duration;

use anyhow::bail;
use buffa::MessageField;
use clap::Args;
use tokio::time::sleep;
use user_api::v1;
use user_api::v1::{watch_events_request, watch_events_response};

use super::super::api::{ApiArgs, Refused};
use super::filter::{WhenArgs, WhichArgs};
use super::{Look, Shown, list};

/// A service that restarts is away for some seconds.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(in super::super) struct TailArgs {
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    which: WhichArgs,
    /// How many of the latest
    #[arg(long, short = 'n', default_value_t = 10)]
    lines: u32,
    /// Go on until interrupted, also when the service restarts meanwhile
    #[arg(long, short)]
    follow: bool,
    /// How they are shown
    #[arg(long, value_enum, default_value_t = Look::Table)]
    format: Look,
}

pub(super) async fn tail(args: TailArgs) -> anyhow::Result<()> {
    let mut shown = Shown::begin(args.format)?;
    // The end of the log first: whatever happens while the latest are listed is listed, or stands after it.
    let head = latest(&args, &v1::EventFilter::default(), 1).await?;
    let mut events = latest(&args, &args.which.filter(WhenArgs::default()), args.lines).await?;
    events.reverse();
    shown.print(&events)?;
    let seen = head.iter().chain(&events).map(|event| event.position).max().unwrap_or(0);
    if args.follow { follow(&args, &mut shown, seen).await } else { Ok(()) }
}

/// The latest events, newest first.
async fn latest(
    args: &TailArgs,
    filter: &v1::EventFilter,
    wanted: u32,
) -> anyhow::Result<Vec<v1::UserEvent>> {
    let (mut events, mut token) = (Vec::new(), String::new());
    while events.len() < wanted as usize {
        let left = wanted - u32::try_from(events.len()).unwrap_or(wanted);
        let page = list::page(&args.api, filter, v1::EventOrder::NewestFirst, left, token).await?;
        events.extend(page.events);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    Ok(events)
}

/// Where a feed is to be taken up.
type Start = watch_events_request::Start;

/// Follows until it is interrupted. A feed that ends is taken up again from where it was: nothing is missed or told twice.
async fn follow(args: &TailArgs, shown: &mut Shown, seen: u64) -> anyhow::Result<()> {
    let mut start = Start::AfterPosition(seen);
    let mut pause = PAUSE_FIRST;
    loop {
        let before = start.clone();
        let Err(error) = watch(args, shown, &mut start).await;
        if error.downcast_ref::<Refused>().is_some_and(|refused| refused.code != "unavailable") {
            return Err(error);
        }
        if start != before {
            pause = PAUSE_FIRST;
        }
        eprintln!("user-service: {error:#}; trying again");
        sleep(pause).await;
        pause = PAUSE_LONGEST.min(pause * 2);
    }
}

/// A feed has no end of its own: whatever ends it is an error.
async fn watch(args: &TailArgs, shown: &mut Shown, start: &mut Start) -> anyhow::Result<Infallible> {
    let request = v1::WatchEventsRequest {
        start: Some(start.clone()),
        filter: MessageField::some(args.which.filter(WhenArgs::default())),
    };
    let mut steps = args.api.stream("WatchEvents", &serde_json::to_value(&request)?).await?;
    while let Some(told) = steps.next().await? {
        let told: v1::WatchEventsResponse = serde_json::from_value(told)?;
        match told.step {
            Some(watch_events_response::Step::Event(event)) => shown.print(from_ref(&*event))?,
            Some(watch_events_response::Step::User(_) | watch_events_response::Step::Mark(_)) | None => {}
        }
        if !told.resume_token.is_empty() {
            *start = Start::ResumeToken(told.resume_token);
        }
    }
    bail!("the service ended the feed")
}
