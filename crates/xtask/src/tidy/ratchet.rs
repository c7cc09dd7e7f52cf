//! Large files may shrink, not grow: `tidy.ratchet` holds today's size of every file above the limit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context;

use super::Finding;
use super::source::File;
use crate::repository::root;

/// Lines of a file that need no entry.
const LINES_MAX: usize = 400;
const RATCHET: &str = "crates/xtask/tidy.ratchet";

/// How many of the largest are shown.
const SHOWN: usize = 5;

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let ratchet = files.iter().find(|file| file.path == RATCHET);
    let allowed = parse(ratchet.map_or("", |file| &file.text));
    let mut findings = Vec::new();
    for (path, lines) in large(files) {
        let limit = allowed.get(path).copied().unwrap_or(LINES_MAX);
        if lines > limit {
            let advice =
                format!("{lines} lines, {limit} are allowed: divide it by ideas, or argue in review");
            findings.push(Finding::new(path, None, advice));
        }
    }
    for (path, limit) in allowed {
        if !large(files).any(|(large, _)| large == path) {
            let advice = format!("{path} no longer needs its {limit} lines: cargo xtask tidy --ratchet");
            findings.push(Finding::new(RATCHET, None, advice));
        }
    }
    findings
}

pub(super) fn report(files: &[File]) {
    let mut sizes: Vec<_> = rust(files).collect();
    sizes.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    println!("Largest of {} Rust files:", sizes.len());
    for (path, lines) in sizes.into_iter().take(SHOWN) {
        println!("  {lines:>5} lines  {path}");
    }
}

pub(super) fn write(files: &[File]) -> anyhow::Result<()> {
    let mut text =
        "# Files above 400 lines and how long they may be; they may shrink, not grow.\n".to_owned();
    for (path, lines) in large(files) {
        writeln!(text, "{lines} {path}")?;
    }
    std::fs::write(root().join(RATCHET), text).with_context(|| format!("cannot write {RATCHET}"))
}

fn parse(text: &str) -> BTreeMap<&str, usize> {
    text.lines().filter_map(entry).collect()
}

/// `450 crates/a/src/b.rs`; anything else is a comment.
fn entry(line: &str) -> Option<(&str, usize)> {
    let (lines, path) = line.split_once(' ')?;
    Some((path, lines.parse().ok()?))
}

fn large(files: &[File]) -> impl Iterator<Item = (&str, usize)> {
    rust(files).filter(|(_, lines)| *lines > LINES_MAX)
}

fn rust(files: &[File]) -> impl Iterator<Item = (&str, usize)> {
    files.iter().filter(|file| file.is_rust()).map(|file| (file.path.as_str(), file.text.lines().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(lines: usize, ratchet: &str) -> Vec<String> {
        let files = [File::new("a.rs", &"\n".repeat(lines)), File::new(RATCHET, ratchet)];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_grows_past_the_limit_only_with_an_entry() {
        assert_eq!(refused(400, "# why\n"), [""; 0]);
        assert_eq!(refused(401, "# why\n").len(), 1);
        assert_eq!(refused(450, "450 a.rs\n"), [""; 0]);
        assert_eq!(refused(449, "450 a.rs\n"), [""; 0]);
        assert_eq!(refused(451, "450 a.rs\n").len(), 1);
    }

    #[test]
    fn an_entry_that_is_not_needed_any_more_goes() {
        assert_eq!(refused(300, "450 a.rs\n").len(), 1);
        assert_eq!(refused(300, "450 gone.rs\n").len(), 1);
    }
}
