//! No file, folder or module is a drawer: a name that says nothing collects everything.

use super::Finding;
use super::source::File;

const DRAWERS: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "processor"];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    files.iter().filter(|file| file.is_rust()).flat_map(drawers).collect()
}

fn drawers(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let in_path = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
    findings.extend(in_path.filter(|name| is_drawer(name)).map(|name| refuse(file, None, name)));
    for (number, line) in file.lines() {
        if let Some(name) = inline_module(line).filter(|name| is_drawer(name)) {
            findings.push(refuse(file, Some(number), name));
        }
    }
    findings
}

fn refuse(file: &File, line: Option<usize>, name: &str) -> Finding {
    Finding::new(&file.path, line, format!("`{name}` is a drawer: put it where it is used, or name its idea"))
}

/// Also the last word of a name: `user_manager` is no better.
fn is_drawer(name: &str) -> bool {
    name.rsplit(['_', '-']).next().is_some_and(|last| DRAWERS.contains(&last))
}

/// The name in `pub(crate) mod name {`. `mod name;` is a file, which is judged by its path.
fn inline_module(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("mod ")?;
    let visibility = before.trim_end();
    let name = after.strip_suffix(" {")?;
    (visibility.is_empty() || visibility.starts_with("pub")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_refused_as_file_folder_and_module() {
        let check = |path, text, expected: usize| {
            assert_eq!(check(&[File::new(path, text)]).len(), expected, "{path}");
        };
        check("src/util.rs", "", 1);
        check("src/common/mod.rs", "", 1);
        check("tests/test_helpers.rs", "", 1);
        check("src/projection_manager.rs", "", 1);
        check("src/lib.rs", "pub(crate) mod misc {\n", 1);
        check("src/utility_bill.rs", "mod commons;\n// a common mod\n", 0);
        check("docs/common.md", "", 0);
    }
}
