//! Bars and what was reached: each in multiples of its own bar, so that right of the line is good, whichever side that is.

use super::scale::{Kind, Scale};
use super::svg::{Anchor, FAINT, GOOD, Picture, SHORT, TEXT};
use crate::record::{Decided, Record, Side};

const WIDTH: f64 = 900.0;
const ROW: f64 = 20.0;
const TOP: f64 = 66.0;
/// Where the names end and the chart begins, and where it ends and the figures begin.
const LEFT: f64 = 250.0;
const RIGHT: f64 = 690.0;

pub(super) fn chart(record: &Record, heading: &str, letter: char) -> Option<String> {
    let bars: Vec<_> = record.bars.iter().filter(|bar| bar.family.starts_with(letter)).collect();
    if bars.is_empty() {
        return None;
    }
    let rows = bars.iter().map(|_| ROW).sum::<f64>();
    let mut picture = Picture::new(WIDTH, TOP + rows + 16.0, heading);
    let scale = Scale { values: ends(&bars), places: (LEFT, RIGHT), kind: Kind::Log };
    for tick in scale.ticks() {
        let x = scale.place(tick);
        let is_bar = (tick - 1.0).abs() < 1e-9;
        let (colour, width) = if is_bar { (TEXT, 2.0) } else { (FAINT, 0.4) };
        picture.line((x, TOP - 10.0), (x, TOP + rows), colour, width);
        let label = if is_bar { "the bar".to_owned() } else { format!("{tick} ×") };
        picture.text((x, TOP - 16.0), &label, Anchor::Middle);
    }
    let mut y = TOP + ROW / 2.0;
    for bar in bars {
        row(&mut picture, &scale, bar, y);
        y += ROW;
    }
    Some(picture.finish())
}

fn row(picture: &mut Picture, scale: &Scale, bar: &Decided, y: f64) {
    let colour = if bar.passed { GOOD } else { SHORT };
    let place = |ratio| scale.place(multiple(bar, ratio));
    picture.text((LEFT - 12.0, y + 4.0), &bar.id, Anchor::End);
    picture.line((place(bar.least), y), (place(bar.most), y), colour, 3.0);
    picture.dot((place(bar.ratio), y), colour);
    let reached = format!("{:.2}, bar {}", bar.ratio, bar.limit());
    picture.text((RIGHT + 16.0, y + 4.0), &reached, Anchor::Start);
}

/// How many times better than the bar.
fn multiple(bar: &Decided, ratio: f64) -> f64 {
    match bar.side {
        Side::AtLeast => ratio / bar.bar,
        Side::AtMost => bar.bar / ratio,
    }
}

/// Both sides of the bar are there, and no chart is so wide that its middle cannot be read.
fn ends(bars: &[&Decided]) -> (f64, f64) {
    let all = || bars.iter().flat_map(|bar| [bar.least, bar.most].map(|ratio| multiple(bar, ratio)));
    let (least, most) = (all().fold(0.5, f64::min), all().fold(2.0, f64::max));
    (least.max(0.05), most.min(20.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(bar: f64, side: Side) -> Decided {
        Decided {
            id: "W1".to_owned(),
            family: "W1".to_owned(),
            what: String::new(),
            ratio: 1.0,
            least: 1.0,
            most: 1.0,
            ratios: vec![1.0],
            bar,
            side,
            passed: true,
        }
    }

    #[test]
    fn better_is_more_on_both_sides() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(multiple(&bar(3.0, Side::AtLeast), 6.0), 2.0);
        close(multiple(&bar(2.0, Side::AtMost), 1.0), 2.0);
        close(multiple(&bar(2.0, Side::AtMost), 4.0), 0.5);
    }

    #[test]
    fn the_bar_is_always_in_the_chart() {
        let (least, most) = ends(&[&bar(1.0, Side::AtLeast)]);
        assert!(least < 1.0 && most > 1.0);
    }
}
