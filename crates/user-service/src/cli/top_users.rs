//! `top-users`: whom a running service is asked about most.

use clap::Args;
use serde_json::json;

use super::settings::AdminArgs;
use crate::admin;

#[derive(Debug, Args)]
pub(super) struct TopUsersArgs {
    #[command(flatten)]
    service: AdminArgs,
    /// How many at most; the service knows the first hundred
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn show(args: &TopUsersArgs) -> anyhow::Result<()> {
    let top = admin::ask(&args.service.socket()?, "/top-users").await?;
    if !args.json {
        say!("{:<36}  {:>12}  {:>12}", "user", "questions", "at least");
    }
    for line in top.lines().take(args.limit) {
        let mut words = line.split(' ');
        let (id, questions) = (words.next().unwrap_or_default(), number(words.next()));
        let least = questions.saturating_sub(number(words.next()));
        if args.json {
            say!("{}", json!({"user_id": id, "questions": questions, "at_least": least}));
        } else {
            say!("{id:<36}  {questions:>12}  {least:>12}");
        }
    }
    Ok(())
}

fn number(word: Option<&str>) -> u64 {
    word.and_then(|word| word.parse().ok()).unwrap_or_default()
}
