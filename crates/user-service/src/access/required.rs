//! What each call takes: the one table. A call of the contract that is not in it fails the build.

use user_api::Rpc;
use user_domain::Scope;

/// The feed for those who have only HTTP; the same as `WatchEvents`.
pub(crate) const FEED_PATH: &str = "/user.v1/events";

/// Load balancers have no token, and health says nothing about anybody.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// The scope that a call takes. `GetUser`, `ListUsers` and `ExportUsers` take `audit` besides when they are asked for the past,
/// and `GetActivity` tells domains of e-mail addresses only to who has it: that stands in the requests, which are read later.
#[must_use]
pub const fn scope_of(rpc: Rpc) -> Scope {
    match rpc {
        Rpc::GetUser | Rpc::BatchGetUsers | Rpc::ListUsers | Rpc::ExportUsers | Rpc::GetActivity => {
            Scope::Read
        }
        Rpc::CreateUser
        | Rpc::UpdateUser
        | Rpc::ChangePassword
        | Rpc::VerifyPassword
        | Rpc::ActivateUser
        | Rpc::DeactivateUser
        | Rpc::DeleteUser
        | Rpc::RestoreUser => Scope::Write,
        Rpc::SetPassword | Rpc::SuspendUser | Rpc::ReinstateUser | Rpc::EraseUser | Rpc::ImportUsers => {
            Scope::Admin
        }
        Rpc::ListUserEvents
        | Rpc::ListEvents
        | Rpc::ExportEvents
        | Rpc::WatchEvents
        | Rpc::DiffUser
        | Rpc::DiffUsers
        | Rpc::ExplainUser => Scope::Audit,
    }
}

/// What a path of the port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Anybody may ask.
    Health,
    /// A call, or the feed beside them.
    Call(Scope, &'static str),
    /// Reflection, the description of the JSON side, and what there is not: for whoever has a token.
    Other,
}

impl Purpose {
    pub(super) fn of(path: &str) -> Self {
        match Rpc::of_path(path) {
            Some(rpc) => Self::Call(scope_of(rpc), rpc.name()),
            None if path == FEED_PATH => Self::Call(scope_of(Rpc::WatchEvents), Rpc::WatchEvents.name()),
            None if path.starts_with(HEALTH) => Self::Health,
            None => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_takes_a_scope() {
        let line = |rpc: &Rpc| format!("{:<15} {}\n", rpc.name(), scope_of(*rpc).as_str());
        insta::assert_snapshot!(Rpc::ALL.iter().map(line).collect::<String>(), @"
        CreateUser      write
        GetUser         read
        BatchGetUsers   read
        ListUsers       read
        UpdateUser      write
        ChangePassword  write
        SetPassword     admin
        VerifyPassword  write
        ActivateUser    write
        DeactivateUser  write
        SuspendUser     admin
        ReinstateUser   admin
        DeleteUser      write
        RestoreUser     write
        EraseUser       admin
        ListUserEvents  audit
        ListEvents      audit
        ExportEvents    audit
        WatchEvents     audit
        DiffUser        audit
        DiffUsers       audit
        ExplainUser     audit
        GetActivity     read
        ImportUsers     admin
        ExportUsers     read
        ");
    }

    #[test]
    fn a_path_is_for_one_purpose() {
        let purpose = |path| Purpose::of(path);
        assert_eq!(purpose("/user.v1.UserService/EraseUser"), Purpose::Call(Scope::Admin, "EraseUser"));
        assert_eq!(purpose("/user.v1/events"), Purpose::Call(Scope::Audit, "WatchEvents"));
        assert_eq!(purpose("/grpc.health.v1.Health/Check"), Purpose::Health);
        for other in [
            "/",
            "/openapi.json",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "//user.v1.UserService/EraseUser",
        ] {
            assert_eq!(purpose(other), Purpose::Other, "{other}");
        }
    }
}
