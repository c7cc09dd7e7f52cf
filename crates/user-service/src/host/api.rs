//! What callers reach: the user service, health and reflection on one port, in every protocol, with limits and deadlines;
//! and all that a request goes through until it is there.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connectrpc::{Chain, ConnectRpcService, DeadlinePolicy, Dispatcher, Limits};
use connectrpc_health::StaticChecker;
use connectrpc_reflection::Reflector;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower::{Service as _, ServiceExt as _, service_fn};
use tower_http::cors::CorsLayer;
use tracing::Instrument as _;
use user_api::v1::{UserService, UserServiceServer};

use super::accept::Answers;
use super::admission::{self, Admission};
use super::connection::Peer;
use super::gatekeeper::Gatekeeper;
use super::kind::Kind;
use super::limits::HostLimits;
use super::measured::Measured;
use super::origins::{self, WebOrigin};
use super::refusal::Asked;
use super::this_machine;
use crate::access::FEED_PATH;
use crate::metrics::{Bounds, Calls};
use crate::traces::CallersTrace;

/// The one call that is meant to take long before it answers.
const IMPORT: &str = "/user.v1.UserService/ImportUsers";

/// One of the stacks that decode, dispatch and encode.
pub(super) type Rpc = Box<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// The kind of the call at a path, if there is such a call.
type KindOf = Box<dyn Fn(&str) -> Option<Kind> + Send + Sync>;

/// The calls, and what stands before them.
pub struct Api {
    kind_of: KindOf,
    calls: Rpc,
    import: Rpc,
    beside: Router,
    admission: Admission,
    measured: Option<Measured>,
    pages: Option<CorsLayer>,
    for_this_machine: bool,
    gate: Option<Box<dyn Gatekeeper>>,
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
        let calls = ConnectRpcService::new(Chain(users.clone(), rest))
            .with_limits(message_limits(limits))
            .with_deadline_policy(deadlines(limits));
        let kind_of = move |path: &str| {
            if path == FEED_PATH {
                return Some(Kind::Stream);
            }
            let path = path.strip_prefix('/')?;
            users.lookup(path).map(|method| Kind::of(path, &method))
        };
        Self {
            kind_of: Box::new(kind_of),
            beside: Router::new().fallback_service(calls.clone()),
            calls: rpc(calls),
            import: rpc(import),
            admission: Admission::new(limits, bounds),
            measured: None,
            pages: None,
            for_this_machine: false,
            gate: None,
            health: Health(health),
            bounds: bounds.clone(),
        }
    }

    /// With routes of their own beside the calls, on the same port and behind the same gate.
    #[must_use]
    pub fn beside(mut self, routes: Router) -> Self {
        self.beside = self.beside.merge(routes);
        self
    }

    /// Behind a gate: no request gets further than that without its leave, and none is read before.
    #[must_use]
    pub fn behind(self, gate: impl Gatekeeper) -> Self {
        Self { gate: Some(Box::new(gate)), ..self }
    }

    /// For callers on this machine alone: what a web page has its browser ask for is refused.
    #[must_use]
    pub fn for_this_machine(self) -> Self {
        Self { for_this_machine: true, ..self }
    }

    /// For web pages, too, but of these origins alone.
    #[must_use]
    pub fn for_pages_of(self, origins: &[WebOrigin]) -> Self {
        Self { pages: origins::may_call(origins), ..self }
    }

    /// The same, with every call measured and traced.
    #[must_use]
    pub fn measured(self, calls: &Calls, callers: CallersTrace) -> Self {
        Self { measured: Some(Measured::new(calls.clone(), callers)), ..self }
    }
}

/// The way of a request. One step calls the next, and the first that refuses answers: an own layer for each would have
/// every request copy all the layers below it.
impl Answers for Arc<Api> {
    /// Whoever finds no place is measured, too.
    async fn answer(self, mut request: Request) -> Response {
        let Some(measured) = &self.measured else { return self.shown_to_pages(request).await };
        let (call, span) = measured.begin(&mut request);
        let answer = self.shown_to_pages(request).instrument(span).await;
        call.end(answer).await
    }
}

impl Api {
    /// Whoever finds no place is told so where a page called.
    async fn shown_to_pages(self: &Arc<Self>, request: Request) -> Response {
        let Some(pages) = &self.pages else { return self.with_a_place(request).await };
        let api = Arc::clone(self);
        let next = service_fn(move |request| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(api.with_a_place(request).await) }
        });
        let Ok(answer) = tower::Layer::layer(pages, next).boxed().oneshot(request).await;
        answer
    }

    /// Whatever else stands before the calls, who comes to it has a place.
    async fn with_a_place(&self, request: Request) -> Response {
        let kind = (self.kind_of)(request.uri().path());
        match self.admission.place(kind, address(&request)) {
            Ok(place) => admission::until_taken(place, kind, self.let_in(kind, request).await),
            Err(error) => Asked::of(&request).refuse(error),
        }
    }

    async fn let_in(&self, kind: Option<Kind>, mut request: Request) -> Response {
        if self.for_this_machine
            && let Some(refusal) = this_machine::refusal(&request)
        {
            return refusal;
        }
        if let Some(gate) = &self.gate
            && let Some(refusal) = gate.refusal(&mut request).await
        {
            return refusal;
        }
        match (kind, request.uri().path()) {
            (None, _) | (_, FEED_PATH) => infallible(self.beside.clone().oneshot(request).await),
            (Some(_), IMPORT) => (self.import)(request).await,
            (Some(kind), _) => self.executed(kind, request).await,
        }
    }

    async fn executed(&self, kind: Kind, request: Request) -> Response {
        let asked = Asked::of(&request);
        let executed = self.admission.execute(kind, request, &self.calls).await;
        executed.unwrap_or_else(|error| asked.refuse(error))
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Api").field("health", &self.health).finish_non_exhaustive()
    }
}

/// Whoever is not known by an address shares one with all who are not.
fn address(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

fn rpc<D: Dispatcher>(service: ConnectRpcService<D>) -> Rpc {
    Box::new(move |request| {
        let answer = service.clone().call(request);
        answer.map(|answer| infallible(answer).map(Body::new)).boxed()
    })
}

fn infallible<T>(Ok(answer): Result<T, Infallible>) -> T {
    answer
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
