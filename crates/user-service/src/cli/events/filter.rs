//! Which events: the flags that several commands share. The service checks what they say.

use buffa::MessageField;
use clap::Args;
use jiff::Timestamp;
use user_api::v1;

use super::super::moment::time;

/// Whom they are about, what happened, who did it, and what it belongs to. What is given must all hold.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct WhichArgs {
    /// Only events of this type, such as user.created or user.deleted. May be said several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only events about this user. May be said several times
    #[arg(long = "user", value_name = "ID")]
    users: Vec<String>,
    /// Only what this caller did
    #[arg(long)]
    actor: Option<String>,
    /// Only what belongs to this across services
    #[arg(long, value_name = "UUID")]
    correlation: Option<String>,
}

/// When they were recorded.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct WhenArgs {
    /// Only what was recorded at this time (2026-05-03T12:00:00Z) or day (2026-05-03, UTC), or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only what was recorded before this time or day
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl WhichArgs {
    pub(super) fn filter(&self, when: WhenArgs) -> v1::EventFilter {
        v1::EventFilter {
            types: self.types.clone(),
            user_ids: self.users.clone(),
            actor: self.actor.clone().unwrap_or_default(),
            correlation_id: self.correlation.clone().unwrap_or_default(),
            from_time: when.from.map(Into::into).map_or_else(MessageField::none, MessageField::some),
            until_time: when.until.map(Into::into).map_or_else(MessageField::none, MessageField::some),
        }
    }
}
