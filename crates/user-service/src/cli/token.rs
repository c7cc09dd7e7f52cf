//! `token`: who may call a running service, and what for. Over its admin socket only: whoever may open that may make tokens.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::{Span, SpanRelativeTo};
use serde_json::{Value, json};
use user_domain::Scope;
use uuid::Uuid;

use super::settings::AdminArgs;
use crate::admin;

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    service: AdminArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token, and print it: nobody can be told it a second time
    Create(CreateArgs),
    /// Show the tokens that have not been revoked
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token, on every instance within five seconds
    Revoke {
        /// Its id, as `list` shows it
        id: Uuid,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What it is called, as a service's name: it stands in the log for ever. No spaces, no @
    #[arg(long)]
    name: String,
    /// What it is for: read, write, admin or audit. May be given more than once; none holds another
    #[arg(long = "scope", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// For how long it is valid: 90d, 12h. For ever if absent
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    expires: Option<i64>,
}

pub(super) async fn token(args: &TokenArgs) -> anyhow::Result<()> {
    let socket = args.service.socket()?;
    match &args.command {
        Command::Create(create) => {
            let scopes: Vec<_> = create.scopes.iter().map(|scope| scope.as_str()).collect();
            let wanted = json!({"name": create.name, "scopes": scopes, "valid_seconds": create.expires});
            let made: Value =
                serde_json::from_str(&admin::tell(&socket, "/tokens", &wanted.to_string()).await?)?;
            // The token alone, so that it can go into a file and be seen by nobody.
            say!("{}", made["token"].as_str().context("the service made no token")?);
            eprintln!(
                "token {}: keep it now, it is not shown again",
                made["id"].as_str().unwrap_or_default()
            );
        }
        Command::List { json } => {
            let tokens: Vec<Value> = serde_json::from_str(&admin::ask(&socket, "/tokens").await?)?;
            list(&tokens, if *json { Form::Json } else { Form::Table });
        }
        Command::Revoke { id } => {
            say!("{}", admin::tell(&socket, &format!("/tokens/{id}/revoke"), "").await?);
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Form {
    Table,
    Json,
}

fn list(tokens: &[Value], form: Form) {
    let text = |token: &Value, field: &str| token[field].as_str().unwrap_or("never").to_owned();
    if matches!(form, Form::Table) {
        say!("{:<36}  {:<24}  {:<22}  {:<20}  {}", "id", "name", "scopes", "created", "expires");
    }
    for token in tokens {
        let [id, name, scopes, created, expires] =
            ["id", "name", "scopes", "created_at", "expires_at"].map(|field| text(token, field));
        match form {
            Form::Json => say!("{token}"),
            Form::Table => say!("{id:<36}  {name:<24}  {scopes:<22}  {created:.19}Z  {expires}"),
        }
    }
}

pub(super) fn scope(text: &str) -> Result<Scope, &'static str> {
    Scope::parse(text).ok_or("must be read, write, admin or audit")
}

/// A day has 24 hours: nobody's calendar is meant.
fn seconds(text: &str) -> anyhow::Result<i64> {
    let span: Span = text.parse().context("must be a time, as 90d or 12h")?;
    let seconds = span.to_duration(SpanRelativeTo::days_are_24_hours())?.as_secs();
    if seconds < 1 {
        bail!("must be a second or more");
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_days_and_hours() {
        for (text, expected) in [("90d", 90 * 86_400), ("12h", 43_200), ("1d 12h", 129_600), ("30 s", 30)] {
            assert_eq!(seconds(text).ok(), Some(expected), "{text}");
        }
        for wrong in ["", "90", "d", "-1d", "0s", "1 month", "soon"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
