//! The rate of appends while a log grows, tenth by tenth.

use super::lines::{ACROSS, HEIGHT, Line, UP, WIDTH, draw, mark};
use super::scale::{Kind, Scale};
use super::svg::{Anchor, Picture};
use crate::record::Record;

pub(super) fn chart(record: &Record) -> Option<String> {
    let grown = record.series.iter().filter(|series| series.id.starts_with("G1-"));
    let tenths = |values: &[f64]| (1_u8..).map(f64::from).zip(values.iter().copied()).collect();
    let lines: Vec<_> = grown
        .map(|series| Line {
            name: series.id.trim_start_matches("G1-").to_owned(),
            points: tenths(&series.values),
        })
        .collect();
    let most = lines.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
    if most == 0.0 {
        return None;
    }
    let title = "Appends a second while the log grows from nothing, everything on, 512 callers";
    let mut picture = Picture::new(WIDTH, HEIGHT, title);
    let across = Scale { values: (1.0, 10.0), places: ACROSS, kind: Kind::Linear };
    let up = Scale { values: (0.0, most * 1.1), places: UP, kind: Kind::Linear };
    draw(&mut picture, &lines, (&across, &up));
    for tenth in 1_u8..=10 {
        mark(&mut picture, across.place(f64::from(tenth)), &tenth.to_string());
    }
    picture.text((f64::midpoint(ACROSS.0, ACROSS.1), HEIGHT - 10.0), "tenth of the events", Anchor::Middle);
    Some(picture.finish())
}
