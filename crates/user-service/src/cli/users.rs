//! `users`: look at users as they are and as they were, through a running service. One JSON object a line.

use std::io::{self, Write as _};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::api::ApiArgs;

#[derive(Debug, Args)]
pub(super) struct UsersArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One user, by id, e-mail or username
    Get(GetArgs),
    /// Users, newest first or in another order
    List(ListArgs),
    /// What became different between two moments, about one user or about all
    Diff(DiffArgs),
    /// Where each field of a user comes from
    Explain(ExplainArgs),
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
struct ListArgs {
    /// The directory as it was then: see `users get`
    #[arg(long, value_name = "TIME|POSITION", value_parser = moment)]
    as_of: Option<Value>,
    /// Only these: active, inactive, suspended, deleted; with --as-of also erased. May be repeated
    #[arg(long = "status")]
    statuses: Vec<String>,
    /// Only those with this in their e-mail address, username, first or last name, in any case
    #[arg(long, value_name = "TEXT", conflicts_with = "as_of")]
    query: Option<String>,
    /// Whose e-mail address this is, or was then
    #[arg(long)]
    email: Option<String>,
    /// Whose username this is, or was then
    #[arg(long)]
    username: Option<String>,
    /// Created at this time (2026-05-03T12:00:00Z) or day (2026-05-03, UTC), or later
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "as_of")]
    created_from: Option<Timestamp>,
    /// Created before this time or day
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "as_of")]
    created_until: Option<Timestamp>,
    /// `created_at`, `updated_at`, `email` or `username`, with ` desc` behind it for the other way round
    #[arg(long, value_name = "ORDER", conflicts_with = "as_of")]
    order_by: Option<String>,
    /// At least as new as this log position: wait for it
    #[arg(long, value_name = "POSITION", conflicts_with = "as_of")]
    min_position: Option<u64>,
    /// At most so many; all if absent
    #[arg(long)]
    limit: Option<usize>,
    /// Say only how many they are
    #[arg(long, conflicts_with_all = ["limit", "as_of"])]
    count: bool,
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
    match &args.command {
        Command::Get(get) => Ok(print(&args.api.call("GetUser", &get.request()).await?["user"])?),
        Command::List(list) if list.count => count(&args.api, list.request()).await,
        Command::List(list) => print_pages(&args.api, "ListUsers", list.request(), "users", list.limit).await,
        Command::Diff(diff) => print_differences(&args.api, diff).await,
        Command::Explain(explain) => {
            let request = present(json!({"id": explain.id, "asOf": explain.as_of}));
            print_all(&args.api.call("ExplainUser", &request).await?["fields"], usize::MAX)?;
            Ok(())
        }
    }
}

impl GetArgs {
    fn request(&self) -> Value {
        let Who { id, email, username } = &self.who;
        let version = self.at_version.map(|version| version.to_string());
        present(
            json!({"id": id, "email": email, "username": username, "asOf": self.as_of, "version": version}),
        )
    }
}

impl ListArgs {
    fn request(&self) -> Value {
        let statuses: Vec<String> =
            self.statuses.iter().map(|status| format!("USER_STATUS_{}", status.to_uppercase())).collect();
        let bound = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let filter = present(json!({
            "statuses": statuses,
            "query": self.query,
            "email": self.email,
            "username": self.username,
            "createdFrom": bound(self.created_from),
            "createdUntil": bound(self.created_until),
        }));
        let request =
            json!({"asOf": self.as_of, "filter": filter, "orderBy": self.order_by, "pageSize": 200});
        present(request)
    }
}

async fn count(api: &ApiArgs, mut request: Value) -> anyhow::Result<()> {
    (request["includeTotal"], request["pageSize"]) = (json!(true), json!(1));
    let page = api.call("ListUsers", &request).await?;
    match page["totalSize"].as_str() {
        Some(total) => Ok(writeln!(io::stdout(), "{total}")?),
        None => {
            bail!("not counted: {}", page["totalRefused"].as_str().unwrap_or("the service gave no total"))
        }
    }
}

async fn print_differences(api: &ApiArgs, diff: &DiffArgs) -> anyhow::Result<()> {
    let request = present(json!({"id": diff.id, "from": diff.from, "to": diff.to}));
    if diff.id.is_some() {
        return Ok(print(&api.call("DiffUser", &request).await?["diff"])?);
    }
    print_pages(api, "DiffUsers", request, "diffs", None).await
}

/// Page after page until there are no more, or there were enough.
async fn print_pages(
    api: &ApiArgs,
    method: &str,
    mut request: Value,
    field: &str,
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let mut left = limit.unwrap_or(usize::MAX);
    while left > 0 {
        let page = api.call(method, &request).await?;
        warn_of_parked(&page);
        left -= print_all(&page[field], left)?;
        match page.get("nextPageToken") {
            Some(token) => request["pageToken"] = token.clone(),
            None => break,
        }
    }
    Ok(())
}

/// What is missing is said where it is missed.
fn warn_of_parked(page: &Value) {
    if let Some(parked) = page["parkedUsers"].as_str().filter(|parked| *parked != "0") {
        eprintln!(
            "user-service: of {parked} users not everything is shown; see `user-service projection parked list user_history`"
        );
    }
}

/// Prints at most so many, each on a line, and says how many there were.
fn print_all(items: &Value, most: usize) -> io::Result<usize> {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    let printed = items.len().min(most);
    items[..printed].iter().try_for_each(print)?;
    Ok(printed)
}

fn print(item: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{item}")
}

/// Without the fields that are not there.
fn present(mut request: Value) -> Value {
    if let Some(fields) = request.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    request
}

/// A moment as the contract has it.
fn moment(text: &str) -> anyhow::Result<Value> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let position: u64 = text.parse().context("a position is a number")?;
        return Ok(json!({"position": position.to_string()}));
    }
    match time(text) {
        Ok(time) => Ok(json!({"time": time.to_string()})),
        Err(_) => bail!("a moment is 2026-05-03T12:00:00Z, 2026-05-03 or a log position"),
    }
}

/// A time, or the beginning of a day.
fn time(text: &str) -> anyhow::Result<Timestamp> {
    let day = || Ok::<_, jiff::Error>(text.parse::<Date>()?.to_zoned(TimeZone::UTC)?.timestamp());
    let time = text.parse::<Timestamp>().or_else(|_| day());
    time.ok().context("a time is 2026-05-03T12:00:00Z or 2026-05-03")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_a_position() {
        let told = |text| moment(text).map_err(|_| "refused").map(|moment| moment.to_string());
        assert_eq!(told("42").as_deref(), Ok(r#"{"position":"42"}"#));
        assert_eq!(told("2026-05-03").as_deref(), Ok(r#"{"time":"2026-05-03T00:00:00Z"}"#));
        assert_eq!(told("2026-05-03T12:00:00+02:00").as_deref(), Ok(r#"{"time":"2026-05-03T10:00:00Z"}"#));
        for wrong in ["yesterday", "-1", "2026-13-01", "99999999999999999999"] {
            assert_eq!(told(wrong), Err("refused"), "{wrong}");
        }
    }
}
