//! Attack Flow 2.0: a STIX bundle with an action per step, from each step to those that waited for it.
//!
//! # Source
//!
//! Center for Threat-Informed Defense, `attack-flow-schema-2.0.0.json` and `attack-flow-extension-2.0.0.json`.

use serde_json::{Value, json};
use twinrange_range::evidence::records::Outcome;
use twinrange_range::problem::Problem;
use twinrange_score::attack;

use crate::ids::{address, bundle, id, object, range_identity, stamp, technique};
use crate::log::{RunLog, Step};
use crate::out::Stop;
use crate::work::Work;

const EXTENSION: &str = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4";
const AUTHOR: &str = "identity--d673f8cb-c168-42da-8ed4-0cb26725f86c";

/// Writes the export.
pub(crate) fn write(work: &Work<'_>) -> Result<(), Stop> {
    let log = &work.order.run.log;
    if log.steps.is_empty() {
        let message = "the run was not attacked, and an Attack Flow begins with an action";
        let hint = "every other format takes a run without an attack";
        return Err(Problem::new("TR0353", message).hint(hint).into());
    }
    let flow = flow(log);
    let objects = flow["objects"].as_array().map_or(0, Vec::len);
    work.out.json("attack-flow.json", &flow, objects as u64)
}

/// The bundle.
fn flow(log: &RunLog) -> Value {
    let action = |step: &str| id(log, "attack-action", step);
    let starts: Vec<String> = log
        .steps
        .iter()
        .filter(|step| step.after.iter().all(|before| log.step(before).is_none()))
        .map(|step| action(&step.record.id))
        .collect();
    let mut objects = extension();
    objects.push(range_identity(log));
    let about = json!({
        "name": log.title,
        "description": log.summary,
        "scope": "incident",
        "start_refs": starts,
    });
    objects.push(extended(log, "attack-flow", &log.scenario, about));
    for step in &log.steps {
        for host in &step.record.hosts {
            objects.extend(asset(log, host));
        }
        if let Some(main) = step.record.techniques.first() {
            objects.push(technique(main).1);
        }
        objects.push(action_of(log, step));
    }
    bundle(log, "attack-flow", objects)
}

fn action_of(log: &RunLog, step: &Step) -> Value {
    let record = &step.record;
    let main = record
        .techniques
        .first()
        .map(|main| attack::canonical(main));
    let tactic = main.and_then(|main| attack::tactics_of(main).first());
    let effects: Vec<String> = log
        .steps
        .iter()
        .filter(|other| other.after.contains(&record.id))
        .map(|other| id(log, "attack-action", &other.record.id))
        .collect();
    let mut assets: Vec<String> = record
        .hosts
        .iter()
        .map(|host| id(log, "attack-asset", host))
        .collect();
    assets.dedup();
    let outcome = match record.outcome {
        Outcome::Succeeded => "It succeeded.",
        Outcome::Failed => "It failed.",
        Outcome::TimedOut => "It was still under way at the end of its time.",
        Outcome::NotReached => "It was never begun.",
    };
    let others: Vec<String> = record
        .techniques
        .iter()
        .skip(1)
        .map(|id| attack::full_name(id))
        .collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!(" It also shows {}.", others.join(", "))
    };
    let own = json!({
        "name": main.map_or_else(|| record.title.clone(), attack::full_name),
        "tactic_id": tactic.map(|tactic| tactic.id.as_str()),
        "technique_id": main,
        "technique_ref": main.map(|main| technique(main).0),
        "description": format!(
            "{}: {} {}{others} {outcome}",
            record.title, record.plain, record.intended_effect
        ),
        "execution_start": step.interval.map(|interval| stamp(interval.0)),
        "execution_end": step.interval.map(|interval| stamp(interval.1)),
        "asset_refs": some(assets),
        "effect_refs": some(effects),
    });
    extended(log, "attack-action", &record.id, own)
}

/// A list, or nothing where a list must not be empty.
fn some(list: Vec<String>) -> Value {
    if list.is_empty() {
        Value::Null
    } else {
        list.into()
    }
}

/// A host as an asset, and its address.
fn asset(log: &RunLog, host: &str) -> Vec<Value> {
    let known = log.asset(host);
    let observable = known.and_then(|asset| asset.ip.as_deref()).map(address);
    let own = json!({
        "name": host,
        "description": known.map(|asset| asset.role.clone()),
        "object_ref": observable.as_ref().map(|(id, _)| id.clone()),
    });
    let asset = extended(log, "attack-asset", host, own);
    observable
        .map(|(_, object)| object)
        .into_iter()
        .chain([asset])
        .collect()
}

/// An object of the extension.
fn extended(log: &RunLog, kind: &str, what: &str, own: Value) -> Value {
    let mut object = object(kind, &id(log, kind, what), &own);
    object["extensions"] = json!({ EXTENSION: { "extension_type": "new-sdo" } });
    object
}

/// The extension's definition and its author, which every flow carries.
fn extension() -> Vec<Value> {
    let made = "2022-08-02T19:34:35.143Z";
    let home = "https://center-for-threat-informed-defense.github.io/attack-flow";
    vec![
        json!({
            "type": "extension-definition",
            "spec_version": "2.1",
            "id": EXTENSION,
            "created": made,
            "modified": made,
            "created_by_ref": AUTHOR,
            "name": "Attack Flow",
            "description": "Extends STIX 2.1 with features to create Attack Flows.",
            "schema": format!("{home}/stix/attack-flow-schema-2.0.0.json"),
            "version": "2.0.0",
            "extension_types": ["new-sdo"],
            "external_references": [
                {
                    "source_name": "Documentation",
                    "description": "Documentation for Attack Flow",
                    "url": home,
                },
                {
                    "source_name": "GitHub",
                    "description": "Source code repository for Attack Flow",
                    "url": "https://github.com/center-for-threat-informed-defense/attack-flow",
                },
            ],
        }),
        json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": AUTHOR,
            "created_by_ref": AUTHOR,
            "created": made,
            "modified": made,
            "name": "MITRE Center for Threat-Informed Defense",
            "identity_class": "organization",
        }),
    ]
}
