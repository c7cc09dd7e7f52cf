//! `users`: whatever can be asked and done about users, through a running service.

mod change;
mod export;
mod import;
mod list;
mod row_file;

use std::slice::from_ref;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::change::{ChangeCommand, VerifyArgs};
use self::list::ListArgs;
use super::api::ApiArgs;
use super::examples;
use super::moment::moment;
use super::shown::{Kind, List, Reader, print_user};
use super::table::text;

#[derive(Debug, Args)]
pub(super) struct UsersArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    api: ApiArgs,
    /// One JSON object a line, as the API has it, instead of tables
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One user, by id, e-mail or username
    Get(GetArgs),
    /// Many users by their ids; whoever does not exist is named
    BatchGet(BatchGetArgs),
    /// Users, newest first or in another order
    List(ListArgs),
    /// What happened to a user
    Events(EventsArgs),
    /// What became different between two moments, about one user or about all
    Diff(DiffArgs),
    /// Where each field of a user comes from
    Explain(ExplainArgs),
    /// What happened day by day, how many users there were, and where their addresses are
    Activity(ActivityArgs),
    /// Whether a password is hers: ends with 1 if it is not, or if there is no such active user
    VerifyPassword(VerifyArgs),
    /// Take in users from a file
    #[command(after_help = examples::IMPORT)]
    Import(import::ImportArgs),
    /// Write all users to a file or to the standard output, as they were at one moment
    Export(export::ExportArgs),
    #[command(flatten)]
    Change(ChangeCommand),
}

#[derive(Debug, Args)]
struct GetArgs {
    #[command(flatten)]
    who: Who,
    /// As she was then: a time (2026-05-03T12:00:00Z), the beginning of a day (2026-05-03, UTC) or a log position
    #[arg(long, value_name = "TIME|POSITION", value_parser = moment)]
    as_of: Option<Value>,
    /// As she was at this version
    #[arg(long, value_name = "VERSION", requires = "id", conflicts_with = "as_of")]
    at_version: Option<u64>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// Her id
    id: Option<String>,
    /// Her e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Her username
    #[arg(long)]
    username: Option<String>,
}

#[derive(Debug, Args)]
struct BatchGetArgs {
    /// Their ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

#[derive(Debug, Args)]
struct EventsArgs {
    /// Her id
    id: String,
    /// From the beginning instead of from the end
    #[arg(long)]
    oldest_first: bool,
    /// At most so many; all if absent
    #[arg(long)]
    limit: Option<usize>,
}

#[derive(Debug, Args)]
struct ActivityArgs {
    /// The first day (UTC): 2026-05-01; 30 days before the last if absent
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day; today if absent
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// Her id; all users if absent
    id: Option<String>,
    /// The earlier moment: see `users get`
    #[arg(long, value_name = "TIME|POSITION", value_parser = moment)]
    from: Value,
    /// The later moment; now if absent
    #[arg(long, value_name = "TIME|POSITION", value_parser = moment)]
    to: Option<Value>,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// Her id
    id: String,
    /// As she was then: see `users get`
    #[arg(long, value_name = "TIME|POSITION", value_parser = moment)]
    as_of: Option<Value>,
}

/// Whoever reads no further has seen enough: that is no failure.
pub(super) async fn users(args: &UsersArgs) -> anyhow::Result<()> {
    let UsersArgs { command, api, .. } = args;
    let reader = args.reader();
    match command {
        Command::Get(get) => print_user(reader, &api.call("GetUser", &get.request()).await?),
        Command::BatchGet(BatchGetArgs { ids }) => print_batch(api, reader, ids).await?,
        Command::List(list) if list.count => list.print_count(api).await?,
        Command::List(list) => {
            args.print_pages("ListUsers", list.request(), "users", Kind::Users, list.limit).await?;
        }
        Command::Events(events) => {
            let request = events.request();
            args.print_pages("ListUserEvents", request, "events", Kind::HerEvents, events.limit).await?;
        }
        Command::Diff(diff) => args.print_differences(diff).await?,
        Command::Explain(explain) => {
            let request = present(json!({"id": explain.id, "asOf": explain.as_of}));
            let answer = api.call("ExplainUser", &request).await?;
            List::new(Kind::Origins, reader).print(items(&answer["fields"]))?;
        }
        Command::Activity(activity) => print_activity(api, reader, activity).await?,
        Command::VerifyPassword(verify) => {
            let answer = api.call("VerifyPassword", &verify.request()?).await?;
            match answer["valid"].as_bool() {
                Some(true) => say!("it is the password of {}", answer["userId"].as_str().unwrap_or_default()),
                Some(false) | None => bail!("it is not her password, or there is no such active user"),
            }
        }
        Command::Import(args) => import::import(api, args).await?,
        Command::Export(args) => export::export(api, args).await?,
        Command::Change(change) => {
            let (method, request) = change.call()?;
            print_user(reader, &api.call(method, &request).await?);
        }
    }
    Ok(())
}

impl UsersArgs {
    fn reader(&self) -> Reader {
        if self.json { Reader::Program } else { Reader::Person }
    }

    async fn print_differences(&self, diff: &DiffArgs) -> anyhow::Result<()> {
        let request = present(json!({"id": diff.id, "from": diff.from, "to": diff.to}));
        if diff.id.is_some() {
            let answer = self.api.call("DiffUser", &request).await?;
            return Ok(List::new(Kind::Differences, self.reader()).print(from_ref(&answer["diff"]))?);
        }
        self.print_pages("DiffUsers", request, "diffs", Kind::Differences, None).await
    }

    /// Page after page until there are no more, or there were enough.
    async fn print_pages(
        &self,
        method: &str,
        mut request: Value,
        field: &str,
        kind: Kind,
        limit: Option<usize>,
    ) -> anyhow::Result<()> {
        let mut list = List::new(kind, self.reader());
        let mut left = limit.unwrap_or(usize::MAX);
        while left > 0 {
            let page = self.api.call(method, &request).await?;
            warn_of_parked(&page);
            let items = items(&page[field]);
            let items = &items[..items.len().min(left)];
            list.print(items)?;
            left -= items.len();
            match page.get("nextPageToken") {
                Some(token) => request["pageToken"] = token.clone(),
                None => break,
            }
        }
        Ok(())
    }
}

impl Who {
    fn request(&self) -> Value {
        present(json!({"id": self.id, "email": self.email, "username": self.username}))
    }
}

impl GetArgs {
    fn request(&self) -> Value {
        let mut request = self.who.request();
        request["asOf"] = json!(self.as_of);
        request["version"] = json!(self.at_version.map(|version| version.to_string()));
        present(request)
    }
}

impl EventsArgs {
    fn request(&self) -> Value {
        let order = if self.oldest_first { "EVENT_ORDER_OLDEST_FIRST" } else { "EVENT_ORDER_NEWEST_FIRST" };
        json!({"id": self.id, "order": order, "pageSize": 200})
    }
}

async fn print_batch(api: &ApiArgs, reader: Reader, ids: &[String]) -> anyhow::Result<()> {
    let answer = api.call("BatchGetUsers", &json!({"ids": ids})).await?;
    List::new(Kind::Users, reader).print(items(&answer["users"]))?;
    match items(&answer["missingIds"]) {
        [] => Ok(()),
        missing => bail!("there is no user {}", missing.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

async fn print_activity(api: &ApiArgs, reader: Reader, activity: &ActivityArgs) -> anyhow::Result<()> {
    let request = present(json!({"fromDay": activity.from, "untilDay": activity.until}));
    let answer = api.call("GetActivity", &request).await?;
    if reader == Reader::Program {
        say!("{answer}");
        return Ok(());
    }
    List::new(Kind::DailyUsers, reader).print(items(&answer["users"]))?;
    say!();
    List::new(Kind::DailyEvents, reader).print(items(&answer["events"]))?;
    say!();
    Ok(List::new(Kind::EmailDomains, reader).print(items(&answer["domains"]))?)
}

/// What is missing is said where it is missed.
fn warn_of_parked(page: &Value) {
    if let Some(parked) = page["parkedUsers"].as_str().filter(|parked| *parked != "0") {
        eprintln!(
            "user-service: of {parked} users not everything is shown; see `user-service projection parked list user_history`"
        );
    }
}

/// The contract leaves out a list that is empty.
fn items(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

/// Without the fields that are not there.
fn present(mut request: Value) -> Value {
    if let Some(fields) = request.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    request
}
