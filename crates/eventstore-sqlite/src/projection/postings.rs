//! Which rows of a block have a trigram, in a few bytes: a list of them while they are few, else a bitmap.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// A block is of so many numbers, side by side; so many are in a bucket of PostgreSQL's index too.
const BLOCK_BITS: u32 = 12;
const NUMBERS: u16 = 1 << BLOCK_BITS;

const BITMAP_BYTES: usize = NUMBERS as usize / 8;
const WORDS: usize = NUMBERS as usize / 64;

/// So many, at two bytes each, are shorter than a bitmap: the length tells which it is.
const LISTED_MAX: u32 = 255;

/// Places in one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postings([u64; WORDS]);

impl Postings {
    pub(super) const NONE: Self = Self([0; WORDS]);

    pub(super) fn insert(&mut self, place: u16) {
        self.0[usize::from(place / 64)] |= 1 << (place % 64);
    }

    pub(super) fn remove(&mut self, place: u16) {
        self.0[usize::from(place / 64)] &= !(1 << (place % 64));
    }

    /// Keeps what the other one has too.
    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The smallest first.
    pub(super) fn places(&self) -> impl DoubleEndedIterator<Item = u16> {
        let words = self.0.iter().zip((0..NUMBERS).step_by(64)).filter(|(word, _)| **word != 0);
        words.flat_map(|(word, first)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| first + bit)
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        if self.count() <= LISTED_MAX {
            return self.places().flat_map(u16::to_be_bytes).collect();
        }
        self.0.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn from_bytes(bytes: &[u8]) -> FromSqlResult<Self> {
        let mut postings = Self::NONE;
        if bytes.len() == BITMAP_BYTES {
            let (words, _) = bytes.as_chunks();
            postings.0.iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_be_bytes(*bytes));
            return Ok(postings);
        }
        let (places, rest) = bytes.as_chunks();
        if !rest.is_empty() || bytes.len() > BITMAP_BYTES {
            return Err(FromSqlError::InvalidBlobSize {
                expected_size: BITMAP_BYTES,
                blob_size: bytes.len(),
            });
        }
        for place in places.iter().map(|bytes| u16::from_be_bytes(*bytes)) {
            if place >= NUMBERS {
                return Err(FromSqlError::OutOfRange(place.into()));
            }
            postings.insert(place);
        }
        Ok(postings)
    }
}

impl FromSql for Postings {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::from_bytes(value.as_blob()?)
    }
}

impl ToSql for Postings {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_bytes().into())
    }
}

/// In which block a number is.
pub(super) fn block(number: i64) -> i64 {
    number >> BLOCK_BITS
}

/// And where in it.
pub(super) fn place(number: i64) -> u16 {
    u16::try_from(number & i64::from(NUMBERS - 1)).expect("so few bits are left")
}

/// Back from both.
pub(super) fn number(block: i64, place: u16) -> i64 {
    (block << BLOCK_BITS) | i64::from(place)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(places: impl IntoIterator<Item = u16>) -> Postings {
        let mut postings = Postings::NONE;
        places.into_iter().for_each(|place| postings.insert(place));
        postings
    }

    #[test]
    fn few_are_listed_and_many_are_a_bitmap() {
        assert_eq!(of([1, 4095]).to_bytes(), [0, 1, 0x0f, 0xff]);
        for (count, length) in [(0, 0), (1, 2), (255, 510), (256, 512), (4096, 512)] {
            let postings = of((0..count).rev());
            let bytes = postings.to_bytes();
            assert_eq!((postings.count(), bytes.len()), (count.into(), length));
            assert_eq!(Postings::from_bytes(&bytes), Ok(postings));
        }
    }

    #[test]
    fn every_place_comes_back_and_goes_by_itself() {
        for step in [1, 2, 3, 7, 16, 17, 64, 100, 1000, 4095] {
            let places: BTreeSet<u16> = (0..NUMBERS).step_by(step).collect();
            let mut postings = Postings::from_bytes(&of(places.iter().copied()).to_bytes()).unwrap();
            assert!(postings.places().eq(places.iter().copied()), "{step}");
            assert!(postings.places().rev().eq(places.iter().rev().copied()), "{step}");
            for place in &places {
                postings.remove(*place);
                assert!(postings.places().all(|left| left > *place), "{step}, {place}");
            }
            assert_eq!(postings, Postings::NONE);
        }
    }

    #[test]
    fn what_two_have_in_common_stays() {
        let mut postings = of((0..NUMBERS).step_by(6));
        postings.intersect(&of((0..NUMBERS).step_by(10)));
        assert!(postings.places().eq((0..NUMBERS).step_by(30)));
    }

    #[test]
    fn a_number_is_a_block_and_a_place_in_it() {
        for (n, expected) in [(0, (0, 0)), (4095, (0, 4095)), (4096, (1, 0)), (-1, (-1, 4095))] {
            assert_eq!((block(n), place(n)), expected);
        }
        for n in [i64::MIN, -4096, 5, 1_000_000, i64::MAX] {
            assert_eq!(number(block(n), place(n)), n);
        }
    }

    #[test]
    fn bytes_that_are_no_postings_are_refused() {
        for bytes in [&[1][..], &[0x10, 0], &[0; 514]] {
            assert!(Postings::from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }
}
