//! The oracle that every campaign ends with: the doctor, on a store that nobody writes to any more.

use user_service::directory::Directory;
use user_service::doctor::{self, Report};

use crate::verdict::Findings;

/// Checks I4 to I7 and I9.
pub(crate) async fn examine(directory: &Directory, findings: &mut Findings) -> anyhow::Result<Report> {
    let report = doctor::examine(directory).await?;
    for finding in &report.findings {
        findings.add("the doctor finds", finding);
    }
    Ok(report)
}
