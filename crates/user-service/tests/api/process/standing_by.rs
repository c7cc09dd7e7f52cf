//! A synchronous standby that is away: whatever is to last waits for it, and nothing else does.

use serde_json::json;

use super::Running;
use crate::stage::{Cluster, MASTER_KEY, PASSWORD, Standby, post_with};

const KEY: (&str, &str) = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);

/// More logins than there are connections to read by.
const LOGINS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_logs_in_and_reads_waits_for_no_standby() {
    let cluster = Cluster::new().await;
    let service = Running::serve_url(&cluster.primary, &[], &[KEY]).await;
    let alice = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    let id = service.ok("CreateUser", alice).await["user"]["id"].clone();
    cluster.standby(Standby::Away).await;
    // The servers' processes learn of it one after the other.
    let patience = [("connect-timeout-ms", "500")];
    for n in 0.. {
        let change = json!({"id": id, "firstName": format!("Alice{n}")});
        if post_with(service.address, "UpdateUser", &patience, &change.to_string()).await.status != 200 {
            break;
        }
    }
    let patience = [("connect-timeout-ms", "10000")];
    for n in 0..LOGINS {
        let wrong = json!({"username": format!("nobody{n}"), "password": PASSWORD});
        let answer = post_with(service.address, "VerifyPassword", &patience, &wrong.to_string()).await;
        assert_eq!(answer.status, 200, "{n}: {}", answer.body);
    }
    let right = json!({"username": "alice", "password": PASSWORD});
    let answer = post_with(service.address, "VerifyPassword", &patience, &right.to_string()).await;
    assert_eq!(answer.body["valid"], json!(true), "{}", answer.body);
    let found = post_with(service.address, "GetUser", &patience, &json!({"id": id}).to_string()).await;
    assert_eq!(found.status, 200, "{}", found.body);
    cluster.standby(Standby::None).await;
    service.stop().await;
}
