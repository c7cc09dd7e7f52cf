//! The tokens' rows in the vault: each is what the token's events say, and there is one for each token that lives.

use std::collections::BTreeSet;

use cqrs::Decider;
use eventstore::{AggregateId, ColumnKind, ReadError, Select, Value, Version};
use user_domain::{ApiToken, ApiTokens};

use super::fold::Fold;
use super::rows::all;
use super::{DoctorError, Finding, Report};
use crate::directory::{Directory, decode_token_event, is_of_token};
use crate::vault;

/// A token has two events.
const PAGE: u32 = 100;

/// A token that is made or revoked between two looks is looked at again.
const LOOKS: u32 = 3;

pub(super) static IDS: Select = Select {
    sql: "SELECT token_id FROM api_token WHERE token_id > $1 ORDER BY token_id LIMIT $2",
    columns: &[ColumnKind::Uuid],
};

pub(super) async fn check(
    directory: &Directory,
    fold: &Fold,
    report: &mut Report,
) -> Result<(), DoctorError> {
    let rows = all(directory, &IDS).await?;
    let rows = rows.iter().filter_map(|row| match row.first() {
        Some(Value::Uuid(id)) => Some(AggregateId(*id)),
        Some(_) | None => None,
    });
    let ids: BTreeSet<_> = rows.chain(fold.tokens.keys().copied()).collect();
    for id in ids {
        report.findings.extend(look_again(directory, id).await?);
    }
    Ok(())
}

async fn look_again(directory: &Directory, id: AggregateId) -> Result<Option<Finding>, ReadError> {
    for _ in 1..LOOKS {
        if look(directory, id).await?.is_none() {
            return Ok(None);
        }
    }
    look(directory, id).await
}

async fn look(directory: &Directory, id: AggregateId) -> Result<Option<Finding>, ReadError> {
    let row = match vault::token(directory.store(), id.0).await {
        Ok(row) => row,
        // What no token is read from was written by somebody else.
        Err(ReadError::Corrupt(_)) => return Ok(Some(Finding::TokenRowDiffers { id })),
        Err(error) => return Err(error),
    };
    let mut token = ApiToken::Absent;
    for event in directory.store().stream(id, Version::NONE, PAGE).await? {
        if !is_of_token(&event) {
            continue; // Somebody else's id is no token's.
        }
        // One that cannot be read has been reported, and nothing follows from the rest.
        let Ok(happened) = decode_token_event(&event) else { return Ok(None) };
        token = ApiTokens::evolve(token, &happened);
    }
    Ok(match (token, row) {
        (ApiToken::Live(_), None) => Some(Finding::TokenRowMissing { id }),
        (ApiToken::Live(token), Some(row)) => (!row.is(&token)).then_some(Finding::TokenRowDiffers { id }),
        (ApiToken::Absent | ApiToken::Revoked { .. }, Some(_)) => Some(Finding::TokenRowOrphaned { id }),
        (ApiToken::Absent | ApiToken::Revoked { .. }, None) => None,
    })
}
