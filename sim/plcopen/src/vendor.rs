//! What vendors add to the schema.

use crate::problems;
use crate::scope::{Environment, key};
use crate::xml::{Element, Reports, at, children, name};

/// Data that describes the editor's view of the project. Everything else in an `addData` might.
const HARMLESS: [&str; 5] = [
    "projectstructure",
    "objectid",
    "interfaceasplaintext",
    "mixedattrsvarlist",
    "buildproperties",
];

/// Data that holds a part of the program: a tree of objects or what a POU consists of beside its body.
const PROGRAM: [&str; 8] = [
    "application",
    "device",
    "pou",
    "method",
    "property",
    "action",
    "inheritance",
    "accessmodifiers",
];

/// Says what an `addData` holds that is not read.
pub(crate) fn check(reports: &mut Reports, add_data: Element) {
    for data in children(add_data) {
        if name(data) != "data" {
            reports.unknown(data);
            continue;
        }
        let uri = data.attribute("name").unwrap_or("");
        let kind = uri.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
        // An element without content says nothing.
        if children(data).next().is_none() && data.text().unwrap_or("").trim().is_empty() {
            continue;
        }
        if PROGRAM.contains(&kind.as_str()) {
            let message =
                format!("the vendor's data `{uri}` is a part of the program that is not read");
            reports.error(problems::VENDOR_DATA, at(data), message);
        } else if !HARMLESS.contains(&kind.as_str()) {
            let message = format!("the vendor's data `{uri}` is not read");
            reports.warn(problems::IGNORED_DATA, at(data), message);
        }
    }
}

/// What an extension of Beremiz or OpenPLC Editor brings along, by the name of a type or block.
fn extension(name: &str) -> Option<&'static str> {
    if name.starts_with("HMI_") || name == "SVGHMI" {
        return Some("SVGHMI, the pages of Beremiz in a browser,");
    }
    match name {
        "PYTHON_EVAL" | "PYTHON_POLL" | "PYTHON_GEAR" => Some("the Python extension of Beremiz"),
        "LOGGER" | "LOGLEVEL" => Some("the log of Beremiz"),
        "ETHERLABSDOUPLOAD" | "ETHERLABSDODOWNLOAD" => Some("the EtherCAT extension of Beremiz"),
        _ => None,
    }
}

/// Reports a type or block that only an extension of the editor has, unless the project defines it.
pub(crate) fn check_name(reports: &mut Reports, environment: &Environment, name: &str, at: usize) {
    let own = key(name);
    if environment.types.contains_key(&own) || environment.pous.contains_key(&own) {
        return;
    }
    if let Some(extension) = extension(&own) {
        let message = format!(
            "`{}` belongs to {extension} and does not exist here",
            name.trim()
        );
        reports.error(problems::UNSUPPORTED, at, message);
    }
}
