//! What a user must look like at any position, made from nothing but the list of her events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::random::{Dice, live};
use crate::stage::{Stage, refusal_of};

/// The names of fields in events, and in a user's JSON.
const FIELDS: [(&str, &str); 6] = [
    ("email", "email"),
    ("username", "username"),
    ("first_name", "firstName"),
    ("last_name", "lastName"),
    ("avatar_url", "avatarUrl"),
    ("status", "status"),
];

/// A user and everything that happened to her.
pub(super) struct History {
    pub(super) id: String,
    pub(super) events: Vec<Value>,
}

/// A field as an event left it.
pub(super) struct Origin {
    pub(super) value: Value,
    pub(super) before: Value,
    pub(super) event: Value,
}

/// The histories of everybody in a directory that nobody thought up.
pub(super) async fn histories(stage: &Stage, seed: u64) -> Vec<History> {
    let mut histories = Vec::new();
    for id in live(stage, &mut Dice(seed), 60).await {
        histories.push(History::of(stage, &id).await);
    }
    histories
}

impl History {
    async fn of(stage: &Stage, id: &str) -> Self {
        let (mut request, mut events) = (json!({"id": id, "pageSize": 200}), Vec::new());
        loop {
            let page = stage.ok("ListUserEvents", request.clone()).await;
            events.extend_from_slice(page["events"].as_array().unwrap());
            request["pageToken"] = page["nextPageToken"].clone();
            if request["pageToken"].is_null() {
                return Self { id: id.to_owned(), events };
            }
        }
    }

    pub(super) fn is_erased(&self) -> bool {
        self.events.iter().any(|event| event["type"] == "user.erased")
    }

    fn until(&self, position: u64) -> impl Iterator<Item = &Value> {
        self.events.iter().take_while(move |event| number(&event["position"]) <= position)
    }

    /// Her user as `GetUser` must show it; none before her first event.
    pub(super) fn user_at(&self, position: u64) -> Option<Value> {
        let mut user = json!({"id": self.id});
        for event in self.until(position) {
            let changes = event["changes"].as_array().unwrap();
            for change in changes {
                let shown = FIELDS.iter().find(|(name, _)| change["field"] == *name);
                if let Some((name, shown)) = shown {
                    user[*shown] = in_json(name, &change["to"]);
                }
            }
            match event["type"].as_str().unwrap() {
                "user.created" => user["createdAt"] = event["time"].clone(),
                "user.deleted" | "user.erased" => user["deletedAt"] = event["time"].clone(),
                "user.restored" => user["deletedAt"] = Value::Null,
                _ => {}
            }
            if self.is_erased() && event["type"] != "user.erased" {
                user["deletedAt"] = Value::Null;
            }
            user["updatedAt"] = event["time"].clone();
            user["etag"] = json!(format!("{:x}-{}", number(&event["version"]), &self.id[28..]));
        }
        if self.is_erased() {
            user["status"] = json!("USER_STATUS_ERASED");
        }
        let fields = user.as_object_mut().unwrap();
        fields.retain(|_, value| !value.is_null());
        fields.contains_key("createdAt").then_some(user)
    }

    /// What `GetUser` must say, as [`told`] writes it.
    pub(super) fn told_at(&self, position: u64) -> String {
        match self.user_at(position) {
            Some(user) => sorted(&user),
            None => "not_found USER_NOT_YET_CREATED".to_owned(),
        }
    }

    /// For each field the event that set it last.
    pub(super) fn origins_at(&self, position: u64) -> BTreeMap<String, Origin> {
        let mut origins: BTreeMap<String, Origin> = BTreeMap::new();
        for event in self.until(position) {
            for change in event["changes"].as_array().unwrap() {
                let (value, before) = (change["to"].clone(), change["from"].clone());
                let field = change["field"].as_str().unwrap().to_owned();
                origins.insert(field, Origin { value, before, event: event.clone() });
            }
            let deleted_at = match event["type"].as_str().unwrap() {
                "user.deleted" | "user.erased" => event["time"].clone(),
                "user.restored" => Value::Null,
                _ => continue,
            };
            let before = origins.get("deleted_at").map_or(Value::Null, |origin| origin.value.clone());
            let origin = Origin { value: deleted_at, before, event: event.clone() };
            origins.insert("deleted_at".to_owned(), origin);
        }
        origins.retain(|field, _| !["reason", "changed_by"].contains(&field.as_str()));
        origins
    }
}

pub(super) fn number(value: &Value) -> u64 {
    value.as_str().map_or(0, |text| text.parse().unwrap())
}

/// A value of an event as a user's JSON has it.
fn in_json(field: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(status) if field == "status" => json!(format!("USER_STATUS_{}", status.to_uppercase())),
        Some(_) | None => value.clone(),
    }
}

/// The user that a call shows, or why it shows none.
pub(super) async fn told(stage: &Stage, request: Value) -> String {
    let answer = stage.service.post("GetUser", &request).await;
    match answer.status {
        200 => sorted(&answer.body["user"]),
        _ => refusal_of(&answer.body),
    }
}

fn sorted(user: &Value) -> String {
    let fields: BTreeMap<_, _> = user.as_object().unwrap().iter().collect();
    json!(fields).to_string()
}
