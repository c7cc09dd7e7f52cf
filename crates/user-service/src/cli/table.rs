//! Tables for people: each column as wide as what stands in it. Programs ask for `--json`.

use std::io::{self, Write, stdout};

use serde_json::Value;

/// Rows under a heading, which come page by page: the heading is printed once, and a column that a later page needs wider
/// grows from there on.
pub(super) struct Table {
    /// What a column is called.
    heads: &'static [&'static str],
    widths: Vec<usize>,
    headed: bool,
}

impl Table {
    pub(super) fn new(heads: &'static [&'static str]) -> Self {
        Self { heads, widths: heads.iter().map(|head| width(head)).collect(), headed: false }
    }

    /// Prints some rows, and the heading before the first. A list may be long: it ends when nobody reads any more.
    pub(super) fn print(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        for row in rows {
            for (most, cell) in self.widths.iter_mut().zip(row) {
                *most = (*most).max(width(cell));
            }
        }
        if !self.headed {
            self.headed = true;
            writeln!(stdout(), "{}", self.line(self.heads.iter().copied()))?;
        }
        rows.iter().try_for_each(|row| writeln!(stdout(), "{}", self.line(row.iter().map(String::as_str))))
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>) -> String {
        let padded = cells.zip(&self.widths).map(|(cell, most)| {
            let blank = " ".repeat(most.saturating_sub(width(cell)));
            [cell, &blank].concat()
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// One thing, a line for each of its fields that it has.
pub(super) fn print_fields(fields: &[(&str, String)]) {
    let fields: Vec<_> = fields.iter().filter(|(_, text)| !text.is_empty()).collect();
    let most = fields.iter().map(|(name, _)| width(name)).max().unwrap_or_default();
    for (name, text) in fields {
        say!("{name:<most$}  {text}");
    }
}

/// A value as people write it: nothing for one that is not there.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A value of an enum without what every one of its names begins with: `USER_STATUS_ACTIVE` is `active`.
pub(super) fn name(value: &Value, prefix: &str) -> String {
    text(value).trim_start_matches(prefix).to_lowercase()
}

fn width(text: &str) -> usize {
    text.chars().count()
}
