//! An ATT&CK Navigator layer, format 4.5: one cell per technique that the attack used.
//!
//! A technique that no step used is left out: it was not tested, which is not the same as missed.
//! Where several steps used a technique, the cell shows the worst grade.

use serde_json::{Value, json};

use crate::attack;
use crate::detection::{Grade, StepResult, by_technique};
use crate::score::Score;

/// The text of `navigator.json`: pretty, with a final newline.
///
/// # Panics
///
/// Never: a layer serialises.
#[must_use]
pub fn to_json(score: &Score) -> String {
    let header = &score.header;
    let tool = header
        .tool
        .as_ref()
        .map_or("no defense", |tool| tool.name.as_str());
    let techniques: Vec<Value> = by_technique(&score.detection)
        .into_iter()
        .map(|(id, steps)| cell(id, &steps))
        .collect();
    let legend: Vec<Value> = [
        (Grade::None, "#b2182b"),
        (Grade::Telemetry, "#ef8a62"),
        (Grade::General, "#fddbc7"),
        (Grade::Tactic, "#67a9cf"),
        (Grade::Technique, "#2166ac"),
    ]
    .iter()
    .map(|(grade, color)| json!({ "label": grade.label(), "color": color }))
    .collect();
    layer(&json!({
        "name": format!("{tool} - {}", header.scenario),
        "description": format!(
            "Detection grade of each technique that the attack used. Seed {}, Twinrange {}.",
            header.seed, header.range_version
        ),
        "versions": { "attack": header.attack_version },
        "techniques": techniques,
        // Red to blue: distinct for all forms of colour vision.
        "gradient": { "colors": ["#b2182b", "#ef8a62", "#fddbc7", "#67a9cf", "#2166ac"] },
        "legendItems": legend,
    }))
}

/// The text of a layer: what all have in common, and what is its own.
fn layer(own: &Value) -> String {
    let mut layer = json!({
        "domain": "ics-attack",
        "versions": { "layer": "4.5", "navigator": "5.2.0" },
        "gradient": { "minValue": 0, "maxValue": 100 },
        "layout": { "layout": "side", "showID": true, "showName": true, "expandedSubtechniques": "annotated" },
        "sorting": 0,
        "hideDisabled": false,
    });
    let fields = own.as_object().expect("a layer is an object");
    for (name, value) in fields {
        match (
            layer.get_mut(name).and_then(Value::as_object_mut),
            value.as_object(),
        ) {
            (Some(common), Some(more)) => {
                common.extend(more.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            _ => layer[name] = value.clone(),
        }
    }
    let mut text = serde_json::to_string_pretty(&layer).expect("a layer serialises");
    text.push('\n');
    text
}

/// The text of a layer over many runs: the share of detected steps of each technique, in percent.
///
/// # Arguments
///
/// * `rows` — technique, detected steps, steps.
///
/// # Panics
///
/// If more steps were detected than there were.
#[must_use]
pub fn campaign_layer(title: &str, range_version: &str, rows: &[(&str, u64, u64)]) -> String {
    let cell = |(id, detected, steps): &(&str, u64, u64)| {
        let interval = crate::stats::wilson(*detected, *steps);
        let interval = interval.map_or_else(String::new, |i| {
            format!(" (95 %: {:.0} % to {:.0} %)", i.low * 100.0, i.high * 100.0)
        });
        let percent = if *steps == 0 {
            0.0
        } else {
            (*detected as f64 / *steps as f64 * 1000.0).round() / 10.0
        };
        json!({
            "techniqueID": id,
            "score": percent,
            "comment": format!("{detected} of {steps} steps detected{interval}"),
            "enabled": true,
            "showSubtechniques": attack::technique(id).is_some() && id.contains('.'),
        })
    };
    let techniques: Vec<Value> = rows.iter().map(cell).collect();
    layer(&json!({
        "name": title,
        "description": format!(
            "Share of the steps with a technique that were detected, over all cells. Twinrange {range_version}."
        ),
        "versions": { "attack": attack::ATTACK_VERSION },
        "techniques": techniques,
        "gradient": { "colors": ["#b2182b", "#f7f7f7", "#2166ac"] },
    }))
}

/// A technique that an attack showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayedTechnique {
    /// Its identifier.
    pub id: String,
    /// Titles of the steps that showed it, in the order of the playbook.
    pub steps: Vec<String>,
    /// How many of them succeeded.
    pub succeeded: u64,
}

/// The text of a layer of what an attack showed, whoever detected it: the share of steps that succeeded, in percent.
/// Without techniques it is a layer without cells.
#[must_use]
pub fn played_layer(
    title: &str,
    seed: u64,
    range_version: &str,
    techniques: &[PlayedTechnique],
) -> String {
    let cell = |technique: &PlayedTechnique| {
        let steps = technique.steps.len() as f64;
        let share = technique.succeeded as f64 / steps.max(1.0);
        json!({
            "techniqueID": technique.id,
            "score": (share * 1000.0).round() / 10.0,
            "comment": format!(
                "{} of {steps} steps succeeded: {}",
                technique.succeeded,
                technique.steps.join("; ")
            ),
            "enabled": true,
            "showSubtechniques": attack::technique(&technique.id).is_some() && technique.id.contains('.'),
        })
    };
    let techniques: Vec<Value> = techniques.iter().map(cell).collect();
    layer(&json!({
        "name": title,
        "description": format!(
            "Techniques that the attack showed, and the share of their steps that succeeded. Seed {seed}, Twinrange \
             {range_version}."
        ),
        "versions": { "attack": attack::ATTACK_VERSION },
        "techniques": techniques,
        "gradient": { "colors": ["#f7f7f7", "#b2182b"] },
    }))
}

fn cell(id: &str, steps: &[&StepResult]) -> Value {
    let worst = steps
        .iter()
        .map(|step| step.grade)
        .min()
        .unwrap_or_default();
    let detected = steps.iter().filter(|step| step.detected).count();
    let lines: Vec<String> = steps
        .iter()
        .map(|step| {
            let time = step.time_to_detect_s.map_or_else(
                || "not detected".to_owned(),
                |time_s| format!("detected after {time_s:.1} s"),
            );
            format!("{}: {}, {time}", step.id, step.grade.label())
        })
        .collect();
    json!({
        "techniqueID": id,
        "score": worst.navigator_value(),
        "comment": format!("{detected} of {} steps detected. {}", steps.len(), lines.join("; ")),
        "enabled": true,
        "showSubtechniques": attack::technique(id).is_some() && id.contains('.'),
        "metadata": [
            { "name": "grade", "value": worst.label() },
            { "name": "steps", "value": steps.len().to_string() },
        ],
    })
}
