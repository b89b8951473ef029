//! Standard functions.
//!
//! Source: IEC 61131-3:2013, 6.6.2.5: Tables 22 to 27 (conversion), 28 (one numeric variable), 29
//! (arithmetic), 30 and 31 (bits), 32 (selection), 33 (comparison).

use super::calendar::CalendarFunction;
use super::expression::{Operand, Scope};
use crate::ast::{Argument, BinaryOp as AstOp, Expr as AstExpr, Name};
use crate::bytecode::MathFunction;
use crate::diagnostic::Span;
use crate::hir::{BinaryOp, Conversion};
use crate::intrinsic::Intrinsic;
use crate::problems;
use crate::types::Elementary;

/// A standard function, apart from the conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standard {
    /// An operator in the form of a function.
    Operator(AstOp),
    Not,
    Move,
    Abs,
    Sqrt,
    Math(MathFunction),
    Power,
    Truncate,
    Select,
    Min,
    Max,
    Limit,
    Mux,
    Shift(BinaryOp),
    /// A function on texts.
    Text(Intrinsic),
    Atan2,
    FromBcd,
    ToBcd,
    IsValid,
    IsValidBcd,
    /// To or from the order of bytes that is not the controller's, or is.
    Endian(bool),
    Calendar(CalendarFunction),
}

/// Parameters, and how often the last one may repeat.
#[derive(Clone, Copy)]
pub(super) enum Parameters {
    /// Exactly these.
    Fixed(&'static [&'static str]),
    /// These first, then `IN<n>` from the given number on; at least two in all of the latter.
    Extensible(&'static [&'static str], usize),
}

pub(super) const IN: Parameters = Parameters::Fixed(&["IN"]);
const PAIR: Parameters = Parameters::Fixed(&["IN1", "IN2"]);
const MANY: Parameters = Parameters::Extensible(&[], 1);
const COUNTED: Parameters = Parameters::Fixed(&["IN", "N"]);

const TABLE: &[(&str, Standard, Parameters)] = &[
    ("ABS", Standard::Abs, IN),
    ("SQRT", Standard::Sqrt, IN),
    ("LN", Standard::Math(MathFunction::Ln), IN),
    ("LOG", Standard::Math(MathFunction::Log), IN),
    ("EXP", Standard::Math(MathFunction::Exp), IN),
    ("SIN", Standard::Math(MathFunction::Sin), IN),
    ("COS", Standard::Math(MathFunction::Cos), IN),
    ("TAN", Standard::Math(MathFunction::Tan), IN),
    ("ASIN", Standard::Math(MathFunction::Asin), IN),
    ("ACOS", Standard::Math(MathFunction::Acos), IN),
    ("ATAN", Standard::Math(MathFunction::Atan), IN),
    ("EXPT", Standard::Power, PAIR),
    ("TRUNC", Standard::Truncate, IN),
    ("ADD", Standard::Operator(AstOp::Add), MANY),
    ("MUL", Standard::Operator(AstOp::Multiply), MANY),
    ("SUB", Standard::Operator(AstOp::Subtract), PAIR),
    ("DIV", Standard::Operator(AstOp::Divide), PAIR),
    ("MOD", Standard::Operator(AstOp::Modulo), PAIR),
    ("ADD_TIME", Standard::Operator(AstOp::Add), PAIR),
    ("SUB_TIME", Standard::Operator(AstOp::Subtract), PAIR),
    ("MUL_TIME", Standard::Operator(AstOp::Multiply), PAIR),
    ("DIV_TIME", Standard::Operator(AstOp::Divide), PAIR),
    ("AND", Standard::Operator(AstOp::And), MANY),
    ("OR", Standard::Operator(AstOp::Or), MANY),
    ("XOR", Standard::Operator(AstOp::Xor), MANY),
    ("NOT", Standard::Not, IN),
    ("GT", Standard::Operator(AstOp::Greater), MANY),
    ("GE", Standard::Operator(AstOp::GreaterEqual), MANY),
    ("EQ", Standard::Operator(AstOp::Equal), MANY),
    ("LE", Standard::Operator(AstOp::LessEqual), MANY),
    ("LT", Standard::Operator(AstOp::Less), MANY),
    ("NE", Standard::Operator(AstOp::NotEqual), PAIR),
    ("MOVE", Standard::Move, IN),
    (
        "SEL",
        Standard::Select,
        Parameters::Fixed(&["G", "IN0", "IN1"]),
    ),
    ("MAX", Standard::Max, MANY),
    ("MIN", Standard::Min, MANY),
    (
        "LIMIT",
        Standard::Limit,
        Parameters::Fixed(&["MN", "IN", "MX"]),
    ),
    ("MUX", Standard::Mux, Parameters::Extensible(&["K"], 0)),
    ("SHL", Standard::Shift(BinaryOp::ShiftLeft), COUNTED),
    ("SHR", Standard::Shift(BinaryOp::ShiftRight), COUNTED),
    ("ROL", Standard::Shift(BinaryOp::RotateLeft), COUNTED),
    ("ROR", Standard::Shift(BinaryOp::RotateRight), COUNTED),
    ("ATAN2", Standard::Atan2, Parameters::Fixed(&["Y", "X"])),
    ("LEN", Standard::Text(Intrinsic::Len), IN),
    (
        "LEFT",
        Standard::Text(Intrinsic::Left),
        Parameters::Fixed(&["IN", "L"]),
    ),
    (
        "RIGHT",
        Standard::Text(Intrinsic::Right),
        Parameters::Fixed(&["IN", "L"]),
    ),
    (
        "MID",
        Standard::Text(Intrinsic::Mid),
        Parameters::Fixed(&["IN", "L", "P"]),
    ),
    ("CONCAT", Standard::Text(Intrinsic::Concat), MANY),
    (
        "INSERT",
        Standard::Text(Intrinsic::Insert),
        Parameters::Fixed(&["IN1", "IN2", "P"]),
    ),
    (
        "DELETE",
        Standard::Text(Intrinsic::Delete),
        Parameters::Fixed(&["IN", "L", "P"]),
    ),
    (
        "REPLACE",
        Standard::Text(Intrinsic::Replace),
        Parameters::Fixed(&["IN1", "IN2", "L", "P"]),
    ),
    ("FIND", Standard::Text(Intrinsic::Find), PAIR),
    ("MULTIME", Standard::Operator(AstOp::Multiply), PAIR),
    ("DIVTIME", Standard::Operator(AstOp::Divide), PAIR),
    ("MUL_LTIME", Standard::Operator(AstOp::Multiply), PAIR),
    ("DIV_LTIME", Standard::Operator(AstOp::Divide), PAIR),
    ("ADD_LTIME", Standard::Operator(AstOp::Add), PAIR),
    ("SUB_LTIME", Standard::Operator(AstOp::Subtract), PAIR),
    ("ADD_TOD_TIME", Standard::Operator(AstOp::Add), PAIR),
    ("ADD_LTOD_LTIME", Standard::Operator(AstOp::Add), PAIR),
    ("ADD_DT_TIME", Standard::Operator(AstOp::Add), PAIR),
    ("ADD_LDT_LTIME", Standard::Operator(AstOp::Add), PAIR),
    ("SUB_DATE_DATE", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_LDATE_LDATE", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_TOD_TIME", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_LTOD_LTIME", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_TOD_TOD", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_LTOD_LTOD", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_DT_TIME", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_LDT_LTIME", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_DT_DT", Standard::Operator(AstOp::Subtract), PAIR),
    ("SUB_LDT_LDT", Standard::Operator(AstOp::Subtract), PAIR),
    (
        "CONCAT_DATE_TOD",
        Standard::Calendar(CalendarFunction::DateTod),
        PAIR,
    ),
    (
        "CONCAT_DATE_LTOD",
        Standard::Calendar(CalendarFunction::DateLtod),
        PAIR,
    ),
    (
        "CONCAT_DATE",
        Standard::Calendar(CalendarFunction::Date),
        Parameters::Fixed(DATE),
    ),
    (
        "CONCAT_TOD",
        Standard::Calendar(CalendarFunction::Tod),
        Parameters::Fixed(TOD),
    ),
    (
        "CONCAT_LTOD",
        Standard::Calendar(CalendarFunction::Ltod),
        Parameters::Fixed(TOD),
    ),
    (
        "CONCAT_DT",
        Standard::Calendar(CalendarFunction::Dt),
        Parameters::Fixed(DT),
    ),
    (
        "CONCAT_LDT",
        Standard::Calendar(CalendarFunction::Ldt),
        Parameters::Fixed(DT),
    ),
    ("IS_VALID", Standard::IsValid, IN),
    ("IS_VALID_BCD", Standard::IsValidBcd, IN),
    ("TO_BIG_ENDIAN", Standard::Endian(true), IN),
    ("FROM_BIG_ENDIAN", Standard::Endian(true), IN),
    ("TO_LITTLE_ENDIAN", Standard::Endian(false), IN),
    ("FROM_LITTLE_ENDIAN", Standard::Endian(false), IN),
    (
        "DAY_OF_WEEK",
        Standard::Calendar(CalendarFunction::DayOfWeek),
        IN,
    ),
];

const DATE: &[&str] = &["YEAR", "MONTH", "DAY"];
const TOD: &[&str] = &["HOUR", "MINUTE", "SECOND", "MILLISECOND"];
const DT: &[&str] = &[
    "YEAR",
    "MONTH",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
];

/// `ADD_INT` is ADD with INT operands: the function, and the type that its operands take.
fn find_typed(key: &str) -> Option<(Standard, Parameters, Elementary)> {
    let (name, ty) = key.rsplit_once('_')?;
    let ty = Elementary::from_name(ty)?;
    let (function, parameters) = find(name)?;
    let typed = matches!(
        function,
        Standard::Operator(_)
            | Standard::Not
            | Standard::Move
            | Standard::Abs
            | Standard::Sqrt
            | Standard::Math(_)
            | Standard::Select
            | Standard::Min
            | Standard::Max
            | Standard::Limit
            | Standard::Mux
            | Standard::Shift(_)
    );
    typed.then_some((function, parameters, ty))
}

/// `WORD_BCD_TO_UINT`, `UINT_TO_BCD_WORD`, `BCD_TO_UINT`, `TO_BCD_WORD`: the function, the
/// operand's type if it is named, and that of the result.
fn bcd(key: &str) -> Option<(Standard, Option<Elementary>, Elementary)> {
    let (function, from, to) = if let Some(to) = key.strip_prefix("BCD_TO_") {
        (Standard::FromBcd, None, to)
    } else if let Some(to) = key.strip_prefix("TO_BCD_") {
        (Standard::ToBcd, None, to)
    } else if let Some((from, to)) = key.split_once("_BCD_TO_") {
        (Standard::FromBcd, Some(Elementary::from_name(from)?), to)
    } else {
        let (from, to) = key.split_once("_TO_BCD_")?;
        (Standard::ToBcd, Some(Elementary::from_name(from)?), to)
    };
    let to = Elementary::from_name(to)?;
    let is_bits = |ty: Elementary, wanted: bool| {
        if wanted {
            ty.is_bit_string()
        } else {
            ty.is_unsigned_int()
        }
    };
    let decodes = function == Standard::FromBcd;
    let takes = from.is_none_or(|from| is_bits(from, decodes));
    (takes && is_bits(to, !decodes)).then_some((function, from, to))
}

fn find(key: &str) -> Option<(Standard, Parameters)> {
    let found = TABLE.iter().find(|(name, ..)| *name == key)?;
    Some((found.1, found.2))
}

/// A conversion function: from which type (any, if none is named), to which, and how.
fn conversion(key: &str) -> Option<(Option<Elementary>, Elementary, Conversion)> {
    if let Some(to) = key.strip_prefix("TO_") {
        return Some((None, Elementary::from_name(to)?, Conversion::Value));
    }
    if let Some(to) = key.strip_prefix("TRUNC_") {
        return Some((None, Elementary::from_name(to)?, Conversion::Truncate));
    }
    let (mode, (from, to)) = match key.split_once("_TRUNC_") {
        Some(names) => (Conversion::Truncate, names),
        None => (Conversion::Value, key.split_once("_TO_")?),
    };
    Some((
        Some(Elementary::from_name(from)?),
        Elementary::from_name(to)?,
        mode,
    ))
}

/// Whether the standard, or common practice, converts between the types.
///
/// Reals convert to and from BYTE and WORD by value, as most systems do, so that raw analog values
/// can be scaled; with DWORD and LWORD they exchange their bits (Table 24).
pub(super) fn conversion_exists(from: Elementary, to: Elementary) -> bool {
    use Elementary::{Dword, Lreal, Lword, Real};
    let is_day_time = |ty| matches!(ty, Elementary::Tod | Elementary::Ltod);
    match (from, to) {
        _ if from == to => false,
        // A time of day has no date; the other way round there is DT_TO_TOD.
        _ if from.is_date() && to.is_date() => !is_day_time(from) || is_day_time(to),
        (Real, Lword) | (Lword, Real) | (Lreal, Dword) | (Dword, Lreal) => false,
        _ => true,
    }
}

fn conversion_mode(from: Elementary, to: Elementary) -> Conversion {
    use Elementary::{Dword, Lreal, Lword, Real};
    match (from, to) {
        (Real, Dword) | (Dword, Real) | (Lreal, Lword) | (Lword, Lreal) => Conversion::Reinterpret,
        _ => Conversion::Value,
    }
}

/// Whether a standard function has this capitalised name.
pub(super) fn is_standard(key: &str) -> bool {
    find(key).is_some()
        || conversion(key).is_some()
        || find_typed(key).is_some()
        || bcd(key).is_some()
        || super::calendar::is_split(key)
}

/// Names for suggestions.
pub(super) fn names<'a>() -> impl Iterator<Item = &'a str> {
    TABLE.iter().map(|(name, ..)| *name)
}

impl Scope<'_, '_, '_> {
    /// A call of a standard function; `None` if there is none of this name.
    pub(super) fn standard_call(
        &mut self,
        name: &Name,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Option<Operand>> {
        let key = name.key();
        if let Some((function, from, to)) = bcd(&key) {
            return Some(self.bcd_call(function, from, to, name, arguments, span));
        }
        if let Some((from, to, mode)) = conversion(&key) {
            return Some(self.conversion_call(from, to, mode, arguments, span));
        }
        if let Some(at) = key.strip_suffix("_TO_INT").and_then(|ty| self.strong(ty)) {
            return Some(self.enumeration_call(at, name, arguments, span));
        }
        let (function, parameters, ty) = match (find(&key), find_typed(&key)) {
            (Some((function, parameters)), _) => (function, parameters, None),
            (None, Some((function, parameters, ty))) => (function, parameters, Some(ty)),
            (None, None) => return None,
        };
        let exprs = match self.arrange(name, arguments, parameters, span) {
            Some(exprs) => exprs,
            None => return Some(None),
        };
        let mut operands = Vec::new();
        let mut whole = true;
        for (at, expr) in exprs.into_iter().enumerate() {
            // The selector of SEL and MUX and the count of a shift have a type of their own.
            let own = match function {
                Standard::Select | Standard::Mux => at == 0,
                Standard::Shift(_) => at == 1,
                _ => false,
            };
            let operand = match ty.filter(|_| !own) {
                Some(ty) => self.value(expr, ty).map(Operand::Typed),
                None => self.operand(expr),
            };
            match operand {
                Some(operand) => operands.push((operand, expr.span)),
                None => whole = false,
            }
        }
        Some(if whole {
            self.apply(function, name, operands, span)
        } else {
            None
        })
    }

    /// A declared enumeration whose values are of a type of their own.
    fn strong(&mut self, key: &str) -> Option<usize> {
        let at = self.checker.enumeration_named(key)?;
        (!self.checker.enums[at].open).then_some(at)
    }

    /// `Color_TO_INT(x)`.
    fn enumeration_call(
        &mut self,
        at: usize,
        name: &Name,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Operand> {
        let exprs = self.arrange(name, arguments, IN, span)?;
        self.value_of(exprs.first()?, &super::types::Type::Enumeration(at))
            .map(Operand::Typed)
    }

    fn bcd_call(
        &mut self,
        function: Standard,
        from: Option<Elementary>,
        to: Elementary,
        name: &Name,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Operand> {
        let exprs = self.arrange(name, arguments, IN, span)?;
        let argument = exprs.first()?;
        let (intrinsic, work) = if function == Standard::FromBcd {
            (Intrinsic::FromBcd, Elementary::Lword)
        } else {
            (Intrinsic::ToBcd, Elementary::Ulint)
        };
        let value = match (from, self.operand(argument)?) {
            (Some(from), operand) => self.coerce(operand, from, argument.span)?,
            (None, operand @ Operand::Integer(_)) => self.coerce(operand, work, argument.span)?,
            (None, operand) => self.settle(operand, argument.span)?,
        };
        let takes = if work.is_bit_string() {
            value.ty.is_bit_string()
        } else {
            value.ty.is_unsigned_int()
        };
        if !takes {
            self.bad_operand(name, value.ty, argument.span);
            return None;
        }
        let value = self.convert(value, work, Conversion::Value, span)?;
        let result = self.intrinsic(intrinsic, vec![value], 0);
        self.convert(result, to, Conversion::Value, span)
            .map(Operand::Typed)
    }

    fn conversion_call(
        &mut self,
        from: Option<Elementary>,
        to: Elementary,
        mode: Conversion,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Operand> {
        let name = Name {
            text: format!("the conversion to {to}"),
            span,
        };
        let exprs = self.arrange(&name, arguments, IN, span)?;
        let argument = exprs.first()?;
        let expr = match from {
            Some(from) => self.value(argument, from)?,
            None => match self.operand(argument)? {
                // `TO_INT(color)` reads the number of an enumerator.
                Operand::Enumerated(_, expr) if expr.ty == to => return Some(Operand::Typed(expr)),
                Operand::Enumerated(_, expr) => expr,
                operand => self.settle(operand, argument.span)?,
            },
        };
        let textual = |ty: Elementary| ty.is_text() || ty.is_char();
        if textual(expr.ty) || textual(to) {
            return self.text_conversion(expr, to, span).map(Operand::Typed);
        }
        if expr.ty.is_date() && to.is_date() && conversion_exists(expr.ty, to) {
            return self.date_conversion(expr, to, span).map(Operand::Typed);
        }
        let truncates = mode == Conversion::Truncate;
        let exists = if truncates {
            expr.ty.is_real() && to.is_int()
        } else {
            conversion_exists(expr.ty, to)
        };
        if !exists {
            let message = format!("{} does not convert to {to} in this way", expr.ty);
            self.report(problems::BAD_CONVERSION, span, message);
            return None;
        }
        let mode = if truncates {
            mode
        } else {
            conversion_mode(expr.ty, to)
        };
        self.convert(expr, to, mode, span).map(Operand::Typed)
    }

    /// Puts the arguments of a standard function into the order of its parameters.
    pub(super) fn arrange<'e>(
        &mut self,
        name: &Name,
        arguments: &'e [Argument],
        parameters: Parameters,
        span: Span,
    ) -> Option<Vec<&'e AstExpr>> {
        let (first, count) = match parameters {
            Parameters::Fixed(names) => (names, names.len()),
            Parameters::Extensible(names, _) => (names, arguments.len().max(names.len() + 2)),
        };
        if arguments.len() != count {
            let least = if let Parameters::Fixed(_) = parameters {
                ""
            } else {
                "at least "
            };
            let message = format!(
                "{} takes {least}{count} arguments, not {}",
                name.text,
                arguments.len()
            );
            self.report(problems::BAD_ARGUMENTS, span, message);
            return None;
        }
        let mut slots: Vec<Option<&AstExpr>> = vec![None; count];
        for (position, argument) in arguments.iter().enumerate() {
            let (at, expr) = match argument {
                Argument::Positional(expr) => (Some(position), expr),
                Argument::Input(parameter, expr) => {
                    let key = parameter.key();
                    let at =
                        first
                            .iter()
                            .position(|known| *known == key)
                            .or_else(|| match parameters {
                                Parameters::Fixed(_) => None,
                                Parameters::Extensible(_, start) => {
                                    let number: usize = key.strip_prefix("IN")?.parse().ok()?;
                                    Some(first.len() + number.checked_sub(start)?)
                                }
                            });
                    (at, expr)
                }
                Argument::Output { name, .. } => {
                    let message = "a standard function has no such output";
                    self.report(problems::UNKNOWN_PARAMETER, name.span, message);
                    return None;
                }
            };
            match at.and_then(|at| slots.get_mut(at)) {
                Some(slot) if slot.is_none() => *slot = Some(expr),
                Some(_) => {
                    let message = "the parameter is given twice";
                    self.report(problems::BAD_ARGUMENTS, argument.span(), message);
                    return None;
                }
                None => {
                    let message = format!("{} has no such parameter", name.text);
                    self.report(problems::UNKNOWN_PARAMETER, argument.span(), message);
                    return None;
                }
            }
        }
        slots.into_iter().collect()
    }
}
