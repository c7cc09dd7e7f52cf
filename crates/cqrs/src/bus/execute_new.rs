//! A command on an aggregate that nobody can know yet: what the append looks at anyway is not looked at before it.

use eventstore::AppendError;
use tracing::instrument;

use super::execute::{Answer, within};
use super::{Aggregates, CommandBus, CommandError, Execution};
use crate::Decider;

impl<A> CommandBus<A> {
    /// Executes a command on an aggregate whose id has just been made for it: at most once, if it names a request id.
    ///
    /// It costs no read. Claims, the request id and the stream are compared by the append itself, and if it says no, the
    /// command goes the usual way and gets the usual answer. Whoever brings a password to be hashed is better off going
    /// that way at once.
    #[instrument(name = "bus.command.execute_new", skip_all, fields(aggregate_id = %execution.id))]
    pub async fn execute_new<D: Decider>(&self, execution: &Execution<D, A::Attachment>) -> Answer<D>
    where
        A: Aggregates<D>,
        A::Context: Default,
    {
        let absent = D::State::default();
        let Ok(events) = D::decide(&absent, &execution.command) else { return self.execute(execution).await };
        let decision = self.weigh(execution, absent, events);
        let context = A::Context::default();
        let prepare = async {
            self.append_of(execution, &decision, &context).await.map_err(CommandError::<D::Refusal>::from)
        };
        let append = within(execution.deadline, prepare).await?;
        match self.store.append(append, execution.deadline).await {
            Ok(appended) => Ok(decision.outcome(execution, appended)),
            Err(AppendError::Rejected(_)) => self.execute(execution).await,
            Err(error) => Err(CommandError::of_append(error)),
        }
    }
}
