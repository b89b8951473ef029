//! Detection Findings of the Open Cybersecurity Schema Framework.
//!
//! A finding is created, updated and closed under one `finding_info.uid`: these are one alert, of the time
//! of the first record. Events of other classes that name their ends are telemetry, and so are findings
//! that were suppressed or are marked as no alert.
//!
//! # Source
//!
//! ocsf-schema 1.8: `events/findings/detection_finding.json` and the objects that it refers to.

use std::collections::BTreeMap;

use super::field::values;
use super::shape::{End, Record, Shape, What};
use super::sniff::Object;
use super::{Import, ImportError, ImportOptions, severity};

const SHAPE: Shape = Shape {
    tool: &["metadata.product.name"],
    occurred: &["end_time", "start_time"],
    time: &["time"],
    time_hint: "1767592815250",
    sensor: &["metadata.log_provider", "metadata.logger"],
    sig_id: &[
        "finding_info.analytic.uid",
        "finding_info.analytic.name",
        "finding_info.title",
    ],
    sig_name: &[
        "finding_info.title",
        "finding_info.analytic.name",
        "message",
    ],
    also: &["finding_info.analytic.name"],
    severity: &["severity_id"],
    scale: severity::ocsf,
    src: End {
        ip: &["evidences.src_endpoint.ip", "src_endpoint.ip"],
        asset: &["evidences.src_endpoint.hostname", "src_endpoint.hostname"],
        port: &["evidences.src_endpoint.port", "src_endpoint.port"],
        mac: &["evidences.src_endpoint.mac", "src_endpoint.mac"],
        ..End::NONE
    },
    dst: End {
        ip: &["evidences.dst_endpoint.ip", "dst_endpoint.ip"],
        asset: &["evidences.dst_endpoint.hostname", "dst_endpoint.hostname"],
        port: &["evidences.dst_endpoint.port", "dst_endpoint.port"],
        mac: &["evidences.dst_endpoint.mac", "dst_endpoint.mac"],
        ..End::NONE
    },
    host: End {
        ip: &["device.ip", "resources.ip"],
        asset: &[
            "device.hostname",
            "device.name",
            "resources.hostname",
            "resources.name",
        ],
        mac: &["device.mac"],
        ..End::NONE
    },
    proto: &[
        "evidences.connection_info.protocol_name",
        "connection_info.protocol_name",
    ],
    action: &["action", "disposition"],
    techniques: &[
        "finding_info.attacks.technique.uid",
        "finding_info.attacks.sub_technique.uid",
        "attacks.technique.uid",
        "attacks.sub_technique.uid",
    ],
    tactics: &["finding_info.attacks.tactic.uid", "attacks.tactic.uid"],
    ..Shape::NONE
};

const DETECTION_FINDING: &str = "2004";

/// Findings that became alerts, by identifier, and whether their creation was read.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<String, bool>);

impl Findings {
    /// Whether a record tells of a finding that was told before. Two creations of one identifier are two
    /// findings of a tool that numbers them badly, and none of them is dropped.
    fn is_known(&mut self, uid: String, created: bool, import: &mut Import) -> bool {
        let Some(was_created) = self.0.get_mut(&uid) else {
            self.0.insert(uid, created);
            return false;
        };
        if !created {
            return true;
        }
        let again = *was_created;
        *was_created = true;
        if again {
            import.note("finding that is created again under the same uid; both are kept");
        }
        !again
    }
}

/// Reads one record into `import`.
pub(super) fn record(
    line: u64,
    mut object: Object,
    findings: &mut Findings,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    by_words(&mut object);
    let record = Record {
        object: &object,
        line,
    };
    let Some(class) = record.word(&["class_uid"])? else {
        return Err(record.missing("class_uid", Some("2004 is a Detection Finding")));
    };
    if class != DETECTION_FINDING {
        return SHAPE.take(
            &record,
            What::Log(format!("class {class}")),
            options,
            import,
        );
    }
    let Some(uid) = record.word(&["finding_info.uid"])? else {
        return Err(record.missing(
            "finding_info.uid",
            Some("it tells an update from a new finding"),
        ));
    };
    let is_no_alert = values(&object, "is_alert")
        .first()
        .and_then(|flag| flag.as_bool())
        == Some(false);
    let is_suppressed = record.word(&["status_id"])?.as_deref() == Some("3");
    if is_no_alert || is_suppressed {
        // It may become an alert with an update.
        let what = What::Log("finding without alert".to_owned());
        return SHAPE.take(&record, what, options, import);
    }
    let created = !matches!(record.word(&["activity_id"])?.as_deref(), Some("2" | "3"));
    if findings.is_known(uid, created, import) {
        import.skip("update of a finding that was read before");
        return Ok(());
    }
    SHAPE.take(&record, What::Alert, options, import)
}

/// Identifiers of actions as the words that all formats share.
fn by_words(object: &mut Object) {
    for (id, name, words) in [
        ("action_id", "action", [("1", "allowed"), ("2", "denied")]),
        (
            "disposition_id",
            "disposition",
            [("1", "allowed"), ("2", "blocked")],
        ),
    ] {
        let number = object.get(id).map(ToString::to_string);
        let word = words
            .iter()
            .find(|(known, _)| number.as_deref() == Some(*known));
        if let Some((_, word)) = word {
            object.entry(name).or_insert((*word).into());
        }
    }
}
