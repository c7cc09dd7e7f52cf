//! How many commands a second, over how many callers: ours and what one would do instead.

use super::lines::{ACROSS, HEIGHT, Line, UP, WIDTH, draw, mark};
use super::scale::{Kind, Scale};
use super::svg::{Anchor, Picture, short};
use crate::record::Record;
use crate::report::Figure;
use crate::workload::Rung;

/// Everyone on PostgreSQL who was measured under several numbers of callers, without the rungs between. Rates of
/// different scenarios were taken at different times: whoever is in two is shown as in the first.
pub(super) fn lines(record: &Record) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let shown = |figure: &&Figure| {
        let between = Rung::ALL.iter().filter(|rung| **rung != Rung::Row);
        let is_rung =
            between.map(|rung| format!("postgres {}", rung.name())).any(|name| name == figure.contender);
        !is_rung && crate::scenarios::COMPARED.contains(&figure.scenario.as_str())
    };
    let mut scenario_of = std::collections::BTreeMap::new();
    for figure in record.figures.iter().filter(shown) {
        let name = figure.contender.as_str();
        if *scenario_of.entry(name).or_insert(&figure.scenario) != &figure.scenario {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "nobody calls so often")]
        let point = (figure.callers as f64, figure.per_second);
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name: name.to_owned(), points: vec![point] }),
        }
    }
    lines.retain(|line| line.points.len() > 1);
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

pub(super) fn chart(record: &Record) -> Option<String> {
    let lines = lines(record);
    let all = || lines.iter().flat_map(|line| &line.points);
    let (most, callers) = (all().map(|p| p.1).fold(0.0, f64::max), all().map(|p| p.0).fold(1.0, f64::max));
    let least = all().map(|p| p.1).fold(most, f64::min);
    if lines.is_empty() {
        return None;
    }
    let mut picture =
        Picture::new(WIDTH, HEIGHT, "Commands a second on PostgreSQL, by callers (both scales logarithmic)");
    let across = Scale { values: (1.0, callers), places: ACROSS, kind: Kind::Log };
    let up = Scale { values: (least * 0.8, most * 1.2), places: UP, kind: Kind::Log };
    draw(&mut picture, &lines, (&across, &up));
    let mut marks: Vec<f64> = all().map(|point| point.0).collect();
    marks.sort_by(f64::total_cmp);
    marks.dedup();
    for callers in marks {
        mark(&mut picture, across.place(callers), &short(callers));
    }
    picture.text(
        (f64::midpoint(ACROSS.0, ACROSS.1), HEIGHT - 10.0),
        "callers, each with one command in flight",
        Anchor::Middle,
    );
    Some(picture.finish())
}
