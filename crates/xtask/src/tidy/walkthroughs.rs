//! What the documents point at exists: a walkthrough that leads nowhere is worse than none.
//! Decisions in `docs/adr` are left alone, they tell of their own day.

use super::Finding;
use super::source::File;

/// A backticked word that begins so is a path of this repository.
const ROOMS: [&str; 5] = ["crates/", "proto/", "docs/", "bench/", ".ci/"];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let guides = files.iter().filter(|file| is_guide(file));
    guides.flat_map(|guide| dead_ends(guide, files)).collect()
}

fn is_guide(file: &File) -> bool {
    let in_docs = file.path.starts_with("docs/") && !file.path.starts_with("docs/adr/");
    (in_docs && file.is("md")) || ["ARCHITECTURE.md", "README.md"].contains(&file.path.as_str())
}

fn dead_ends(guide: &File, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in guide.lines() {
        // Every second piece between backticks is code.
        for code in line.split('`').skip(1).step_by(2) {
            if let Some(advice) = dead_end(code, files) {
                findings.push(Finding::new(&guide.path, number, advice));
            }
        }
    }
    findings
}

/// `crates/x/src/y.rs::name` also asks that the file says `name`. Patterns with `*`, `<` or `…` are prose.
fn dead_end(code: &str, files: &[File]) -> Option<String> {
    let is_path =
        ROOMS.iter().any(|room| code.starts_with(room)) && !code.contains(['*', '<', '{', '…', ' ']);
    if !is_path {
        return None;
    }
    let (path, name) = code.split_once("::").map_or((code, None), |(path, name)| (path, Some(name)));
    let folder = format!("{}/", path.trim_end_matches('/'));
    let Some(file) = files.iter().find(|file| file.path == path || file.path.starts_with(&folder)) else {
        return Some(format!("`{path}` does not exist"));
    };
    let name = name?.trim_end_matches("()");
    let last = name.rsplit("::").next().unwrap_or(name);
    (!file.text.contains(last)).then(|| format!("`{path}` does not say `{last}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_to_nothing_is_refused() {
        let check = |text, expected: usize| {
            let files = [
                File::new("ARCHITECTURE.md", text),
                File::new("crates/log/src/append.rs", "fn append() {}\n"),
            ];
            assert_eq!(check(&files).len(), expected, "{text}");
        };
        check("1. `crates/log/src/append.rs` writes.", 0);
        check("1. `crates/log/src/append.rs::append()` writes.", 0);
        check("The log is `crates/log` or `crates/log/`, files are `crates/*/src/*.rs`.", 0);
        check("1. `crates/log/src/gone.rs` writes.", 1);
        check("1. `crates/log/src/append.rs::gone` writes.", 1);
        check("`crates/log/sr` is no folder.", 1);
    }
}
