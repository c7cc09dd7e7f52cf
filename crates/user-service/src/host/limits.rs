//! Every limit of the way in, with its reason. None of them is a tuning knob: each bounds what one
//! caller can take from all others.

use std::time::Duration;

/// gRPC frames a message with five bytes; a message of the full size must fit.
const GRPC_FRAME_BYTES: usize = 5;

/// What a caller may ask of the host. The defaults are the product's; tests use smaller ones.
#[derive(Clone, Debug)]
pub struct HostLimits {
    /// The largest request message, compressed or not. Our largest legitimate one, `CreateUser`
    /// with every field at its limit, stays under 8 KiB.
    pub message_bytes_max: usize,
    /// What decoding one message may allocate for its elements: a few bytes on the wire can ask for
    /// many empty ones.
    pub element_bytes_max: usize,
    /// All request headers together.
    pub header_bytes_max: u32,
    /// Calls at a time on one HTTP/2 connection; further ones wait at the client.
    pub streams_per_connection_max: u32,
    /// What one caller may have sent and we have not read: it stops whoever sends rows faster than they are
    /// carried out. Small on purpose: HTTP/2 cuts a connection on which many small frames wait.
    pub stream_window_bytes: u32,
    /// Streams that one client may have reset before we notice (the rapid reset attack).
    pub pending_resets_max: usize,
    /// Connections at a time; further ones are closed at once instead of left waiting.
    pub connections_max: usize,
    /// The same of one address, or of one network of IPv6: nobody takes all of them.
    pub connections_per_address_max: usize,
    /// Calls at a time, from their headers until their answers have been taken. Each costs the memory of its request
    /// and its answer.
    pub calls_max: usize,
    /// The same of one address.
    pub calls_per_address_max: usize,
    /// Calls that only read and are executed at a time. The store answers in a millisecond: more would wait for it.
    pub reads_max: usize,
    /// Calls that write and are executed at a time.
    pub writes_max: usize,
    /// Calls that hash a password and are executed at a time: some seconds of work.
    pub password_calls_max: usize,
    /// TLS handshakes at a time, beside the connections; further ones are closed at once.
    pub handshakes_max: usize,
    /// The same of one address.
    pub handshakes_per_address_max: usize,
    /// How long one may take. A caller on the other side of the world needs a second.
    pub handshake_timeout: Duration,
    /// From connecting (with TLS: from the handshake) to the end of the first request's headers. Afterwards HTTP/1.1 is
    /// bounded by it between requests too.
    pub header_read_timeout: Duration,
    /// From the end of a request's headers to the end of its body.
    pub body_read_timeout: Duration,
    /// From the refusal of a request until nobody waits for the rest of its body. She has been told: she is at its end soon, or
    /// does not listen, and whoever stops the service waits for her.
    pub unread_timeout: Duration,
    /// How long a piece of an answer waits for its reader. Slow readers are served slowly; whoever stops is dropped.
    pub stalled_max: Duration,
    /// How often an idle HTTP/2 peer is asked whether it still exists.
    pub keep_alive_interval: Duration,
    /// The longest deadline a caller may ask for; a longer one counts as this.
    pub deadline_max: Duration,
    /// The deadline of a call that asks for none. Without it such a call could run for ever.
    pub deadline_default: Duration,
    /// The longest deadline of an import, and the one of an import that asks for none. The rows that one
    /// call may bring, each with a password to be hashed, take some minutes of a small machine.
    pub import_deadline_max: Duration,
    /// From the order to stop until what still runs is cut.
    pub drain_max: Duration,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            message_bytes_max: 64 * 1024,
            element_bytes_max: 256 * 1024,
            header_bytes_max: 8 * 1024,
            streams_per_connection_max: 256,
            stream_window_bytes: 32 * 1024,
            pending_resets_max: 20,
            connections_max: 1024,
            connections_per_address_max: 256,
            calls_max: 4096,
            calls_per_address_max: 2048,
            reads_max: 512,
            writes_max: 1024,
            password_calls_max: 256,
            handshakes_max: 256,
            handshakes_per_address_max: 64,
            handshake_timeout: Duration::from_secs(5),
            header_read_timeout: Duration::from_secs(10),
            body_read_timeout: Duration::from_secs(10),
            unread_timeout: Duration::from_secs(1),
            stalled_max: Duration::from_mins(1),
            keep_alive_interval: Duration::from_secs(30),
            deadline_max: Duration::from_mins(1),
            deadline_default: Duration::from_secs(20),
            import_deadline_max: Duration::from_mins(15),
            drain_max: Duration::from_secs(10),
        }
    }
}

impl HostLimits {
    /// A message with its frame.
    pub(super) fn body_bytes_max(&self) -> usize {
        self.message_bytes_max + GRPC_FRAME_BYTES
    }
}
