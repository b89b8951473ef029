//! Records that carry the `level` and `tags` of the Sigma rule that matched.
//!
//! Sigma has no form of its own for results; these are the names that its backends and runners write.
//! Level `informational` is telemetry: by the specification no alert shall come of it.
//!
//! # Source
//!
//! Sigma specification 2.0.0, "Level" and "Tags"; fields of Chainsaw's and Hayabusa's JSON output.

use super::shape::{End, Record, Shape, What, says_unknown, short};
use super::sniff::Object;
use super::{Import, ImportError, ImportOptions, severity};

const SHAPE: Shape = Shape {
    time: &["timestamp", "@timestamp", "time", "Timestamp"],
    time_hint: "2026-01-05T06:00:15.250Z",
    sensor: &["sensor", "observer", "Channel"],
    sig_id: &[
        "rule_id",
        "rule.id",
        "sigma_id",
        "id",
        "RuleID",
        "title",
        "rule_title",
        "rule.title",
        "name",
        "RuleTitle",
    ],
    sig_name: &[
        "title",
        "rule_title",
        "rule.title",
        "name",
        "RuleTitle",
        "rule.name",
    ],
    also: &["title", "rule_title", "name", "RuleTitle"],
    severity: &["level", "rule.level", "rule_level", "Level"],
    scale: severity::word,
    src: End {
        ip: &["src_ip", "source.ip", "src.ip", "SourceIp"],
        port: &["src_port", "source.port", "src.port", "SourcePort"],
        mac: &["src_mac", "source.mac"],
        ..End::NONE
    },
    dst: End {
        ip: &[
            "dst_ip",
            "dest_ip",
            "destination.ip",
            "dst.ip",
            "DestinationIp",
        ],
        port: &[
            "dst_port",
            "dest_port",
            "destination.port",
            "dst.port",
            "DestinationPort",
        ],
        mac: &["dst_mac", "destination.mac"],
        ..End::NONE
    },
    host: End {
        either: &["host", "hostname", "host.name", "computer", "Computer"],
        ..End::NONE
    },
    proto: &["proto", "protocol", "network.protocol"],
    action: &["action"],
    tags: &["tags", "rule.tags", "Tags"],
    // Hayabusa writes its tags without the word before them.
    techniques: &["MitreTags"],
    ..Shape::NONE
};

/// Reads one record into `import`.
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
    let Some((path, level)) = record.text(SHAPE.severity)? else {
        let hint = "it is that of the rule: informational, low, medium, high or critical";
        return Err(record.missing("level", Some(hint)));
    };
    let what = match severity::word(&level) {
        Some(1) => What::Log("level informational".to_owned()),
        Some(_) => What::Alert,
        None if says_unknown(&level) => What::Alert,
        None => {
            let message = format!("\"{}\" is no level of Sigma", short(&level));
            let hint = "one of: informational, low, medium, high, critical";
            return Err(record.error(path, message, Some(hint)));
        }
    };
    SHAPE.take(&record, what, options, import)
}
