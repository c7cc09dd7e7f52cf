//! Argon2id over memory that is used again: page-faulting it anew is a third of the cost of a hash.

use argon2::password_hash::phc::{PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use thiserror::Error;
use user_domain::PasswordHash;

use super::equal;

/// What a hash costs. Never below the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The cost is below the floor, or not one that Argon2 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("password hashing must use at least 19456 KiB, 2 passes and 1 lane")]
pub struct CostError;

const HASH_BYTES: usize = 32;

impl HashingCost {
    /// The least that OWASP's password storage cheat sheet allows (read 2026): 19 MiB, two passes, one lane.
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// A cost that is nowhere below the floor.
    pub fn at_least_floor(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        let cost = Self { memory_kib, passes, lanes };
        let low = memory_kib < Self::FLOOR.memory_kib || passes < Self::FLOOR.passes || lanes == 0;
        if low || Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).is_err() {
            return Err(CostError);
        }
        Ok(cost)
    }

    fn params(self) -> Params {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_BYTES))
            .expect("the cost was checked when it was made")
    }

    fn exceeds(self, other: &Params) -> bool {
        self.memory_kib > other.m_cost() || self.passes > other.t_cost() || self.lanes > other.p_cost()
    }
}

pub(super) fn hash(
    cost: HashingCost,
    salt: [u8; 16],
    password: &[u8],
    memory: &mut Vec<Block>,
) -> PasswordHash {
    let mut digest = [0; HASH_BYTES];
    digest_into(cost.params(), &salt, password, &mut digest, memory)
        .expect("the cost was checked when it was made");
    written(cost, salt, digest)
}

/// A hash as it is stored.
pub(super) fn written(cost: HashingCost, salt: [u8; 16], digest: [u8; HASH_BYTES]) -> PasswordHash {
    let HashingCost { memory_kib, passes, lanes } = cost;
    let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(digest));
    let phc = format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}");
    PasswordHash::parse("hash", &phc).expect("our own hashes are within our own bounds")
}

/// Whether the password is right, and whether its hash costs less than today's. A hash that cannot be computed is wrong.
pub(super) fn verify(
    cost: HashingCost,
    password: &[u8],
    stored: &str,
    memory: &mut Vec<Block>,
) -> (bool, bool) {
    let Some((params, salt, expected)) = parts(stored) else { return (false, false) };
    let weak = cost.exceeds(&params);
    let mut digest = vec![0; expected.len()];
    let computed = digest_into(params, salt.as_ref(), password, &mut digest, memory);
    (computed.is_ok() && equal(&digest, &expected), weak)
}

fn parts(stored: &str) -> Option<(Params, Salt, Vec<u8>)> {
    let phc = Phc::new(stored).ok()?;
    Some((Params::try_from(&phc).ok()?, phc.salt?, phc.hash?.as_bytes().to_vec()))
}

fn digest_into(
    params: Params,
    salt: &[u8],
    password: &[u8],
    digest: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), argon2::Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password, salt, digest, &mut memory[..blocks])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_goes_upwards_only() {
        assert!(HashingCost::at_least_floor(19_456, 2, 1).is_ok());
        assert!(HashingCost::at_least_floor(65_536, 3, 4).is_ok());
        for (memory, passes, lanes) in [(19_455, 2, 1), (19_456, 1, 1), (19_456, 2, 0)] {
            assert_eq!(HashingCost::at_least_floor(memory, passes, lanes), Err(CostError));
        }
    }
}
