//! `bench echo`: the service's messages from a map in memory, on the stack that the product is made of, with nothing around
//! it. Its dispatcher is written out as the generated one is: the router that looks calls up costs 6 to 8 %.

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

use super::{Call, PEOPLE, people};

#[derive(Debug, clap::Args)]
pub(crate) struct Echo {}

impl Echo {
    /// Serves until it is killed, with as many threads as the service would have here.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Self {} = self;
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())
    }
}

async fn serve() -> anyhow::Result<ExitCode> {
    let users: HashMap<_, _> =
        (0..PEOPLE).map(|number| (people::id(number).to_string(), user(number))).collect();
    let service = ConnectRpcService::new(Users(Arc::new(users)));
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
struct Users(Arc<HashMap<String, v1::User>>);

impl Users {
    fn found(&self, id: &str) -> Result<v1::User, ConnectError> {
        self.0.get(id).cloned().ok_or_else(|| ConnectError::not_found("nobody"))
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
                let user = MessageField::some(users.found(id)?);
                Response::new(v1::GetUserResponse { user, position: 1 }).encode::<v1::GetUserResponse>(format)
            }),
            Some(Call::Update) => Box::pin(async move {
                let body = request_proto_bytes::<v1::UpdateUserRequest>(request.encoded()?, format)?;
                let request: UpdateUserRequestView<'_> =
                    decode_borrowed_request_view(&body, options.decode_options())?;
                let mut user = users.found(request.id)?;
                user.first_name = request.first_name.map(str::to_owned);
                let user = MessageField::some(user);
                let answer = v1::UpdateUserResponse { user, position: 1, replayed: false };
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
