//! Types of the standard functions and function blocks.
//!
//! Source: IEC 61131-3:2013, 6.6.2.5 (Tables 22 to 36) and 6.6.3.5 (Tables 43 to 46); the names are
//! those of the editors' libraries.

use sim_st::Elementary;

/// How the type of a function's result follows from its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultType {
    Fixed(&'static str),
    /// That of these inputs; of all but the first where the list is empty and `skip` is set.
    Same(&'static [&'static str]),
    /// That of all inputs but the first, which selects.
    SameBehindFirst,
    /// That of all inputs.
    SameAll,
    /// No standard function has this name.
    Unknown,
}

/// An elementary type by its name in any case.
pub(crate) fn elementary(name: &str) -> Option<&'static str> {
    Elementary::from_name(name).map(Elementary::name)
}

/// Functions whose number of inputs is free: how many fixed ones come first.
pub(crate) fn extensible(name: &str) -> Option<usize> {
    match name {
        "ADD" | "MUL" | "AND" | "OR" | "XOR" | "MAX" | "MIN" | "CONCAT" => Some(0),
        "GT" | "GE" | "EQ" | "LE" | "LT" => Some(0),
        "MUX" => Some(1),
        _ => None,
    }
}

pub(crate) fn is_function(name: &str) -> bool {
    result(name) != ResultType::Unknown
}

/// The type of a standard function's result, by its name in capitals.
pub(crate) fn result(name: &str) -> ResultType {
    use ResultType::{Fixed, Same, SameAll, SameBehindFirst, Unknown};
    match name {
        "GT" | "GE" | "EQ" | "LE" | "LT" | "NE" => return Fixed("BOOL"),
        "LEN" | "FIND" => return Fixed("INT"),
        "SEL" => return Same(&["IN0", "IN1"]),
        "MUX" => return SameBehindFirst,
        "LIMIT" => return Same(&["IN", "MN", "MX"]),
        "SHL" | "SHR" | "ROL" | "ROR" => return Same(&["IN"]),
        "EXPT" => return Same(&["IN1"]),
        "LEFT" | "RIGHT" | "MID" | "CONCAT" | "INSERT" | "DELETE" | "REPLACE" => {
            return Fixed("STRING");
        }
        "ADD" | "SUB" | "MUL" | "DIV" | "MOD" | "MOVE" | "ABS" | "SQRT" | "LN" | "LOG" | "EXP"
        | "SIN" | "COS" | "TAN" | "ASIN" | "ACOS" | "ATAN" | "ATAN2" | "AND" | "OR" | "XOR"
        | "NOT" | "MAX" | "MIN" => return SameAll,
        "TRUNC" => return Fixed("DINT"),
        "ADD_TIME" | "SUB_TIME" | "MUL_TIME" | "DIV_TIME" | "MULTIME" | "DIVTIME"
        | "SUB_DATE_DATE" | "SUB_TOD_TOD" | "SUB_DT_DT" => return Fixed("TIME"),
        "ADD_TOD_TIME" | "SUB_TOD_TIME" => return Fixed("TOD"),
        "ADD_DT_TIME" | "SUB_DT_TIME" | "CONCAT_DATE_TOD" => return Fixed("DT"),
        _ => {}
    }
    let target = name
        .rsplit_once("_TO_")
        .or_else(|| name.rsplit_once("_TRUNC_"))
        .map(|(_, target)| target.trim_start_matches("BCD_"))
        .or_else(|| name.strip_prefix("TO_"));
    match target.and_then(elementary) {
        Some(ty) => Fixed(ty),
        None => Unknown,
    }
}

/// Whether a standard function block has this name, in capitals.
pub(crate) fn is_block(name: &str) -> bool {
    sim_st::is_standard_block(name)
}

/// The type of a parameter of a standard function block, both names in capitals.
pub(crate) fn block_parameter(block: &str, parameter: &str) -> Option<&'static str> {
    if matches!(parameter, "EN" | "ENO") && sim_st::is_standard_block(block) {
        return Some("BOOL");
    }
    sim_st::standard_block_parameter(block, parameter).map(Elementary::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_when_the_name_is_a_conversion_then_it_is_its_target() {
        for (name, ty) in [
            ("INT_TO_REAL", "REAL"),
            ("UINT_TO_BCD_WORD", "WORD"),
            ("WORD_BCD_TO_UINT", "UINT"),
            ("TO_DINT", "DINT"),
            ("REAL_TRUNC_INT", "INT"),
            ("LDT_TO_LTOD", "LTOD"),
            ("DT_TO_TIME_OF_DAY", "TOD"),
            ("WSTRING_TO_WCHAR", "WCHAR"),
        ] {
            assert_eq!(result(name), ResultType::Fixed(ty), "{name}");
        }
        assert_eq!(result("INT_TO_NOWHERE"), ResultType::Unknown);
    }

    #[test]
    fn parameter_when_the_counter_is_typed_then_it_counts_in_that_type() {
        assert_eq!(block_parameter("CTU_DINT", "CV"), Some("DINT"));
        assert_eq!(block_parameter("CTU_DINT", "Q"), Some("BOOL"));
        assert_eq!(block_parameter("TON", "ET"), Some("TIME"));
        assert_eq!(block_parameter("TON", "CV"), None);
        assert_eq!(block_parameter("TON_LTIME", "ET"), Some("LTIME"));
        assert_eq!(block_parameter("TON_LTIME", "_START"), None);
    }
}
