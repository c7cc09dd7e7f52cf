//! Who has been erased, kept outside the store: a restored backup still holds her key, and this list takes it away again.
//!
//! A running service follows the log and writes each erasure down within moments. Before a service serves, and on
//! `restore`, whatever the list says and the store has forgotten is erased anew. The list holds ids, positions and times.

mod follow;
mod list;
mod restore;

pub use follow::follow;
pub use list::{BadLine, ErasureList, Listed};
pub use restore::{RestoreError, Restored, keep, listed_of, reapply};
