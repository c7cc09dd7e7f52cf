//! The product's tables and statements, on both engines: what is declared is there, what is asked is understood, and
//! what is asked often uses an index.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use eventstore::{ColumnClass, ProjectionMode, Select};
use insta::{allow_duplicates, assert_snapshot};
use user_service::projections::{LAYOUTS, USERS};
use user_service::read_model::USER_READ_MODEL;
use user_service::store::TABLES;
use user_service::{doctor, metrics, queries, read_model, vault};

use crate::stage::{Place, Stage, on_both_stores};

on_both_stores!(
    every_statement_is_understood,
    what_is_read_often_is_found_by_an_index,
    a_page_of_a_status_passes_by_nobody_else,
    a_slice_of_a_search_passes_by_nobody_else,
    every_column_of_every_table_has_a_class,
);

/// The table of one row that no append writes, so that it is declared nowhere else.
const VAULT_ROOT: [(&str, ColumnClass); 3] =
    [("id", ColumnClass::Public), ("key_id", ColumnClass::Public), ("wrapped", ColumnClass::Sealed)];

/// Keyed hashes of who was asked for and who asked, for an hour at most: whom they are about cannot be told from them, so that
/// an erasure leaves them to that hour. No append writes them.
const PASSWORD_ATTEMPTS: [(&str, ColumnClass); 4] = [
    ("key", ColumnClass::Derived),
    ("failures", ColumnClass::Public),
    ("wait", ColumnClass::Public),
    ("last_at", ColumnClass::Public),
];

/// What the stores make for themselves.
const OF_THE_LOG: [&str; 9] = [
    "events",
    "claims",
    "requests",
    "log_meta",
    "projections",
    "projection_leases",
    "projection_wishes",
    "parked_events",
    "derived_tables",
];

/// Every read of the product.
fn selects() -> Vec<&'static Select> {
    let read_models =
        [read_model::STATEMENTS, read_model::SEARCH_STATEMENTS, read_model::ACTIVITY_STATEMENTS].concat();
    [&read_models, queries::STATEMENTS, metrics::STATEMENTS, doctor::STATEMENTS].concat()
}

fn statements() -> Vec<&'static str> {
    let vault = vault::STATEMENTS.concat();
    selects().into_iter().map(|select| select.sql).chain(vault).collect()
}

async fn every_statement_is_understood(stage: &Stage) {
    for statement in statements() {
        match &stage.place {
            Place::Sqlite(_) => drop(stage.place.sqlite_shell().prepare(statement).expect(statement)),
            Place::Postgres(database) => {
                let prepared = database.owner().await.prepare(statement).await;
                assert!(prepared.is_ok(), "{statement}: {prepared:?}");
            }
        }
    }
    for select in selects() {
        let answer = select.sql.split_once(" LIMIT $3) SELECT ").map_or(select.sql, |(_, answer)| answer);
        let named = answer.split(" FROM ").next().expect("a select has columns").split(',').count();
        assert_eq!(named, select.columns.len(), "{} has a kind for each column", select.sql);
    }
}

/// How the engine would answer, with parameters that it does not know.
async fn plan(place: &Place, statement: &str) -> String {
    match place {
        Place::Sqlite(_) => {
            let rows = place.rows(&format!("EXPLAIN QUERY PLAN {statement}")).await;
            rows.iter().map(|row| row[3].clone()).collect::<Vec<_>>().join("\n")
        }
        Place::Postgres(_) => {
            let parameters = (1..100).filter(|n| statement.contains(&format!("${n}"))).count();
            let unknown = vec!["NULL"; parameters].join(", ");
            // Tables of a few rows are scanned whatever the indexes: without that way out, only a missing index scans.
            let explain = format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; \
                 PREPARE asked AS {statement}; EXPLAIN EXECUTE asked({unknown})"
            );
            place.rows(&explain).await.concat().join("\n")
        }
    }
}

/// Whether a table is read from end to end. What a page puts together has names of its own, and is a few rows.
fn scans(statement: &str, plan: &str) -> bool {
    // A few rows that a page has put together are gone through, under a name of their own.
    let is_table = |name: &str| name.starts_with("user_") || ["s", "b", "e", "k", "c", "w"].contains(&name);
    let put_together = statement.contains(" FROM (");
    let mut lines = plan.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let scanned = lines.any(|words| words[0] == "SCAN" && words.get(1).is_some_and(|name| is_table(name)));
    plan.contains("Seq Scan") || if put_together { scanned } else { plan.contains("SCAN ") }
}

async fn what_is_read_often_is_found_by_an_index(stage: &Stage) {
    let users = [read_model::STATEMENTS, read_model::SEARCH_STATEMENTS, queries::STATEMENTS].concat();
    let vault = vault::STATEMENTS[1..3].concat();
    let hot = users.into_iter().map(|select| select.sql).chain(vault);
    for statement in hot {
        let plan = plan(&stage.place, statement).await;
        assert!(!scans(statement, &plan), "{statement}\n{plan}");
    }
    let scanned = plan(&stage.place, "SELECT id FROM user_read_model WHERE username = $1").await;
    assert!(
        scanned.contains("Seq Scan") || scanned.contains("SCAN "),
        "a missing index is noticed: {scanned}"
    );
}

/// The primary key has the order of a page, too. Along it a page of a rare status would look at everybody.
async fn a_page_of_a_status_passes_by_nobody_else(stage: &Stage) {
    let pages = read_model::STATEMENTS.iter().filter(|select| select.sql.contains("UNION ALL"));
    for page in pages {
        let plan = plan(&stage.place, page.sql).await;
        assert_eq!(plan.matches("user_read_model_by_status").count(), 4, "{plan}");
    }
}

/// How many looks at an index begin at a place and end where enough is found, which is so if nothing is sorted before.
fn looks_that_end(place: &Place, plan: &str) -> usize {
    match place {
        Place::Sqlite(_) => plan.lines().filter(|line| line.contains("(status=? AND (")).count(),
        Place::Postgres(_) => {
            let lines: Vec<_> = plan.lines().map(|line| line.trim_start_matches([' ', '-', '>'])).collect();
            let look = |lines: &&[&str]| {
                lines[0].starts_with("Limit ")
                    && lines[1].starts_with("Index Scan ")
                    && lines[2].starts_with("Index Cond: ((status = $")
                    && lines[2].contains(" AND (ROW(")
            };
            lines.windows(3).filter(look).count()
        }
    }
}

/// In every order, whatever the statuses: four looks at its own index, and what is sorted is no more than what was asked for.
async fn a_slice_of_a_search_passes_by_nobody_else(stage: &Stage) {
    let indexes = ["entry", "change", "address", "name"].map(|order| format!("user_search_by_{order}"));
    let slices = read_model::SEARCH_STATEMENTS.iter().filter(|select| select.sql.contains("looked_at"));
    for (n, slice) in slices.enumerate() {
        let plan = plan(&stage.place, slice.sql).await;
        assert_eq!(plan.matches(&indexes[n / 2]).count(), 4, "{plan}");
        assert_eq!(looks_that_end(&stage.place, &plan), 4, "{plan}");
    }
    let counted = read_model::SEARCH_STATEMENTS.iter().find(|select| select.sql.starts_with("SELECT COUNT"));
    let plan = plan(&stage.place, counted.expect("users are counted").sql).await;
    assert_eq!(plan.matches("user_search_by_entry").count(), 4, "{plan}");
}

/// Every column in the store that is not the log's: table, column.
async fn columns(place: &Place) -> BTreeSet<(String, String)> {
    let ask = match place {
        Place::Sqlite(_) => {
            "SELECT t.name, c.name FROM pragma_table_list t, pragma_table_info(t.name) c \
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'"
        }
        Place::Postgres(_) => {
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE table_schema IN ('user_service', 'user_service_vault')"
        }
    };
    let of_the_log = |table: &str| OF_THE_LOG.contains(&table) || table.ends_with("_schema_history");
    // What a text is found by is the store's affair.
    let of_an_index = |table: &str| table.contains("_trigrams");
    let rows = place.rows(ask).await;
    rows.into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .filter(|(table, _)| !of_the_log(table) && !of_an_index(table))
        .collect()
}

fn declared() -> Vec<(&'static str, &'static str, ColumnClass)> {
    let inline = TABLES.iter().flat_map(|table| table.columns.iter().map(|c| (table.name, c.name, c.class)));
    let asynchronous = LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async);
    let projected = asynchronous.flat_map(|layout| layout.tables);
    let projected = projected.flat_map(|table| table.columns.iter().map(|c| (table.name, c.name, c.class)));
    let vault_root = VAULT_ROOT.map(|(column, class)| ("vault_root", column, class));
    let attempts = PASSWORD_ATTEMPTS.map(|(column, class)| ("password_attempts", column, class));
    inline.chain(projected).chain(vault_root).chain(attempts).collect()
}

#[test]
fn the_projection_of_the_read_model_is_the_read_model() {
    let [table] = USERS.tables else { panic!("it is one table") };
    assert_eq!((table.name, table.columns), (USER_READ_MODEL.name, USER_READ_MODEL.columns));
    assert_eq!(USERS.revision, USER_READ_MODEL.generation);
    assert_eq!((table.key_columns, table.counters), (1, &[][..]));
}

async fn every_column_of_every_table_has_a_class(stage: &Stage) {
    let declared = declared();
    let named = declared.iter().map(|(table, column, _)| ((*table).to_owned(), (*column).to_owned()));
    assert_eq!(named.collect::<BTreeSet<_>>(), columns(&stage.place).await);
    let mut table = String::new();
    for (name, column, class) in declared {
        writeln!(table, "{name}.{column}: {class:?}").unwrap();
    }
    allow_duplicates! {
        assert_snapshot!(table, @r#"
        user_read_model.id: Id
        user_read_model.email: Derived
        user_read_model.username: Derived
        user_read_model.first_name: Derived
        user_read_model.last_name: Derived
        user_read_model.avatar_url: Derived
        user_read_model.status: Public
        user_read_model.standing: Public
        user_read_model.created_at: Public
        user_read_model.last_updated: Public
        user_read_model.deleted_at: Public
        user_read_model.version: Public
        user_read_model.position: Public
        user_secret.user_id: Id
        user_secret.key_id: Public
        user_secret.wrapped_key: Sealed
        user_secret.credential_version: Public
        user_secret.hash: Sealed
        user_secret.changed_at: Public
        api_token.token_id: Id
        api_token.name: Public
        api_token.scopes: Public
        api_token.created_at: Public
        api_token.expires_at: Public
        api_token.secret_hash: Sealed
        user_search.id: Id
        user_search.email: Derived
        user_search.username: Derived
        user_search.first_name: Derived
        user_search.last_name: Derived
        user_search.avatar_url: Derived
        user_search.status: Public
        user_search.standing: Public
        user_search.created_at: Public
        user_search.last_updated: Public
        user_search.deleted_at: Public
        user_search.version: Public
        user_search.position: Public
        user_search.email_key: Derived
        user_search.username_key: Derived
        user_search.folded: Derived
        user_search.created_position: Public
        user_history.id: Id
        user_history.version: Public
        user_history.from_position: Public
        user_history.to_position: Public
        user_history.from_time: Public
        user_history.email: Derived
        user_history.username: Derived
        user_history.first_name: Derived
        user_history.last_name: Derived
        user_history.avatar_url: Derived
        user_history.status: Public
        user_history.standing: Public
        user_history.created_at: Public
        user_history.last_updated: Public
        user_history.deleted_at: Public
        user_history.email_claim: Derived
        user_history.username_claim: Derived
        user_history.created_position: Public
        activity_user.id: Id
        activity_user.status: Public
        activity_user.standing: Public
        activity_user.email_domain: Derived
        activity_day.day: Public
        activity_day.event_type: Public
        activity_day.events: Public
        activity_status.day: Public
        activity_status.status: Public
        activity_status.change: Public
        vault_root.id: Public
        vault_root.key_id: Public
        vault_root.wrapped: Sealed
        password_attempts.key: Derived
        password_attempts.failures: Public
        password_attempts.wait: Public
        password_attempts.last_at: Public
        "#);
    }
}
