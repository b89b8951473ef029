//! Program organization units: interface, and the bodies in their languages.

use crate::code::Code;
use crate::declare::{locals, pou_kind, section, type_code, type_of};
use crate::graph::Graph;
use crate::network::Network;
use crate::problems;
use crate::scope::{Environment, PouKind, Scope};
use crate::xml::{
    Element, Reports, at, at_value, child, children, entries, is_description, name, text_code,
    value_code,
};
use crate::{sfc, text, vendor};

/// A POU as text.
pub(crate) fn pou(reports: &mut Reports, environment: &Environment, pou: Element) -> Code {
    let mut code = Code::default();
    if name(pou) != "pou" {
        reports.unknown(pou);
        return code;
    }
    let Some(own_name) = reports.required(pou, "name") else {
        return code;
    };
    let Some(kind) = pou_kind(pou) else {
        let written = pou.attribute("pouType").unwrap_or("");
        let message =
            format!("`pouType` is `{written}`, not `program`, `functionBlock` or `function`");
        reports.error(problems::BAD_VALUE, at_value(pou, "pouType"), message);
        return code;
    };
    let interface = child(pou, "interface");
    let result = interface.and_then(|interface| child(interface, "returnType"));
    let own_result = result.map(type_of);
    let mut scope = Scope::new(environment, own_name.trim(), own_result, locals(pou));

    documentation(pou, &mut code);
    code.put(&format!("{} ", kind.keyword()), at(pou));
    code.append(&value_code(pou, "name"));
    if let Some(result) = result.filter(|_| kind == PouKind::Function) {
        code.put(" : ", at(result));
        code.append(&type_code(reports, environment, result));
    }
    code.put("\n", at(pou));
    if let Some(interface) = interface {
        for part in children(interface) {
            match name(part) {
                "returnType" | "documentation" => {}
                "addData" => vendor::check(reports, part),
                "globalVars" if children(part).any(|part| !is_description(part)) => {
                    let message = "`globalVars` inside of a POU is not supported";
                    reports.error(problems::UNSUPPORTED, at(part), message);
                }
                _ => section(reports, environment, part, &mut code),
            }
        }
    }
    let body = bodies(reports, &mut scope, pou);
    if !scope.added.is_empty() {
        code.put("VAR\n", at(pou));
        code.append(&scope.added);
        code.put("END_VAR\n", at(pou));
    }
    code.append(&body);
    code.put(&format!("END_{}\n\n", kind.keyword()), at(pou));
    code
}

/// What the project says about a POU, in front of it.
fn documentation(pou: Element, code: &mut Code) {
    let texts = children(pou).filter(|part| name(*part) == "documentation");
    for text in texts {
        for line in text_code(text).text().trim().lines() {
            code.put(&format!("// {}\n", line.trim()), at(text));
        }
    }
}

fn bodies(reports: &mut Reports, scope: &mut Scope, pou: Element) -> Code {
    let mut code = Code::default();
    let mut is_chart = false;
    let mut found = false;
    for part in children(pou) {
        match name(part) {
            "interface" | "documentation" | "actions" | "transitions" => {}
            "addData" => vendor::check(reports, part),
            "body" => {
                if is_chart {
                    let message = "a second body beside a Sequential Function Chart";
                    reports.error(problems::UNSUPPORTED, at(part), message);
                    continue;
                }
                is_chart = child(part, "SFC").is_some();
                if is_chart && found {
                    let message = "a Sequential Function Chart beside another body";
                    reports.error(problems::UNSUPPORTED, at(part), message);
                }
                found = true;
                code.append(&body(reports, scope, pou, part));
            }
            _ => reports.unknown(part),
        }
    }
    if !found {
        reports.error(problems::MISSING, at(pou), "`pou` has no `body`");
    }
    if !is_chart {
        for part in entries(pou, "actions")
            .into_iter()
            .chain(entries(pou, "transitions"))
        {
            let message = format!(
                "the {} `{}` of a POU that is no Sequential Function Chart",
                name(part),
                part.attribute("name").unwrap_or("")
            );
            reports.error(problems::UNSUPPORTED, at(part), message);
        }
    }
    code
}

/// The element of a body that says its language.
pub(crate) fn language<'x>(reports: &mut Reports, body: Element<'x>) -> Option<Element<'x>> {
    let mut language = None;
    for part in children(body) {
        match name(part) {
            "documentation" => {}
            "addData" => vendor::check(reports, part),
            "ST" | "IL" | "FBD" | "LD" | "SFC" if language.is_none() => language = Some(part),
            _ => reports.unknown(part),
        }
    }
    if language.is_none() {
        let message = format!("`{}` holds no ST, IL, FBD, LD or SFC", name(body));
        reports.error(problems::MISSING, at(body), message);
    }
    language
}

fn body(reports: &mut Reports, scope: &mut Scope, pou: Element, body: Element) -> Code {
    let Some(language) = language(reports, body) else {
        return Code::default();
    };
    if name(language) == "SFC" {
        return sfc::chart(reports, scope, pou, language);
    }
    statements(reports, scope, language)
}

/// A body that is not a chart, as statements or instructions.
pub(crate) fn statements(reports: &mut Reports, scope: &mut Scope, language: Element) -> Code {
    match name(language) {
        "LD" | "FBD" => {
            let graph = Graph::read(reports, language);
            let mut network = Network::new(reports, scope, &graph);
            network.run();
            network.out
        }
        "SFC" => {
            let message = "a Sequential Function Chart inside of another one";
            reports.error(problems::UNSUPPORTED, at(language), message);
            Code::default()
        }
        _ => text::body(language),
    }
}
