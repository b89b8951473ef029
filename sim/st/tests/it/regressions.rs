//! What fuzzing has found: texts that crashed the compiler, overflowed its stack or kept it busy, and containers
//! that the verifier should have refused.
//!
//! Small ones lie under `tests/regressions`, one file each; what needs thousands of declarations is made here.

use sim_st::compile;

use crate::invariants::{check_container, check_text};

#[test]
#[expect(clippy::disallowed_methods, reason = "regressions are files")]
fn regressions_when_compiled_then_the_invariants_hold() {
    let folder = format!("{}/tests/regressions", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).expect("the folder is part of the crate");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    paths.sort();
    assert!(paths.len() > 15, "the files are there");
    for path in paths {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("st") => check_text(&std::fs::read_to_string(path).expect("a text")),
            Some("container") => check_container(&std::fs::read(path).expect("it can be read")),
            _ => panic!("{}: of no kind that is checked here", path.display()),
        }
    }
}

/// A chain of declarations in which each needs the next, and a program that needs the first.
fn chain(len: usize, link: impl Fn(usize) -> String, last: &str, ty: &str) -> String {
    let links: String = (0..len).map(link).collect();
    format!("{links}{last} PROGRAM P VAR x : {ty}; END_VAR END_PROGRAM")
}

#[test]
fn declarations_when_thousands_need_each_other_then_are_refused_and_not_followed() {
    let len = 20_000;
    let block = |n| {
        format!(
            "FUNCTION_BLOCK F{n} VAR a : F{}; END_VAR END_FUNCTION_BLOCK\n",
            n + 1
        )
    };
    let alias = |n| format!("TYPE T{n} : T{}; END_TYPE\n", n + 1);
    let array = |n| format!("TYPE T{n} : ARRAY[0..0] OF T{}; END_TYPE\n", n + 1);
    let member = |n| format!("TYPE T{n} : STRUCT a : T{}; END_STRUCT; END_TYPE\n", n + 1);
    let end = format!("TYPE T{len} : INT; END_TYPE");
    for source in [
        chain(
            len,
            block,
            &format!("FUNCTION_BLOCK F{len} END_FUNCTION_BLOCK"),
            "F0",
        ),
        chain(len, alias, &end, "T0"),
        chain(len, array, &end, "T0"),
        chain(len, member, &end, "T0"),
    ] {
        let found = compile(&source, "deep.st").expect_err("it is too deep");
        assert!(
            found.iter().any(|found| found.code == "ST0102"),
            "{}",
            found[0]
        );
    }
}

#[test]
fn labels_when_thousands_follow_each_other_then_all_are_the_same_place() {
    let labels: String = (0..100_000).map(|n| format!("l{n}: JMPC l{n}\n")).collect();
    let source =
        format!("PROGRAM P VAR b : BOOL; x : BOOL; END_VAR\nLD b\n{labels}ST x\nEND_PROGRAM");
    let program = compile(&source, "labels.st");
    assert!(
        program.is_ok(),
        "{}",
        program.expect_err("it is refused")[0]
    );
}

#[test]
fn calls_when_thousands_need_each_other_then_are_refused_and_not_followed() {
    let len = 20_000;
    let function = |n| {
        format!(
            "FUNCTION F{n} : INT VAR_INPUT x : INT; END_VAR F{n} := F{}(x); END_FUNCTION\n",
            n + 1
        )
    };
    let last =
        format!("FUNCTION F{len} : INT VAR_INPUT x : INT; END_VAR F{len} := x; END_FUNCTION");
    let source = chain(len, function, &last, "INT");
    let found = compile(&source, "deep.st").expect_err("it nests too deep");
    assert_eq!(found[0].code, "ST0802", "{}", found[0]);
}
