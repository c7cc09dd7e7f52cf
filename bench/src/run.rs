//! `bench run`: the scenarios one after the other, and one table of what they came to.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::contender::{Place, on};
use crate::machine::Machine;
use crate::only::Only;
use crate::postgres::Server;
use crate::record::Record;
use crate::report;
use crate::scenarios;
use crate::stage::{Size, Stage};
use crate::turns::Effort;

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Write the bars, and the figures behind them, here as JSON, after each scenario
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Fewer, shorter and smaller rounds: shows the shape, decides no bar
    #[arg(long)]
    quick: bool,

    /// How often each contender has its turn
    #[arg(long, value_name = "N")]
    repetitions: Option<usize>,

    /// Only these bars: `W1`, `W1-64`, `G2-postgres`, with commas between
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    only: Vec<String>,

    #[command(flatten)]
    server: Server,
}

impl Run {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let stage = Stage {
            effort: if self.quick { Effort::quick() } else { Effort::full() }.repeated(self.repetitions),
            size: if self.quick { Size::Quick } else { Size::Full },
            only: Only(self.only),
            place: Place::new(self.server)?,
        };
        let mut record = Record {
            machine: on(1)?.block_on(Machine::look(&stage.place.server))?,
            quick: self.quick,
            bars: Vec::new(),
            figures: Vec::new(),
            series: Vec::new(),
            failed: Vec::new(),
        };
        for scenario in scenarios::ALL.iter().filter(|scenario| stage.only.touches(scenario.ids)) {
            let began = Instant::now();
            // One that fails is told of in the end: what an hour has measured is not thrown away for it.
            match (scenario.run)(&stage) {
                Ok(found) => record.extend(found),
                Err(error) => record.failed.push(format!("{}: {error:#}", scenario.name)),
            }
            if let Some(file) = &self.json {
                record.write(file)?;
            }
            eprintln!("{}: {:.0} s", scenario.name, began.elapsed().as_secs_f64());
        }
        report::print_bars(&record.bars);
        for failure in &record.failed {
            println!("FAILED {failure}");
        }
        // A bar that is missed is shown, and is no failure of the program: who asks decides what it means.
        Ok(if record.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
