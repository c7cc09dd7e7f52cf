//! The scenarios, each a file that says what is measured and what it must come to.

mod ladder;
mod conflicts;
mod processes;
mod embedded;

use crate::scenario::Scenario;

/// Those of `bench append`. The quick ones leave out what decides no bar.
pub(crate) fn append(quick: bool) -> Vec<Scenario> {
    vec![ladder::scenario(quick), conflicts::scenario(), processes::scenario(), embedded::scenario(quick)]
}
