//! G3: how soon after its answer a change is seen in a projection that follows the log, at half of the load that the service
//! bears.

use crate::bar::{Bar, Limit, Of};
use crate::contender::Contender::Followed;
use crate::scenario::Scenario;
use crate::service::Engine;

pub(super) const NAME: &str = "changes until they are seen";

pub(super) fn scenario() -> Scenario {
    let bar = |engine: Engine| Bar {
        id: format!("G3-{}", engine.name()),
        what: format!("{}: p99 until a change is seen in user_search, of its own p50", engine.name()),
        of: Of::Seen(Followed(engine).at(64)),
        limit: Limit::AtMost(20.0),
    };
    Scenario { name: NAME, yardsticks: Vec::new(), bars: Engine::ALL.map(bar).to_vec(), beside: Vec::new() }
}
