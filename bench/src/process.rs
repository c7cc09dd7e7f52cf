//! What a process has used so far, as the system tells it.

use std::fs::read_to_string;

use anyhow::Context;

/// Ticks of the clock in a second, on every Linux that we have met.
const TICKS: f64 = 100.0;

/// This process.
pub(crate) fn own() -> u32 {
    std::process::id()
}

/// Seconds of a processor that a process has used, its own and the system's on its behalf.
pub(crate) fn processor_seconds(pid: u32) -> anyhow::Result<f64> {
    Ok(stat(pid)?.own_seconds)
}

/// The same of a process and all its children, those that have ended included.
pub(crate) fn family_seconds(parent: u32) -> anyhow::Result<f64> {
    let of_parent = stat(parent)?;
    let mut seconds = of_parent.own_seconds + of_parent.of_ended_children;
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended since: then its parent has counted it, or is about to.
        if let Ok(child) = stat(pid)
            && child.parent == parent
        {
            seconds += child.own_seconds + child.of_ended_children;
        }
    }
    Ok(seconds)
}

/// The process that started this one.
pub(crate) fn parent(pid: u32) -> anyhow::Result<u32> {
    Ok(stat(pid)?.parent)
}

struct Stat {
    parent: u32,
    own_seconds: f64,
    of_ended_children: f64,
}

fn stat(pid: u32) -> anyhow::Result<Stat> {
    let stat = read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("no name in stat")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let seconds = |from: usize| {
        let ticks = fields.iter().skip(from).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / TICKS
    };
    let parent = fields.get(1).context("no parent in stat")?.parse()?;
    Ok(Stat { parent, own_seconds: seconds(11), of_ended_children: seconds(13) })
}

/// Bytes that a process has had written to disks.
pub(crate) fn written_bytes(pid: u32) -> anyhow::Result<u64> {
    let io = read_to_string(format!("/proc/{pid}/io"))?;
    let bytes =
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).context("no write_bytes in io")?;
    Ok(bytes.parse()?)
}

/// The most that has been resident since [`forget_peak`], in MiB, of this process.
pub(crate) fn peak_mib() -> anyhow::Result<f64> {
    let status = read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.context("no VmHWM in status")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// Begins to measure the peak anew.
pub(crate) fn forget_peak() -> anyhow::Result<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}
