//! Bodies in Structured Text and Instruction List: taken as they are, apart from code for a C compiler.

use crate::code::{Code, Mark, locate};
use crate::problems;
use crate::xml::{Element, Reports, at, text_code};

/// The text of a body, or of a condition.
pub(crate) fn body(element: Element) -> Code {
    let mut code = text_code(element);
    if !code.is_empty() && !code.text().ends_with('\n') {
        code.put("\n", at(element));
    }
    code
}

/// An expression in Structured Text, without `:=` before and `;` behind it.
pub(crate) fn expression(element: Element, own_name: &str) -> Code {
    let code = crate::xml::line_code(element);
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

/// Most pragmas of one project that are reported; whoever has more of them knows by then.
const MAX_PRAGMAS: usize = 50;

/// Reports pragmas that hold code. Two of them only steer the output of code and mean nothing here.
///
/// The whole project is searched at once and by the compiler's own lexer, so that exactly those are found
/// that the compiler would skip.
pub(crate) fn pragmas(reports: &mut Reports, text: &str, marks: &[Mark]) {
    let native = sim_st::pragmas(text).into_iter().filter_map(|span| {
        let pragma = text.get(span.start as usize..span.end as usize)?;
        let inside = pragma.trim_start_matches('{').trim_end_matches('}');
        let words: Vec<String> = inside.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let harmless = matches!(words[..], ["enable" | "disable", "code", "generation"] | []);
        (!harmless).then_some((span.start as usize, inside))
    });
    for (start, inside) in native.take(MAX_PRAGMAS) {
        let shown: String = inside.trim().chars().take(30).collect();
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("the pragma `{{{shown}...}}` holds code for a C compiler");
        let place = locate(reports.xml, marks, start);
        reports.error(problems::NATIVE_CODE, place, message);
    }
}
