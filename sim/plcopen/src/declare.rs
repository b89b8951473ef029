//! Data types, interfaces of POUs and lists of variables.
//!
//! Source: PLCopen TC6 2.01, `dataType`, `value`, `varList`; IEC 61131-3:2013, 6.4 and 6.5.

use std::collections::BTreeMap;

use crate::code::Code;
use crate::problems;
use crate::scope::{Environment, Parameter, PouKind, Shape, Signature, Type, key};
use crate::standard::elementary;
use crate::xml::{
    Element, Reports, at, at_value, child, children, entries, is_description, name, text_code,
    value_code,
};

/// A type as it is declared. The name of an unsupported one is reported.
pub(crate) fn type_code(reports: &mut Reports, environment: &Environment, holder: Element) -> Code {
    let mut code = Code::default();
    let Some(ty) = children(holder).find(|child| !is_description(*child)) else {
        let message = format!("`{}` names no type", name(holder));
        reports.error(problems::MISSING, at(holder), message);
        return code;
    };
    let place = at(ty);
    match name(ty) {
        "derived" => {
            if let Some(own) = reports.required(ty, "name") {
                crate::vendor::check_name(reports, environment, own, at_value(ty, "name"));
                code.append(&value_code(ty, "name"));
            }
        }
        "string" | "wstring" => {
            code.put(&name(ty).to_ascii_uppercase(), place);
            let length = value_code(ty, "length");
            if !length.is_empty() {
                code.put("[", place);
                code.append(&length);
                code.put("]", place);
            }
        }
        "array" => array(reports, environment, ty, &mut code),
        "enum" => enumeration(reports, environment, ty, &mut code),
        "struct" => structure(reports, environment, ty, &mut code),
        "subrangeSigned" | "subrangeUnsigned" => {
            if let Some(base) = child(ty, "baseType") {
                code.append(&type_code(reports, environment, base));
            }
            code.put("(", place);
            range(reports, ty, "range", &mut code);
            code.put(")", place);
        }
        other => match elementary(&other.to_ascii_uppercase()) {
            Some(text) => code.put(text, place),
            None => {
                let message = format!("the type `{other}` is not supported");
                reports.error(problems::UNSUPPORTED, place, message);
            }
        },
    }
    code
}

fn range(reports: &mut Reports, ty: Element, which: &str, code: &mut Code) {
    let mut first = true;
    for dimension in children(ty).filter(|child| name(*child) == which) {
        if !first {
            code.put(", ", at(dimension));
        }
        first = false;
        for (attribute, separator) in [("lower", ".."), ("upper", "")] {
            if reports.required(dimension, attribute).is_some() {
                code.append(&value_code(dimension, attribute));
            }
            code.put(separator, at(dimension));
        }
    }
    if first {
        let message = format!("`{}` has no `{which}`", name(ty));
        reports.error(problems::MISSING, at(ty), message);
    }
}

fn array(reports: &mut Reports, environment: &Environment, ty: Element, code: &mut Code) {
    code.put("ARRAY[", at(ty));
    range(reports, ty, "dimension", code);
    code.put("] OF ", at(ty));
    match child(ty, "baseType") {
        Some(base) => code.append(&type_code(reports, environment, base)),
        None => reports.error(problems::MISSING, at(ty), "`array` has no `baseType`"),
    }
}

fn enumeration(reports: &mut Reports, environment: &Environment, ty: Element, code: &mut Code) {
    if let Some(base) = child(ty, "baseType") {
        code.append(&type_code(reports, environment, base));
        code.put(" ", at(ty));
    }
    code.put("(", at(ty));
    for (number, value) in entries(ty, "values").into_iter().enumerate() {
        if number > 0 {
            code.put(", ", at(value));
        }
        if reports.required(value, "name").is_some() {
            code.append(&value_code(value, "name"));
        }
        let number = value_code(value, "value");
        if !number.is_empty() {
            code.put(" := ", at(value));
            code.append(&number);
        }
    }
    code.put(")", at(ty));
}

fn structure(reports: &mut Reports, environment: &Environment, ty: Element, code: &mut Code) {
    code.put("STRUCT\n", at(ty));
    for member in children(ty).filter(|member| !is_description(*member)) {
        code.put("    ", at(member));
        declaration(reports, environment, member, code);
    }
    code.put("END_STRUCT", at(ty));
}

/// `name AT %IX0.0 : BOOL := TRUE; // documentation`, with its line end.
fn declaration(
    reports: &mut Reports,
    environment: &Environment,
    variable: Element,
    code: &mut Code,
) {
    let place = at(variable);
    if name(variable) != "variable" {
        reports.unknown(variable);
        return;
    }
    let address = value_code(variable, "address");
    let own = value_code(variable, "name");
    if own.is_empty() && address.is_empty() {
        reports.error(problems::MISSING, place, "`variable` has no `name`");
        return;
    }
    code.append(&own);
    if !address.is_empty() {
        let blank = if own.is_empty() { "" } else { " " };
        code.put(&format!("{blank}AT "), place);
        code.append(&crate::address::normal(reports, variable, &address));
    }
    code.put(" : ", place);
    let Some(holder) = child(variable, "type") else {
        let message = format!("the variable `{}` has no `type`", own.text());
        reports.error(problems::MISSING, place, message);
        code.put("BOOL;\n", place);
        return;
    };
    code.append(&type_code(reports, environment, holder));
    if let Some(initial) = child(variable, "initialValue") {
        let ty = base_name(holder);
        let value = initial_code(reports, initial, &ty);
        let overwritten = address
            .text()
            .get(..2)
            .is_some_and(|a| a.eq_ignore_ascii_case("%I"));
        if overwritten || (environment.is_function_block(&ty) && !value.text().starts_with('(')) {
            let why = if overwritten {
                "it is read from the process in every scan"
            } else {
                "an instance of a function block has values for its members only"
            };
            let message = format!("the initial value of `{}` does nothing: {why}", own.text());
            reports.warn(problems::NO_EFFECT, at(initial), message);
        } else if !value.is_empty() {
            code.put(" := ", place);
            code.append(&value);
        }
    }
    code.put(";", place);
    for part in children(variable) {
        match name(part) {
            "type" | "initialValue" => {}
            "documentation" => {
                let text = text_code(part);
                let line = text.text().split_whitespace().collect::<Vec<_>>().join(" ");
                if !line.is_empty() {
                    code.put(&format!(" // {line}"), at(part));
                }
            }
            "addData" => crate::vendor::check(reports, part),
            _ => reports.unknown(part),
        }
    }
    code.put("\n", place);
}

/// Name of a type, in capitals, where it is a name.
fn base_name(holder: Element) -> String {
    let ty = children(holder).find(|child| !is_description(*child));
    ty.map_or_else(String::new, |ty| match name(ty) {
        "derived" => key(ty.attribute("name").unwrap_or("")),
        other => key(other),
    })
}

/// An initial value, or nothing where the element holds none.
pub(crate) fn initial_code(reports: &mut Reports, holder: Element, ty: &str) -> Code {
    let mut code = Code::default();
    let Some(value) = children(holder).find(|child| !is_description(*child)) else {
        return code;
    };
    match name(value) {
        "simpleValue" => simple_value(value, ty, &mut code),
        "arrayValue" => {
            code.put("[", at(value));
            for (number, element) in children(value).enumerate() {
                if number > 0 {
                    code.put(", ", at(element));
                }
                let repeat = value_code(element, "repetitionValue");
                let inner = initial_code(reports, element, "");
                if repeat.is_empty() || repeat.text() == "1" {
                    code.append(&inner);
                } else {
                    code.append(&repeat);
                    code.put("(", at(element));
                    code.append(&inner);
                    code.put(")", at(element));
                }
            }
            code.put("]", at(value));
        }
        "structValue" => {
            code.put("(", at(value));
            for (number, element) in children(value).enumerate() {
                if number > 0 {
                    code.put(", ", at(element));
                }
                if reports.required(element, "member").is_some() {
                    code.append(&value_code(element, "member"));
                }
                code.put(" := ", at(element));
                code.append(&initial_code(reports, element, ""));
            }
            code.put(")", at(value));
        }
        _ => reports.unknown(value),
    }
    code
}

/// Editors let people write `0` for FALSE and a text without quotes.
fn simple_value(value: Element, ty: &str, code: &mut Code) {
    let text = value_code(value, "value");
    let quote = match ty {
        "STRING" => "'",
        "WSTRING" => "\"",
        _ => "",
    };
    match (ty, text.text()) {
        ("BOOL", "0") => code.put("FALSE", at_value(value, "value")),
        ("BOOL", "1") => code.put("TRUE", at_value(value, "value")),
        (_, written)
            if !quote.is_empty() && !written.starts_with(quote) && !written.contains('#') =>
        {
            code.put(quote, at(value));
            code.append(&text);
            code.put(quote, at(value));
        }
        _ => code.append(&text),
    }
}

/// A list of variables as a section, or nothing where it is empty.
pub(crate) fn section(
    reports: &mut Reports,
    environment: &Environment,
    list: Element,
    code: &mut Code,
) {
    let opening = match name(list) {
        "localVars" => "VAR",
        "tempVars" => "VAR_TEMP",
        "inputVars" => "VAR_INPUT",
        "outputVars" => "VAR_OUTPUT",
        "inOutVars" => "VAR_IN_OUT",
        "externalVars" => "VAR_EXTERNAL",
        "globalVars" => "VAR_GLOBAL",
        other => {
            let message = format!("the list of variables `{other}` is not supported");
            reports.error(problems::UNSUPPORTED, at(list), message);
            return;
        }
    };
    let mut inside = Code::default();
    for part in children(list) {
        match name(part) {
            "documentation" => {}
            "addData" => crate::vendor::check(reports, part),
            _ => {
                inside.put("    ", at(part));
                declaration(reports, environment, part, &mut inside);
            }
        }
    }
    if inside.is_empty() {
        return;
    }
    code.put(opening, at(list));
    for (attribute, word) in [
        ("constant", " CONSTANT"),
        ("retain", " RETAIN"),
        ("persistent", " RETAIN"),
        ("nonretain", " NON_RETAIN"),
    ] {
        let retained = attribute == "persistent" && reports.flag(list, "retain");
        if reports.flag(list, attribute) && !retained {
            code.put(word, at_value(list, attribute));
        }
    }
    code.put("\n", at(list));
    code.append(&inside);
    code.put("END_VAR\n", at(list));
}

/// The data types of the project.
pub(crate) fn types(reports: &mut Reports, environment: &Environment, list: &[Element]) -> Code {
    let mut code = Code::default();
    for ty in list {
        if name(*ty) != "dataType" {
            reports.unknown(*ty);
            continue;
        }
        let Some(base) = child(*ty, "baseType") else {
            reports.error(problems::MISSING, at(*ty), "`dataType` has no `baseType`");
            continue;
        };
        if reports.required(*ty, "name").is_none() {
            continue;
        }
        code.put("TYPE\n    ", at(*ty));
        code.append(&value_code(*ty, "name"));
        code.put(" : ", at(*ty));
        let body = type_code(reports, environment, base);
        // The members of a structure stand one level deeper than its name.
        let mut indented = body.indented("    ");
        if body.text().contains('\n') {
            code.put("\n", at(*ty));
        } else {
            indented = body;
        }
        code.append(&indented);
        if let Some(initial) = child(*ty, "initialValue") {
            let value = initial_code(reports, initial, &base_name(base));
            if !value.is_empty() {
                code.put(" := ", at(*ty));
                code.append(&value);
            }
        }
        code.put(";\nEND_TYPE\n\n", at(*ty));
        for part in children(*ty) {
            match name(part) {
                "baseType" | "initialValue" | "documentation" => {}
                "addData" => crate::vendor::check(reports, part),
                _ => reports.unknown(part),
            }
        }
    }
    code
}

/// A type as the translation must know it; what is wrong with it is reported elsewhere.
pub(crate) fn type_of(holder: Element) -> Type {
    let Some(ty) = children(holder).find(|child| !is_description(*child)) else {
        return Type::named("");
    };
    let base = || child(ty, "baseType").map_or_else(|| Type::named(""), type_of);
    match name(ty) {
        "derived" => Type::named(ty.attribute("name").unwrap_or("").trim()),
        "string" | "wstring" => {
            let text = name(ty).to_ascii_uppercase();
            match ty.attribute("length") {
                Some(length) if !length.trim().is_empty() => {
                    Type::named(format!("{text}[{}]", length.trim()))
                }
                _ => Type::named(text),
            }
        }
        "array" => {
            let mut element = base();
            let dimensions: Vec<String> = children(ty)
                .filter(|child| name(*child) == "dimension")
                .map(|d| {
                    let bound = |which| d.attribute(which).unwrap_or("").trim().to_owned();
                    format!("{}..{}", bound("lower"), bound("upper"))
                })
                .collect();
            let text = format!("ARRAY[{}] OF {}", dimensions.join(", "), element.text);
            for _ in 1..dimensions.len() {
                let shape = Shape::Array(Box::new(element.clone()));
                element = Type {
                    text: element.text,
                    shape,
                };
            }
            let shape = Shape::Array(Box::new(element));
            Type { text, shape }
        }
        "struct" => {
            let members = children(ty).filter(|child| name(*child) == "variable");
            let members = members.map(|member| {
                let ty = child(member, "type").map_or_else(|| Type::named(""), type_of);
                (member.attribute("name").unwrap_or("").to_owned(), ty)
            });
            let shape = Shape::Struct(members.collect());
            Type {
                text: String::new(),
                shape,
            }
        }
        "subrangeSigned" | "subrangeUnsigned" => base(),
        "enum" => Type::named(""),
        other => Type::named(other.to_ascii_uppercase()),
    }
}

/// The variables of a list with their types, by name in capitals.
pub(crate) fn variables(list: Element) -> Vec<(String, Type)> {
    children(list)
        .filter(|child| name(*child) == "variable")
        .map(|variable| {
            let ty = child(variable, "type").map_or_else(|| Type::named(""), type_of);
            (
                variable.attribute("name").unwrap_or("").trim().to_owned(),
                ty,
            )
        })
        .collect()
}

pub(crate) fn pou_kind(pou: Element) -> Option<PouKind> {
    match pou.attribute("pouType").map(str::trim) {
        Some("program") => Some(PouKind::Program),
        Some("functionBlock") => Some(PouKind::FunctionBlock),
        Some("function") => Some(PouKind::Function),
        _ => None,
    }
}

/// All variables that a POU declares, by name in capitals.
pub(crate) fn locals(pou: Element) -> BTreeMap<String, Type> {
    let lists = entries(pou, "interface");
    let variables = lists.into_iter().flat_map(variables);
    variables.map(|(name, ty)| (key(&name), ty)).collect()
}

fn signature(pou: Element) -> Option<Signature> {
    let kind = pou_kind(pou)?;
    let interface = child(pou, "interface");
    let result = interface.and_then(|interface| child(interface, "returnType"));
    let mut parameters = Vec::new();
    for list in entries(pou, "interface") {
        if matches!(name(list), "inputVars" | "outputVars" | "inOutVars") {
            let found = variables(list).into_iter();
            parameters.extend(found.map(|(name, ty)| Parameter { name, ty }));
        }
    }
    Some(Signature {
        kind,
        result: result.map(type_of),
        parameters,
    })
}

/// Collects what the project declares, before any of it is translated.
pub(crate) fn environment(types: &[Element], pous: &[Element], globals: &[Element]) -> Environment {
    let mut environment = Environment::default();
    for ty in types {
        let own = ty.attribute("name").unwrap_or("").trim();
        environment.taken.insert(key(own));
        let Some(base) = child(*ty, "baseType") else {
            continue;
        };
        for value in base.descendants().filter(|node| name(*node) == "value") {
            environment
                .taken
                .insert(key(value.attribute("name").unwrap_or("")));
        }
        let mut shape = type_of(base);
        // Values of a structure and of an enumeration are declared under the type's name.
        if shape.text.is_empty() {
            own.clone_into(&mut shape.text);
        }
        environment.types.insert(key(own), shape);
    }
    for pou in pous {
        let own = key(pou.attribute("name").unwrap_or(""));
        environment.taken.insert(own.clone());
        if let Some(signature) = signature(*pou) {
            environment.pous.insert(own, signature);
        }
    }
    for (name, ty) in globals.iter().flat_map(|list| variables(*list)) {
        environment.taken.insert(key(&name));
        environment.globals.insert(key(&name), ty);
    }
    environment
}
