//! Small programs as files, each with what the standard says must come out.
//!
//! A file under `tests/conformance` begins with comments that say what to expect after one scan:
//! `// expect: name = literal`, or `// trap: code`. Adding a file adds a test.

use std::sync::Arc;

use sim_st::{Image, Machine, compile};

use crate::support::FUEL_NS;

/// All files, by name.
#[expect(
    clippy::disallowed_methods,
    reason = "the programs of the tests are files"
)]
pub(crate) fn sources() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance");
    let entries = std::fs::read_dir(folder).expect("the folder is part of the crate");
    let mut list: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "st"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("the file can be read");
            (path.display().to_string(), text)
        })
        .collect();
    list.sort();
    list
}

/// What differs from the expectations of one file.
fn differences(source: &str) -> Vec<String> {
    let program = match compile(source, "conformance.st") {
        Ok(program) => Arc::new(program),
        Err(problems) => return problems.iter().map(ToString::to_string).collect(),
    };
    let mut machine = Machine::new(program);
    let report = machine.scan(&mut Image::new(), 0, FUEL_NS);
    let mut found = Vec::new();
    let mut trap = None;
    let mut expectations = 0;
    for line in source.lines() {
        if let Some(code) = line.strip_prefix("// trap: ") {
            trap = Some(code);
            expectations += 1;
        }
        let Some(expected) = line.strip_prefix("// expect: ") else {
            continue;
        };
        expectations += 1;
        let (name, value) = expected
            .split_once(" = ")
            .expect("an expectation is name = literal");
        let text = machine
            .read(name)
            .map_or("nothing".to_owned(), |value| value.to_string());
        if text != value {
            found.push(format!("{name} is {text}, not {value}"));
        }
    }
    let code = report.trap.map(|trap| trap.code());
    if code != trap {
        found.push(format!("trap {code:?} instead of {trap:?}"));
    }
    if expectations == 0 {
        found.push("it expects nothing".to_owned());
    }
    found
}

#[test]
fn program_when_run_then_does_what_the_standard_says() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (name, source) in &sources {
        wrong.extend(
            differences(source)
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(sources.len() >= 150, "{} programs are left", sources.len());
}
