//! Each call belongs to a kind, by what the contract says of it.

use std::sync::Arc;

use connectrpc::Dispatcher as _;
use user_api::v1::UserServiceServer;

use super::rehearsal::Rehearsal;
use crate::host::kind::{Kind, PASSWORDS};
use user_api::Rpc;

fn kind(method: &str) -> Kind {
    let users = UserServiceServer::from_arc(Arc::new(Rehearsal::default()));
    let path = format!("{}/{method}", user_api::SERVICE_NAME);
    Kind::of(&path, &users.lookup(&path).expect("it is in the contract"))
}

#[test]
fn a_call_has_the_kind_of_what_it_does() {
    for (method, expected) in [
        ("GetUser", Kind::Read),
        ("ListUsers", Kind::Read),
        ("UpdateUser", Kind::Write),
        ("EraseUser", Kind::Write),
        ("VerifyPassword", Kind::Password),
        ("WatchEvents", Kind::Stream),
    ] {
        assert_eq!(kind(method), expected, "{method}");
    }
}

#[test]
fn whatever_hashes_is_in_the_contract_and_belongs_together() {
    for method in PASSWORDS {
        assert!(Rpc::NAMES.contains(&method) && kind(method) == Kind::Password, "{method}");
    }
    let forgotten: Vec<_> = Rpc::NAMES.iter().filter(|method| method.contains("Password")).collect();
    assert!(forgotten.iter().all(|method| PASSWORDS.contains(method)), "{forgotten:?}");
}
