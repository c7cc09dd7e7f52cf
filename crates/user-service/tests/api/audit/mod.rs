//! What happened to whom, by whom, and where it came from: lists, exports, and what trusted callers say.

mod metadata;
mod lists;
mod exports;

use serde_json::{Value, json};

use crate::stage::{Header, PASSWORD, Service};

/// Two callers behind a gateway, and what their work belongs to.
const ALFRED: [Header<'static>; 2] =
    [("x-actor-id", "svc:alfred"), ("x-correlation-id", "0b5e0000-0000-4000-8000-00000000000a")];
const BERTHA: [Header<'static>; 2] =
    [("x-actor-id", "svc:bertha"), ("x-correlation-id", "0b5e0000-0000-4000-8000-00000000000b")];

/// Creates a user on behalf of somebody, and answers with her id.
async fn create(service: &Service, headers: &[Header<'_>], name: &str) -> String {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok_with("CreateUser", headers, request).await["user"]["id"].as_str().unwrap().to_owned()
}

/// Every event there is, oldest first.
async fn everything(service: &Service) -> Vec<Value> {
    all(service, "ListEvents", json!({"order": "EVENT_ORDER_OLDEST_FIRST", "pageSize": 200})).await
}

/// Every page of a list, put together.
async fn all(service: &Service, call: &str, mut request: Value) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let page = service.ok(call, request.clone()).await;
        events.extend(page["events"].as_array().cloned().unwrap_or_default());
        match page.get("nextPageToken") {
            Some(token) => request["pageToken"] = token.clone(),
            None => return events,
        }
    }
}
