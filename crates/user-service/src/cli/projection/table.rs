//! What is printed: a line for each generation, for each parked user, for each parked event.

use std::collections::BTreeMap;

use serde_json::Value;

/// Every generation of every projection.
pub(super) fn print(projections: &[Value], json: bool) {
    if json {
        print_lines(projections);
        return;
    }
    say!(
        "{:<16} {:<6} {:>3} {:<8} {:>12} {:>10} {:<24} STATE",
        "NAME",
        "SLOT",
        "GEN",
        "PHASE",
        "POSITION",
        "LAG",
        "OWNER"
    );
    for projection in projections {
        for generation in projection["generations"].as_array().into_iter().flatten() {
            say!("{}", line(projection, generation));
        }
    }
}

fn line(projection: &Value, generation: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let owner = text(&projection["owner"]);
    format!(
        "{:<16} {:<6} {:>3} {:<8} {:>12} {:>10} {:<24} {}",
        text(&projection["name"]),
        text(&generation["slot"]),
        number(&generation["number"]),
        text(&generation["phase"]),
        number(&generation["position"]),
        number(&generation["lag_events"]),
        owner,
        state(generation)
    )
}

fn state(generation: &Value) -> String {
    match (generation["paused"].as_str(), generation["parked_users"].as_u64()) {
        (Some(reason), _) => format!("paused: {reason}"),
        (None, Some(parked)) if parked > 0 => format!("{parked} users parked"),
        (None, _) => "ok".to_owned(),
    }
}

/// Each user of whom something is parked: how much, since where, and why.
pub(super) fn print_parked_users(parked: &[Value]) {
    let mut users: BTreeMap<(&str, &str), (u64, &Value)> = BTreeMap::new();
    for event in parked {
        let key = (event["slot"].as_str().unwrap_or_default(), event["user_id"].as_str().unwrap_or_default());
        users.entry(key).or_insert((0, event)).0 += 1;
    }
    for ((slot, user), (events, first)) in users {
        say!(
            "{user}  {slot}  {events} events since position {}: {}",
            first["position"],
            first["cause"].as_str().unwrap_or_default()
        );
    }
}

/// One JSON object a line.
pub(super) fn print_lines(values: &[Value]) {
    for value in values {
        say!("{value}");
    }
}
