//! Answers that nobody takes. A caller who asks and does not read has what she asked for kept in memory: her answer is
//! handed over in pieces, and when none has been taken for too long it is dropped, and with it its stream (HTTP/2) or its
//! connection (HTTP/1.1). A slow reader is served as slowly as she reads; a stream that has nothing to say is not waiting.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// What is handed over at once: a frame of HTTP/2.
const PIECE_BYTES: usize = 16 * 1024;

tokio::task_local! {
    /// How far the answers are that are given in this task.
    static PROGRESS: Arc<Progress>;
}

/// Twice the number of steps so far, and one more while a piece has been handed over and the next not been asked for.
#[derive(Debug, Default)]
struct Progress(AtomicU64);

impl Progress {
    fn step(&self, state: State) {
        let steps = self.0.load(Ordering::Relaxed) | 1;
        self.0.store(
            match state {
                State::Waits => steps + 2,
                State::Silent => steps + 1,
            },
            Ordering::Relaxed,
        );
    }

    /// Which step it is that waits to be taken, if one does.
    fn waits(&self) -> Option<u64> {
        let steps = self.0.load(Ordering::Relaxed);
        (steps & 1 == 1).then_some(steps)
    }
}

#[derive(Clone, Copy)]
enum State {
    /// There is something to be taken.
    Waits,
    /// There is nothing.
    Silent,
}

/// Runs what gives answers. `None` if one was not taken in time.
pub(super) async fn unless_stalled<F: Future>(stalled_max: Duration, giving: F) -> Option<F::Output> {
    let progress = Arc::new(Progress::default());
    let mut giving = pin!(PROGRESS.scope(Arc::clone(&progress), giving));
    let mut waiting: Option<(u64, Pin<Box<Sleep>>)> = None;
    poll_fn(move |context| {
        if let Poll::Ready(output) = giving.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let Some(step) = progress.waits() else {
            waiting = None;
            return Poll::Pending;
        };
        let waiting = match &mut waiting {
            Some(waiting) if waiting.0 == step => waiting,
            other => other.insert((step, Box::pin(sleep(stalled_max)))),
        };
        ready!(waiting.1.as_mut().poll(context));
        Poll::Ready(None)
    })
    .await
}

/// An answer that is given in this task.
pub(super) fn watched(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let Ok(progress) = PROGRESS.try_with(Arc::clone) else { return body };
    progress.step(State::Waits);
    Body::new(Watched { body, rest: Bytes::new(), progress })
}

struct Watched {
    body: Body,
    /// What has come out of the body and not been handed over.
    rest: Bytes,
    progress: Arc<Progress>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            self.progress.step(State::Silent);
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        self.progress.step(State::Waits);
        let piece = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.progress.step(State::Silent);
    }
}
