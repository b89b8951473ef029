//! The program as it was written, before anything is looked up.
//!
//! **Invariant:** nesting is bounded by the parser, so that the later passes may recurse over it.

use crate::diagnostic::Span;

/// A name with its place.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// As written.
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Name {
    /// The form that identifies: names do not distinguish case (IEC 61131-3:2013, 6.1.2).
    pub(crate) fn key(&self) -> String {
        self.text.to_ascii_uppercase()
    }
}

/// A program organization unit.
#[derive(Clone, Debug)]
pub(crate) struct Pou {
    pub(crate) kind: PouKind,
    pub(crate) name: Name,
    /// Type of a FUNCTION's result.
    pub(crate) result: Option<TypeSpec>,
    pub(crate) sections: Vec<Section>,
    pub(crate) body: Vec<Stmt>,
    /// Where the POU ends, for the place of its last instruction.
    pub(crate) end: Span,
}

/// What a program organization unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum PouKind {
    /// Runs once per scan of its task.
    Program = 0,
    /// Keeps its state in instances.
    FunctionBlock = 1,
    /// Keeps no state.
    Function = 2,
}

impl PouKind {
    /// The keyword that declares it.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Program => "PROGRAM",
            Self::FunctionBlock => "FUNCTION_BLOCK",
            Self::Function => "FUNCTION",
        }
    }
}

/// What a block of declarations declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Var,
    Input,
    Output,
    InOut,
    Temp,
}

/// `VAR ... END_VAR`.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    pub(crate) constant: bool,
    pub(crate) retain: bool,
    pub(crate) declarations: Vec<Declaration>,
}

/// `a, b AT %IX0.0 : BOOL := TRUE;`.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    pub(crate) names: Vec<Name>,
    /// The direct address, as written.
    pub(crate) at: Option<Name>,
    pub(crate) ty: TypeSpec,
    pub(crate) init: Option<Init>,
}

/// The type of a declaration.
#[derive(Clone, Debug)]
pub(crate) enum TypeSpec {
    Named(Name),
    Array {
        low: Expr,
        high: Expr,
        element: Name,
        span: Span,
    },
}

/// An initial value.
#[derive(Clone, Debug)]
pub(crate) enum Init {
    Value(Expr),
    /// `[1, 3(0)]`: each value with its repetition.
    Array(Vec<(Option<Expr>, Option<Expr>)>, Span),
    /// `(PT := T#5s)`.
    Members(Vec<(Name, Init)>, Span),
}

/// A variable as it is referred to: `a`, `t.Q`, `a[i]`, `%IX0.0`.
#[derive(Clone, Debug)]
pub(crate) enum Reference {
    Name(Name),
    /// A direct address, as written.
    Direct(Name),
    Member(Box<Reference>, Name),
    Index(Box<Reference>, Box<Expr>, Span),
}

impl Reference {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Name(name) | Self::Direct(name) => name.span,
            Self::Member(base, name) => base.span().to(name.span),
            Self::Index(_, _, span) => *span,
        }
    }
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Bool(bool),
    Integer(i128),
    Real(f64),
    /// ns.
    Duration(i64),
    /// `INT#5`: the type's name and the literal.
    Typed(Name, Box<Expr>),
    Reference(Reference),
    Call(Name, Vec<Argument>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Something that was already reported.
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Negate,
    Plus,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

impl BinaryOp {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::Xor => "XOR",
            Self::And => "AND",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "MOD",
            Self::Power => "**",
        }
    }
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    /// `x`.
    Positional(Expr),
    /// `IN := x`.
    Input(Name, Expr),
    /// `Q => y`, or `NOT Q => y`.
    Output {
        name: Name,
        negated: bool,
        target: Reference,
    },
}

impl Argument {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Positional(value) => value.span,
            Self::Input(name, value) => name.span.to(value.span),
            Self::Output { name, target, .. } => name.span.to(target.span()),
        }
    }
}

/// A statement.
#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    Assign(Reference, Expr),
    /// A call of an instance, or of a function whose result is not used.
    Call(Reference, Vec<Argument>),
    If {
        arms: Vec<(Expr, Vec<Stmt>)>,
        otherwise: Vec<Stmt>,
    },
    Case {
        selector: Expr,
        arms: Vec<(Vec<CaseLabel>, Vec<Stmt>)>,
        otherwise: Vec<Stmt>,
    },
    For {
        control: Name,
        from: Expr,
        to: Expr,
        by: Option<Expr>,
        body: Vec<Stmt>,
    },
    While(Expr, Vec<Stmt>),
    Repeat(Vec<Stmt>, Expr),
    Exit,
    Continue,
    Return,
}

/// `5` or `1..4`.
#[derive(Clone, Debug)]
pub(crate) struct CaseLabel {
    pub(crate) low: Expr,
    pub(crate) high: Option<Expr>,
}
