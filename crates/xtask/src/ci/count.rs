//! Counts tests while they run, from what the test runners print.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read, Write, stdout};
use std::process::{Command, ExitStatus};

use anyhow::Context;

use crate::shell;

/// What is kept of what a command prints, to be shown again where it failed.
const LAST_LINES: usize = 25;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// Runs a command in view of the user and counts the tests that it reports. Also returns its last lines.
    pub(super) fn watch(&mut self, command: &mut Command) -> anyhow::Result<(ExitStatus, Vec<u8>)> {
        println!("$ {}", shell::line(command));
        // One pipe for both streams: their lines stay in order.
        let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
        let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
        // The command holds our ends of the pipe; it would never end with them.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let last = self.copy(reader, stdout())?;
        Ok((child.wait()?, last))
    }

    /// Line by line, so that a user sees what happens while it does.
    fn copy(&mut self, from: impl Read, mut to: impl Write) -> std::io::Result<Vec<u8>> {
        let mut last = VecDeque::new();
        for line in BufReader::new(from).split(b'\n') {
            let mut line = line?;
            self.read(&String::from_utf8_lossy(&line));
            line.push(b'\n');
            to.write_all(&line)?;
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
        to.flush()?;
        Ok(last.into_iter().flatten().collect())
    }

    /// Adds up the summary lines of nextest (`Summary [ 1.2s] 5 tests run: 4 passed, 1 failed, 0 skipped`) and of
    /// Cargo's own runner (`test result: ok. 5 passed; 0 failed; …`).
    fn read(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim_start();
        if line.starts_with("Summary [") || line.starts_with("test result: ") {
            self.passed += before(line, "passed");
            self.failed += before(line, "failed") + before(line, "timed out");
        }
    }
}

/// The number in front of a word; 0 where the word is not.
fn before(line: &str, word: &str) -> u64 {
    let number = line.split(&[',', ';', ':', '.'][..]).find_map(|part| {
        // nextest adds a remark: `4 passed (1 slow)`.
        let part = part.split('(').next().unwrap_or(part);
        part.trim().strip_suffix(word)?.trim().parse().ok()
    });
    number.unwrap_or(0)
}

/// Without the escape sequences of colours, which end with `m`.
fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    for (index, part) in line.split('\u{1b}').enumerate() {
        let text = if index == 0 { part } else { part.split_once('m').map_or("", |(_, text)| text) };
        plain.push_str(text);
    }
    plain
}

/// The closing line that CI systems know from every language.
impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summaries_of_both_runners_are_read() {
        let check = |line: &str, passed, failed| {
            let mut count = Count::default();
            count.read(line);
            assert_eq!(count, Count { passed, failed }, "{line}");
        };
        check("     Summary [   0.018s] 5 tests run: 5 passed, 0 skipped", 5, 0);
        check(
            "     Summary [   9.1s] 7 tests run: 4 passed (1 slow), 2 failed, 1 timed out, 0 skipped",
            4,
            3,
        );
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [ 1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m passed",
            2,
            0,
        );
        check("test result: ok. 23 passed; 0 failed; 0 ignored; 0 measured; finished in 0.00s", 23, 0);
        check("test result: FAILED. 1 passed; 2 failed; 0 ignored", 1, 2);
        check("a test printed: 7 passed, 8 failed", 0, 0);
    }

    #[test]
    fn what_passes_is_counted_and_stays_the_same() {
        let mut count = Count::default();
        let mut copied = Vec::new();
        let said =
            b"test result: ok. 1 passed; 0 failed\nnot \xff UTF-8\n  Summary [ 1s] 2 tests run: 2 passed\n";
        count.copy(&said[..], &mut copied).expect("reading from and writing to memory cannot fail");
        assert_eq!(count, Count { passed: 3, failed: 0 });
        assert_eq!(copied, said);
    }
}
