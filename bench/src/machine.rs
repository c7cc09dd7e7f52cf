//! What a run ran on: without it nobody can say what its figures mean.

use std::fs::read_to_string;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::postgres::{Server, connect};

/// The machine, the server and the program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) postgres: String,
    /// What the server was told about its work, where that is not the default: name and value.
    pub(crate) postgres_settings: Vec<(String, String)>,
    /// When the run began, in UTC.
    pub(crate) date: String,
    /// What was measured, with a `+` if files had been changed since.
    pub(crate) commit: String,
}

/// Settings that say how the server works; the others say where it lies, what it writes to its log, and how it shows dates.
const SETTINGS: &str = "SELECT name, current_setting(name) FROM pg_settings \
    WHERE setting IS DISTINCT FROM boot_val AND source IN ('configuration file', 'command line') \
    AND (category LIKE 'Resource Usage%' OR category LIKE 'Write-Ahead Log%' OR category LIKE 'Query Tuning%' \
    OR category = 'Autovacuum') ORDER BY name";

impl Machine {
    pub(crate) async fn look(server: &Server) -> anyhow::Result<Self> {
        let client = connect(&server.url).await?;
        let postgres: String = client.query_one("SHOW server_version", &[]).await?.try_get(0)?;
        let rows = client.query(SETTINGS, &[]).await?;
        let setting = |row: &tokio_postgres::Row| anyhow::Ok((row.try_get(0)?, row.try_get(1)?));
        let (processors, memory) =
            (read_to_string("/proc/cpuinfo")?, read_to_string("/proc/meminfo").unwrap_or_default());
        Ok(Self {
            processor: value(&processors, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: gib(value(&memory, "MemTotal").unwrap_or_default()),
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            postgres,
            postgres_settings: rows.iter().map(setting).collect::<anyhow::Result<_>>()?,
            date: now().strftime("%Y-%m-%d").to_string(),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "the date of a run is that of its machine")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Of the first line that has this name: `name : value`.
fn value<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    let pairs = lines.lines().filter_map(|line| line.split_once(':'));
    pairs.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// `25165824 kB` is 24.
fn gib(kib: &str) -> f64 {
    let kib: f64 = kib.trim_end_matches(" kB").parse().unwrap_or(0.0);
    (kib / 1024.0 / 1024.0 * 10.0).round() / 10.0
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).output().ok().filter(|done| done.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    let mark = if changed { "+" } else { "" };
    Some(format!("{}{mark}", git(&["rev-parse", "--short=12", "HEAD"])?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_from_what_the_system_says() {
        let processors = "processor\t: 0\nmodel name\t: A Processor @ 2.1 GHz\nmodel name\t: Another\n";
        assert_eq!(value(processors, "model name"), Some("A Processor @ 2.1 GHz"));
        assert_eq!(value(processors, "flags"), None);
        assert!((gib("25480000 kB") - 24.3).abs() < 1e-9);
    }
}
