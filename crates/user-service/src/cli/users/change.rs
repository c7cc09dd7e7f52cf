//! `users create`, `update`, `suspend` …: one call each, and the user as she is after it.

use std::fs;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Who, present};

/// What can be done to a user.
#[derive(Debug, Subcommand)]
pub(super) enum ChangeCommand {
    /// Make a user
    Create(CreateArgs),
    /// Change what is said; all at once or not at all
    Update(UpdateArgs),
    /// Give her a password, or a hash of one, without knowing the old one
    SetPassword(SetPasswordArgs),
    /// Change her password as she does it herself, who knows the old one
    ChangePassword(ChangePasswordArgs),
    /// Let an inactive user be active
    Activate(Whom),
    /// Let an active user be inactive
    Deactivate(Whom),
    /// Shut a user out until she is reinstated
    Suspend(SuspendArgs),
    /// Let a suspended user be what she was
    Reinstate(Whom),
    /// Delete a user so that she can be restored: her e-mail address and username stay hers
    Delete(Whom),
    /// Let a deleted user be what she was
    Restore(Whom),
    /// Erase a deleted user for good: nobody can read anything personal of hers again
    Erase(Whom),
}

/// A user, and how a change of hers is to be made.
#[derive(Debug, Args)]
pub(super) struct Whom {
    /// Her id
    id: String,
    #[command(flatten)]
    how: How,
}

/// What every change takes.
#[derive(Debug, Args)]
struct How {
    /// Only if she is still as she was when she had this etag
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    once: Once,
}

#[derive(Debug, Args)]
struct Once {
    /// A name for this change: said again with the same one, it is made once
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

#[derive(Debug, Args)]
struct Profile {
    /// Her first name
    #[arg(long)]
    first_name: Option<String>,
    /// Her last name
    #[arg(long)]
    last_name: Option<String>,
    /// Where her picture is (https)
    #[arg(long)]
    avatar_url: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Her e-mail address
    #[arg(long)]
    email: String,
    /// Her username
    #[arg(long)]
    username: String,
    /// A file with her password; `-` for the standard input
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    #[command(flatten)]
    profile: Profile,
    #[command(flatten)]
    once: Once,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    whom: Whom,
    /// Her e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Her username
    #[arg(long)]
    username: Option<String>,
    #[command(flatten)]
    profile: Profile,
    /// Leave her without this. May be repeated
    #[arg(long, value_name = "FIELD", value_parser = ["first_name", "last_name", "avatar_url"])]
    clear: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct SetPasswordArgs {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    credential: Credential,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Credential {
    /// A file with her new password; `-` for the standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A file with an argon2id or bcrypt hash of it
    #[arg(long, value_name = "FILE")]
    password_hash_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ChangePasswordArgs {
    #[command(flatten)]
    whom: Whom,
    /// A file with the password she has; `-` for the standard input
    #[arg(long, value_name = "FILE")]
    old_password_file: PathBuf,
    /// A file with the password she is to have
    #[arg(long, value_name = "FILE")]
    new_password_file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct SuspendArgs {
    #[command(flatten)]
    whom: Whom,
    /// Why; it stands in her history
    #[arg(long)]
    reason: Option<String>,
}

/// `users verify-password`: whether a password is somebody's.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    who: Who,
    /// A file with the password; `-` for the standard input
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

impl VerifyArgs {
    pub(super) fn request(&self) -> anyhow::Result<Value> {
        let mut request = self.who.request();
        request["password"] = json!(*secret(&self.password_file)?);
        Ok(request)
    }
}

impl ChangeCommand {
    /// The call that makes it.
    pub(super) fn call(&self) -> anyhow::Result<(&'static str, Value)> {
        Ok(match self {
            Self::Create(create) => ("CreateUser", create.request()?),
            Self::Update(update) => ("UpdateUser", update.request()),
            Self::SetPassword(set) => ("SetPassword", set.request()?),
            Self::ChangePassword(change) => ("ChangePassword", change.request()?),
            Self::Activate(whom) => ("ActivateUser", whom.request()),
            Self::Deactivate(whom) => ("DeactivateUser", whom.request()),
            Self::Suspend(suspend) => {
                let mut request = suspend.whom.request();
                request["reason"] = json!(suspend.reason);
                ("SuspendUser", present(request))
            }
            Self::Reinstate(whom) => ("ReinstateUser", whom.request()),
            Self::Delete(whom) => ("DeleteUser", whom.request()),
            Self::Restore(whom) => ("RestoreUser", whom.request()),
            Self::Erase(whom) => ("EraseUser", whom.request()),
        })
    }
}

impl Whom {
    fn request(&self) -> Value {
        let How { etag, once } = &self.how;
        present(json!({"id": self.id, "etag": etag, "requestId": once.request_id}))
    }
}

impl CreateArgs {
    fn request(&self) -> anyhow::Result<Value> {
        let Profile { first_name, last_name, avatar_url } = &self.profile;
        Ok(present(json!({
            "email": self.email, "username": self.username, "password": *secret(&self.password_file)?,
            "firstName": first_name, "lastName": last_name, "avatarUrl": avatar_url,
            "requestId": self.once.request_id,
        })))
    }
}

impl UpdateArgs {
    /// The mask names what is said: a field that is in it and has no value is taken away.
    fn request(&self) -> Value {
        let Profile { first_name, last_name, avatar_url } = &self.profile;
        let said = [
            ("email", "email", &self.email),
            ("username", "username", &self.username),
            ("firstName", "first_name", first_name),
            ("lastName", "last_name", last_name),
            ("avatarUrl", "avatar_url", avatar_url),
        ];
        let mut request = self.whom.request();
        let mut mask = Vec::new();
        for (key, field, value) in said {
            if value.is_some() || self.clear.iter().any(|cleared| cleared == field) {
                mask.push(key);
            }
            request[key] = json!(value);
        }
        request["updateMask"] = json!(mask.join(","));
        present(request)
    }
}

impl SetPasswordArgs {
    fn request(&self) -> anyhow::Result<Value> {
        let mut request = self.whom.request();
        let Credential { password_file, password_hash_file } = &self.credential;
        match (password_file, password_hash_file) {
            (Some(file), None) => request["password"] = json!(*secret(file)?),
            (None, Some(file)) => request["passwordHash"] = json!(*secret(file)?),
            (None, None) | (Some(_), Some(_)) => bail!("give a password or a hash of one"),
        }
        Ok(request)
    }
}

impl ChangePasswordArgs {
    fn request(&self) -> anyhow::Result<Value> {
        let mut request = self.whom.request();
        request["oldPassword"] = json!(*secret(&self.old_password_file)?);
        request["newPassword"] = json!(*secret(&self.new_password_file)?);
        Ok(request)
    }
}

/// Never on the command line, which every process of the machine can read. The end of the line is not part of it.
fn secret(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if file == Path::new("-") {
        stdin().read_to_string(&mut text).context("cannot read the standard input")?;
    } else {
        *text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}
