//! Every shape of the statement is one that the server understands and that reads no table from end to end.

use eventstore::Append;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::parts::{parts, place};
use super::statement::text;
use crate::appends::{TABLES, changed, created, erased, event, options};
use crate::connection::APPEND_SETTINGS;
use crate::database::Database;
use crate::migrate;
use crate::verdict;

/// Commands on their own, and every two of them together: each part alone and as many, with and without stamps.
fn batches() -> Vec<Vec<Append>> {
    let mut nothing = event(5, 1);
    nothing.request = created(5).request;
    nothing.events.clear();
    let alone = [created(1), changed(2, 1), erased(3, 1), event(4, 1), event(6, 0), nothing];
    let pairs = alone.iter().flat_map(|one| alone.iter().map(|other| vec![one.clone(), other.clone()]));
    pairs.chain(alone.iter().map(|append| vec![append.clone()])).chain([alone.to_vec()]).collect()
}

/// The plan that is used for any parameters.
async fn plan(client: &Client, sql: &str) -> String {
    let parameters =
        client.prepare(sql).await.unwrap_or_else(|error| panic!("{error:?}: {sql}")).params().len();
    client.batch_execute(&format!("PREPARE explained AS {sql}")).await.unwrap();
    let nulls = vec!["NULL"; parameters].join(", ");
    let rows = client.simple_query(&format!("EXPLAIN EXECUTE explained({nulls})")).await.unwrap();
    client.batch_execute("DEALLOCATE explained").await.unwrap();
    let line = |row: &SimpleQueryMessage| match row {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    rows.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn no_shape_of_the_statement_scans_a_table() {
    let database = Database::new().await;
    let options = options(&database.url);
    migrate(&options).await.unwrap();
    let client = database.owner().await;
    client.batch_execute(APPEND_SETTINGS).await.unwrap();
    let mut texts: Vec<_> = batches().iter().map(|batch| text(&parts(&place(batch), TABLES))).collect();
    texts.sort_unstable();
    texts.dedup();
    assert!(texts.len() > 20, "the batches differ");
    texts.extend(verdict::texts(TABLES));
    for sql in texts {
        let plan = plan(&client, &sql).await;
        assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}");
        assert!(!plan.contains("Hash Join") && !plan.contains("Merge Join"), "{sql}\n{plan}");
    }
}
