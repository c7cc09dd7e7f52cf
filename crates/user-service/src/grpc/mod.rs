//! The surface: one file per call. Each parses its request, dispatches one command or query, and answers.

mod as_of;
mod call;
mod caller_metadata;
mod errors;
mod event_filter;
pub(crate) mod event_lines;
mod fields;
mod new_password;
mod paging;
mod user;
mod user_event;
mod write;

mod activate_user;
mod batch_get_users;
mod change_password;
mod create_user;
mod deactivate_user;
mod delete_user;
mod diff_user;
mod diff_users;
mod erase_user;
mod explain_user;
mod export_events;
mod export_users;
mod get_activity;
mod get_user;
mod import_row;
mod import_turns;
mod import_users;
mod list_events;
mod list_user_events;
mod list_users;
mod list_users_as_of;
mod reinstate_user;
mod restore_user;
mod set_password;
mod suspend_user;
mod update_user;
mod verify_password;
mod watch_events;

mod cloud_event;
mod server_sent_events;
mod openapi;
#[cfg(test)]
mod outside_bytes;

use axum::Router;
use connectrpc::spec::IdempotencyLevel;
use connectrpc::{
    ConnectError, InboundStream, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream,
};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use user_api::{ApiError, Rpc, v1};

use crate::access::{Denial, Principal};
use crate::directory::Directory;
use crate::feed::Feeds;
use crate::imports::Imports;
use crate::metrics::Told;
use crate::queries::Exports;
use crate::store::Access;
use call::Call;
pub use caller_metadata::CallerMetadata;
pub(crate) use errors::of_denial;

/// The user service as callers see it.
#[derive(Clone, Debug)]
pub struct UserApi {
    directory: Directory,
    feeds: Feeds,
    exports: Exports,
    imports: Imports,
    callers: CallerMetadata,
}

impl UserApi {
    /// Serves a directory and its feeds to callers whose word about others is ignored. Exports and imports end when the
    /// feeds do.
    #[must_use]
    pub fn new(directory: Directory, feeds: Feeds) -> Self {
        let exports = Exports::new(directory.clone(), feeds.stopped());
        let imports = Imports::new(directory.clone(), feeds.stopped());
        Self { directory, feeds, exports, imports, callers: CallerMetadata::Ignored }
    }

    /// Believes callers, or does not, when they say on whose behalf they call.
    #[must_use]
    pub fn with_caller_metadata(self, callers: CallerMetadata) -> Self {
        Self { callers, ..self }
    }

    /// Where nothing can be written, whatever is not marked as free of side effects is refused, before it costs anything.
    fn refuse_to_write(&self, context: &RequestContext) -> Result<(), ApiError> {
        let reads =
            context.spec().is_some_and(|spec| spec.idempotency_level == IdempotencyLevel::NoSideEffects);
        match self.directory.access() {
            Access::Reader if !reads => Err(errors::read_only()),
            Access::Reader | Access::Owner => Ok(()),
        }
    }

    /// What is served beside the calls, for those who have only HTTP.
    pub fn beside_the_calls(&self) -> Router {
        server_sent_events::router(self.feeds.clone()).merge(openapi::router())
    }
}

/// Each method hands over to the function of its name; a stream says what it comes from, or what it goes into. The list is
/// the contract's; the compiler finds what is missing.
macro_rules! calls {
    (
        $($method:ident: $request:ident => $response:ident),*;
        $($stream:ident($of:ident): $wanted:ident => stream $part:ident),*;
        $($upload:ident($into:ident): stream $piece:ident => $sum:ident),* $(,)?
    ) => {
        #[expect(refining_impl_trait, reason = "each call answers with its own message and nothing else")]
        impl v1::UserService for UserApi {
            $(async fn $method(
                &self,
                context: RequestContext,
                request: ServiceRequest<'_, v1::$request>,
            ) -> ServiceResult<v1::$response> {
                let call = Call::of(&context, self.callers, method_of(stringify!($request)));
                let call = call.or_else(|refused| told(&context, Err(refused)))?;
                let answer = match self.refuse_to_write(&context) {
                    Ok(()) => $method::$method(&self.directory, &call, request.to_owned_message()).await,
                    Err(refused) => Err(refused),
                };
                told(&context, answer).map(Response::new)
            })*

            $(async fn $stream(
                &self,
                context: RequestContext,
                request: ServiceRequest<'_, v1::$wanted>,
            ) -> ServiceResult<ServiceStream<v1::$part>> {
                let call = Call::of(&context, self.callers, method_of(stringify!($wanted)));
                let call = call.or_else(|refused| told(&context, Err(refused)))?;
                let answers = $stream::$stream(&self.$of, &call, request.to_owned_message()).await;
                let answers = answers.map(|answers| while_admitted(&call.principal, answers));
                Ok(Response::new(told_as_stream(&context, answers)))
            })*

            $(async fn $upload(
                &self,
                context: RequestContext,
                pieces: InboundStream<v1::$piece>,
            ) -> ServiceResult<v1::$sum> {
                let call = Call::of(&context, self.callers, method_of(stringify!($piece)));
                let call = call.or_else(|refused| told(&context, Err(refused)))?;
                let answer = match self.refuse_to_write(&context) {
                    Ok(()) => tokio::select! {
                        biased;
                        denial = call.principal.withdrawn() => Err(of_denial(&denial).into()),
                        answer = $upload::$upload(&self.$into, &call, pieces) => answer,
                    },
                    Err(refused) => Err(refused.into()),
                };
                told(&context, answer).map(Response::new)
            })*
        }

    };
}

/// `GetUser`, whose request is `GetUserRequest`.
fn method_of(request: &'static str) -> Rpc {
    let name = request.trim_end_matches("Request");
    Rpc::of_name(name).expect("a request has the name of its call")
}

/// The answer, after whoever measures the call has been told how it ended.
fn told<T>(context: &RequestContext, answer: Result<T, impl Into<ConnectError>>) -> Result<T, ConnectError> {
    let answer = answer.map_err(Into::into);
    if let Some(told) = context.extensions().get::<Told>() {
        told.tell(answer.as_ref().err().map(|error| error.code));
    }
    answer
}

/// A stream, for as long as whoever began it may have it.
fn while_admitted<T: Send + 'static>(principal: &Principal, answers: ServiceStream<T>) -> ServiceStream<T> {
    let principal = principal.clone();
    let withdrawn: BoxFuture<'static, Denial> = Box::pin(async move { principal.withdrawn().await });
    Box::pin(stream::unfold(Some((answers, withdrawn)), async |going_on| {
        let (mut answers, mut withdrawn) = going_on?;
        tokio::select! {
            biased;
            denial = &mut withdrawn => Some((Err(of_denial(&denial).into()), None)),
            answer = answers.next() => answer.map(|answer| (answer, Some((answers, withdrawn)))),
        }
    }))
}

/// The same for a stream, which has not ended yet.
fn told_as_stream<T: Send + 'static>(
    context: &RequestContext,
    answers: Result<ServiceStream<T>, ApiError>,
) -> ServiceStream<T> {
    // As the only thing in the stream: an error of the call itself is told in its headers too, and some clients look no
    // further, where there is its code and none of its details.
    let answers = answers.unwrap_or_else(|error| Box::pin(stream::iter([Err(error.into())])));
    let Some(told) = context.extensions().get::<Told>().cloned() else { return answers };
    told.tell_stream();
    Box::pin(answers.inspect_err(move |error: &ConnectError| told.tell(Some(error.code))))
}

calls! {
    create_user: CreateUserRequest => CreateUserResponse,
    get_user: GetUserRequest => GetUserResponse,
    batch_get_users: BatchGetUsersRequest => BatchGetUsersResponse,
    list_users: ListUsersRequest => ListUsersResponse,
    update_user: UpdateUserRequest => UpdateUserResponse,
    change_password: ChangePasswordRequest => ChangePasswordResponse,
    set_password: SetPasswordRequest => SetPasswordResponse,
    verify_password: VerifyPasswordRequest => VerifyPasswordResponse,
    activate_user: ActivateUserRequest => ActivateUserResponse,
    deactivate_user: DeactivateUserRequest => DeactivateUserResponse,
    suspend_user: SuspendUserRequest => SuspendUserResponse,
    reinstate_user: ReinstateUserRequest => ReinstateUserResponse,
    delete_user: DeleteUserRequest => DeleteUserResponse,
    restore_user: RestoreUserRequest => RestoreUserResponse,
    erase_user: EraseUserRequest => EraseUserResponse,
    list_user_events: ListUserEventsRequest => ListUserEventsResponse,
    list_events: ListEventsRequest => ListEventsResponse,
    diff_user: DiffUserRequest => DiffUserResponse,
    diff_users: DiffUsersRequest => DiffUsersResponse,
    explain_user: ExplainUserRequest => ExplainUserResponse,
    get_activity: GetActivityRequest => GetActivityResponse;
    export_events(exports): ExportEventsRequest => stream ExportEventsResponse,
    export_users(exports): ExportUsersRequest => stream ExportUsersResponse,
    watch_events(feeds): WatchEventsRequest => stream WatchEventsResponse;
    import_users(imports): stream ImportUsersRequest => ImportUsersResponse,
}
