//! The stock clients that documents show: installed once, as the documents tell a reader to, into Cargo's build folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::document::Language;
use crate::repository;
use crate::shell;

/// Any later one will do for readers; CI is to fail for our reasons only.
const PYTHON: [&str; 4] =
    ["grpcio==1.85.1", "grpcio-reflection==1.85.1", "openapi-spec-validator==0.9.0", "schemathesis==4.32.5"];
const NODE: [&str; 2] = ["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1"];

/// What runs a program of a language.
pub(super) fn interpreter(language: Language) -> anyhow::Result<Command> {
    match language {
        Language::Python => {
            let mut command = Command::new(python()?.join("bin/python"));
            command.arg("-");
            Ok(command)
        }
        Language::JavaScript => {
            let modules = installed("node", &NODE, install_node)?.join("node_modules");
            let mut command = Command::new("node");
            command.env("NODE_PATH", modules).arg("-");
            Ok(command)
        }
    }
}

/// The Python that has the packages, and their programs.
pub(super) fn python() -> anyhow::Result<PathBuf> {
    installed("python", &PYTHON, install_python)
}

/// The folder with the packages. Its name says which, and it is there only when all of them are.
fn installed(
    language: &str,
    packages: &[&str],
    install: fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let versions: String =
        packages.join("-").chars().filter(|it| it.is_ascii_digit() || *it == '.').collect();
    let folder = repository::target_dir()?.join("tools").join(format!("{language}-{versions}"));
    let whole = folder.join("whole");
    if !whole.is_file() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        install(&folder)
            .with_context(|| format!("the documents show {language}: it must be here to run them"))?;
        std::fs::write(&whole, "")?;
    }
    Ok(folder)
}

fn install_python(folder: &Path) -> anyhow::Result<()> {
    shell::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    shell::run(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PYTHON))
}

fn install_node(folder: &Path) -> anyhow::Result<()> {
    let mut npm = Command::new("npm");
    shell::run(
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(folder).args(NODE),
    )
}
