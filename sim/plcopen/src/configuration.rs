//! Configurations, resources, tasks and instances of programs.
//!
//! Source: PLCopen TC6 2.01, `configuration`; IEC 61131-3:2013, 6.8.

use crate::code::Code;
use crate::declare::section;
use crate::problems;
use crate::scope::Environment;
use crate::vendor;
use crate::xml::{Element, Reports, at, at_value, children, name, value_code};

/// All lists of global variables, to know their types.
pub(crate) fn global_lists<'x>(configurations: &[Element<'x>]) -> Vec<Element<'x>> {
    let mut lists = Vec::new();
    for part in configurations.iter().flat_map(|c| children(*c)) {
        match name(part) {
            "globalVars" => lists.push(part),
            "resource" => lists.extend(children(part).filter(|list| name(*list) == "globalVars")),
            _ => {}
        }
    }
    lists
}

/// A configuration as text. One that runs nothing is left out apart from its variables, as libraries
/// of POUs are exported with an empty one.
pub(crate) fn configuration(
    reports: &mut Reports,
    environment: &Environment,
    configuration: Element,
    code: &mut Code,
) {
    if name(configuration) != "configuration" {
        reports.unknown(configuration);
        return;
    }
    let place = at(configuration);
    let runs = configuration
        .descendants()
        .any(|node| name(node) == "pouInstance");
    let mut inside = Code::default();
    let mut resources = Code::default();
    for part in children(configuration) {
        match name(part) {
            "globalVars" => section(reports, environment, part, &mut inside),
            "resource" => resource(reports, environment, part, &mut inside, &mut resources),
            "documentation" => {}
            "addData" => vendor::check(reports, part),
            "accessVars" | "configVars" if children(part).next().is_none() => {}
            "accessVars" | "configVars" => {
                let message = format!("the list of variables `{}` is not supported", name(part));
                reports.error(problems::UNSUPPORTED, at(part), message);
            }
            _ => reports.unknown(part),
        }
    }
    if !runs {
        code.append(&inside);
        return;
    }
    reports.required(configuration, "name");
    code.put("CONFIGURATION ", place);
    code.append(&value_code(configuration, "name"));
    code.put("\n", place);
    code.append(&inside.indented("    "));
    code.append(&resources);
    code.put("END_CONFIGURATION\n", place);
}

fn resource(
    reports: &mut Reports,
    environment: &Environment,
    resource: Element,
    globals: &mut Code,
    code: &mut Code,
) {
    reports.required(resource, "name");
    let mut inside = Code::default();
    let mut instances = Code::default();
    for part in children(resource) {
        match name(part) {
            "globalVars" => section(reports, environment, part, globals),
            "task" => task(reports, part, &mut inside, &mut instances),
            "pouInstance" => instance(reports, part, None, &mut instances),
            "documentation" => {}
            "addData" => vendor::check(reports, part),
            _ => reports.unknown(part),
        }
    }
    code.put("    RESOURCE ", at(resource));
    code.append(&value_code(resource, "name"));
    code.put(" ON PLC\n", at(resource));
    code.append(&inside);
    code.append(&instances);
    code.put("    END_RESOURCE\n", at(resource));
}

fn task(reports: &mut Reports, task: Element, code: &mut Code, instances: &mut Code) {
    reports.required(task, "name");
    code.put("        TASK ", at(task));
    code.append(&value_code(task, "name"));
    code.put("(", at(task));
    let single = value_code(task, "single");
    if !single.is_empty() {
        code.put("SINGLE := ", at(task));
        code.append(&single);
        code.put(", ", at(task));
    }
    if let Some(text) = task
        .attribute("interval")
        .filter(|text| !text.trim().is_empty())
    {
        let place = at_value(task, "interval");
        code.put("INTERVAL := ", at(task));
        match interval(text.trim()) {
            Some(duration) => code.put(&duration, place),
            // A constant of the project.
            None => code.append(&value_code(task, "interval")),
        }
        code.put(", ", at(task));
    }
    code.put("PRIORITY := ", at(task));
    match reports.number(task, "priority") {
        Some(priority) => code.put(&priority.to_string(), at_value(task, "priority")),
        None => code.put("0", at(task)),
    }
    code.put(");\n", at(task));
    for part in children(task) {
        match name(part) {
            "pouInstance" => instance(reports, part, Some(task), instances),
            "documentation" => {}
            "addData" => vendor::check(reports, part),
            _ => reports.unknown(part),
        }
    }
}

fn instance(reports: &mut Reports, instance: Element, task: Option<Element>, code: &mut Code) {
    let place = at(instance);
    // Version 1.01 says `type` where later ones say `typeName`.
    let ty = if instance.has_attribute("type") {
        "type"
    } else {
        "typeName"
    };
    let named = reports.required(instance, "name").is_some();
    if !named || reports.required(instance, ty).is_none() {
        return;
    }
    code.put("        PROGRAM ", place);
    code.append(&value_code(instance, "name"));
    if let Some(task) = task {
        code.put(" WITH ", place);
        code.append(&value_code(task, "name"));
    }
    code.put(" : ", place);
    code.append(&value_code(instance, ty));
    code.put(";\n", place);
    for part in children(instance) {
        match name(part) {
            "documentation" => {}
            "addData" => vendor::check(reports, part),
            _ => reports.unknown(part),
        }
    }
}

/// An interval as a literal: `T#20ms` as it is, `PT0.02S`, `00:00:00.020` and `20ms` converted.
fn interval(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    if upper.contains('#') {
        return Some(text.to_owned());
    }
    let numeric = |part: &str| {
        let digits = part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (!part.is_empty() && digits && part.matches('.').count() < 2).then(|| part.to_owned())
    };
    if let Some(seconds) = upper
        .strip_prefix("PT")
        .and_then(|rest| rest.strip_suffix('S'))
    {
        return numeric(seconds).map(|seconds| format!("T#{seconds}s"));
    }
    let parts: Vec<&str> = upper.split(':').collect();
    if let [hours, minutes, seconds] = parts[..] {
        let seconds = numeric(seconds)?;
        return match (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?) {
            (0, 0) => Some(format!("T#{seconds}s")),
            (hours, minutes) => Some(format!("T#{hours}h{minutes}m{seconds}s")),
        };
    }
    let starts_with_digit = upper.starts_with(|c: char| c.is_ascii_digit());
    (starts_with_digit && upper.ends_with(['S', 'M', 'H'])).then(|| format!("T#{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_when_written_in_another_form_then_it_is_a_literal() {
        for (written, literal) in [
            ("T#20ms", Some("T#20ms")),
            ("t#1s", Some("t#1s")),
            ("PT0.02S", Some("T#0.02s")),
            ("00:00:00.020000", Some("T#00.020000s")),
            ("01:02:03", Some("T#1h2m03s")),
            ("20ms", Some("T#20ms")),
            ("CYCLE", None),
            ("::", None),
        ] {
            assert_eq!(interval(written).as_deref(), literal, "{written}");
        }
    }
}
