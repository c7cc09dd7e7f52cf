//! How the values of a user stand in JSON: as the text that was accepted, read back without asking the rules of today.
//!
//! Used as `#[serde(with = "wire")]` by the part structs of events, so that the values themselves are not serialisable.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{
    AvatarUrl, CredentialAlgorithm, Email, PasswordChangeKind, PersonName, Reason, Status, Username,
};

/// A value that stands in an event as one JSON string.
pub(crate) trait Text: Sized {
    fn text(&self) -> &str;
    /// `None` for a text that was never written.
    fn from_text(text: &str) -> Option<Self>;
}

/// A value that stands in an event as one JSON string, or as null.
pub(crate) trait Wire: Sized {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

pub(crate) fn serialize<T: Wire, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.write(serializer)
}

pub(crate) fn deserialize<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

impl<T: Text> Wire for T {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

impl<T: Text> Wire for Option<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(T::text).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| read.0))
    }
}

struct Read<T>(T);

impl<'de, T: Text> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// Takes the text where the parser has it, without a copy of its own.
struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text that an event was written with")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::custom("a word that no event was written with"))
    }
}

macro_rules! as_stored {
    ($($value:ident),*) => {$(
        impl Text for $value {
            fn text(&self) -> &str {
                self.as_str()
            }

            fn from_text(text: &str) -> Option<Self> {
                Some(Self::from_stored(text))
            }
        }
    )*};
}

macro_rules! as_word {
    ($($word:ident),*) => {$(
        impl Text for $word {
            fn text(&self) -> &str {
                self.as_str()
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    )*};
}

as_stored!(AvatarUrl, Email, PersonName, Reason, Username);
as_word!(CredentialAlgorithm, PasswordChangeKind, Status);
