//! Identifiers and objects that STIX and Attack Flow share.
//!
//! Identifiers are UUIDs of version 5, so that the same run has the same ones every time.
//!
//! # Source
//!
//! OASIS STIX 2.1, 2.9 (identifiers: the namespace for observables), 3.2 (common properties), RFC 9562.

use serde_json::{Value, json};
use twinrange_score::attack;
use uuid::Uuid;

use crate::log::{RunLog, unix_ns};
use crate::tabular::time;

/// Namespace of the identifiers of observables.
const OBSERVABLES: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);

/// A STIX time stamp with nanoseconds.
pub(crate) fn stamp(t_ns: u64) -> String {
    time(unix_ns(t_ns), "%Y-%m-%dT%H:%M:%S%.9fZ")
}

/// When the objects of a run were made: its epoch. A wall clock would make every export another one.
pub(crate) fn created() -> String {
    time(unix_ns(0), "%Y-%m-%dT%H:%M:%S%.3fZ")
}

/// The identifier of an object of a run.
pub(crate) fn id(log: &RunLog, kind: &str, what: &str) -> String {
    let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"twinrange");
    let name = format!("{}/{kind}/{what}", log.digest);
    format!("{kind}--{}", Uuid::new_v5(&own, name.as_bytes()))
}

/// The identifier of an object that is the same in all runs.
pub(crate) fn shared_id(kind: &str, what: &str) -> String {
    let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"twinrange");
    format!(
        "{kind}--{}",
        Uuid::new_v5(&own, format!("{kind}/{what}").as_bytes())
    )
}

/// An object of STIX with the properties that all have.
pub(crate) fn object(kind: &str, id: &str, own: &Value) -> Value {
    let mut object = json!({
        "type": kind,
        "spec_version": "2.1",
        "id": id,
        "created": created(),
        "modified": created(),
        "created_by_ref": range_id(),
    });
    let fields = own.as_object().expect("properties are an object");
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        object[name] = value.clone();
    }
    object
}

/// Who says all of this: the range.
pub(crate) fn range_id() -> String {
    shared_id("identity", "range")
}

/// The range as an object.
pub(crate) fn range_identity(log: &RunLog) -> Value {
    let own = json!({
        "name": format!("Twinrange {}", log.version),
        "description": "A deterministic test range; nothing in this bundle happened in a real plant.",
        "identity_class": "system",
    });
    object("identity", &range_id(), &own)
}

/// An address as an observable.
pub(crate) fn address(ip: &str) -> (String, Value) {
    // The identifier is made from the canonical JSON of what makes one address differ from another.
    let name = json!({ "value": ip }).to_string();
    let id = format!("ipv4-addr--{}", Uuid::new_v5(&OBSERVABLES, name.as_bytes()));
    let value = json!({
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": id,
        "value": ip,
    });
    (id, value)
}

/// A technique of ATT&CK for ICS as an object.
pub(crate) fn technique(technique: &str) -> (String, Value) {
    let technique = attack::canonical(technique);
    let id = shared_id("attack-pattern", technique);
    let page = technique.replace('.', "/");
    let phases: Vec<Value> = attack::tactics_of(technique)
        .iter()
        .filter_map(|tactic| attack::tactic_shortname(&tactic.id))
        .map(|phase| json!({ "kill_chain_name": "mitre-ics-attack", "phase_name": phase }))
        .collect();
    let own = json!({
        "name": attack::full_name(technique),
        "kill_chain_phases": if phases.is_empty() { Value::Null } else { Value::from(phases) },
        "external_references": [{
            "source_name": "mitre-attack",
            "external_id": technique,
            "url": format!("https://attack.mitre.org/techniques/{page}"),
        }],
    });
    (id.clone(), object("attack-pattern", &id, &own))
}

/// A bundle of objects, each once.
pub(crate) fn bundle(log: &RunLog, what: &str, objects: Vec<Value>) -> Value {
    let mut seen = std::collections::BTreeSet::new();
    let mut once =
        |object: &Value| seen.insert(object["id"].as_str().unwrap_or_default().to_owned());
    let objects: Vec<Value> = objects.into_iter().filter(|object| once(object)).collect();
    json!({ "type": "bundle", "id": id(log, "bundle", what), "objects": objects })
}
