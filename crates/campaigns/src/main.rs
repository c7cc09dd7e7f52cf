//! The fault campaigns: each does its worst to the product, ends with the oracle, and says what it saw.
//!
//! Each has a control: a setting or an adapter, out of the product's reach, with which it must find something.

mod verdict;
mod seed;
mod ground;
mod instance;
mod wire;
mod proxy;
mod shim;
mod cluster;
mod order;
mod sabotage;
mod oracle;
mod command;
mod population;
mod tampered;
mod projecting;
mod ours;
mod projection_oracle;
mod service;
mod child;
mod kill_service;
mod unique_race;
mod visibility;
mod read_your_writes;
mod differential;
mod owner_kill;
mod projector_crash;
mod poison;
mod erasure;
mod rebuild_under_load;
mod as_of;
mod repair;
mod feed;
mod restore;
mod cut;
mod linearizable;
mod kill_postgres;
mod power_cut;
mod rolling_restart;
mod black_hole;
mod bad_disk;
mod clock_jump;
mod failover;
mod import;
mod point_in_time;

use std::process::ExitCode;
use std::time::Instant;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::seed::Seed;
use crate::verdict::Findings;

/// What a campaign ends with when its oracle found something. Anything else but 0 is a crash, which proves nothing.
const VIOLATIONS_FOUND: u8 = 3;

#[derive(Debug, Parser)]
#[command(name = "campaigns", about = "Does its worst to the user service, and says what came of it")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the campaigns
    List,
    /// Kill -9 under sixteen writers: nothing acknowledged is lost or doubled
    KillService(Run<kill_service::Control>),
    /// One address in many spellings, wanted by many at once: exactly one owner
    UniqueRace(Run<unique_race::Control>),
    /// Writers on several instances, readers tailing: no reader misses, doubles or sees out of order
    Visibility(Run<visibility::Control>),
    /// A write on one instance, a read on the other: nothing is stale
    ReadYourWrites(Run<read_your_writes::Control>),
    /// One script on SQLite, PostgreSQL and the model: the same answers, events and rows
    Differential(Run<differential::Control>),
    /// Whoever owns a projection is killed or put to sleep, again and again: nothing is projected twice or missing
    OwnerKill(Run<owner_kill::Control>),
    /// The runner dies at every call that it makes of the store: what it makes of the log is the fold
    ProjectorCrash(Run<projector_crash::Control>),
    /// Events that nobody can read: whoever they are about waits, the others do not, and the fix mends it
    Poison(Run<poison::Control>),
    /// A canary in every field, erased while projections stand: nothing of it is left anywhere
    Erasure(Run<erasure::Control>),
    /// Every projection is built anew under writers and readers: nobody is ever missing
    RebuildUnderLoad(Run<rebuild_under_load::Control>),
    /// Random moments of the past under writers: each is as the log says
    AsOf(Run<as_of::Control>),
    /// Rows are changed, taken out and put in behind everybody's back: the doctor names exactly these, and mends them
    Repair(Run<repair::Control>),
    /// A hundred listeners are cut off, killed and restored under: each holds exactly her events, in order
    Feed(Run<feed::Control>),
    /// An older backup is put under running projections and feeds, and has gone past them: they stop, nothing is corrupted
    Restore(Run<restore::Control>),
    /// The wire is cut between a commit and its answer: whoever asks again is told the same, and it happened once
    Cut(Run<cut::Control>),
    /// Callers on several instances read and write the same few users at once: it can have happened one after the other
    Linearizable(Run<linearizable::Control>),
    /// Every process of the database is killed under sixteen writers: nothing acknowledged is lost, the service goes on
    KillPostgres(Run<kill_postgres::Control>),
    /// The power goes under the store's disk, again and again: nothing acknowledged is lost or doubled
    PowerCut(Run<power_cut::Control>),
    /// Instances end and start anew one after the other, under sixteen writers: no caller who retries as told notices
    RollingRestart(Run<rolling_restart::Control>),
    /// The database answers nobody, lets nobody read, lets nobody in: each call ends by its deadline, and all passes
    BlackHole(Run<black_hole::Control>),
    /// The disk is slow, then full, then fails to sync: refused in time, nothing lost, and it goes on
    BadDisk(Run<bad_disk::Control>),
    /// Clocks jump by hours, days, to 1970: the order stays, and a long jump forward has to be accepted
    ClockJump(Run<clock_jump::Control>),
    /// The primary dies and its standby takes over: nothing acknowledged is lost, the service follows
    Failover(Run<failover::Control>),
    /// An import is killed and sent again, from either end: every row is there once
    Import(Run<import::Control>),
    /// A backup and an archive lead back to a moment: all until then is there, nothing after, and the erased are erased again
    PointInTime(Run<point_in_time::Control>),
    /// The service that kill-service and owner-kill kill
    #[command(hide = true)]
    Child(child::Arguments),
}

/// How a campaign is run.
#[derive(Debug, clap::Args)]
struct Run<C: ValueEnum + Clone + Send + Sync + 'static> {
    /// Kills, rounds, events, pairs or commands, as the campaign counts; small without it
    #[arg(long)]
    size: Option<u64>,
    /// What to break on purpose: the campaign must find it
    #[arg(long, value_enum)]
    control: Option<C>,
    /// Where every choice comes from; a random one without it
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("CAMPAIGNS_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    let cli = Cli::parse();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter);
    // One of them reads what is logged.
    let kept = matches!(cli.what, What::Erasure(_)).then(erasure::said::layer);
    tracing_subscriber::registry().with(log).with(kept).init();
    user_api::install_type_registry();
    // Dropping the campaign kills its children: they must not outlive it, also when somebody ends it early.
    let ended = tokio::select! {
        ended = cli.what.run() => ended,
        told = told_to_stop() => told,
    };
    ended.unwrap_or_else(|error| {
        eprintln!("campaigns: {error:#}");
        ExitCode::FAILURE
    })
}

/// Returns when somebody ends the campaign.
async fn told_to_stop() -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    anyhow::bail!("stopped before the end")
}

/// Says the seed, and what came of it.
macro_rules! perform {
    ($name:literal, $campaign:ident, $run:expr) => {{
        let seed = begin($name, $run.seed);
        ($name, $campaign::run($run.size, $run.control, seed).await?)
    }};
}

impl What {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let began = Instant::now();
        let (name, findings) = match self {
            Self::List => {
                list();
                return Ok(ExitCode::SUCCESS);
            }
            Self::KillService(run) => perform!("kill-service", kill_service, run),
            Self::UniqueRace(run) => perform!("unique-race", unique_race, run),
            Self::Visibility(run) => perform!("visibility", visibility, run),
            Self::ReadYourWrites(run) => perform!("read-your-writes", read_your_writes, run),
            Self::Differential(run) => perform!("differential", differential, run),
            Self::OwnerKill(run) => perform!("owner-kill", owner_kill, run),
            Self::ProjectorCrash(run) => perform!("projector-crash", projector_crash, run),
            Self::Poison(run) => perform!("poison", poison, run),
            Self::Erasure(run) => perform!("erasure", erasure, run),
            Self::RebuildUnderLoad(run) => perform!("rebuild-under-load", rebuild_under_load, run),
            Self::AsOf(run) => perform!("as-of", as_of, run),
            Self::Repair(run) => perform!("repair", repair, run),
            Self::Feed(run) => perform!("feed", feed, run),
            Self::Restore(run) => perform!("restore", restore, run),
            Self::Cut(run) => perform!("cut", cut, run),
            Self::Linearizable(run) => perform!("linearizable", linearizable, run),
            Self::KillPostgres(run) => perform!("kill-postgres", kill_postgres, run),
            Self::PowerCut(run) => perform!("power-cut", power_cut, run),
            Self::RollingRestart(run) => perform!("rolling-restart", rolling_restart, run),
            Self::BlackHole(run) => perform!("black-hole", black_hole, run),
            Self::BadDisk(run) => perform!("bad-disk", bad_disk, run),
            Self::ClockJump(run) => perform!("clock-jump", clock_jump, run),
            Self::Failover(run) => perform!("failover", failover, run),
            Self::Import(run) => perform!("import", import, run),
            Self::PointInTime(run) => perform!("point-in-time", point_in_time, run),
            Self::Child(arguments) => {
                child::serve(arguments).await?;
                return Ok(ExitCode::SUCCESS);
            }
        };
        Ok(end(name, &findings, began))
    }
}

/// The campaigns, as the command line knows them.
fn list() {
    let cli = Cli::command();
    let campaigns =
        cli.get_subcommands().filter(|command| command.get_arguments().any(|it| it.get_id() == "control"));
    for campaign in campaigns.filter(|campaign| !campaign.is_hide_set()) {
        let controls = campaign.get_arguments().find(|argument| argument.get_id() == "control");
        let controls = controls.map(clap::Arg::get_possible_values).unwrap_or_default();
        println!("{:<18} {}", campaign.get_name(), campaign.get_about().cloned().unwrap_or_default());
        for control in controls {
            let help = control.get_help().cloned().unwrap_or_default();
            println!("{:<18} --control {}: {help}", "", control.get_name());
        }
    }
}

fn begin(name: &str, seed: Option<u64>) -> Seed {
    let seed = Seed::given_or_random(seed);
    println!("campaign {name}: seed {seed}");
    seed
}

fn end(name: &str, findings: &Findings, began: Instant) -> ExitCode {
    println!("{:.1} s", began.elapsed().as_secs_f64());
    if findings.is_empty() {
        println!("campaign {name}: held");
        return ExitCode::SUCCESS;
    }
    print!("{findings}");
    println!("campaign {name}: {} violations", findings.count());
    ExitCode::from(VIOLATIONS_FOUND)
}
