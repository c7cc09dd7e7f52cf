//! `GetActivity`: what a dashboard wants. Whoever has few users behind a domain of e-mail addresses is told by it, so domains
//! are for auditors.

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use user_api::{ApiError, v1};
use user_domain::Scope;

use super::call::Call;
use super::errors;
use super::fields::Fields;
use crate::directory::Directory;
use crate::queries::{self, Activity, Days};

/// The days before the last that are shown when nobody says otherwise.
const DAYS_DEFAULT: i32 = 30;

/// A year, and the day it ends with.
const DAYS_MAX: i32 = 366;

const DOMAINS_DEFAULT: u32 = 10;
const DOMAINS_MAX: u32 = 100;

pub(super) async fn get_activity(
    directory: &Directory,
    call: &Call,
    request: v1::GetActivityRequest,
) -> Result<v1::GetActivityResponse, ApiError> {
    let mut fields = Fields::default();
    let today = directory.sources().now().to_zoned(TimeZone::UTC).date();
    let days = days(&mut fields, &request, today);
    let domains_max = domains_max(&mut fields, request.domains_max);
    fields.done()?;
    let days = days.ok_or_else(|| fields.error())?;
    let freshness = call.freshness(request.min_position);
    let activity = queries::activity(directory, days, domains_max, freshness).await;
    let activity = activity.map(|activity| {
        if call.principal.may(Scope::Audit) { activity } else { Activity { domains: Vec::new(), ..activity } }
    });
    activity.map(shown).map_err(|error| errors::of_query(&error))
}

fn days(fields: &mut Fields, request: &v1::GetActivityRequest, today: Date) -> Option<Days> {
    let until = day(fields, "until_day", &request.until_day, today)?;
    let before = until.saturating_sub(SignedDuration::from_hours(24 * i64::from(DAYS_DEFAULT)));
    let from = day(fields, "from_day", &request.from_day, before)?;
    let length = (until - from).get_days();
    if length < 0 {
        fields.wrong("from_day", "DAYS_REVERSED", "must not come after until_day");
    } else if length > DAYS_MAX {
        fields.wrong("from_day", "TOO_MANY_DAYS", "must not be more than 366 days before until_day");
    }
    Some(Days { from, until })
}

fn day(fields: &mut Fields, field: &'static str, text: &str, otherwise: Date) -> Option<Date> {
    if text.is_empty() {
        return Some(otherwise);
    }
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    if day.is_none() {
        fields.wrong(field, "MALFORMED_DAY", "must be a day, as 2026-05-03");
    }
    day
}

fn domains_max(fields: &mut Fields, asked: i32) -> u32 {
    match u32::try_from(asked) {
        Ok(0) => DOMAINS_DEFAULT,
        Ok(asked) => asked.min(DOMAINS_MAX),
        Err(_) => {
            fields.wrong("domains_max", "NEGATIVE_DOMAINS_MAX", "must not be negative");
            DOMAINS_DEFAULT
        }
    }
}

fn shown(activity: Activity) -> v1::GetActivityResponse {
    let events = activity.events.into_iter().map(|entry| v1::DailyEvents {
        day: entry.day,
        r#type: entry.event_type,
        events: entry.events,
    });
    let users = activity.users.into_iter().map(|(day, [active, inactive, suspended, deleted, erased])| {
        v1::DailyUsers { day: day.to_string(), active, inactive, suspended, deleted, erased }
    });
    let domains = activity.domains.into_iter();
    v1::GetActivityResponse {
        events: events.collect(),
        users: users.collect(),
        domains: domains.map(|entry| v1::EmailDomain { domain: entry.domain, users: entry.users }).collect(),
        position: activity.position.0,
    }
}
