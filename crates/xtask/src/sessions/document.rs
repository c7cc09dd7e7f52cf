//! A document's sessions: what its fenced blocks tell the reader to type, and what they say is printed then.

use std::path::Path;

use anyhow::{Context, bail};

/// Something to type or to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) what: What,
    /// Where it stands in the document, from 1.
    pub(super) line: usize,
    /// Nothing if the document does not show it.
    pub(super) printed: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A line for a shell.
    Command(String),
    /// A whole program, whose output is the `text` block after it.
    Program(Language, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    JavaScript,
}

/// A fenced block.
struct Block<'a> {
    kind: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

/// What a document tells its reader to do, in its order.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Step>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut steps = Vec::new();
    for block in blocks(&text) {
        match block.kind {
            "console" => steps.extend(commands(&block)),
            "python" => steps.push(program(Language::Python, &block)),
            "javascript" => steps.push(program(Language::JavaScript, &block)),
            "text" => match steps.last_mut() {
                Some(Step { what: What::Program(..), printed, .. }) => *printed = block.lines.join("\n"),
                Some(_) | None => bail!("{}:{}: no program prints this", path.display(), block.line),
            },
            _ => {}
        }
    }
    Ok(steps)
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line),
            (None, Some(kind)) => open = Some(Block { kind, line: number + 1, lines: Vec::new() }),
            (None, None) => {}
        }
    }
    blocks
}

/// Lines after a `$` are typed, with those that a `\` or an open quote continues; the others are printed.
fn commands(block: &Block<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut continued = false;
    for (number, line) in block.lines.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            let what = What::Command(command.to_owned());
            steps.push(Step { what, line: block.line + number + 1, printed: String::new() });
        } else if let Some(Step { what: What::Command(command), printed, .. }) = steps.last_mut() {
            let text = if continued { command } else { printed };
            text.push('\n');
            text.push_str(line);
        }
        continued = match steps.last() {
            Some(Step { what: What::Command(command), printed, .. }) => {
                printed.is_empty() && (command.ends_with('\\') || command.matches('\'').count() % 2 == 1)
            }
            Some(_) | None => false,
        };
    }
    steps
}

fn program(language: Language, block: &Block<'_>) -> Step {
    let what = What::Program(language, block.lines.join("\n"));
    Step { what, line: block.line, printed: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_and_what_is_printed_are_told_apart() {
        let text = "Say:\n```console\n$ one \\\n  -d '{\n}'\nprinted\n$ two\n```\n```python\nprint(1)\n```\nprints\n```text\n1\n```\n";
        let folder = std::env::temp_dir().join(format!("sessions-{}.md", std::process::id()));
        std::fs::write(&folder, text).expect("there is room for a small file");
        let steps = read(&folder).expect("the document is well formed");
        std::fs::remove_file(&folder).expect("it was just written");
        let command = |text: &str| What::Command(text.to_owned());
        assert_eq!(steps[0].what, command("one \\\n  -d '{\n}'"));
        assert_eq!((steps[0].printed.as_str(), steps[0].line), ("\nprinted", 3));
        assert_eq!((&steps[1].what, steps[1].printed.as_str()), (&command("two"), ""));
        assert_eq!(steps[2].what, What::Program(Language::Python, "print(1)".to_owned()));
        assert_eq!(steps[2].printed, "1");
    }
}
