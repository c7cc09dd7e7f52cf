//! Decisions are numbered 0001, 0002 … without gaps or doubles, and each says its number in its title.

use super::Finding;
use super::source::File;

const FOLDER: &str = "docs/adr/";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut decisions: Vec<&File> = files.iter().filter(|file| file.path.starts_with(FOLDER)).collect();
    decisions.sort_by_key(|file| file.name());
    let mut findings = Vec::new();
    for (expected, file) in (1..).zip(decisions) {
        if number(file.name()) != Some(expected) {
            let advice = format!("this decision's name must begin with {expected:04}- and end with .md");
            findings.push(Finding::new(&file.path, None, advice));
        }
        let title = format!("# {}", &file.name().get(..4).unwrap_or_default());
        if !file.text.starts_with(&title) {
            findings.push(Finding::new(&file.path, 1, format!("the title must begin with `{title}`")));
        }
    }
    findings
}

/// 12 in `0012-what-was-decided.md`.
fn number(name: &str) -> Option<u32> {
    let (digits, _) = name.strip_suffix(".md")?.split_once('-')?;
    (digits.len() == 4).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(decisions: &[(&str, &str)]) -> usize {
        let file = |(name, text): &(&str, &str)| File::new(&format!("{FOLDER}{name}"), text);
        check(&decisions.iter().map(file).collect::<Vec<_>>()).len()
    }

    #[test]
    fn numbers_have_neither_gaps_nor_doubles() {
        assert_eq!(refused(&[("0001-a.md", "# 0001 A"), ("0002-b.md", "# 0002: B")]), 0);
        assert_eq!(refused(&[("0001-a.md", "# 0001 A"), ("0003-b.md", "# 0003 B")]), 1);
        assert_eq!(refused(&[("0001-a.md", "# 0001 A"), ("0001-b.md", "# 0001 B")]), 1);
        assert_eq!(refused(&[("1-a.md", "# 1-a. A")]), 1);
        assert_eq!(refused(&[("0001-a.md", "# A")]), 1, "the title lacks the number");
    }
}
