//! What holds for every text and every container.
//!
//! The fuzz targets (`fuzz/`) include this file, so that an input they find fails here too once it lies under
//! `tests/regressions`.

use std::sync::Arc;

use sim_st::{Diagnostic, Image, Machine, Program, ScanReport, compile, format};

/// Scan time that a program gets, ns: some thousand instructions, so that endless loops cost little.
const FUEL_NS: u64 = 500_000;

/// Time between two scans, ns: longer than most presets, so that timers run out.
const PERIOD_NS: u64 = 300_000_000;

/// Scans of each start.
const SCANS: u64 = 4;

/// Checks that a text is compiled or refused with diagnostics of use, that its layout can be set without a change
/// of meaning, and that what was compiled runs.
pub(crate) fn check_text(text: &str) {
    let compiled = compile(text, "any.st");
    if let Err(found) = &compiled {
        check_diagnostics(text, found);
    }
    for span in sim_st::pragmas(text)
        .into_iter()
        .chain(sim_st::line_comments(text))
    {
        let found = text.get(span.start as usize..span.end as usize);
        assert!(found.is_some_and(|found| !found.is_empty()));
    }
    check_layout(text, &compiled);
    if let Ok(program) = &compiled {
        check_program(program);
    }
}

/// Every diagnostic must be of use: a known code, a place inside the text.
pub(crate) fn check_diagnostics(text: &str, found: &[Diagnostic]) {
    assert!(!found.is_empty(), "a refusal without a reason");
    for diagnostic in found {
        let Diagnostic {
            code, span, line, ..
        } = diagnostic;
        assert!(sim_st::explain(code).is_some(), "{diagnostic}");
        assert!(!diagnostic.message.is_empty(), "{diagnostic}");
        assert_eq!(diagnostic.file, "any.st", "{diagnostic}");
        let range = span.start as usize..span.end as usize;
        assert!(text.get(range).is_some(), "{diagnostic} lies outside");
        let before = &text[..span.start as usize];
        let lines = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        assert_eq!(*line as usize, lines, "{diagnostic}");
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count() + 1;
        assert_eq!(diagnostic.column as usize, column, "{diagnostic}");
    }
}

/// A layout is final, and what was wrong or right before is so after.
fn check_layout(text: &str, compiled: &Result<Program, Vec<Diagnostic>>) {
    let once = match format(text, "any.st") {
        Ok(once) => once,
        Err(found) => {
            check_diagnostics(text, &found);
            assert!(
                compiled.is_err(),
                "only the formatter refuses: {}",
                found[0]
            );
            return;
        }
    };
    let twice = format(&once, "any.st");
    assert_eq!(twice.as_ref(), Ok(&once), "laid out a second time");
    match (compiled, compile(&once, "any.st")) {
        (Ok(before), Ok(after)) => {
            assert_eq!(before.pous(), after.pous(), "laid out:\n{once}");
            assert_eq!(before.tasks(), after.tasks(), "laid out:\n{once}");
            assert_eq!(before.located(), after.located(), "laid out:\n{once}");
        }
        (Err(before), Err(after)) => {
            let codes = |found: &[Diagnostic]| found.iter().map(|d| d.code).collect::<Vec<_>>();
            assert_eq!(codes(before), codes(&after), "laid out:\n{once}");
        }
        (before, after) => panic!(
            "before: {:?}, after: {:?}, laid out:\n{once}",
            before.as_ref().err(),
            after.err()
        ),
    }
}

/// Checks that bytes are refused, or are the one encoding of a program that runs.
pub(crate) fn check_container(bytes: &[u8]) {
    match Program::from_bytes(bytes) {
        Ok(program) => {
            assert_eq!(program.to_bytes(), bytes, "a second encoding");
            check_program(&program);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Runs a program and the one that its container holds side by side: they do the same, within their fuel.
fn check_program(program: &Program) {
    let bytes = program.to_bytes();
    let copy = Program::from_bytes(&bytes).expect("a verified program is accepted again");
    assert_eq!(copy.digest(), program.digest());
    assert_eq!(copy.to_bytes(), bytes);
    let changes = program.changes_to(&copy);
    assert_eq!(
        changes.changed.len() + changes.added.len() + changes.removed.len(),
        0
    );
    let mut machines = [program.clone(), copy].map(|program| Machine::new(Arc::new(program)));
    let mut images = [Image::new(), Image::new()];
    for scan in 0..2 * SCANS {
        if scan == SCANS {
            machines.iter_mut().for_each(Machine::reset_warm);
        }
        let mut reports = Vec::new();
        for (machine, image) in machines.iter_mut().zip(&mut images) {
            reports.push(check_scan(machine, image, scan));
        }
        assert_eq!(reports[0], reports[1], "scan {scan}");
        assert_eq!(machines[0].state(), machines[1].state(), "scan {scan}");
        assert_eq!(images[0], images[1], "scan {scan}");
    }
    check_variables(&mut machines[0]);
    assert!(!program.disassemble().is_empty() || program.pous().is_empty());
}

fn check_scan(machine: &mut Machine, image: &mut Image, scan: u64) -> ScanReport {
    put_inputs(image, scan);
    let before = image.clone();
    let report = machine.scan(image, scan * PERIOD_NS, FUEL_NS);
    assert!(report.fuel_used <= FUEL_NS);
    let fault = machine.fault_record(&report);
    assert_eq!(fault.is_some(), report.trap.is_some());
    if let Some(fault) = fault {
        assert!(sim_st::explain(fault.code).is_some(), "{}", fault.code);
        assert_eq!(*image, before, "a trapped scan writes nothing");
    }
    assert_eq!((&image.ix, &image.iw), (&before.ix, &before.iw));
    // Only a state in canonical form is taken back.
    let state = machine.state().to_vec();
    assert!(machine.restore_state(&state), "a slot is not canonical");
    report
}

/// Inputs that differ from scan to scan, small, large and negative ones among them.
fn put_inputs(image: &mut Image, scan: u64) {
    let steps = [0, 1, 7, 1000, 0x7FFF, 0x8000, 0xFFFF, 300];
    for (step, word) in (scan..).zip(image.iw.iter_mut()) {
        *word = steps[usize::try_from(step % 8).expect("below 8")];
    }
    for (step, bit) in (scan..).zip(image.ix.iter_mut()) {
        *bit = step % 3 == 0;
    }
}

/// Whatever a tool may watch can be read, and written with what it holds.
fn check_variables(machine: &mut Machine) {
    let program = Arc::clone(machine.program());
    let accesses = program.access_paths().iter().map(|path| &path.variable);
    for variable in program.variables().iter().chain(accesses) {
        let name = match variable.array {
            Some(array) => format!("{}[{}]", variable.name, array.low),
            None => variable.name.clone(),
        };
        if let Some(value) = machine.read(&name) {
            assert!(!value.to_string().is_empty());
            let text = value.to_string();
            if machine.write(&name, value).is_ok() {
                let after = machine.read(&name).map(|value| value.to_string());
                assert_eq!(after, Some(text), "{name} takes its own value");
            }
        }
        let _ = program.initial_value(&name);
    }
}
