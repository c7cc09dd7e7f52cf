//! What a token is for. No scope holds another: who needs two is given two.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

use crate::events::wire::Wire;

/// One kind of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To see users as they are, with what is personal about them.
    Read,
    /// To do what an application does on behalf of its users: create, change, log in, delete, restore.
    Write,
    /// To do what a user cannot do about herself: set her password, suspend, reinstate, erase, import.
    Admin,
    /// To see what happened: events, the past, everybody at once.
    Audit,
}

/// Some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scope {
    /// Each of them, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Admin, Self::Audit];

    /// As events, tables and people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Audit => "audit",
        }
    }

    /// Back from what `as_str` gives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 4,
            Self::Audit => 8,
        }
    }
}

impl Scopes {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them: whoever calls where nobody has to say who she is.
    pub const ALL: Self = Self(0b1111);

    /// Whether this scope is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// Back from what `Display` gives. `None` for a text that it never gives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let scopes = text.split(' ').map(Scope::parse).collect::<Option<Self>>()?;
        (scopes.to_string() == text).then_some(scopes)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, |scopes, scope| Self(scopes.0 | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))
    }
}

/// A list of words.
impl Wire for Scopes {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        let scopes = words.iter().map(|word| Scope::parse(word)).collect::<Option<Self>>();
        scopes.ok_or_else(|| D::Error::custom("a word that no event was written with"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_scopes_is_read_back() {
        for bits in 1..16 {
            assert_eq!(Scopes::parse(&Scopes(bits).to_string()), Some(Scopes(bits)));
        }
        assert_eq!(Scopes(15), Scopes::ALL);
        assert_eq!(Scopes::ALL.to_string(), "read write admin audit");
        for wrong in ["", "READ", "read  write", "write read", "read read", "root"] {
            assert_eq!(Scopes::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_scope_holds_another() {
        for scope in Scope::ALL {
            assert_eq!(Scopes::from_iter([scope]).iter().collect::<Vec<_>>(), [scope]);
        }
    }
}
