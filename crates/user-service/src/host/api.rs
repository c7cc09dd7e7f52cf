//! What callers reach: the user service, health and reflection on one port, in every protocol, with
//! limits and deadlines. What sees a request before its body is read (authentication) goes around the
//! calls, and admission around that.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use connectrpc::{Chain, ConnectRpcService, DeadlinePolicy, Dispatcher as _, Limits};
use connectrpc_health::StaticChecker;
use connectrpc_reflection::Reflector;
use user_api::v1::{UserService, UserServiceServer};

use super::admission::Admission;
use super::kind::Kind;
use super::limits::HostLimits;
use super::origins::{self, WebOrigin};
use super::{measured, this_machine};
use crate::access::{FEED_PATH, Gate};
use crate::metrics::{Bounds, Calls};
use crate::traces::CallersTrace;

/// The one call that is meant to take long before it answers.
const IMPORT: &str = "/user.v1.UserService/ImportUsers";

/// The routes for callers, and the switch that says whether they are served.
#[derive(Debug)]
pub struct Api {
    pub(super) router: Router,
    admission: Admission,
    measured: Option<(Calls, CallersTrace)>,
    origins: Vec<WebOrigin>,
    pub(super) health: Health,
    /// What is counted of its callers.
    pub(super) bounds: Bounds,
}

impl Api {
    /// The generated dispatcher answers for users; the slower dynamic router only for what is rare.
    pub fn new<S: UserService>(service: Arc<S>, limits: &HostLimits, bounds: &Bounds) -> Self {
        let (rest, health) =
            connectrpc_health::install_static(connectrpc::Router::new(), [user_api::SERVICE_NAME]);
        let rest = connectrpc_reflection::install(rest, reflector());
        let users = UserServiceServer::from_arc(service);
        let import = ConnectRpcService::new(users.clone())
            .with_limits(message_limits(limits))
            .with_deadline_policy(import_deadlines(limits));
        let rpc = ConnectRpcService::new(Chain(users.clone(), rest))
            .with_limits(message_limits(limits))
            .with_deadline_policy(deadlines(limits));
        let kind_of = move |path: &str| {
            if path == FEED_PATH {
                return Some(Kind::Stream);
            }
            let path = path.strip_prefix('/')?;
            users.lookup(path).map(|method| Kind::of(path, &method))
        };
        let router = Router::new().route_service(IMPORT, import).fallback_service(rpc);
        let admission = Admission::new(Box::new(kind_of), limits, bounds);
        let router = admission.shares(router);
        Self {
            router,
            admission,
            measured: None,
            origins: Vec::new(),
            health: Health(health),
            bounds: bounds.clone(),
        }
    }

    /// With routes of their own beside the calls, on the same port and behind the same layers.
    #[must_use]
    pub fn beside(mut self, routes: Router) -> Self {
        self.router = self.router.merge(routes);
        self
    }

    /// Behind a gate: no request gets further than that without its leave, and none is read before.
    #[must_use]
    pub fn behind(self, gate: Gate) -> Self {
        Self { router: gate.before(self.router), ..self }
    }

    /// For callers on this machine alone: what a web page has its browser ask for is refused.
    #[must_use]
    pub fn for_this_machine(self) -> Self {
        Self { router: this_machine::only(self.router), ..self }
    }

    /// For web pages, too, but of these origins alone.
    #[must_use]
    pub fn for_pages_of(self, origins: &[WebOrigin]) -> Self {
        Self { origins: origins.to_vec(), ..self }
    }

    /// The same, with every call measured and traced.
    #[must_use]
    pub fn measured(self, calls: &Calls, callers: CallersTrace) -> Self {
        Self { measured: Some((calls.clone(), callers)), ..self }
    }

    /// Whatever else stands before the calls, who comes to it has a place; and whoever found none is measured, too, and told
    /// so where a page called.
    pub(super) fn admitting(self) -> Self {
        let router = origins::may_call(self.admission.places(self.router), &self.origins);
        let router = match &self.measured {
            Some((calls, callers)) => measured::measure(router, calls, *callers),
            None => router,
        };
        Self { router, ..self }
    }
}

/// The standard health service: `SERVING` from the start, for the process and for the user service.
#[derive(Clone)]
pub struct Health(Arc<StaticChecker>);

impl fmt::Debug for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Health").field(&self.0.services()).finish()
    }
}

impl Health {
    /// Says `NOT_SERVING`, then ends every `Watch`: it would never end by itself, and each shutdown
    /// would take as long as it may.
    pub fn withdraw(&self) {
        self.0.shutdown();
        for service in self.0.services() {
            self.0.remove_service(&service);
        }
    }
}

fn reflector() -> Reflector {
    Reflector::from_descriptor_set_bytes(user_api::DESCRIPTOR_SET)
        .expect("the build made these bytes from the protos it compiled")
}

fn message_limits(limits: &HostLimits) -> Limits {
    Limits::default()
        .with_max_message_size(limits.message_bytes_max)
        .with_max_request_body_size(limits.body_bytes_max())
        .with_element_memory_limit(limits.element_bytes_max)
}

/// Enforced on streams only until they begin: a feed and health's `Watch` are meant to stay, and an
/// export takes as long as its reader does. A stream is polled when its reader has room, reads one
/// page at a time, and ends by itself when the service stops; one whose reader is gone is dropped.
fn deadlines(limits: &HostLimits) -> DeadlinePolicy {
    DeadlinePolicy::new().with_max(limits.deadline_max).with_default_timeout(limits.deadline_default)
}

fn import_deadlines(limits: &HostLimits) -> DeadlinePolicy {
    let max = limits.import_deadline_max;
    DeadlinePolicy::new().with_max(max).with_default_timeout(max)
}
