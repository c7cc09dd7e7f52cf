//! What the writers know: a file, synced before a command is sent and after its answer, so that it cannot flatter.
//!
//! One thread writes it, and syncs once for all who wait.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc;

use anyhow::{Context, bail};
use tokio::sync::oneshot;
use uuid::Uuid;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) request_id: Uuid,
    pub(super) what: What,
}

/// What happened to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is about to be sent, for the first time; it should make so many events.
    Sent { events: u64 },
    /// The service says that it is done, and that its last event stands here.
    Acknowledged { position: u64 },
    /// The service says that it has not been done, and will not be.
    Refused { reason: String },
    /// Nobody said anything.
    Unknown,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.request_id)?;
        match &self.what {
            What::Sent { events } => write!(f, "sent {events}"),
            What::Acknowledged { position } => write!(f, "acknowledged {position}"),
            What::Refused { reason } => write!(f, "refused {reason}"),
            What::Unknown => f.write_str("unknown"),
        }
    }
}

impl FromStr for Entry {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let what = match words[1..] {
            ["sent", events] => What::Sent { events: events.parse()? },
            ["acknowledged", position] => What::Acknowledged { position: position.parse()? },
            ["refused", reason] => What::Refused { reason: reason.to_owned() },
            ["unknown"] => What::Unknown,
            _ => bail!("{line:?} is no line of a ledger"),
        };
        Ok(Self { request_id: words[0].parse()?, what })
    }
}

/// How a request stands at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// How many events it should make.
    pub(super) events: u64,
    /// How often nobody said anything.
    pub(super) unknowns: u64,
    /// What the service said in the end.
    pub(super) end: Option<What>,
}

/// Every request that a ledger speaks of.
pub(super) fn accounts(ledger: &str) -> anyhow::Result<HashMap<Uuid, Account>> {
    let mut accounts: HashMap<Uuid, Account> = HashMap::new();
    for line in ledger.lines() {
        let Entry { request_id, what } = line.parse()?;
        let known = accounts.get_mut(&request_id);
        match (what, known) {
            (What::Sent { events }, None) => {
                accounts.insert(request_id, Account { events, unknowns: 0, end: None });
            }
            (What::Unknown, Some(account)) if account.end.is_none() => account.unknowns += 1,
            (end @ (What::Acknowledged { .. } | What::Refused { .. }), Some(account))
                if account.end.is_none() =>
            {
                account.end = Some(end);
            }
            _ => bail!("{line:?} does not follow from the lines before it"),
        }
    }
    Ok(accounts)
}

/// What a ledger says while it is being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct SoFar {
    /// What has been sent, or is about to be.
    pub(crate) begun: HashSet<Uuid>,
    /// Where what was done stands, as its caller was told.
    pub(crate) acknowledged: HashMap<Uuid, u64>,
}

impl SoFar {
    pub(super) fn read(ledger: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(ledger)?;
        // Its last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut so_far = Self::default();
        for (request_id, account) in accounts(whole)? {
            so_far.begun.insert(request_id);
            if let Some(What::Acknowledged { position }) = account.end {
                so_far.acknowledged.insert(request_id, position);
            }
        }
        Ok(so_far)
    }
}

type Waiting = (String, oneshot::Sender<io::Result<()>>);

/// The ledger, as writers see it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Ledger(mpsc::Sender<Waiting>);

impl Ledger {
    /// Begins a new file.
    pub(super) fn begin(path: &Path) -> anyhow::Result<Self> {
        let file =
            OpenOptions::new().create_new(true).append(true).open(path).context("no room for a ledger")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new().name("ledger".to_owned()).spawn(move || keep(file, &receiver))?;
        Ok(Self(sender))
    }

    /// Returns when the line is on the disk.
    pub(super) async fn write(&self, request_id: Uuid, what: What) -> anyhow::Result<()> {
        let (reply, written) = oneshot::channel();
        let line = format!("{}\n", Entry { request_id, what });
        self.0.send((line, reply)).map_err(|_| anyhow::anyhow!("the ledger is closed"))?;
        Ok(written.await??)
    }
}

fn keep(mut file: File, receiver: &mpsc::Receiver<Waiting>) {
    while let Ok(first) = receiver.recv() {
        let (lines, waiting): (Vec<String>, Vec<_>) =
            std::iter::once(first).chain(receiver.try_iter()).unzip();
        let written = file.write_all(lines.concat().as_bytes()).and_then(|()| file.sync_data());
        for reply in waiting {
            let told = written.as_ref().map_err(|error| io::Error::from(error.kind()));
            // A writer that has been stopped meanwhile needs no answer.
            drop(reply.send(told.copied()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn ledger(lines: &[What]) -> String {
        let line = |what: &What| Entry { request_id: ID, what: what.clone() }.to_string();
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_line_reads_as_it_was_written() {
        for what in [
            What::Sent { events: 2 },
            What::Acknowledged { position: 9 },
            What::Refused { reason: "EMAIL_TAKEN".to_owned() },
            What::Unknown,
        ] {
            let entry = Entry { request_id: ID, what };
            assert_eq!(entry.to_string().parse::<Entry>().expect("it is a line"), entry);
        }
        for wrong in ["", "x sent 1", "00000000-0000-0000-0000-000000000007 forgot"] {
            assert!(wrong.parse::<Entry>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_request_stands_as_it_was_last_spoken_of() {
        let lines =
            [What::Sent { events: 1 }, What::Unknown, What::Unknown, What::Acknowledged { position: 3 }];
        let account = |lines| accounts(&ledger(lines)).expect("it is a ledger")[&ID].clone();
        let end = Some(What::Acknowledged { position: 3 });
        assert_eq!(account(&lines), Account { events: 1, unknowns: 2, end });
        assert_eq!(account(&lines[..2]), Account { events: 1, unknowns: 1, end: None });
    }

    #[test]
    fn what_was_never_sent_has_no_answer_and_an_answer_is_the_last_word() {
        let acknowledged = What::Acknowledged { position: 3 };
        assert!(accounts(&ledger(std::slice::from_ref(&acknowledged))).is_err());
        assert!(accounts(&ledger(&[What::Sent { events: 1 }, acknowledged.clone(), acknowledged])).is_err());
    }

    #[tokio::test]
    async fn what_is_written_is_in_the_file() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("ledger");
        let ledger = Ledger::begin(&path).expect("there is room");
        ledger.write(ID, What::Sent { events: 1 }).await.expect("there is room");
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(accounts(&text).expect("it is a ledger").len(), 1);
    }
}
