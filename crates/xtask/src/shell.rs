//! Running other programs, with errors that say which one failed and what it printed.

use std::fmt::Write as _;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, bail};

/// Runs a program in view of the user, and says first what is run.
pub(crate) fn show(command: &mut Command) -> anyhow::Result<ExitStatus> {
    eprintln!("$ {}", line(command));
    command.status().with_context(|| format!("cannot start `{}`", line(command)))
}

/// Runs a program in view of the user; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = show(command)?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs a program out of sight and returns what it printed; anything but success is an error with its output.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let done = command.stdin(Stdio::null()).output();
    let done = done.with_context(|| format!("cannot start `{}`", line(command)))?;
    let stdout = String::from_utf8_lossy(&done.stdout);
    if !done.status.success() {
        let stderr = String::from_utf8_lossy(&done.stderr);
        bail!("`{}` failed: {}\n{}{}", line(command), done.status, stdout, stderr);
    }
    Ok(stdout.into_owned())
}

/// Whether a program can be started here and succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    output(command).is_ok()
}

/// The command as a person would type it (for reading: arguments with spaces are quoted, nothing is escaped).
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    if let Some(name) = std::path::Path::new(&line).file_name() {
        line = name.to_string_lossy().into_owned();
    }
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let quote = if argument.contains(' ') { "'" } else { "" };
        write!(line, " {quote}{argument}{quote}").expect("writing to a String cannot fail");
    }
    line
}
