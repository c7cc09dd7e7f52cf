//! One scrape: values of metrics, put down one after the other, and written out as text.

use std::fmt;

use eventstore::Distribution;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::registry::{Registry, Unit};

use super::catalogue::{Kind, Metric};

type Labels = Vec<(&'static str, String)>;

/// Values of metrics, at one moment.
#[derive(Debug, Default)]
pub(super) struct Sheet(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    metric: &'static Metric,
    points: Points,
}

enum Points {
    Values(Vec<(Labels, f64)>),
    Distribution(Distribution),
    Live(Box<dyn EncodeMetric + Send + Sync>),
}

impl Sheet {
    /// The one value of a metric without labels.
    pub(super) fn put(&mut self, metric: &'static Metric, value: impl Into<Value>) {
        self.values(metric, [(vec![], value.into())]);
    }

    /// A value for each of some values of the one label of a metric.
    pub(super) fn put_each<V: Into<Value>>(
        &mut self,
        metric: &'static Metric,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        let labelled = |(label, value): (&str, V)| (vec![label.to_owned()], value.into());
        self.values(metric, values.into_iter().map(labelled));
    }

    /// Values with the values of their labels, in the order of the catalogue.
    pub(super) fn values(
        &mut self,
        metric: &'static Metric,
        values: impl IntoIterator<Item = (Vec<String>, Value)>,
    ) {
        let named = |(labels, Value(value)): (Vec<String>, Value)| {
            debug_assert_eq!(labels.len(), metric.labels.len(), "{}", metric.base);
            (metric.labels.iter().copied().zip(labels).collect(), value)
        };
        let values: Vec<_> = values.into_iter().map(named).collect();
        // A name without values would say that they have gone.
        if !values.is_empty() {
            self.0.push(Entry { metric, points: Points::Values(values) });
        }
    }

    /// Counts by range.
    pub(super) fn distribution(&mut self, metric: &'static Metric, distribution: Distribution) {
        self.0.push(Entry { metric, points: Points::Distribution(distribution) });
    }

    /// An instrument that knows its values itself.
    pub(super) fn live(
        &mut self,
        metric: &'static Metric,
        instrument: impl EncodeMetric + Send + Sync + 'static,
    ) {
        self.0.push(Entry { metric, points: Points::Live(Box::new(instrument)) });
    }

    /// In the text format of OpenMetrics.
    pub(super) fn text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut written = String::new();
        text::encode(&mut written, &registry).expect("memory does not fail");
        written
    }
}

/// A number, as the text format has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value(f64);

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

impl From<u64> for Value {
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows floating-point numbers only")]
    fn from(value: u64) -> Self {
        Self(value as f64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self(f64::from(u8::from(value)))
    }
}

impl Collector for Sheet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Entry { metric, points } in &self.0 {
            let unit = Some(Unit::Other(metric.unit.to_owned())).filter(|_| !metric.unit.is_empty());
            let kind = metric.kind.metric_type();
            let encoder = encoder.encode_descriptor(metric.base, metric.help, unit.as_ref(), kind)?;
            points.encode(metric.kind, encoder)?;
        }
        Ok(())
    }
}

impl Points {
    fn encode(&self, kind: Kind, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Live(instrument) => instrument.encode(encoder),
            Self::Distribution(distribution) => {
                let counts = distribution.counts.iter().copied();
                let bounds = distribution.bounds.iter().copied().chain([f64::INFINITY]);
                let buckets: Vec<_> = bounds.zip(counts.clone()).collect();
                encoder.encode_histogram::<NoLabelSet>(distribution.sum, counts.sum(), &buckets, None)
            }
            Self::Values(values) => values.iter().try_for_each(|(labels, value)| {
                if labels.is_empty() {
                    return one(kind, &mut encoder, *value);
                }
                one(kind, &mut encoder.encode_family(labels)?, *value)
            }),
        }
    }
}

fn one(kind: Kind, encoder: &mut MetricEncoder<'_>, value: f64) -> fmt::Result {
    match kind {
        Kind::Counter => encoder.encode_counter::<NoLabelSet, _, f64>(&value, None),
        Kind::Gauge => encoder.encode_gauge(&value),
        Kind::Histogram => Err(fmt::Error),
    }
}

impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Points")
    }
}
