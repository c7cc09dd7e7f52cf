//! The user a cluster runs as. `PostgreSQL` refuses to run as root, and in containers and CI root is all there is.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::shell;

/// Users to become when we are root, in order. `postgres` exists where a package installed the server.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who runs the cluster: ourselves, or with root's help somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    Ourselves,
    Other { uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn choose() -> anyhow::Result<Self> {
        if shell::output(Command::new("id").arg("-u"))?.trim() != "0" {
            return Ok(Self::Ourselves);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let other = UNPRIVILEGED.iter().find_map(|name| other(&passwd, name));
        other.with_context(|| format!("running as root, and there is none of the users {UNPRIVILEGED:?}"))
    }

    /// A command that will run as this account, without root's groups, in a folder that it can enter.
    pub(super) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Self::Other { uid, gid } = self {
            // The standard library drops the supplementary groups when root sets another uid.
            command.uid(uid).gid(gid);
        }
        command
    }

    pub(super) fn give(self, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} to user {uid}", path.display())),
        }
    }

    /// Whether the account can enter a folder: its parents may be closed to it, as a home folder is.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        shell::succeeds(&mut self.command(Path::new("true"), folder))
    }
}

fn other(passwd: &str, name: &str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut ids = line.split(':').skip(2);
    Some(Account::Other { uid: ids.next()?.parse().ok()?, gid: ids.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
                      postgresql:x:1:1::/:/bin/sh\n\
                      postgres:x:101:104:administrator,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(other(passwd, "postgres"), Some(Account::Other { uid: 101, gid: 104 }));
        assert_eq!(other(passwd, "nobody"), None);
    }
}
