//! `cargo xtask sessions`: types what the documents tell a reader to type, with the clients as they are shipped, and
//! compares what is printed with what the documents say. The service runs from the beginning; where a document starts it with
//! settings, it is started again. And holds the JSON side to its `OpenAPI` document.

mod clients;
mod document;
mod likeness;
mod openapi;
mod service;

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Command, ExitCode, Output, Stdio};

use anyhow::Context;

use crate::campaign;
use crate::repository::{root, target_dir};
use document::{Language, Step, What};
use likeness::Ids;
use service::Service;

/// Each is a session of its own with a service of its own.
const DOCUMENTS: [&str; 2] = ["README.md", "docs/clients.md"];

/// What is run of all that a reader can type.
const COMMANDS: [&str; 3] = ["curl ", "user-service ", "openssl "];

/// What starts it with the arguments that follow.
const SERVE: &str = "user-service serve ";

/// Where the documents say that the service is.
const USERS: &str = "127.0.0.1:9090";
/// The same by the name that stands in the certificate.
const NAMED: &str = "localhost:9090";
const OPERATIONS: &str = "127.0.0.1:8080";

/// What listens for ever is ended after so many seconds, and must have printed something.
const LISTENS_SECONDS: &str = "2";

/// Runs every session.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    campaign::build()?;
    let held = openapi::holds(&Service::start(&target_dir()?.join("debug/user-service"))?)?;
    let mut failed = 0;
    for document in DOCUMENTS {
        let steps = document::read(&root().join(document))?;
        let mut session = Session::begin()?;
        let (mut count, mut wrong) = (0, 0);
        for step in steps.iter().filter(|step| is_run(&step.what)) {
            count += 1;
            if let Err(error) = session.take(step) {
                wrong += 1;
                println!("{document}:{}: {error:#}", step.line);
            }
        }
        println!("{document}: {count} steps, {wrong} wrong");
        failed += wrong;
    }
    Ok(if failed == 0 && held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_run(what: &What) -> bool {
    match what {
        What::Command(command) => COMMANDS.iter().any(|start| command.starts_with(start)),
        What::Program(..) => true,
    }
}

/// A reader, her service, and the ids that she has got.
struct Session {
    service: Service,
    ids: Ids,
}

impl Session {
    fn begin() -> anyhow::Result<Self> {
        let service = Service::start(&target_dir()?.join("debug/user-service"))?;
        // A reader has the protos where she is.
        symlink(root().join("proto"), service.folder.join("proto"))?;
        Ok(Self { service, ids: Ids::default() })
    }

    fn take(&mut self, step: &Step) -> anyhow::Result<()> {
        if let What::Command(command) = &step.what
            && let Some(arguments) = command.strip_prefix(SERVE)
        {
            return self.service.start_again(&arguments.split_whitespace().collect::<Vec<_>>());
        }
        let (output, listens) = match &step.what {
            What::Command(command) => (self.typed(command)?, listens(command)),
            What::Program(language, program) => (self.program(*language, program)?, false),
        };
        let printed = String::from_utf8_lossy(&output.stdout);
        if listens {
            anyhow::ensure!(!printed.is_empty(), "nothing was heard");
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{}\n{printed}{errors}", output.status);
        if step.printed.trim().is_empty() {
            return Ok(());
        }
        let compared = self.ids.compare(&step.printed, &printed);
        compared
            .map_err(|(shown, printed)| anyhow::anyhow!("not as the document says\n  {shown}\n  {printed}"))
    }

    fn typed(&self, command: &str) -> anyhow::Result<Output> {
        let command = self.here(command);
        let mut shell = Command::new("bash");
        if listens(&command) {
            shell = Command::new("timeout");
            shell.args([LISTENS_SECONDS, "bash"]);
        }
        shell.args(["-c", &command]).current_dir(&self.service.folder).stdin(Stdio::null());
        shell.env("USER_SERVICE_API", format!("{}://{}", self.service.scheme, self.service.users));
        shell.env("PATH", path()?).output().with_context(|| format!("cannot run {command}"))
    }

    fn program(&self, language: Language, program: &str) -> anyhow::Result<Output> {
        let mut interpreter = clients::interpreter(language)?;
        interpreter
            .current_dir(&self.service.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = interpreter.spawn().context("cannot start the interpreter")?;
        let mut input = child.stdin.take().context("the input was asked for")?;
        input.write_all(self.here(program).as_bytes())?;
        drop(input);
        Ok(child.wait_with_output()?)
    }

    /// With this service's addresses, and the ids that it gave.
    fn here(&self, text: &str) -> String {
        let text = text.replace(USERS, &self.service.users).replace(OPERATIONS, &self.service.operations);
        self.ids.in_place(&text.replace(NAMED, &self.named()))
    }

    fn named(&self) -> String {
        self.service.users.replace("127.0.0.1", "localhost")
    }
}

fn listens(command: &str) -> bool {
    command.contains(" -N ") || command.contains(" --follow")
}

/// `user-service` is the one that was just built.
fn path() -> anyhow::Result<String> {
    Ok(format!("{}:{}", target_dir()?.join("debug").display(), std::env::var("PATH").unwrap_or_default()))
}
