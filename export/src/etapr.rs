//! The files of eTaPR and TaPR: a label per line, and the anomalies as ranges of lines.
//!
//! Lines are those of the part to be tested on, without a head, so that line `k` here is row `k` of what
//! [`hai`](crate::hai) writes with the same options. Both programs count them from zero and take both ends of a range
//! as part of it. Ranges must be in order and apart, which segments are.
//!
//! # Source
//!
//! saurf4ng/eTaPR, `README.md` and `eTaPR_pkg/DataManage/File_IO.py` (22.6.1); saurf4ng/TaPR, `README.md`: in a stream
//! 1 is normal and -1 an anomaly; a line of a range file is `first,last,name`, by number or by time.

use std::io::Write;

use crate::labels::{Axis, Segment, labels};
use crate::log::unix_ns;
use crate::out::Stop;
use crate::tabular::time;
use crate::work::Work;

/// The form of a time stamp, as HAI has it.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// Writes the export.
pub(crate) fn write(work: &Work<'_>, period_ns: u64) -> Result<(), Stop> {
    let log = &work.order.run.log;
    let axis = Axis::new(period_ns, log.duration_ns);
    let from = work.split.test.from_ns / period_ns;
    for &scope in &work.order.scopes {
        let segments = axis.segments(&log.spans(scope));
        let tested: Vec<&Segment> = segments.iter().filter(|s| s.last >= from).collect();
        let file = |name: &str| format!("{}/{name}.csv", scope.name());
        work.out.file(&file("anomalies-stream"), |out| {
            for label in labels(&segments, from, axis.rows) {
                out.write_all(if label.is_some() { b"-1\n" } else { b"1\n" })?;
            }
            Ok(axis.rows - from)
        })?;
        let number = |row: u64| (row - from).to_string();
        work.out.file(&file("anomalies-range"), |out| {
            ranges(out, &tested, from, number)
        })?;
        let moment = |row: u64| time(unix_ns(axis.start_ns(row)), TIME);
        work.out.file(&file("anomalies-times"), |out| {
            ranges(out, &tested, from, moment)
        })?;
        if tested.is_empty() {
            work.remark(format!(
                "There is no anomaly in the set `{}`: eTaPR and TaPR divide by their number and end with an error.",
                scope.name()
            ));
        }
    }
    Ok(())
}

/// A line per range; `place` writes the two ends.
fn ranges(
    out: &mut dyn Write,
    segments: &[&Segment],
    from: u64,
    place: impl Fn(u64) -> String,
) -> Result<u64, Stop> {
    for segment in segments {
        let (first, last) = (place(segment.first.max(from)), place(segment.last));
        // The readers split at commas and know no quotes.
        let name = segment.name.replace([',', '\n', '\r'], "_");
        writeln!(out, "{first},{last},{name}")?;
    }
    Ok(segments.len() as u64)
}
