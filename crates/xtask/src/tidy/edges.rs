//! Dependency edges that the architecture forbids, as data. Cargo is asked what each crate reaches in production
//! with every feature on; development dependencies may reach what they like.

use super::Finding;
use crate::repository::{cargo, root};
use crate::shell;

/// Database drivers, by the name of the crate that everything else of theirs stands on.
const SQL: &[&str] =
    &["tokio-postgres", "postgres-types", "deadpool-postgres", "rusqlite", "libsqlite3-sys", "refinery"];
/// What speaks to clients.
const RPC: &[&str] = &["connectrpc", "buffa", "axum", "hyper", "tower"];
const TOKIO: &[&str] = &["tokio"];
/// Rooms above the log.
const USERS: &[&str] = &["user-domain", "user-api", "user-service"];

/// A crate and what it must never reach.
const FORBIDDEN: [(&str, &[&[&str]]); 6] = [
    ("user-domain", &[TOKIO, SQL, RPC, &["user-api", "user-service", "tracing"]]),
    ("cqrs", &[SQL, RPC, USERS, &["eventstore-postgres", "eventstore-sqlite"]]),
    ("eventstore", &[SQL, RPC, USERS, &["cqrs", "eventstore-postgres", "eventstore-sqlite"]]),
    ("eventstore-postgres", &[RPC, USERS, &["cqrs", "rusqlite", "libsqlite3-sys", "eventstore-sqlite"]]),
    (
        "eventstore-sqlite",
        &[RPC, USERS, &["cqrs", "tokio-postgres", "deadpool-postgres", "eventstore-postgres"]],
    ),
    ("user-api", &[SQL, &["user-service", "cqrs", "eventstore-postgres", "eventstore-sqlite"]]),
];

/// A crate and the only ones that may name it in their manifest. The generated types stop at the surface; the
/// campaigns are clients of it.
const RESERVED: [(&str, &[&str]); 1] = [("user-api", &["user-service", "campaigns"])];

pub(super) fn check() -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (krate, forbidden) in FORBIDDEN {
        let reached = shell::output(cargo().args(TREE).args(["--all-features", "--package", krate]))?;
        findings.extend(forbidden_edges(krate, &reached, &forbidden.concat()));
    }
    for entry in std::fs::read_dir(root().join("crates"))? {
        let krate = entry?.file_name().to_string_lossy().into_owned();
        let direct =
            shell::output(cargo().args(TREE).args(["--depth", "1", "--all-features", "--package", &krate]))?;
        findings.extend(reserved_edges(&krate, &direct));
    }
    Ok(findings)
}

const TREE: [&str; 8] = ["tree", "--quiet", "--edges", "normal", "--prefix", "none", "--format", "{p}"];

/// The crates that `cargo tree --prefix none` lists: `name v1.2.3 (path) (*)`.
fn names(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines().filter_map(|line| line.split_whitespace().next())
}

fn forbidden_edges(krate: &str, reached: &str, forbidden: &[&str]) -> Vec<Finding> {
    let mut found: Vec<_> = names(reached).filter(|name| forbidden.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    let refuse = |name: &str| {
        let advice = format!("must not reach {name}; see how: cargo tree -e normal -p {krate} -i {name}");
        Finding::new(&manifest(krate), None, advice)
    };
    found.into_iter().map(refuse).collect()
}

fn reserved_edges(krate: &str, direct: &str) -> Vec<Finding> {
    let taken = |(name, users): &&(&str, &[&str])| {
        *name != krate && !users.contains(&krate) && names(direct).any(|direct| direct == *name)
    };
    let refuse = |(name, users): &(&str, &[&str])| {
        Finding::new(&manifest(krate), None, format!("{name} is for {} alone", users.join(", ")))
    };
    RESERVED.iter().filter(taken).map(refuse).collect()
}

fn manifest(krate: &str) -> String {
    format!("crates/{krate}/Cargo.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str =
        "user-domain v0.1.0 (crates/user-domain)\ncqrs v0.1.0\ntokio v1.54.1\ntokio v1.54.1 (*)\n";

    #[test]
    fn a_forbidden_edge_is_refused_once() {
        let refused = forbidden_edges("user-domain", TREE, &["tokio", "axum"]);
        assert_eq!(refused.len(), 1);
        assert!(refused[0].message.starts_with("must not reach tokio;"));
        assert_eq!(forbidden_edges("user-domain", TREE, &["tokio-postgres"]), []);
    }

    #[test]
    fn a_reserved_crate_is_refused_to_others() {
        let tree = "x v0.1.0\nuser-api v0.1.0\n";
        assert_eq!(reserved_edges("cqrs", tree).len(), 1);
        assert_eq!(reserved_edges("user-service", tree), []);
        assert_eq!(reserved_edges("user-api", tree), []);
    }
}
