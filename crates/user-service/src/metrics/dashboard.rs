//! The dashboard is made from the catalogue: a panel for each metric, with its help text, and a test that the file is
//! what would be made now.
//!
//! `UPDATE_DASHBOARD=1 cargo test -p user-service dashboard` writes it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::catalogue::{ALL, Kind, Metric};

const FILE: &str = "../../docs/dashboards/user-service.json";

/// The grid of Grafana is so wide.
const WIDTH: usize = 24;
const PANEL_WIDTH: usize = 8;
const PANEL_HEIGHT: usize = 8;

impl Metric {
    /// Its whole name, as a query writes it.
    pub(super) fn name(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!("_{}", self.unit) };
        let end = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("{}{unit}{end}", self.base)
    }

    /// What a panel asks, and how it calls the answers.
    fn questions(&self) -> Vec<(String, String)> {
        let (name, labels) = (self.name(), self.labels.join(", "));
        let legend: Vec<_> = self.labels.iter().map(|label| format!("{{{{{label}}}}}")).collect();
        let legend = legend.join(" ");
        let own = "{job=~\"$job\", instance=~\"$instance\"}";
        match self.kind {
            Kind::Counter => {
                // What is the same on every instance says so.
                let all = if self.help.contains("use max") { "max" } else { "sum" };
                vec![(format!("{all} by ({labels}) (rate({name}{own}[$__rate_interval]))"), legend)]
            }
            Kind::Gauge => vec![(format!("{name}{own}"), format!("{{{{instance}}}} {legend}"))],
            Kind::Histogram => {
                let by = [&["le"], self.labels].concat().join(", ");
                let quantile = |share: &str| {
                    let rate = format!("sum by ({by}) (rate({name}_bucket{own}[$__rate_interval]))");
                    (format!("histogram_quantile({share}, {rate})"), format!("{legend} {share}"))
                };
                vec![quantile("0.5"), quantile("0.99")]
            }
        }
    }

    fn unit_of_panel(&self) -> &'static str {
        match (self.unit, self.kind) {
            ("seconds", Kind::Counter) | ("ratio", _) => "percentunit",
            ("seconds", _) if self.base.ends_with("_time") => "dateTimeFromNow",
            ("seconds", _) => "s",
            ("bytes", _) => "bytes",
            (_, Kind::Counter) => "cps",
            _ => "short",
        }
    }

    fn panel(&self, id: usize, x: usize, y: usize) -> Value {
        let targets = self.questions().into_iter().zip(["A", "B"]);
        let targets: Vec<_> = targets
            .map(|((expr, legend), id)| json!({"refId": id, "expr": expr, "legendFormat": legend.trim()}))
            .collect();
        json!({
            "id": id,
            "type": "timeseries",
            "title": self.name().trim_start_matches("user_service_").replace('_', " "),
            "description": self.help,
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "gridPos": {"x": x, "y": y, "w": PANEL_WIDTH, "h": PANEL_HEIGHT},
            "fieldConfig": {"defaults": {"unit": self.unit_of_panel(), "min": 0}, "overrides": []},
            "targets": targets,
        })
    }
}

/// A heading for each section, and the panels under it from left to right.
fn panels() -> Vec<Value> {
    let (mut panels, mut x, mut y, mut section) = (Vec::new(), 0, 0, "");
    for metric in ALL {
        if metric.section != section {
            section = metric.section;
            y += if x == 0 { 0 } else { PANEL_HEIGHT };
            let place = json!({"x": 0, "y": y, "w": WIDTH, "h": 1});
            panels.push(json!({
                "id": panels.len() + 1, "type": "row", "title": section, "gridPos": place, "collapsed": false, "panels": [],
            }));
            (x, y) = (0, y + 1);
        }
        panels.push(metric.panel(panels.len() + 1, x, y));
        (x, y) = if x + PANEL_WIDTH < WIDTH { (x + PANEL_WIDTH, y) } else { (0, y + PANEL_HEIGHT) };
    }
    panels
}

fn dashboard() -> String {
    let source =
        json!({"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"});
    let variable = |name: &str, query: &str| {
        json!({
            "name": name, "type": "query", "datasource": {"type": "prometheus", "uid": "${source}"},
            "query": query, "refresh": 2, "includeAll": true, "multi": true,
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
        })
    };
    let dashboard = json!({
        "title": "User service",
        "uid": "user-service",
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [
            source,
            variable("job", "label_values(user_service_build_info, job)"),
            variable("instance", "label_values(user_service_build_info{job=~\"$job\"}, instance)"),
        ]},
        "panels": panels(),
    });
    serde_json::to_string_pretty(&dashboard).expect("it is JSON") + "\n"
}

#[test]
fn the_dashboard_has_a_panel_for_each_metric() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("UPDATE_DASHBOARD").is_some() {
        fs::write(&path, dashboard()).expect("the folder is there");
    }
    let written = fs::read_to_string(&path).expect("the dashboard is there");
    assert!(written == dashboard(), "UPDATE_DASHBOARD=1 cargo test -p user-service dashboard writes it anew");
    for metric in ALL {
        assert!(written.contains(&metric.name()), "{} has no panel", metric.name());
    }
}
