//! A store of a release before: what the new one makes of its rows.

use serde_json::json;

use super::{Running, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place};

const TABLES_OF_BEFORE: &str = include_str!("../../../migrations/sqlite/V2__projections.sql");

/// The table and its indexes, as they were before there was an index of trigrams.
fn search_of_before() -> String {
    let about = |statement: &&str| {
        statement.contains("CREATE TABLE user_search (") || statement.contains("ON user_search (")
    };
    TABLES_OF_BEFORE.split_inclusive(';').filter(about).collect()
}

#[tokio::test]
async fn users_of_before_are_found_once_their_rows_have_been_made_anew() {
    let place = Place::sqlite();
    let service = Running::serve(&place).await;
    for name in ["ada", "grace", "joan"] {
        let user = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
        service.ok("CreateUser", user).await;
    }
    service.stop().await;
    let before = format!(
        "DROP TABLE user_search; DROP TABLE user_search_trigrams; {}
        DELETE FROM product_schema_history WHERE version >= 7;
        UPDATE projections SET revision = 1 WHERE name = 'user_search';",
        search_of_before()
    );
    place.sqlite_shell().execute_batch(&before).unwrap();
    let service = Running::serve(&place).await;
    for (text, expected) in [("race@exam", 1), ("example", 3), ("nobody", 0)] {
        let found = service.ok("ListUsers", json!({"filter": {"query": text}, "minPosition": "3"})).await;
        let users = found["users"].as_array().map_or(0, Vec::len);
        assert_eq!(users, expected, "{text}: {found}");
    }
    service.stop().await;
    let said =
        user_service(&["doctor", "--store", &place.url()], &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
}
