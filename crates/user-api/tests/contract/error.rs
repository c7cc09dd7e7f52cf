//! Errors as clients see them.

use std::time::Duration;

use connectrpc::{ConnectError, ErrorCode};
use user_api::ApiError;

#[test]
fn curl_users_can_read_the_details() {
    let error = ApiError::new(ErrorCode::InvalidArgument, "INVALID_FIELDS", "Some fields are wrong.")
        .with_metadata("count", "1")
        .with_metadata("also", "2")
        .with_violation("email", "has no @")
        .with_retry_delay(Duration::from_millis(1500));
    let json = serde_json::to_value(ConnectError::from(error)).expect("it has a JSON form");
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("it is JSON"), @r#"
    {
      "code": "invalid_argument",
      "message": "Some fields are wrong.",
      "details": [
        {
          "type": "google.rpc.ErrorInfo",
          "value": "Cg5JTlZBTElEX0ZJRUxEUxIHdXNlci52MRoJCgRhbHNvEgEyGgoKBWNvdW50EgEx",
          "debug": {
            "reason": "INVALID_FIELDS",
            "domain": "user.v1",
            "metadata": {
              "also": "2",
              "count": "1"
            }
          }
        },
        {
          "type": "google.rpc.BadRequest",
          "value": "ChEKBWVtYWlsEghoYXMgbm8gQA",
          "debug": {
            "fieldViolations": [
              {
                "field": "email",
                "description": "has no @"
              }
            ]
          }
        },
        {
          "type": "google.rpc.RetryInfo",
          "value": "CggIARCAyrXuAQ",
          "debug": {
            "retryDelay": "1.500s"
          }
        }
      ]
    }
    "#);
}

#[test]
fn details_that_say_nothing_are_left_out() {
    let error = ConnectError::from(ApiError::new(ErrorCode::NotFound, "USER_NOT_FOUND", "No such user."));
    let types: Vec<_> = error.details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert_eq!(types, ["google.rpc.ErrorInfo"]);
}
