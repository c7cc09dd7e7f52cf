//! A wire that a campaign holds in its hand: between two who talk over TCP it lets pass, keeps back, or is cut.
//!
//! It knows no protocol; to tell one request from another it looks for bytes that only that one has.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Read at once.
const CHUNK: usize = 64 * 1024;

/// How the wire treats what comes over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As if it were not there.
    #[default]
    Through,
    /// What the server says stays here.
    KeepAnswers,
    /// Nothing passes, and nobody is told.
    KeepAll,
    /// On a connection over which these bytes have come, what the server says stays here.
    KeepAnswersTo(Vec<u8>),
    /// What has these bytes stays here, and whatever follows it on its connection.
    KeepRequest(Vec<u8>),
}

/// A wire to a server, or to several by turns, for any number of clients. It is cut for good when the value is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where clients find it.
    pub(crate) address: SocketAddr,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

/// How the wire is now.
#[derive(Debug, Default)]
struct Line {
    /// Who is at its other end: whoever connects is led to the next.
    servers: Vec<String>,
    manner: Manner,
    /// How often it has been cut.
    cuts: u64,
    /// Whether anything is kept back since the manner was last set.
    keeps: bool,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let line = watch::Sender::new(Line { servers: vec![server], ..Line::default() });
        let (address, accepting) = (listener.local_addr()?, tokio::spawn(accept(listener, line.clone())));
        Ok(Self { address, line, accepting })
    }

    pub(crate) fn set(&self, manner: Manner) {
        self.line.send_modify(|line| (line.manner, line.keeps) = (manner, false));
    }

    /// Whoever connects from now on is led to these; to nobody, if there is none.
    pub(crate) fn lead_to(&self, servers: Vec<String>) {
        self.line.send_modify(|line| line.servers = servers);
    }

    /// Returns when something is kept back.
    pub(crate) async fn keeps(&self) {
        // It ends only with the wire, which we hold.
        drop(self.line.subscribe().wait_for(|line| line.keeps).await);
    }

    /// Cuts every connection; what is kept back is lost. Whoever connects from now on gets through.
    pub(crate) fn cut(&self) {
        self.line.send_modify(|line| {
            (line.cuts, line.manner, line.keeps) = (line.cuts + 1, Manner::Through, false);
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, line: watch::Sender<Line>) {
    let mut count = 0;
    while let Ok((client, _)) = listener.accept().await {
        count += 1;
        let (server, line) = (line.borrow().server(count), line.clone());
        tokio::spawn(async move {
            // Where nobody listens, the client sees its connection closed.
            let Some(server) = server else { return };
            if let Ok(server) = TcpStream::connect(server).await {
                carry(client, server, &line).await;
            }
        });
    }
}

/// One connection over the wire.
struct Connection<'a> {
    line: &'a watch::Sender<Line>,
    /// How often the wire had been cut when it was made.
    cuts: u64,
    /// Whether the mark has come over it.
    marked: AtomicBool,
}

/// Carries both ways until either end is gone, or the wire is cut.
async fn carry(client: TcpStream, server: TcpStream, line: &watch::Sender<Line>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let connection = Connection { line, cuts: line.borrow().cuts, marked: AtomicBool::new(false) };
    let mut cut = line.subscribe();
    tokio::select! {
        _ = cut.wait_for(|line| line.cuts > connection.cuts) => {}
        _ = connection.requests(from_client, to_server) => {}
        _ = connection.answers(from_server, to_client) => {}
    }
}

impl Connection<'_> {
    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let (mut chunk, mut seen) = (vec![0; CHUNK], Vec::new());
        loop {
            let read = from.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            self.look(&mut seen, &chunk[..read]);
            self.wait(Manner::keeps_requests).await?;
            to.write_all(&chunk[..read]).await?;
        }
    }

    async fn answers(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            self.wait(Manner::keeps_answers).await?;
            to.write_all(&chunk[..read]).await?;
        }
    }

    /// Looks for the mark in what comes, and in what came before as far as it can reach back.
    fn look(&self, seen: &mut Vec<u8>, chunk: &[u8]) {
        let line = self.line.borrow();
        let Some(mark) = line.manner.mark() else { return seen.clear() };
        seen.extend_from_slice(chunk);
        if seen.windows(mark.len()).any(|bytes| bytes == mark) {
            self.marked.store(true, Ordering::Relaxed);
        }
        seen.drain(..seen.len().saturating_sub(mark.len()));
    }

    /// Returns when something may pass; says meanwhile that it is kept. What is kept when the wire is cut never passes.
    async fn wait(&self, keeps: impl Fn(&Manner, bool) -> bool) -> io::Result<()> {
        let kept = |line: &Line| keeps(&line.manner, self.marked.load(Ordering::Relaxed));
        let keep = kept(&self.line.borrow());
        if keep {
            self.line.send_modify(|line| line.keeps = true);
            drop(self.line.subscribe().wait_for(|line| line.cuts > self.cuts || !kept(line)).await);
        }
        if self.line.borrow().cuts > self.cuts { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Line {
    /// Whom the connection with this number is led to.
    fn server(&self, number: usize) -> Option<String> {
        let place = number.checked_rem(self.servers.len())?;
        self.servers.get(place).cloned()
    }
}

impl Manner {
    fn mark(&self) -> Option<&[u8]> {
        match self {
            Self::Through | Self::KeepAnswers | Self::KeepAll => None,
            Self::KeepAnswersTo(mark) | Self::KeepRequest(mark) => Some(mark),
        }
    }

    fn keeps_requests(&self, marked: bool) -> bool {
        match self {
            Self::Through | Self::KeepAnswers | Self::KeepAnswersTo(_) => false,
            Self::KeepAll => true,
            Self::KeepRequest(_) => marked,
        }
    }

    fn keeps_answers(&self, marked: bool) -> bool {
        match self {
            Self::Through | Self::KeepRequest(_) => false,
            Self::KeepAnswers | Self::KeepAll => true,
            Self::KeepAnswersTo(_) => marked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says back whatever it hears.
    async fn echo() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it listens").to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn connected() -> (Proxy, TcpStream) {
        let proxy = Proxy::before(echo().await).await.expect("a port is free");
        let mut stream = TcpStream::connect(proxy.address).await.expect("it listens");
        say(&mut stream, "hello").await;
        assert_eq!(hear(&mut stream, 5).await, "hello");
        (proxy, stream)
    }

    async fn say(stream: &mut TcpStream, word: &str) {
        stream.write_all(word.as_bytes()).await.expect("nobody has hung up");
    }

    /// So many letters, or as many as come.
    async fn hear(stream: &mut TcpStream, letters: u64) -> String {
        let mut heard = Vec::new();
        // A connection that is cut may end in an error; what was heard before counts.
        drop(stream.take(letters).read_to_end(&mut heard).await);
        String::from_utf8(heard).expect("letters were said")
    }

    #[tokio::test]
    async fn an_answer_that_is_kept_is_lost_with_the_wire() {
        let (proxy, mut stream) = connected().await;
        proxy.set(Manner::KeepAnswers);
        say(&mut stream, "lost").await;
        proxy.keeps().await;
        proxy.cut();
        assert_eq!(hear(&mut stream, 4).await, "");
        let mut other = TcpStream::connect(proxy.address).await.expect("it listens");
        say(&mut other, "again").await;
        assert_eq!(hear(&mut other, 5).await, "again");
    }

    #[tokio::test]
    async fn what_is_kept_passes_when_it_may() {
        let (proxy, mut stream) = connected().await;
        proxy.set(Manner::KeepAnswers);
        say(&mut stream, "late").await;
        proxy.keeps().await;
        proxy.set(Manner::Through);
        assert_eq!(hear(&mut stream, 4).await, "late");
    }

    #[tokio::test]
    async fn nothing_passes_where_all_is_kept_and_whoever_comes_is_led_elsewhere() {
        let (proxy, mut stream) = connected().await;
        proxy.set(Manner::KeepAll);
        say(&mut stream, "late").await;
        proxy.keeps().await;
        proxy.set(Manner::Through);
        assert_eq!(hear(&mut stream, 4).await, "late");
        proxy.lead_to(Vec::new());
        let mut nobody = TcpStream::connect(proxy.address).await.expect("it listens");
        assert_eq!(hear(&mut nobody, 1).await, "");
        proxy.lead_to(vec![echo().await, echo().await]);
        let mut other = TcpStream::connect(proxy.address).await.expect("it listens");
        say(&mut other, "hello").await;
        assert_eq!(hear(&mut other, 5).await, "hello");
    }

    #[tokio::test]
    async fn only_what_has_the_mark_is_kept() {
        for manner in [Manner::KeepRequest(b"mark".to_vec()), Manner::KeepAnswersTo(b"mark".to_vec())] {
            let (proxy, mut stream) = connected().await;
            proxy.set(manner);
            say(&mut stream, "no ma").await;
            assert_eq!(hear(&mut stream, 5).await, "no ma");
            say(&mut stream, "rk").await;
            proxy.keeps().await;
            proxy.cut();
            assert_eq!(hear(&mut stream, 2).await, "");
        }
    }
}
