//! What would come of a command, without anything that comes of it.

use eventstore::ClaimKey;

use super::execute::within;
use super::{Aggregates, CommandBus, CommandError, Execution, Fault};
use crate::{Claim, Decider};

/// What would come of a command now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// It has been executed under its request id.
    Repeats,
    /// It would succeed, and its aggregate would own this, and what it goes without if another owns it.
    WouldOwn(Vec<(Claim, ClaimKey)>),
}

impl<A> CommandBus<A> {
    /// Decides a command and looks for everything that would refuse it, and writes nothing. Slow work is not done.
    pub async fn rehearse<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
    ) -> Result<Rehearsed, CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        within(execution.deadline, self.rehearsed(execution)).await
    }

    async fn rehearsed<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
    ) -> Result<Rehearsed, CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        if let Some(wanted) = execution.request
            && let Some(record) = self.store.request(wanted.key).await.map_err(Fault::from)?
        {
            let same = record.fingerprint == wanted.fingerprint;
            return if same { Ok(Rehearsed::Repeats) } else { Err(CommandError::RequestReused) };
        }
        let (before, _) = self.aggregates.load(execution.id).await?;
        let events = D::decide(&before, &execution.command).map_err(CommandError::Refused)?;
        let mut decision = self.weigh(execution, before, events);
        self.refuse_taken_claims(execution, &mut decision).await?;
        let dispensable = self.aggregates.dispensable(&execution.attachment);
        decision.claims.after.retain(|(claim, _)| !dispensable.contains(&claim.scope));
        Ok(Rehearsed::WouldOwn(decision.claims.after))
    }
}
