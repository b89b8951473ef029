//! Any text may come to the compiler.

use proptest::prelude::*;
use sim_st::compile;

use crate::invariants::{check_container, check_text};

const SOURCE: &str = include_str!("../programs/filler.st");

/// Pieces that make text look like a program, so that the later passes are reached.
const PIECES: &[&str] = &[
    "LD x\n",
    "AND( a\n",
    ")\n",
    "ST x\n",
    "JMPC l\n",
    "l: ",
    "CALCN t(IN := b)\n",
    "RETCN\n",
    "S b\n",
    "INITIAL_STEP s : act(N) ; END_STEP ",
    "STEP a : ",
    "act(SD, T#1s, x) ; ",
    "END_STEP ",
    "TRANSITION t FROM s TO (a, s) := ",
    "TRANSITION (PRIORITY := 1) FROM a TO s : ",
    "END_TRANSITION ",
    "ACTION act : ",
    "END_ACTION ",
    "s.X ",
    "TYPE E : (a, c) ; ",
    "END_TYPE ",
    "STRUCT ",
    "END_STRUCT ; ",
    ": STRING[5] ",
    ": ARRAY[0..1, 0..1] OF STRING ",
    ": DT ",
    "'x' ",
    "D#2024-01-01 ",
    "E#a ",
    ".3 ",
    ".%B1 ",
    "VAR_GLOBAL ",
    "VAR_EXTERNAL ",
    "CONFIGURATION q ",
    "TASK t(INTERVAL := T#1s); ",
    "PROGRAM i WITH t : p; ",
    "END_CONFIGURATION ",
    "EN := c ",
    "ENO => c ",
    "VAR_CONFIG ",
    "VAR_ACCESS ",
    "RESOURCE r ON q ",
    "END_RESOURCE ",
    "i.a ",
    "r.i.t.PT ",
    "AT %I* ",
    "AT %Q* : BOOL ; ",
    "t.ENO ",
    "t(EN := c); ",
    "READ_WRITE ",
    "{ { } ",
    "^ ",
    "?= ",
    "PROGRAM i : p(a := 1, b => g); ",
    "(a := %IW0) ",
    "CONCAT(",
    "INT(0..5) ",
    "R_EDGE ",
    "PROGRAM p ",
    "END_PROGRAM ",
    "VAR ",
    "END_VAR ",
    "VAR_INPUT ",
    "VAR_IN_OUT ",
    "VAR CONSTANT ",
    "FUNCTION f : INT ",
    "END_FUNCTION ",
    "FUNCTION_BLOCK b ",
    "END_FUNCTION_BLOCK ",
    "a ",
    "b ",
    "c ",
    "t ",
    "f",
    "p ",
    ": INT ",
    ": BOOL ",
    ": REAL ",
    ": TON ",
    ": b ",
    ": TIME ",
    ": ARRAY[0..3] OF INT ",
    ":= ",
    "=> ",
    "; ",
    ", ",
    "( ",
    ") ",
    "[ ",
    "] ",
    ". ",
    ".. ",
    "+ ",
    "- ",
    "* ",
    "/ ",
    "MOD ",
    "AND ",
    "OR ",
    "NOT ",
    "= ",
    "< ",
    "1 ",
    "0 ",
    "32768 ",
    "1.5 ",
    "T#5s ",
    "16#FF ",
    "TRUE ",
    "IF ",
    "THEN ",
    "ELSE ",
    "END_IF ; ",
    "FOR ",
    "TO ",
    "BY ",
    "DO ",
    "END_FOR ; ",
    "CASE ",
    "OF ",
    "END_CASE ; ",
    "1: ",
    "WHILE ",
    "END_WHILE ; ",
    "EXIT ",
    "RETURN ",
    "AT %MW0 ",
    "%IX0.0 ",
    "SEL(",
    "INT_TO_REAL(",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn compiler_when_given_any_text_then_never_panics(source in "\\PC{0,200}") {
        check_text(&source);
    }

    #[test]
    fn compiler_when_given_pieces_of_programs_then_never_panics(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..80)
    ) {
        check_text(&pieces.concat());
        check_text(&format!("PROGRAM p VAR a : INT; c : BOOL; t : TON; END_VAR {} END_PROGRAM", pieces.concat()));
    }

    #[test]
    fn container_when_bytes_change_under_a_right_digest_then_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let program = compile(SOURCE, "filler.st").expect("the program is right");
        let mut bytes = program.to_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        sim_st::reseal(&mut bytes);
        check_container(&bytes);
    }

    #[test]
    fn compiler_when_a_program_is_damaged_then_never_panics(
        cut in any::<prop::sample::Index>(), len in 0..30usize, piece in prop::sample::select(PIECES)
    ) {
        let start = cut.index(SOURCE.len());
        let end = (start + len).min(SOURCE.len());
        check_text(&format!("{}{piece}{}", &SOURCE[..start], &SOURCE[end..]));
    }
}

#[test]
fn compiler_when_nested_too_deeply_then_says_so() {
    let deep = |open: &str, close: &str| {
        format!(
            "PROGRAM p VAR a : INT; b : BOOL; END_VAR {} {} END_PROGRAM",
            open.repeat(20_000),
            close.repeat(20_000)
        )
    };
    let chain = format!(
        "PROGRAM p VAR a : INT; END_VAR a := 1{}; END_PROGRAM",
        " + a".repeat(20_000)
    );
    let members = format!(
        "PROGRAM p VAR a : INT; END_VAR a{} := 1; END_PROGRAM",
        ".a".repeat(20_000)
    );
    for source in [
        deep("IF b THEN ", "END_IF;"),
        deep("a := (", ");"),
        deep("(", ")"),
        deep("a := f(", ");"),
        deep("a := NOT ", ";"),
        deep("a[", "]"),
        chain,
        members,
        "(*".repeat(50_000),
    ] {
        let problems = compile(&source, "deep.st").expect_err("nothing can nest so deeply");
        assert!(problems.len() < 50, "{} problems", problems.len());
        check_text(&source);
    }
}

#[test]
fn compiler_when_chain_is_long_but_sane_then_compiles() {
    let source = format!(
        "PROGRAM p VAR a : BOOL; END_VAR a := a{}; END_PROGRAM",
        " OR a".repeat(200)
    );
    assert!(compile(&source, "long.st").is_ok());
}
