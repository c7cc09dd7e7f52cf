//! A document in which some parts are made, each between two marks, and all others are written.

use std::path::Path;

use anyhow::Context;

#[derive(Debug)]
pub(super) struct Document(String);

impl Document {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self(text))
    }

    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, &self.0).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Puts a text between the marks of this name, in place of what was there.
    pub(super) fn fill(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        let (open, close) = (format!("<!-- bench: {name} -->\n"), format!("<!-- end of bench: {name} -->"));
        let from = self.0.find(&open).with_context(|| format!("the document has no {open}"))? + open.len();
        let length = self.0[from..].find(&close).with_context(|| format!("the document has no {close}"))?;
        self.0.replace_range(from..from + length, &format!("{}\n", text.trim_end()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_made_anew_however_often() {
        let text = "before\n<!-- bench: a -->\nold\n<!-- end of bench: a -->\nafter\n";
        let mut document = Document(text.to_owned());
        for _ in 0..2 {
            document.fill("a", "new\n").unwrap();
            let expected = "before\n<!-- bench: a -->\nnew\n<!-- end of bench: a -->\nafter\n";
            assert_eq!(document.0, expected);
        }
        assert!(document.fill("b", "new").is_err(), "a mark that is missing is told of");
    }
}
