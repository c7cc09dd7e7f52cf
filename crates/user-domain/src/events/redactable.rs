//! The personal part of an event: known, or gone with the user's key.

/// Something personal that may have been erased. It is not serialisable: the two parts of an event are written apart,
/// and the compiler refuses to write this into the open one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Redactable<T> {
    /// It can be read.
    Known(T),
    /// The key is gone, and so is this.
    #[default]
    Erased,
}

impl<T> Redactable<T> {
    /// What is known; `None` when it is gone.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    pub(crate) fn is_erased(&self) -> bool {
        self.known().is_none()
    }
}
