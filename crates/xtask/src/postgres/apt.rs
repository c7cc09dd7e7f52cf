//! Installs Debian and Ubuntu packages, where we are root or have a sudo that does not ask.

use std::process::Command;

use anyhow::bail;

use crate::shell;

pub(super) fn install(package: &str) -> anyhow::Result<()> {
    if !shell::succeeds(Command::new("apt-get").arg("--version")) {
        bail!("there is no apt-get");
    }
    let root = shell::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !root && !shell::succeeds(Command::new("sudo").args(["-n", "true"])) {
        bail!("neither root nor a sudo without a password");
    }
    shell::run(&mut apt_get(root, &["update", "-qq"]))?;
    shell::run(&mut apt_get(root, &["install", "-qq", "-y", "--no-install-recommends", package]))
}

fn apt_get(root: bool, arguments: &[&str]) -> Command {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.args(["-n", "env"]);
    }
    command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(arguments);
    command
}
