//! `users import`: a file of users into a running service. Killed or cut off, the same command goes on where it was.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::sleep;
use user_api::v1;
use user_api::v1::import_users_request::Part;
use uuid::Uuid;

use super::super::api::{ApiArgs, Refused};
use super::row_file::{FileFormat, RowFile, name_of};

/// Bytes of the file, how fast, how much longer, and how many rows that made.
const BAR: &str = "{wide_bar} {percent}% of {total_bytes}, {binary_bytes_per_sec}, {eta} left; {msg}";

/// Rows that are sent at once. The service takes five times as many; what is sent again after a cut is less this way.
const ROWS_AT_ONCE: usize = 2_000;

/// So long nothing may come in before we give up: a restart of the service takes less.
const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[arg(
        help = "JSON Lines or CSV with a header: email, username, first_name, last_name, avatar_url, status (active or \
                  inactive), and password or password_hash (argon2id, bcrypt)"
    )]
    file: PathBuf,
    /// What the file is in; by its name if absent
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// What the service knows this import by; made of what the file holds if absent, so that the same command goes on
    /// where a killed one was
    #[arg(long, value_name = "UUID")]
    import_id: Option<Uuid>,
    /// Say which rows would be refused, and write nothing
    #[arg(long)]
    validate_only: bool,
    /// Take rows whose username looks like another user's, as `marlo` like `mario`
    #[arg(long)]
    accept_look_alikes: bool,
}

/// How many rows ended how.
#[derive(Debug, Default)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn add(&mut self, outcome: v1::ImportOutcome) {
        *self.0.entry(word(outcome)).or_default() += 1;
    }

    /// Rows that did not come in, or would not.
    fn failed(&self) -> u64 {
        ["refused", "invalid", "not tried", "unknown"].iter().filter_map(|word| self.0.get(word)).sum()
    }

    fn all(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.all())?;
        self.0.iter().try_for_each(|(word, count)| write!(f, ", {count} {word}"))
    }
}

fn word(outcome: v1::ImportOutcome) -> &'static str {
    match outcome {
        v1::ImportOutcome::Created => "created",
        v1::ImportOutcome::AlreadyImported => "there already",
        v1::ImportOutcome::Valid => "valid",
        v1::ImportOutcome::Refused => "refused",
        v1::ImportOutcome::Invalid => "invalid",
        v1::ImportOutcome::NotExecuted => "not tried",
        v1::ImportOutcome::Unknown | v1::ImportOutcome::Unspecified => "unknown",
    }
}

/// Rows that did not come in are printed, and fail the command.
pub(super) async fn import(api: &ApiArgs, args: &ImportArgs) -> anyhow::Result<()> {
    let import_id = match args.import_id {
        Some(import_id) => import_id,
        None => name_of(&args.file)?,
    };
    let settings = v1::ImportSettings {
        import_id: import_id.to_string(),
        validate_only: args.validate_only,
        accept_look_alikes: args.accept_look_alikes,
    };
    let mut rows = RowFile::open(&args.file, args.format)?;
    let bar = ProgressBar::new(rows.bytes()).with_style(ProgressStyle::with_template(BAR)?);
    let mut tally = Tally::default();
    let ended = import_all(api, &settings, &mut rows, &bar, &mut tally).await;
    bar.finish_and_clear();
    eprintln!("{tally} (import {import_id})");
    ended.context("the import broke off: the same command goes on with it")?;
    match tally.failed() {
        0 => Ok(()),
        failed => bail!("{failed} of {} rows did not come in", tally.all()),
    }
}

async fn import_all(
    api: &ApiArgs,
    settings: &v1::ImportSettings,
    rows: &mut RowFile,
    bar: &ProgressBar,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    loop {
        let some = rows.next(ROWS_AT_ONCE)?;
        if some.is_empty() {
            return Ok(());
        }
        for result in settle(api, settings, some).await? {
            let outcome = result.outcome.as_known().unwrap_or_default();
            if !result.reason.is_empty() {
                bar.suspend(|| say!("{}", serde_json::json!(result)));
            }
            tally.add(outcome);
        }
        bar.set_position(rows.position());
        bar.set_message(tally.to_string());
    }
}

/// Sends rows until it is known of each what became of it, or nothing comes in any more.
async fn settle(
    api: &ApiArgs,
    settings: &v1::ImportSettings,
    mut rows: Vec<v1::ImportRow>,
) -> anyhow::Result<Vec<v1::ImportResult>> {
    let (mut settled, mut last_progress) = (Vec::new(), Instant::now());
    loop {
        let failure = match send(api, settings, &rows).await {
            Ok(answer) => {
                let (open, ended): (Vec<_>, Vec<_>) = answer.results.into_iter().partition(is_open);
                rows.retain(|row| open.iter().any(|result| result.row == row.row));
                if !ended.is_empty() {
                    last_progress = Instant::now();
                }
                settled.extend(ended);
                if rows.is_empty() || last_progress.elapsed() > PATIENCE {
                    settled.extend(open);
                    settled.sort_by_key(|result| result.row);
                    return Ok(settled);
                }
                None
            }
            Err(error) if last_progress.elapsed() < PATIENCE && may_pass(&error) => Some(error),
            Err(error) => return Err(error),
        };
        tracing::debug!(?failure, rows = rows.len(), "rows are sent again");
        sleep(PAUSE).await;
    }
}

/// Nothing has become of it, or nobody can tell.
fn is_open(result: &v1::ImportResult) -> bool {
    match result.outcome.as_known().unwrap_or_default() {
        v1::ImportOutcome::NotExecuted | v1::ImportOutcome::Unknown | v1::ImportOutcome::Unspecified => true,
        v1::ImportOutcome::Created
        | v1::ImportOutcome::AlreadyImported
        | v1::ImportOutcome::Valid
        | v1::ImportOutcome::Refused
        | v1::ImportOutcome::Invalid => false,
    }
}

/// A service that restarts or has too much to do is there again soon. What it has understood and refused it refuses again.
fn may_pass(error: &anyhow::Error) -> bool {
    let passing = ["unavailable", "resource_exhausted", "deadline_exceeded"];
    error.downcast_ref::<Refused>().is_none_or(|refused| passing.contains(&&*refused.code))
}

async fn send(
    api: &ApiArgs,
    settings: &v1::ImportSettings,
    rows: &[v1::ImportRow],
) -> anyhow::Result<v1::ImportUsersResponse> {
    let settings = Part::Settings(Box::new(settings.clone()));
    let parts = rows.iter().map(|row| Part::Row(Box::new(row.clone())));
    let messages =
        std::iter::once(settings).chain(parts).map(|part| v1::ImportUsersRequest { part: Some(part) });
    let messages = messages.map(|message| serde_json::to_string(&message)).collect::<Result<Vec<_>, _>>()?;
    Ok(serde_json::from_value(api.upload("ImportUsers", &messages).await?)?)
}
