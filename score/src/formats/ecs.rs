//! Documents of the Elastic Common Schema, and alerts of Elastic Security (`kibana.alert.*`).
//!
//! `event.kind` says what a document is: `alert` and `signal` are alerts, all else is telemetry. An alert
//! of Elastic Security bears in `@timestamp` when its rule ran; `kibana.alert.original_time` is the time of
//! the event that it is about.
//!
//! # Source
//!
//! ECS 8 field reference; Elastic Security 8, "Alert schema". Keys may be nested or dotted, and a search
//! with `fields` gives every value as a list.

use super::shape::{End, Record, Shape, What};
use super::sniff::Object;
use super::{Import, ImportError, ImportOptions, severity};

const SHAPE: Shape = Shape {
    tool: &["observer.product"],
    occurred: &["kibana.alert.original_time", "signal.original_time"],
    time: &["@timestamp"],
    time_hint: "2026-01-05T06:00:15.250Z",
    sensor: &["observer.name", "observer.hostname", "agent.name"],
    sig_id: &[
        "kibana.alert.rule.rule_id",
        "kibana.alert.rule.uuid",
        "rule.id",
        "rule.uuid",
        "kibana.alert.rule.name",
        "rule.name",
        "event.code",
    ],
    sig_name: &[
        "kibana.alert.rule.name",
        "rule.name",
        "kibana.alert.reason",
        "message",
    ],
    also: &["kibana.alert.rule.name", "rule.name"],
    severity: &[
        "kibana.alert.severity",
        "kibana.alert.risk_score",
        "event.risk_score",
        "event.severity",
    ],
    scale: severity::word_or_risk,
    src: End {
        ip: &["source.ip", "client.ip"],
        asset: &["source.domain"],
        port: &["source.port", "client.port"],
        mac: &["source.mac"],
        ..End::NONE
    },
    dst: End {
        ip: &["destination.ip", "server.ip"],
        asset: &["destination.domain"],
        port: &["destination.port", "server.port"],
        mac: &["destination.mac"],
        ..End::NONE
    },
    host: End {
        ip: &["host.ip"],
        asset: &["host.name", "host.hostname"],
        mac: &["host.mac"],
        ..End::NONE
    },
    proto: &["network.protocol", "network.transport"],
    action: &["event.type", "event.action", "event.outcome"],
    techniques: &[
        "threat.technique.id",
        "threat.technique.subtechnique.id",
        "kibana.alert.rule.threat.technique.id",
        "kibana.alert.rule.threat.technique.subtechnique.id",
    ],
    tactics: &["threat.tactic.id", "kibana.alert.rule.threat.tactic.id"],
    tags: &["tags", "rule.tags", "kibana.alert.rule.tags"],
    ..Shape::NONE
};

/// Elastic Security copies the fields of the event: its observer is the event's, and not who alerts.
const SECURITY: Shape = Shape { tool: &[], ..SHAPE };

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
    let of_security = record.has("kibana.alert.rule.name")
        || record.has("kibana.alert.rule.uuid")
        || record.has("kibana.alert.uuid");
    let kind = record.word(&["event.kind"])?;
    if of_security {
        // Building blocks feed other rules and are shown to nobody.
        let what = if record.has("kibana.alert.building_block_type") {
            What::Log("building block".to_owned())
        } else {
            What::Alert
        };
        return SECURITY.take(&record, what, options, import);
    }
    let what = match kind.as_deref() {
        Some("alert" | "signal") => What::Alert,
        Some(kind) => What::Log(format!("event.kind {kind}")),
        None => {
            import.note("document without `event.kind`; read as telemetry");
            What::Log("no event.kind".to_owned())
        }
    };
    SHAPE.take(&record, what, options, import)
}
