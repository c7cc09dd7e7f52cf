//! Traces over OTLP, for whoever built with the feature `otlp` and names a collector: one trace from the call through
//! decision and append to the projections. Without the feature nothing of it is there.

#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod context;
#[cfg(not(feature = "otlp"))]
mod off;
mod traced;

#[cfg(feature = "otlp")]
pub use collector::Traces;
#[cfg(feature = "otlp")]
pub(crate) use context::{adopt, belong_to, current};
#[cfg(not(feature = "otlp"))]
pub use off::Traces;
#[cfg(not(feature = "otlp"))]
pub(crate) use off::{adopt, belong_to, current};
pub(crate) use traced::Traced;

/// What the trace is taken for that a caller says her call is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallersTrace {
    /// A word of somebody who may say anything: our own trace begins here, and links to it.
    #[default]
    Linked,
    /// The trace of a service of our own: ours goes on with it.
    Continued,
}
