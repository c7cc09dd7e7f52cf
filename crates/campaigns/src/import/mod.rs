//! Import: in the midst of a stream of rows the service is killed or the client goes away, by turns, and the same rows are
//! sent again until all have come in. Each is there once, and whoever was told of stays who she is.

mod sender;

use clap::ValueEnum;
use user_api::v1;
use user_service::Sources;
use user_service::store::{Access, StoreOptions};

use crate::command::ARGON2ID;
use crate::ground::{Ground, Kind};
use crate::seed::Seed;
use crate::service::shipped_doctor;
use crate::verdict::Findings;
use crate::{instance, oracle};
use sender::{Cut, Sender};

/// Cuts of a small run, on each store.
const SMALL: u64 = 3;

/// Rows of an import, and how many of them go into one call: the first calls are answered before anything is cut.
const ROWS: u64 = 1_200;
const ROWS_PER_CALL: usize = 400;

/// One row in so many is somebody who is switched off: two events.
const INACTIVE: u64 = 10;

/// After the last cut: whatever is sent again so often has come in.
const ATTEMPTS_MAX: u32 = 3;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Whatever is sent again is another import: its rows have other request ids
    FreshImportIds,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let cuts = size.unwrap_or(SMALL);
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        findings.take(on(kind, cuts, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, cuts: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let mut sender = Sender::new(&ground, rows(), control, seed);
    for n in 0..cuts {
        let cut = if n.is_multiple_of(2) { Cut::Service } else { Cut::Client };
        sender.send_all(Some(cut)).await?;
    }
    let mut attempts = 1;
    while !sender.send_all(None).await? && attempts < ATTEMPTS_MAX {
        attempts += 1;
    }
    let repeated = sender.repeated;
    let (told, mut findings) = sender.rest().await?;
    println!("{kind}: {cuts} cuts, {attempts} times more; {repeated} rows turned out to be there already");
    if told != ROWS {
        findings.add("rows did not come in", format!("{told} of {ROWS} did"));
    }
    verify(&ground, &mut findings).await?;
    Ok(findings)
}

fn rows() -> Vec<v1::ImportRow> {
    let row = |row| v1::ImportRow {
        row,
        email: format!("user-{row}@example.org"),
        username: format!("user-{row}"),
        first_name: Some(format!("First {row}")),
        status: if row.is_multiple_of(INACTIVE) { v1::UserStatus::Inactive } else { v1::UserStatus::Active }
            .into(),
        credential: Some(v1::import_row::Credential::PasswordHash(ARGON2ID.to_owned())),
        ..Default::default()
    };
    (1..=ROWS).map(row).collect()
}

/// Every row once in the log, and a sound store.
async fn verify(ground: &Ground, findings: &mut Findings) -> anyhow::Result<()> {
    let store = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
    let directory = instance::directory(store, Sources::system()).await?;
    let report = oracle::examine(&directory, findings).await?;
    directory.store().close().await;
    if (report.users, report.events) != (ROWS, ROWS + ROWS / INACTIVE) {
        let there = format!("{} users, {} events", report.users, report.events);
        findings.add("the log does not hold each row once", there);
    }
    let (sound, said) = shipped_doctor(ground, &[]).await?;
    if !sound {
        findings.add("the shipped doctor complains", &said);
    }
    println!("{}: doctor: {}", ground.kind, said.lines().last().unwrap_or_default());
    Ok(())
}
