//! `bench echo`: the service's messages on the stack that the product is made of, with nothing around it; from a map in memory,
//! or from a database by the product's own statement. Its dispatcher is written out as the generated one is: the router that
//! looks calls up costs 6 to 8 %.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use buffa::MessageField;
use bytes::Bytes;
use connectrpc::dispatcher::codegen::{
    MethodDescriptor, RequestStream, StreamingResult, UnaryResult, decode_borrowed_request_view,
    request_proto_bytes, unimplemented_streaming, unimplemented_unary,
};
use connectrpc::{
    CodecFormat, ConnectError, ConnectRpcService, Dispatcher, Payload, RequestContext, Response,
};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::TcpListener;
use user_api::oneof::view::get_user_request::By;
use user_api::v1;
use user_api::v1::__buffa::view::{GetUserRequestView, UpdateUserRequestView};

use super::statement::Statement;
use super::{Call, PEOPLE, people};

#[derive(Debug, clap::Args)]
pub(crate) struct Echo {
    /// Where users are read from; if nowhere, they are made up
    #[arg(long, env = ECHOED_DATABASE, hide_env_values = true)]
    database: Option<String>,
}

pub(super) const ECHOED_DATABASE: &str = "BENCH_ECHO_DATABASE";

impl Echo {
    /// Serves until it is killed, with as many threads as the service would have here.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let users = match self.database {
            Some(url) => Users::Database(Statement::on(&url)?),
            None => Users::made_up(),
        };
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(users))
    }
}

async fn serve(users: Users) -> anyhow::Result<ExitCode> {
    let service = ConnectRpcService::new(users);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("users http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        let connection =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
        // It ends with its caller; what it has to say then concerns nobody.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// A user as the service would show her.
fn user(number: usize) -> v1::User {
    let time = || MessageField::some(Timestamp::UNIX_EPOCH.into());
    v1::User {
        id: people::id(number).to_string(),
        email: people::email(number),
        username: people::username(number),
        first_name: Some(people::FIRST_NAME.to_owned()),
        last_name: Some(people::LAST_NAME.to_owned()),
        status: v1::UserStatus::Active.into(),
        created_at: time(),
        updated_at: time(),
        etag: "AZsDxQAAcAGAAAAAAAAAAAAAAAAAAAAB".to_owned(),
        ..v1::User::default()
    }
}

#[derive(Clone)]
enum Users {
    Memory(Arc<HashMap<String, v1::User>>),
    Database(Statement),
}

impl Users {
    fn made_up() -> Self {
        let made_up = |number| (people::id(number).to_string(), user(number));
        Self::Memory(Arc::new((0..PEOPLE).map(made_up).collect()))
    }

    /// She, and the position of her last event.
    async fn found(&self, id: &str) -> Result<(v1::User, u64), ConnectError> {
        let found = match self {
            Self::Memory(users) => users.get(id).map(|user| (user.clone(), 1)),
            Self::Database(statement) => {
                let id = id.parse().map_err(|_| ConnectError::invalid_argument("no id"))?;
                let found = statement.user(id).await;
                found.map_err(|error| ConnectError::internal(format!("{error:#}")))?
            }
        };
        found.ok_or_else(|| ConnectError::not_found("nobody"))
    }
}

impl Dispatcher for Users {
    fn lookup(&self, path: &str) -> Option<MethodDescriptor> {
        Call::ECHOED.into_iter().any(|call| call.path() == path).then(|| MethodDescriptor::unary(false))
    }

    fn call_unary(
        &self,
        path: &str,
        context: RequestContext,
        request: Payload,
        format: CodecFormat,
    ) -> UnaryResult {
        let (users, options) = (self.clone(), context);
        match Call::ECHOED.into_iter().find(|call| call.path() == path) {
            Some(Call::Get) => Box::pin(async move {
                let body = request_proto_bytes::<v1::GetUserRequest>(request.encoded()?, format)?;
                let request: GetUserRequestView<'_> =
                    decode_borrowed_request_view(&body, options.decode_options())?;
                let Some(By::Id(id)) = request.by else {
                    return Err(ConnectError::invalid_argument("by id only"));
                };
                let (user, position) = users.found(id).await?;
                let answer = v1::GetUserResponse { user: MessageField::some(user), position };
                Response::new(answer).encode::<v1::GetUserResponse>(format)
            }),
            Some(Call::Update) => Box::pin(async move {
                let body = request_proto_bytes::<v1::UpdateUserRequest>(request.encoded()?, format)?;
                let request: UpdateUserRequestView<'_> =
                    decode_borrowed_request_view(&body, options.decode_options())?;
                let (mut user, position) = users.found(request.id).await?;
                user.first_name = request.first_name.map(str::to_owned);
                let user = MessageField::some(user);
                let answer = v1::UpdateUserResponse { user, position, replayed: false };
                Response::new(answer).encode::<v1::UpdateUserResponse>(format)
            }),
            Some(Call::Verify) | None => unimplemented_unary(path),
        }
    }

    fn call_server_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: Bytes,
        _: CodecFormat,
    ) -> StreamingResult {
        unimplemented_streaming(path)
    }

    fn call_client_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: RequestStream,
        _: CodecFormat,
    ) -> UnaryResult {
        unimplemented_unary(path)
    }

    fn call_bidi_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: RequestStream,
        _: CodecFormat,
    ) -> StreamingResult {
        unimplemented_streaming(path)
    }
}
