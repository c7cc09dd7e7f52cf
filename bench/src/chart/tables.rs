//! The tables of the document, in Markdown.

use std::fmt::Write as _;

use super::{ladder, rates};
use crate::record::Record;
use crate::service::Engine;

pub(super) fn machine(record: &Record) -> String {
    let machine = &record.machine;
    let settings: Vec<_> =
        machine.postgres_settings.iter().map(|(name, value)| format!("`{name} = {value}`")).collect();
    let settings = if settings.is_empty() { "none".to_owned() } else { settings.join(", ") };
    let syncs = record.figures.iter().find(|figure| figure.contender == "fdatasync");
    let disk = syncs.map_or_else(
        || "not measured in this run".to_owned(),
        |figure| format!("{:.0} pages synced (`fdatasync`) a second by one writer", figure.per_second),
    );
    let effort =
        if record.quick { "small (`--quick`): it shows the shape and decides nothing" } else { "full" };
    let rows = [
        ("processor", format!("{}, {} cores", machine.processor, machine.cores)),
        ("memory", format!("{} GiB", machine.memory_gib)),
        ("kernel", format!("Linux {}", machine.kernel)),
        ("disk", disk),
        ("PostgreSQL", machine.postgres.clone()),
        ("its settings that differ from the defaults", settings),
        ("date, commit", format!("{}, {}", machine.date, machine.commit)),
        ("size of the run", effort.to_owned()),
        ("scenarios that came to nothing", none_or(&record.failed)),
    ];
    rows.iter().fold("| | |\n|---|---|\n".to_owned(), |mut text, (name, value)| {
        let _ = writeln!(text, "| {name} | {} |", cell(value));
        text
    })
}

/// The bars whose family begins with this letter; those that fall short are named after them.
pub(super) fn bars(record: &Record, letter: char) -> String {
    let bars: Vec<_> = record.bars.iter().filter(|bar| bar.family.starts_with(letter)).collect();
    if bars.is_empty() {
        return "None was measured in this run.\n".to_owned();
    }
    let mut text = "| bar | what | reached (spread) | must be | |\n|---|---|---|---|---|\n".to_owned();
    for bar in &bars {
        let verdict = if bar.passed { "passed" } else { "**short**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {verdict} |",
            bar.id,
            cell(&bar.what),
            bar.reached(),
            bar.limit()
        );
    }
    let short: Vec<_> = bars.iter().filter(|bar| !bar.passed).map(|bar| bar.id.clone()).collect();
    let passed = bars.len() - short.len();
    let _ = writeln!(text, "\n{passed} of {} passed. Short: {}.", bars.len(), none_or(&short));
    text
}

/// Commands a second by callers.
pub(super) fn rates(record: &Record) -> String {
    let lines = rates::lines(record);
    if lines.is_empty() {
        return "Not measured in this run.\n".to_owned();
    }
    let mut text = "| | callers: commands a second |\n|---|---|\n".to_owned();
    for line in lines {
        let points: Vec<_> = line.points.iter().map(|(at, rate)| format!("{at:.0}: {rate:.0}")).collect();
        let _ = writeln!(text, "| {} | {} |", line.name, points.join(" · "));
    }
    text
}

/// What each rung costs for a command, in a loop of 64.
pub(super) fn ladder(record: &Record) -> String {
    let mut text = String::new();
    for engine in Engine::ALL {
        let mut before: Option<f64> = None;
        let rates = ladder::rates(record, engine);
        if rates.is_empty() {
            let _ = writeln!(text, "{}: not all rungs were measured in this run.\n", engine.name());
            continue;
        }
        let _ = writeln!(text, "| {} | commands a second | this rung costs |\n|---|---|---|", engine.name());
        for (rung, rate) in rates {
            let cost =
                before.map_or_else(String::new, |before| format!("{:.1} µs", 1e6 / rate - 1e6 / before));
            before = Some(rate);
            let _ = writeln!(text, "| {} | {rate:.0} | {cost} |", rung.name());
        }
        text.push('\n');
    }
    text
}

/// Numbers that are no bars.
pub(super) fn series(record: &Record) -> String {
    if record.series.is_empty() {
        return "Not measured in this run.\n".to_owned();
    }
    record.series.iter().fold("| of | what | |\n|---|---|---|\n".to_owned(), |mut text, series| {
        let values: Vec<_> = series.values.iter().map(|value| rounded(*value)).collect();
        let _ = writeln!(text, "| {} | {} | {} |", series.id, cell(&series.what), values.join(" · "));
        text
    })
}

fn rounded(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn none_or(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What would end a cell or a row does not.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_cell() {
        assert_eq!(cell("a | b\nc"), "a \\| b c");
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!((rounded(12_345.6), rounded(3.456)), ("12346".to_owned(), "3.46".to_owned()));
    }
}
