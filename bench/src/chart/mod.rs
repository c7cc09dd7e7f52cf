//! `bench chart`: pictures and tables of a run that is kept in a file, for docs/performance.md. Nothing is measured here.

mod document;
mod bars;
mod rates;
mod ladder;
mod growth;
mod tables;
mod lines;
mod scale;
mod svg;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::record::Record;
use document::Document;

#[derive(Debug, clap::Args)]
pub(crate) struct Chart {
    /// What `bench run --json` has written
    #[arg(long, value_name = "FILE")]
    json: PathBuf,

    /// A folder for the charts. If a document of its name lies beside it (`docs/performance` and `docs/performance.md`),
    /// its tables are made anew
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// A part of the document: its name between the marks, its chart if there is enough to draw one, and its table.
#[derive(Debug)]
struct Part {
    name: &'static str,
    chart: Option<String>,
    table: String,
}

impl Chart {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let record = Record::read(&self.json)?;
        let parts = parts(&record);
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot make {}", self.out.display()))?;
        for part in &parts {
            let Some(chart) = &part.chart else { continue };
            let file = self.out.join(format!("{}.svg", part.name));
            std::fs::write(&file, chart).with_context(|| format!("cannot write {}", file.display()))?;
            println!("{}", file.display());
        }
        let file = self.out.with_extension("md");
        if file.exists() {
            let folder = self.out.file_name().context("the folder has no name")?.to_string_lossy();
            let mut document = Document::read(&file)?;
            for part in &parts {
                document.fill(part.name, &section(part, &folder))?;
            }
            document.write(&file)?;
            println!("{}", file.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn parts(record: &Record) -> Vec<Part> {
    let bars = |name, heading, letter| Part {
        name,
        chart: bars::chart(record, heading, letter),
        table: tables::bars(record, letter),
    };
    vec![
        Part { name: "machine", chart: None, table: tables::machine(record) },
        bars("writes", "Writes, of what each must come to", 'W'),
        bars("reads", "Reads, of what each must come to", 'R'),
        bars("growth", "Growth, of what each must come to", 'G'),
        Part { name: "rates", chart: rates::chart(record), table: tables::rates(record) },
        Part { name: "ladder", chart: ladder::chart(record), table: tables::ladder(record) },
        Part { name: "tenths", chart: growth::chart(record), table: tables::series(record) },
    ]
}

fn section(part: &Part, folder: &str) -> String {
    let name = part.name;
    let picture =
        part.chart.as_ref().map_or_else(String::new, |_| format!("![{name}]({folder}/{name}.svg)\n\n"));
    picture + &part.table
}
