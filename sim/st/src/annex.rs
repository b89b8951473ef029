//! Function blocks that the editors bring along and the standard does not require.
//!
//! They are written in Structured Text, and become part of a program that declares an instance of
//! one and no block of that name.
//!
//! Source: IEC 61131-3:1993, Annex F (INTEGRAL, DERIVATIVE, PID, RAMP, HYSTERESIS), from which the library
//! "Additional function blocks" of Beremiz and OpenPLC Editor takes their interfaces. CYCLE and TR are
//! measured in seconds where they meet REAL, as there.

use std::collections::BTreeSet;

use crate::types::Elementary;

/// A block: name in capitals, others that it needs, parameters with their types, and text.
pub(crate) struct Block {
    name: &'static str,
    /// Blocks and functions that the text names.
    needs: &'static [&'static str],
    parameters: &'static [(&'static str, Elementary)],
    text: &'static str,
}

impl Block {
    /// The type of an input or output by its name in capitals.
    pub(crate) fn parameter(&self, name: &str) -> Option<Elementary> {
        let mut all = self.parameters.iter();
        all.find(|(known, _)| *known == name).map(|(_, ty)| *ty)
    }
}

/// The block with a name in capitals.
pub(crate) fn block(name: &str) -> Option<&'static Block> {
    BLOCKS.iter().find(|block| block.name == name)
}

/// The name that the blocks have as a source file.
pub(crate) const FILE: &str = "annex-f.st";

/// The text of the blocks that a program needs, empty if it needs none.
///
/// # Arguments
///
/// * `mentioned` — names in capitals that it uses as types.
/// * `declared` — names in capitals that it declares itself.
pub(crate) fn library(mentioned: &BTreeSet<String>, declared: &BTreeSet<String>) -> String {
    let mut wanted = BTreeSet::new();
    for block in BLOCKS.iter().filter(|b| mentioned.contains(b.name)) {
        // Where the program means something else by a name of the text, the block is not to be had.
        let mut names = block.needs.iter().chain([&block.name]);
        if !names.any(|name| declared.contains(*name)) {
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
        parameters: &[
            ("RUN", Elementary::Bool),
            ("R1", Elementary::Bool),
            ("XIN", Elementary::Real),
            ("X0", Elementary::Real),
            ("CYCLE", Elementary::Time),
            ("Q", Elementary::Bool),
            ("XOUT", Elementary::Real),
        ],
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
        parameters: &[
            ("RUN", Elementary::Bool),
            ("XIN", Elementary::Real),
            ("CYCLE", Elementary::Time),
            ("XOUT", Elementary::Real),
        ],
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
        parameters: &[
            ("AUTO", Elementary::Bool),
            ("PV", Elementary::Real),
            ("SP", Elementary::Real),
            ("X0", Elementary::Real),
            ("KP", Elementary::Real),
            ("TR", Elementary::Real),
            ("TD", Elementary::Real),
            ("CYCLE", Elementary::Time),
            ("XOUT", Elementary::Real),
        ],
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
        parameters: &[
            ("RUN", Elementary::Bool),
            ("X0", Elementary::Real),
            ("X1", Elementary::Real),
            ("TR", Elementary::Time),
            ("CYCLE", Elementary::Time),
            ("BUSY", Elementary::Bool),
            ("XOUT", Elementary::Real),
        ],
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
        parameters: &[
            ("XIN1", Elementary::Real),
            ("XIN2", Elementary::Real),
            ("EPS", Elementary::Real),
            ("Q", Elementary::Bool),
        ],
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
