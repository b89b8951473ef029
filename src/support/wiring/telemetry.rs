//! What a tool says of what it saw, beside its alerts.

use serde_json::Value;
use twinrange_score::alert::{Alert, Kind};
use twinrange_score::formats::{ImportOptions, detect, import};

/// What is known of what a tool saw. A count that nothing tells is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Telemetry {
    /// Packets that it decoded.
    pub(super) packets: Option<u64>,
    /// TCP connections that it followed.
    pub(super) connections: Option<u64>,
    /// Segments that it dropped because of their checksums.
    pub(super) bad_checksums: Option<u64>,
    /// Connections or messages that it understood as Modbus.
    pub(super) modbus: Option<u64>,
    /// Rules that are loaded.
    pub(super) rules: Option<u64>,
    /// Rules that could not be loaded.
    pub(super) rules_failed: Option<u64>,
    /// Records that are no alerts: connections, messages.
    pub(super) records: u64,
}

impl Telemetry {
    /// Adds what a file of the tool's tells: records of any alert format, counters of Suricata's `stats`. What cannot
    /// be read tells nothing.
    pub(super) fn add_file(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            if let Ok(record) = serde_json::from_str::<Value>(line)
                && record["event_type"] == "stats"
            {
                self.add_counters(&record["stats"]);
            }
        }
        let options = ImportOptions {
            // Times tell nothing here, and those of a live tool are those of the wall clock.
            epoch_unix_ns: 0,
            zone_s: Some(0),
            ..ImportOptions::default()
        };
        if let Ok(format) = detect(bytes)
            && let Ok(found) = import(format, bytes, &options)
        {
            self.add_records(&found.alerts);
        }
    }

    /// Adds what the records of a tool tell that are no alerts.
    pub(super) fn add_records(&mut self, records: &[Alert]) {
        for record in records.iter().filter(|record| record.kind == Kind::Log) {
            self.records += 1;
            if is_modbus(record) {
                *self.modbus.get_or_insert(0) += 1;
            }
        }
    }

    /// Counters of the `stats` of Suricata 7 (user guide, "EVE JSON Format"). They are totals: the last ones count.
    fn add_counters(&mut self, stats: &Value) {
        let count = |place: &str| stats.pointer(place).and_then(Value::as_u64);
        self.packets = count("/decoder/pkts").or(self.packets);
        self.connections = count("/tcp/sessions").or(self.connections);
        self.bad_checksums = count("/tcp/invalid_checksum").or(self.bad_checksums);
        let flows = stats.pointer("/app_layer/flow");
        // A parser that is off has no counter.
        self.modbus = flows
            .map(|flows| flows["modbus"].as_u64().unwrap_or(0))
            .or(self.modbus);
        let engines = stats.pointer("/detect/engines").and_then(Value::as_array);
        if let Some(engines) = engines {
            let sum = |name: &str| {
                engines
                    .iter()
                    .filter_map(|one| one[name].as_u64())
                    .sum::<u64>()
            };
            self.rules = Some(sum("rules_loaded"));
            self.rules_failed = Some(sum("rules_failed"));
        }
    }
}

/// Whether a record shows that a tool has understood Modbus.
pub(super) fn is_modbus(record: &Alert) -> bool {
    let is = |word: &str| word.eq_ignore_ascii_case("modbus");
    record.proto.as_deref().is_some_and(is) || is(&record.sig_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Telemetry) {
        let mut found = Telemetry::default();
        found.add_file(text.as_bytes());
        assert_eq!(found, *expected);
    }

    #[test]
    fn telemetry_when_there_are_counters_then_the_last_ones_count() {
        let stats = |packets: u64| {
            format!(
                r#"{{"timestamp":"2026-01-05T06:00:15.250431+0000","event_type":"stats","stats":{{"decoder":{{"pkts":{packets}}},"tcp":{{"sessions":6,"invalid_checksum":3}},"app_layer":{{"flow":{{"modbus":4}}}},"detect":{{"engines":[{{"id":0,"rules_loaded":17,"rules_failed":1}}]}}}}}}"#
            )
        };
        let expected = Telemetry {
            packets: Some(900),
            connections: Some(6),
            bad_checksums: Some(3),
            modbus: Some(4),
            rules: Some(17),
            rules_failed: Some(1),
            records: 0,
        };
        check(&format!("{}\n{}\n", stats(7), stats(900)), &expected);
    }

    #[test]
    fn telemetry_when_there_are_records_then_they_tell_of_packets_and_protocols() {
        let flow = r#"{"timestamp":"2026-11-27T06:00:15.250431+0000","event_type":"flow","src_ip":"10.20.1.21","src_port":49812,"dest_ip":"10.20.1.11","dest_port":502,"proto":"TCP","app_proto":"failed"}"#;
        let modbus = flow.replace("\"flow\"", "\"modbus\"");
        let seen = |records, modbus| Telemetry {
            records,
            modbus,
            ..Telemetry::default()
        };
        check(flow, &seen(1, None));
        check(&format!("{flow}\n{modbus}\n"), &seen(2, Some(1)));
        let zeek = r#"{"ts":1767592815.250431,"uid":"C","id.orig_h":"10.20.1.66","id.orig_p":49812,"id.resp_h":"10.20.1.11","id.resp_p":502,"tid":7,"unit":1,"func":"WRITE_SINGLE_COIL","pdu_type":"REQ"}"#;
        check(zeek, &seen(1, Some(1)));
        check("", &Telemetry::default());
        check("no records at all\n", &Telemetry::default());
    }
}
