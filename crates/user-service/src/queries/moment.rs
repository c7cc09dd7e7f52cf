//! A moment of the past, as a position: order is by position alone, and a time only names one.

use eventstore::Position;
use jiff::Timestamp;

use super::QueryError;
use crate::directory::Directory;

/// A moment of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Everything that had been recorded by then.
    Time(Timestamp),
    /// Everything up to there.
    Position(Position),
}

/// The position of a moment; [`QueryError::NotReached`] of one that is still to come.
///
/// A time after the latest event is the head, unless neither this service nor the log has seen it yet. What has only just
/// passed is not settled: an append that has taken its time may still be on its way to the disk.
pub async fn position_at(directory: &Directory, moment: Moment) -> Result<Position, QueryError> {
    let head = directory.store().head().await?;
    match moment {
        Moment::Position(position) if position <= head.position => Ok(position),
        Moment::Time(time) if head.recorded_at.is_some_and(|last| time < last) => {
            Ok(directory.store().position_at(time).await?)
        }
        Moment::Time(time) if head.recorded_at == Some(time) || time <= directory.sources().now() => {
            Ok(head.position)
        }
        Moment::Position(_) | Moment::Time(_) => Err(QueryError::NotReached { head: head.position }),
    }
}
