//! A service in this process: the real host, the real calls, on ports of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use connectrpc::Protocol;
use connectrpc::client::{ClientConfig, Http2Connection, SharedHttp2Connection};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_api::v1::UserServiceClient;
use user_domain::PasswordPolicy;
use user_service::Sources;
use user_service::access::{Gate, TokenRule, Tokens};
use user_service::directory::{Directory, LookAlikes, Parts};
use user_service::feed::{FeedLimits, Feeds};
use user_service::grpc::{CallerMetadata, UserApi};
use user_service::host::{Api, Drained, Host, HostLimits, Readiness, ReadinessCheck};
use user_service::passwords::{HashingCost, Passwords};
use user_service::projections::runner_settings;
use user_service::store::StoreOptions;
use user_service::vault::MasterKeys;

use super::{Answer, Header, Place, post, post_with, refusal_of};

/// The master key of every store that a test makes.
pub(crate) const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What a directory is made of, besides its store.
fn parts(sources: Sources, look_alikes: LookAlikes) -> Parts {
    Parts {
        keys: MasterKeys::parse(MASTER_KEY, &[]).expect("it is a key"),
        passwords: Passwords::new(HashingCost::FLOOR, sources.clone()),
        policy: PasswordPolicy::default(),
        look_alikes,
        sources,
        runner: runner_settings(),
        cached_users_max: 100,
    }
}

/// Held while a process is started, and shared while a store is opened. Until a new process executes its own program it
/// holds copies of the locks of this one, and a store that is opened again would seem to be in use.
pub(crate) static STARTING: RwLock<()> = RwLock::const_new(());

/// A service that serves in the background.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) directory: Directory,
    pub(crate) feeds: Feeds,
    pub(crate) tokens: Tokens,
    stop: CancellationToken,
    ended: JoinHandle<Drained>,
    stop_projecting: CancellationToken,
    projecting: JoinHandle<()>,
}

struct Always(Directory);

impl ReadinessCheck for Always {
    async fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    async fn metrics(&self) -> String {
        self.0.measurements().await
    }
}

impl Service {
    /// Brings the store to its schema, opens it, and serves it.
    pub(crate) async fn start(place: &Place, sources: Sources) -> Self {
        Self::start_with(place, sources, FeedLimits::default()).await
    }

    /// The same, with other bounds on feeds.
    pub(crate) async fn start_with(place: &Place, sources: Sources, feed_limits: FeedLimits) -> Self {
        Self::start_on(place.options(), sources, feed_limits).await
    }

    /// The same, with other options of the store.
    pub(crate) async fn start_on(options: StoreOptions, sources: Sources, feed_limits: FeedLimits) -> Self {
        let parts = parts(sources, LookAlikes::Refuse);
        Self::start_as(options, parts, feed_limits, CallerMetadata::Ignored, TokenRule::Optional).await
    }

    /// The same where names may look alike.
    pub(crate) async fn start_accepting_look_alikes(place: &Place, sources: Sources) -> Self {
        let (feeds, callers) = (FeedLimits::default(), CallerMetadata::Ignored);
        let parts = parts(sources, LookAlikes::Accept);
        Self::start_as(place.options(), parts, feeds, callers, TokenRule::Optional).await
    }

    /// The same for callers who have to show a token.
    pub(crate) async fn start_guarded(place: &Place, sources: Sources) -> Self {
        let (feeds, callers) = (FeedLimits::default(), CallerMetadata::Ignored);
        let parts = parts(sources, LookAlikes::Refuse);
        Self::start_as(place.options(), parts, feeds, callers, TokenRule::Required).await
    }

    /// The same for callers whose word is believed.
    pub(crate) async fn start_trusting(place: &Place, sources: Sources) -> Self {
        let (feeds, callers) = (FeedLimits::default(), CallerMetadata::Trusted);
        let parts = parts(sources, LookAlikes::Refuse);
        Self::start_as(place.options(), parts, feeds, callers, TokenRule::Optional).await
    }

    async fn start_as(
        options: StoreOptions,
        parts: Parts,
        feed_limits: FeedLimits,
        callers: CallerMetadata,
        rule: TokenRule,
    ) -> Self {
        user_api::install_type_registry();
        let nobody_starts = STARTING.read().await;
        options.migrate().await.expect("the place is empty, or ours");
        let store = options.open().await.expect("it was migrated");
        let directory = Directory::open(store, parts).await.expect("the key is the one it was made with");
        drop(nobody_starts);
        let limits = HostLimits::default();
        let feeds = Feeds::new(directory.clone(), feed_limits);
        let users = UserApi::new(directory.clone(), feeds.clone()).with_caller_metadata(callers);
        let (routes, tokens) = (users.beside_the_calls(), Tokens::new(directory.clone()));
        let api = Api::new(Arc::new(users), &limits, directory.metrics().bounds())
            .beside(routes)
            .behind(Gate::new(tokens.clone(), rule))
            .measured(directory.metrics().calls(), callers.into());
        let host = Host { api: listener().await, operations: listener().await, tls: None, limits };
        let (address, stop) = (host.api.local_addr().expect("it is bound"), CancellationToken::new());
        let operations = host.operations.local_addr().expect("it is bound");
        let (serving, stopping) = (host.serve(api, Always(directory.clone()), stop.clone()), stop.clone());
        let feeding = feeds.clone();
        let ended = tokio::spawn(async move { tokio::join!(serving, feeding.run(stopping)).0 });
        let (projections, stop_projecting) = (directory.projections().clone(), CancellationToken::new());
        let stopped = stop_projecting.clone();
        let projecting = tokio::spawn(async move { projections.run(stopped).await });
        Self { address, operations, directory, feeds, tokens, stop, ended, stop_projecting, projecting }
    }

    /// Begins to stop.
    pub(crate) fn order_stop(&self) {
        self.stop.cancel();
    }

    /// Stops in order and lets go of the store.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let drained = self.ended.await.expect("the host does not panic");
        assert_eq!(drained.connections_cut, 0, "everybody got an answer");
        self.stop_projecting.cancel();
        self.projecting.await.expect("projections do not panic");
        self.directory.store().close().await;
    }

    pub(crate) async fn post(&self, call: &str, request: &Value) -> Answer {
        post(self.address, call, &request.to_string()).await
    }

    /// The same for a caller who waits so long and no longer.
    pub(crate) async fn post_within(&self, call: &str, request: &Value, patience: Duration) -> Answer {
        let patience = patience.as_millis().to_string();
        let headers = [("connect-timeout-ms", patience.as_str())];
        post_with(self.address, call, &headers, &request.to_string()).await
    }

    /// From here on no projection follows the log.
    pub(crate) async fn stop_projecting(&self) {
        self.stop_projecting.cancel();
        while !self.projecting.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn ok(&self, call: &str, request: Value) -> Value {
        let answer = self.post(call, &request).await;
        assert_eq!(answer.status, 200, "{call} {request} is refused: {}", answer.body);
        answer.body
    }

    /// The same with headers.
    pub(crate) async fn ok_with(&self, call: &str, headers: &[Header<'_>], request: Value) -> Value {
        let answer = post_with(self.address, call, headers, &request.to_string()).await;
        assert_eq!(answer.status, 200, "{call} {request} is refused: {}", answer.body);
        answer.body
    }

    pub(crate) async fn refused(&self, call: &str, request: Value) -> String {
        let answer = self.post(call, &request).await;
        assert_ne!(answer.status, 200, "{call} {request} succeeds: {}", answer.body);
        refusal_of(&answer.body)
    }

    pub(crate) async fn grpc(&self) -> UserServiceClient<SharedHttp2Connection> {
        let uri: http::Uri = format!("http://{}", self.address).parse().expect("an address is a host");
        let connection = Http2Connection::connect_plaintext(uri.clone()).await.expect("it listens");
        UserServiceClient::new(connection.shared(16), ClientConfig::new(uri).with_protocol(Protocol::Grpc))
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("there is a free port")
}
