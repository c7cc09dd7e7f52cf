//! AES-256-GCM with a random nonce in front: the one way in which anything here is encrypted.
//!
//! A user's key encrypts a handful of events, the master key one key per user: far below the 2^32 messages at which
//! random 96-bit nonces under one key become unsafe (NIST SP 800-38D, 8.3).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use thiserror::Error;
use zeroize::Zeroizing;

/// A 256-bit key. It wipes itself, and cannot be printed.
pub(super) type Key = Zeroizing<[u8; 32]>;

const NONCE_BYTES: usize = 12;

/// What was to be decrypted is not what was encrypted: another key, another place, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the sealed bytes do not fit the key and the place they stand in")]
pub struct Unreadable;

/// Encrypts; `place` is authenticated with it, so that the result cannot be moved elsewhere.
pub(super) fn encrypt(key: &Key, nonce: [u8; NONCE_BYTES], place: &[u8], plain: &[u8]) -> Vec<u8> {
    let sealed = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: place })
        .expect("a message of a few kilobytes is within the cipher's limits");
    [nonce.as_slice(), &sealed].concat()
}

/// Decrypts what [`encrypt`] made for the same place.
pub(super) fn decrypt(key: &Key, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Unreadable)?;
    let plain = cipher(key).decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: place });
    plain.map(Zeroizing::new).map_err(|_| Unreadable)
}

fn cipher(key: &Key) -> Aes256Gcm {
    Aes256Gcm::new(&(**key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_read_with_the_same_key_in_the_same_place_only() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let sealed = encrypt(&key, [3; 12], b"here", b"secret");
        assert_eq!(decrypt(&key, b"here", &sealed).map(|plain| plain.to_vec()), Ok(b"secret".to_vec()));
        assert_eq!(decrypt(&other, b"here", &sealed).err(), Some(Unreadable));
        assert_eq!(decrypt(&key, b"there", &sealed).err(), Some(Unreadable));
        assert_eq!(decrypt(&key, b"here", &sealed[..20]).err(), Some(Unreadable));
        assert_eq!(decrypt(&key, b"here", &[]).err(), Some(Unreadable));
    }
}
