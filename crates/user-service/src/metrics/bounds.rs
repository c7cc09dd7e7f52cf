//! What the host bounds: calls that are executed and calls that are turned away, connections, answers that nobody takes.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::catalogue as of;
use super::sheet::Sheet;

type Label = (&'static str, &'static str);

/// Counts at the bounds of the host. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    executing: Family<[Label; 1], Gauge>,
    shed: Family<[Label; 2], Counter>,
    connections: Gauge,
    refused: Family<[Label; 1], Counter>,
    stalled: Counter,
}

impl Bounds {
    /// A call of a kind is executed until what is answered here is dropped.
    #[must_use = "the call ends when this is dropped"]
    pub fn executing(&self, kind: &'static str) -> Counted {
        Counted::begin(&self.executing.get_or_create(&[("kind", kind)]))
    }

    /// A call was turned away.
    pub fn shed(&self, kind: &'static str, cause: &'static str) {
        self.shed.get_or_create(&[("kind", kind), ("cause", cause)]).inc();
    }

    /// A connection is open until what is answered here is dropped.
    #[must_use = "the connection ends when this is dropped"]
    pub fn connection(&self) -> Counted {
        Counted::begin(&self.connections)
    }

    /// A connection was closed as soon as it was made.
    pub fn refused(&self, cause: &'static str) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }

    /// An answer was dropped because its caller did not read it.
    pub fn stalled(&self) {
        self.stalled.inc();
    }

    /// All of it, as `/metrics` shows it.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let mut sheet = Sheet::default();
        self.read(&mut sheet);
        sheet.text()
    }

    pub(super) fn read(&self, sheet: &mut Sheet) {
        sheet.live(&of::EXECUTING, self.executing.clone());
        sheet.live(&of::SHED, self.shed.clone());
        sheet.live(&of::CONNECTIONS, self.connections.clone());
        sheet.live(&of::CONNECTIONS_REFUSED, self.refused.clone());
        sheet.live(&of::STALLED, self.stalled.clone());
    }
}

/// One more in a gauge, until this is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn begin(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
