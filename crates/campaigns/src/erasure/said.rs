//! Everything that the process says of itself while this campaign runs, as a log has it: more of it than any operator
//! would keep.

use std::io;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

static SAID: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Everything of ours, and what others say that is not for following each byte. The driver's parameters are held back by
/// the shipped binary, too, whatever its operator asks for.
const LEVELS: &str = "debug,user_service=trace,user_domain=trace,user_api=trace,cqrs=trace,eventstore=trace,\
                      eventstore_sqlite=trace,eventstore_postgres=trace,tokio_postgres=info";

/// What keeps it.
pub(crate) fn layer<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(|| Keeping)
        .with_filter(EnvFilter::new(LEVELS))
}

/// All of it since this was asked last.
pub(super) fn since() -> String {
    let said = std::mem::take(&mut *SAID.lock().unwrap_or_else(PoisonError::into_inner));
    String::from_utf8_lossy(&said).into_owned()
}

struct Keeping;

impl io::Write for Keeping {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        SAID.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(said);
        Ok(said.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
