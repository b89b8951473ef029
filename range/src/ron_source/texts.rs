//! Texts that would break a terminal or a report that shows them.

use super::outline::{Node, NodeKind, Outline};
use crate::problem::{Problem, Problems, SourceText};

/// Whether a character moves, hides or turns around what stands beside it: control characters, the
/// separators of lines and paragraphs, and the embeddings, overrides and isolates of bidirectional
/// text.
fn breaks_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Finds texts that cannot be shown, anywhere in a file.
///
/// # Errors
///
/// `TR0113` for each of them, in the order of the file.
pub fn check_texts(source: &SourceText, outline: &Outline) -> Result<(), Problems> {
    let mut problems = Problems::new();
    outline.root().visit(&mut |node| {
        problems.extend(problem_in(source, node, &[]));
    });
    problems.into_result()
}

/// Finds texts that cannot be shown among those at the given paths.
///
/// # Arguments
///
/// * `allowed` — characters that may stand in these texts nevertheless, such as line breaks.
///
/// # Errors
///
/// `TR0113` for each of them, in the order of the paths.
pub fn check_texts_at(
    source: &SourceText,
    outline: &Outline,
    paths: &[&str],
    allowed: &[char],
) -> Result<(), Problems> {
    let nodes = paths.iter().filter_map(|path| outline.node(path));
    let problems: Problems = nodes
        .filter_map(|node| problem_in(source, node, allowed))
        .collect();
    problems.into_result()
}

fn problem_in(source: &SourceText, node: &Node, allowed: &[char]) -> Option<Problem> {
    let NodeKind::Text(text) = &node.kind else {
        return None;
    };
    let bad = text
        .chars()
        .find(|c| breaks_a_line(*c) && !allowed.contains(c))?;
    let name = match bad {
        '\n' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        _ => format!("the control character U+{:04X}", u32::from(bad)),
    };
    let problem = Problem::new("TR0113", format!("this text has {name} in it"));
    // The line itself is drawn only where that is harmless.
    let written = &source.text()[node.span.clone()];
    let placed = if written.chars().any(|c| c != '\n' && breaks_a_line(c)) {
        let (line, column) = source.line_column(node.span.start);
        problem.at_line(source.file(), line, column)
    } else {
        problem.at(source, node.span.clone())
    };
    Some(placed.hint("write it on one line, in characters that can be seen"))
}
