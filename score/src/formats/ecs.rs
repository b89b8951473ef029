//! Documents of the Elastic Common Schema, and alerts of Elastic Security (`kibana.alert.*`, before version 8
//! `signal.*`).
//!
//! `event.kind` says what a document is: `alert` and `signal` are alerts, all else is telemetry. Security Onion leaves it
//! out, and says the same with `event.dataset`, such as `suricata.alert`. An alert
//! of Elastic Security bears in `@timestamp` when its rule ran; `kibana.alert.original_time` is the time of
//! the event that it is about.
//!
//! # Source
//!
//! ECS 8 field reference; Elastic Security 8, "Alert schema", which names the fields of version 7 too; the ingest
//! pipelines of Elastic's Suricata and Snort integrations, and of Security Onion. Keys may be nested or dotted, and a search
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
        "signal.rule.rule_id",
        "kibana.alert.rule.uuid",
        "signal.rule.id",
        "rule.id",
        "rule.uuid",
        "kibana.alert.rule.name",
        "signal.rule.name",
        "rule.name",
        "event.code",
    ],
    sig_name: &[
        "kibana.alert.rule.name",
        "signal.rule.name",
        "rule.name",
        "rule.description",
        "kibana.alert.reason",
        "message",
    ],
    also: &[
        "kibana.alert.rule.name",
        "signal.rule.name",
        "rule.name",
        "rule.description",
    ],
    severity: &[
        "kibana.alert.severity",
        "signal.rule.severity",
        "kibana.alert.risk_score",
        "signal.rule.risk_score",
        "event.risk_score",
        "event.severity_label",
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
        "signal.rule.threat.technique.id",
        "signal.rule.threat.technique.subtechnique.id",
    ],
    tactics: &[
        "threat.tactic.id",
        "kibana.alert.rule.threat.tactic.id",
        "signal.rule.threat.tactic.id",
    ],
    tags: &[
        "tags",
        "rule.tags",
        "kibana.alert.rule.tags",
        "signal.rule.tags",
    ],
    ..Shape::NONE
};

/// Elastic Security copies the fields of the event: its observer is the event's, and not who alerts.
const SECURITY: Shape = Shape { tool: &[], ..SHAPE };

/// What pipelines make of the alerts of Suricata and Snort: their number is the tool's own priority, but for Security
/// Onion's, which turns it round and has the word for it beside it.
const SURICATA: Shape = Shape {
    severity: &["event.severity_label", "event.severity"],
    scale: severity::word_or_priority,
    ..SHAPE
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
    let of_security = record.has("kibana.alert.rule.name")
        || record.has("kibana.alert.rule.uuid")
        || record.has("kibana.alert.uuid")
        || record.has("signal.rule.id");
    let kind = record.word(&["event.kind"])?;
    if of_security {
        // Building blocks feed other rules and are shown to nobody.
        let what = if record.has("kibana.alert.building_block_type")
            || record.has("signal.rule.building_block_type")
        {
            What::Log("building block".to_owned())
        } else {
            What::Alert
        };
        return SECURITY.take(&record, what, options, import);
    }
    let what = match kind.as_deref() {
        Some("alert" | "signal") => What::Alert,
        Some(kind) => What::Log(format!("event.kind {kind}")),
        None if names_alerts(&record)? => What::Alert,
        None => {
            import.note("document without `event.kind`; read as telemetry");
            What::Log("no event.kind".to_owned())
        }
    };
    // A data set is named by its module: `snort.log`.
    let origin = record.word(&["event.module", "event.dataset"])?;
    let module = origin.as_deref().and_then(|name| name.split('.').next());
    let shape = match module {
        Some("suricata" | "snort") => &SURICATA,
        _ => &SHAPE,
    };
    shape.take(&record, what, options, import)
}

/// Whether a document without `event.kind` is an alert by its data set, such as `suricata.alert`.
fn names_alerts(record: &Record<'_>) -> Result<bool, ImportError> {
    let dataset = record.word(&["event.dataset"])?;
    let of_alerts = dataset.is_some_and(|name| name.rsplit('.').next() == Some("alert"));
    Ok(of_alerts && record.has("rule.name"))
}
