//! Every setting of `serve` with its default and what it means, as a configuration file that changes nothing.

use std::fmt::Write as _;

use clap::{ArgAction, CommandFactory};

use super::super::Cli;
use super::key_of;

const WIDTH: usize = 118;

const ABOUT: &str = "\
# Settings of user-service: `user-service serve --config FILE`. Each is here with its default.
#
# A flag stands before the environment, the environment before this file. A key is the flag's name with underscores; a
# command takes from here what it has a flag for. `user-service config` prints this page.
";

/// The whole page.
pub(in super::super) fn page() -> String {
    let mut cli = Cli::command();
    cli.build(); // gives each command what all have in common
    let serve = cli.find_subcommand("serve").expect("it is one of ours");
    let mut page = ABOUT.to_owned();
    for argument in serve.get_arguments() {
        let Some(key) = key_of(argument) else { continue };
        let help =
            argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
        page.push('\n');
        for line in wrapped(&help.replace('\n', " ")) {
            writeln!(page, "# {line}").expect("writing to a String cannot fail");
        }
        if let Some(variable) = argument.get_env() {
            writeln!(page, "# {}", variable.display()).expect("the same");
        }
        let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let value = match (argument.get_action(), default) {
            (ArgAction::SetTrue, _) => "false".to_owned(),
            (_, None) => "\"\"".to_owned(),
            (_, Some(number)) if number.parse::<i64>().is_ok() => number,
            (_, Some(text)) => format!("{text:?}"),
        };
        // What has no default cannot be shown with one.
        let unset = if value == "\"\"" { "# " } else { "" };
        writeln!(page, "{unset}{key} = {value}").expect("the same");
    }
    page
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_this_one() {
        let kept = include_str!("../../../../../config.default.toml");
        assert!(kept == page(), "`cargo run -- config > config.default.toml` writes it anew");
    }

    #[test]
    fn the_page_is_a_configuration_file() {
        let table: toml::Table = page().parse().expect("it is TOML");
        assert_eq!(table["grpc_addr"].as_str(), Some("127.0.0.1:9090"));
    }
}
