//! Histories that nobody thought up: calls in any order on a few users, some of which are refused.

use serde_json::{Value, json};

use crate::stage::{PASSWORD, Stage};

const CALLS: [&str; 8] = [
    "UpdateUser",
    "UpdateUser",
    "DeactivateUser",
    "ActivateUser",
    "SuspendUser",
    "ReinstateUser",
    "DeleteUser",
    "RestoreUser",
];

/// Numbers that only look random (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// One of so many.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

/// So many calls, and the ids of everybody who was created on the way. Some of them are erased at the end.
pub(super) async fn live(stage: &Stage, dice: &mut Dice, calls: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..calls {
        if ids.is_empty() || dice.roll(8) == 0 {
            let request = json!({
                "email": format!("user{n}@example.org"), "username": format!("user{n}"),
                "password": PASSWORD, "firstName": "Canary",
            });
            let created = stage.ok("CreateUser", request).await;
            ids.push(created["user"]["id"].as_str().unwrap().to_owned());
            continue;
        }
        let id = &ids[dice.roll(ids.len())];
        let call = CALLS[dice.roll(CALLS.len())];
        stage.service.post(call, &request(dice, call, id)).await;
    }
    for id in ids.iter().step_by(3) {
        stage.service.post("DeleteUser", &json!({"id": id})).await;
        stage.ok("EraseUser", json!({"id": id})).await;
    }
    ids
}

fn request(dice: &mut Dice, call: &str, id: &str) -> Value {
    let mut request = json!({"id": id});
    let word = ["ant", "bee", "cat", ""][dice.roll(4)];
    match call {
        "SuspendUser" => request["reason"] = json!("canary"),
        "UpdateUser" => {
            for (field, value) in [("firstName", word), ("lastName", word)] {
                if dice.roll(2) == 0 {
                    request[field] = json!(value);
                }
            }
            if dice.roll(3) == 0 && !word.is_empty() {
                request["email"] = json!(format!("{word}@example.org"));
            }
            if dice.roll(3) == 0 && !word.is_empty() {
                request["username"] = json!(word);
            }
        }
        _ => {}
    }
    request
}
