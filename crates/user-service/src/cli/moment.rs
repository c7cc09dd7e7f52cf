//! Moments on a command line: a time, the beginning of a day, a position of the log.

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// A moment as the contract has it.
pub(super) fn moment(text: &str) -> anyhow::Result<Value> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let position: u64 = text.parse().context("a position is a number")?;
        return Ok(json!({"position": position.to_string()}));
    }
    match time(text) {
        Ok(time) => Ok(json!({"time": time.to_string()})),
        Err(_) => bail!("a moment is 2026-05-03T12:00:00Z, 2026-05-03 or a log position"),
    }
}

/// A time, or the beginning of a day in UTC.
pub(super) fn time(text: &str) -> anyhow::Result<Timestamp> {
    let day = || Ok::<_, jiff::Error>(text.parse::<Date>()?.to_zoned(TimeZone::UTC)?.timestamp());
    match text.parse::<Timestamp>().or_else(|_| day()) {
        Ok(time) => Ok(time),
        Err(_) => bail!("a time is 2026-05-03T12:00:00Z or, for the beginning of a day (UTC), 2026-05-03"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_a_position() {
        let told = |text| moment(text).map_err(|_| "refused").map(|moment| moment.to_string());
        assert_eq!(told("42").as_deref(), Ok(r#"{"position":"42"}"#));
        assert_eq!(told("2026-05-03").as_deref(), Ok(r#"{"time":"2026-05-03T00:00:00Z"}"#));
        assert_eq!(told("2026-05-03T12:00:00+02:00").as_deref(), Ok(r#"{"time":"2026-05-03T10:00:00Z"}"#));
        for wrong in ["yesterday", "-1", "2026-13-01", "99999999999999999999"] {
            assert_eq!(told(wrong), Err("refused"), "{wrong}");
        }
    }
}
