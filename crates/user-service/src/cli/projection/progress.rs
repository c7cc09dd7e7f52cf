//! A line on standard error that says how far a build has come. Silent where nobody looks.

use std::io::{IsTerminal, Write, stderr};

use serde_json::Value;

const WIDTH: usize = 24;

/// The line.
pub(super) struct Progress {
    shown: bool,
    watched: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown: false, watched: stderr().is_terminal() }
    }

    /// Shows how a projection is, if it is building something.
    pub(super) fn show(&mut self, status: Option<&Value>) {
        let generations = status.and_then(|status| status["generations"].as_array());
        let busy = generations.into_iter().flatten().find(|generation| {
            generation["slot"] != "live" && generation["lag_events"].as_u64() != Some(0)
                || generation["phase"] == "walking"
        });
        if let (true, Some(generation)) = (self.watched, busy) {
            eprint!("\r\x1b[K{}", line(generation));
            drop(stderr().flush());
            self.shown = true;
        }
    }

    /// Leaves the terminal to what is printed next.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
        }
    }
}

/// `generation 2, walking [########                ] 33 %  1234 of 3700  410/s  6 s left`
fn line(generation: &Value) -> String {
    let (done, total) = (number(generation, "events_done"), number(generation, "events_total"));
    let percent = (done * 100).checked_div(total).map_or(100, |percent| percent.min(100));
    let filled = usize::try_from(percent).unwrap_or(0) * WIDTH / 100;
    let bar = format!("{}{}", "#".repeat(filled), " ".repeat(WIDTH - filled));
    let rate =
        generation["events_per_second"].as_f64().map_or(String::new(), |rate| format!("  {rate:.0}/s"));
    let left =
        generation["seconds_left"].as_f64().map_or(String::new(), |left| format!("  {left:.0} s left"));
    format!(
        "generation {}, {} [{bar}] {percent} %  {done} of {total}{rate}{left}",
        number(generation, "number"),
        generation["phase"].as_str().unwrap_or_default()
    )
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_how_far_it_has_come() {
        let generation = json!({
            "number": 2, "phase": "walking", "events_done": 500, "events_total": 2000,
            "events_per_second": 410.4, "seconds_left": 3.7,
        });
        assert_eq!(
            line(&generation),
            "generation 2, walking [######                  ] 25 %  500 of 2000  410/s  4 s left"
        );
    }

    #[test]
    fn an_empty_log_is_done() {
        let generation = json!({"number": 1, "phase": "tailing", "events_done": 0, "events_total": 0});
        assert!(line(&generation).contains("100 %"));
    }
}
