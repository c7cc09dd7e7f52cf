//! A connection whose other end takes nothing. An answer that fits into the buffers of the protocol counts as taken there;
//! what those buffers hold waits here, and when none of it has been taken for too long the connection ends.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::metrics::Bounds;

pub(super) struct Wire<S> {
    stream: S,
    stalled_max: Duration,
    bounds: Bounds,
    /// There while something waits to be taken.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Whether others have had their turn before this is written.
    others_first: bool,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, stalled_max: Duration, bounds: Bounds) -> Self {
        Self { stream, stalled_max, bounds, waiting: None, others_first: false }
    }

    /// Lets whoever is ready go first, once for each flush: the answers that are made meanwhile are written with this one, in
    /// one call of the system. Where nobody is ready it costs a look at the queue.
    fn after_others(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.others_first {
            return Poll::Ready(());
        }
        self.others_first = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn unless_stalled<T>(&mut self, context: &mut Context<'_>, taken: Poll<Result<T>>) -> Poll<Result<T>> {
        if taken.is_ready() {
            self.waiting = None;
            return taken;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.stalled_max)));
        waiting.as_mut().poll(context).map(|()| {
            self.bounds.stalled();
            Err(Error::from(ErrorKind::TimedOut))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        ready!(self.after_others(context));
        let taken = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_stalled(context, taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.after_others(context));
        let taken = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.unless_stalled(context, taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.others_first = false;
        let taken = Pin::new(&mut self.stream).poll_flush(context);
        self.unless_stalled(context, taken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let taken = Pin::new(&mut self.stream).poll_shutdown(context);
        self.unless_stalled(context, taken)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::join;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn what_nobody_takes_ends_the_connection_and_is_counted_once() {
        let (_never_read, host) = duplex(4);
        let bounds = Bounds::default();
        let mut wire = Wire::new(host, SOON, bounds.clone());
        let written = timeout(LONG, wire.write_all(b"an answer")).await.expect("it is not waited for");
        assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(bounds.text().contains("user_service_stalled_answers_total 1\n"), "{}", bounds.text());
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn whoever_is_ready_goes_first_once_for_each_flush() {
        let (_reader, host) = duplex(64);
        let mut wire = Wire::new(host, LONG, Bounds::default());
        let mut writing = Box::pin(async move {
            wire.write_all(b"some").await?;
            wire.write_all(b" more").await?;
            wire.flush().await
        });
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        assert!(writing.as_mut().poll(&mut context).is_pending());
        assert!(woken.0.load(Ordering::Relaxed), "nobody else has to wake it");
        assert!(writing.as_mut().poll(&mut context).is_ready(), "once is enough");
    }

    #[tokio::test]
    async fn who_takes_a_little_again_and_again_is_never_cut_off() {
        let (mut slow, host) = duplex(1);
        let stalled_max = 10 * SOON;
        let mut wire = Wire::new(host, stalled_max, Bounds::default());
        let reading = async {
            for _ in 0..15 {
                sleep(SOON).await;
                slow.read_u8().await.unwrap();
            }
        };
        let both = async { join!(wire.write_all(&[0; 15]), reading) };
        let (written, ()) = timeout(LONG, both).await.expect("all of it is taken");
        written.unwrap();
    }
}
