//! The list as a file: one JSON object a line, appended and synced. Several instances may keep one: each adds what is not
//! there yet, one after the other, so that the lines keep the order of the log.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// One erasure, as a line of the list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Who.
    pub user_id: Uuid,
    /// In which log.
    pub log_id: Uuid,
    /// Where it was recorded.
    pub position: u64,
    /// As which event.
    pub event_id: Uuid,
    /// When it was recorded, for people.
    pub erased_at: String,
}

/// A line that is no erasure. The file is another one, or somebody has edited it: what it said is not known any more.
#[derive(Debug, Error)]
#[error("{}, line {line}: this is not an erasure", path.display())]
pub struct BadLine {
    path: PathBuf,
    line: usize,
    #[source]
    cause: serde_json::Error,
}

/// The file of the list.
#[derive(Clone, Debug)]
pub struct ErasureList {
    path: PathBuf,
}

impl ErasureList {
    /// The list in a file; one that is not there is empty.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every erasure, in the order in which they were written. A last line without its end was being written when the
    /// power failed: it is not there, and the follower writes it again.
    pub fn read(&self) -> io::Result<Vec<Listed>> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        let (mut reader, mut line, mut listed) = (BufReader::new(file), String::new(), Vec::new());
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            let parsed = serde_json::from_str(&line);
            listed.push(parsed.map_err(|cause| self.bad_line(listed.len() + 1, cause))?);
            line.clear();
        }
        Ok(listed)
    }

    fn bad_line(&self, line: usize, cause: serde_json::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, BadLine { path: self.path.clone(), line, cause })
    }

    /// Adds those erasures that it does not have. They are on the disk when it comes back.
    pub fn add(&self, erasures: &[Listed]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        // Until the file is closed.
        file.lock()?;
        let known: HashSet<_> =
            self.read()?.into_iter().map(|erasure| (erasure.log_id, erasure.event_id)).collect();
        let whole = whole_lines(&file)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        for erasure in erasures.iter().filter(|it| !known.contains(&(it.log_id, it.event_id))) {
            let mut line = serde_json::to_vec(erasure)?;
            line.push(b'\n');
            file.write_all(&line)?;
        }
        file.sync_all()?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// The length of the file without a last line that was never finished.
fn whole_lines(file: &File) -> io::Result<u64> {
    let (mut reader, mut line, mut whole) = (BufReader::new(file), Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        whole += line.len() as u64;
        line.clear();
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use user_domain::outside::bytes;

    use super::*;

    fn erasure(n: u64) -> Listed {
        Listed {
            user_id: Uuid::from_u128(n.into()),
            log_id: Uuid::nil(),
            position: n,
            event_id: Uuid::from_u128(u128::from(n) << 64),
            erased_at: "1970-01-01T00:00:00Z".to_owned(),
        }
    }

    #[test]
    fn what_was_added_is_read_back_in_order() {
        let folder = tempfile::tempdir().expect("there is room");
        let list = ErasureList::at(&folder.path().join("erasures.jsonl"));
        assert_eq!(list.read().expect("none is an empty list"), []);
        list.add(&[erasure(1), erasure(2)]).expect("there is room");
        list.add(&[erasure(3)]).expect("there is room");
        assert_eq!(list.read().expect("it is ours"), [erasure(1), erasure(2), erasure(3)]);
    }

    proptest! {
        #[test]
        fn outside_bytes_are_a_list_or_none(
            input in bytes(&["{\"user_id\":\"00000000-0000-0000-0000-000000000001\",\"log_id\":\"00000000-0000-0000-0000-000000000000\",\"position\":1,\"event_id\":\"00000000-0000-0000-0000-000000000001\",\"erased_at\":\"x\"}\n"]),
        ) {
            let folder = tempfile::tempdir().expect("there is room");
            let list = ErasureList::at(&folder.path().join("erasures.jsonl"));
            fs::write(list.path(), input).expect("there is room");
            let Ok(before) = list.read() else { return Ok(()) };
            list.add(&[erasure(7)]).expect("it was readable");
            let after = list.read().expect("it still is");
            prop_assert_eq!(&after[..before.len()], &before[..], "nothing is lost");
        }
    }

    #[test]
    fn instances_that_keep_one_list_do_not_damage_it() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("erasures.jsonl");
        let all: Vec<_> = (1..=40).map(erasure).collect();
        std::thread::scope(|scope| {
            for step in [1, 3, 7] {
                let (path, all) = (&path, &all);
                scope.spawn(move || {
                    let list = ErasureList::at(path);
                    all.chunks(step).for_each(|some| list.add(some).expect("there is room"));
                });
            }
        });
        assert_eq!(ErasureList::at(&path).read().expect("it is whole"), all);
    }

    #[test]
    fn a_line_that_was_never_finished_is_written_anew() {
        let folder = tempfile::tempdir().expect("there is room");
        let list = ErasureList::at(&folder.path().join("erasures.jsonl"));
        list.add(&[erasure(1), erasure(2)]).expect("there is room");
        let text = fs::read_to_string(list.path()).expect("it is there");
        fs::write(list.path(), &text[..text.len() - 5]).expect("there is room");
        assert_eq!(list.read().expect("the rest is whole"), [erasure(1)]);
        list.add(&[erasure(2)]).expect("there is room");
        assert_eq!(fs::read_to_string(list.path()).expect("it is there"), text);
    }

    #[test]
    fn a_line_that_is_no_erasure_is_named() {
        let folder = tempfile::tempdir().expect("there is room");
        let list = ErasureList::at(&folder.path().join("erasures.jsonl"));
        list.add(&[erasure(1)]).expect("there is room");
        fs::write(list.path(), fs::read_to_string(list.path()).expect("it is there") + "{}\n").expect("room");
        let error = list.read().expect_err("the second is none");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
