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

/// All that was declared in the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    pub(crate) pous: Vec<Pou>,
    pub(crate) types: Vec<TypeDeclaration>,
    /// VAR_GLOBAL outside of a CONFIGURATION, or inside of it and of its RESOURCEs.
    pub(crate) globals: Vec<Section>,
    pub(crate) configurations: Vec<Configuration>,
}

/// `Name : spec := init;` in TYPE.
#[derive(Clone, Debug)]
pub(crate) struct TypeDeclaration {
    pub(crate) name: Name,
    pub(crate) spec: TypeSpec,
    pub(crate) init: Option<Init>,
}

/// `CONFIGURATION ... END_CONFIGURATION`.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) name: Name,
    /// There is one processor, which runs all of them.
    pub(crate) resources: Vec<Name>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) programs: Vec<ProgramInstance>,
    /// VAR_CONFIG.
    pub(crate) inits: Vec<InstanceInit>,
    /// VAR_ACCESS.
    pub(crate) accesses: Vec<AccessPath>,
}

/// `TASK name(INTERVAL := T#10ms, PRIORITY := 1);`.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) name: Name,
    /// Number of the RESOURCE around it.
    pub(crate) resource: Option<usize>,
    pub(crate) settings: Vec<(Name, Expr)>,
}

/// `PROGRAM name WITH task : Type(in := x, out => y);`.
#[derive(Clone, Debug)]
pub(crate) struct ProgramInstance {
    pub(crate) name: Name,
    /// Number of the RESOURCE around it.
    pub(crate) resource: Option<usize>,
    pub(crate) task: Option<Name>,
    pub(crate) ty: Name,
    pub(crate) retain: bool,
    pub(crate) connections: Vec<Argument>,
}

/// `path AT %IX0.0 : BOOL := TRUE;` in VAR_CONFIG.
#[derive(Clone, Debug)]
pub(crate) struct InstanceInit {
    pub(crate) path: Path,
    /// The direct address, as written.
    pub(crate) at: Option<Name>,
    pub(crate) ty: TypeSpec,
    pub(crate) init: Option<Init>,
}

/// `name : path : INT READ_WRITE;` in VAR_ACCESS.
#[derive(Clone, Debug)]
pub(crate) struct AccessPath {
    pub(crate) name: Name,
    pub(crate) path: Path,
    pub(crate) ty: TypeSpec,
    pub(crate) writable: bool,
}

/// The way from a CONFIGURATION to a variable: `resource.program.block.member[1]`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Never empty.
    pub(crate) parts: Vec<PathPart>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum PathPart {
    Name(Name),
    /// A direct address, as written.
    Direct(Name),
    Index(Vec<Expr>, Span),
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
    /// A body in Sequential Function Chart, until [`crate::sfc`] has made statements of it.
    pub(crate) chart: Option<Chart>,
    /// How often the body names a member ENO.
    pub(crate) enos: u32,
    /// Where the POU ends, for the place of its last instruction.
    pub(crate) end: Span,
}

/// A body in Sequential Function Chart (IEC 61131-3:2013, 6.7).
#[derive(Clone, Debug, Default)]
pub(crate) struct Chart {
    pub(crate) steps: Vec<Step>,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) actions: Vec<Action>,
    /// An element could not be read, so that what is missing may be in it.
    pub(crate) broken: bool,
}

/// `STEP name: ... END_STEP`.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: Name,
    pub(crate) initial: bool,
    pub(crate) associations: Vec<Association>,
}

/// `action(D, T#5s, indicator);` in a step.
#[derive(Clone, Debug)]
pub(crate) struct Association {
    /// An ACTION of the chart, or a BOOL.
    pub(crate) action: Name,
    /// `N` where none is written.
    pub(crate) qualifier: Name,
    pub(crate) time: Option<Expr>,
    pub(crate) indicators: Vec<Name>,
}

/// `TRANSITION name (PRIORITY := 1) FROM a TO (b, c) := condition; END_TRANSITION`.
#[derive(Clone, Debug)]
pub(crate) struct Transition {
    pub(crate) name: Option<Name>,
    pub(crate) priority: Option<Expr>,
    pub(crate) from: Vec<Name>,
    pub(crate) to: Vec<Name>,
    pub(crate) condition: Condition,
    pub(crate) span: Span,
}

/// When a transition may be cleared.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Value(Expr),
    /// Statements that assign the transition's name, as a network with that name at its end does,
    /// or an Instruction List, whose last result it is.
    Statements(Vec<Stmt>, Option<Expr>),
}

/// `ACTION name: ... END_ACTION`.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) name: Name,
    pub(crate) body: Vec<Stmt>,
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
    External,
    Global,
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
    /// `R_EDGE` or `F_EDGE` behind the type of an input: whether it is the rising one.
    pub(crate) edge: Option<bool>,
}

/// The type of a declaration.
#[derive(Clone, Debug)]
pub(crate) enum TypeSpec {
    Named(Name),
    /// `STRING[20]`.
    Text(Name, Box<Expr>),
    /// `INT(0..100)`.
    Subrange(Name, Box<Expr>, Box<Expr>),
    Array {
        /// Lower and upper bound of each dimension.
        bounds: Vec<(Expr, Expr)>,
        element: Box<TypeSpec>,
        span: Span,
    },
    /// `(Red, Green := 5)`, with the type in front of it where there is one.
    Enumeration {
        base: Option<Name>,
        values: Vec<(Name, Option<Expr>)>,
        span: Span,
    },
    Struct(Vec<Declaration>, Span),
}

impl TypeSpec {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Named(name) | Self::Text(name, _) | Self::Subrange(name, ..) => name.span,
            Self::Array { span, .. } | Self::Enumeration { span, .. } | Self::Struct(_, span) => {
                *span
            }
        }
    }
}

/// An initial value.
#[derive(Clone, Debug)]
pub(crate) enum Init {
    Value(Expr),
    /// `[1, 3(0)]`: each value with its repetition.
    Array(Vec<(Option<Init>, Option<Expr>)>, Span),
    /// `(PT := T#5s)`.
    Members(Vec<(Name, Init)>, Span),
}

impl Init {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Value(value) => value.span,
            Self::Array(_, span) | Self::Members(_, span) => *span,
        }
    }
}

/// A variable as it is referred to: `a`, `t.Q`, `a[i]`, `%IX0.0`.
#[derive(Clone, Debug)]
pub(crate) enum Reference {
    Name(Name),
    /// A direct address, as written.
    Direct(Name),
    Member(Box<Reference>, Name),
    /// `a[i, j]`.
    Index(Box<Reference>, Vec<Expr>, Span),
    /// `w.3`, `w.%B1`: a part of a bit string, by its size in bits and its number.
    Part {
        base: Box<Reference>,
        bits: u32,
        number: u32,
        span: Span,
    },
}

impl Reference {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Name(name) | Self::Direct(name) => name.span,
            Self::Member(base, name) => base.span().to(name.span),
            Self::Index(_, _, span) | Self::Part { span, .. } => *span,
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
    /// A duration or date with its type, ns.
    Nanos(crate::types::Elementary, i64),
    /// A text: whether it is wide, and its characters.
    Text(bool, Vec<u16>),
    /// `Color#Red`.
    Enumerator(Name, Name),
    /// `INT#5`: the type's name and the literal.
    Typed(Name, Box<Expr>),
    Reference(Reference),
    Call(Name, Vec<Argument>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// The current result behind a label, as [`StmtKind::Carry`] left it.
    Carried(u32),
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
    /// Whether the result is a BOOL that says how two values relate.
    pub(crate) fn compares(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }

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
    /// What RETURN leaves: the body of an action.
    Scope(Vec<Stmt>),
    /// Something whose value nobody uses.
    Evaluate(Expr),
    /// What an Instruction List has as its current result on the way to a label.
    Carry(u32, Expr),
    /// Where a jump of an Instruction List goes; numbers are unique in a file.
    Label(u32),
    Jump(u32),
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
