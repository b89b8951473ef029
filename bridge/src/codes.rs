//! What the problem codes of defenses mean: `twinrange explain DF0004`.
//!
//! **Invariant:** every code that this crate gives out is here, in ascending order.

/// A code's title and a paragraph about it, or `None` for a code of somebody else. Case does not count.
///
/// # Examples
///
/// ```
/// let (title, _) = twinrange_bridge::explain("df0004").expect("a code of this crate");
/// assert_eq!(title, "the defense did not answer in time");
/// ```
#[must_use]
pub fn explain(code: &str) -> Option<(&'static str, &'static str)> {
    CODES
        .iter()
        .find(|(known, _, _)| known.eq_ignore_ascii_case(code))
        .map(|&(_, title, text)| (title, text))
}

const CODES: &[(&str, &str, &str)] = &[
    (
        "DF0001",
        "the defense is not installed",
        "Its command is missing, or its `detect` command does not print what it should. The `install` \
         text of the defense's RON file says how to get it.",
    ),
    (
        "DF0002",
        "the defense cannot be started",
        "The operating system refuses to start its command. Check that the file is executable, and the \
         interpreter in its first line.",
    ),
    (
        "DF0003",
        "the defense stopped",
        "The process ended or closed its standard output while an answer was due, or ended with a status \
         other than 0. What it wrote to standard error is in defense/tool.log; the run folder is valid \
         up to that point.",
    ),
    (
        "DF0004",
        "the defense did not answer in time",
        "With a lock-step defense often a missing flush after the `done` line. For one that is only slow, \
         raise interval_timeout_s or start_timeout_s in its RON file: simulated time stands still \
         meanwhile. An offline command that needs longer gets a larger timeout_s.",
    ),
    (
        "DF0005",
        "the defense broke the protocol",
        "A line is not UTF-8, is no JSON object, has a type that is not allowed at this point, lacks a key \
         or has one that is not known, or came after the last `done`. Standard output is for the \
         protocol alone; messages for people go to standard error.",
    ),
    (
        "DF0006",
        "no common protocol version",
        "`ready` chose a version that `hello` did not offer in `versions`.",
    ),
    (
        "DF0007",
        "an answer to another interval",
        "`seq` has to be that of the message being answered, and nothing may be written between `done` \
         and the next message.",
    ),
    (
        "DF0008",
        "a line is too long",
        "It is longer than `answer_line_bytes` of the `hello` message. Spread alerts over several `answer` \
         lines.",
    ),
    (
        "DF0009",
        "too many alerts, actions or lines",
        "More than the limits of the `hello` message. Hold repeated alerts back in the tool: one per kind, \
         source and target.",
    ),
    (
        "DF0010",
        "an alert is not in the normal form",
        "The message names the key. docs/defense-protocol.md, section 5, lists all of them.",
    ),
    (
        "DF0011",
        "an action is malformed",
        "It is not one of those that `hello` offers, lacks a key, or repeats a `command_id`. An action \
         that is well-formed and merely impossible is refused and ends nothing.",
    ),
    (
        "DF0012",
        "the defense gave up",
        "The tool sent an `error` line; its message is shown.",
    ),
    (
        "DF0013",
        "the offline command failed",
        "Its exit status was not 0. The end of what it printed is shown; all of it is in \
         defense/output/tool.log.",
    ),
    (
        "DF0014",
        "the offline command left no alerts",
        "The file that `alerts` names in the defense's RON file does not exist. A tool that saw nothing \
         still has to leave an empty file. What the command printed is in defense/output/tool.log.",
    ),
    (
        "DF0015",
        "the defense wrote too much",
        "An alert file may have 1 GiB, and all output 4 GiB in 10000 files.",
    ),
    (
        "DF0016",
        "interrupted",
        "The run was interrupted while an offline command was at work.",
    ),
    (
        "DF0017",
        "a file or pipe of the range failed",
        "The disk may be full, or permissions may be missing; the message has the reason of the operating \
         system.",
    ),
    (
        "DF0018",
        "the defense had failed in the run",
        "It was absent, crashed, hung, broke the protocol or left no alerts that could be read, so what it did \
         not say is no silence, and a score would call a broken tool a quiet one. Run again with a defense \
         that works, or score an alert file of your own with --alerts.",
    ),
    (
        "DF0019",
        "the offline command left alerts that cannot be read",
        "The alert file is not of the format that the defense's RON file names, is cut off, or holds nothing \
         that can be true in this run. The message has line and field. A file of yours, given with --alerts, \
         is TR0313 instead.",
    ),
    (
        "DF0020",
        "the defense cannot be confined",
        "`--sandbox require` asks that the tool be kept away from the truth, and this machine or the tool's folder \
         does not allow it; the message says what is missing. With `--sandbox auto` the tool runs all the same, \
         and the score has a caveat.",
    ),
    (
        "DF0021",
        "the defense is not wired",
        "It raised nothing in the run, and nothing either on a harmless stimulus that any sensor sees: a stranger who \
         reads, writes and knocks, and a historian without its cable. A score would call a tool that sees nothing a \
         quiet one. The message has the likely reason; `twinrange wiring` repeats the test, and docs/wiring.md says \
         how it tells. A tool whose silence is an answer says `may_be_silent: true` in its RON file.",
    ),
    (
        "DS0001",
        "a defense file that cannot be read",
        "It is not RON, or has a field or variant that a defense does not have.",
    ),
    (
        "DS0002",
        "a defense file that makes no sense",
        "A value is outside its range, empty, or contradicts another. The message names the field and the \
         place.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_when_documented_then_explained_and_the_reverse() {
        let page = include_str!("../../docs/defense-protocol.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| DF"));
        let documented: Vec<String> = rows.map(|row| format!("DF{}", &row[..4])).collect();
        let known: Vec<&str> = CODES.iter().map(|(code, _, _)| *code).collect();
        assert_eq!(known[..documented.len()], documented[..]);
        assert_eq!(known[documented.len()..], ["DS0001", "DS0002"]);
    }
}
