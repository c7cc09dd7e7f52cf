//! A user service that plays a scene: the id in `VerifyPassword` names it. The other calls are not
//! in the script.

use std::sync::atomic::{AtomicUsize, Ordering};

use connectrpc::{
    ConnectError, InboundStream, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream,
};
use tokio::sync::Notify;
use user_api::oneof::verify_password_request;
use user_api::v1;
use user_api::v1::UserService;

use crate::host::{CallerCertificate, Peer};

#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    /// Told once for each `wait` that has begun.
    pub(super) arrived: Notify,
    /// Lets one `wait` go on.
    pub(super) release: Notify,
    /// Scenes begun and neither ended nor dropped.
    pub(super) running: AtomicUsize,
}

struct Scene<'a>(&'a AtomicUsize);

impl<'a> Scene<'a> {
    fn begin(running: &'a AtomicUsize) -> Self {
        running.fetch_add(1, Ordering::SeqCst);
        Self(running)
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whose password is asked for: the scene to play.
pub(super) fn scene(id: &str) -> v1::VerifyPasswordRequest {
    v1::VerifyPasswordRequest {
        by: Some(verify_password_request::By::Id(id.to_owned())),
        password: "right".to_owned(),
    }
}

macro_rules! not_in_the_script {
    (
        $($method:ident($request:ident) -> $response:ty),*;
        $($upload:ident(stream $piece:ident) -> $sum:ty),* $(,)?
    ) => {
        $(async fn $method(
            &self,
            _: RequestContext,
            _: ServiceRequest<'_, v1::$request>,
        ) -> ServiceResult<$response> {
            Err(ConnectError::unimplemented("not in the script"))
        })*
        $(async fn $upload(&self, _: RequestContext, _: InboundStream<v1::$piece>) -> ServiceResult<$sum> {
            Err(ConnectError::unimplemented("not in the script"))
        })*
    };
}

#[expect(refining_impl_trait, reason = "the trait leaves the answer's type open; ours is the message itself")]
impl UserService for Rehearsal {
    async fn verify_password(
        &self,
        ctx: RequestContext,
        request: ServiceRequest<'_, v1::VerifyPasswordRequest>,
    ) -> ServiceResult<v1::VerifyPasswordResponse> {
        let _scene = Scene::begin(&self.running);
        let asked = request.to_owned_message();
        let Some(verify_password_request::By::Id(id)) = asked.by else {
            return Err(ConnectError::invalid_argument("a scene has an id"));
        };
        let user_id = match id.as_str() {
            "panic" => panic!("as the script says"),
            "wait" => {
                self.arrived.notify_one();
                self.release.notified().await;
                id
            }
            "peer" => ctx.extensions().get::<Peer>().map(|peer| peer.0.to_string()).unwrap_or_default(),
            "certificate" => {
                let shown = ctx.extensions().get::<CallerCertificate>();
                shown.map(|certificate| certificate.0.to_string()).unwrap_or_default()
            }
            "seconds left" => ctx.time_remaining().map(|left| left.as_secs().to_string()).unwrap_or_default(),
            _ => id,
        };
        Response::ok(v1::VerifyPasswordResponse { valid: asked.password == "right", user_id })
    }

    not_in_the_script! {
        create_user(CreateUserRequest) -> v1::CreateUserResponse,
        get_user(GetUserRequest) -> v1::GetUserResponse,
        batch_get_users(BatchGetUsersRequest) -> v1::BatchGetUsersResponse,
        list_users(ListUsersRequest) -> v1::ListUsersResponse,
        update_user(UpdateUserRequest) -> v1::UpdateUserResponse,
        change_password(ChangePasswordRequest) -> v1::ChangePasswordResponse,
        set_password(SetPasswordRequest) -> v1::SetPasswordResponse,
        activate_user(ActivateUserRequest) -> v1::ActivateUserResponse,
        deactivate_user(DeactivateUserRequest) -> v1::DeactivateUserResponse,
        suspend_user(SuspendUserRequest) -> v1::SuspendUserResponse,
        reinstate_user(ReinstateUserRequest) -> v1::ReinstateUserResponse,
        delete_user(DeleteUserRequest) -> v1::DeleteUserResponse,
        restore_user(RestoreUserRequest) -> v1::RestoreUserResponse,
        erase_user(EraseUserRequest) -> v1::EraseUserResponse,
        list_user_events(ListUserEventsRequest) -> v1::ListUserEventsResponse,
        list_events(ListEventsRequest) -> v1::ListEventsResponse,
        diff_user(DiffUserRequest) -> v1::DiffUserResponse,
        diff_users(DiffUsersRequest) -> v1::DiffUsersResponse,
        explain_user(ExplainUserRequest) -> v1::ExplainUserResponse,
        get_activity(GetActivityRequest) -> v1::GetActivityResponse,
        export_events(ExportEventsRequest) -> ServiceStream<v1::ExportEventsResponse>,
        export_users(ExportUsersRequest) -> ServiceStream<v1::ExportUsersResponse>,
        watch_events(WatchEventsRequest) -> ServiceStream<v1::WatchEventsResponse>;
        import_users(stream ImportUsersRequest) -> v1::ImportUsersResponse,
    }
}
