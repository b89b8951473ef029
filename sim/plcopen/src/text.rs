//! Bodies in Structured Text and Instruction List: taken as they are, apart from code for a C compiler.

use crate::code::Code;
use crate::problems;
use crate::xml::{Element, Reports, at, text_code};

/// The text of a body, or of a condition.
pub(crate) fn body(reports: &mut Reports, element: Element) -> Code {
    let mut code = text_code(element);
    pragmas(reports, element, code.text());
    if !code.is_empty() && !code.text().ends_with('\n') {
        code.put("\n", at(element));
    }
    code
}

/// An expression in Structured Text, without `:=` before and `;` behind it.
pub(crate) fn expression(reports: &mut Reports, element: Element, own_name: &str) -> Code {
    let code = crate::xml::line_code(element);
    pragmas(reports, element, code.text());
    let mut text = code.text().trim().trim_end_matches(';').trim_end();
    let start = code.text().len() - code.text().trim_start().len();
    let mut lead = start;
    if let Some((target, _)) = text.split_once(":=") {
        let target = target.trim();
        if target.is_empty() || target.eq_ignore_ascii_case(own_name) {
            let behind = text.find(":=").map_or(0, |at| at + 2);
            let rest = &text[behind..];
            lead += behind + rest.len() - rest.trim_start().len();
            text = rest.trim();
        }
    }
    code.slice(lead, lead + text.len())
}

/// Reports pragmas that hold code. Two of them only steer the output of code and mean nothing here.
fn pragmas(reports: &mut Reports, element: Element, text: &str) {
    for (start, pragma) in find_pragmas(text) {
        let words: Vec<String> = pragma.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if matches!(words[..], ["enable" | "disable", "code", "generation"] | []) {
            continue;
        }
        let place = {
            let (_, marks) = text_code(element).into_parts();
            crate::code::locate(reports.xml, &marks, start)
        };
        let shown: String = pragma.trim().chars().take(30).collect();
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("the pragma `{{{shown}...}}` holds code for a C compiler");
        reports.error(problems::NATIVE_CODE, place, message);
    }
}

/// Pragmas outside of comments and texts: byte of each and what is inside of the braces.
fn find_pragmas(text: &str) -> Vec<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let skip = |from: usize, end: &str| {
        text.get(from..)
            .and_then(|rest| rest.find(end))
            .map_or(text.len(), |len| from + len + end.len())
    };
    while at < bytes.len() {
        at = match (bytes[at], bytes.get(at + 1)) {
            (b'(', Some(b'*')) => skip(at + 2, "*)"),
            (b'/', Some(b'*')) => skip(at + 2, "*/"),
            (b'/', Some(b'/')) => skip(at + 2, "\n"),
            (b'$', Some(_)) => at + 2,
            (b'\'', _) => skip(at + 1, "'"),
            (b'"', _) => skip(at + 1, "\""),
            (b'{', _) => {
                let end = skip(at + 1, "}");
                let inside = text.get(at + 1..end.saturating_sub(1)).unwrap_or("");
                found.push((at, inside));
                end
            }
            _ => at + 1,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pragmas_when_in_comments_and_texts_then_they_are_none() {
        let text = "(* {a} *) x := '{b}'; // {c}\n{d e} y := 1;";
        assert_eq!(find_pragmas(text), [(29, "d e")]);
    }
}
