//! Function blocks that the editors bring along and the standard does not require.
//!
//! They are written in Structured Text, and become part of a program that declares an instance of
//! one and no block of that name.
//!
//! Source: IEC 61131-3:1993, Annex F (INTEGRAL, DERIVATIVE, PID, RAMP, HYSTERESIS), from which the library
//! "Additional function blocks" of Beremiz and OpenPLC Editor takes their interfaces. CYCLE and TR are
//! measured in seconds where they meet REAL, as there.

use std::collections::BTreeSet;

use crate::ast::{Library, SectionKind, TypeSpec};
use crate::diagnostic::{Sink, SourceText};
use crate::types::Elementary;
use crate::{lexer, parser};

/// A block: name in capitals, names of blocks and functions that its text needs, and text.
pub(crate) struct Block {
    pub(crate) name: &'static str,
    needs: &'static [&'static str],
    text: &'static str,
}

impl Block {
    /// The type of an input or output by its name in any case.
    pub(crate) fn parameter(&self, name: &str) -> Option<Elementary> {
        let source = SourceText::new(&[(self.text, FILE)]);
        let mut sink = Sink::new(&source);
        let mut library = Library::default();
        let tokens = lexer::lex(&mut sink, 0..self.text.len());
        parser::parse(&tokens, self.text.len(), &mut library, &mut sink);
        let sections = library.pous.iter().flat_map(|pou| &pou.sections);
        let mut declarations = sections
            .filter(|section| matches!(section.kind, SectionKind::Input | SectionKind::Output))
            .flat_map(|section| &section.declarations);
        let is_it = |known: &crate::ast::Name| known.text.eq_ignore_ascii_case(name);
        let found = declarations.find(|declaration| declaration.names.iter().any(is_it))?;
        match &found.ty {
            TypeSpec::Named(ty) => Elementary::from_name(&ty.text),
            _ => None,
        }
    }
}

/// The block with a name in any case.
pub(crate) fn block(name: &str) -> Option<&'static Block> {
    let mut all = BLOCKS.iter();
    all.find(|block| block.name.eq_ignore_ascii_case(name))
}

/// The name that the blocks have as a source file.
pub(crate) const FILE: &str = "annex-f.st";

/// The text of the blocks that a program needs, empty if it needs none.
///
/// # Arguments
///
/// * `mentioned` — names of blocks that it uses as types.
/// * `library` — what it declares itself.
pub(crate) fn text_for(mentioned: &BTreeSet<&str>, library: &Library) -> String {
    let pous = library.pous.iter().map(|pou| &pou.name.text);
    let types = library
        .types
        .iter()
        .map(|declaration| &declaration.name.text);
    let declared: Vec<&String> = match mentioned.is_empty() {
        true => Vec::new(),
        false => pous.chain(types).collect(),
    };
    let is_declared = |name: &&str| declared.iter().any(|own| own.eq_ignore_ascii_case(name));
    let mut wanted = BTreeSet::new();
    for block in BLOCKS.iter().filter(|b| mentioned.contains(b.name)) {
        // Where the program means something else by a name of the text, the block is not to be had.
        if !block.needs.iter().chain([&block.name]).any(is_declared) {
            wanted.insert(block.name);
            wanted.extend(block.needs);
        }
    }
    let wanted = BLOCKS.iter().filter(|b| wanted.contains(b.name));
    wanted.map(|block| block.text).collect()
}

/// In an order in which each stands behind what it needs.
const BLOCKS: [Block; 5] = [
    Block {
        name: "INTEGRAL",
        needs: &["TIME_TO_REAL"],
        text: "\
FUNCTION_BLOCK INTEGRAL
VAR_INPUT
    RUN : BOOL; // TRUE integrates, FALSE holds
    R1 : BOOL; // overriding reset
    XIN : REAL;
    X0 : REAL; // value after a reset
    CYCLE : TIME; // sampling period
END_VAR
VAR_OUTPUT
    Q : BOOL; // not reset
    XOUT : REAL;
END_VAR
Q := NOT R1;
IF R1 THEN
    XOUT := X0;
ELSIF RUN THEN
    XOUT := XOUT + XIN * (TIME_TO_REAL(CYCLE) / 1000.0);
END_IF;
END_FUNCTION_BLOCK

",
    },
    Block {
        name: "DERIVATIVE",
        needs: &["TIME_TO_REAL"],
        text: "\
FUNCTION_BLOCK DERIVATIVE
VAR_INPUT
    RUN : BOOL; // FALSE resets
    XIN : REAL;
    CYCLE : TIME; // sampling period
END_VAR
VAR_OUTPUT
    XOUT : REAL;
END_VAR
VAR
    X1 : REAL;
    X2 : REAL;
    X3 : REAL;
END_VAR
IF RUN THEN
    XOUT := (3.0 * (XIN - X3) + X1 - X2) / (10.0 * (TIME_TO_REAL(CYCLE) / 1000.0));
    X3 := X2;
    X2 := X1;
    X1 := XIN;
ELSE
    XOUT := 0.0;
    X1 := XIN;
    X2 := XIN;
    X3 := XIN;
END_IF;
END_FUNCTION_BLOCK

",
    },
    Block {
        name: "PID",
        needs: &["INTEGRAL", "DERIVATIVE", "TIME_TO_REAL"],
        text: "\
FUNCTION_BLOCK PID
VAR_INPUT
    AUTO : BOOL; // FALSE is manual
    PV : REAL;
    SP : REAL;
    X0 : REAL; // manual output
    KP : REAL;
    TR : REAL; // reset time, s
    TD : REAL; // derivative time, s
    CYCLE : TIME; // sampling period
END_VAR
VAR_OUTPUT
    XOUT : REAL;
END_VAR
VAR
    ERR : REAL;
    ITERM : INTEGRAL;
    DTERM : DERIVATIVE;
END_VAR
ERR := PV - SP;
ITERM(RUN := AUTO, R1 := NOT AUTO, XIN := ERR, X0 := TR * (X0 - ERR), CYCLE := CYCLE);
DTERM(RUN := AUTO, XIN := ERR, CYCLE := CYCLE);
XOUT := KP * (ERR + ITERM.XOUT / TR + DTERM.XOUT * TD);
END_FUNCTION_BLOCK

",
    },
    Block {
        name: "RAMP",
        needs: &["TIME_TO_REAL"],
        text: "\
FUNCTION_BLOCK RAMP
VAR_INPUT
    RUN : BOOL; // FALSE tracks X0
    X0 : REAL;
    X1 : REAL;
    TR : TIME; // how long the ramp lasts
    CYCLE : TIME; // sampling period
END_VAR
VAR_OUTPUT
    BUSY : BOOL;
    XOUT : REAL;
END_VAR
VAR
    XI : REAL;
    T : TIME;
END_VAR
BUSY := RUN;
IF RUN THEN
    IF T >= TR THEN
        BUSY := FALSE;
        XOUT := X1;
    ELSE
        XOUT := XI + (X1 - XI) * TIME_TO_REAL(T) / TIME_TO_REAL(TR);
        T := T + CYCLE;
    END_IF;
ELSE
    XOUT := X0;
    XI := X0;
    T := T#0s;
END_IF;
END_FUNCTION_BLOCK

",
    },
    Block {
        name: "HYSTERESIS",
        needs: &[],
        text: "\
FUNCTION_BLOCK HYSTERESIS
VAR_INPUT
    XIN1 : REAL;
    XIN2 : REAL;
    EPS : REAL;
END_VAR
VAR_OUTPUT
    Q : BOOL;
END_VAR
IF Q THEN
    IF XIN1 < XIN2 - EPS THEN
        Q := FALSE;
    END_IF;
ELSIF XIN1 > XIN2 + EPS THEN
    Q := TRUE;
END_IF;
END_FUNCTION_BLOCK

",
    },
];
