//! Which instructions compute an operator or a conversion.

use super::{BinaryOp, CompareOp, Conversion, UnaryOp};
use crate::bytecode::Opcode;
use crate::types::Elementary;

/// The opcode for `op` on operands of `ty`.
pub(crate) fn binary_opcode(op: BinaryOp, ty: Elementary) -> Opcode {
    use BinaryOp::*;
    use Opcode as O;
    let by_class = |signed, unsigned, real, lreal| match ty {
        Elementary::Real => real,
        Elementary::Lreal => lreal,
        _ if ty.is_signed() => signed,
        _ => unsigned,
    };
    match op {
        Add => by_class(O::AddS, O::AddU, O::AddR, O::AddL),
        Subtract => by_class(O::SubS, O::SubU, O::SubR, O::SubL),
        Multiply => by_class(O::MulS, O::MulU, O::MulR, O::MulL),
        Divide => by_class(O::DivS, O::DivU, O::DivR, O::DivL),
        Modulo if ty.is_signed() => O::ModS,
        Modulo => O::ModU,
        Power => O::PowL,
        And => O::And,
        Or => O::Or,
        Xor => O::Xor,
        Min => by_class(O::MinS, O::MinU, O::MinR, O::MinL),
        Max => by_class(O::MaxS, O::MaxU, O::MaxR, O::MaxL),
        ShiftLeft => O::Shl,
        ShiftRight => O::Shr,
        RotateLeft => O::Rol,
        RotateRight => O::Ror,
    }
}

/// The opcode for `op` on an operand of `ty`; `None` where it changes nothing.
pub(crate) fn unary_opcode(op: UnaryOp, ty: Elementary) -> Option<Opcode> {
    use Opcode as O;
    Some(match (op, ty) {
        (UnaryOp::Not, _) => O::Not,
        (UnaryOp::Negate, Elementary::Real) => O::NegR,
        (UnaryOp::Negate, Elementary::Lreal) => O::NegL,
        (UnaryOp::Negate, _) => O::NegS,
        (UnaryOp::Abs, Elementary::Real) => O::AbsR,
        (UnaryOp::Abs, Elementary::Lreal) => O::AbsL,
        (UnaryOp::Abs, _) if ty.is_signed() => O::AbsS,
        (UnaryOp::Abs, _) => return None,
        (UnaryOp::Sqrt, _) => O::SqrtR,
    })
}

/// The opcode for `op` on operands of `ty`.
pub(crate) fn compare_opcode(op: CompareOp, ty: Elementary) -> Opcode {
    use CompareOp::*;
    use Opcode as O;
    match (op, ty) {
        (Equal, Elementary::Real) => O::EqR,
        (Equal, Elementary::Lreal) => O::EqL,
        (Equal, _) => O::Eq,
        (NotEqual, Elementary::Real) => O::NeR,
        (NotEqual, Elementary::Lreal) => O::NeL,
        (NotEqual, _) => O::Ne,
        (Less, Elementary::Real) => O::LtR,
        (Less, Elementary::Lreal) => O::LtL,
        (Less, _) if ty.is_signed() => O::LtS,
        (Less, _) => O::LtU,
        (LessEqual, Elementary::Real) => O::LeR,
        (LessEqual, Elementary::Lreal) => O::LeL,
        (LessEqual, _) if ty.is_signed() => O::LeS,
        (LessEqual, _) => O::LeU,
    }
}

/// One instruction of a conversion, with its second operand where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) code: Opcode,
    /// The instruction's type.
    pub(crate) ty: Elementary,
    /// Type of the result.
    pub(crate) result: Elementary,
    /// Type and value of the operand `b`.
    pub(crate) operand: Option<(Elementary, u64)>,
}

impl Step {
    fn plain(code: Opcode, ty: Elementary) -> Self {
        Self {
            code,
            ty,
            result: ty,
            operand: None,
        }
    }

    fn with(code: Opcode, ty: Elementary, operand: u64) -> Self {
        Self {
            code,
            ty,
            result: ty,
            operand: Some((ty, operand)),
        }
    }
}

/// The instructions that convert `from` to `to`.
pub(crate) fn conversion_steps(mode: Conversion, from: Elementary, to: Elementary) -> Vec<Step> {
    use Elementary::{Bool, Lint, Lreal, Real};
    let wrap = |ty: Elementary| {
        Step::plain(
            if ty.is_signed() {
                Opcode::WrapS
            } else {
                Opcode::WrapU
            },
            ty,
        )
    };
    if from == to {
        return Vec::new();
    }
    match mode {
        Conversion::Reinterpret => return vec![Step::plain(Opcode::Reinterpret, to)],
        Conversion::Nanoseconds => return vec![wrap(to)],
        Conversion::Value | Conversion::Truncate => {}
    }
    if to == Bool {
        let code = compare_opcode(CompareOp::NotEqual, from);
        return vec![Step {
            code,
            ty: from,
            result: Bool,
            operand: Some((from, 0)),
        }];
    }
    let mut steps = Vec::new();
    // Everything that has to do with a real passes through LREAL, which holds a REAL exactly.
    match (from, to) {
        (Real, Lreal) => steps.push(Step::plain(Opcode::RToL, Lreal)),
        (Lreal, Real) => steps.push(Step::plain(Opcode::LToR, Real)),
        (Real | Lreal, _) => {
            if from == Real {
                steps.push(Step::plain(Opcode::RToL, Lreal));
            }
            if let Some(unit_ns) = to.number_unit_ns() {
                let unit = (unit_ns as f64).to_bits();
                steps.push(Step::with(Opcode::MulL, Lreal, unit));
            }
            let code = match (mode, to.is_signed()) {
                (Conversion::Truncate, true) => Opcode::TruncS,
                (Conversion::Truncate, false) => Opcode::TruncU,
                (_, true) => Opcode::RoundS,
                (_, false) => Opcode::RoundU,
            };
            steps.push(Step::plain(code, to));
        }
        (_, Real | Lreal) if from.number_unit_ns().is_some() => {
            let unit = (from.number_unit_ns().unwrap_or(1) as f64).to_bits();
            steps.push(Step::plain(Opcode::SToL, Lreal));
            steps.push(Step::with(Opcode::DivL, Lreal, unit));
            if to == Real {
                steps.push(Step::plain(Opcode::LToR, Real));
            }
        }
        (_, Real) if from.is_signed() => steps.push(Step::plain(Opcode::SToR, Real)),
        (_, Real) => steps.push(Step::plain(Opcode::UToR, Real)),
        (_, Lreal) if from.is_signed() => steps.push(Step::plain(Opcode::SToL, Lreal)),
        (_, Lreal) => steps.push(Step::plain(Opcode::UToL, Lreal)),
        _ => match (from.number_unit_ns(), to.number_unit_ns()) {
            // Between two counts of nanoseconds the number stays.
            (Some(_), Some(_)) | (None, None) => steps.push(wrap(to)),
            (Some(unit_ns), None) => {
                let unit = unit_ns.cast_unsigned();
                steps.extend([wrap(Lint), Step::with(Opcode::DivS, Lint, unit)]);
                steps.extend((to != Lint).then(|| wrap(to)));
            }
            (None, Some(unit_ns)) => {
                let unit = unit_ns.cast_unsigned();
                steps.extend((from != Lint).then(|| wrap(Lint)));
                steps.extend([Step::with(Opcode::MulS, Lint, unit), wrap(to)]);
            }
        },
    }
    steps
}
