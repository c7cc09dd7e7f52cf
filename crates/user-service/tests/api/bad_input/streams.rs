//! Calls that are answered with a stream, over Connect and written by hand: one message goes out, and a refusal is the
//! only one that comes back.

use std::fmt::Write as _;
use std::net::SocketAddr;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::values::streams;
use crate::stage::{Stage, on_both_stores, refusal_of};

on_both_stores!(every_stream_tells_what_is_wrong);

/// What a message begins with: a byte of flags and four of its length.
const PREFIX: usize = 5;

/// The flag of the message that ends a stream.
const END: u8 = 2;

async fn every_stream_tells_what_is_wrong(stage: &Stage) {
    let mut table = String::new();
    for (call, good, bad) in streams() {
        writeln!(table, "{call}").unwrap();
        for (word, field, value) in bad {
            let mut request = good.clone();
            request[field] = value;
            let error = refusal_of_stream(stage.service.address, call, &request).await;
            writeln!(table, "  {field} {word}: {}", refusal_of(&error)).unwrap();
        }
    }
    allow_duplicates! {
        assert_snapshot!(table, @"
        ExportEvents
          filter of no type: invalid_argument UNKNOWN_EVENT_TYPE filter.types
          filter of too many types: invalid_argument TOO_MANY_TYPES filter.types
          filter of no user: invalid_argument MALFORMED_UUID filter.user_ids
          filter of too many users: invalid_argument TOO_MANY_USERS filter.user_ids
          filter of no correlation: invalid_argument MALFORMED_UUID filter.correlation_id
          filter from no time: invalid_argument MALFORMED_REQUEST
          filter of no time at all: invalid_argument EMPTY_PERIOD filter.until_time
          format of no name: invalid_argument MALFORMED_REQUEST
          format unknown: invalid_argument UNKNOWN_FORMAT format
          afterPosition no position: invalid_argument MALFORMED_REQUEST
          afterPosition not reached: out_of_range POSITION_NOT_REACHED after_position
        ExportUsers
          asOf of no kind: invalid_argument REQUIRED as_of
          asOf not reached: out_of_range POSITION_NOT_REACHED as_of
          statuses unspecified: invalid_argument UNKNOWN_STATUS statuses
          statuses erased: invalid_argument UNKNOWN_STATUS statuses
          statuses unknown: invalid_argument UNKNOWN_STATUS statuses
          resumeToken no token: invalid_argument BAD_RESUME_TOKEN resume_token
        WatchEvents
          filter of no type: invalid_argument UNKNOWN_EVENT_TYPE filter.types
          filter of too many types: invalid_argument TOO_MANY_TYPES filter.types
          filter of no user: invalid_argument MALFORMED_UUID filter.user_ids
          filter of too many users: invalid_argument TOO_MANY_USERS filter.user_ids
          filter of no correlation: invalid_argument MALFORMED_UUID filter.correlation_id
          filter from no time: invalid_argument MALFORMED_REQUEST
          filter of no time at all: invalid_argument NOT_IN_A_FEED filter.from_time,filter.until_time
          afterPosition no position: invalid_argument MALFORMED_REQUEST
          afterPosition not reached: out_of_range POSITION_NOT_REACHED after_position
          resumeToken no token: invalid_argument BAD_RESUME_TOKEN resume_token
          resumeToken empty: invalid_argument BAD_RESUME_TOKEN resume_token
          resumeToken too long: invalid_argument BAD_RESUME_TOKEN resume_token
        ");
    }
}

/// The error that a stream ends with before it has begun.
async fn refusal_of_stream(address: SocketAddr, call: &str, request: &Value) -> Value {
    let message = request.to_string();
    let head = format!(
        "POST /user.v1.UserService/{call} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/connect+json\r\n\
         content-length: {}\r\n\r\n",
        PREFIX + message.len()
    );
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let request = [head.as_bytes(), &[0], &length, message.as_bytes()].concat();
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    stream.write_all(&request).await.expect("the service reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the stream ends");
    let body = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("an answer has a head") + 4;
    let (prefix, message) = answer[body..].split_at(PREFIX);
    assert_eq!(prefix[0], END, "{call} is refused");
    serde_json::from_slice::<Value>(message).expect("it is one message")["error"].take()
}
