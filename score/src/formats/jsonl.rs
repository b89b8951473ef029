//! Our normal form, one JSON object per line.
//!
//! Strict where a mistake would change the score (times, identifiers, types), lenient where it
//! cannot: unknown fields are kept out and counted.

use serde_json::Value;

use super::field::{Fields, technique_in_tag};
use super::possible::Paths;
use super::shape::short;
use super::sniff::Object;
use super::{BEFORE_RUN, Import, ImportError, ImportOptions, simulated_ns};
use crate::alert::{Action, Alert, Endpoint, Kind, TechniqueSource, canonical_techniques};
use crate::attack;

const KNOWN: [&str; 20] = [
    "t_ns",
    "t_received_ns",
    "kind",
    "tool",
    "sensor",
    "sig_id",
    "sig_name",
    "severity",
    "src",
    "dst",
    "proto",
    "techniques",
    "tactics",
    "technique_source",
    "action",
    "span",
    "frame",
    "raw",
    "tags",
    "schema_version",
];

const PATHS: Paths = Paths {
    time: "t_ns",
    received: "t_received_ns",
    span: Some("span"),
    frame: "frame",
    ips: ["src.ip", "dst.ip"],
    macs: ["src.mac", "dst.mac"],
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
    let t_ns = required_time(&fields)?;
    let Some(t_ns) = simulated_ns(i128::from(t_ns), 0, options) else {
        import.leave_out(line, &object, PATHS.time, BEFORE_RUN);
        return Ok(());
    };
    let sig_id = fields
        .name("sig_id")?
        .ok_or_else(|| missing(&fields, "sig_id"))?;
    let (techniques, technique_source) = techniques(&fields, &sig_id, options, import)?;
    let alert = Alert {
        t_ns,
        t_received_ns: fields.unsigned("t_received_ns")?,
        kind: choice(
            &fields,
            "kind",
            &[("alert", Kind::Alert), ("log", Kind::Log)],
        )?,
        tool: fields.string("tool")?.or_else(|| options.tool.clone()),
        sensor: fields.string("sensor")?,
        sig_id,
        sig_name: fields.string("sig_name")?,
        severity: severity(&fields)?,
        src: endpoint(&fields, "src")?,
        dst: endpoint(&fields, "dst")?,
        proto: fields.string("proto")?,
        techniques,
        tactics: tactics(&fields)?,
        technique_source,
        action: choice(
            &fields,
            "action",
            &[
                ("none", Action::None),
                ("allowed", Action::Allowed),
                ("blocked", Action::Blocked),
            ],
        )?,
        span: fields.string("span")?.or_else(|| options.span.clone()),
        frame: frame(&fields)?,
        raw: if options.keep_raw {
            fields.get("raw").cloned()
        } else {
            None
        },
    };
    for name in object.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
        import.note(format!(
            "unknown field `{}` ignored",
            name.chars().take(40).collect::<String>()
        ));
    }
    import.take(line, &object, alert, &PATHS, options);
    Ok(())
}

fn missing(fields: &Fields<'_>, field: &str) -> ImportError {
    let similar = fields
        .object
        .keys()
        .map(String::as_str)
        .filter(|name| !KNOWN.contains(name))
        .find(|name| crate::suggest::nearest(name, [field]).is_some());
    let hint = if let Some(other) = super::guess::hint(fields.object) {
        other
    } else if let Some(similar) = similar {
        format!(
            "there is a field `{}`; did you mean `{field}`?",
            short(similar)
        )
    } else if field == "t_ns" {
        "t_ns is simulated nanoseconds since the start of the run, a whole number".to_owned()
    } else {
        "sig_id names the rule or model that fired".to_owned()
    };
    fields.error(field, "required field is missing", Some(&hint))
}

fn required_time(fields: &Fields<'_>) -> Result<u64, ImportError> {
    let hint =
        "t_ns is simulated nanoseconds since the start of the run, a whole number of at least 0";
    match fields.get("t_ns") {
        None => Err(missing(fields, "t_ns")),
        Some(Value::Number(number)) => number
            .as_u64()
            .ok_or_else(|| fields.error("t_ns", format!("invalid time {number}"), Some(hint))),
        Some(_) => Err(fields.error("t_ns", "the time is not a number", Some(hint))),
    }
}

fn frame(fields: &Fields<'_>) -> Result<Option<u64>, ImportError> {
    match fields.unsigned("frame")? {
        Some(0) => Err(fields.error("frame", "frame numbers start at 1", None)),
        frame => Ok(frame),
    }
}

/// Severity may be fractional in the file; it is rounded to a whole grade.
fn severity(fields: &Fields<'_>) -> Result<Option<u8>, ImportError> {
    let Some(value) = fields.get("severity") else {
        return Ok(None);
    };
    let number = value
        .as_f64()
        .filter(|number| (0.0..=10.0).contains(number))
        .ok_or_else(|| {
            fields.error(
                "severity",
                format!("expected a number from 0 to 10, found {value}"),
                None,
            )
        })?;
    Ok((0..=10_u8).find(|&grade| number < f64::from(grade) + 0.5))
}

fn endpoint(fields: &Fields<'_>, name: &str) -> Result<Endpoint, ImportError> {
    let Some(object) = fields.object(name)? else {
        return Ok(Endpoint::default());
    };
    let prefix = format!("{name}.");
    let fields = Fields {
        object,
        line: fields.line,
        prefix: &prefix,
    };
    Ok(Endpoint {
        ip: fields.string("ip")?,
        port: fields.port("port")?,
        mac: fields
            .string("mac")?
            .map(|mac| mac.to_ascii_lowercase().replace('-', ":")),
        asset: fields.string("asset")?,
    })
}

fn choice<T: Copy>(
    fields: &Fields<'_>,
    name: &str,
    choices: &[(&str, T)],
) -> Result<T, ImportError> {
    let Some(word) = fields.string(name)? else {
        return Ok(choices[0].1);
    };
    choices
        .iter()
        .find(|(choice, _)| *choice == word)
        .map(|&(_, value)| value)
        .ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|&(choice, _)| choice).collect();
            fields.error(
                name,
                format!("unknown value \"{}\"", short(&word)),
                Some(&format!("one of: {}", words.join(", "))),
            )
        })
}

fn techniques(
    fields: &Fields<'_>,
    sig_id: &str,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(Vec<String>, TechniqueSource), ImportError> {
    import.table_names_one |= options.signature_techniques.contains_key(sig_id);
    let native = fields.strings("techniques")?;
    if let Some(bad) = native.iter().find(|id| !attack::is_technique_id(id)) {
        return Err(fields.error(
            "techniques",
            format!("\"{}\" is not an ATT&CK technique identifier", short(bad)),
            Some("such as T0846 or T0846.001"),
        ));
    }
    let declared = choice(
        fields,
        "technique_source",
        &[
            ("native", TechniqueSource::Native),
            ("tag", TechniqueSource::Tag),
            ("table", TechniqueSource::Table),
            ("none", TechniqueSource::None),
        ],
    )?;
    let (ids, source) = if !native.is_empty() {
        // A file that lists techniques and calls their source "none" contradicts itself.
        let source = if declared == TechniqueSource::None {
            TechniqueSource::Native
        } else {
            declared
        };
        (canonical_techniques(native), source)
    } else {
        let tagged: Vec<String> = fields
            .strings("tags")?
            .into_iter()
            .filter_map(technique_in_tag)
            .collect();
        if tagged.is_empty() {
            from_table(sig_id, options)
        } else {
            (
                canonical_techniques(tagged.iter().map(String::as_str)),
                TechniqueSource::Tag,
            )
        }
    };
    note_unknown(&ids, import);
    Ok((ids, source))
}

/// Techniques from the user's table, for alerts that bring none.
pub(super) fn from_table(sig_id: &str, options: &ImportOptions) -> (Vec<String>, TechniqueSource) {
    match options.signature_techniques.get(sig_id) {
        Some(ids) if !ids.is_empty() => (
            canonical_techniques(ids.iter().map(String::as_str)),
            TechniqueSource::Table,
        ),
        _ => (Vec::new(), TechniqueSource::None),
    }
}

/// Counts identifiers that ATT&CK for ICS does not list; they can never match a step.
pub(super) fn note_unknown(ids: &[String], import: &mut Import) {
    for id in ids.iter().filter(|id| attack::technique(id).is_none()) {
        import.note(format!(
            "technique {id} is not in ATT&CK for ICS v{}",
            attack::ATTACK_VERSION
        ));
    }
}

fn tactics(fields: &Fields<'_>) -> Result<Vec<String>, ImportError> {
    let mut ids = Vec::new();
    for word in fields.strings("tactics")? {
        let id = attack::tactic_id(word).ok_or_else(|| {
            fields.error(
                "tactics",
                format!("\"{}\" is not a tactic of ATT&CK for ICS", short(word)),
                Some("such as TA0102 or discovery"),
            )
        })?;
        ids.push(id.to_owned());
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}
