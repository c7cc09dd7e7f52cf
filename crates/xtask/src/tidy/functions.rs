//! Reports long functions. It reads what rustfmt wrote, so a function ends at the brace below its first letter.

use super::source::File;

const LINES_MAX: usize = 60;
const SHOWN: usize = 10;

pub(super) fn report(files: &[File]) {
    let mut long: Vec<_> = files.iter().filter(|file| file.is_rust()).flat_map(long).collect();
    long.sort_by_key(|function| std::cmp::Reverse(function.lines));
    println!("Functions above {LINES_MAX} lines: {}", long.len());
    for Function { path, line, name, lines } in long.iter().take(SHOWN) {
        println!("  {lines:>5} lines  {path}:{line} {name}");
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    path: &'a str,
    line: usize,
    name: &'a str,
    lines: usize,
}

fn long(file: &File) -> Vec<Function<'_>> {
    let text: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in text.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let lines = length(&text[start..]);
        if lines > LINES_MAX {
            found.push(Function { path: &file.path, line: start + 1, name, lines });
        }
    }
    found
}

/// The name in a line that begins a function.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let words = ["pub", "async", "const", "unsafe", "extern", "\"C\""];
    let starts = before.split_whitespace().all(|word| word.starts_with("pub(") || words.contains(&word));
    starts.then(|| after.split(['(', '<']).next()).flatten()
}

/// Lines from the first to the closing brace; 1 for what has no body or all of it in one line.
fn length(text: &[&str]) -> usize {
    let indent = &text[0][..text[0].len() - text[0].trim_start().len()];
    let mut opened = false;
    for (index, line) in text.iter().enumerate() {
        opened |= line.ends_with('{');
        let at_indent = line.strip_prefix(indent).unwrap_or_default();
        if opened && at_indent.starts_with('}') {
            return index + 1;
        }
        if !opened && (line.ends_with(';') || line.ends_with('}')) {
            return 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_between_short_ones() {
        let body = "        work();\n".repeat(LINES_MAX);
        let text = format!(
            "trait T {{\n    fn declared(\n        &self,\n    ) -> u8;\n    fn short() {{}}\n}}\n\
             impl T for U {{\n    pub(crate) async fn long<A>(\n        a: A,\n    ) {{\n{body}    }}\n}}\n"
        );
        let file = File::new("a.rs", &text);
        let expected = Function { path: "a.rs", line: 8, name: "long", lines: LINES_MAX + 4 };
        assert_eq!(long(&file), [expected]);
    }

    #[test]
    fn a_function_of_the_allowed_length_is_not_reported() {
        let body = "    work();\n".repeat(LINES_MAX - 2);
        assert_eq!(long(&File::new("a.rs", &format!("fn fits() {{\n{body}}}\n"))), []);
    }
}
