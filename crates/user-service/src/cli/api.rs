//! The API of a running service, for commands that ask it: JSON over HTTP, one answer or a stream of them.
//!
//! A command is one question of one caller, so each call has a connection of its own.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use anyhow::{Context, bail};
use axum::body::{Body, BodyDataStream, Bytes, to_bytes};
use clap::Args;
use futures_util::StreamExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::settings::read_secret;
use super::tls::ClientTlsArgs;
use crate::tls;

/// A page of the largest messages takes a few hundred KiB.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Nobody waits longer for a service to take a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The flag of the envelope that ends a stream and says how.
const END: u8 = 0b10;

/// What stands before each message of a stream: flags, and the length of what follows.
const ENVELOPE_BYTES: usize = 5;

/// Where the service is.
#[derive(Clone, Debug, Args)]
pub(super) struct ApiArgs {
    /// Where a running service answers
    #[arg(long, global = true, env = "USER_SERVICE_API", default_value = "http://127.0.0.1:9090")]
    api: Uri,
    #[command(flatten)]
    tls: ClientTlsArgs,
    /// A file with the token to show, where the service wants one. Without it what `USER_SERVICE_TOKEN` holds, if anything
    #[arg(long, global = true, env = "USER_SERVICE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The token itself. Never from the command line, which every process of the machine can read
    #[arg(skip = token_from_environment())]
    token: Option<SecretString>,
}

fn token_from_environment() -> Option<SecretString> {
    std::env::var("USER_SERVICE_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from)
}

impl ApiArgs {
    /// What is shown to the service, if anything.
    fn authorization(&self) -> anyhow::Result<Option<HeaderValue>> {
        let file = self.token_file.as_ref().map(read_secret).transpose()?;
        let token = match (&file, &self.token) {
            (Some(text), _) => text.trim(),
            (None, Some(token)) => token.expose_secret().trim(),
            (None, None) => return Ok(None),
        };
        let shown = Zeroizing::new(format!("Bearer {token}"));
        let mut value = HeaderValue::from_str(&shown).context("the token is not one")?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// What the service answers to a call.
    pub(super) async fn call(&self, method: &str, request: &Value) -> anyhow::Result<Value> {
        let answer = self.post(method, "application/json", request.to_string().into()).await?;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await.context("the answer broke off")?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).context("the answer is not JSON");
        }
        Err(refusal(status, &body))
    }

    /// What the service goes on answering to a call.
    pub(super) async fn stream(&self, method: &str, request: &Value) -> anyhow::Result<Messages> {
        let request = request.to_string();
        let length = u32::try_from(request.len()).context("the request is too large")?;
        let envelope = [&[0], &length.to_be_bytes()[..], request.as_bytes()].concat();
        Self::answers(self.post(method, "application/connect+json", envelope.into()).await?).await
    }

    /// The messages that an answer consists of.
    async fn answers(answer: Response<Body>) -> anyhow::Result<Messages> {
        if answer.status() == StatusCode::OK {
            let (body, read) = (answer.into_body().into_data_stream(), Vec::new());
            return Ok(Messages { body, read });
        }
        let status = answer.status();
        Err(refusal(status, &to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await.unwrap_or_default()))
    }

    /// What the service answers to a stream of messages.
    pub(super) async fn upload(&self, method: &str, messages: &[String]) -> anyhow::Result<Value> {
        let mut body = Vec::new();
        for message in messages {
            let length = u32::try_from(message.len()).context("a message is too large")?;
            body.push(0);
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(message.as_bytes());
        }
        let mut answers =
            Self::answers(self.post(method, "application/connect+json", body.into()).await?).await?;
        let answer = answers.next().await?.context("the service gave no answer")?;
        // What follows says how it ended.
        answers.next().await?;
        Ok(answer)
    }

    async fn post(&self, method: &str, kind: &str, body: Body) -> anyhow::Result<Response<Body>> {
        let host = self.api.authority().context("--api needs a host: http://127.0.0.1:9090")?.as_str();
        let request = Request::post(format!("/user.v1.UserService/{method}"))
            .header(HOST, host)
            .header(CONTENT_TYPE, kind)
            .header("connect-protocol-version", "1");
        let request = match self.authorization()? {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        let request = request.body(body)?;
        let encrypted = self.api.scheme() == Some(&Scheme::HTTPS);
        let config = if encrypted { Some(tls::client(&self.tls.files()?)?) } else { None };
        let name = self.api.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.api.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let unanswered = || format!("no service answers on {host}");
        let stream = in_time(TcpStream::connect((name, port))).await.with_context(unanswered)?;
        match config {
            None => exchange(stream, request).await,
            Some(config) => {
                let stream = in_time(tls::connect(config, name, stream)).await;
                exchange(stream.with_context(|| format!("{host} is not talked to"))?, request).await
            }
        }
    }
}

/// What comes of it, unless nothing does for too long.
async fn in_time<T>(connecting: impl Future<Output = io::Result<T>>) -> anyhow::Result<T> {
    Ok(timeout(CONNECT_MAX, connecting).await??)
}

async fn exchange<S>(stream: S, request: Request<Body>) -> anyhow::Result<Response<Body>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await.context("the service hung up")?.map(Body::new))
}

/// The messages of a stream.
#[derive(Debug)]
pub(super) struct Messages {
    body: BodyDataStream,
    read: Vec<u8>,
}

impl Messages {
    /// The next message; `None` when the service has said all, an error when it ended otherwise.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        let envelope = self.take(ENVELOPE_BYTES).await?;
        let (flags, length) =
            (envelope[0], u32::from_be_bytes([envelope[1], envelope[2], envelope[3], envelope[4]]));
        let length = usize::try_from(length)?;
        if length > ANSWER_BYTES_MAX {
            bail!("the service sent a message of {length} bytes");
        }
        let message = self.take(length).await?;
        let message: Value = serde_json::from_slice(&message).context("a message is not JSON")?;
        match (flags & END, message.get("error")) {
            (0, _) => Ok(Some(message)),
            (_, None) => Ok(None),
            (_, Some(error)) => Err(told(error)),
        }
    }

    async fn take(&mut self, bytes: usize) -> anyhow::Result<Vec<u8>> {
        while self.read.len() < bytes {
            let more: Bytes = self.body.next().await.context("the stream broke off")??;
            self.read.extend_from_slice(&more);
        }
        let rest = self.read.split_off(bytes);
        Ok(std::mem::replace(&mut self.read, rest))
    }
}

/// What the service says instead of an answer: its words, its reason, and the fields that are to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The code of the error: `invalid_argument`.
    pub(super) code: String,
    text: String,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> anyhow::Error {
    match serde_json::from_slice::<Value>(body) {
        Ok(error) => told(&error),
        Err(_) => anyhow::anyhow!("the service said {status}"),
    }
}

fn told(error: &Value) -> anyhow::Error {
    let details = error["details"].as_array().map_or(&[][..], Vec::as_slice);
    let reason = details.iter().find_map(|detail| detail["debug"]["reason"].as_str());
    let code = error["code"].as_str().unwrap_or("unknown");
    let mut text = error["message"].as_str().unwrap_or("the service gave no reason").to_owned();
    let violations =
        details.iter().filter_map(|detail| detail["debug"]["fieldViolations"].as_array()).flatten();
    for violation in violations {
        let part = |name: &str| violation[name].as_str().unwrap_or_default();
        text = format!("{text}; {}: {}", part("field"), part("description"));
    }
    Refused { code: code.to_owned(), text: format!("{text} ({})", reason.unwrap_or(code)) }.into()
}
