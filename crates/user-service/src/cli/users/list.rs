//! `users list`: whom to list, in which order, or only how many they are.

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::api::ApiArgs;
use super::super::moment::{moment, time};
use super::present;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
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
    pub(super) limit: Option<usize>,
    /// Say only how many they are
    #[arg(long, conflicts_with_all = ["limit", "as_of"])]
    pub(super) count: bool,
}

impl ListArgs {
    pub(super) fn request(&self) -> Value {
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
        present(json!({
            "asOf": self.as_of,
            "filter": filter,
            "orderBy": self.order_by,
            "minPosition": self.min_position.map(|position| position.to_string()),
            "pageSize": 200,
        }))
    }

    pub(super) async fn print_count(&self, api: &ApiArgs) -> anyhow::Result<()> {
        let mut request = self.request();
        (request["includeTotal"], request["pageSize"]) = (json!(true), json!(1));
        let page = api.call("ListUsers", &request).await?;
        match page["totalSize"].as_str() {
            Some(total) => say!("{total}"),
            None => {
                bail!("not counted: {}", page["totalRefused"].as_str().unwrap_or("the service gave no total"))
            }
        }
        Ok(())
    }
}
