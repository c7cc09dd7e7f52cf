//! Programs on a processor of their own, where the machine has `taskset`; anywhere else where the system likes, all alike.

use std::ffi::OsStr;
use std::process::{Command as Sync, Stdio};
use std::sync::LazyLock;

use tokio::process::Command;

use super::Cores;

/// Who serves, and who calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Serves,
    Calls,
}

/// Whether programs can be pinned here, and there are processors to choose from.
static PINS: LazyLock<bool> = LazyLock::new(|| {
    let mut tried = Sync::new("taskset");
    let tried = tried.args(["--cpu-list", "1", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
});

/// A command for a program, on the processor of its role. Its process is the program's own: taskset becomes it.
pub(super) fn command(program: impl AsRef<OsStr>, cores: Cores, role: Role) -> Command {
    let pinned = match cores {
        Cores::Apart => *PINS,
        Cores::Shared => false,
    };
    if !pinned {
        return Command::new(program);
    }
    let core = match role {
        Role::Serves => "0",
        Role::Calls => "1",
    };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program);
    command
}
