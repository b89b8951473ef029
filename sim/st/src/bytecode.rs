//! The instruction set: a typed register code over memory slots.
//!
//! An instruction is 16 bytes: opcode, a type or sub-code, two bytes of zero, and three 32-bit
//! operands `d`, `a`, `b`. An operand names a 64-bit memory slot, either absolute or, with
//! [`RELATIVE`] set, counted from the base of the instance whose code runs. There is no stack of
//! values: temporaries are slots too, each with one type for good. That makes the verifier a single
//! linear pass, and lets `x := a + b` be one instruction.
//!
//! **Invariant:** an opcode's [`Form`] says everything the verifier must check for it, and
//! its [`Opcode::cost_ns`] everything the scan time model charges for it.

use crate::types::Elementary;

/// Marks an operand as counted from the base of the running instance.
pub(crate) const RELATIVE: u32 = 1 << 31;

/// A set of elementary types, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u32);

impl Types {
    const fn of(types: &[Elementary]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < types.len() {
            bits |= 1 << types[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn contains(self, ty: Elementary) -> bool {
        self.0 & (1 << ty as u8) != 0
    }
}

use Elementary as E;
const BOOL: Types = Types::of(&[E::Bool]);
const SIGNED: Types = Types::of(&[
    E::Sint,
    E::Int,
    E::Dint,
    E::Lint,
    E::Time,
    E::Ltime,
    E::Date,
    E::Ldate,
    E::Tod,
    E::Ltod,
    E::Dt,
    E::Ldt,
]);
const UNSIGNED: Types = Types::of(&[E::Usint, E::Uint, E::Udint, E::Ulint]);
const STRINGS: Types = Types::of(&[E::Byte, E::Word, E::Dword, E::Lword]);
const REAL: Types = Types::of(&[E::Real]);
const LREAL: Types = Types::of(&[E::Lreal]);
/// Characters, which are natural numbers to the machine, and the lengths of texts.
const CHARS: Types = Types::of(&[E::Char, E::Wchar, E::String, E::Wstring]);
const NATURAL: Types = UNSIGNED.or(STRINGS).or(BOOL).or(CHARS);
const WHOLE: Types = SIGNED.or(NATURAL);
const ANY: Types = WHOLE.or(REAL).or(LREAL);
/// Types that can index an array or count a shift.
pub(crate) const INTEGERS: Types = Types::of(&[E::Sint, E::Int, E::Dint, E::Lint])
    .or(UNSIGNED)
    .or(STRINGS);

/// What the operands of an instruction are. `ty` is the instruction's own type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `d := a op b`, all of `ty`.
    Binary(Types),
    /// `d := op a`, both of `ty`.
    Unary(Types),
    /// BOOL `d := a op b`, with `a` and `b` of `ty`.
    Compare(Types),
    /// `d := a op b`, `d` and `a` of `ty`, `b` any integer.
    Shift,
    /// `d := a`, `a` of a type in the first set, `d` of `ty` in the second.
    Convert(Types, Types),
    /// `d := a` bit by bit, between a real and the bit string of its width.
    Reinterpret,
    /// `d := a` if BOOL `b`; `d` and `a` of `ty`.
    MoveIf,
    /// LREAL `d := f(a)`, with the function's number in `b`.
    Math,
    /// Goes to instruction `d`.
    Jump,
    /// Goes to instruction `d` by BOOL `a`.
    JumpIf,
    /// `d := array a [b]`, or the reverse.
    LoadIndex,
    StoreIndex,
    /// Copies `b` slots from `a` to `d`.
    Copy,
    /// Calls function `d`.
    CallFunction,
    /// Calls the body of POU `d` on the instance at `a`.
    CallBlock,
    /// Calls the standard block `ty`, in its variant of type `b`, on the instance at `d`.
    CallStandard,
    Return,
    /// `d := path a [b...]`, or the reverse.
    LoadElement,
    StoreElement,
    /// Copies the element of path `a` at `b...` to `d`, or `d` to the element.
    CopyFrom,
    CopyTo,
    /// Traps unless `a` lies between `d` and `b`, all of `ty`.
    Check(Types),
    /// Computes the intrinsic `ty` on the operands of list `d`.
    Intrinsic,
}

/// What an instruction costs, by the kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    Bit,
    Word,
    Integer,
    Float,
    Function,
    Call,
}

macro_rules! opcodes {
    ($($name:ident $form:expr, $cost:ident;)*) => {
        /// An operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Opcode { $($name),* }

        impl Opcode {
            const ALL: &[Opcode] = &[$(Opcode::$name),*];
            const FORMS: &[Form] = &[$($form),*];
            const COSTS: &[Cost] = &[$(Cost::$cost),*];
        }
    };
}

opcodes! {
    Move Form::Unary(ANY), Word;
    MoveIf Form::MoveIf, Word;
    Copy Form::Copy, Word;
    LoadIndex Form::LoadIndex, Integer;
    StoreIndex Form::StoreIndex, Integer;
    // Signed integers and TIME.
    AddS Form::Binary(SIGNED), Integer;
    SubS Form::Binary(SIGNED), Integer;
    MulS Form::Binary(SIGNED), Integer;
    DivS Form::Binary(SIGNED), Integer;
    ModS Form::Binary(SIGNED), Integer;
    MinS Form::Binary(SIGNED), Integer;
    MaxS Form::Binary(SIGNED), Integer;
    NegS Form::Unary(SIGNED), Integer;
    AbsS Form::Unary(SIGNED), Integer;
    LtS Form::Compare(SIGNED), Integer;
    LeS Form::Compare(SIGNED), Integer;
    // Unsigned integers and bit strings.
    AddU Form::Binary(UNSIGNED), Integer;
    SubU Form::Binary(UNSIGNED), Integer;
    MulU Form::Binary(UNSIGNED), Integer;
    DivU Form::Binary(UNSIGNED), Integer;
    ModU Form::Binary(UNSIGNED), Integer;
    MinU Form::Binary(NATURAL), Integer;
    MaxU Form::Binary(NATURAL), Integer;
    LtU Form::Compare(NATURAL), Integer;
    LeU Form::Compare(NATURAL), Integer;
    // All that is not a real.
    Eq Form::Compare(WHOLE), Integer;
    Ne Form::Compare(WHOLE), Integer;
    // REAL.
    AddR Form::Binary(REAL), Float;
    SubR Form::Binary(REAL), Float;
    MulR Form::Binary(REAL), Float;
    DivR Form::Binary(REAL), Float;
    MinR Form::Binary(REAL), Float;
    MaxR Form::Binary(REAL), Float;
    NegR Form::Unary(REAL), Float;
    AbsR Form::Unary(REAL), Float;
    SqrtR Form::Unary(REAL), Function;
    LtR Form::Compare(REAL), Float;
    LeR Form::Compare(REAL), Float;
    EqR Form::Compare(REAL), Float;
    NeR Form::Compare(REAL), Float;
    // LREAL.
    AddL Form::Binary(LREAL), Float;
    SubL Form::Binary(LREAL), Float;
    MulL Form::Binary(LREAL), Float;
    DivL Form::Binary(LREAL), Float;
    MinL Form::Binary(LREAL), Float;
    MaxL Form::Binary(LREAL), Float;
    PowL Form::Binary(LREAL), Function;
    NegL Form::Unary(LREAL), Float;
    AbsL Form::Unary(LREAL), Float;
    LtL Form::Compare(LREAL), Float;
    LeL Form::Compare(LREAL), Float;
    EqL Form::Compare(LREAL), Float;
    NeL Form::Compare(LREAL), Float;
    MathL Form::Math, Function;
    // BOOL and bit strings.
    And Form::Binary(STRINGS.or(BOOL)), Bit;
    Or Form::Binary(STRINGS.or(BOOL)), Bit;
    Xor Form::Binary(STRINGS.or(BOOL)), Bit;
    AndNot Form::Binary(STRINGS.or(BOOL)), Bit;
    OrNot Form::Binary(BOOL), Bit;
    Not Form::Unary(STRINGS.or(BOOL)), Bit;
    Shl Form::Shift, Word;
    Shr Form::Shift, Word;
    Rol Form::Shift, Word;
    Ror Form::Shift, Word;
    // Conversions.
    WrapS Form::Convert(WHOLE, SIGNED), Word;
    WrapU Form::Convert(WHOLE, UNSIGNED.or(STRINGS).or(CHARS)), Word;
    SToR Form::Convert(SIGNED, REAL), Float;
    UToR Form::Convert(NATURAL, REAL), Float;
    SToL Form::Convert(SIGNED, LREAL), Float;
    UToL Form::Convert(NATURAL, LREAL), Float;
    RToL Form::Convert(REAL, LREAL), Float;
    LToR Form::Convert(LREAL, REAL), Float;
    RoundS Form::Convert(LREAL, SIGNED), Float;
    RoundU Form::Convert(LREAL, UNSIGNED.or(STRINGS)), Float;
    TruncS Form::Convert(LREAL, SIGNED), Float;
    TruncU Form::Convert(LREAL, UNSIGNED.or(STRINGS)), Float;
    Reinterpret Form::Reinterpret, Word;
    // Control.
    Jump Form::Jump, Bit;
    JumpIf Form::JumpIf, Bit;
    JumpIfNot Form::JumpIf, Bit;
    CallFunction Form::CallFunction, Call;
    CallBlock Form::CallBlock, Call;
    CallStandard Form::CallStandard, Call;
    Return Form::Return, Bit;
    // Elements behind several indices, or of several slots.
    LoadElement Form::LoadElement, Integer;
    StoreElement Form::StoreElement, Integer;
    CopyFrom Form::CopyFrom, Integer;
    CopyTo Form::CopyTo, Integer;
    CheckS Form::Check(SIGNED), Integer;
    CheckU Form::Check(NATURAL), Integer;
    Intrinsic Form::Intrinsic, Function;
}

impl Opcode {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    pub(crate) fn form(self) -> Form {
        Self::FORMS[self as usize]
    }

    /// Scan time that one execution takes, ns. [`Opcode::Copy`] takes it per slot; what works on
    /// an element of several slots or on texts takes a move per slot besides.
    ///
    /// # Source
    ///
    /// The processing times that Siemens states for the CPU 1511-1 PN (6ES7511-1AK02-0AB0): bit
    /// operations 60 ns, word operations 72 ns, fixed-point arithmetic 96 ns, floating-point
    /// arithmetic 384 ns. Functions are taken as four floating-point operations and calls as
    /// twenty word operations; those two are our estimate.
    pub(crate) fn cost_ns(self) -> u16 {
        match Self::COSTS[self as usize] {
            Cost::Bit => 60,
            Cost::Word => 72,
            Cost::Integer => 96,
            Cost::Float => 384,
            Cost::Function => 1_536,
            Cost::Call => 1_440,
        }
    }

    pub(crate) fn mnemonic(self) -> String {
        format!("{self:?}").to_ascii_lowercase()
    }
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: Opcode,
    /// Number of an [`Elementary`], of a standard block in `CallStandard`, or of an intrinsic.
    pub(crate) ty: u8,
    pub(crate) d: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// Functions of one LREAL.
///
/// **Determinism:** all go through the `libm` crate, which is the same code on every target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum MathFunction {
    Sqrt = 0,
    Ln = 1,
    Log = 2,
    Exp = 3,
    Sin = 4,
    Cos = 5,
    Tan = 6,
    Asin = 7,
    Acos = 8,
    Atan = 9,
}

impl MathFunction {
    const ALL: [Self; 10] = [
        Self::Sqrt,
        Self::Ln,
        Self::Log,
        Self::Exp,
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
    ];

    pub(crate) fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    pub(crate) fn apply(self, x: f64) -> f64 {
        match self {
            Self::Sqrt => libm::sqrt(x),
            Self::Ln => libm::log(x),
            Self::Log => libm::log10(x),
            Self::Exp => libm::exp(x),
            Self::Sin => libm::sin(x),
            Self::Cos => libm::cos(x),
            Self::Tan => libm::tan(x),
            Self::Asin => libm::asin(x),
            Self::Acos => libm::acos(x),
            Self::Atan => libm::atan(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcode_when_read_by_its_number_then_is_itself() {
        for (number, &code) in Opcode::ALL.iter().enumerate() {
            assert_eq!(code as usize, number);
            assert_eq!(Opcode::from_code(code as u8), Some(code));
        }
        assert_eq!(Opcode::from_code(255), None);
    }

    #[test]
    fn math_function_when_read_by_its_number_then_is_itself() {
        for (number, function) in (0u32..).zip(MathFunction::ALL) {
            assert_eq!(MathFunction::from_code(number), Some(function));
        }
    }
}
