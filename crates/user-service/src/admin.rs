//! The socket of whoever runs the service: plain HTTP on `admin.sock`, for the folder's owner alone.

pub(crate) mod keys;
mod projections;
mod tokens;

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::access::Tokens;
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
    if let Ok(found) = fs::symlink_metadata(socket)
        && !found.file_type().is_socket()
    {
        bail!("{} is no socket: it is left as it is", socket.display());
    }
    bind(socket).with_context(|| format!("cannot listen on {}", socket.display()))
}

/// A socket is made with whatever rights the process leaves to others, and loses them afterwards: that happens in a folder
/// that nobody else can enter, and then it is moved to its place.
fn bind(socket: &Path) -> anyhow::Result<UnixListener> {
    let beside = socket.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Short: the path of a socket has about a hundred bytes.
    let folder = beside.join(format!(".{}", std::process::id()));
    let made = folder.join("s");
    // One that was killed in here left them behind, if she had the same number.
    let _ = (fs::remove_file(&made), fs::remove_dir(&folder));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let bound = UnixListener::bind(&made).and_then(|listener| {
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        fs::rename(&made, socket)?;
        Ok(listener)
    });
    if bound.is_err() {
        let _ = fs::remove_file(&made);
    }
    fs::remove_dir(&folder)?;
    Ok(bound?)
}

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: UnixListener,
    directory: Directory,
    tokens: Tokens,
    stop: CancellationToken,
) {
    let router = Router::new()
        .route("/status", get(status))
        .route("/clock/accept", post(accept_clock))
        .route("/top-users", get(top_users))
        .merge(projections::routes())
        .merge(keys::routes())
        .with_state(directory)
        .merge(tokens::routes(tokens));
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn nobody_ever_sees_the_socket_with_rights_for_others() {
        let folder = tempfile::tempdir().expect("there is room");
        let (socket, over) = (folder.path().join("admin.sock"), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    if let Ok(found) = fs::symlink_metadata(&socket) {
                        assert_eq!(found.permissions().mode() & 0o777, 0o600);
                    }
                }
            });
            for _ in 0..200 {
                drop(listen(&socket).expect("nobody answers there"));
            }
            over.store(true, Ordering::Relaxed);
        });
        let left: Vec<_> = fs::read_dir(folder.path()).expect("it is there").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
