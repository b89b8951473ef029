//! JUnit XML: what build servers read.
//!
//! A suite is a scored run, a test case is an expectation: one per gate, and one that says whether
//! the run could be scored at all. A missed expectation is a failure, a crashed tool is an error.
//! Figures go into properties, not only into text.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use crate::figure::Figure;
use crate::formats::count_u64;
use crate::score::Score;

/// One scored run, or one that could not be scored.
#[derive(Clone, Copy, Debug)]
pub struct Suite<'a> {
    /// Unique name: the scenario, with seed and tool where a suite of runs has several.
    pub name: &'a str,
    /// The score, or why there is none.
    pub result: Result<&'a Score, &'a str>,
    /// Wall time of the run, s.
    pub time_s: f64,
}

struct Case {
    name: String,
    failure: Option<String>,
    error: Option<String>,
}

/// The text of `junit.xml`.
///
/// # Panics
///
/// Never: writing to memory does not fail.
#[must_use]
pub fn to_xml(suites: &[Suite<'_>]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut writer, suites).expect("writing XML to memory does not fail");
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&String::from_utf8(writer.into_inner()).expect("XML is written as UTF-8"));
    text.push('\n');
    text
}

fn cases(suite: &Suite<'_>) -> Vec<Case> {
    let scored = Case {
        name: "scored".to_owned(),
        failure: None,
        error: suite.result.err().map(str::to_owned),
    };
    let gates = suite.result.map_or(&[][..], |score| &score.gates);
    std::iter::once(scored)
        .chain(gates.iter().map(|gate| Case {
            name: gate.gate.clone(),
            failure: (!gate.passed).then(|| gate.reason.clone().unwrap_or_default()),
            error: None,
        }))
        .collect()
}

fn write(writer: &mut Writer<Vec<u8>>, suites: &[Suite<'_>]) -> std::io::Result<()> {
    let all: Vec<Vec<Case>> = suites.iter().map(cases).collect();
    let count = |pick: &dyn Fn(&Case) -> bool| -> u64 {
        count_u64(all.iter().flatten().filter(|case| pick(case)).count())
    };
    let time_s: f64 = suites.iter().map(|suite| suite.time_s).sum();
    let root = element(
        "testsuites",
        &[
            ("name", "twinrange".to_owned()),
            ("tests", count(&|_| true).to_string()),
            (
                "failures",
                count(&|case| case.failure.is_some()).to_string(),
            ),
            ("errors", count(&|case| case.error.is_some()).to_string()),
            ("time", format!("{time_s:.3}")),
        ],
    );
    writer.write_event(Event::Start(root))?;
    for (suite, cases) in suites.iter().zip(&all) {
        write_suite(writer, suite, cases)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn write_suite(
    writer: &mut Writer<Vec<u8>>,
    suite: &Suite<'_>,
    cases: &[Case],
) -> std::io::Result<()> {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let errors = cases.iter().filter(|case| case.error.is_some()).count();
    let start = element(
        "testsuite",
        &[
            ("name", suite.name.to_owned()),
            ("tests", cases.len().to_string()),
            ("failures", failures.to_string()),
            ("errors", errors.to_string()),
            ("skipped", "0".to_owned()),
            ("time", format!("{:.3}", suite.time_s)),
        ],
    );
    writer.write_event(Event::Start(start))?;
    if let Ok(score) = suite.result {
        writer.write_event(Event::Start(BytesStart::new("properties")))?;
        for (name, value) in properties(score) {
            writer.write_event(Event::Empty(element(
                "property",
                &[("name", name.to_owned()), ("value", value)],
            )))?;
        }
        writer.write_event(Event::End(BytesEnd::new("properties")))?;
    }
    for case in cases {
        write_case(writer, suite, case)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn write_case(writer: &mut Writer<Vec<u8>>, suite: &Suite<'_>, case: &Case) -> std::io::Result<()> {
    // The run's time belongs to the first case; gates take none of their own.
    let time_s = if case.name == "scored" {
        suite.time_s
    } else {
        0.0
    };
    let start = element(
        "testcase",
        &[
            ("classname", suite.name.to_owned()),
            ("name", case.name.clone()),
            ("time", format!("{time_s:.3}")),
        ],
    );
    let problem = match (&case.failure, &case.error) {
        (Some(text), _) => Some(("failure", "gate", text)),
        (None, Some(text)) => Some(("error", "defense", text)),
        (None, None) => None,
    };
    let Some((tag, kind, text)) = problem else {
        return writer.write_event(Event::Empty(start));
    };
    writer.write_event(Event::Start(start))?;
    let attributes = [("type", kind.to_owned()), ("message", text.clone())];
    writer.write_event(Event::Start(element(tag, &attributes)))?;
    writer.write_event(Event::Text(BytesText::new(&printable(text))))?;
    writer.write_event(Event::End(BytesEnd::new(tag)))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn element<'a>(name: &'a str, attributes: &[(&str, String)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, printable(value).as_str()));
    }
    start
}

/// XML 1.0 has no way to write control characters.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

fn properties(score: &Score) -> Vec<(&'static str, String)> {
    let header = &score.header;
    let tool = header.tool.as_ref();
    let mut list = vec![
        ("range_version", header.range_version.clone()),
        ("scenario", header.scenario.clone()),
        ("scenario_digest", header.scenario_digest.clone()),
        ("run_digest", header.run_digest.clone()),
        ("seed", header.seed.to_string()),
        ("attack_version", header.attack_version.clone()),
        (
            "tool",
            tool.map_or_else(|| "none".to_owned(), |tool| tool.name.clone()),
        ),
    ];
    if let Some(version) = tool.and_then(|tool| tool.version.clone()) {
        list.push(("tool_version", version));
    }
    for name in crate::gate::NAMES {
        list.push((name.name, figure_text(&name.figure(score))));
    }
    list
}

fn figure_text(figure: &Figure) -> String {
    match (figure.value, &figure.undefined) {
        (Some(value), _) => value.to_string(),
        (None, Some(reason)) => format!("undefined: {reason}"),
        (None, None) => "undefined".to_owned(),
    }
}
