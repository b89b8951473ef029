//! How a test runs a program.

use std::sync::Arc;

use sim_st::{Image, Machine, Program, Value, compile};

/// More scan time than any honest program of the tests needs, ns.
pub(crate) const FUEL_NS: u64 = 100_000_000;

/// Compiles a program that must be right.
pub(crate) fn program(source: &str) -> Arc<Program> {
    match compile(source, "test.st") {
        Ok(program) => Arc::new(program),
        Err(problems) => {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            panic!("{}\n{source}", lines.join("\n"));
        }
    }
}

/// Compares `ST0301 5:3` for each diagnostic, in order.
#[track_caller]
pub(crate) fn check_codes(source: &str, expected: &[&str]) {
    let problems = compile(source, "test.st").err().unwrap_or_default();
    let code = |p: &sim_st::Diagnostic| format!("{} {}:{}", p.code, p.line, p.column);
    let found: Vec<_> = problems.iter().map(code).collect();
    let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{}\nin\n{source}", all.join("\n"));
}

/// Wraps declarations and statements into a program.
pub(crate) fn in_program(declarations: &str, body: &str) -> String {
    format!("PROGRAM Main\nVAR\n{declarations}\nEND_VAR\n{body}\nEND_PROGRAM\n")
}

/// A machine with its image, scanned by the clock.
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) image: Image,
}

impl Bench {
    pub(crate) fn new(source: &str) -> Self {
        Self {
            machine: Machine::new(program(source)),
            image: Image::new(),
        }
    }

    /// One scan at a time, which must not trap.
    pub(crate) fn scan_ms(&mut self, now_ms: u64) {
        let report = self
            .machine
            .scan(&mut self.image, now_ms * 1_000_000, FUEL_NS);
        assert_eq!(report.trap, None, "at {now_ms} ms");
    }

    /// The value of a variable as a literal.
    pub(crate) fn text(&self, name: &str) -> String {
        match self.machine.read(name) {
            Some(value) => value.to_string(),
            None => panic!("there is no variable {name}"),
        }
    }

    pub(crate) fn write(&mut self, name: &str, value: Value) {
        self.machine
            .write(name, value)
            .expect("the test writes a variable of this type");
    }
}

/// Runs one scan of `body` and compares variables, `"name=literal"` each.
pub(crate) fn check_run(declarations: &str, body: &str, expected: &[&str]) {
    check_source(&in_program(declarations, body), expected);
}

/// Runs one scan of a whole file and compares variables.
pub(crate) fn check_source(source: &str, expected: &[&str]) {
    let mut bench = Bench::new(source);
    bench.scan_ms(0);
    for pair in expected {
        let (name, value) = pair.split_once('=').expect("an expectation is name=value");
        assert_eq!(bench.text(name), value, "{name} in\n{source}");
    }
}
