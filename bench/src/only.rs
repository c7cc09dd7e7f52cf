//! Which bars are wanted: `W1` stands for all whose names begin with `W1-`.

/// What was asked for; all if nothing was.
#[derive(Debug)]
pub(crate) struct Only(pub(crate) Vec<String>);

impl Only {
    /// Whether this bar is wanted.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| is_of(id, wanted))
    }

    /// Whether a scenario with bars under these names has one that is wanted.
    pub(crate) fn touches(&self, ids: &[&str]) -> bool {
        let touched = |id| self.wants(id) || self.0.iter().any(|wanted| is_of(wanted, id));
        ids.iter().any(|id| touched(id))
    }

    /// Whether what decides no bar is wanted.
    pub(crate) fn everything(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_of(id: &str, family: &str) -> bool {
    id.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_all_its_bars_and_no_others() {
        let only = Only(vec!["W1-64".to_owned()]);
        assert!(only.wants("W1-64-raw") && only.wants("W1-64"));
        assert!(!only.wants("W1-6") && !only.wants("W1-640") && !only.wants("W1"));
        assert!(only.touches(&["W1"]) && !only.touches(&["W2", "G1"]));
        assert!(Only(Vec::new()).wants("G7"));
    }
}
