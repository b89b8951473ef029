//! Standard functions.
//!
//! Source: IEC 61131-3:2013, 6.6.2.5: Tables 22 to 27 (conversion), 28 (one numeric variable), 29
//! (arithmetic), 30 and 31 (bits), 32 (selection), 33 (comparison).

use super::expression::{Operand, Scope};
use crate::ast::{Argument, BinaryOp as AstOp, Expr as AstExpr, Name, UnaryOp as AstUnary};
use crate::bytecode::MathFunction;
use crate::diagnostic::Span;
use crate::hir::{BinaryOp, Conversion, Expr, ExprKind, UnaryOp};
use crate::problems;
use crate::types::Elementary;

/// A standard function, apart from the conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standard {
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
}

/// Parameters, and how often the last one may repeat.
#[derive(Clone, Copy)]
enum Parameters {
    /// Exactly these.
    Fixed(&'static [&'static str]),
    /// These first, then `IN<n>` from the given number on; at least two in all of the latter.
    Extensible(&'static [&'static str], usize),
}

const IN: Parameters = Parameters::Fixed(&["IN"]);
const PAIR: Parameters = Parameters::Fixed(&["IN1", "IN2"]);
const MANY: Parameters = Parameters::Extensible(&[], 1);
const COUNTED: Parameters = Parameters::Fixed(&["IN", "N"]);

const TABLE: [(&str, Standard, Parameters); 42] = [
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
    ("GT", Standard::Operator(AstOp::Greater), PAIR),
    ("GE", Standard::Operator(AstOp::GreaterEqual), PAIR),
    ("EQ", Standard::Operator(AstOp::Equal), PAIR),
    ("LE", Standard::Operator(AstOp::LessEqual), PAIR),
    ("LT", Standard::Operator(AstOp::Less), PAIR),
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
];

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
    match (from, to) {
        _ if from == to => false,
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
    find(key).is_some() || conversion(key).is_some()
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
        if let Some((from, to, mode)) = conversion(&key) {
            return Some(self.conversion_call(from, to, mode, arguments, span));
        }
        let (function, parameters) = find(&key)?;
        Some(
            self.arrange(name, arguments, parameters, span)
                .and_then(|exprs| {
                    let operands: Vec<_> = exprs
                        .iter()
                        .map(|expr| (self.operand(expr), expr.span))
                        .collect();
                    let operands: Option<Vec<_>> = operands
                        .into_iter()
                        .map(|(operand, span)| Some((operand?, span)))
                        .collect();
                    self.apply(function, name, operands?, span)
                }),
        )
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
            None => {
                let operand = self.operand(argument)?;
                self.settle(operand, argument.span)?
            }
        };
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
    fn arrange<'e>(
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

    fn apply(
        &mut self,
        function: Standard,
        name: &Name,
        mut operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Operand> {
        match function {
            Standard::Operator(op) => {
                let mut rest = operands.into_iter();
                let mut left = rest.next()?;
                for right in rest {
                    left = (self.binary_operands(op, left, right, span)?, span);
                }
                return Some(left.0);
            }
            Standard::Power => {
                let exponent = operands.pop()?;
                return self.power(operands.pop()?, exponent, span);
            }
            Standard::Move => return operands.pop().map(|(operand, _)| operand),
            Standard::Truncate => return self.truncate(name, operands.pop()?),
            Standard::Not => {
                let (operand, place) = operands.pop()?;
                let expr = self.settle(operand, place)?;
                return self
                    .unary_typed(AstUnary::Not, expr, span)
                    .map(Operand::Typed);
            }
            _ => {}
        }
        let expr = match function {
            Standard::Abs => self.numeric(name, operands.pop()?, span, UnaryOp::Abs),
            Standard::Sqrt => self.square_root(name, operands.pop()?, span),
            Standard::Math(function) => self.math(name, function, operands.pop()?, span),
            Standard::Min | Standard::Max | Standard::Limit => {
                self.extreme(function, name, operands, span)
            }
            Standard::Select => self.select(operands, span),
            Standard::Mux => self.mux(operands, span),
            Standard::Shift(op) => self.shift(op, name, operands, span),
            _ => unreachable!("handled above"),
        };
        expr.map(Operand::Typed)
    }

    fn bad_operand(&mut self, name: &Name, ty: Elementary, span: Span) {
        let message = format!("{} is not defined for {ty}", name.text);
        self.report(problems::BAD_OPERAND, span, message);
    }

    fn truncate(&mut self, name: &Name, (operand, span): (Operand, Span)) -> Option<Operand> {
        let operand = match operand {
            Operand::Integer(value) => Operand::Real(value as f64),
            other => other,
        };
        let expr = self.settle(operand, span)?;
        if !expr.ty.is_real() {
            self.bad_operand(name, expr.ty, span);
            return None;
        }
        Some(Operand::Truncated(Box::new(expr)))
    }

    fn numeric(
        &mut self,
        name: &Name,
        (operand, place): (Operand, Span),
        span: Span,
        op: UnaryOp,
    ) -> Option<Expr> {
        let expr = self.settle(operand, place)?;
        if !expr.ty.is_num() && expr.ty != Elementary::Time {
            self.bad_operand(name, expr.ty, place);
            return None;
        }
        let (ty, line) = (expr.ty, expr.line);
        self.fold(
            Expr {
                ty,
                kind: ExprKind::Unary(op, Box::new(expr)),
                line,
            },
            span,
        )
    }

    /// A real operand; an integer literal counts as one.
    fn real(&mut self, name: &Name, (operand, place): (Operand, Span)) -> Option<Expr> {
        let operand = match operand {
            Operand::Integer(value) => Operand::Real(value as f64),
            other => other,
        };
        let expr = self.settle(operand, place)?;
        if !expr.ty.is_real() {
            self.bad_operand(name, expr.ty, place);
            return None;
        }
        Some(expr)
    }

    fn square_root(&mut self, name: &Name, operand: (Operand, Span), span: Span) -> Option<Expr> {
        let expr = self.real(name, operand)?;
        if expr.ty == Elementary::Lreal {
            return Some(math_expr(MathFunction::Sqrt, expr));
        }
        let line = expr.line;
        let kind = ExprKind::Unary(UnaryOp::Sqrt, Box::new(expr));
        self.fold(
            Expr {
                ty: Elementary::Real,
                kind,
                line,
            },
            span,
        )
    }

    fn math(
        &mut self,
        name: &Name,
        function: MathFunction,
        operand: (Operand, Span),
        span: Span,
    ) -> Option<Expr> {
        let expr = self.real(name, operand)?;
        let ty = expr.ty;
        let wide = self.convert(expr, Elementary::Lreal, Conversion::Value, span)?;
        self.convert(math_expr(function, wide), ty, Conversion::Value, span)
    }

    /// All operands brought to one type.
    fn common(&mut self, operands: Vec<(Operand, Span)>, span: Span) -> Option<Vec<Expr>> {
        let mut first = operands.first()?.clone();
        for operand in &operands[1..] {
            // Two literals stay literals, so that the others decide.
            let next = match (&first.0, &operand.0) {
                (Operand::Integer(a), Operand::Integer(b)) => Operand::Integer(*a.max(b)),
                (Operand::Integer(_) | Operand::Real(_), Operand::Real(b)) => Operand::Real(*b),
                (Operand::Real(a), Operand::Integer(_)) => Operand::Real(*a),
                _ => Operand::Typed(self.unify(first, operand.clone(), span)?.0),
            };
            first = (next, span);
        }
        let ty = self.settle(first.0, span)?.ty;
        let exprs = operands
            .into_iter()
            .map(|(operand, place)| self.coerce(operand, ty, place));
        exprs.collect::<Vec<_>>().into_iter().collect()
    }

    fn extreme(
        &mut self,
        function: Standard,
        name: &Name,
        operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Expr> {
        let exprs = self.common(operands, span)?;
        let ty = exprs.first()?.ty;
        if ty == Elementary::Bool {
            self.bad_operand(name, ty, span);
            return None;
        }
        let mut both = |op, left: Expr, right: Expr| {
            let line = left.line;
            let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
            self.fold(Expr { ty, kind, line }, span)
        };
        if function == Standard::Limit {
            // Table 32: LIMIT is MIN(MAX(IN, MN), MX).
            let [low, value, high] = <[Expr; 3]>::try_from(exprs).ok()?;
            let raised = both(BinaryOp::Max, value, low)?;
            return both(BinaryOp::Min, raised, high);
        }
        let op = if function == Standard::Min {
            BinaryOp::Min
        } else {
            BinaryOp::Max
        };
        let mut rest = exprs.into_iter();
        let first = rest.next()?;
        rest.try_fold(first, |left, right| both(op, left, right))
    }

    fn select(&mut self, mut operands: Vec<(Operand, Span)>, span: Span) -> Option<Expr> {
        let inputs = operands.split_off(1);
        let (selector, place) = operands.pop()?;
        let condition = self.coerce(selector, Elementary::Bool, place);
        let [otherwise, then] = <[Expr; 2]>::try_from(self.common(inputs, span)?).ok()?;
        let (ty, line) = (then.ty, then.line);
        let [condition, otherwise, then] = [condition?, otherwise, then].map(Box::new);
        Some(Expr {
            ty,
            kind: ExprKind::Select {
                condition,
                otherwise,
                then,
            },
            line,
        })
    }

    fn mux(&mut self, mut operands: Vec<(Operand, Span)>, span: Span) -> Option<Expr> {
        let inputs = operands.split_off(1);
        let (selector, place) = operands.pop()?;
        let selector = self.settle(selector, place)?;
        if !selector.ty.is_int() {
            let message = format!("the selector of MUX is an integer, not {}", selector.ty);
            self.report(problems::TYPE_MISMATCH, place, message);
            return None;
        }
        let inputs = self.common(inputs, span)?;
        let (ty, line) = (inputs.first()?.ty, selector.line);
        Some(Expr {
            ty,
            kind: ExprKind::Mux {
                selector: Box::new(selector),
                inputs,
            },
            line,
        })
    }

    fn shift(
        &mut self,
        op: BinaryOp,
        name: &Name,
        mut operands: Vec<(Operand, Span)>,
        span: Span,
    ) -> Option<Expr> {
        let (count, count_place) = operands.pop()?;
        let (value, place) = operands.pop()?;
        let value = self.settle(value, place)?;
        let count = self.settle(count, count_place)?;
        if !value.ty.is_bit_string() {
            self.bad_operand(name, value.ty, place);
            return None;
        }
        if !count.ty.is_int() {
            let message = format!("the count of a shift is an integer, not {}", count.ty);
            self.report(problems::TYPE_MISMATCH, count_place, message);
            return None;
        }
        let (ty, line) = (value.ty, value.line);
        self.fold(
            Expr {
                ty,
                kind: ExprKind::Binary(op, Box::new(value), Box::new(count)),
                line,
            },
            span,
        )
    }
}

fn math_expr(function: MathFunction, operand: Expr) -> Expr {
    let line = operand.line;
    Expr {
        ty: Elementary::Lreal,
        kind: ExprKind::Math(function, Box::new(operand)),
        line,
    }
}
