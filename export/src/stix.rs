//! STIX 2.1: a sighting of each technique in each step, with the addresses that it was about.
//!
//! # Source
//!
//! OASIS STIX 2.1: 4.14 (observed data), 5.2 (sighting), 6.2.5 (addresses).

use serde_json::{Value, json};

use crate::ids::{address, bundle, id, object, range_identity, stamp, technique};
use crate::log::{RunLog, Step};
use crate::out::Stop;
use crate::work::Work;

/// Largest number that STIX allows for a count of sightings.
const COUNT_MAX: u64 = 999_999_999;

/// Writes the export. A run without an attack has no sightings.
pub(crate) fn write(work: &Work<'_>) -> Result<(), Stop> {
    let log = &work.order.run.log;
    let mut objects = vec![range_identity(log), plant(log)];
    for step in &log.steps {
        objects.extend(sightings(log, step));
    }
    let bundle = bundle(log, "sightings", objects);
    let objects = bundle["objects"].as_array().map_or(0, Vec::len);
    work.out.json("stix.json", &bundle, objects as u64)
}

/// Where it was sighted.
fn plant(log: &RunLog) -> Value {
    let own = json!({
        "name": format!("Simulated plant of the scenario {}, seed {}", log.scenario, log.seed),
        "description": format!("{} Run digest {}.", log.summary, log.digest),
        "identity_class": "system",
    });
    object("identity", &id(log, "identity", "plant"), &own)
}

fn sightings(log: &RunLog, step: &Step) -> Vec<Value> {
    let Some((start_ns, end_ns)) = step.interval else {
        return Vec::new();
    };
    let record = &step.record;
    let (first, last) = (stamp(start_ns), stamp(end_ns));
    let count = step.frames.clamp(1, COUNT_MAX);
    let hosts = log.attacker.iter().chain(&record.hosts);
    let (mut refs, mut objects): (Vec<String>, Vec<Value>) = hosts
        .filter_map(|host| log.asset(host)?.ip.as_deref().map(address))
        .unzip();
    refs.sort();
    refs.dedup();
    let observed = id(log, "observed-data", &record.id);
    if !refs.is_empty() {
        let own = json!({
            "first_observed": first,
            "last_observed": last,
            "number_observed": count,
            "object_refs": refs,
        });
        objects.push(object("observed-data", &observed, &own));
    }
    for name in &record.techniques {
        let (pattern, technique) = technique(name);
        objects.push(technique);
        let own = json!({
            "description": format!("{}: {}", record.title, record.plain),
            "first_seen": first,
            "last_seen": last,
            "count": count,
            "sighting_of_ref": pattern,
            "where_sighted_refs": [id(log, "identity", "plant")],
            "observed_data_refs": if refs.is_empty() { Value::Null } else { json!([observed]) },
        });
        let sighting = id(log, "sighting", &format!("{}/{name}", record.id));
        objects.push(object("sighting", &sighting, &own));
    }
    objects
}
