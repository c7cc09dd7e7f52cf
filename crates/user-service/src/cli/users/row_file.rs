//! A file of rows for an import: JSON Lines, or CSV with a header. What `users export` writes can be read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use user_api::v1;
use user_api::v1::import_row::Credential;
use uuid::Uuid;

use crate::grpc::event_lines::FORMULA;

/// What an export says besides, and the service makes anew.
const NOT_TAKEN: [&str; 5] = ["id", "created_at", "updated_at", "deleted_at", "etag"];

/// What a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// JSON Lines: one object a line
    Jsonl,
    /// RFC 4180 with a header
    Csv,
}

/// A file that is read row after row.
pub(super) struct RowFile {
    rows: Rows,
    bytes: u64,
    /// Rows so far: they are numbered from 1.
    count: u64,
}

enum Rows {
    Json { lines: BufReader<File>, position: u64 },
    Csv { records: csv::Reader<File>, header: Vec<String> },
}

impl RowFile {
    pub(super) fn open(path: &Path, format: Option<FileFormat>) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let bytes = file.metadata()?.len();
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let rows = match format.unwrap_or(if is_csv { FileFormat::Csv } else { FileFormat::Jsonl }) {
            FileFormat::Jsonl => Rows::Json { lines: BufReader::new(file), position: 0 },
            FileFormat::Csv => {
                let mut records = csv::Reader::from_reader(file);
                let header = records.headers().context("a CSV file begins with the names of its columns")?;
                Rows::Csv { header: header.iter().map(str::to_owned).collect(), records }
            }
        };
        Ok(Self { rows, bytes, count: 0 })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How far it has been read.
    pub(super) fn position(&self) -> u64 {
        match &self.rows {
            Rows::Json { position, .. } => *position,
            Rows::Csv { records, .. } => records.position().byte(),
        }
    }

    /// At most so many rows; none at the end.
    pub(super) fn next(&mut self, most: usize) -> anyhow::Result<Vec<v1::ImportRow>> {
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(cells) = self.rows.next().with_context(|| format!("row {}", self.count + 1))?
        {
            self.count += 1;
            rows.push(row(self.count, cells).with_context(|| format!("row {}", self.count))?);
        }
        Ok(rows)
    }
}

type Cells = Vec<(String, String)>;

impl Rows {
    /// The next row, as names and texts.
    fn next(&mut self) -> anyhow::Result<Option<Cells>> {
        match self {
            Self::Json { lines, position } => loop {
                let mut line = String::new();
                *position += lines.read_line(&mut line)? as u64;
                match (line.is_empty(), line.trim().is_empty()) {
                    (true, _) => return Ok(None),
                    (false, true) => {}
                    (false, false) => return members(serde_json::from_str(&line)?).map(Some),
                }
            },
            Self::Csv { records, header } => {
                let mut record = csv::StringRecord::new();
                if !records.read_record(&mut record)? {
                    return Ok(None);
                }
                let cells = header.iter().cloned().zip(record.iter().map(without_apostrophe));
                Ok(Some(cells.collect()))
            }
        }
    }
}

fn members(object: Map<String, Value>) -> anyhow::Result<Cells> {
    let member = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Null => Ok((name, String::new())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => bail!("{name} is no text"),
    };
    object.into_iter().map(member).collect()
}

/// An export puts one before what a spreadsheet would calculate.
fn without_apostrophe(cell: &str) -> String {
    let bare = cell.strip_prefix('\'').filter(|bare| bare.starts_with(FORMULA));
    bare.unwrap_or(cell).to_owned()
}

/// What the texts say. A name that means nothing is a mistake that would otherwise go unnoticed.
fn row(number: u64, cells: Cells) -> anyhow::Result<v1::ImportRow> {
    let mut row = v1::ImportRow { row: number, ..Default::default() };
    for (name, text) in cells {
        let name = snake_case(&name);
        match &*name {
            "email" => row.email = text,
            "username" => row.username = text,
            "first_name" => row.first_name = Some(text),
            "last_name" => row.last_name = Some(text),
            "avatar_url" => row.avatar_url = Some(text),
            "status" => row.status = status(&text)?.into(),
            "password" | "password_hash" if text.is_empty() => {}
            "password" | "password_hash" if row.credential.is_some() => bail!("two passwords"),
            "password" => row.credential = Some(Credential::Password(text)),
            "password_hash" => row.credential = Some(Credential::PasswordHash(text)),
            other if NOT_TAKEN.contains(&other) => {}
            other => bail!("there is nothing called {other}"),
        }
    }
    Ok(row)
}

/// As proto3 JSON has names, and as the contract has them.
fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut name, letter| {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
        name
    })
}

fn status(text: &str) -> anyhow::Result<v1::UserStatus> {
    match text.trim_start_matches("USER_STATUS_").to_lowercase().as_str() {
        "" => Ok(v1::UserStatus::Unspecified),
        "active" => Ok(v1::UserStatus::Active),
        "inactive" => Ok(v1::UserStatus::Inactive),
        // The service says what is wrong with these, of each row.
        "suspended" => Ok(v1::UserStatus::Suspended),
        "deleted" => Ok(v1::UserStatus::Deleted),
        _ => bail!("a status is active or inactive"),
    }
}

/// The name of an import of this file: the same as long as it holds the same.
pub(super) fn name_of(path: &Path) -> anyhow::Result<Uuid> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut hash, mut some) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut some)? {
            0 => break,
            count => hash.update(&some[..count]),
        }
    }
    let digest = hash.finalize();
    let (bytes, _) = digest.split_first_chunk().context("SHA-256 gives 32 bytes")?;
    Ok(uuid::Builder::from_custom_bytes(*bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, text: &str) -> anyhow::Result<Vec<v1::ImportRow>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        RowFile::open(&path, None)?.next(usize::MAX)
    }

    #[test]
    fn json_lines_and_csv_say_the_same() {
        let json = "{\"email\":\"ada@example.org\",\"username\":\"ada\",\"firstName\":\"=Ada, \\\"A\\\"\",\
                    \"status\":\"USER_STATUS_INACTIVE\",\"password_hash\":\"$2\",\"etag\":\"1\"}\n\n\
                    {\"email\":\"b@example.org\",\"username\":\"b\",\"first_name\":\"\",\"status\":\"\"}";
        let csv = "email,username,first_name,status,password_hash,id\r\n\
                   ada@example.org,ada,\"'=Ada, \"\"A\"\"\",inactive,$2,7\r\n\
                   b@example.org,b,,,,8\r\n";
        let (json, csv) = (rows("users.jsonl", json).expect("it is well formed"), rows("users.csv", csv));
        assert_eq!(json, csv.expect("it is well formed"));
        assert_eq!((json[0].first_name.as_deref(), json[1].row), (Some("=Ada, \"A\""), 2));
    }

    #[test]
    fn a_mistake_is_told_with_its_row() {
        for (text, wrong) in [
            ("email\r\na@example.org\r\n", None),
            ("e-mail,username\r\na@example.org,a\r\n", Some("row 1: there is nothing called e-mail")),
            ("email,status\r\na@b.org,\r\nb@b.org,asleep\r\n", Some("row 2: a status is active or inactive")),
            ("password,password_hash\r\na,b\r\n", Some("row 1: two passwords")),
        ] {
            let error = rows("users.csv", text).err().map(|error| format!("{error:#}"));
            assert_eq!(error.as_deref(), wrong, "{text}");
        }
        assert!(rows("users.jsonl", "{\"email\":7}").is_err());
    }

    #[test]
    fn an_import_has_the_name_of_what_it_holds() {
        let folder = tempfile::tempdir().expect("there is room");
        let [one, same, other] = ["1", "2", "3"].map(|name| folder.path().join(name));
        for (path, text) in [(&one, "a"), (&same, "a"), (&other, "b")] {
            std::fs::write(path, text).expect("there is room");
        }
        let name = |path| name_of(path).expect("it is there");
        assert_eq!(name(&one), name(&same));
        assert_ne!(name(&one), name(&other));
    }
}
