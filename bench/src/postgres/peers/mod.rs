//! Event stores that people would pick instead, each tuned as its documentation says, over TCP, on the same PostgreSQL as
//! ours. All load the user and append one event of as many bytes; each variant says how. None of them keeps addresses
//! unique, seals what is personal, knows a repeated request or keeps a read model; message-db alone gives readers an order.

mod child;
mod message_db;

use anyhow::ensure;

use super::database::{Database, count};
use super::server::Server;
use crate::load::{Measured, Shape};
use crate::workload::Rung;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    /// cqrs-es 0.5 with postgres-es 0.5, its `CqrsFramework`: SELECT the stream and fold it, BEGIN, INSERT, COMMIT. It loads
    /// before a creation too, and knows no other way. A process of its own.
    CqrsEs,
    /// esrs 0.18, its `AggregateManager`: SELECT the stream and fold it, BEGIN, INSERT, COMMIT. A creation is not loaded, as
    /// in its examples. A process of its own.
    Esrs,
    /// message-db 1.3, functions in SQL: `get_stream_messages`, decoded; `write_message` with the expected version, which
    /// takes the lock of the category that all users are in, and so has their events in order. A creation is not loaded.
    MessageDb,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::CqrsEs, Self::Esrs, Self::MessageDb];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CqrsEs => "cqrs-es",
            Self::Esrs => "esrs",
            Self::MessageDb => "message-db",
        }
    }

    /// Why it cannot be measured here, if so.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::CqrsEs | Self::Esrs => None, // built by whoever builds the bench: failing to is a failure
            Self::MessageDb => message_db::missing(),
        }
    }

    /// How many events there are, and how many streams whose numbers have a gap.
    fn questions(self) -> [&'static str; 2] {
        match self {
            Self::CqrsEs => [
                "SELECT count(*) FROM public.events",
                "SELECT count(*) FROM (SELECT FROM public.events GROUP BY aggregate_id \
                 HAVING min(sequence) <> 1 OR max(sequence) <> count(*)) s",
            ],
            Self::Esrs => [
                "SELECT count(*) FROM public.user_events",
                "SELECT count(*) FROM (SELECT FROM public.user_events GROUP BY aggregate_id \
                 HAVING min(sequence_number) <> 1 OR max(sequence_number) <> count(*)) s",
            ],
            Self::MessageDb => [
                "SELECT count(*) FROM message_store.messages",
                "SELECT count(*) FROM (SELECT FROM message_store.messages GROUP BY stream_name \
                 HAVING min(position) <> 0 OR max(position) + 1 <> count(*)) s",
            ],
        }
    }
}

pub(crate) async fn measure_peer(server: &Server, peer: Peer, shape: Shape) -> anyhow::Result<Measured> {
    server.is_reached_over_tcp()?;
    // Our tables stay empty beside theirs.
    let database = Database::fresh(server, Rung::Log).await?;
    let measured = match peer {
        Peer::CqrsEs | Peer::Esrs => child::measure(peer, &database, shape).await?,
        Peer::MessageDb => message_db::measure(&database, shape).await?,
    };
    let (owner, [events, gaps]) = (database.owner().await?, peer.questions());
    let events = count(&owner, events).await?;
    ensure!(
        events == i64::try_from(measured.accepted)?,
        "{} commands were accepted, {events} events are there",
        measured.accepted
    );
    ensure!(count(&owner, gaps).await? == 0, "a stream has a gap");
    database.drop().await?;
    Ok(measured)
}
