//! Names, types, constants and layout: from the syntax tree to the typed program.
//!
//! **Invariant:** when nothing was reported, the result satisfies the invariants of [`crate::hir`];
//! when something was, there is no result. A part that fails is left out and the rest is checked.
//!
//! Source: IEC 61131-3:2013, 6.5 (variables), 6.6 (program organization units).

mod access;
mod aggregate;
mod apply;
mod arguments;
mod calendar;
mod call;
mod configuration;
mod connection;
mod declaration;
mod expression;
mod function;
mod initial;
mod located;
mod operator;
mod path;
mod resolve;
mod statement;
mod text;
mod types;
mod watch;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::rc::Rc;

use self::types::{EnumType, Enumerators, StructType, Type, TypeProgress};
use crate::Purpose;
use crate::ast::{self, PouKind, SectionKind};
use crate::diagnostic::{Sink, Span};
use crate::hir::{self, Block, Frame};
use crate::image::{Address, Area};
use crate::problems;
use crate::standard_fb::FieldRole;
use crate::types::Elementary;

/// Slots that one POU's frame may have, so that no program outgrows the machine.
const MAX_FRAME_SLOTS: u32 = 1 << 16;

/// Slots that all declarations of a compilation may lay out, so that none outgrows the compiler.
const MAX_LAYOUT_SLOTS: u32 = 1 << 21;

/// Declarations that may need each other in a row, each the next: types of types, blocks in blocks.
const MAX_NESTING: usize = 64;

/// Bytes that the paths of all variables that can be watched may take together.
const MAX_PATH_BYTES: usize = 1 << 26;

/// A variable of a POU.
#[derive(Clone, Debug)]
struct Var {
    /// As written.
    name: String,
    ty: Type,
    section: SectionKind,
    retain: bool,
    constant: bool,
    /// VAR_EXTERNAL, so that the variable itself stands elsewhere.
    external: bool,
    /// Value of an elementary constant, which takes no slot.
    value: Option<u64>,
    offset: u32,
    address: Option<Address>,
    /// The area of an address that VAR_CONFIG gives.
    partly: Option<Area>,
    has_init: bool,
}

impl Var {
    /// A variable that a direct address stands for, without a name of its own.
    fn direct(address: Address, ty: Type, section: SectionKind, offset: u32) -> Self {
        Self {
            name: address.to_string(),
            ty,
            section,
            retain: false,
            constant: false,
            external: false,
            value: None,
            offset,
            address: Some(address),
            partly: None,
            has_init: false,
        }
    }

    /// The area of its address, complete or not.
    fn area(&self) -> Option<Area> {
        self.address.map(|address| address.area).or(self.partly)
    }
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
    result: Option<(u32, Type)>,
    edges: Vec<hir::Edge>,
    /// Slots for the ENO of instances that the body reads.
    enos: Range<u32>,
    /// Whether a variable, or a part of one, stands at `%I*` or the like.
    partly: bool,
}

impl Signature {
    fn new(name: &str, kind: PouKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            vars: Vec::new(),
            by_key: BTreeMap::new(),
            frame: Frame::default(),
            result: None,
            edges: Vec::new(),
            enos: 0..0,
            partly: false,
        }
    }

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
    library: &'a ast::Library,
    by_key: BTreeMap<String, usize>,
    type_by_key: BTreeMap<String, usize>,
    types: Vec<TypeProgress>,
    enums: Vec<EnumType>,
    structs: Vec<StructType>,
    enumerators: Enumerators,
    /// VAR_GLOBAL, as far as it is declared.
    globals: Rc<Signature>,
    /// A scope without variables.
    outside: Rc<Signature>,
    progress: Vec<Progress>,
    /// Functions and block types that the POU being checked uses.
    uses: Vec<Vec<(usize, Span)>>,
    /// Slots that may still be laid out.
    slots_left: u32,
    /// Declarations that are open: each is needed by the one before.
    nesting: usize,
    /// Bytes that paths of variables may still take.
    path_bytes_left: usize,
    sink: &'a mut Sink<'s>,
}

/// Checks all that is compiled together; `None` when something was reported.
pub(crate) fn check(
    library: &ast::Library,
    purpose: Purpose,
    sink: &mut Sink<'_>,
) -> Option<hir::Unit> {
    let outside = Rc::new(Signature::new("", PouKind::Function));
    let mut checker = Checker {
        library,
        by_key: BTreeMap::new(),
        type_by_key: BTreeMap::new(),
        types: vec![TypeProgress::Unseen; library.types.len()],
        enums: Vec::new(),
        structs: Vec::new(),
        enumerators: BTreeMap::new(),
        globals: Rc::clone(&outside),
        outside,
        progress: vec![Progress::Unseen; library.pous.len()],
        uses: vec![Vec::new(); library.pous.len()],
        slots_left: MAX_LAYOUT_SLOTS,
        nesting: 0,
        path_bytes_left: MAX_PATH_BYTES,
        sink,
    };
    checker.collect_names();
    checker.declare_globals();
    for at in 0..library.types.len() {
        checker.declared_type(at);
    }
    let schedule = checker.schedule(purpose);
    let signatures: Vec<_> = (0..library.pous.len())
        .map(|pou| checker.signature(pou))
        .collect();
    let mut checked = Vec::new();
    let mut located = Vec::new();
    for (index, signature) in signatures.iter().enumerate() {
        let Some(signature) = signature else { continue };
        let (pou, places) = checker.body(index, signature);
        checked.push(pou);
        located.push(places);
    }
    let order = checker.callee_first();
    let schedule = schedule?;
    if !checker.sink.is_empty() {
        return None;
    }
    let globals = Rc::clone(&checker.globals);
    let instances = schedule.instances;
    let (mut located, variables) = checker.tables(&instances, located, &signatures);
    located.extend(schedule.located);
    checker.check_shared_places(&instances, &located);
    checker.sink.is_empty().then_some(hir::Unit {
        pous: checked,
        order,
        globals: globals.frame.clone(),
        instances,
        tasks: schedule.tasks,
        located,
        variables,
        accesses: schedule.accesses,
    })
}

impl Checker<'_, '_> {
    fn collect_names(&mut self) {
        let library = self.library;
        for (index, pou) in library.pous.iter().enumerate() {
            let key = self.checked_name(&pou.name);
            match self.by_key.entry(key) {
                Entry::Occupied(_) => self.report_duplicate(&pou.name),
                Entry::Vacant(place) => {
                    place.insert(index);
                }
            }
        }
        for (index, declaration) in library.types.iter().enumerate() {
            let key = self.checked_name(&declaration.name);
            if self.by_key.contains_key(&key) || self.type_by_key.contains_key(&key) {
                self.report_duplicate(&declaration.name);
            } else {
                self.type_by_key.insert(key, index);
            }
        }
    }

    /// The capitalised form of a name that is declared at the level of the file.
    fn checked_name(&mut self, name: &ast::Name) -> String {
        let key = name.key();
        if is_reserved(&key) {
            let message = format!("`{}` is a name of the standard", name.text);
            self.sink
                .report(problems::RESERVED_NAME, name.span, message);
        }
        key
    }

    fn report_duplicate(&mut self, name: &ast::Name) {
        let message = format!("`{}` is declared twice", name.text);
        self.sink.report(problems::DUPLICATE, name.span, message);
    }

    /// Begins a declaration that another one may need; reports where too many need each other. What is begun must
    /// be ended by [`Checker::close`].
    fn open(&mut self, name: &ast::Name) -> bool {
        let fits = self.nesting < MAX_NESTING;
        if fits {
            self.nesting += 1;
        } else {
            let message = format!(
                "`{}` lies more than {MAX_NESTING} declarations deep",
                name.text
            );
            self.sink.report(problems::TOO_DEEP, name.span, message);
        }
        fits
    }

    fn close(&mut self) {
        self.nesting -= 1;
    }

    /// Reserves slots; reports where there are no more.
    fn reserve(&mut self, slots: u32, span: Span) -> bool {
        let fits = slots <= self.slots_left;
        if fits {
            self.slots_left -= slots;
        } else {
            let message = format!("all declarations take more than {MAX_LAYOUT_SLOTS} slots");
            self.sink.report(problems::TOO_LARGE, span, message);
        }
        fits
    }

    /// The POUs so that each comes after all that it uses; reports functions that call each other
    /// in a circle. (Blocks that contain each other are found when they are laid out.)
    fn callee_first(&mut self) -> Vec<usize> {
        let mut order = Vec::new();
        // 0 is unseen, 1 is on the path from a root, 2 is done.
        let mut marks = vec![0u8; self.library.pous.len()];
        for root in 0..self.library.pous.len() {
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
                let pous = &self.library.pous;
                if marks[used] == 1 && pous[used].kind == PouKind::Function {
                    let from = path.iter().position(|(pou, _)| *pou == used).unwrap_or(0);
                    let circle = path[from..].iter().map(|(pou, _)| *pou).chain([used]);
                    let names: Vec<_> = circle.map(|pou| pous[pou].name.text.as_str()).collect();
                    let message = format!("`{}` calls itself", pous[used].name.text);
                    let hint = Some(format!("the circle is {}", names.join(" -> ")));
                    self.sink
                        .report_with_hint(problems::RECURSION, span, message, hint);
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
                let role = role_of(var.section);
                let in_out = var.section == SectionKind::InOut;
                Some(Member {
                    ty: var.ty.clone(),
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
                let visible = |var: &&Var| role_of(var.section) != FieldRole::Hidden;
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
            Block::User(pou) => self.library.pous[pou].name.text.clone(),
        }
    }
}

/// Who may touch a variable from outside of its instance.
fn role_of(section: SectionKind) -> FieldRole {
    match section {
        SectionKind::Input | SectionKind::InOut => FieldRole::Input,
        SectionKind::Output => FieldRole::Output,
        _ => FieldRole::Hidden,
    }
}

/// Names that types have, which nothing else may take. Those of dates are spared, because `Dt` and
/// `Date` are good names of variables and nothing confuses the two.
fn is_reserved(key: &str) -> bool {
    Elementary::from_name(key).is_some_and(|ty| !ty.is_date())
}
