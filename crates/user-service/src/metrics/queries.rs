//! How long each question takes, however it ends.

use std::time::Instant;

use eventstore::TIME_BOUNDS;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use super::catalogue as of;
use super::sheet::Sheet;

type Label = [(&'static str, &'static str); 1];

macro_rules! queries {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A question: a function of `queries`, and a value of the label.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is the function of its name")]
        pub enum Query {
            $($variant),*
        }

        impl Query {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As a label: the name of its function.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }
        }
    };
}

queries! {
    FindUser = "find_user",
    BatchGetUsers = "batch_get_users",
    UserAt = "user_at",
    OwnerAt = "owner_at",
    UsersAt = "users_at",
    DiffUser = "diff_user",
    DiffUsers = "diff_users",
    ExplainUser = "explain_user",
    ListUsers = "list_users",
    SearchUsers = "search_users",
    CountUsers = "count_users",
    Activity = "activity",
    ListUserEvents = "list_user_events",
    ListEvents = "list_events",
    VerifyPassword = "verify_password",
    VerifyOldPassword = "verify_old_password",
}

/// The times of all questions.
#[derive(Debug)]
pub struct Queries(Family<Label, Histogram, fn() -> Histogram>);

impl Default for Queries {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(TIME_BOUNDS)))
    }
}

impl Queries {
    /// Begins to measure; what is answered measures until it is dropped.
    #[must_use = "it measures until it is dropped"]
    pub fn time(&self, query: Query) -> Timed {
        let histogram = self.0.get_or_create(&[("query", query.as_str())]).clone();
        Timed { histogram, begun: Instant::now() }
    }

    pub(super) fn read(&self, sheet: &mut Sheet) {
        sheet.live(&of::QUERY_SECONDS, self.0.clone());
    }
}

/// A question that is being answered.
#[derive(Debug)]
pub struct Timed {
    histogram: Histogram,
    begun: Instant,
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.histogram.observe(self.begun.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The functions that a file of `queries` offers. A question is in the file of its name.
    fn offered(text: &str) -> impl Iterator<Item = &str> {
        let functions = text.lines().filter_map(|line| {
            line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub(super) async fn "))
        });
        functions.filter_map(|rest| rest.split(['(', '<']).next())
    }

    #[test]
    fn every_question_is_measured() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/queries");
        let mut known: Vec<_> = Query::ALL.iter().map(|query| query.as_str()).collect();
        for entry in fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("it can be read").path();
            let text = fs::read_to_string(&path).expect("it is text");
            let question = path.file_stem().and_then(|stem| stem.to_str()).expect("it has a name");
            if !offered(&text).any(|function| function == question) {
                continue; // A part of other questions.
            }
            for function in offered(&text) {
                let place = known.iter().position(|name| *name == function);
                let place = place.unwrap_or_else(|| panic!("{function} has no name in metrics/queries.rs"));
                known.swap_remove(place);
            }
            let (asked, timed) = (offered(&text).count(), text.matches(".queries().time(Query::").count());
            assert_eq!(asked, timed, "{} does not measure what it answers", path.display());
        }
        assert_eq!(known, Vec::<&str>::new(), "these are asked no more");
    }
}
