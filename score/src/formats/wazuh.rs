//! `alerts.json` of Wazuh 4.
//!
//! Wazuh stamps an alert when it analyses the event, on its own clock. Where the event's decoded data has
//! a full time of its own (`data.timestamp` of Suricata's EVE, `data.ts` of Zeek's logs), that is when it happened.
//!
//! Wazuh drops techniques that its own database lacks, which are those of ATT&CK for ICS: a rule says them
//! in its groups (`attack.t0843`) instead.
//!
//! # Source
//!
//! Wazuh 4 documentation, "Rules syntax"; `src/analysisd/format/to_json.c`. Decoded data is all text
//! (`"src_port": "56576"`).

use super::shape::{End, Record, Shape, What};
use super::sniff::Object;
use super::{Import, ImportError, ImportOptions, severity};

const SHAPE: Shape = Shape {
    occurred: &["data.timestamp", "data.ts"],
    time: &["timestamp", "@timestamp"],
    time_hint: "2026-01-05T06:00:15.004+0000",
    sensor: &["agent.name", "manager.name"],
    sig_id: &["rule.id"],
    sig_name: &["rule.description"],
    // All alerts of another tool may have one rule of Wazuh's; the signature is in the data.
    also: &["data.alert.signature_id", "data.note"],
    severity: &["rule.level"],
    scale: severity::level_of_15,
    src: End {
        // Logs of hosts may name theirs (`rhost=` of PAM).
        either: &["data.srcip", "data.src_ip", "data.id.orig_h", "data.src"],
        port: &["data.srcport", "data.src_port", "data.id.orig_p"],
        mac: &["data.srcmac"],
        ..End::NONE
    },
    dst: End {
        either: &["data.dstip", "data.dest_ip", "data.id.resp_h", "data.dst"],
        port: &["data.dstport", "data.dest_port", "data.id.resp_p"],
        mac: &["data.dstmac"],
        ..End::NONE
    },
    host: End {
        either: &["agent.ip"],
        asset: &["agent.name"],
        ..End::NONE
    },
    proto: &["data.app_proto", "data.protocol", "data.proto"],
    action: &["data.alert.action", "data.action"],
    frame: &["data.pcap_cnt"],
    techniques: &["rule.mitre.id", "data.alert.metadata.mitre_technique_id"],
    tactics: &["rule.mitre.tactic"],
    tags: &["rule.groups"],
    ..Shape::NONE
};

/// Reads one record into `import`. An event that no rule matched (`archives.json`) is telemetry.
pub(super) fn record(
    line: u64,
    object: Object,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let record = Record {
        object: &object,
        line,
    };
    let what = if record.has("rule.id") || record.has("rule.level") {
        What::Alert
    } else if record.has("agent") || record.has("decoder") {
        What::Log("event without a rule".to_owned())
    } else {
        return Err(record.missing("rule", Some("every alert of Wazuh names its rule")));
    };
    SHAPE.take(&record, what, options, import)
}
