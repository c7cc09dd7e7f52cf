//! Lines in a chart, each with its name at its end.

use super::scale::Scale;
use super::svg::{Anchor, COLOURS, FAINT, Picture, short};

pub(super) const WIDTH: f64 = 900.0;
pub(super) const HEIGHT: f64 = 460.0;
/// The field in which the lines are drawn: left and right, bottom and top.
pub(super) const ACROSS: (f64, f64) = (70.0, 660.0);
pub(super) const UP: (f64, f64) = (410.0, 60.0);

/// Names closer than this cannot be read.
const APART: f64 = 17.0;

/// A line: a name, and points from left to right.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

pub(super) fn draw(picture: &mut Picture, lines: &[Line], (across, up): (&Scale, &Scale)) {
    for tick in up.ticks() {
        let y = up.place(tick);
        picture.line((ACROSS.0, y), (ACROSS.1, y), FAINT, 0.4);
        picture.text((ACROSS.0 - 8.0, y + 4.0), &short(tick), Anchor::End);
    }
    let ends: Vec<f64> =
        lines.iter().map(|line| line.points.last().map_or(UP.0, |(_, value)| up.place(*value))).collect();
    for ((line, y), colour) in lines.iter().zip(spread(&ends)).zip(COLOURS.iter().cycle()) {
        let points: Vec<_> = line.points.iter().map(|(x, y)| (across.place(*x), up.place(*y))).collect();
        picture.path(&points, colour);
        for point in &points {
            picture.dot(*point, colour);
        }
        picture.words((ACROSS.1 + 16.0, y + 4.0), &line.name, (Anchor::Start, 12.0), colour);
    }
}

pub(super) fn mark(picture: &mut Picture, x: f64, text: &str) {
    picture.line((x, UP.0), (x, UP.0 + 5.0), FAINT, 1.0);
    picture.text((x, UP.0 + 20.0), text, Anchor::Middle);
}

/// Moves names down until none covers another, in their order.
fn spread(ends: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by(|a, b| ends[*a].total_cmp(&ends[*b]));
    let (mut places, mut free) = (ends.to_vec(), f64::MIN);
    for at in order {
        places[at] = ends[at].max(free);
        free = places[at] + APART;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_covers_another_and_they_keep_their_order() {
        assert_eq!(spread(&[100.0, 50.0, 101.0, 300.0]), [100.0, 50.0, 117.0, 300.0]);
    }
}
