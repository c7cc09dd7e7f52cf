//! The process itself, from what Linux says of it; elsewhere only its version and its start.

use std::fs;

use jiff::Timestamp;

use super::catalogue as of;
use super::sheet::Sheet;

pub(super) fn read(sheet: &mut Sheet, started: Timestamp) {
    sheet.put_each(&of::BUILD, [(env!("CARGO_PKG_VERSION"), true)]);
    let since_1970 = started.duration_since(Timestamp::UNIX_EPOCH);
    sheet.put(&of::START_SECONDS, since_1970.as_secs_f64());
    if let Some(pages) = resident_pages() {
        sheet.put(&of::RESIDENT_BYTES, pages * rustix::param::page_size() as u64);
    }
    if let Some(ticks) = processor_ticks() {
        #[expect(clippy::cast_precision_loss, reason = "ticks of years of work are exact in a double")]
        sheet.put(&of::CPU_SECONDS, ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        sheet.put(&of::OPEN_FDS, open.count() as u64);
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        sheet.put(&of::MAX_FDS, most);
    }
}

fn resident_pages() -> Option<u64> {
    fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()
}

/// In user and in kernel mode: fields 14 and 15 of the line, of which the second is a name in parentheses that can hold
/// anything.
fn processor_ticks() -> Option<u64> {
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    let mut after_name = line.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || after_name.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}
