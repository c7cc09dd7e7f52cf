//! What every type of event says about itself: its name, its older shapes, its two parts, and what it does to a user.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::upcast::Upcaster;
use super::{Change, Redactable};
use crate::LiveUser;

/// One type of event. The struct without its personal part is the open part, ids and enums only; the personal part is
/// a struct of its own that serde skips, and that the store keeps encrypted.
pub(crate) trait EventType: Serialize + DeserializeOwned {
    /// As the log names it. Never changed, never given to another type.
    const NAME: &'static str;

    /// The shapes that were written before: number n lifts version n + 1 to the next. Append-only.
    const UPCASTERS: &'static [Upcaster] = &[];

    /// `()` for a type that has none.
    type Personal: Serialize + DeserializeOwned;

    /// The personal part; `None` for a type that has none.
    fn personal(&self) -> Option<&Redactable<Self::Personal>> {
        None
    }

    /// Where the personal part is put when the event is read.
    fn personal_mut(&mut self) -> Option<&mut Redactable<Self::Personal>> {
        None
    }

    /// What it does to a user who is live and stays so. Never fails, checks nothing.
    fn apply(&self, user: &mut LiveUser, recorded_at: Timestamp);

    /// What it changed, for people.
    fn changes(&self) -> Vec<Change>;

    /// The version that is written today.
    fn schema_version() -> u16 {
        u16::try_from(Self::UPCASTERS.len() + 1).expect("the list of upcasters is written by hand")
    }
}
