//! The master key: it wraps every other key, and stands nowhere in the store.
//!
//! A key is known by an id that is derived from it, so that several can be given for reading while users' keys are
//! wrapped anew: rotation works with many instances.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::cipher::{self, Key, Unreadable};
use crate::Sources;

/// The master keys of a service: one to wrap with, and older ones that still unwrap.
pub struct MasterKeys {
    keys: Vec<(MasterKeyId, Key)>,
}

/// Names a master key beside what it wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MasterKeyId(pub i16);

/// It is none: four hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the id of a master key is four hex digits")]
pub struct BadMasterKeyId;

/// A key under a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Which master key it is under.
    pub key_id: MasterKeyId,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

/// What is wrong with a master key, or with what it should unwrap.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// Give 64 hex digits: `openssl rand -hex 32`.
    #[error("a master key is 64 hex digits")]
    Malformed,
    /// Give the key that this store was made with, or the one it was rotated to.
    #[error("none of the given master keys is the one that this store was made with")]
    Unknown,
    /// The store has been tampered with, or is damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl MasterKeys {
    /// From 64 hex digits each: the first wraps, all of them unwrap.
    pub fn parse(current: &str, older: &[&str]) -> Result<Self, MasterKeyError> {
        let keys = [&[current], older].concat().into_iter().map(parse_key).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// A fresh key, as the text to keep it in.
    pub fn generate(sources: &Sources) -> Zeroizing<String> {
        let bytes = Zeroizing::new(sources.random::<32>());
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        Zeroizing::new(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
    }

    /// Those of another as well, which unwrap.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.keys.extend(others.keys);
        self
    }

    /// The key that wraps.
    #[must_use]
    pub fn current(&self) -> MasterKeyId {
        self.keys[0].0
    }

    /// Whether a key is one of these.
    #[must_use]
    pub fn knows(&self, id: MasterKeyId) -> bool {
        self.keys.iter().any(|(known, _)| *known == id)
    }

    pub(super) fn wrap(&self, sources: &Sources, place: &[u8], key: &Key) -> Wrapped {
        wrap(&self.keys[0], sources, place, key)
    }

    /// The same with one of the others, if it was given.
    pub(super) fn wrap_with(
        &self,
        id: MasterKeyId,
        sources: &Sources,
        place: &[u8],
        key: &Key,
    ) -> Option<Wrapped> {
        let master = self.keys.iter().find(|(known, _)| *known == id)?;
        Some(wrap(master, sources, place, key))
    }

    pub(super) fn unwrap(&self, place: &[u8], wrapped: &Wrapped) -> Result<Key, MasterKeyError> {
        let known = self.keys.iter().find(|(id, _)| *id == wrapped.key_id);
        let (_, master) = known.ok_or(MasterKeyError::Unknown)?;
        let plain = cipher::decrypt(master, place, &wrapped.bytes)?;
        let key = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| Unreadable)?;
        Ok(Key::new(key))
    }
}

fn wrap(master: &(MasterKeyId, Key), sources: &Sources, place: &[u8], key: &Key) -> Wrapped {
    let (key_id, master) = master;
    Wrapped { key_id: *key_id, bytes: cipher::encrypt(master, sources.random(), place, key.as_slice()) }
}

fn parse_key(text: &str) -> Result<(MasterKeyId, Key), MasterKeyError> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return Err(MasterKeyError::Malformed);
    }
    let mut key = Key::new([0; 32]);
    for (byte, n) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[n..n + 2], 16).map_err(|_| MasterKeyError::Malformed)?;
    }
    let digest =
        Sha256::new().chain_update("user-service master key id").chain_update(key.as_slice()).finalize();
    Ok((MasterKeyId(i16::from_be_bytes([digest[0], digest[1]])), key))
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

impl FromStr for MasterKeyId {
    type Err = BadMasterKeyId;

    fn from_str(text: &str) -> Result<Self, BadMasterKeyId> {
        let id = u16::from_str_radix(text, 16).map_err(|_| BadMasterKeyId)?;
        Ok(Self(id.cast_signed()))
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEW: &str = "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn an_older_key_still_unwraps() {
        let sources = Sources::system();
        let key = Key::new([7; 32]);
        let wrapped = MasterKeys::parse(OLD, &[]).expect("it is a key").wrap(&sources, b"place", &key);
        let rotated = MasterKeys::parse(NEW, &[OLD]).expect("they are keys");
        assert_eq!(rotated.unwrap(b"place", &wrapped), Ok(key));
        let stranger = MasterKeys::parse(NEW, &[]).expect("it is a key");
        assert_eq!(stranger.unwrap(b"place", &wrapped).err(), Some(MasterKeyError::Unknown));
    }

    #[test]
    fn a_key_that_is_not_64_hex_digits_is_refused() {
        for text in ["", "00", &OLD[1..], &OLD.replace('a', "g"), &OLD.replace("00", "é")] {
            assert_eq!(MasterKeys::parse(text, &[]).err(), Some(MasterKeyError::Malformed), "{text}");
        }
    }

    #[test]
    fn the_id_of_a_key_is_read_as_it_is_printed() {
        for id in [MasterKeyId(0), MasterKeyId(0x1f), MasterKeyId(-1), MasterKeyId(i16::MIN)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("12345".parse::<MasterKeyId>(), Err(BadMasterKeyId));
    }

    #[test]
    fn a_key_cannot_be_printed() {
        let keys = MasterKeys::parse(OLD, &[]).expect("it is a key");
        assert!(!format!("{keys:?}").contains("0a0b"));
    }

    #[test]
    fn a_generated_key_can_be_parsed() {
        assert!(MasterKeys::parse(&MasterKeys::generate(&Sources::system()), &[]).is_ok());
    }
}
