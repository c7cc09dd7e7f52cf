//! Whether the JSON side is as its `OpenAPI` document says: the document is valid, and whatever a stranger makes of it,
//! every answer has a shape that stands in it and none is a fault of the server.

use std::process::Command;

use super::clients;
use super::service::Service;
use crate::shell;

/// Requests made up for each operation. The same ones each time: CI is to fail for our reasons only.
const EXAMPLES: &str = "10";
const SEED: &str = "1";

const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

const VALIDATE: &str = "import json, sys, urllib.request
from openapi_spec_validator import validate
validate(json.load(urllib.request.urlopen(sys.argv[1])))";

pub(super) fn holds(service: &Service) -> anyhow::Result<bool> {
    let document = format!("http://{}/openapi.json", service.users);
    shell::run(Command::new(clients::python()?.join("bin/python")).args(["-c", VALIDATE, &document]))?;
    let mut schemathesis = Command::new(clients::python()?.join("bin/schemathesis"));
    schemathesis.args(["run", &document, "--phases", "fuzzing", "--mode", "all", "--no-color"]);
    schemathesis.args(["--max-examples", EXAMPLES, "--seed", SEED, "--checks", CHECKS]);
    schemathesis.args(["--generation-database", "none"]).current_dir(&service.folder);
    Ok(shell::show(&mut schemathesis)?.success())
}
