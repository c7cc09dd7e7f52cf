//! `bench import`: a directory that moves in, in calls as large as those of `users import`, one after the other, with hashes.
//! Prints how many rows were in after each call, and after how many seconds.

use std::net::SocketAddr;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use buffa::Message;
use user_api::v1;
use user_api::v1::import_users_request::Part;
use uuid::Uuid;

use super::wire::Wire;
use super::{Service, people};
use crate::contender::on;
use crate::past::HASH;

#[derive(Debug, clap::Args)]
pub(crate) struct Importer {
    #[arg(long)]
    address: SocketAddr,
    /// It ends with so many rows
    #[arg(long)]
    rows: u64,
    /// No call is begun after so long
    #[arg(long)]
    millis: u64,
}

/// As many as `users import` sends at once.
pub(super) const ROWS_AT_ONCE: u64 = 2000;

/// How many rows were in after so many seconds.
pub(super) type Progress = Vec<(u64, f64)>;

/// Imports into a service from another process, until there are so many rows or the time is over.
pub(super) async fn import(service: &Service, rows: u64, during: Duration) -> anyhow::Result<Progress> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["import", "--address", &service.address.to_string()]);
    command.args(["--rows", &rows.to_string(), "--millis", &during.as_millis().to_string()]);
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    ensure!(done.status.success(), "whoever imports failed");
    Ok(serde_json::from_slice(&done.stdout)?)
}

impl Importer {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let progress = on(1)?.block_on(self.import())?;
        println!("{}", serde_json::to_string(&progress)?);
        Ok(ExitCode::SUCCESS)
    }

    async fn import(self) -> anyhow::Result<Progress> {
        let mut wire = Wire::to(self.address).await?;
        let (began, end, mut done, mut progress) =
            (Instant::now(), Duration::from_millis(self.millis), 0, Progress::new());
        while done < self.rows && began.elapsed() < end {
            let count = ROWS_AT_ONCE.min(self.rows - done);
            let answer = wire.send("user.v1.UserService/ImportUsers", &messages(done + 1, count)).await?;
            let created = v1::ImportUsersResponse::decode_from_slice(&answer)?.created;
            ensure!(u64::from(created) == count, "{created} of {count} rows came in");
            done += count;
            progress.push((done, began.elapsed().as_secs_f64()));
        }
        Ok(progress)
    }
}

/// A call: the settings, then rows from a number on.
fn messages(first: u64, count: u64) -> Vec<Vec<u8>> {
    let settings = v1::ImportSettings {
        import_id: Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000).to_string(),
        ..v1::ImportSettings::default()
    };
    let parts = std::iter::once(Part::Settings(Box::new(settings)));
    let parts = parts.chain((first..first + count).map(|number| Part::Row(Box::new(row(number)))));
    parts.map(|part| v1::ImportUsersRequest { part: Some(part) }.encode_to_vec()).collect()
}

fn row(number: u64) -> v1::ImportRow {
    v1::ImportRow {
        row: number,
        email: format!("person.{number}@example.org"),
        username: format!("person_{number}"),
        first_name: Some(people::FIRST_NAME.to_owned()),
        last_name: Some(people::LAST_NAME.to_owned()),
        credential: Some(v1::import_row::Credential::PasswordHash(HASH.to_owned())),
        ..v1::ImportRow::default()
    }
}
