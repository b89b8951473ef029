//! Types: what a declaration may be of, how many slots it takes, and with which values it begins.
//!
//! Source: IEC 61131-3:2013, 6.4 (data types), Table 11 (declaration of user-defined types).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expression::{Scope, fits, slot_of_integer};
use super::{Checker, MAX_FRAME_SLOTS, Signature};
use crate::ast::{self, Name, PouKind, TypeSpec};
use crate::diagnostic::Span;
use crate::hir::{Block, Frame};
use crate::intrinsic::{DEFAULT_TEXT_LEN, MAX_TEXT_LEN, text_words};
use crate::problems;
use crate::standard_fb::StandardFb;
use crate::types::Elementary;

/// The type of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Elementary(Elementary),
    /// Integers from the first to the second number.
    Subrange(Elementary, i128, i128),
    /// By its number among the enumerations.
    Enumeration(usize),
    /// STRING or WSTRING, and the most characters.
    Text(Elementary, u32),
    Array(Rc<ArrayType>),
    /// By its number among the structures.
    Struct(usize),
    Block(Block),
}

/// An ARRAY.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArrayType {
    pub(crate) element: Type,
    /// Initial value of an element, where its type gives one of its own.
    pub(super) element_init: Option<Rc<[u64]>>,
    /// Lowest index and length of each dimension, outermost first.
    pub(crate) dims: Vec<(i64, u32)>,
    /// Slots of one element.
    pub(crate) stride: u32,
    /// Elements of all dimensions.
    pub(crate) len: u32,
}

impl ArrayType {
    /// The indices of an element by its number, as they are written: `1,-2`.
    pub(super) fn index_text(&self, at: u32) -> String {
        let mut rest = at;
        let mut indices = Vec::new();
        for (low, len) in self.dims.iter().rev() {
            indices.push((low + i64::from(rest % len)).to_string());
            rest /= len;
        }
        indices.reverse();
        indices.join(",")
    }
}

/// A type with the initial value that it gives to its variables.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) ty: Type,
    /// Where it differs from that of the bare type.
    pub(super) init: Option<Rc<[u64]>>,
}

impl From<Type> for Typed {
    fn from(ty: Type) -> Self {
        Self { ty, init: None }
    }
}

/// A structure.
pub(super) struct StructType {
    pub(super) name: String,
    pub(super) fields: Vec<StructField>,
    pub(super) frame: Frame,
    /// Whether a block in it has a variable at `%I*` or the like.
    pub(super) partly: bool,
}

/// A member of a structure.
#[derive(Clone)]
pub(super) struct StructField {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) offset: u32,
}

/// An enumeration, or named values of an elementary type.
pub(super) struct EnumType {
    pub(super) name: String,
    pub(super) base: Elementary,
    /// Named values of an integer type mix with its other values.
    pub(super) open: bool,
    pub(super) values: Vec<(String, u64)>,
}

/// How far a named type is.
#[derive(Clone)]
pub(super) enum TypeProgress {
    Unseen,
    Open,
    /// `None` where it was reported.
    Done(Option<Typed>),
}

impl Type {
    /// The type of a single value, texts included; `None` for what has no single value.
    pub(super) fn value(&self, enums: &[EnumType]) -> Option<Elementary> {
        match self {
            Self::Text(ty, _) => Some(*ty),
            ty => ty.scalar(enums),
        }
    }

    /// Most characters of a text; 0 for other types.
    pub(super) fn capacity(&self) -> u32 {
        match self {
            Self::Text(_, capacity) => *capacity,
            _ => 0,
        }
    }

    /// The elementary type in whose form a single value lives; `None` for what has several slots.
    pub(super) fn scalar(&self, enums: &[EnumType]) -> Option<Elementary> {
        match self {
            Self::Elementary(ty) | Self::Subrange(ty, ..) => Some(*ty),
            Self::Enumeration(at) => Some(enums[*at].base),
            _ => None,
        }
    }
}

impl Checker<'_, '_> {
    /// Slots that a variable of the type takes.
    pub(super) fn slots(&self, ty: &Type) -> u32 {
        match ty {
            Type::Elementary(_) | Type::Subrange(..) | Type::Enumeration(_) => 1,
            Type::Text(ty, capacity) => 1 + text_words(*ty, *capacity),
            Type::Array(array) => array.len.saturating_mul(array.stride),
            Type::Struct(at) => narrow(self.structs[*at].frame.types.len()),
            Type::Block(Block::Standard(standard)) => narrow(standard.fields().len()),
            Type::Block(Block::User(pou)) => match &self.progress[*pou] {
                super::Progress::Done(signature) => narrow(signature.frame.types.len()),
                _ => 0,
            },
        }
    }

    /// The slots of a variable with the initial values of its type.
    pub(super) fn frame_of(&mut self, typed: &Typed) -> Frame {
        let mut frame = Frame::default();
        match &typed.ty {
            Type::Elementary(ty) => frame.push(*ty, 0),
            // IEC 61131-3:2013, 6.4.4: the leftmost limit and the first name are the default.
            Type::Subrange(ty, low, _) => frame.push(*ty, slot_of_integer(*ty, *low)),
            Type::Enumeration(at) => {
                let first = self.enums[*at]
                    .values
                    .first()
                    .map_or(0, |(_, value)| *value);
                frame.push(self.enums[*at].base, first);
            }
            Type::Text(ty, capacity) => {
                frame.push(*ty, 0);
                (0..text_words(*ty, *capacity)).for_each(|_| frame.push(Elementary::Lword, 0));
            }
            Type::Array(array) => {
                let element = Typed {
                    ty: array.element.clone(),
                    init: array.element_init.clone(),
                };
                let one = self.frame_of(&element);
                for _ in 0..array.len {
                    frame.types.extend(&one.types);
                    frame.init.extend(&one.init);
                }
            }
            Type::Struct(at) => frame = self.structs[*at].frame.clone(),
            Type::Block(Block::Standard(standard)) => {
                standard
                    .fields()
                    .iter()
                    .for_each(|field| frame.push(field.ty, 0));
            }
            Type::Block(Block::User(pou)) => {
                if let Some(inner) = self.signature(*pou) {
                    frame = inner.frame.clone();
                }
            }
        }
        if let Some(init) = &typed.init {
            frame.init.clear();
            frame.init.extend(init.iter());
        }
        frame
    }

    pub(super) fn type_name(&self, ty: &Type) -> String {
        match ty {
            Type::Elementary(ty) => ty.to_string(),
            Type::Subrange(ty, low, high) => format!("{ty}({low}..{high})"),
            Type::Enumeration(at) => self.enums[*at].name.clone(),
            Type::Text(ty, capacity) => format!("{ty}[{capacity}]"),
            Type::Array(array) => {
                let bounds: Vec<_> = array
                    .dims
                    .iter()
                    .map(|(low, len)| format!("{low}..{}", low + i64::from(*len) - 1))
                    .collect();
                let element = self.type_name(&array.element);
                format!("ARRAY[{}] OF {element}", bounds.join(", "))
            }
            Type::Struct(at) => self.structs[*at].name.clone(),
            Type::Block(block) => self.block_name(*block),
        }
    }

    /// The type that a declaration names; `None` after a report. `user` is the POU whose
    /// declaration it is, if it is one's.
    pub(super) fn type_of(
        &mut self,
        user: Option<usize>,
        spec: &TypeSpec,
        signature: &Signature,
        name: &str,
    ) -> Option<Typed> {
        match spec {
            TypeSpec::Named(name) => self.named_type(name, user),
            TypeSpec::Text(name, len) => {
                let ty = Elementary::from_name(&name.text)?;
                let len = self.constant_integer(len, signature)?;
                self.text_type(ty, len, spec.span()).map(Typed::from)
            }
            TypeSpec::Subrange(name, low, high) => {
                let bounds = [low, high].map(|bound| self.constant_integer(bound, signature));
                let base = self.named_type(name, user)?;
                let [Some(low), Some(high)] = bounds else {
                    return None;
                };
                self.subrange(&base.ty, low, high, name.span)
                    .map(Typed::from)
            }
            TypeSpec::Array {
                bounds,
                element,
                span,
            } => {
                let element = self.type_of(user, element, signature, name);
                let dims = self.dimensions(bounds, *span, signature);
                self.array_type(element?, dims?, *span).map(Typed::from)
            }
            TypeSpec::Enumeration { base, values, .. } => {
                self.enumeration(base.as_ref(), values, signature, name)
            }
            TypeSpec::Struct(members, span) => {
                self.structure(user, members, *span, name).map(Typed::from)
            }
        }
    }

    fn text_type(&mut self, ty: Elementary, len: i128, span: Span) -> Option<Type> {
        let capacity = u32::try_from(len)
            .ok()
            .filter(|&len| (1..=MAX_TEXT_LEN).contains(&len));
        if capacity.is_none() {
            let message = format!("a {ty} has 1 to {MAX_TEXT_LEN} characters, not {len}");
            self.sink.report(problems::BAD_TYPE, span, message);
        }
        capacity.map(|capacity| Type::Text(ty, capacity))
    }

    fn subrange(&mut self, base: &Type, low: i128, high: i128, span: Span) -> Option<Type> {
        let ty = match base {
            Type::Elementary(ty) if ty.is_int() => *ty,
            _ => {
                let message = "a subrange is of an integer type";
                self.sink.report(problems::BAD_TYPE, span, message);
                return None;
            }
        };
        if low > high || !fits(low, ty) || !fits(high, ty) {
            let message = format!("{low}..{high} is no range of {ty}");
            self.sink.report(problems::BAD_TYPE, span, message);
            return None;
        }
        Some(Type::Subrange(ty, low, high))
    }

    /// Lowest index and length of each dimension.
    fn dimensions(
        &mut self,
        bounds: &[(ast::Expr, ast::Expr)],
        span: Span,
        signature: &Signature,
    ) -> Option<Vec<(i64, u32)>> {
        let mut dims = Vec::new();
        for (low, high) in bounds {
            let low = self.constant_integer(low, signature);
            let high = self.constant_integer(high, signature);
            let (low, high) = (low?, high?);
            let len = high - low + 1;
            let size = u32::try_from(len)
                .ok()
                .filter(|&len| len > 0 && len <= MAX_FRAME_SLOTS);
            let (Ok(low), Some(len)) = (i64::try_from(low), size) else {
                let message = if len <= 0 {
                    format!("the upper bound {high} is below the lower bound {low}")
                } else {
                    format!(
                        "an ARRAY of {len} elements is too large; {MAX_FRAME_SLOTS} is the most"
                    )
                };
                self.sink.report(problems::BAD_ARRAY, span, message);
                return None;
            };
            dims.push((low, len));
        }
        Some(dims)
    }

    fn array_type(&mut self, element: Typed, dims: Vec<(i64, u32)>, span: Span) -> Option<Type> {
        let stride = match &element.ty {
            Type::Block(Block::User(pou)) => narrow(self.signature(*pou)?.frame.types.len()),
            ty => self.slots(ty),
        };
        let len = dims
            .iter()
            .fold(1u64, |len, (_, n)| len.saturating_mul(u64::from(*n)));
        let slots = len.saturating_mul(u64::from(stride));
        if slots > u64::from(MAX_FRAME_SLOTS) {
            let message =
                format!("an ARRAY of {slots} slots is too large; {MAX_FRAME_SLOTS} is the most");
            self.sink.report(problems::BAD_ARRAY, span, message);
            return None;
        }
        Some(Type::Array(Rc::new(ArrayType {
            element: element.ty,
            element_init: element.init,
            dims,
            stride,
            len: u32::try_from(len).unwrap_or(0),
        })))
    }

    fn enumeration(
        &mut self,
        base: Option<&Name>,
        values: &[(Name, Option<ast::Expr>)],
        signature: &Signature,
        name: &str,
    ) -> Option<Typed> {
        let open = base.is_some();
        let ty = match base {
            None => Elementary::Int,
            Some(base) => match Elementary::from_name(&base.text) {
                Some(ty) if ty.is_int() || ty.is_bit_string() => ty,
                _ => {
                    let message = "the values of an enumeration are of an integer type";
                    self.sink.report(problems::BAD_TYPE, base.span, message);
                    return None;
                }
            },
        };
        let at = self.enums.len();
        let mut list: Vec<(String, u64)> = Vec::new();
        let mut next = 0;
        for (name, value) in values {
            // A value that cannot be told is reported, and the names behind it are declared all the same.
            if let Some(value) = value {
                next = self.constant_integer(value, signature).unwrap_or(next);
            }
            if !fits(next, ty) {
                let message = format!("{next} does not fit {ty}");
                self.sink.report(problems::OUT_OF_RANGE, name.span, message);
                next = 0;
            }
            if list
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(&name.text))
            {
                let message = format!("`{}` is declared twice", name.text);
                self.sink.report(problems::DUPLICATE, name.span, message);
            }
            let slot = slot_of_integer(ty, next);
            list.push((name.text.clone(), slot));
            next += 1;
        }
        for (name, slot) in &list {
            let key = name.to_ascii_uppercase();
            self.enumerators.entry(key).or_default().push((at, *slot));
        }
        let init = list.first().map(|(_, value)| Rc::from([*value]));
        self.enums.push(EnumType {
            name: name.to_owned(),
            base: ty,
            open,
            values: list,
        });
        Some(if open {
            Typed {
                ty: Type::Elementary(ty),
                init,
            }
        } else {
            Typed::from(Type::Enumeration(at))
        })
    }

    fn structure(
        &mut self,
        user: Option<usize>,
        members: &[ast::Declaration],
        span: Span,
        name: &str,
    ) -> Option<Type> {
        let mut inner = StructType {
            name: name.to_owned(),
            fields: Vec::new(),
            frame: Frame::default(),
            partly: false,
        };
        let outside = Rc::clone(&self.outside);
        let mut whole = true;
        for member in members {
            if let Some(at) = &member.at {
                let message = "a member of a STRUCT has no address here";
                self.sink.report(problems::UNSUPPORTED, at.span, message);
            }
            let first = member.names.first().map_or("", |name| &name.text);
            let inner_name = format!("{name}.{first}");
            let typed = self.type_of(user, &member.ty, &outside, &inner_name);
            let Some(typed) = typed.filter(|typed| self.is_laid_out(&typed.ty)) else {
                whole = false;
                continue;
            };
            inner.partly |= self.holds_partly(&typed.ty);
            let mut frame = self.frame_of(&typed);
            if let Some(init) = &member.init {
                self.initialise(&typed.ty, 0, init, &outside, &mut frame);
            }
            for field in &member.names {
                if inner
                    .fields
                    .iter()
                    .any(|known| known.name.eq_ignore_ascii_case(&field.text))
                {
                    let message = format!("`{}` is declared twice", field.text);
                    self.sink.report(problems::DUPLICATE, field.span, message);
                    continue;
                }
                let offset = narrow(inner.frame.types.len());
                inner.fields.push(StructField {
                    name: field.text.clone(),
                    ty: typed.ty.clone(),
                    offset,
                });
                inner.frame.types.extend(&frame.types);
                inner.frame.init.extend(&frame.init);
                if inner.frame.types.len() > MAX_FRAME_SLOTS as usize {
                    let message = format!("a STRUCT of more than {MAX_FRAME_SLOTS} slots");
                    self.sink.report(problems::TOO_LARGE, span, message);
                    return None;
                }
            }
        }
        if inner.fields.is_empty() && whole {
            let message = "a STRUCT has at least one member";
            self.sink.report(problems::BAD_TYPE, span, message);
            return None;
        }
        self.structs.push(inner);
        whole.then(|| Type::Struct(self.structs.len() - 1))
    }

    /// The type with this name; `None` after a report.
    pub(super) fn named_type(&mut self, name: &Name, user: Option<usize>) -> Option<Typed> {
        let key = name.key();
        match Elementary::from_name(&name.text) {
            Some(ty) if ty.is_text() => return Some(Type::Text(ty, DEFAULT_TEXT_LEN).into()),
            Some(ty) => return Some(Type::Elementary(ty).into()),
            None => {}
        }
        if let Some(&at) = self.type_by_key.get(&key) {
            return self.declared_type(at);
        }
        if let Some(&pou) = self.by_key.get(&key)
            && self.library.pous[pou].kind == PouKind::FunctionBlock
        {
            if let Some(user) = user {
                self.uses[user].push((pou, name.span));
            }
            return Some(Type::Block(Block::User(pou)).into());
        }
        if let Some(standard) = StandardFb::from_key(&key) {
            return Some(Type::Block(Block::Standard(standard)).into());
        }
        let library = self.library;
        let blocks = library
            .pous
            .iter()
            .filter(|pou| pou.kind == PouKind::FunctionBlock);
        let candidates = StandardFb::names()
            .chain(Elementary::ALL.iter().map(|ty| ty.name()))
            .chain(
                library
                    .types
                    .iter()
                    .map(|declaration| declaration.name.text.as_str()),
            )
            .chain(blocks.map(|pou| pou.name.text.as_str()));
        let hint = self.sink.did_you_mean(&name.text, candidates);
        let message = format!("unknown type `{}`", name.text);
        self.sink
            .report_with_hint(problems::UNKNOWN_TYPE, name.span, message, hint);
        None
    }

    /// A type of a TYPE declaration.
    pub(super) fn declared_type(&mut self, at: usize) -> Option<Typed> {
        let declaration = &self.library.types[at];
        match &self.types[at] {
            TypeProgress::Done(typed) => return typed.clone(),
            TypeProgress::Open => {
                let name = &declaration.name;
                let message = format!("`{}` contains itself", name.text);
                self.sink.report(problems::RECURSION, name.span, message);
                return None;
            }
            TypeProgress::Unseen => {}
        }
        if !self.open(&declaration.name) {
            return None;
        }
        self.types[at] = TypeProgress::Open;
        let outside = Rc::clone(&self.outside);
        let mut typed = self.type_of(None, &declaration.spec, &outside, &declaration.name.text);
        if let (Some(typed), Some(init)) = (&mut typed, &declaration.init) {
            let mut frame = self.frame_of(typed);
            self.initialise(&typed.ty, 0, init, &outside, &mut frame);
            typed.init = Some(Rc::from(frame.init));
        }
        self.close();
        self.types[at] = TypeProgress::Done(typed.clone());
        typed
    }

    pub(super) fn constant_integer(
        &mut self,
        expr: &ast::Expr,
        signature: &Signature,
    ) -> Option<i128> {
        Scope::declarations(self, signature).constant_integer(expr)
    }

    /// An enumerator by its capitalised name: the enumerations that have it, with its value.
    pub(super) fn enumerator(&self, key: &str) -> &[(usize, u64)] {
        self.enumerators.get(key).map_or(&[], Vec::as_slice)
    }

    /// The enumeration that a TYPE declaration with this name is.
    pub(super) fn enumeration_named(&mut self, key: &str) -> Option<usize> {
        let at = *self.type_by_key.get(key)?;
        let typed = self.declared_type(at)?;
        if let Type::Enumeration(at) = typed.ty {
            return Some(at);
        }
        self.enums
            .iter()
            .position(|known| known.name.eq_ignore_ascii_case(key))
    }
}

fn narrow(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Enumerators by capitalised name.
pub(super) type Enumerators = BTreeMap<String, Vec<(usize, u64)>>;
