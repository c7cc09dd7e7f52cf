//! Bad input: every call with every kind of it. The answer names code, reason and field, nothing is written, and the
//! process lives on.

mod values;
mod streams;
mod messages;
mod writes;
mod imports;

use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::json;

use crate::stage::{Stage, on_both_stores, post, refusal_of};
use values::{calls, long};

on_both_stores!(every_call_tells_what_is_wrong, what_is_no_request_is_refused);

#[expect(clippy::too_many_lines, reason = "what is long is the table, and it is the test")]
async fn every_call_tells_what_is_wrong(stage: &Stage) {
    let alice = stage.create("alice").await;
    let (mut table, mut told_before) = (String::new(), String::new());
    for (call, good, bad) in calls(alice.id()) {
        let mut told = String::new();
        for (word, field, value) in bad {
            let mut request = good.clone();
            if !field.is_empty() {
                request[field] = value;
            }
            if call == "GetUser" && ["minPosition", "asOf", "version"].contains(&field) {
                request["id"] = json!(alice.id());
            }
            let answer = stage.service.post(call, &request).await;
            let outcome =
                if answer.status == 200 { answer.body.to_string() } else { refusal_of(&answer.body) };
            writeln!(told, "  {field} {word}: {outcome}").unwrap();
        }
        let same = if told == told_before { "  the same\n" } else { &*told };
        write!(table, "{call}\n{same}").unwrap();
        told_before = told;
    }
    assert_eq!((stage.head().await, stage.get(&alice).await), (1, alice), "nothing was written");
    allow_duplicates! {
        assert_snapshot!(table, @r#"
        CreateUser
          email empty: invalid_argument EMPTY email
          email no @: invalid_argument SYNTAX email
          email too long: invalid_argument DOMAIN_SYNTAX email
          email much too long: invalid_argument TOO_LONG email
          email control: invalid_argument LOCAL_PART_SYNTAX email
          email no domain: invalid_argument DOMAIN_SYNTAX email
          username empty: invalid_argument EMPTY username
          username too long: invalid_argument TOO_LONG username
          username much too long: invalid_argument TOO_LONG username
          username control: invalid_argument CONTROL_OR_SPACE username
          username space: invalid_argument CONTROL_OR_SPACE username
          username invisible: invalid_argument INVISIBLE username
          password empty: invalid_argument TOO_SHORT password
          password too short: invalid_argument TOO_SHORT password
          password too long: invalid_argument TOO_LONG password
          firstName blank: invalid_argument BLANK first_name
          firstName too long: invalid_argument TOO_LONG first_name
          firstName control: invalid_argument CONTROL first_name
          lastName blank: invalid_argument BLANK last_name
          lastName too long: invalid_argument TOO_LONG last_name
          lastName control: invalid_argument CONTROL last_name
          avatarUrl no https: invalid_argument NOT_HTTPS avatar_url
          avatarUrl too long: invalid_argument TOO_LONG avatar_url
          avatarUrl script: invalid_argument NOT_HTTPS avatar_url
          requestId no UUID: invalid_argument MALFORMED_UUID request_id
          requestId in braces: invalid_argument MALFORMED_UUID request_id
        GetUser
           nothing: invalid_argument REQUIRED id
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          email empty: invalid_argument EMPTY email
          email no @: invalid_argument SYNTAX email
          email too long: invalid_argument DOMAIN_SYNTAX email
          email much too long: invalid_argument TOO_LONG email
          email control: invalid_argument LOCAL_PART_SYNTAX email
          email no domain: invalid_argument DOMAIN_SYNTAX email
          username empty: invalid_argument EMPTY username
          username too long: invalid_argument TOO_LONG username
          username much too long: invalid_argument TOO_LONG username
          username control: invalid_argument CONTROL_OR_SPACE username
          username space: invalid_argument CONTROL_OR_SPACE username
          username invisible: invalid_argument INVISIBLE username
          minPosition not reached: out_of_range POSITION_NOT_REACHED min_position
          minPosition negative: invalid_argument MALFORMED_REQUEST
          asOf of no kind: invalid_argument REQUIRED as_of
          asOf of both kinds: invalid_argument MALFORMED_REQUEST
          asOf no time: invalid_argument MALFORMED_REQUEST
          asOf in the year 10000: invalid_argument MALFORMED_REQUEST
          asOf to come: out_of_range POSITION_NOT_REACHED as_of
          asOf no position: invalid_argument MALFORMED_REQUEST
          asOf not reached: out_of_range POSITION_NOT_REACHED as_of
          version zero: invalid_argument VERSION_ZERO version
          version negative: invalid_argument MALFORMED_REQUEST
          version not reached: out_of_range VERSION_NOT_REACHED version
        BatchGetUsers
          ids none: invalid_argument REQUIRED ids
          ids no UUID: invalid_argument MALFORMED_UUID ids
          ids too many: invalid_argument TOO_MANY ids
          minPosition not reached: out_of_range POSITION_NOT_REACHED
        ListUsers
          pageSize negative: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize least: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize too large: invalid_argument MALFORMED_REQUEST
          pageToken no token: invalid_argument BAD_PAGE_TOKEN page_token
          pageToken forged: invalid_argument BAD_PAGE_TOKEN page_token
          filter unspecified: invalid_argument UNKNOWN_STATUS filter.statuses
          filter erased: invalid_argument UNKNOWN_STATUS filter.statuses
          filter unknown: invalid_argument UNKNOWN_STATUS filter.statuses
          filter of no name: invalid_argument MALFORMED_REQUEST
          filter too long: invalid_argument TOO_LONG filter.query
          filter control: invalid_argument CONTROL filter.query
          filter two lines: invalid_argument CONTROL filter.query
          filter owner of no address: invalid_argument SYNTAX filter.email
          filter owner of no name: invalid_argument CONTROL_OR_SPACE filter.username
          filter no time: invalid_argument MALFORMED_REQUEST
          filter in the year 10000: invalid_argument MALFORMED_REQUEST
          filter of no time: invalid_argument EMPTY_PERIOD filter.created_until
          orderBy unknown: invalid_argument UNKNOWN_ORDER order_by
          orderBy two: invalid_argument UNKNOWN_ORDER order_by
          orderBy no way: invalid_argument UNKNOWN_ORDER order_by
          orderBy too much: invalid_argument UNKNOWN_ORDER order_by
          orderBy a statement: invalid_argument UNKNOWN_ORDER order_by
          minPosition not reached: out_of_range POSITION_NOT_REACHED
        UpdateUser
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          etag no etag: invalid_argument MALFORMED_ETAG etag
          etag too long: invalid_argument MALFORMED_ETAG etag
          etag control: invalid_argument MALFORMED_ETAG etag
          requestId no UUID: invalid_argument MALFORMED_UUID request_id
          requestId in braces: invalid_argument MALFORMED_UUID request_id
          email empty: invalid_argument EMPTY email
          email no @: invalid_argument SYNTAX email
          email too long: invalid_argument DOMAIN_SYNTAX email
          email much too long: invalid_argument TOO_LONG email
          email control: invalid_argument LOCAL_PART_SYNTAX email
          email no domain: invalid_argument DOMAIN_SYNTAX email
          username empty: invalid_argument EMPTY username
          username too long: invalid_argument TOO_LONG username
          username much too long: invalid_argument TOO_LONG username
          username control: invalid_argument CONTROL_OR_SPACE username
          username space: invalid_argument CONTROL_OR_SPACE username
          username invisible: invalid_argument INVISIBLE username
          firstName blank: invalid_argument BLANK first_name
          firstName too long: invalid_argument TOO_LONG first_name
          firstName control: invalid_argument CONTROL first_name
          lastName blank: invalid_argument BLANK last_name
          lastName too long: invalid_argument TOO_LONG last_name
          lastName control: invalid_argument CONTROL last_name
          avatarUrl no https: invalid_argument NOT_HTTPS avatar_url
          avatarUrl too long: invalid_argument TOO_LONG avatar_url
          avatarUrl script: invalid_argument NOT_HTTPS avatar_url
          updateMask unknown: invalid_argument UNKNOWN_PATH update_mask
          updateMask everything: invalid_argument UNKNOWN_PATH update_mask
          updateMask not hers to set: invalid_argument UNKNOWN_PATH update_mask
        ChangePassword
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          etag no etag: invalid_argument MALFORMED_ETAG etag
          etag too long: invalid_argument MALFORMED_ETAG etag
          etag control: invalid_argument MALFORMED_ETAG etag
          requestId no UUID: invalid_argument MALFORMED_UUID request_id
          requestId in braces: invalid_argument MALFORMED_UUID request_id
          newPassword empty: invalid_argument TOO_SHORT new_password
          newPassword too short: invalid_argument TOO_SHORT new_password
          newPassword too long: invalid_argument TOO_LONG new_password
          oldPassword empty: permission_denied WRONG_PASSWORD old_password
          oldPassword too long: invalid_argument TOO_LONG old_password
        SetPassword
           nothing: invalid_argument REQUIRED password
          id empty: invalid_argument MALFORMED_UUID id,password
          id no UUID: invalid_argument MALFORMED_UUID id,password
          id no hyphens: invalid_argument MALFORMED_UUID id,password
          id too long: invalid_argument MALFORMED_UUID id,password
          etag no etag: invalid_argument MALFORMED_ETAG etag,password
          etag too long: invalid_argument MALFORMED_ETAG etag,password
          etag control: invalid_argument MALFORMED_ETAG etag,password
          requestId no UUID: invalid_argument MALFORMED_UUID request_id,password
          requestId in braces: invalid_argument MALFORMED_UUID request_id,password
          password empty: invalid_argument TOO_SHORT password
          password too short: invalid_argument TOO_SHORT password
          password too long: invalid_argument TOO_LONG password
          passwordHash empty: invalid_argument UNKNOWN_ALGORITHM password_hash
          passwordHash no hash: invalid_argument UNKNOWN_ALGORITHM password_hash
          passwordHash half a hash: invalid_argument MALFORMED_HASH password_hash
        VerifyPassword
          password empty: {}
          password too long: invalid_argument TOO_LONG password
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
        SuspendUser
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          etag no etag: invalid_argument MALFORMED_ETAG etag
          etag too long: invalid_argument MALFORMED_ETAG etag
          etag control: invalid_argument MALFORMED_ETAG etag
          requestId no UUID: invalid_argument MALFORMED_UUID request_id
          requestId in braces: invalid_argument MALFORMED_UUID request_id
          reason empty: invalid_argument BLANK reason
          reason blank: invalid_argument BLANK reason
          reason too long: invalid_argument TOO_LONG reason
          reason two lines: invalid_argument CONTROL reason
        ListUserEvents
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          pageSize negative: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize least: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize too large: invalid_argument MALFORMED_REQUEST
          pageToken no token: invalid_argument BAD_PAGE_TOKEN page_token
          pageToken forged: invalid_argument BAD_PAGE_TOKEN page_token
          filter of no type: invalid_argument UNKNOWN_EVENT_TYPE filter.types
          filter of too many types: invalid_argument TOO_MANY_TYPES filter.types
          filter of no user: invalid_argument NOT_FOR_ONE_USER filter.user_ids,filter.user_ids
          filter of too many users: invalid_argument NOT_FOR_ONE_USER filter.user_ids,filter.user_ids
          filter of no correlation: invalid_argument MALFORMED_UUID filter.correlation_id
          filter from no time: invalid_argument MALFORMED_REQUEST
          filter of no time at all: invalid_argument EMPTY_PERIOD filter.until_time
          order of no name: invalid_argument MALFORMED_REQUEST
          order unknown: invalid_argument UNKNOWN_ORDER order
          filter of other users: invalid_argument NOT_FOR_ONE_USER filter.user_ids
        ListEvents
          pageSize negative: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize least: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize too large: invalid_argument MALFORMED_REQUEST
          pageToken no token: invalid_argument BAD_PAGE_TOKEN page_token
          pageToken forged: invalid_argument BAD_PAGE_TOKEN page_token
          filter of no type: invalid_argument UNKNOWN_EVENT_TYPE filter.types
          filter of too many types: invalid_argument TOO_MANY_TYPES filter.types
          filter of no user: invalid_argument MALFORMED_UUID filter.user_ids
          filter of too many users: invalid_argument TOO_MANY_USERS filter.user_ids
          filter of no correlation: invalid_argument MALFORMED_UUID filter.correlation_id
          filter from no time: invalid_argument MALFORMED_REQUEST
          filter of no time at all: invalid_argument EMPTY_PERIOD filter.until_time
          order of no name: invalid_argument MALFORMED_REQUEST
          order unknown: invalid_argument UNKNOWN_ORDER order
        DiffUsers
          pageSize negative: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize least: invalid_argument NEGATIVE_PAGE_SIZE page_size
          pageSize too large: invalid_argument MALFORMED_REQUEST
          pageToken no token: invalid_argument BAD_PAGE_TOKEN page_token
          pageToken forged: invalid_argument BAD_PAGE_TOKEN page_token
          from none: invalid_argument REQUIRED from
          from of no kind: invalid_argument REQUIRED from
          from of both kinds: invalid_argument MALFORMED_REQUEST
          from no time: invalid_argument MALFORMED_REQUEST
          from in the year 10000: invalid_argument MALFORMED_REQUEST
          from to come: out_of_range POSITION_NOT_REACHED from
          from no position: invalid_argument MALFORMED_REQUEST
          from not reached: out_of_range POSITION_NOT_REACHED from
          to of no kind: invalid_argument REQUIRED to
          to of both kinds: invalid_argument MALFORMED_REQUEST
          to no time: invalid_argument MALFORMED_REQUEST
          to in the year 10000: invalid_argument MALFORMED_REQUEST
          to to come: out_of_range POSITION_NOT_REACHED to
          to no position: invalid_argument MALFORMED_REQUEST
          to not reached: out_of_range POSITION_NOT_REACHED to
          to before from: invalid_argument MOMENTS_REVERSED to
        GetActivity
          fromDay no day: invalid_argument MALFORMED_DAY from_day
          fromDay too early: invalid_argument TOO_MANY_DAYS from_day
          fromDay to come: invalid_argument DAYS_REVERSED from_day
          untilDay no day: invalid_argument MALFORMED_DAY until_day
          domainsMax negative: invalid_argument NEGATIVE_DOMAINS_MAX domains_max
          minPosition not reached: out_of_range POSITION_NOT_REACHED
        DiffUser
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          from none: invalid_argument REQUIRED from
          from of no kind: invalid_argument REQUIRED from
          from of both kinds: invalid_argument MALFORMED_REQUEST
          from no time: invalid_argument MALFORMED_REQUEST
          from in the year 10000: invalid_argument MALFORMED_REQUEST
          from to come: out_of_range POSITION_NOT_REACHED from
          from no position: invalid_argument MALFORMED_REQUEST
          from not reached: out_of_range POSITION_NOT_REACHED from
          to of no kind: invalid_argument REQUIRED to
          to of both kinds: invalid_argument MALFORMED_REQUEST
          to no time: invalid_argument MALFORMED_REQUEST
          to in the year 10000: invalid_argument MALFORMED_REQUEST
          to to come: out_of_range POSITION_NOT_REACHED to
          to no position: invalid_argument MALFORMED_REQUEST
          to not reached: out_of_range POSITION_NOT_REACHED to
          to before from: invalid_argument MOMENTS_REVERSED to
        ExplainUser
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          asOf of no kind: invalid_argument REQUIRED as_of
          asOf of both kinds: invalid_argument MALFORMED_REQUEST
          asOf no time: invalid_argument MALFORMED_REQUEST
          asOf in the year 10000: invalid_argument MALFORMED_REQUEST
          asOf to come: out_of_range POSITION_NOT_REACHED as_of
          asOf no position: invalid_argument MALFORMED_REQUEST
          asOf not reached: out_of_range POSITION_NOT_REACHED as_of
        ActivateUser
          id empty: invalid_argument MALFORMED_UUID id
          id no UUID: invalid_argument MALFORMED_UUID id
          id no hyphens: invalid_argument MALFORMED_UUID id
          id too long: invalid_argument MALFORMED_UUID id
          etag no etag: invalid_argument MALFORMED_ETAG etag
          etag too long: invalid_argument MALFORMED_ETAG etag
          etag control: invalid_argument MALFORMED_ETAG etag
          requestId no UUID: invalid_argument MALFORMED_UUID request_id
          requestId in braces: invalid_argument MALFORMED_UUID request_id
        DeactivateUser
          the same
        ReinstateUser
          the same
        DeleteUser
          the same
        RestoreUser
          the same
        EraseUser
          the same
        "#);
    }
}

async fn what_is_no_request_is_refused(stage: &Stage) {
    let alice = stage.create("alice").await;
    let mut table = String::new();
    let deep = "[".repeat(10_000);
    let large = json!({"id": long(100_000)}).to_string();
    let twice = format!(r#"{{"id":"{0}","username":"alice"}}"#, alice.id());
    for (word, body) in [
        ("empty", ""),
        ("half", "{"),
        ("a list", "[]"),
        ("null", "null"),
        ("a number for an id", r#"{"id":5}"#),
        ("two of one choice", &*twice),
        ("a field that nobody knows", r#"{"identity":"x"}"#),
        ("half a character", r#"{"username":"\ud800"}"#),
        ("nested deeply", &*deep),
        ("too large", &*large),
    ] {
        let answer = post(stage.service.address, "GetUser", body).await;
        writeln!(table, "{word}: {} {}", answer.status, refusal_of(&answer.body)).unwrap();
    }
    let unknown = stage.service.post("DestroyUser", &json!({})).await;
    writeln!(table, "a call that nobody knows: {} {}", unknown.status, refusal_of(&unknown.body)).unwrap();
    assert_eq!(stage.get(&alice).await, alice);
    allow_duplicates! {
        assert_snapshot!(table, @r#"
        empty: 400 invalid_argument MALFORMED_REQUEST
        half: 400 invalid_argument MALFORMED_REQUEST
        a list: 400 invalid_argument MALFORMED_REQUEST
        null: 400 invalid_argument MALFORMED_REQUEST
        a number for an id: 400 invalid_argument MALFORMED_REQUEST
        two of one choice: 400 invalid_argument MALFORMED_REQUEST
        a field that nobody knows: 400 invalid_argument REQUIRED id
        half a character: 400 invalid_argument MALFORMED_REQUEST
        nested deeply: 400 invalid_argument MALFORMED_REQUEST
        too large: 429 resource_exhausted MESSAGE_TOO_LARGE
        a call that nobody knows: 404 unimplemented UNKNOWN_METHOD
        "#);
    }
}
