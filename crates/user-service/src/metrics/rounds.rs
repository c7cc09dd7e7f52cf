//! What a service has seen on its rounds, on which it checks a few users at random.

use super::catalogue as of;
use super::sheet::Sheet;
use crate::doctor::Rounds;

pub(super) fn read(sheet: &mut Sheet, rounds: &Rounds) {
    sheet.put(&of::ROUNDS_CHECKED, rounds.checked());
    sheet.put(&of::ROUNDS_WRONG, rounds.wrong());
    if let Some(last) = rounds.last() {
        sheet.put(&of::ROUNDS_LAST, last);
    }
}
