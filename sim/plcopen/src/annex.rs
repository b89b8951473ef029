//! Function blocks that the editors bring along and the standard does not require.
//!
//! Source: IEC 61131-3:1993, Annex F (INTEGRAL, DERIVATIVE, PID, RAMP, HYSTERESIS), from which the library
//! "Additional function blocks" of Beremiz and OpenPLC Editor takes their interfaces. CYCLE and TR are
//! measured in seconds where they meet REAL, as there.

/// A block: name in capitals, others that it needs, parameters with their types, and text.
pub(crate) struct Block {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [&'static str],
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    pub(crate) text: &'static str,
}

/// The block with a name in capitals.
pub(crate) fn block(name: &str) -> Option<&'static Block> {
    BLOCKS.iter().find(|block| block.name == name)
}

/// In an order in which each stands behind what it needs.
pub(crate) const BLOCKS: [Block; 5] = [
    Block {
        name: "INTEGRAL",
        needs: &[],
        parameters: &[
            ("RUN", "BOOL"),
            ("R1", "BOOL"),
            ("XIN", "REAL"),
            ("X0", "REAL"),
            ("CYCLE", "TIME"),
            ("Q", "BOOL"),
            ("XOUT", "REAL"),
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
        needs: &[],
        parameters: &[
            ("RUN", "BOOL"),
            ("XIN", "REAL"),
            ("CYCLE", "TIME"),
            ("XOUT", "REAL"),
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
        needs: &["INTEGRAL", "DERIVATIVE"],
        parameters: &[
            ("AUTO", "BOOL"),
            ("PV", "REAL"),
            ("SP", "REAL"),
            ("X0", "REAL"),
            ("KP", "REAL"),
            ("TR", "REAL"),
            ("TD", "REAL"),
            ("CYCLE", "TIME"),
            ("XOUT", "REAL"),
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
        needs: &[],
        parameters: &[
            ("RUN", "BOOL"),
            ("X0", "REAL"),
            ("X1", "REAL"),
            ("TR", "TIME"),
            ("CYCLE", "TIME"),
            ("BUSY", "BOOL"),
            ("XOUT", "REAL"),
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
            ("XIN1", "REAL"),
            ("XIN2", "REAL"),
            ("EPS", "REAL"),
            ("Q", "BOOL"),
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
