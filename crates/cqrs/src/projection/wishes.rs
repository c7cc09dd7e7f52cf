//! What somebody can want of a projection, and how it is written down for whoever owns it.
//!
//! A wish outlives the process that takes it up, so it also says what there was when it was made: whoever takes it up
//! anew can tell what has been done already.

use std::fmt;
use std::str::FromStr;

use eventstore::{AggregateId, Generation, Slot};
use thiserror::Error;
use uuid::Uuid;

/// What somebody wants of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Another generation, built from history.
    Rebuild(Then),
    /// The rows of one stream, built from its history.
    RebuildStream(AggregateId),
    /// The next generation in the place of the live one.
    Switch(MoreParked),
    /// The prior generation in the place of the live one, after it has caught up.
    Rollback,
    /// No next, or no prior, generation.
    Retire(Slot),
    /// No step until somebody wishes `Resume`.
    Pause,
    /// On again.
    Resume,
    /// Another try with what is parked, of one stream or of all.
    RetryParked(Option<AggregateId>),
    /// What is parked of one stream is left out for ever.
    DropParked {
        /// The stream.
        stream: AggregateId,
        /// Why that is right. Nothing personal: it is logged.
        reason: String,
    },
}

/// What becomes of a generation that has been built and verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It takes the place of the live one.
    Switch,
    /// It stays beside the live one and is kept up to date, until somebody wishes [`Wish::Switch`].
    Keep,
}

/// Whether a generation may take the place of the live one although streams are parked in it that the live one shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoreParked {
    /// It may not: they would go from the view.
    Refused,
    /// Somebody has looked at them, and says that it may.
    Accepted,
}

/// A text that is not a wish.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "not a wish: say rebuild [keep], rebuild ID, switch [accept-parked], rollback, retire next|prior, pause, \
    resume, parked retry [ID], or parked drop ID REASON"
)]
pub struct NotAWish;

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rebuild(Then::Switch) => f.write_str("rebuild"),
            Self::Rebuild(Then::Keep) => f.write_str("rebuild keep"),
            Self::RebuildStream(stream) => write!(f, "rebuild {stream}"),
            Self::Switch(MoreParked::Refused) => f.write_str("switch"),
            Self::Switch(MoreParked::Accepted) => f.write_str("switch accept-parked"),
            Self::Rollback => f.write_str("rollback"),
            Self::Retire(slot) => write!(f, "retire {}", slot.as_str()),
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::RetryParked(None) => f.write_str("parked retry"),
            Self::RetryParked(Some(stream)) => write!(f, "parked retry {stream}"),
            Self::DropParked { stream, reason } => write!(f, "parked drop {stream} {reason}"),
        }
    }
}

impl FromStr for Wish {
    type Err = NotAWish;

    fn from_str(text: &str) -> Result<Self, NotAWish> {
        let words: Vec<_> = text.split_whitespace().collect();
        match words.as_slice() {
            ["rebuild"] => Ok(Self::Rebuild(Then::Switch)),
            ["rebuild", "keep"] => Ok(Self::Rebuild(Then::Keep)),
            ["rebuild", stream] => stream_id(stream).map(Self::RebuildStream),
            ["switch"] => Ok(Self::Switch(MoreParked::Refused)),
            ["switch", "accept-parked"] => Ok(Self::Switch(MoreParked::Accepted)),
            ["rollback"] => Ok(Self::Rollback),
            ["retire", "next"] => Ok(Self::Retire(Slot::Next)),
            ["retire", "prior"] => Ok(Self::Retire(Slot::Prior)),
            ["pause"] => Ok(Self::Pause),
            ["resume"] => Ok(Self::Resume),
            ["parked", "retry"] => Ok(Self::RetryParked(None)),
            ["parked", "retry", stream] => Ok(Self::RetryParked(Some(stream_id(stream)?))),
            ["parked", "drop", stream, reason @ ..] if !reason.is_empty() => {
                Ok(Self::DropParked { stream: stream_id(stream)?, reason: reason.join(" ") })
            }
            _ => Err(NotAWish),
        }
    }
}

fn stream_id(text: &str) -> Result<AggregateId, NotAWish> {
    Uuid::parse_str(text).map(AggregateId).map_err(|_| NotAWish)
}

impl Wish {
    /// Whether it takes long and has a generation for its goal: until that is reached, or somebody wishes for another one,
    /// it goes on.
    fn is_goal(&self) -> bool {
        match self {
            Self::Rebuild(_) | Self::Switch(_) | Self::Rollback => true,
            Self::RebuildStream(_)
            | Self::Retire(_)
            | Self::Pause
            | Self::Resume
            | Self::RetryParked(_)
            | Self::DropParked { .. } => false,
        }
    }

    /// Whether what has begun is over when this is wished.
    fn replaces(&self) -> bool {
        self.is_goal() || matches!(self, Self::Retire(_))
    }
}

/// Which generations there were when a wish was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The number of the live one.
    pub(super) live: u32,
    /// The greatest number.
    pub(super) latest: u32,
}

impl Seen {
    /// What there is now.
    pub(super) fn of(projection: &str, generations: &[Generation]) -> Option<Self> {
        let own = || generations.iter().filter(|generation| generation.projection == projection);
        let live = own().find(|generation| generation.slot == Slot::Live)?.number;
        own().map(|generation| generation.number).max().map(|latest| Self { live, latest })
    }
}

/// A wish as it is kept: `rebuild keep @1/2`; and behind it the one that goes on beside it, if `row` has one:
/// `pause @1/2; rebuild keep @1/1`.
pub(super) fn written(wish: &Wish, seen: Seen, row: Option<&eventstore::Wish>) -> String {
    let text = format!("{wish} @{}/{}", seen.live, seen.latest);
    match row.and_then(under_way).filter(|_| !wish.replaces()) {
        Some(goal) => format!("{text}{BESIDE}{goal}"),
        None => text,
    }
}

/// Between a wish and the one that goes on beside it.
const BESIDE: &str = "; ";

/// A wish, and the one that goes on beside it.
pub(super) fn parts(text: &str) -> (&str, Option<&str>) {
    let goal = |text: &str| matches!(read(text), Ok((wish, Some(_))) if wish.is_goal());
    match text.rsplit_once(BESIDE) {
        Some((wish, beside)) if goal(beside) => (wish, Some(beside)),
        Some(_) | None => (text, None),
    }
}

/// What is not over of what somebody wished.
pub(super) fn under_way(row: &eventstore::Wish) -> Option<&str> {
    let (wish, beside) = parts(&row.wish);
    match &row.answer {
        Some(answer) => beside.filter(|goal| answer.ends_with(&goes_on(goal))),
        None => beside.or_else(|| read(wish).is_ok_and(|(wish, _)| wish.is_goal()).then_some(wish)),
    }
}

/// How the answer to a wish ends while another one goes on beside it.
pub(super) fn goes_on(goal: &str) -> String {
    format!("{BESIDE}{} goes on", goal.split(" @").next().unwrap_or(goal))
}

/// A wish as it was kept. Somebody who knows the words but not what there is may have left it without the latter.
pub(super) fn read(text: &str) -> Result<(Wish, Option<Seen>), NotAWish> {
    let Some((wish, seen)) = text.rsplit_once(" @") else { return Ok((text.parse()?, None)) };
    let seen = seen
        .split_once('/')
        .and_then(|(live, latest)| Some(Seen { live: live.parse().ok()?, latest: latest.parse().ok()? }));
    match seen {
        Some(seen) => Ok((wish.parse()?, Some(seen))),
        None => Ok((text.parse()?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_as_it_was_written() {
        let stream = AggregateId(Uuid::from_u128(7));
        for wish in [
            Wish::Rebuild(Then::Switch),
            Wish::Rebuild(Then::Keep),
            Wish::RebuildStream(stream),
            Wish::Switch(MoreParked::Refused),
            Wish::Switch(MoreParked::Accepted),
            Wish::Rollback,
            Wish::Retire(Slot::Next),
            Wish::Retire(Slot::Prior),
            Wish::Pause,
            Wish::Resume,
            Wish::RetryParked(None),
            Wish::RetryParked(Some(stream)),
            Wish::DropParked { stream, reason: "sent twice @ the import".to_owned() },
        ] {
            let seen = Seen { live: 1, latest: 3 };
            assert_eq!(wish.to_string().parse(), Ok(wish.clone()));
            assert_eq!(read(&written(&wish, seen, None)), Ok((wish.clone(), Some(seen))));
            assert_eq!(read(&wish.to_string()), Ok((wish, None)));
        }
    }

    #[test]
    fn what_has_begun_is_kept_until_it_is_over_or_replaced() {
        let seen = Seen { live: 1, latest: 1 };
        let row = |wish: &str, answer: Option<&str>| eventstore::Wish {
            projection: "accounts".to_owned(),
            ticket: 1,
            wish: wish.to_owned(),
            answer: answer.map(str::to_owned),
            asked_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let next = |wish: Wish, row| written(&wish, seen, Some(&row));
        let paused = next(Wish::Pause, row("rebuild @1/1", None));
        assert_eq!(paused, "pause @1/1; rebuild @1/1");
        let drop = Wish::DropParked { stream: AggregateId(Uuid::nil()), reason: "twice; sent".to_owned() };
        for (told, kept) in
            [(None, true), (Some("paused; rebuild goes on"), true), (Some("generation 2 is live"), false)]
        {
            let after = next(Wish::Resume, row(&paused, told));
            assert_eq!(after.ends_with("; rebuild @1/1"), kept, "{after}");
            assert_eq!(next(drop.clone(), row(&paused, told)).ends_with("; rebuild @1/1"), kept);
            assert_eq!(next(Wish::Rollback, row(&paused, told)), "rollback @1/1");
        }
        assert_eq!(next(Wish::Pause, row("rebuild @1/1", Some("generation 2 is live"))), "pause @1/1");
        assert_eq!(next(Wish::Resume, row("pause @1/1", None)), "resume @1/1");
        let dropped = next(drop.clone(), row("pause @1/1", None));
        assert_eq!((parts(&dropped), read(&dropped)), ((&*dropped, None), Ok((drop, Some(seen)))));
    }

    #[test]
    fn anything_else_is_not_a_wish() {
        let no_reason = format!("parked drop {}", Uuid::nil());
        for text in ["", "rebuild everything", "retire live", "parked", &no_reason, "pause now"] {
            assert_eq!(text.parse::<Wish>(), Err(NotAWish), "{text}");
        }
    }
}
