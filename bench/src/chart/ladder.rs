//! What each guarantee costs: the rate with one ingredient more on each rung, with 64 callers.

use super::scale::{Kind, Scale};
use super::svg::{Anchor, COLOURS, FAINT, Picture, short};
use crate::record::Record;
use crate::service::Engine;
use crate::workload::Rung;

const WIDTH: f64 = 900.0;
const ROW: f64 = 24.0;
const TOP: f64 = 60.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 780.0;

const CALLERS: usize = 64;

/// Rates by rung; empty if not all were measured.
pub(super) fn rates(record: &Record, engine: Engine) -> Vec<(Rung, f64)> {
    let rate = |rung: Rung| {
        let name = format!("{} {}", engine.name(), rung.name());
        let found = record.figures.iter().find(|one| one.contender == name && one.callers == CALLERS)?;
        Some((rung, found.per_second))
    };
    Rung::ALL.into_iter().map(rate).collect::<Option<Vec<_>>>().unwrap_or_default()
}

pub(super) fn chart(record: &Record) -> Option<String> {
    let stores: Vec<_> = Engine::ALL.into_iter().map(|engine| (engine, rates(record, engine))).collect();
    let rows: f64 = stores.iter().map(|(_, rates)| rates.iter().map(|_| ROW).sum::<f64>() + ROW).sum();
    let most = stores.iter().flat_map(|(_, rates)| rates).map(|(_, rate)| *rate).fold(0.0, f64::max);
    if most == 0.0 {
        return None;
    }
    let title = "Commands a second with 64 callers, one guarantee more on each rung";
    let mut picture = Picture::new(WIDTH, TOP + rows, title);
    let scale = Scale { values: (0.0, most), places: (LEFT, RIGHT), kind: Kind::Linear };
    for tick in scale.ticks() {
        picture.line((scale.place(tick), TOP - 6.0), (scale.place(tick), TOP + rows - ROW), FAINT, 0.4);
        picture.text((scale.place(tick), TOP - 10.0), &short(tick), Anchor::Middle);
    }
    let mut y = TOP;
    for ((engine, rates), colour) in stores.iter().zip(COLOURS) {
        for (rung, rate) in rates {
            let end = scale.place(*rate);
            let name = format!("{} {}", engine.name(), rung.name());
            picture.text((LEFT - 8.0, y + 16.0), &name, Anchor::End);
            picture.bar((LEFT, y + 4.0), (end - LEFT, ROW - 8.0), colour);
            picture.text((end + 8.0, y + 16.0), &short(*rate), Anchor::Start);
            y += ROW;
        }
        y += ROW;
    }
    Some(picture.finish())
}
