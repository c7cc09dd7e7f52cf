//! The socket of whoever runs the service: plain HTTP on `admin.sock`, for the folder's owner alone.

mod projections;

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::directory::Directory;

/// A long list of what is parked is less than this.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// As many users as are looked through.
const TOP_MAX: usize = 100;

/// Listens on the socket. One that a killed service left behind is replaced, one that is in use is not.
pub(crate) fn listen(socket: &Path) -> anyhow::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(socket).is_ok() {
        bail!("another service answers on {}", socket.display());
    }
    if let Ok(found) = fs::symlink_metadata(socket) {
        if !found.file_type().is_socket() {
            bail!("{} is no socket: it is left as it is", socket.display());
        }
        fs::remove_file(socket).with_context(|| format!("cannot replace {}", socket.display()))?;
    }
    let listener =
        UnixListener::bind(socket).with_context(|| format!("cannot listen on {}", socket.display()))?;
    fs::set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until `stop`.
pub(crate) async fn serve(listener: UnixListener, directory: Directory, stop: CancellationToken) {
    let router = Router::new()
        .route("/status", get(status))
        .route("/clock/accept", post(accept_clock))
        .route("/top-users", get(top_users))
        .merge(projections::routes())
        .with_state(directory);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the admin socket is closed");
    }
}

async fn status(State(directory): State<Directory>) -> String {
    let warnings = directory.store().warnings().await;
    if warnings.is_empty() {
        return "all is well\n".to_owned();
    }
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    warnings.join("\n")
}

async fn accept_clock(State(directory): State<Directory>) -> &'static str {
    directory.store().accept_clock();
    tracing::warn!("the clock has been accepted as it is");
    "the clock is accepted\n"
}

/// Who was asked about most, one a line: her id, how often at most, and by how much that can be too high.
async fn top_users(State(directory): State<Directory>) -> String {
    let top = directory.metrics().most_asked().top(TOP_MAX);
    let lines = top.iter().map(|asked| format!("{} {} {}\n", asked.id, asked.questions, asked.too_high_by));
    lines.collect()
}

/// Tells a running service to do something, and gives back what it says.
pub(crate) async fn tell(socket: &Path, path: &str, words: &str) -> anyhow::Result<String> {
    request(socket, &Method::POST, path, words).await
}

/// Asks a running service something.
pub(crate) async fn ask(socket: &Path, path: &str) -> anyhow::Result<String> {
    request(socket, &Method::GET, path, "").await
}

async fn request(socket: &Path, method: &Method, path: &str, body: &str) -> anyhow::Result<String> {
    let stream = UnixStream::connect(socket).await;
    let mut stream = stream.with_context(|| format!("no service answers on {}", socket.display()))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: admin\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.lines().next().is_some_and(|status| status.contains(" 200 ")) => {
            Ok(body.trim_end().to_owned())
        }
        Some((_, body)) if !body.trim().is_empty() => bail!("the service says: {}", body.trim()),
        Some((head, _)) => bail!("the service said {}", head.lines().next().unwrap_or_default()),
        None => bail!("the service said nothing"),
    }
}
