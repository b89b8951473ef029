//! Changes of PLCopen projects that leave them XML: whole elements, and values of attributes.

use std::ops::Range;

use crate::{Random, text};

/// Values that no editor writes.
const ODD: [&str; 14] = [
    "",
    "0",
    "1",
    "-1",
    "99999999999999999999",
    "é",
    "(*",
    "'",
    "true",
    "a b",
    ";",
    "{x}",
    "none",
    "rising",
];

/// Changes a project in place.
pub fn mutate(xml: &str, random: &mut Random) -> String {
    let mut out = xml.to_owned();
    for _ in 0..=random.below(3) {
        out = match random.below(6) {
            0 | 1 => exchange_value(&out, random),
            2 => move_element(&out, random, true),
            3 => move_element(&out, random, false),
            4 => remove_element(&out, random),
            _ => change_text(&out, random),
        };
    }
    out
}

/// Gives an attribute the value of another one, or an odd one.
fn exchange_value(xml: &str, random: &mut Random) -> String {
    let mut parts: Vec<&str> = xml.split('"').collect();
    let values = parts.len() / 2;
    if values == 0 {
        return xml.to_owned();
    }
    let to = random.below(values) * 2 + 1;
    parts[to] = match random.below(3) {
        0 => random.choose(&ODD),
        _ => parts[random.below(values) * 2 + 1],
    };
    parts.join("\"")
}

/// Puts a copy of an element, or the element itself, in front of another one.
fn move_element(xml: &str, random: &mut Random, keep: bool) -> String {
    let (Some(from), Some(to)) = (element(xml, random), element(xml, random)) else {
        return xml.to_owned();
    };
    let mut out = xml.to_owned();
    let moved = xml[from.clone()].to_owned();
    if !keep && to.start >= from.end {
        out.insert_str(to.start, &moved);
        out.replace_range(from, "");
    } else if !keep && to.start < from.start {
        out.replace_range(from, "");
        out.insert_str(to.start, &moved);
    } else {
        out.insert_str(to.start, &moved);
    }
    out
}

fn remove_element(xml: &str, random: &mut Random) -> String {
    let mut out = xml.to_owned();
    if let Some(range) = element(xml, random) {
        out.replace_range(range, "");
    }
    out
}

/// Changes the text between two tags, as a program in text is changed.
fn change_text(xml: &str, random: &mut Random) -> String {
    let open = random.below(xml.len().max(1));
    let find = |from: usize, what: char| {
        let from = xml.ceil_char_boundary(from);
        xml[from..].find(what).map(|at| from + at)
    };
    let Some(start) = find(open, '>').map(|at| at + 1) else {
        return xml.to_owned();
    };
    let end = find(start, '<').unwrap_or(xml.len());
    let changed = text::mutate(&xml[start..end], random);
    format!("{}{changed}{}", &xml[..start], &xml[end..])
}

/// An element with all that is in it. Where tags do not match, the end is that of another element, which does no
/// harm.
fn element(xml: &str, random: &mut Random) -> Option<Range<usize>> {
    let from = xml.ceil_char_boundary(random.below(xml.len().max(1)));
    let start = from + xml[from..].find('<')?;
    let name: &str = xml[start + 1..]
        .split(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .next()?;
    let head = start + xml[start..].find('>')? + 1;
    if name.is_empty() || xml[..head].ends_with("/>") {
        return (!name.is_empty()).then_some(start..head);
    }
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut depth = 1usize;
    let mut at = head;
    while depth > 0 {
        let next = at + xml[at..].find(&close)?;
        depth += xml[at..next].matches(&open).count();
        depth -= 1;
        at = next + close.len();
    }
    Some(start..at)
}
