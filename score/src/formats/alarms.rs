//! The plant's own alarms, from its log.

use std::collections::BTreeMap;

use chrono::DateTime;

/// Alarms that stations annunciated, by station: when, simulated ns, and which.
///
/// # Arguments
///
/// * `lines` — a run's log in the form of RFC 5424; a line of another kind is passed over.
/// * `epoch_unix_ns` — Unix time of the start of the run, ns.
#[must_use]
pub fn station_alarms<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    epoch_unix_ns: u64,
) -> BTreeMap<String, Vec<(u64, String)>> {
    let mut found: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    for line in lines {
        // PRI and version, time, host, program, process, kind, structured data, text.
        let fields: Vec<&str> = line.splitn(8, ' ').collect();
        let [_, time, host, _, _, "ALARM", _, text] = fields.as_slice() else {
            continue;
        };
        let unix_ns = DateTime::parse_from_rfc3339(time).ok();
        let unix_ns = unix_ns.and_then(|time| time.timestamp_nanos_opt());
        let since = unix_ns.and_then(|ns| u64::try_from(ns).ok()?.checked_sub(epoch_unix_ns));
        if let Some(at_ns) = since {
            let alarm = text.trim_start_matches('\u{feff}').to_owned();
            found
                .entry((*host).to_owned())
                .or_default()
                .push((at_ns, alarm));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_when_a_log_has_other_lines_then_those_of_each_station() {
        let epoch_ns = 1_795_000_000_000_000_000;
        let time = |s: u64| {
            let at = DateTime::from_timestamp_nanos(
                i64::try_from(epoch_ns + s * 1_000_000_000).expect("in range"),
            );
            at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        };
        let lines = [
            format!("<132>1 {} hmi-1 hmi - ALARM - Level high: look", time(5)),
            format!(
                "<134>1 {} hmi-1 hmi - ALARM-CLEAR - Level high: look",
                time(9)
            ),
            format!("<132>1 {} hmi-2 hmi - ALARM - Jam", time(7)),
            format!("<132>1 {} hmi-1 hmi - ALARM - Jam", time(11)),
            "nothing".to_owned(),
            "<132>1 noon hmi-1 hmi - ALARM - Jam".to_owned(),
        ];
        let found = station_alarms(lines.iter().map(String::as_str), epoch_ns);
        let at = |s: u64, text: &str| (s * 1_000_000_000, text.to_owned());
        assert_eq!(found["hmi-1"], [at(5, "Level high: look"), at(11, "Jam")]);
        assert_eq!(found["hmi-2"], [at(7, "Jam")]);
        assert_eq!(found.len(), 2);
    }
}
