//! Who may call, and what for: tokens at the gate, in the log, and in answers that show no more than they may.

mod admission;
mod in_the_log;
mod streams;

use serde_json::{Value, json};
use user_domain::{Scope, TokenName};
use user_service::access::NewToken;

use crate::stage::{Answer, Header, PASSWORD, Place, Service, post_with, seeded};

/// A service that wants tokens.
async fn guarded(place: &Place) -> Service {
    Service::start_guarded(place, seeded(1)).await
}

/// The id of a new token, and what its owner shows.
async fn token(service: &Service, name: &str, scopes: &[Scope]) -> (String, String) {
    let name = TokenName::parse(name).expect("it is a name");
    let new = NewToken { name, scopes: scopes.iter().copied().collect(), expires_at: None };
    let token = service.tokens.create(new).await.expect("nothing stands against it");
    (token.id.to_string(), format!("Bearer {}", *token.reveal()))
}

/// A call by somebody who shows something.
async fn call(service: &Service, shown: &str, call: &str, request: &Value) -> Answer {
    let shown: Header<'_> = ("authorization", shown);
    post_with(service.address, call, &[shown], &request.to_string()).await
}

fn new_user(name: &str) -> Value {
    json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD})
}
