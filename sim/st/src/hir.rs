//! The program after checking: every name resolved to a slot, every expression typed.
//!
//! **Invariants:** all types agree, so that code generation cannot fail; offsets are in slots from the beginning of the frame of the POU they stand in.

use crate::ast::PouKind;
use crate::bytecode::{MathFunction, Opcode};
use crate::image::Address;
use crate::standard_fb::StandardFb;
use crate::types::{Elementary, NANOS_PER_MILLI};

/// All that is compiled together.
pub(crate) struct Unit {
    /// In the order of the source.
    pub(crate) pous: Vec<Pou>,
    /// Indices of `pous`: callee before caller, the type of an instance before its owner.
    pub(crate) order: Vec<usize>,
    /// Index of the one PROGRAM.
    pub(crate) program: usize,
    pub(crate) located: Vec<LocatedVariable>,
    pub(crate) variables: Vec<Variable>,
}

/// A program organization unit.
pub(crate) struct Pou {
    pub(crate) name: String,
    pub(crate) kind: PouKind,
    pub(crate) frame: Frame,
    /// Ranges of the frame `(offset, length)` that return to their initial value in each call.
    pub(crate) reset: Vec<(u32, u32)>,
    pub(crate) body: Vec<Stmt>,
    pub(crate) end_line: u32,
}

/// The slots of one instance (or of a function's one frame).
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) types: Vec<Elementary>,
    /// Initial values in slot form; as long as `types`.
    pub(crate) init: Vec<u64>,
}

/// A variable of the PROGRAM that is tied to the image.
pub(crate) struct LocatedVariable {
    pub(crate) name: String,
    pub(crate) address: Address,
    pub(crate) offset: u32,
    pub(crate) ty: Elementary,
    pub(crate) has_init: bool,
}

/// A variable that tools may watch, with its path from the PROGRAM.
pub(crate) struct Variable {
    pub(crate) path: String,
    pub(crate) offset: u32,
    pub(crate) ty: Elementary,
    /// Lowest index and length of an ARRAY.
    pub(crate) array: Option<(i64, u32)>,
    pub(crate) retain: bool,
}

/// A slot that holds an elementary value.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The slot, or the first of the array.
    pub(crate) offset: u32,
    pub(crate) ty: Elementary,
    pub(crate) index: Option<Box<Index>>,
}

/// The element of an array that is only known at run time.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) value: Expr,
    pub(crate) low: i64,
    pub(crate) len: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) ty: Elementary,
    pub(crate) kind: ExprKind,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    /// In slot form.
    Const(u64),
    Load(Place),
    Unary(UnaryOp, Box<Expr>),
    /// Both operands have the type of the result, but for a shift's count.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Both operands have the same type.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    Convert(Conversion, Box<Expr>),
    /// Operand and result are LREAL.
    Math(MathFunction, Box<Expr>),
    /// The second where the BOOL holds, else the first.
    Select {
        condition: Box<Expr>,
        otherwise: Box<Expr>,
        then: Box<Expr>,
    },
    Mux {
        selector: Box<Expr>,
        inputs: Vec<Expr>,
    },
    Call(Box<FunctionCall>),
}

#[derive(Clone, Debug)]
pub(crate) struct FunctionCall {
    pub(crate) pou: usize,
    /// Every input, in the order of evaluation.
    pub(crate) inputs: Vec<(u32, Argument)>,
    pub(crate) outputs: Vec<Transfer>,
    /// Where the function leaves its result.
    pub(crate) result: u32,
}

/// What goes into a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Value(Expr),
    /// A whole array of the caller.
    Block {
        offset: u32,
        len: u32,
    },
}

/// What comes out of a parameter after a call.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// Slot of the parameter in the callee.
    pub(crate) from: u32,
    /// Length of an array; 1 for an elementary value.
    pub(crate) len: u32,
    pub(crate) to: Place,
    /// Type of the parameter, which may be narrower than the target's.
    pub(crate) ty: Elementary,
    pub(crate) negated: bool,
    /// The way back of a VAR_IN_OUT parameter: its target is fixed before the call.
    pub(crate) in_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Negate,
    Not,
    Abs,
    Sqrt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    /// LREAL only.
    Power,
    And,
    Or,
    Xor,
    Min,
    Max,
    ShiftLeft,
    ShiftRight,
    RotateLeft,
    RotateRight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessEqual,
}

/// How a value changes its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// By value; from a real rounding half to even. Whole numbers that do not fit wrap, reals
    /// that do not fit saturate, TIME counts in milliseconds.
    Value,
    /// Like `Value`, but a real loses its fraction.
    Truncate,
    /// Bit by bit.
    Reinterpret,
    /// Between LINT and TIME without a change of the number: nanoseconds.
    Nanoseconds,
}

#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    Assign(Place, Expr),
    CopyArray {
        to: u32,
        from: u32,
        len: u32,
    },
    If {
        arms: Vec<(Expr, Vec<Stmt>)>,
        otherwise: Vec<Stmt>,
    },
    Case {
        selector: Expr,
        arms: Vec<CaseArm>,
        otherwise: Vec<Stmt>,
    },
    For(Box<ForLoop>),
    While(Expr, Vec<Stmt>),
    Repeat(Vec<Stmt>, Expr),
    Exit,
    Continue,
    Return,
    CallBlock(BlockCall),
    /// A function whose result is not used.
    Evaluate(Expr),
}

/// Ranges of labels, both ends in slot form and included, and what they select.
#[derive(Clone, Debug)]
pub(crate) struct CaseArm {
    pub(crate) labels: Vec<(u64, u64)>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct ForLoop {
    pub(crate) control: Place,
    pub(crate) from: Expr,
    pub(crate) to: Expr,
    pub(crate) by: Expr,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct BlockCall {
    pub(crate) target: Block,
    /// First slot of the instance.
    pub(crate) instance: u32,
    /// Slots of the caller's frame that take a value before the call.
    pub(crate) inputs: Vec<(u32, Argument)>,
    /// What is copied from the instance (by slots of the caller's frame) after the call.
    pub(crate) outputs: Vec<Transfer>,
}

/// The type of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Standard(StandardFb),
    /// Index of the POU.
    User(usize),
}

impl Expr {
    pub(crate) fn constant(&self) -> Option<u64> {
        match self.kind {
            ExprKind::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Whether evaluating the expression, or leaving it out, can be noticed otherwise than by its
    /// value: it may trap, or it calls.
    pub(crate) fn is_observable(&self) -> bool {
        match &self.kind {
            ExprKind::Const(_) => false,
            ExprKind::Load(place) => place.index.is_some(),
            ExprKind::Unary(_, inner) | ExprKind::Convert(_, inner) | ExprKind::Math(_, inner) => {
                inner.is_observable()
            }
            ExprKind::Binary(op, left, right) => {
                let divides = *op == BinaryOp::Divide && !self.ty.is_real();
                divides || left.is_observable() || right.is_observable()
            }
            ExprKind::Compare(_, left, right) => left.is_observable() || right.is_observable(),
            ExprKind::Select {
                condition,
                otherwise,
                then,
            } => condition.is_observable() || otherwise.is_observable() || then.is_observable(),
            ExprKind::Mux { .. } | ExprKind::Call(_) => true,
        }
    }

    /// Whether evaluating the expression may change a variable of the caller.
    pub(crate) fn writes(&self) -> bool {
        match &self.kind {
            ExprKind::Const(_) => false,
            ExprKind::Load(place) => place
                .index
                .as_ref()
                .is_some_and(|index| index.value.writes()),
            ExprKind::Unary(_, inner) | ExprKind::Convert(_, inner) | ExprKind::Math(_, inner) => {
                inner.writes()
            }
            ExprKind::Binary(_, left, right) | ExprKind::Compare(_, left, right) => {
                left.writes() || right.writes()
            }
            ExprKind::Select {
                condition,
                otherwise,
                then,
            } => condition.writes() || otherwise.writes() || then.writes(),
            ExprKind::Mux { selector, inputs } => {
                selector.writes() || inputs.iter().any(Expr::writes)
            }
            ExprKind::Call(call) => {
                let argument_writes = |argument: &Argument| match argument {
                    Argument::Value(value) => value.writes(),
                    Argument::Block { .. } => false,
                };
                !call.outputs.is_empty() || call.inputs.iter().any(|(_, arg)| argument_writes(arg))
            }
        }
    }

    /// Whether the expression calls a user's function anywhere.
    pub(crate) fn calls(&self) -> bool {
        match &self.kind {
            ExprKind::Const(_) => false,
            ExprKind::Load(place) => place
                .index
                .as_ref()
                .is_some_and(|index| index.value.calls()),
            ExprKind::Unary(_, inner) | ExprKind::Convert(_, inner) | ExprKind::Math(_, inner) => {
                inner.calls()
            }
            ExprKind::Binary(_, left, right) | ExprKind::Compare(_, left, right) => {
                left.calls() || right.calls()
            }
            ExprKind::Select {
                condition,
                otherwise,
                then,
            } => condition.calls() || otherwise.calls() || then.calls(),
            ExprKind::Mux { selector, inputs } => {
                selector.calls() || inputs.iter().any(Expr::calls)
            }
            ExprKind::Call(_) => true,
        }
    }
}

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
    use Elementary::{Bool, Lint, Lreal, Real, Time};
    let millis = NANOS_PER_MILLI.cast_unsigned();
    let millis_l = (NANOS_PER_MILLI as f64).to_bits();
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
            if to == Time {
                steps.push(Step::with(Opcode::MulL, Lreal, millis_l));
            }
            let code = match (mode, to.is_signed()) {
                (Conversion::Truncate, true) => Opcode::TruncS,
                (Conversion::Truncate, false) => Opcode::TruncU,
                (_, true) => Opcode::RoundS,
                (_, false) => Opcode::RoundU,
            };
            steps.push(Step::plain(code, to));
        }
        (Time, Real | Lreal) => {
            steps.push(Step::plain(Opcode::SToL, Lreal));
            steps.push(Step::with(Opcode::DivL, Lreal, millis_l));
            if to == Real {
                steps.push(Step::plain(Opcode::LToR, Real));
            }
        }
        (_, Real) if from.is_signed() => steps.push(Step::plain(Opcode::SToR, Real)),
        (_, Real) => steps.push(Step::plain(Opcode::UToR, Real)),
        (_, Lreal) if from.is_signed() => steps.push(Step::plain(Opcode::SToL, Lreal)),
        (_, Lreal) => steps.push(Step::plain(Opcode::UToL, Lreal)),
        (Time, _) => {
            steps.extend([wrap(Lint), Step::with(Opcode::DivS, Lint, millis)]);
            steps.extend((to != Lint).then(|| wrap(to)));
        }
        (_, Time) => {
            steps.extend((from != Lint).then(|| wrap(Lint)));
            steps.extend([Step::with(Opcode::MulS, Lint, millis), wrap(Time)]);
        }
        _ => steps.push(wrap(to)),
    }
    steps
}
