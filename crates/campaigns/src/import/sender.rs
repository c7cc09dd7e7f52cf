//! Whoever sends the rows: all of them, in calls, from the first to the last, each time anew.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use connectrpc::ConnectError;
use connectrpc::client::stream_iter;
use fastrand::Rng;
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::sleep;
use user_api::v1;
use user_api::v1::import_users_request::Part;
use uuid::Uuid;

use super::{Control, ROWS_PER_CALL};
use crate::ground::Ground;
use crate::seed::{Seed, uuid};
use crate::service::{Program, Service};
use crate::verdict::Findings;
use crate::wire::client;

/// A cut comes at most so long after the row that it waits for has left: some rows are committed then, and some are not.
const AFTER_ROW: Duration = Duration::from_millis(150);

/// What is cut off in the midst of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// SIGKILL.
    Service,
    /// Nobody waits for the answer any more.
    Client,
}

pub(super) struct Sender<'a> {
    ground: &'a Ground,
    rows: Vec<v1::ImportRow>,
    control: Option<Control>,
    import_id: Uuid,
    rng: Rng,
    service: Option<(Service, SocketAddr)>,
    /// Whom each row made, as far as we were told.
    told: HashMap<u64, String>,
    /// Rows that had come in without our being told.
    pub(super) repeated: u64,
    findings: Findings,
}

/// How a call ended.
enum End {
    Answered(Box<v1::ImportUsersResponse>),
    Cut,
    Failed(ConnectError),
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        ground: &'a Ground,
        rows: Vec<v1::ImportRow>,
        control: Option<Control>,
        seed: Seed,
    ) -> Self {
        let mut rng = seed.rng("import", 0);
        let import_id = uuid(&mut rng);
        let (service, told, findings) = (None, HashMap::new(), Findings::default());
        Self { ground, rows, control, import_id, rng, service, told, repeated: 0, findings }
    }

    /// Sends all rows, unless it is cut in the midst of a call that is not the first. Says whether all have come in.
    pub(super) async fn send_all(&mut self, cut: Option<Cut>) -> anyhow::Result<bool> {
        // What has been found is not found again by sending more.
        if !self.findings.is_empty() {
            return Ok(false);
        }
        let import_id = match self.control {
            Some(Control::FreshImportIds) => uuid(&mut self.rng),
            None => self.import_id,
        };
        let cut_at = cut.map(|_| self.rng.usize(ROWS_PER_CALL..self.rows.len()));
        let calls: Vec<_> = self.rows.chunks(ROWS_PER_CALL).map(<[_]>::to_vec).collect();
        for (n, call) in calls.into_iter().enumerate() {
            let within = n * ROWS_PER_CALL..(n + 1) * ROWS_PER_CALL;
            let cut_here = cut.zip(cut_at).filter(|(_, at)| within.contains(at));
            let cut_here = cut_here.map(|(cut, at)| (cut, at - within.start));
            match self.send(import_id, call, cut_here).await? {
                End::Answered(answer) => self.learn(&answer),
                End::Cut => return Ok(false),
                End::Failed(_) if cut_here.is_some() => return Ok(false),
                End::Failed(error) => {
                    self.findings.add("a call that nobody cut failed", error);
                    return Ok(false);
                }
            }
        }
        Ok(self.told.len() == self.rows.len())
    }

    async fn send(
        &mut self,
        import_id: Uuid,
        rows: Vec<v1::ImportRow>,
        cut: Option<(Cut, usize)>,
    ) -> anyhow::Result<End> {
        let client = client(self.address().await?)?;
        let reached = Arc::new(Notify::new());
        let (told, at) = (Arc::clone(&reached), cut.map(|(_, at)| at + 1));
        let messages = stream_iter(messages(import_id, rows)).enumerate().map(move |(n, message)| {
            if Some(n) == at {
                told.notify_one();
            }
            message
        });
        let mut calling = pin!(client.import_users(messages));
        let pause = AFTER_ROW.mul_f64(self.rng.f64());
        let in_the_midst = async {
            reached.notified().await;
            sleep(pause).await;
        };
        let ended = tokio::select! {
            ended = &mut calling => ended,
            () = in_the_midst => match cut {
                Some((Cut::Service, _)) => {
                    let (service, _) = self.service.take().context("it served")?;
                    service.kill().await?;
                    calling.await
                }
                Some((Cut::Client, _)) | None => return Ok(End::Cut),
            },
        };
        Ok(match ended {
            Ok(answer) => End::Answered(Box::new(answer.into_owned())),
            Err(error) => End::Failed(error),
        })
    }

    /// Where the service is, which is started if it has been killed.
    async fn address(&mut self) -> anyhow::Result<SocketAddr> {
        if let Some((_, address)) = &self.service {
            return Ok(*address);
        }
        let mut service = Service::spawn(Program::Shipped, self.ground)?;
        let address = service.address().await?;
        self.service = Some((service, address));
        Ok(address)
    }

    fn learn(&mut self, answer: &v1::ImportUsersResponse) {
        for result in &answer.results {
            let (row, known) = (result.row, self.told.get(&result.row));
            match result.outcome.as_known().unwrap_or_default() {
                v1::ImportOutcome::Created if known.is_some() => {
                    self.findings.add("a row that had come in came in again", row);
                }
                v1::ImportOutcome::Created => {
                    self.told.insert(row, result.user_id.clone());
                }
                v1::ImportOutcome::AlreadyImported => {
                    if known.is_some_and(|known| *known != result.user_id) {
                        self.findings.add("a row is somebody else the next time", row);
                    }
                    self.repeated += u64::from(known.is_none());
                    self.told.insert(row, result.user_id.clone());
                }
                // It is sent again.
                v1::ImportOutcome::NotExecuted | v1::ImportOutcome::Unknown => {}
                v1::ImportOutcome::Refused
                | v1::ImportOutcome::Invalid
                | v1::ImportOutcome::Valid
                | v1::ImportOutcome::Unspecified => {
                    self.findings.add(
                        "a row that nothing speaks against is refused",
                        format!("{row} {}", result.reason),
                    );
                }
            }
        }
        if answer.results.iter().map(|result| result.row).is_sorted() {
            return;
        }
        self.findings.add("results are not in the order of their rows", answer.results.len());
    }

    /// How many different users we were told of, and what was found.
    pub(super) async fn rest(self) -> anyhow::Result<(u64, Findings)> {
        if let Some((service, _)) = self.service {
            service.kill().await?;
        }
        let users: std::collections::HashSet<_> = self.told.values().collect();
        Ok((users.len() as u64, self.findings))
    }
}

fn messages(import_id: Uuid, rows: Vec<v1::ImportRow>) -> Vec<v1::ImportUsersRequest> {
    let settings = v1::ImportSettings { import_id: import_id.to_string(), ..Default::default() };
    let settings = Part::Settings(Box::new(settings));
    let rows = rows.into_iter().map(|row| Part::Row(Box::new(row)));
    std::iter::once(settings).chain(rows).map(|part| v1::ImportUsersRequest { part: Some(part) }).collect()
}
