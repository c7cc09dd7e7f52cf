//! What the help of a command shows below: lines that can be typed as they stand.

pub(super) const SERVE: &str = "Examples:
  user-service serve
  user-service serve --store postgres://service@db.example.org/users --admin-socket /run/users.sock
  user-service serve --grpc-addr 0.0.0.0:9090 --tls-certificate users.pem --tls-key users.key --require-tokens";

pub(super) const MIGRATE: &str = "Examples:
  user-service migrate --store postgres://service@db.example.org/users --migration-url postgres://owner@db.example.org/users";

pub(super) const PROJECTION: &str = "Examples:
  user-service projection list
  user-service projection rebuild user_search
  user-service projection parked list user_history";

pub(super) const BACKUP: &str = "Examples:
  user-service backup --to /backups/users.db
  user-service backup --to /backups/users.db --no-verify";

pub(super) const RESTORE: &str = "Examples:
  user-service restore --from /backups/users.db
  user-service restore --store postgres://service@db.example.org/users --erasure-list erasures.list";

pub(super) const DOCTOR: &str = "Examples:
  user-service doctor
  user-service doctor --sample 1000
  user-service doctor --repair";

pub(super) const KEY: &str = "Examples:
  user-service key status
  user-service key rotate --new-master-key-file new.key";

pub(super) const USERS: &str = "Examples:
  user-service users create --email ada@example.org --username ada --password-file -
  user-service users get --username ada
  user-service users get --email ada@example.org --as-of 2026-05-03
  user-service users list --query lovelace --order-by username
  user-service users suspend 01a206ed-925c-7603-92fc-87af7d38ebc7 --reason spam
  user-service users import staff.csv --validate-only
  user-service users export --output users.jsonl";

pub(super) const IMPORT: &str = "Examples:
  user-service users import staff.csv --validate-only
  user-service users import staff.csv
  user-service users import staff.jsonl --accept-look-alikes > refused.jsonl";

pub(super) const EVENTS: &str = "Examples:
  user-service events list --type user.suspended
  user-service events tail --follow
  user-service events export --format csv --output events.csv";

pub(super) const TOKEN: &str = "Examples:
  user-service token create --name billing --scope read --scope write --expires 90d > billing.token
  user-service token list
  user-service token revoke 01a206ed-925c-7603-92fc-87af7d38ebc7";

pub(super) const MAN: &str = "Examples:
  user-service man | man -l -
  user-service man users import | man -l -";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory, Parser};

    use super::super::Cli;

    /// Every command below a command, and itself.
    fn all(command: &Command) -> Vec<&Command> {
        std::iter::once(command).chain(command.get_subcommands().flat_map(all)).collect()
    }

    #[test]
    fn every_example_is_understood() {
        let cli = Cli::command();
        let helps = all(&cli).into_iter().filter_map(Command::get_after_help).map(ToString::to_string);
        let mut examples = 0;
        for line in helps.collect::<Vec<_>>().join("\n").lines().filter_map(|line| line.strip_prefix("  ")) {
            let typed = line.split(['|', '>']).next().expect("a line has a beginning");
            let understood = Cli::try_parse_from(typed.split_whitespace());
            assert!(understood.is_ok(), "{line}: {:?}", understood.err());
            examples += 1;
        }
        assert!(examples > 20, "{examples} are found");
    }
}
