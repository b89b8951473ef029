//! Suricata's EVE log.
//!
//! Only records with `event_type` `alert` are alerts. Other records that name their ends (`flow`,
//! `modbus`, `anomaly`...) become log records: an analyst could find them, so they are telemetry.
//! `stats` and other records without ends are skipped and counted.
//!
//! `pcap_cnt` is the 1-based frame number. Suricata in IDS mode stamps an alert with the packet that
//! advanced the stream, which may be later than the packet at fault; `docs/scoring.md` says what
//! follows from that.
//!
//! # Source
//!
//! Suricata 7 user guide, "EVE JSON Format"; the ATT&CK metadata keys are those of the public rule
//! sets (`mitre_technique_id`, `mitre_tactic_id`).

use serde_json::Value;

use super::field::{Fields, technique_in_tag};
use super::possible::Paths;
use super::shape::{first_in_ics, short};
use super::sniff::Object;
use super::{BEFORE_RUN, Import, ImportError, ImportOptions, guess, severity, simulated_ns};
use crate::alert::{Action, Alert, Endpoint, Kind, TechniqueSource, canonical_techniques};
use crate::attack;

/// EVE has no time of receipt, so that its path is never shown.
const PATHS: Paths = Paths {
    time: "timestamp",
    received: "timestamp",
    span: None,
    frame: "pcap_cnt",
    ips: ["src_ip", "dest_ip"],
    macs: ["ether.src_mac", "ether.dest_mac"],
};

/// Reads one record into `import`.
pub(super) fn record(
    line: u64,
    object: Object,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let fields = Fields {
        object: &object,
        line,
        prefix: "",
    };
    let Some(event_type) = fields.string("event_type")? else {
        let other = guess::hint(&object);
        let hint = other
            .as_deref()
            .unwrap_or("every record of eve.json has an event_type");
        return Err(fields.error("event_type", "required field is missing", Some(hint)));
    };
    let unix_ns = timestamp(&fields, options)?;
    let Some(t_ns) = simulated_ns(unix_ns, options.epoch_unix_ns, options) else {
        import.leave_out(line, &object, PATHS.time, BEFORE_RUN);
        return Ok(());
    };
    let src = Endpoint {
        ip: fields.string("src_ip")?,
        port: fields.port("src_port")?,
        ..mac(&fields, "src_mac")
    };
    let dst = Endpoint {
        ip: fields.string("dest_ip")?,
        port: fields.port("dest_port")?,
        ..mac(&fields, "dest_mac")
    };
    let base = Alert {
        t_ns,
        tool: options.tool.clone(),
        sensor: fields.string("host")?.or(fields.string("in_iface")?),
        src,
        dst,
        proto: fields
            .string("app_proto")?
            .filter(|p| p != "failed")
            .or(fields.string("proto")?),
        span: options.span.clone(),
        frame: fields.unsigned("pcap_cnt")?.filter(|&frame| frame > 0),
        ..Alert::default()
    };
    if event_type == "alert" {
        let alert = alert(&fields, base, options, import)?;
        import.take(line, &object, alert, &PATHS, options);
    } else if base.src.is_empty() && base.dst.is_empty() {
        import.skip(&format!(
            "`{}` record without addresses",
            short(&event_type)
        ));
    } else {
        let record = Alert {
            kind: Kind::Log,
            sig_id: event_type,
            ..base
        };
        import.take(line, &object, record, &PATHS, options);
    }
    Ok(())
}

fn mac(fields: &Fields<'_>, name: &str) -> Endpoint {
    let ether = fields.get("ether").and_then(Value::as_object);
    let mac = ether
        .and_then(|ether| ether.get(name))
        .and_then(Value::as_str);
    Endpoint {
        mac: mac.map(|mac| mac.to_ascii_lowercase().replace('-', ":")),
        ..Endpoint::default()
    }
}

/// ISO 8601 with a numeric zone, with or without a colon (`+0000`, `+00:00`), or `Z`.
fn timestamp(fields: &Fields<'_>, options: &ImportOptions) -> Result<i128, ImportError> {
    let hint = "expected such as 2026-01-05T06:00:15.250431+0000";
    let Some(text) = fields.string("timestamp")? else {
        return Err(fields.error("timestamp", "required field is missing", Some(hint)));
    };
    super::time::unix_ns(&text, options).map_err(|fault| {
        let message = format!("invalid time \"{}\": {}", short(&text), fault.reason());
        fields.error("timestamp", message, Some(fault.hint().unwrap_or(hint)))
    })
}

fn alert(
    fields: &Fields<'_>,
    base: Alert,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<Alert, ImportError> {
    let Some(object) = fields.object("alert")? else {
        return Err(fields.error("alert", "an alert record has no `alert` object", None));
    };
    let inner = Fields {
        object,
        line: fields.line,
        prefix: "alert.",
    };
    let Some(sid) = inner.unsigned("signature_id")? else {
        return Err(inner.error("signature_id", "required field is missing", None));
    };
    let sig_id = sid.to_string();
    let (techniques, technique_source) = techniques(&inner, &sig_id, options, import)?;
    Ok(Alert {
        sig_name: inner.string("signature")?,
        severity: severity_of(&inner, import)?,
        tactics: tactics(&inner, import)?,
        techniques,
        technique_source,
        action: match inner.string("action")?.as_deref() {
            Some("blocked") => Action::Blocked,
            Some("allowed") => Action::Allowed,
            _ => Action::None,
        },
        sig_id,
        raw: options
            .keep_raw
            .then(|| Value::Object(fields.object.clone())),
        ..base
    })
}

/// Suricata's 1 (highest) to 4 onto our 0 to 10.
fn severity_of(inner: &Fields<'_>, import: &mut Import) -> Result<Option<u8>, ImportError> {
    let Some(number) = inner.unsigned("severity")? else {
        return Ok(None);
    };
    let grade = severity::priority(&number.to_string());
    if grade.is_none() {
        import.note("alert.severity outside 1 to 4 ignored");
    }
    Ok(grade)
}

/// The metadata lists of a rule; a rule may put any text there, so what is malformed is counted.
fn metadata<'a>(inner: &Fields<'a>) -> Result<Option<&'a Object>, ImportError> {
    inner.object("metadata")
}

fn techniques(
    inner: &Fields<'_>,
    sig_id: &str,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(Vec<String>, TechniqueSource), ImportError> {
    let (mut native, mut tagged) = (Vec::new(), Vec::new());
    if let Some(object) = metadata(inner)? {
        let metadata = Fields {
            object,
            line: inner.line,
            prefix: "alert.metadata.",
        };
        native = metadata.strings("mitre_technique_id")?;
        let given = native.len();
        native.retain(|id| attack::is_technique_id(id));
        for _ in native.len()..given {
            import.note("malformed mitre_technique_id in rule metadata ignored");
        }
        for key in ["tag", "tags"] {
            tagged.extend(
                metadata
                    .strings(key)?
                    .into_iter()
                    .filter_map(technique_in_tag),
            );
        }
    }
    let native = canonical_techniques(native);
    let tagged = canonical_techniques(tagged.iter().map(String::as_str));
    let names = [sig_id.to_owned()];
    Ok(first_in_ics(native, tagged, &names, options, import))
}

fn tactics(inner: &Fields<'_>, import: &mut Import) -> Result<Vec<String>, ImportError> {
    let Some(object) = metadata(inner)? else {
        return Ok(Vec::new());
    };
    let metadata = Fields {
        object,
        line: inner.line,
        prefix: "alert.metadata.",
    };
    let mut ids = Vec::new();
    for word in metadata.strings("mitre_tactic_id")? {
        match attack::tactic_id(word) {
            Some(id) => ids.push(id.to_owned()),
            None => import.note("tactic in rule metadata is not one of ATT&CK for ICS; ignored"),
        }
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}
