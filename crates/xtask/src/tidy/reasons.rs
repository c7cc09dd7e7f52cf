//! Every reason that a caller can be told stands in `docs/errors.md`, and nothing else does: what a program compares is part
//! of the contract.

use super::Finding;
use super::source::File;

const PAGE: &str = "docs/errors.md";

/// Where reasons are given.
const ROOMS: [&str; 7] = [
    "crates/user-domain/src/",
    "crates/user-service/src/access/",
    "crates/user-service/src/feed/",
    "crates/user-service/src/grpc/",
    "crates/user-service/src/host/",
    "crates/user-service/src/passwords/",
    "crates/user-service/src/queries/",
];

/// Codes of gRPC stand in the page, too.
const CODES: [&str; 11] = [
    "ABORTED",
    "ALREADY_EXISTS",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else { return Vec::new() };
    let documented: Vec<_> = reasons(page, '`').collect();
    let given: Vec<_> = files.iter().filter(|file| gives(file)).flat_map(given_in).collect();
    let missing = given.iter().filter(|(reason, _)| documented.iter().all(|(other, _)| other != reason));
    let missing = missing.map(|(reason, path)| {
        Finding::new(path, None, format!("the reason {reason} is not in {PAGE}: what should a caller do?"))
    });
    let gone = documented.iter().filter(|(reason, _)| {
        !CODES.contains(&reason.as_str()) && given.iter().all(|(other, _)| other != reason)
    });
    let gone =
        gone.map(|(reason, line)| Finding::new(PAGE, *line, format!("nothing says {reason} any more")));
    missing.chain(gone).collect()
}

fn gives(file: &File) -> bool {
    let is_test = file.path.contains("/tests/") || file.path.ends_with("tests.rs");
    file.is("rs") && !is_test && ROOMS.iter().any(|room| file.path.starts_with(room))
}

/// Before the tests of the file, which say reasons, too.
fn given_in(file: &File) -> Vec<(String, String)> {
    let tests = file.lines().find(|(_, line)| line.starts_with("#[cfg(test)]"));
    let end = tests.map_or(usize::MAX, |(number, _)| number);
    let given = reasons(file, '"').filter(|(_, line)| *line < end);
    given.map(|(reason, _)| (reason, file.path.clone())).collect()
}

/// What stands alone between two marks and looks like a reason, with its line.
fn reasons(file: &File, mark: char) -> impl Iterator<Item = (String, usize)> {
    file.lines().flat_map(move |(number, line)| {
        let inside = line.split(mark).skip(1).step_by(2);
        inside.filter(|word| is_reason(word)).map(move |word| (word.to_owned(), number)).collect::<Vec<_>>()
    })
}

fn is_reason(word: &str) -> bool {
    let letters = word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    letters && word.len() >= 5 && word.as_bytes()[0].is_ascii_uppercase() && !word.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str, code: &str) -> Vec<String> {
        let files = [File::new(PAGE, page), File::new("crates/user-service/src/grpc/fields.rs", code)];
        check(&files).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_reason_stands_in_the_code_and_in_the_page() {
        let code = "fn a() { wrong(\"id\", \"MALFORMED_ID\") }\n#[cfg(test)]\nmod tests { \"ONLY_HERE\" }\n";
        assert_eq!(findings("| `MALFORMED_ID` | INVALID_ARGUMENT | look at it |\n", code), [""; 0]);
        let missing = "the reason MALFORMED_ID is not in docs/errors.md: what should a caller do?";
        assert_eq!(findings("| `REQUEST` |\n", code), [missing, "nothing says REQUEST any more"]);
    }
}
