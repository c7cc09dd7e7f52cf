//! The settings of `serve` that bound what callers take. Messages, headers and pages have bounds of their own that are
//! part of the contract.

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::feed::FeedLimits;
use crate::host::HostLimits;

#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "each is the name of a setting, which reads alone")]
pub(super) struct LimitArgs {
    /// How many connections callers may have open; one more is closed at once
    #[arg(long, env = "USER_SERVICE_CONNECTIONS_MAX", default_value_t = 1024, value_parser = at_least_one())]
    connections_max: usize,
    /// The same from one address (IPv6: from one /64 network). A proxy in front of the service is one address: give it as
    /// many as it wants
    #[arg(long, env = "USER_SERVICE_CONNECTIONS_PER_ADDRESS_MAX", default_value_t = 256, value_parser = at_least_one())]
    connections_per_address_max: usize,
    /// How many calls an HTTP/2 connection may have open; more wait at the client
    #[arg(long, env = "USER_SERVICE_STREAMS_PER_CONNECTION_MAX", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    streams_per_connection_max: u32,
    /// How many calls may be open in all, from their headers until their answers have been taken. One more is OVERLOADED,
    /// as with all that follow here
    #[arg(long, env = "USER_SERVICE_CALLS_MAX", default_value_t = 4096, value_parser = at_least_one())]
    calls_max: usize,
    /// The same from one address
    #[arg(long, env = "USER_SERVICE_CALLS_PER_ADDRESS_MAX", default_value_t = 2048, value_parser = at_least_one())]
    calls_per_address_max: usize,
    /// How many calls that read are executed at a time
    #[arg(long, env = "USER_SERVICE_READS_MAX", default_value_t = 512, value_parser = at_least_one())]
    reads_max: usize,
    /// How many calls that write are executed at a time
    #[arg(long, env = "USER_SERVICE_WRITES_MAX", default_value_t = 1024, value_parser = at_least_one())]
    writes_max: usize,
    /// How many calls that hash a password are executed at a time
    #[arg(long, env = "USER_SERVICE_PASSWORD_CALLS_MAX", default_value_t = 256, value_parser = at_least_one())]
    password_calls_max: usize,
    /// How many feeds (`WatchEvents`, /user.v1/events) may be open; one more is told `TOO_MANY_FEEDS`
    #[arg(long, env = "USER_SERVICE_FEEDS_MAX", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    feeds_max: u64,
}

impl LimitArgs {
    pub(super) fn host(&self) -> HostLimits {
        HostLimits {
            connections_max: self.connections_max,
            connections_per_address_max: self.connections_per_address_max,
            streams_per_connection_max: self.streams_per_connection_max,
            calls_max: self.calls_max,
            calls_per_address_max: self.calls_per_address_max,
            reads_max: self.reads_max,
            writes_max: self.writes_max,
            password_calls_max: self.password_calls_max,
            ..HostLimits::default()
        }
    }

    pub(super) fn feeds(&self) -> FeedLimits {
        FeedLimits { subscribers_max: self.feeds_max, ..FeedLimits::default() }
    }
}

/// And no more than a semaphore can count.
fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1_000_000)
}
