//! `events list`: so many of them, from one end or the other.

use buffa::MessageField;
use clap::Args;
use user_api::v1;

use super::super::api::ApiArgs;
use super::filter::{WhenArgs, WhichArgs};
use super::{Look, Shown};

#[derive(Debug, Args)]
pub(in super::super) struct ListArgs {
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    when: WhenArgs,
    /// From the beginning instead of from the end
    #[arg(long)]
    oldest_first: bool,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// How they are shown
    #[arg(long, value_enum, default_value_t = Look::Table)]
    format: Look,
}

pub(super) async fn list(args: ListArgs) -> anyhow::Result<()> {
    let mut shown = Shown::begin(args.format)?;
    let order = if args.oldest_first { v1::EventOrder::OldestFirst } else { v1::EventOrder::NewestFirst };
    let filter = args.which.filter(args.when);
    let mut left = args.limit;
    let mut page_token = String::new();
    while left > 0 {
        let page = page(&args.api, &filter, order, left, page_token).await?;
        left -= u32::try_from(page.events.len()).unwrap_or(left).min(left);
        shown.print(&page.events)?;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(())
}

/// One page; the service gives no more than it likes.
pub(super) async fn page(
    api: &ApiArgs,
    filter: &v1::EventFilter,
    order: v1::EventOrder,
    size: u32,
    page_token: String,
) -> anyhow::Result<v1::ListEventsResponse> {
    let request = v1::ListEventsRequest {
        page_size: i32::try_from(size).unwrap_or(i32::MAX),
        page_token,
        filter: MessageField::some(filter.clone()),
        order: order.into(),
    };
    let answer = api.call("ListEvents", &serde_json::to_value(&request)?).await?;
    Ok(serde_json::from_value(answer)?)
}
