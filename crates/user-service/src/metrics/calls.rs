//! Calls of the surface: how many ended with which code, how long they took, how many are open; and a line in the log for
//! each, of which nothing is the caller's own words.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use connectrpc::ErrorCode;
use eventstore::TIME_BOUNDS;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tracing::{field, info};
use uuid::Uuid;

use super::catalogue as of;
use super::sheet::Sheet;

type Method = [(&'static str, &'static str); 1];
type MethodAndCode = [(&'static str, &'static str); 2];

/// Whatever is not a call of the contract: health, reflection, and what somebody made up.
const OTHER: &str = "other";

/// Where the lines of calls stand in the log: `--log info,calls=off` leaves them out.
const LINES: &str = "calls";

/// Measures calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Calls {
    methods: &'static [&'static str],
    ended: Family<MethodAndCode, Counter>,
    seconds: Family<Method, Histogram, fn() -> Histogram>,
    open: Family<Method, Gauge>,
}

impl Calls {
    /// Measures these methods apart, and all others together.
    #[must_use]
    pub fn of(methods: &'static [&'static str]) -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(TIME_BOUNDS);
        let seconds = Family::new_with_constructor(seconds);
        Self { methods, ended: Family::default(), seconds, open: Family::default() }
    }

    /// A call begins. It ends when what is answered here is dropped, or says so.
    #[must_use = "the call ends when this is dropped"]
    pub fn begin(&self, path: &str) -> OpenCall {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let method = self.methods.iter().find(|method| **method == name).copied().unwrap_or(OTHER);
        self.open.get_or_create(&[("method", method)]).inc();
        OpenCall {
            calls: self.clone(),
            method,
            request_id: None,
            begun: Instant::now(),
            told: Told::default(),
        }
    }

    pub(super) fn read(&self, sheet: &mut Sheet) {
        sheet.live(&of::CALLS, self.ended.clone());
        sheet.live(&of::CALL_SECONDS, self.seconds.clone());
        sheet.live(&of::CALLS_OPEN, self.open.clone());
    }
}

/// A call that is being answered. Dropped before anybody told how it ended, its caller has gone.
#[derive(Debug)]
pub struct OpenCall {
    calls: Calls,
    /// Its name in the contract.
    pub method: &'static str,
    /// By which name the caller would find its line in the log.
    pub request_id: Option<Uuid>,
    begun: Instant,
    /// What its handler tells: an extension of the request.
    pub told: Told,
}

impl OpenCall {
    /// Whether the contract has this method.
    #[must_use]
    pub fn is_in_contract(&self) -> bool {
        self.method != OTHER
    }

    /// It ended, with this code if its handler told none.
    pub fn ended(self, otherwise: Option<ErrorCode>) {
        self.told.tell(otherwise);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let lost = if std::thread::panicking() { ErrorCode::Internal } else { ErrorCode::Canceled };
        let code = self.told.code().unwrap_or(lost.as_str());
        let method = ("method", self.method);
        self.calls.ended.get_or_create(&[method, ("code", code)]).inc();
        self.calls.open.get_or_create(&[method]).dec();
        let seconds = self.begun.elapsed().as_secs_f64();
        if !self.told.is_stream() {
            self.calls.seconds.get_or_create(&[method]).observe(seconds);
        }
        let request_id = self.request_id.map(field::display);
        let principal = self.told.0.principal.get().map(|name| &**name);
        info!(target: LINES, method = self.method, code, seconds, principal, request_id, "a call ended");
    }
}

/// What a handler tells whoever measures its call: how it ended, and whether it goes on as a stream.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Telling>);

#[derive(Debug, Default)]
struct Telling {
    /// 0 while nothing has been told; else one more than the code of gRPC.
    code: AtomicU32,
    streams: AtomicBool,
    /// Who called, where she had to say or said it: a token's id, or whose certificate.
    principal: OnceLock<Box<str>>,
}

const UNTOLD: u32 = 0;

impl Told {
    /// How the call ended; `None` if well. The first to tell is believed.
    pub fn tell(&self, error: Option<ErrorCode>) {
        let code = error.map_or(0, |code| code.grpc_code()) + 1;
        // Told already: that was closer to the cause.
        let _ = self.0.code.compare_exchange(UNTOLD, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Who calls, by a name that is no secret.
    pub fn tell_principal(&self, name: &str) {
        // Each call is let in once.
        let _ = self.0.principal.set(name.into());
    }

    /// What follows is a stream; how it ends is not yet known.
    pub fn tell_stream(&self) {
        self.0.streams.store(true, Ordering::Relaxed);
    }

    /// Whether a stream follows.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.0.streams.load(Ordering::Relaxed)
    }

    /// Whether it is known how the call ended, or that it goes on.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.is_stream() || self.0.code.load(Ordering::Relaxed) != UNTOLD
    }

    fn code(&self) -> Option<&'static str> {
        match self.0.code.load(Ordering::Relaxed) {
            UNTOLD => None,
            1 => Some("ok"),
            told => Some(ErrorCode::from_grpc_code(told - 1).unwrap_or(ErrorCode::Unknown).as_str()),
        }
    }
}
