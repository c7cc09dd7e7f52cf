//! The calls by name.

use user_api::Rpc;

#[test]
fn a_path_names_a_call() {
    for rpc in Rpc::ALL {
        assert_eq!(Rpc::of_path(&format!("/user.v1.UserService/{}", rpc.name())), Some(*rpc));
    }
    assert_eq!(Rpc::ALL.iter().map(|rpc| rpc.name()).collect::<Vec<_>>(), Rpc::NAMES);
    for other in
        ["", "/", "/user.v1.UserService/", "/user.v2.UserService/GetUser", "/user.v1.UserService/GetUser/"]
    {
        assert_eq!(Rpc::of_path(other), None, "{other}");
    }
}
