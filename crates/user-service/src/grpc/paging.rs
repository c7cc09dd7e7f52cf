//! How many rows a page may have.

use super::fields::Fields;

const PAGE_DEFAULT: u32 = 50;

/// A page of this many users is about 60 KiB: one answer never holds up the others.
const PAGE_MAX: u32 = 200;

/// The size of a page as it was asked for: none is the default, too many are the most.
pub(super) fn page_size(fields: &mut Fields, asked: i32) -> u32 {
    match u32::try_from(asked) {
        Ok(0) => PAGE_DEFAULT,
        Ok(asked) => asked.min(PAGE_MAX),
        Err(_) => {
            fields.wrong("page_size", "NEGATIVE_PAGE_SIZE", "must not be negative");
            PAGE_DEFAULT
        }
    }
}
