//! IEC 61131-3 Structured Text, from source to a verified virtual machine.
//!
//! [`compile`] takes a source through lexer, parser, checker and code generation to a [`Program`];
//! a [`Machine`] runs it scan by scan on a process [`Image`]. A program travels as bytes
//! ([`Program::to_bytes`]) and is verified when it arrives ([`Program::from_bytes`]), so that a
//! forged one can do no more harm than a badly written one.
//!
//! # Choices that the standard leaves to the implementer
//!
//! - Integers wrap on overflow. Dividing an integer by zero traps; `MOD` by zero is 0, as the
//!   standard defines it. Reals follow IEEE 754, with a single NaN.
//! - A real that does not fit an integer saturates; NaN becomes 0. Conversions round half to even.
//! - TIME has 64 bits and counts nanoseconds; it meets numbers, and registers, in milliseconds.
//! - AND and OR on BOOL leave out the right side when the left one decides.
//! - The bounds of a FOR loop are evaluated once; behind the loop its variable is one step beyond.
//! - VAR_IN_OUT copies in and out, with variables shared between parameters forbidden.
//! - STRING has 254 characters where no length is given; what is too long is cut off silently.
//! - Dates count nanoseconds in 64 bits; a value outside a subrange traps when it is assigned.
//! - Global variables are visible without VAR_EXTERNAL; tasks run by priority within one fuel.
//! - `F_TRIG` fires in its first call with a FALSE input, as Table 44 notes.
//!
//! # Scan time
//!
//! Fuel is scan time in nanoseconds. Costs follow a small modular controller: 60 ns for a bit
//! operation, jump or return, 72 ns for a move, shift or conversion between integers, 96 ns for
//! integer arithmetic, comparison and indexing, 384 ns for real arithmetic and conversion, 1536 ns
//! for SQRT, SIN and the like, 1440 ns for a call.
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//! use sim_st::{Image, Machine, compile};
//!
//! let source = "
//!     PROGRAM Fill
//!     VAR
//!         level_low AT %IX0.0 : BOOL;
//!         valve AT %QX0.0 : BOOL;
//!         delay : TON;
//!     END_VAR
//!         delay(IN := level_low, PT := T#100ms);
//!         valve := delay.Q;
//!     END_PROGRAM";
//! let program = Arc::new(compile(source, "fill.st").expect("the program is right"));
//! let mut machine = Machine::new(program);
//! let mut image = Image::new();
//! image.ix[0] = true;
//! for now_ms in [0, 50, 100] {
//!     let report = machine.scan(&mut image, now_ms * 1_000_000, 1_000_000);
//!     assert_eq!(report.trap, None);
//!     assert_eq!(image.qx[0], now_ms == 100);
//! }
//! ```

mod annex;
mod ast;
mod bytecode;
mod calendar;
mod check;
mod codegen;
mod compare;
mod container;
mod diagnostic;
mod format;
mod hir;
mod image;
mod intrinsic;
mod lexer;
mod literal;
mod parser;
pub mod problems;
mod program;
mod semantics;
mod sfc;
mod standard_fb;
mod suggest;
mod transfer;
mod types;
mod value;
mod verifier;
mod vm;

pub use ast::PouKind;
pub use compare::Changes;
pub use container::{AccessPath, ArrayInfo, Located, VariableInfo, VerifyError, reseal};
pub use diagnostic::{Diagnostic, Span};
pub use format::format;
pub use image::{Address, Area, Image, Width};
pub use problems::explain;
pub use program::{PouInfo, Program, TaskInfo};
pub use types::Elementary;
pub use value::Value;
pub use verifier::Fault;
pub use vm::{FaultRecord, Machine, ScanReport, Trap, WriteError};

use std::collections::BTreeSet;

use diagnostic::{Sink, SourceText};
use lexer::TokenKind;

/// Longest source that is compiled, bytes; a controller has no room for more.
const MAX_SOURCE_LEN: usize = 4 << 20;

/// Compiles a source file with one PROGRAM, or with a CONFIGURATION.
///
/// # Arguments
///
/// * `source` — the text; line ends may be LF or CR LF.
/// * `file_name` — for diagnostics and the container; nothing is read from there.
///
/// # Errors
///
/// Every mistake that was found, in the order of the source; never empty.
pub fn compile(source: &str, file_name: &str) -> Result<Program, Vec<Diagnostic>> {
    compile_all(&[(source, file_name)])
}

/// Compiles several source files into one program. What one declares, all know.
///
/// # Arguments
///
/// * `sources` — text and file name of each, as for [`compile`]. Their order is the order of
///   declaration: it decides about the container's bytes, not about what the program does.
///
/// # Errors
///
/// Every mistake that was found, in the order of the sources; never empty.
///
/// # Examples
///
/// ```
/// let library = "FUNCTION Twice : INT VAR_INPUT x : INT; END_VAR Twice := 2 * x; END_FUNCTION";
/// let main = "PROGRAM Main VAR y : INT; END_VAR y := Twice(4); END_PROGRAM";
/// let program = sim_st::compile_all(&[(library, "library.st"), (main, "main.st")]);
/// assert_eq!(program.expect("both are right").file_names(), ["library.st", "main.st"]);
/// ```
pub fn compile_all(sources: &[(&str, &str)]) -> Result<Program, Vec<Diagnostic>> {
    compile_for(Purpose::Run, sources).map(|compilation| compilation.program)
}

/// What a program is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// One PROGRAM, or a CONFIGURATION that says what runs.
    Run,
    /// As it stands: a library without a PROGRAM too, or several that no CONFIGURATION schedules.
    /// What there is of them runs in the order of the text.
    Check,
}

/// A program, and what is doubtful about its source.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The program.
    pub program: Program,
    /// What was understood otherwise than the standard says, in the order of the sources.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles several source files into one program, as [`compile_all`] does, and tells what is doubtful.
///
/// # Errors
///
/// Every mistake that was found, in the order of the sources; never empty.
///
/// # Examples
///
/// ```
/// use sim_st::{Purpose, compile_for};
///
/// let source = "FUNCTION Twice : INT VAR_INPUT x : INT; END_VAR x := 2 * x; Twice := x; END_FUNCTION";
/// let checked = compile_for(Purpose::Check, &[(source, "library.st")]).expect("it is right");
/// assert_eq!(checked.warnings[0].code, "ST0610"); // An input is assigned.
/// assert!(compile_for(Purpose::Run, &[(source, "library.st")]).is_err());
/// ```
pub fn compile_for(
    purpose: Purpose,
    sources: &[(&str, &str)],
) -> Result<Compilation, Vec<Diagnostic>> {
    let len: usize = sources.iter().map(|(source, _)| source.len()).sum();
    // A text that is too long is not read at all.
    let (mut sources, too_long) = match sources {
        [(_, name), ..] if len > MAX_SOURCE_LEN => (vec![("", *name)], true),
        _ => (sources.to_vec(), false),
    };
    let text = SourceText::new(&sources);
    let mut sink = Sink::new(&text);
    if too_long {
        let message = format!("the source is longer than {MAX_SOURCE_LEN} bytes");
        sink.report(problems::TOO_LARGE, Span::default(), message);
        return Err(sink.into_sorted());
    }
    let mut library = ast::Library::default();
    let mut mentioned = BTreeSet::new();
    for file in text.ranges() {
        let end = file.end;
        let tokens = lexer::lex(&mut sink, file);
        parser::parse(&tokens, end, &mut library, &mut sink);
        mentioned.extend(mentioned_blocks(&tokens, sink.source()));
    }
    let annex = annex::text_for(&mentioned, &library);
    if !annex.is_empty() {
        sources.push((&annex, annex::FILE));
        return compile_for(purpose, &sources);
    }
    sfc::lower(&mut library, &mut sink);
    let Some(unit) = check::check(&library, purpose, &mut sink) else {
        return Err(sink.into_sorted());
    };
    let module = codegen::generate(&unit, text.file_names());
    match Program::from_module(module) {
        Ok(program) => Ok(Compilation {
            program,
            warnings: sink.into_warnings(),
        }),
        // The only limits that the checker cannot see beforehand.
        Err(VerifyError::Rejected(Fault::TooLarge | Fault::Calls)) => {
            let message =
                "the program needs more memory, instructions or nested calls than there are";
            sink.report(problems::TOO_LARGE, Span::default(), message);
            Err(sink.into_sorted())
        }
        Err(error) => unreachable!("generated code passes the verifier: {error}"),
    }
}

/// The blocks of Annex F whose names stand in the place of a type.
fn mentioned_blocks(tokens: &[lexer::Token], text: &str) -> BTreeSet<&'static str> {
    use lexer::{Keyword, TokenKind as Kind};
    let each = || tokens.iter().filter(|token| !token.is_trivia());
    let types = each().zip(each().skip(1)).filter(|(before, token)| {
        matches!(before.kind, Kind::Symbol(":") | Kind::Keyword(Keyword::Of))
            && token.kind == Kind::Identifier
    });
    let blocks = types.filter_map(|(_, token)| annex::block(token.span.text(text)));
    blocks.map(|block| block.name).collect()
}

/// Whether a standard function block has this name, in any case: `TON`, `TON_LTIME`, `CTU_DINT`.
///
/// # Examples
///
/// ```
/// assert!(sim_st::is_standard_block("ton_ltime"));
/// assert!(!sim_st::is_standard_block("TON_DINT"));
/// ```
#[must_use]
pub fn is_standard_block(name: &str) -> bool {
    annex::block(name).is_some() || standard_block(name).is_some()
}

/// The type of an input or output of a standard function block, both by their names in any case.
///
/// # Examples
///
/// ```
/// use sim_st::{Elementary, standard_block_parameter};
///
/// assert_eq!(standard_block_parameter("CTU_DINT", "CV"), Some(Elementary::Dint));
/// assert_eq!(standard_block_parameter("TON_LTIME", "et"), Some(Elementary::Ltime));
/// assert_eq!(standard_block_parameter("TON", "CV"), None);
/// ```
#[must_use]
pub fn standard_block_parameter(block: &str, parameter: &str) -> Option<Elementary> {
    match annex::block(block) {
        Some(block) => block.parameter(parameter),
        None => standard_block(block)?.parameter(&parameter.to_ascii_uppercase()),
    }
}

fn standard_block(name: &str) -> Option<standard_fb::StandardFb> {
    // The blocks that the compiler makes for itself have names that no source can write.
    let nameable = !name.starts_with('$');
    let key = name.to_ascii_uppercase();
    standard_fb::StandardFb::from_key(&key).filter(|_| nameable)
}

/// The pragmas `{...}` of a text, braces included, in its order. The compiler skips them.
///
/// Pragmas inside of comments and of string literals are none, as for [`compile`]. What is no text of
/// the language does no harm; mistakes are not reported here.
///
/// # Examples
///
/// ```
/// let text = "x := '{a}'; (* {b} (* *) {c} *) {d} // {e}";
/// let found = sim_st::pragmas(text);
/// assert_eq!(found.len(), 1);
/// assert_eq!(&text[found[0].start as usize..found[0].end as usize], "{d}");
/// ```
#[must_use]
pub fn pragmas(text: &str) -> Vec<Span> {
    tokens(text, |kind, _| kind == TokenKind::Pragma)
}

/// The comments of a text that begin with `//` and end with their line, the line end not included.
///
/// # Examples
///
/// ```
/// let text = "x := '//'; (* // *) y // why";
/// let found = sim_st::line_comments(text);
/// assert_eq!(found.len(), 1);
/// assert_eq!(&text[found[0].start as usize..], "// why");
/// ```
#[must_use]
pub fn line_comments(text: &str) -> Vec<Span> {
    tokens(text, |kind, text| {
        kind == TokenKind::Comment && text.starts_with("//")
    })
}

/// The tokens of a text that are wanted, by what they are and how they are written.
fn tokens(text: &str, wanted: impl Fn(TokenKind, &str) -> bool) -> Vec<Span> {
    let source = SourceText::new(&[(text, "")]);
    let found = lexer::lex(&mut Sink::new(&source), 0..text.len());
    let found = found
        .into_iter()
        .filter(|token| wanted(token.kind, token.span.text(text)));
    found.map(|token| token.span).collect()
}
