//! Several services on one PostgreSQL: started together on an empty database, each sees at once what the other wrote.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::Running;
use crate::stage::{MASTER_KEY, PASSWORD, Place, post, refusal_of};

fn create(name: &str, username: &str) -> Value {
    json!({"email": format!("{name}@example.org"), "username": username, "password": PASSWORD})
}

/// One is given its master key in the environment, the other in a file.
async fn two(place: &Place) -> [Running; 2] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, MASTER_KEY).unwrap();
    let by_file = ["--master-key-file", file.to_str().unwrap()];
    let (first, second) = tokio::join!(Running::serve(place), Running::serve_with(place, &by_file, &[]));
    [first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_writes_the_other_reads_at_once() {
    let place = Place::postgres().await;
    let services = two(&place).await;
    for n in 0..10 {
        let (writer, reader) = (&services[n % 2], &services[1 - n % 2]);
        let name = format!("user{n}");
        let user = writer.ok("CreateUser", create(&name, &name)).await["user"].clone();
        assert_eq!(reader.ok("GetUser", json!({"username": name})).await["user"], user);
        let password = json!({"username": name, "password": PASSWORD});
        assert_eq!(reader.ok("VerifyPassword", password.clone()).await["valid"], json!(true));
        let left = reader.ok("DeactivateUser", json!({"id": user["id"]})).await["user"].clone();
        assert_eq!(writer.ok("GetUser", json!({"id": user["id"]})).await["user"], left);
        assert_eq!(writer.ok("VerifyPassword", password).await, json!({}), "she is out everywhere");
    }
    for service in services {
        assert_eq!(service.stop().await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_has_one_owner_whoever_is_asked() {
    let place = Place::postgres().await;
    let services = two(&place).await;
    let mut callers = JoinSet::new();
    for n in 0..8 {
        let (address, name) = (services[n % 2].address, if n % 3 == 0 { "Alice" } else { "alice" });
        let body = create(&format!("user{n}"), name).to_string();
        callers.spawn(async move { post(address, "CreateUser", &body).await });
    }
    let answers = callers.join_all().await;
    let refused = answers.iter().filter(|answer| answer.status != 200);
    let refusals: Vec<_> = refused.map(|answer| refusal_of(&answer.body)).collect();
    assert_eq!(refusals, ["already_exists USERNAME_TAKEN username"; 7]);
    for service in services {
        service.stop().await;
    }
}
