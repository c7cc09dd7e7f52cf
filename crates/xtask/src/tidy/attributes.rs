//! `#[expect(lint, reason = "…")]` instead of allow: it gives its reason and says when it is no longer needed.
//! And no test is switched off.

use super::Finding;
use super::source::File;

/// Split, so that this file does not refuse itself.
const REFUSED: [(&str, &str); 3] = [
    (concat!("#[", "allow("), "write #[expect(lint, reason = \"…\")]"),
    (concat!("#![", "allow("), "write #![expect(lint, reason = \"…\")]"),
    (concat!("#[", "ignore"), "a test that does not run proves nothing: mend it or delete it"),
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (number, line) in file.lines() {
            let line = line.trim_start();
            let refused = REFUSED.iter().find(|(attribute, _)| line.starts_with(attribute));
            findings.extend(refused.map(|(_, advice)| Finding::new(&file.path, number, *advice)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_lint_and_an_ignored_test_are_refused() {
        let text = format!(
            "//! A file.\n    {}dead_code)]\n{}]\n#[expect(dead_code)]\n",
            REFUSED[0].0, REFUSED[2].0
        );
        let lines: Vec<_> =
            check(&[File::new("a.rs", &text)]).into_iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [Some(2), Some(3)]);
    }
}
