//! An open loop: calls begin when they are due, and what each takes counts from then on. Whoever waits for an answer before
//! she asks again would not notice that others had to wait.

use std::time::{Duration, Instant};

use anyhow::Context;
use buffa::Message;
use fastrand::Rng;
use user_api::v1;

use super::generator::{Answers, latencies};
use super::wire::Wire;
use super::{Call, PEOPLE, message, people, schedule};

/// Of so many changes one is followed: few enough to be no load of their own.
const FOLLOWED_OF: u64 = 20;

/// Whether changes are followed until they are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    No,
    Some,
}

/// What one call came to.
struct Called {
    due: Instant,
    /// How late it was begun, which is the fault of whoever calls.
    late: Duration,
    took: Duration,
    /// How long after its answer it was seen.
    seen: Option<Duration>,
}

/// Begins calls until the end of the window, and waits for all of them.
pub(super) async fn go(
    wires: &[Wire],
    call: Call,
    (per_second, follow): (f64, Follow),
    (from, to): (Instant, Instant),
) -> anyhow::Result<Answers> {
    let (mut random, mut tasks) = (Rng::with_seed(11), Vec::new());
    let mut due = schedule::calls(per_second, (Instant::now(), to));
    while let Some(due) = due.recv().await {
        let n = tasks.len() as u64;
        let id = people::id(random.usize(..PEOPLE)).to_string();
        let followed = follow == Follow::Some && n.is_multiple_of(FOLLOWED_OF);
        let wire = wires[tasks.len() % wires.len()].clone();
        tasks.push(tokio::spawn(one(wire, call, (id, n), due, followed)));
    }
    let mut answers = Answers::new()?;
    let (mut late, mut seen) = (latencies()?, latencies()?);
    for task in tasks {
        let called = task.await??;
        answers.accepted += 1;
        if called.due < from {
            continue;
        }
        answers.latency.saturating_record(micros(called.took));
        late.saturating_record(micros(called.late));
        if let Some(after) = called.seen {
            seen.saturating_record(micros(after));
        }
    }
    let (late, latency) = (late.value_at_quantile(0.99), answers.latency.value_at_quantile(0.99));
    if late > latency / 4 {
        eprintln!("whoever calls falls behind: of the p99 of {latency} µs, {late} µs may be her own");
    }
    answers.seen = (follow == Follow::Some).then_some(seen);
    Ok(answers)
}

async fn one(
    mut wire: Wire,
    call: Call,
    (id, n): (String, u64),
    due: Instant,
    followed: bool,
) -> anyhow::Result<Called> {
    // Another name than those of a closed loop before.
    let message = message::about(call, &id, format!("Grace {n}"));
    let late = due.elapsed();
    let answer = wire.call(call.path(), &message, &id).await?;
    let took = due.elapsed();
    let mut seen = None;
    if followed {
        let answered = Instant::now();
        let position = v1::UpdateUserResponse::decode_from_slice(&answer)?.position;
        until_seen(&mut wire, position).await?;
        seen = Some(answered.elapsed());
    }
    Ok(Called { due, late, took, seen })
}

/// Asks for the first user in the order of addresses, as new as a position: what is derived from the log answers it, as soon
/// as it has come so far. The answer's own time counts, too.
pub(super) async fn until_seen(wire: &mut Wire, position: u64) -> anyhow::Result<()> {
    let message = v1::ListUsersRequest {
        page_size: 1,
        order_by: "email".to_owned(),
        min_position: Some(position),
        ..v1::ListUsersRequest::default()
    }
    .encode_to_vec();
    let asked = wire.call("user.v1.UserService/ListUsers", &message, "@example.org");
    asked.await.with_context(|| format!("position {position} is not seen"))?;
    Ok(())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
