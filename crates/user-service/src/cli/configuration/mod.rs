//! Where settings come from: the command line, the environment, a file, the predecessor's environment; in this order, each
//! only where those before it say nothing. What a command understands is declared once, as its arguments; a file's keys are
//! their names, and a value from anywhere goes through the same checks.

mod file;
mod predecessor;
pub(super) mod reference;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::Cli;

/// A value that comes from neither the command line nor the environment that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Of an argument, with underscores.
    key: String,
    value: String,
    /// Where it stands, for people.
    from: String,
}

/// What was said, all of it. A wrong value ends with clap's own words, and where it came from.
pub(super) fn cli(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let said = command.try_get_matches_from_mut(&arguments).map_err(without_secrets)?;
    let mut settings = Vec::new();
    if let Some(path) = said.get_one::<PathBuf>("config") {
        settings = read(&command, path)?;
    }
    settings.extend(predecessor::settings(|name| std::env::var(name).ok()).map_err(|wrong| error(&wrong))?);
    let added = where_nothing_is_said(&command, &said, &settings);
    if added.is_empty() {
        return Cli::from_arg_matches(&said);
    }
    let words = added.iter().map(|(word, _)| OsString::from(word));
    let said = command.try_get_matches_from_mut(arguments.into_iter().chain(words));
    said.and_then(|said| Cli::from_arg_matches(&said)).map_err(|wrong| {
        let wrong = without_secrets(wrong);
        let text = wrong.to_string();
        let from = added.iter().find(|(word, _)| text.contains(word.split('=').next().unwrap_or(word)));
        match from {
            Some((_, setting)) => error(&format!("{}: {}", setting.from, text.trim_start_matches("error: "))),
            None => wrong,
        }
    })
}

/// What is wrong with an address is not told with the address, which may hold a password.
fn without_secrets(wrong: clap::Error) -> clap::Error {
    match wrong.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if value.contains("://") => {
            let text = wrong.to_string().replace(&format!(" '{value}'"), "");
            error(text.trim_start_matches("error: "))
        }
        Some(_) | None => wrong,
    }
}

fn error(text: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{}\n", text.trim_end()))
}

/// The settings of a file, if `serve` has each of them. What other commands are asked to do is nothing that a file settles:
/// it would do so every time.
fn read(command: &Command, path: &Path) -> Result<Vec<Setting>, clap::Error> {
    let settings = file::settings(path).map_err(|wrong| error(&wrong))?;
    let serve = command.find_subcommand("serve").expect("it is one of ours");
    for Setting { key, from, .. } in &settings {
        if !serve.get_arguments().any(|argument| key_of(argument).as_deref() == Some(key)) {
            return Err(error(&format!(
                "{from}: there is no setting of this name; `user-service config` shows all"
            )));
        }
    }
    Ok(settings)
}

/// What settings come to on the command line of the command that was called; the first of a key counts.
fn where_nothing_is_said<'a>(
    command: &Command,
    said: &ArgMatches,
    settings: &'a [Setting],
) -> Vec<(String, &'a Setting)> {
    let (mut command, mut said) = (command, said);
    while let Some((name, below)) = said.subcommand() {
        let Some(called) = command.find_subcommand(name) else { break };
        (command, said) = (called, below);
    }
    let mut added: Vec<(String, &Setting)> = Vec::new();
    for argument in command.get_arguments() {
        let Some(key) = key_of(argument) else { continue };
        let Some(setting) = settings.iter().find(|setting| setting.key == key) else { continue };
        let source = said.value_source(argument.get_id().as_str());
        if source.is_some_and(|source| source != ValueSource::DefaultValue) {
            continue;
        }
        let name = format!("--{}", argument.get_long().unwrap_or_default());
        match (argument.get_action(), setting.value.as_str()) {
            (ArgAction::SetTrue, "true") => added.push((name, setting)),
            (ArgAction::SetTrue, "false") => {}
            (_, value) => added.push((format!("{name}={value}"), setting)),
        }
    }
    added
}

/// What a file calls an argument.
fn key_of(argument: &clap::Arg) -> Option<String> {
    let of_the_file_itself = ["config", "help", "version"].contains(&argument.get_id().as_str());
    argument.get_long().filter(|_| !of_the_file_itself).map(|long| long.replace('-', "_"))
}
