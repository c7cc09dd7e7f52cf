//! Nothing in the repository names a folder of one machine: it would work there and nowhere else.

use super::Finding;
use super::source::File;

/// Split, so that this file does not refuse itself.
const FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/fa", "rm/"), concat!("/ho", "me/")];

/// A folder that a package manager made, the same on every machine that has it.
const PACKAGE_MANAGERS: [&str; 1] = [concat!("/ho", "me/linuxbrew/")];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.lines() {
            if let Some(folder) = FOLDERS.iter().find(|folder| names(line, folder)) {
                let advice = format!("`{folder}` is a folder of one machine: find it at run time");
                findings.push(Finding::new(&file.path, number, advice));
            }
        }
    }
    findings
}

/// At the beginning of a path only: a folder of ours may have the same name.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let inside = line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-)}".contains(c));
        !inside && !PACKAGE_MANAGERS.iter().any(|known| line[at..].starts_with(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_one_machine_is_refused() {
        let check = |text: String, expected: usize| {
            assert_eq!(check(&[File::new("README.md", &text)]).len(), expected, "{text}");
        };
        check(format!("cd {}main", FOLDERS[0]), 1);
        check(format!("see `{}me/.cargo`", FOLDERS[3]), 1);
        check(format!("see docs{}it.md and {}bin", FOLDERS[0], PACKAGE_MANAGERS[0]), 0);
    }
}
