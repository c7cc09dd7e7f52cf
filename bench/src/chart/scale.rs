//! Where a value stands between two ends of a chart.

/// A line from one value to another, drawn from one place to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) values: (f64, f64),
    pub(super) places: (f64, f64),
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Linear,
    /// Equal ratios are equal lengths.
    Log,
}

impl Scale {
    /// Whatever lies beyond an end is drawn there.
    pub(super) fn place(&self, value: f64) -> f64 {
        let of = |value: f64| match self.kind {
            Kind::Linear => value,
            Kind::Log => value.max(f64::MIN_POSITIVE).ln(),
        };
        let (from, to) = (of(self.values.0), of(self.values.1));
        let share = ((of(value) - from) / (to - from)).clamp(0.0, 1.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// A handful of round values inside.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let (from, to) = self.values;
        match self.kind {
            Kind::Linear => {
                let step = step((to - from) / 5.0);
                let values = (0..=10).map(|n| from + step * f64::from(n));
                values.take_while(|value| *value <= to * 1.000_001).collect()
            }
            Kind::Log => {
                let decades = (-4..=9).flat_map(|power| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(power)));
                decades.filter(|value| (from..=to).contains(value)).collect()
            }
        }
    }
}

/// The next of 1, 2, 5, 10, 20, …
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0].map(|n| n * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn equal_ratios_are_equal_lengths_and_nothing_leaves_the_chart() {
        let scale = Scale { values: (0.25, 4.0), places: (100.0, 500.0), kind: Kind::Log };
        assert!(close(scale.place(1.0), 300.0) && close(scale.place(2.0), 400.0));
        assert!(close(scale.place(0.5), 200.0));
        assert!(close(scale.place(1000.0), 500.0) && close(scale.place(0.0), 100.0));
        assert_eq!(scale.ticks(), [0.5, 1.0, 2.0]);
    }

    #[test]
    fn a_linear_scale_begins_at_its_end_and_has_round_steps() {
        let scale = Scale { values: (0.0, 43_000.0), places: (200.0, 0.0), kind: Kind::Linear };
        assert_eq!(scale.ticks(), [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0]);
        assert!(close(scale.place(21_500.0), 100.0));
    }
}
