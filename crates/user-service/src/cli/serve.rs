//! `serve`: put the service together, serve, and stop in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use cqrs::projection::RunnerSettings;
use eventstore::Warning;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use user_domain::PasswordPolicy;

use super::limits::LimitArgs;
use super::protection::Protection;
use super::restore::reapply;
use super::settings::{ErasureArgs, KeyArgs, StoreArgs, announce_key};
use crate::access::{Gate, TokenRule, Tokens};
use crate::data_folder::{DataFolder, Freshness};
use crate::directory::{Directory, LookAlikes, Parts};
use crate::feed::Feeds;
use crate::grpc::{CallerMetadata, UserApi};
use crate::host::{Api, Host, Readiness, ReadinessCheck, WebOrigin};
use crate::passwords::{HashingCost, Passwords};
use crate::projections::runner_settings;
use crate::readiness::{LagMeans, LagPolicy};
use crate::store::{Access, Notify, StoreOptions, StoreUrl};
use crate::tls::ServerTls;
use crate::{Sources, admin, erasures, housekeeping, readiness};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Where callers reach the service: gRPC, gRPC-Web and JSON on one port. `GRPC_PORT` sets the port alone
    #[arg(long, env = "USER_SERVICE_GRPC_ADDR", default_value = "127.0.0.1:9090")]
    grpc_addr: SocketAddr,
    /// Where /healthz, /readyz and /metrics are. `PORT` sets the port alone
    #[arg(long, env = "USER_SERVICE_HTTP_ADDR", default_value = "127.0.0.1:8080")]
    http_addr: SocketAddr,
    #[command(flatten)]
    protection: Protection,
    /// Web pages of this origin (its scheme, host and port) may call. May be repeated; in the environment with commas between
    #[arg(
        long = "allow-origin",
        env = "USER_SERVICE_ALLOW_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    allow_origins: Vec<WebOrigin>,
    /// Believe callers who say on whose behalf they call (x-actor-id, x-request-id, x-correlation-id, x-causation-id,
    /// x-source-address or x-forwarded-for, x-user-agent, traceparent). Only where nobody but services of your own
    /// reaches the port, and they overwrite what they were sent themselves
    #[arg(long, env = "USER_SERVICE_TRUST_CALLER_METADATA")]
    trust_caller_metadata: bool,
    /// Where whoever runs the service reaches it; admin.sock in the data folder of an embedded store if absent
    #[arg(long, env = "USER_SERVICE_ADMIN_SOCKET")]
    admin_socket: Option<PathBuf>,
    /// How late a projection may be, in seconds, before /readyz names it
    #[arg(long, env = "USER_SERVICE_PROJECTION_LAG_READY_MAX_SECONDS", default_value_t = 60)]
    projection_lag_ready_max_seconds: u32,
    /// What a projection that is later than that, or paused, is taken for
    #[arg(long, env = "USER_SERVICE_PROJECTION_LAG_MEANS", value_enum, default_value_t)]
    projection_lag_means: LagMeans,
    /// Do not bring the store to this binary's schema at start; `migrate` has done it
    #[arg(long, env = "USER_SERVICE_NO_MIGRATE")]
    no_migrate: bool,
    /// Serve reads alone: from a streaming replica of PostgreSQL, or beside the service that owns an embedded store. Nothing is
    /// written; commands and `VerifyPassword` are refused with `READ_ONLY`, and `min_position` waits for what is still on its way
    #[arg(long, env = "USER_SERVICE_READ_ONLY")]
    read_only: bool,
    #[command(flatten)]
    erasures: ErasureArgs,
    /// For how many hours a request id is remembered: a retry within them is executed once. 1 or more
    #[arg(long, env = "USER_SERVICE_REQUEST_RETENTION_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    request_retention_hours: u32,
    /// The least bytes of a new password; 8 or more
    #[arg(long, env = "USER_SERVICE_PASSWORD_BYTES_MIN", default_value_t = 8)]
    password_bytes_min: usize,
    /// How many wrong passwords a caller (by her address) has in a minute, whomever she asks for; 0 for any number
    #[arg(long, env = "USER_SERVICE_PASSWORD_FAILURES_PER_CALLER_MAX", default_value_t = PasswordPolicy::CALLER_FAILURES_MAX)]
    password_failures_per_caller_max: u32,
    /// What becomes of a new username that looks like another user's, as `marlo` like `mario` and `paypa1` like `paypal`. Exactly
    /// the same name is refused in any case; so are names like `admin` and their look-alikes
    #[arg(long, env = "USER_SERVICE_LOOK_ALIKES", value_enum, default_value_t)]
    look_alikes: LookAlikes,
    /// Memory of a password hash in KiB; 19456 or more
    #[arg(long, env = "USER_SERVICE_ARGON2_MEMORY_KIB", default_value_t = 19_456)]
    argon2_memory_kib: u32,
    /// Passes of a password hash; 2 or more
    #[arg(long, env = "USER_SERVICE_ARGON2_PASSES", default_value_t = 2)]
    argon2_passes: u32,
    /// Lanes of a password hash; 1 or more
    #[arg(long, env = "USER_SERVICE_ARGON2_LANES", default_value_t = 1)]
    argon2_lanes: u32,
    /// After how many seconds without a sign of life another instance takes over a projection; 1 or more
    #[arg(long, env = "USER_SERVICE_PROJECTION_LEASE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    projection_lease_seconds: u32,
    /// With more users than this whose events a projection cannot take it pauses, until somebody has looked
    #[arg(long, env = "USER_SERVICE_PROJECTION_PARKED_MAX", default_value_t = 100)]
    projection_parked_max: usize,
    /// How many users are kept in memory for `GetUser` by id, where the store is embedded; about 600 bytes each, 0 for none.
    /// Each change takes effect before whoever asked for it is answered. With PostgreSQL every read reads the database
    #[arg(long, env = "USER_SERVICE_CACHED_USERS_MAX", default_value_t = 50_000)]
    cached_users_max: usize,
    /// How many users, drawn at random, are checked against the log every ten minutes, as `doctor --sample` does; 0 for
    /// none. What is wrong is logged, and counted
    #[arg(long, env = "USER_SERVICE_DOCTOR_SAMPLE_USERS", default_value_t = 20)]
    doctor_sample_users: usize,
    #[command(flatten)]
    limits: LimitArgs,
}

impl ServeArgs {
    fn runner(&self) -> RunnerSettings {
        RunnerSettings {
            lease_ttl: Duration::from_secs(self.projection_lease_seconds.into()),
            parked_streams_max: self.projection_parked_max,
            ..runner_settings()
        }
    }

    fn lag(&self) -> LagPolicy {
        let remarked_after = Duration::from_secs(self.projection_lag_ready_max_seconds.into());
        LagPolicy { remarked_after, means: self.projection_lag_means }
    }

    fn access(&self) -> Access {
        if self.read_only { Access::Reader } else { Access::Owner }
    }

    /// Who only reads checks nobody: she could not have anything mended.
    fn sample(&self) -> usize {
        if self.read_only { 0 } else { self.doctor_sample_users }
    }

    fn callers(&self) -> CallerMetadata {
        if self.trust_caller_metadata { CallerMetadata::Trusted } else { CallerMetadata::Ignored }
    }
}

/// Where the two doors are.
#[derive(Clone, Copy)]
struct Addresses {
    grpc: SocketAddr,
    http: SocketAddr,
}

/// A service that is ready to serve.
struct Service {
    directory: Directory,
    folder: Option<DataFolder>,
    freshness: Freshness,
}

pub(super) async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let addresses = Addresses { grpc: args.grpc_addr, http: args.http_addr };
    args.protection.suffices(addresses.grpc, addresses.http)?;
    let service = open(&args).await?;
    let owns = args.access() == Access::Owner;
    let list = args.erasures.list(&args.store.store).filter(|_| owns);
    if let Some(list) = &list {
        reapply(&service.directory, list).await?;
    }
    let stop = stop_signal()?;
    let tls = args.protection.tls.open(service.directory.metrics().certificates())?;
    let host = Host {
        api: listen(addresses.grpc).await?,
        operations: listen(addresses.http).await?,
        tls,
        limits: args.limits.host(),
    };
    let socket = args.admin_socket.clone().or_else(|| service.folder.as_ref().map(DataFolder::admin_socket));
    let admin = socket.map(|socket| admin::listen(&socket)).transpose()?;
    let warnings = service.directory.store().warnings().await;
    announce(&args, &service, &host, &warnings)?;
    let feeds = Feeds::new(service.directory.clone(), args.limits.feeds());
    let users = UserApi::new(service.directory.clone(), feeds.clone()).with_caller_metadata(args.callers());
    let routes = users.beside_the_calls();
    let metrics = service.directory.metrics();
    let tokens = Tokens::new(service.directory.clone());
    let gate = Gate::new(tokens.clone(), args.protection.tokens());
    let gate = gate.with_scopes_of_certificates(args.protection.of_certificates());
    let api = Api::new(Arc::new(users), &host.limits, metrics.bounds()).beside(routes).behind(gate);
    let api = if args.protection.is_called_by_others() { api } else { api.for_this_machine() };
    let api = api.for_pages_of(&args.allow_origins).measured(metrics.calls(), args.callers().into());
    let readiness = Watched { directory: service.directory.clone(), lag: args.lag() };
    let serve_admin = async {
        if let Some(admin) = admin {
            admin::serve(admin, service.directory.clone(), tokens, stop.clone()).await;
        }
    };
    let follow_certificates = follow_certificates(host.tls.clone(), stop.clone())?;
    // The host drains first: calls that have begun may wait for a projection.
    let drained = CancellationToken::new();
    let projecting = async {
        if owns {
            service.directory.projections().run(drained.clone()).await;
        }
    };
    let serving = async {
        let served = host.serve(api, readiness, stop.clone()).await;
        drained.cancel();
        served
    };
    let kept = SignedDuration::from_hours(args.request_retention_hours.into());
    let forget = async {
        if owns {
            let attempts = housekeeping::forget_old_attempts(service.directory.clone(), stop.clone());
            tokio::join!(
                housekeeping::forget_old_requests(service.directory.clone(), kept, stop.clone()),
                attempts
            );
        }
    };
    let write_erasures_down = async {
        if let Some(list) = list {
            erasures::follow(service.directory.clone(), list, stop.clone()).await;
        }
    };
    let feed = feeds.run(stop.clone());
    let rounds = service.directory.metrics().rounds();
    let doctor = rounds.run(service.directory.clone(), args.sample(), stop.clone());
    let (drained, (), (), (), (), (), (), ()) = tokio::join!(
        serving,
        projecting,
        serve_admin,
        forget,
        feed,
        write_erasures_down,
        doctor,
        follow_certificates
    );
    service.directory.store().close().await;
    tracing::info!(connections_cut = drained.connections_cut, "stopped");
    Ok(())
}

async fn open(args: &ServeArgs) -> anyhow::Result<Service> {
    match args.access() {
        Access::Owner => own(args).await,
        Access::Reader => read(args).await,
    }
}

/// Whoever only reads finds a store that others have made, and leaves the folder to them.
async fn read(args: &ServeArgs) -> anyhow::Result<Service> {
    let keys = args.key.of_existing(&args.store.store)?;
    // A replica refuses to listen.
    let options = StoreOptions { notify: Notify::Off, ..args.store.options(Access::Reader) };
    let store = options.open().await?;
    let directory = Directory::open_to_read(store, Parts::of_an_operator(keys)).await?;
    Ok(Service { directory, folder: None, freshness: Freshness::Kept })
}

async fn own(args: &ServeArgs) -> anyhow::Result<Service> {
    let sources = Sources::system();
    let policy = PasswordPolicy::at_least(args.password_bytes_min).with_context(|| {
        format!("--password-bytes-min must be between 8 and 1024, not {}", args.password_bytes_min)
    })?;
    let policy = policy.with_caller_failures_max(args.password_failures_per_caller_max);
    let cost = HashingCost::at_least_floor(args.argon2_memory_kib, args.argon2_passes, args.argon2_lanes)?;
    let folder = match &args.store.store {
        StoreUrl::Sqlite(path) => Some(DataFolder::take(DataFolder::of(path))?),
        StoreUrl::Postgres(_) => None,
    };
    let (keys, freshness) = args.key.of_store(&args.store.store, folder.as_ref(), &sources)?;
    let options = args.store.options(Access::Owner);
    if !args.no_migrate {
        options.migrate().await?;
    }
    let store = options.open().await?;
    let passwords = Passwords::new(cost, sources.clone());
    let (look_alikes, runner) = (args.look_alikes, args.runner());
    let cached_users_max = args.cached_users_max;
    let parts = Parts { keys, passwords, policy, look_alikes, sources, runner, cached_users_max };
    let directory = Directory::open(store, parts).await?;
    Ok(Service { directory, folder, freshness })
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Cancelled by SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: what has begun is finished");
        stopped.cancel();
    });
    Ok(stop)
}

/// Takes certificates anew when their files change, and at SIGHUP. Without TLS that ends the process, as it does when the
/// terminal is closed that it was started from.
fn follow_certificates(
    tls: Option<ServerTls>,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()>> {
    let tls = tls.map(|tls| anyhow::Ok((tls, signal(SignalKind::hangup())?))).transpose()?;
    Ok(async move {
        if let Some((tls, hangup)) = tls {
            tls.follow(hangup, stop).await;
        }
    })
}

/// Says where everything is, and what to try.
fn announce(args: &ServeArgs, service: &Service, host: &Host, warnings: &[Warning]) -> anyhow::Result<()> {
    let (api, operations) = host.urls()?;
    say!("user-service {}", env!("CARGO_PKG_VERSION"));
    say!("  users       {api}   gRPC, gRPC-Web and JSON, with reflection");
    say!("  operations  {operations}   /healthz, /readyz, /metrics");
    say!("  data        {}", args.store.shown());
    announce_key(&args.store.store, service.freshness);
    for warning in warnings {
        say!("  !! {warning}");
    }
    if args.read_only {
        say!("  reads only  commands are refused with READ_ONLY");
    }
    say!();
    say!("Try:");
    let curl = if host.tls.is_some() { "curl -s --cacert CA.pem" } else { "curl -s" };
    let curl = match args.protection.tokens() {
        TokenRule::Required => format!("{curl} -H \"authorization: Bearer $(cat TOKEN_FILE)\""),
        TokenRule::Optional => curl.to_owned(),
    };
    if !args.read_only {
        say!("  {curl} {api}/user.v1.UserService/CreateUser -H 'content-type: application/json' \\");
        say!(
            "    -d '{{\"email\":\"alice@example.org\",\"username\":\"alice\",\"password\":\"correct horse battery\"}}'"
        );
    }
    say!("  {curl} {api}/user.v1.UserService/ListUsers -H 'content-type: application/json' -d '{{}}'");
    Ok(())
}

/// Looks at the service when operations is asked.
struct Watched {
    directory: Directory,
    lag: LagPolicy,
}

impl ReadinessCheck for Watched {
    async fn readiness(&self) -> Readiness {
        readiness::in_time(self.look()).await
    }

    async fn metrics(&self) -> String {
        self.directory.measurements().await
    }
}

impl Watched {
    async fn look(&self) -> Readiness {
        let store = self.directory.store();
        let mut warnings = store.warnings().await;
        if self.directory.access() == Access::Reader {
            // The others are about appends.
            warnings.retain(|warning| *warning == Warning::StoreDown);
        }
        let behind = store.replay_lag().await.unwrap_or_default();
        let projections = self.directory.projections().status().await;
        if let Err(error) = &projections {
            tracing::warn!(%error, "the projections cannot be looked at");
        }
        readiness::weigh(&warnings, projections.as_deref().ok(), behind, self.lag)
    }
}
