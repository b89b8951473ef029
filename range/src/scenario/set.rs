//! Settings: single values of a scenario's files that a plan changes without changing the files.
//!
//! A setting names a value by a path, such as `scenario.response.approval_s` or
//! `plant.operators["line-operator"].reaction_median_s`. It is put into the text of the bundle, at the place
//! that the outline gives, and the bundle is then read as though its author had written it so. Every check of
//! a file therefore holds for a setting too, and a run folder carries the changed text and can be replayed.
//!
//! Only the paths of [`SETTABLE`] can be set. What a plan may change is a promise, not whatever the files
//! happen to hold.

use std::ops::Range;

use super::bundle::{Bundle, resolve};
use crate::problem::{Problem, did_you_mean};
use crate::ron_source::{Node, NodeKind, Outline};

/// A path that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settable {
    /// The path; `[*]` stands for a number such as `[0]` or a name such as `["hmi-1"]`.
    pub pattern: &'static str,
    /// Unit of the value, or what kind of text it is.
    pub unit: &'static str,
}

const fn settable(pattern: &'static str, unit: &'static str) -> Settable {
    Settable { pattern, unit }
}

/// Every path that can be set, as `docs/campaigns.md` lists them.
pub const SETTABLE: &[Settable] = &[
    settable("scenario.duration", "time"),
    settable("scenario.clean_until", "time"),
    settable("scenario.truth_period_ms", "ms"),
    settable("scenario.interval_ms", "ms"),
    settable("scenario.response.approval_s", "s"),
    settable("scenario.response.deny_s", "s"),
    settable("scenario.response.contain_s", "s"),
    settable("scenario.response.restore_s", "s"),
    settable("scenario.prices.good_part", "currency"),
    settable("scenario.prices.scrap_part", "currency"),
    settable("scenario.prices.lost_minute", "currency"),
    settable("scenario.prices.unsafe_second", "currency"),
    settable("scenario.prices.litre", "currency"),
    settable("scenario.prices.bad_shipped", "currency"),
    settable("scenario.prices.deny", "currency"),
    settable("scenario.prices.contain", "currency"),
    settable("scenario.prices.restore", "currency"),
    settable("scenario.constraints[*].value", "unit of the column"),
    settable("scenario.constraints[*].hold_s", "s"),
    settable("scenario.constraints[*].damage", "currency"),
    settable("plant.networks[*].latency_us", "µs"),
    settable("plant.networks[*].bandwidth_mbps", "Mbit/s"),
    settable("plant.hosts[*].ip", "address"),
    settable("plant.hosts[*].mac", "address"),
    settable("plant.controllers[*].scan_ms", "ms"),
    settable("plant.controllers[*].watchdog_ms", "ms"),
    settable("plant.controllers[*].max_connections", "connections"),
    settable("plant.controllers[*].service_us", "µs"),
    settable("plant.hmis[*].poll_ms", "ms"),
    settable("plant.hmis[*].timeout_ms", "ms"),
    settable("plant.historians[*].poll_ms", "ms"),
    settable("plant.historians[*].timeout_ms", "ms"),
    settable("plant.workstations[*].poll_ms", "ms"),
    settable("plant.workstations[*].timeout_ms", "ms"),
    settable("plant.operators[*].reaction_median_s", "s"),
    settable("plant.operators[*].reaction_sigma", "1"),
    settable("plant.operators[*].round_s", "s"),
    settable("playbook.steps[*].start[*]", "time"),
    settable("playbook.steps[*].start.delay", "time"),
    settable("playbook.steps[*].timeout", "time"),
];

/// One value and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The path of the value; one of [`SETTABLE`] with names or numbers in place of the stars.
    pub path: String,
    /// The value as RON writes it: a number, `true`, `false` or a text in quotation marks.
    pub value: String,
}

/// The three files that a path can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Scenario,
    Plant,
    Playbook,
}

/// Whether a path can be set at all.
///
/// # Errors
///
/// `TR0501`, at no place yet, with the nearest path that can be.
pub fn check_path(path: &str) -> Result<(), Problem> {
    let pattern = pattern_of(path);
    if SETTABLE.iter().any(|known| known.pattern == pattern) {
        return Ok(());
    }
    let known = SETTABLE.iter().map(|known| known.pattern);
    let hint = did_you_mean(&pattern, known);
    let message = format!("`{path}` is no value that a plan can set");
    Err(Problem::new("TR0501", message).maybe_hint(hint))
}

/// The bundle with every setting put into its files, in their order.
///
/// The result has not been read yet: that a value is of the right kind, and that all of them together make
/// sense, is found by [`from_bundle`](super::from_bundle).
///
/// # Errors
///
/// `TR0501` for a path that cannot be set or does not exist in these files.
pub fn set(bundle: &Bundle, settings: &[Setting]) -> Result<Bundle, Problem> {
    let mut changed = bundle.clone();
    for setting in settings {
        check_path(&setting.path)?;
        let (part, inner) = split(&setting.path).expect("a path that can be set names its file");
        let name = file_of(&changed, part).ok_or_else(|| {
            let message = format!(
                "`{}` cannot be set: the scenario has no such file",
                setting.path
            );
            Problem::new("TR0501", message)
        })?;
        let text = &changed.files[&name];
        let edit = edit(text, inner, &setting.value).ok_or_else(|| {
            let message = format!("`{}` does not exist in `{name}`", setting.path);
            Problem::new("TR0501", message)
        })?;
        let text = apply(text, vec![edit]);
        changed.files.insert(name, text);
    }
    Ok(changed)
}

/// What stands in a text in place of what.
pub(super) type Edit = (Range<usize>, String);

/// A text with some of its parts replaced. The parts do not overlap.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (span, new) in edits {
        assert!(at <= span.start, "two edits of one place");
        out.push_str(&text[at..span.start]);
        out.push_str(&new);
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// The name in the bundle of one of the scenario's files.
pub(super) fn file_of(bundle: &Bundle, part: Part) -> Option<String> {
    let field = match part {
        Part::Scenario => return Some(bundle.root.clone()),
        Part::Plant => "plant",
        Part::Playbook => "playbook",
    };
    let outline = Outline::of(bundle.files.get(&bundle.root)?);
    let reference = outline.node(field)?.as_text()?;
    let name = resolve(&bundle.root, reference).ok()?;
    bundle.files.contains_key(&name).then_some(name)
}

fn split(path: &str) -> Option<(Part, &str)> {
    let (file, inner) = path.split_once('.')?;
    let part = match file {
        "scenario" => Part::Scenario,
        "plant" => Part::Plant,
        "playbook" => Part::Playbook,
        _ => return None,
    };
    Some((part, inner))
}

/// A path with `[*]` in place of every number or name.
fn pattern_of(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, inside)) = rest.split_once('[') {
        pattern.push_str(before);
        let (close, kept) = if inside.starts_with('"') {
            ("\"]", 2)
        } else {
            ("]", 1)
        };
        let Some(end) = inside.find(close) else {
            // Not a path; kept as it is, so that it matches nothing.
            pattern.push('[');
            rest = inside;
            continue;
        };
        pattern.push_str("[*]");
        rest = &inside[end + kept..];
    }
    pattern.push_str(rest);
    pattern
}

/// The edit that gives a path a value: at the value that is there, or as a new field of the struct that
/// would hold it. `None` if there is no such struct.
fn edit(text: &str, path: &str, value: &str) -> Option<Edit> {
    let outline = Outline::of(text);
    if let Some(node) = outline.node(path) {
        return scalar(node).then(|| (node.span.clone(), value.to_owned()));
    }
    let (parent, field) = match path.rsplit_once('.') {
        Some((parent, field)) => (parent, field),
        None => ("", path),
    };
    if field.contains('[') {
        return None;
    }
    match outline.node(parent) {
        Some(node) => {
            let NodeKind::Struct { fields, .. } = &node.kind else {
                return None;
            };
            let first = fields.first()?.name_span.start;
            Some((first..first, format!("{field}: {value}, ")))
        }
        // An optional struct that the author left out, such as `response`.
        None if !parent.contains('[') => edit(text, parent, &format!("({field}: {value})")),
        None => None,
    }
}

fn scalar(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Scalar | NodeKind::Text(_) => true,
        NodeKind::Tuple { name, items } => name == "Some" && items.len() == 1 && scalar(&items[0]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(scenario: &str, plant: &str) -> Bundle {
        Bundle {
            root: "s.ron".to_owned(),
            files: [("s.ron", scenario), ("plant.ron", plant)]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
        }
    }

    fn one(path: &str, value: &str) -> Vec<Setting> {
        vec![Setting {
            path: path.to_owned(),
            value: value.to_owned(),
        }]
    }

    #[test]
    fn set_when_value_is_there_then_only_it_changes() {
        let scenario =
            "Scenario(plant: \"plant.ron\", duration: \"2h\", // long\n response: (deny_s: 5.0))";
        let plant = "Plant(hmis: [(host: \"hmi-1\", poll_ms: 500)])";
        let check = |path: &str, value: &str, file: &str, expect: &str| {
            let changed = set(&bundle(scenario, plant), &one(path, value)).expect("it can be set");
            assert_eq!(changed.files[file], expect, "{path}");
        };
        check(
            "scenario.duration",
            "\"1h\"",
            "s.ron",
            &scenario.replace("2h", "1h"),
        );
        check(
            "scenario.response.deny_s",
            "60.0",
            "s.ron",
            &scenario.replace("5.0", "60.0"),
        );
        check(
            "plant.hmis[0].poll_ms",
            "250",
            "plant.ron",
            &plant.replace("500", "250"),
        );
        check(
            "plant.hmis[\"hmi-1\"].poll_ms",
            "250",
            "plant.ron",
            &plant.replace("500", "250"),
        );
    }

    #[test]
    fn set_when_field_was_left_out_then_it_is_added() {
        let scenario = "Scenario(plant: \"plant.ron\", response: (deny_s: 5.0))";
        let changed = set(
            &bundle(scenario, "Plant()"),
            &one("scenario.response.approval_s", "1.0"),
        )
        .expect("the struct is there");
        let expect = "Scenario(plant: \"plant.ron\", response: (approval_s: 1.0, deny_s: 5.0))";
        assert_eq!(changed.files["s.ron"], expect);
        let changed = set(
            &bundle(scenario, "Plant()"),
            &one("scenario.prices.deny", "9.0"),
        )
        .expect("the struct can be added");
        let expect = "Scenario(prices: (deny: 9.0), plant: \"plant.ron\", response: (deny_s: 5.0))";
        assert_eq!(changed.files["s.ron"], expect);
    }

    #[test]
    fn settable_when_documented_then_every_path_is_listed() {
        let document = include_str!("../../../docs/campaigns.md");
        for known in SETTABLE {
            let listed = format!("`{}`", known.pattern);
            assert!(document.contains(&listed), "{listed} is not documented");
        }
    }

    #[test]
    fn set_when_path_is_none_then_refused_with_the_nearest() {
        let scenario = "Scenario(plant: \"plant.ron\")";
        let check = |path: &str, says: &str| {
            let error =
                set(&bundle(scenario, "Plant(hmis: [])"), &one(path, "1")).expect_err("no path");
            assert!(error.to_string().contains(says), "{path}: {error}");
        };
        check("scenario.response.deny", "scenario.response.deny_s");
        check("scenario.name", "no value that a plan can set");
        check("scenario.response", "no value that a plan can set");
        check("plant.hmis[3].poll_ms", "does not exist");
        check("plant.hmis[\"x].poll_ms", "no value that a plan can set");
        check("playbook.steps[0].timeout", "no such file");
    }
}
