//! Reports runs of equal lines in two places. Only reported: the sibling backends are alike on purpose.

use std::collections::HashMap;

use super::source::File;

/// Fewer equal lines are chance or grammar.
const LINES_MIN: usize = 10;
const SHOWN: usize = 10;

pub(super) fn report(files: &[File]) {
    let mut runs = runs(files);
    runs.sort_by_key(|run| std::cmp::Reverse(run.lines));
    println!("Runs of {LINES_MIN} or more equal lines: {}", runs.len());
    for Run { lines, first, second } in runs.iter().take(SHOWN) {
        println!("  {lines:>5} lines  {}:{} = {}:{}", first.0, first.1, second.0, second.1);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Run<'a> {
    lines: usize,
    first: (&'a str, usize),
    second: (&'a str, usize),
}

/// A line that is not empty, without its indentation.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    path: &'a str,
    number: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn place(self) -> (&'a str, usize) {
        (self.path, self.number)
    }
}

fn runs(files: &[File]) -> Vec<Run<'_>> {
    let rust: Vec<Vec<Line<'_>>> = files.iter().filter(|file| file.is_rust()).map(lines).collect();
    let mut seen: HashMap<Vec<&str>, (usize, usize)> = HashMap::new();
    let mut runs = Vec::new();
    for (index, file) in rust.iter().enumerate() {
        let mut at = 0;
        while at + LINES_MIN <= file.len() {
            let window = file[at..at + LINES_MIN].iter().map(|line| line.text).collect();
            let Some((first, start)) = seen.get(&window).copied() else {
                seen.insert(window, (index, at));
                at += 1;
                continue;
            };
            let lines = equal(&rust[first][start..], &file[at..]);
            runs.push(Run { lines, first: rust[first][start].place(), second: file[at].place() });
            at += lines;
        }
    }
    runs
}

fn lines(file: &File) -> Vec<Line<'_>> {
    let full = file.lines().filter(|(_, text)| !text.trim().is_empty());
    full.map(|(number, text)| Line { path: &file.path, number, text: text.trim() }).collect()
}

fn equal(one: &[Line<'_>], other: &[Line<'_>]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one.text == other.text).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn numbered(count: usize) -> String {
        (0..count).fold(String::new(), |mut text, number| {
            writeln!(text, "line {number};").expect("writing to a String cannot fail");
            text
        })
    }

    #[test]
    fn a_copied_run_is_found_whole_whatever_its_indentation() {
        let copied = numbered(12);
        let indented = format!("before\n\n    {}", copied.replace('\n', "\n\n    "));
        let files = [File::new("a.rs", &copied), File::new("b.rs", &indented)];
        assert_eq!(runs(&files), [Run { lines: 12, first: ("a.rs", 1), second: ("b.rs", 3) }]);
    }

    #[test]
    fn nine_equal_lines_are_not_reported() {
        let nine = numbered(9);
        let files = [File::new("a.rs", &format!("{nine}a\n")), File::new("b.rs", &format!("{nine}b\n"))];
        assert_eq!(runs(&files), []);
    }
}
