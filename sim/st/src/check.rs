//! Names, types, constants and layout: from the syntax tree to the typed program.
//!
//! **Invariant:** when nothing was reported, the result satisfies the invariants of [`crate::hir`];
//! when something was, there is no result. A part that fails is left out and the rest is checked.
//!
//! Source: IEC 61131-3:2013, 6.5 (variables), 6.6 (program organization units).

mod call;
mod declaration;
mod expression;
mod function;
mod located;
mod operator;
mod statement;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use crate::ast::{self, Name, PouKind, SectionKind};
use crate::diagnostic::{Sink, Span};
use crate::hir::{self, Block, Frame};
use crate::image::Address;
use crate::problems;
use crate::standard_fb::{FieldRole, StandardFb};
use crate::types::Elementary;

/// Slots that one POU's frame may have, so that no program outgrows the machine.
const MAX_FRAME_SLOTS: u32 = 1 << 16;

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Type {
    Elementary(Elementary),
    Array {
        element: Elementary,
        low: i64,
        len: u32,
    },
    Block(Block),
}

/// A variable of a POU.
#[derive(Clone, Debug)]
struct Var {
    /// As written.
    name: String,
    ty: Type,
    section: SectionKind,
    retain: bool,
    constant: bool,
    /// Value of an elementary constant, which takes no slot.
    value: Option<u64>,
    offset: u32,
    address: Option<Address>,
    has_init: bool,
}

/// The declarations of a POU.
#[derive(Clone, Debug)]
struct Signature {
    name: String,
    kind: PouKind,
    /// In the order of their declaration.
    vars: Vec<Var>,
    /// Index into `vars` by capitalised name; out of range for a name whose declaration failed.
    by_key: BTreeMap<String, usize>,
    frame: Frame,
    /// Where a FUNCTION leaves its result.
    result: Option<(u32, Elementary)>,
}

impl Signature {
    fn var(&self, key: &str) -> Option<&Var> {
        self.by_key.get(key).and_then(|&at| self.vars.get(at))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.vars.iter().map(|var| var.name.as_str())
    }
}

/// A member of an instance: what a `.` reaches.
struct Member {
    ty: Type,
    role: FieldRole,
    in_out: bool,
    /// From the beginning of the instance.
    offset: u32,
}

/// How far the declarations of a POU are.
#[derive(Clone)]
enum Progress {
    Unseen,
    /// Being laid out; meeting it again means that it contains itself.
    Open,
    Done(Rc<Signature>),
}

struct Checker<'a, 's> {
    pous: &'a [ast::Pou],
    by_key: BTreeMap<String, usize>,
    progress: Vec<Progress>,
    /// Functions and block types that the POU being checked uses.
    uses: Vec<Vec<(usize, Span)>>,
    sink: &'a mut Sink<'s>,
}

/// Checks a whole file; `None` when something was reported.
pub(crate) fn check(pous: &[ast::Pou], sink: &mut Sink<'_>) -> Option<hir::Unit> {
    let mut checker = Checker {
        pous,
        by_key: BTreeMap::new(),
        progress: vec![Progress::Unseen; pous.len()],
        uses: vec![Vec::new(); pous.len()],
        sink,
    };
    checker.collect_names();
    let program = checker.find_program();
    let signatures: Vec<_> = (0..pous.len()).map(|pou| checker.signature(pou)).collect();
    let mut checked = Vec::new();
    let mut located = Vec::new();
    for (index, signature) in signatures.iter().enumerate() {
        let Some(signature) = signature else { continue };
        let (pou, mut places) = checker.body(index, signature);
        checked.push(pou);
        located.append(&mut places);
    }
    let order = checker.callee_first();
    if !checker.sink.is_empty() {
        return None;
    }
    let program = program?;
    let variables = checker.watch_list(signatures.get(program)?.as_ref()?);
    Some(hir::Unit {
        pous: checked,
        order,
        program,
        located,
        variables,
    })
}

impl Checker<'_, '_> {
    fn collect_names(&mut self) {
        for (index, pou) in self.pous.iter().enumerate() {
            let key = pou.name.key();
            if is_reserved(&key) || function::is_standard(&key) {
                let message = format!("`{}` is a name of the standard", pou.name.text);
                self.sink
                    .report(problems::RESERVED_NAME, pou.name.span, message);
            }
            match self.by_key.entry(key) {
                Entry::Occupied(_) => {
                    let message = format!("`{}` is declared twice", pou.name.text);
                    self.sink
                        .report(problems::DUPLICATE, pou.name.span, message);
                }
                Entry::Vacant(place) => {
                    place.insert(index);
                }
            }
        }
    }

    fn find_program(&mut self) -> Option<usize> {
        let is_program = |pou: &ast::Pou| pou.kind == PouKind::Program;
        let first = self.pous.iter().position(is_program);
        if first.is_none() && self.sink.is_empty() {
            let end = self.sink.source().len();
            self.sink.report(
                problems::NO_PROGRAM,
                Span::new(end, end),
                "the file has no PROGRAM",
            );
        }
        for pou in self.pous.iter().filter(|pou| is_program(pou)).skip(1) {
            let message = format!("`{}` is a second PROGRAM", pou.name.text);
            self.sink
                .report(problems::NO_PROGRAM, pou.name.span, message);
        }
        first
    }

    /// The POUs so that each comes after all that it uses; reports functions that call each other
    /// in a circle. (Blocks that contain each other are found when they are laid out.)
    fn callee_first(&mut self) -> Vec<usize> {
        let mut order = Vec::new();
        // 0 is unseen, 1 is on the path from a root, 2 is done.
        let mut marks = vec![0u8; self.pous.len()];
        for root in 0..self.pous.len() {
            if marks[root] != 0 {
                continue;
            }
            marks[root] = 1;
            let mut path = vec![(root, 0)];
            while let Some((pou, next)) = path.last_mut() {
                let Some(&(used, span)) = self.uses[*pou].get(*next) else {
                    marks[*pou] = 2;
                    order.push(*pou);
                    path.pop();
                    continue;
                };
                *next += 1;
                if marks[used] == 1 && self.pous[used].kind == PouKind::Function {
                    let message = format!("`{}` calls itself", self.pous[used].name.text);
                    self.sink.report(problems::RECURSION, span, message);
                } else if marks[used] == 0 {
                    marks[used] = 1;
                    path.push((used, 0));
                }
            }
        }
        order
    }

    /// The members of an instance type by capitalised name.
    fn member(&mut self, block: Block, key: &str) -> Option<Member> {
        match block {
            Block::Standard(standard) => {
                let fields = standard.fields();
                let at = fields.iter().position(|field| field.name == key)?;
                if fields[at].role == FieldRole::Hidden {
                    return None;
                }
                let (ty, role) = (Type::Elementary(fields[at].ty), fields[at].role);
                Some(Member {
                    ty,
                    role,
                    in_out: false,
                    offset: u32::try_from(at).ok()?,
                })
            }
            Block::User(pou) => {
                let signature = self.signature(pou)?;
                let var = signature.var(key)?;
                let role = match var.section {
                    SectionKind::Input | SectionKind::InOut => FieldRole::Input,
                    SectionKind::Output => FieldRole::Output,
                    SectionKind::Var | SectionKind::Temp => FieldRole::Hidden,
                };
                let in_out = var.section == SectionKind::InOut;
                Some(Member {
                    ty: var.ty,
                    role,
                    in_out,
                    offset: var.offset,
                })
            }
        }
    }

    /// Names of the members of an instance type that a program may use.
    fn member_names(&mut self, block: Block) -> Vec<String> {
        match block {
            Block::Standard(standard) => {
                let visible = |field: &&crate::standard_fb::Field| field.role != FieldRole::Hidden;
                standard
                    .fields()
                    .iter()
                    .filter(visible)
                    .map(|f| f.name.to_owned())
                    .collect()
            }
            Block::User(pou) => {
                let Some(signature) = self.signature(pou) else {
                    return Vec::new();
                };
                let visible =
                    |var: &&Var| !matches!(var.section, SectionKind::Var | SectionKind::Temp);
                signature
                    .vars
                    .iter()
                    .filter(visible)
                    .map(|var| var.name.clone())
                    .collect()
            }
        }
    }

    fn block_name(&self, block: Block) -> String {
        match block {
            Block::Standard(standard) => standard.name(),
            Block::User(pou) => self.pous[pou].name.text.clone(),
        }
    }

    fn type_name(&self, ty: Type) -> String {
        match ty {
            Type::Elementary(ty) => ty.to_string(),
            Type::Array { element, low, len } => {
                format!("ARRAY[{low}..{}] OF {element}", low + i64::from(len) - 1)
            }
            Type::Block(block) => self.block_name(block),
        }
    }

    /// All that tools may watch, by path from the PROGRAM.
    fn watch_list(&mut self, program: &Signature) -> Vec<hir::Variable> {
        let mut list = Vec::new();
        self.watch(program, "", 0, false, &mut list);
        list
    }

    fn watch(
        &mut self,
        signature: &Signature,
        prefix: &str,
        base: u32,
        retain: bool,
        list: &mut Vec<hir::Variable>,
    ) {
        for var in &signature.vars {
            if var.value.is_some() || var.section == SectionKind::Temp {
                continue;
            }
            let path = format!("{prefix}{}", var.name);
            let offset = base + var.offset;
            let retain = retain || var.retain;
            match var.ty {
                Type::Elementary(ty) => {
                    list.push(hir::Variable {
                        path,
                        offset,
                        ty,
                        array: None,
                        retain,
                    });
                }
                Type::Array {
                    element: ty,
                    low,
                    len,
                } => {
                    let array = Some((low, len));
                    list.push(hir::Variable {
                        path,
                        offset,
                        ty,
                        array,
                        retain,
                    });
                }
                Type::Block(Block::Standard(standard)) => {
                    for (at, field) in (offset..).zip(standard.fields()) {
                        let path = format!("{path}.{}", field.name);
                        list.push(hir::Variable {
                            path,
                            offset: at,
                            ty: field.ty,
                            array: None,
                            retain,
                        });
                    }
                }
                Type::Block(Block::User(pou)) => {
                    if let Some(inner) = self.signature(pou) {
                        self.watch(&inner, &format!("{path}."), offset, retain, list);
                    }
                }
            }
        }
    }

    /// The type with this name; `None` after a report.
    fn named_type(&mut self, name: &Name, user: usize) -> Option<Type> {
        if let Some(ty) = Elementary::from_name(&name.text) {
            return Some(Type::Elementary(ty));
        }
        let key = name.key();
        if let Some(standard) = StandardFb::from_key(&key) {
            return Some(Type::Block(Block::Standard(standard)));
        }
        if let Some(&pou) = self.by_key.get(&key)
            && self.pous[pou].kind == PouKind::FunctionBlock
        {
            self.uses[user].push((pou, name.span));
            return Some(Type::Block(Block::User(pou)));
        }
        const OTHER_TYPES: [&str; 12] = [
            "STRING",
            "WSTRING",
            "CHAR",
            "WCHAR",
            "DATE",
            "LDATE",
            "TOD",
            "TIME_OF_DAY",
            "DT",
            "DATE_AND_TIME",
            "LTIME",
            "RTC",
        ];
        if OTHER_TYPES.contains(&key.as_str()) {
            let message = format!("the type `{}` is not supported", name.text);
            self.sink.report(problems::UNSUPPORTED, name.span, message);
            return None;
        }
        let blocks = self
            .pous
            .iter()
            .filter(|pou| pou.kind == PouKind::FunctionBlock);
        let candidates = StandardFb::names()
            .chain(Elementary::ALL.iter().map(|ty| ty.name()))
            .chain(blocks.map(|pou| pou.name.text.as_str()));
        let hint = crate::suggest::did_you_mean(&name.text, candidates);
        let message = format!("unknown type `{}`", name.text);
        self.sink
            .report_with_hint(problems::UNKNOWN_TYPE, name.span, message, hint);
        None
    }
}

/// Names that types have, which nothing else may take.
fn is_reserved(key: &str) -> bool {
    Elementary::from_name(key).is_some() || StandardFb::from_key(key).is_some()
}
