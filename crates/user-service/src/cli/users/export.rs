//! `users export`: all users as they were at one moment, to a file or to the standard output.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write, stdout};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use user_api::v1;

use super::super::api::{ApiArgs, Refused};
use super::super::moment::moment;
use super::row_file::FileFormat;
use super::{present, warn_of_parked};
use crate::grpc::event_lines::record;

/// How often an export that broke off is taken up again without a word of the service in between.
const ATTEMPTS_MAX: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

const COLUMNS: [&str; 10] = [
    "id",
    "email",
    "username",
    "first_name",
    "last_name",
    "avatar_url",
    "status",
    "created_at",
    "updated_at",
    "deleted_at",
];

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// As they were then: see `users get`
    #[arg(long, value_name = "TIME|POSITION", value_parser = moment)]
    as_of: Option<Value>,
    /// Only these: active, inactive, suspended, deleted; all but the deleted if absent. May be repeated
    #[arg(long = "status")]
    statuses: Vec<String>,
    /// How they are written
    #[arg(long, value_enum, default_value = "jsonl")]
    format: FileFormat,
    /// The file to write; the standard output if absent
    #[arg(long, visible_alias = "out", value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn export(api: &ApiArgs, args: &ExportArgs) -> anyhow::Result<()> {
    let mut out = open(args.output.as_deref())?;
    if args.format == FileFormat::Csv {
        out.write_all(record(&COLUMNS.map(str::to_owned)).as_bytes())?;
    }
    let bar = ProgressBar::new_spinner();
    let written = write(api, args, &mut out, &bar).await;
    bar.finish_and_clear();
    out.flush()?;
    let (users, position) = written?;
    eprintln!("{users} users, as of position {position}");
    Ok(())
}

fn open(output: Option<&Path>) -> anyhow::Result<Box<dyn Write>> {
    let Some(path) = output else { return Ok(Box::new(stdout().lock())) };
    let mut options = OpenOptions::new();
    // They are for whoever asked, and for nobody else on the machine.
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    Ok(Box::new(BufWriter::new(file.with_context(|| format!("cannot write {}", path.display()))?)))
}

/// How many there were, and of which position. What breaks off is taken up again behind the last part.
async fn write(
    api: &ApiArgs,
    args: &ExportArgs,
    out: &mut dyn Write,
    bar: &ProgressBar,
) -> anyhow::Result<(u64, u64)> {
    let statuses: Vec<_> =
        args.statuses.iter().map(|status| format!("USER_STATUS_{}", status.to_uppercase())).collect();
    let mut request = present(json!({"asOf": args.as_of, "statuses": statuses}));
    let (mut users, mut attempts) = (0, 0);
    loop {
        let error = match api.stream("ExportUsers", &request).await {
            Ok(mut parts) => loop {
                let told = match parts.next().await {
                    Ok(Some(part)) => part,
                    Ok(None) => break anyhow::anyhow!("the export broke off"),
                    Err(error) => break error,
                };
                let part: v1::ExportUsersResponse = serde_json::from_value(told.clone())?;
                attempts = 0;
                users += part.users.len() as u64;
                for user in &part.users {
                    out.write_all(line(user, args.format)?.as_bytes()).context("cannot write")?;
                }
                bar.set_message(format!("{users} users"));
                bar.tick();
                if part.last {
                    warn_of_parked(&told);
                    return Ok((users, part.position));
                }
                request["resumeToken"] = json!(part.resume_token);
            },
            Err(error) => error,
        };
        attempts += 1;
        let refused = error.downcast_ref::<Refused>().is_some_and(|refused| refused.code != "unavailable");
        if refused || attempts > ATTEMPTS_MAX || request.get("resumeToken").is_none() {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn line(user: &v1::User, format: FileFormat) -> anyhow::Result<String> {
    let user = serde_json::to_value(user)?;
    Ok(match format {
        FileFormat::Jsonl => user.to_string() + "\n",
        FileFormat::Csv => record(&cells(&user)),
    })
}

/// In the order of the columns.
fn cells(user: &Value) -> [String; 10] {
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    let status = text("status").trim_start_matches("USER_STATUS_").to_lowercase();
    [
        text("id"),
        text("email"),
        text("username"),
        text("firstName"),
        text("lastName"),
        text("avatarUrl"),
        status,
        text("createdAt"),
        text("updatedAt"),
        text("deletedAt"),
    ]
}
