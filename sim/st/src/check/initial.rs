//! Initial values (IEC 61131-3:2013, 6.4.4.10 and 6.5.1.4).

use super::expression::Scope;
use super::types::{ArrayType, Type, Typed};
use super::{Checker, Signature};
use crate::ast::{self, Init, Name};
use crate::diagnostic::Span;
use crate::hir::{Block, ExprKind, Frame};
use crate::intrinsic::{pack_text, text_words};
use crate::problems;
use crate::standard_fb::FieldRole;
use crate::types::Elementary;

impl Checker<'_, '_> {
    /// The value of a constant of one slot; `None` after a report.
    pub(super) fn scalar(&mut self, init: &Init, ty: &Type, signature: &Signature) -> Option<u64> {
        let Init::Value(value) = init else {
            let name = self.type_name(ty);
            let message = format!("the initial value of a {name} is one expression");
            self.sink
                .report(problems::BAD_INITIAL_VALUE, init.span(), message);
            return None;
        };
        let found = Scope::declarations(self, signature)
            .value_of(value, ty)?
            .constant();
        if found.is_none() {
            let message = "an initial value must be constant";
            self.sink
                .report(problems::NOT_CONSTANT, value.span, message);
        }
        found
    }

    /// Writes an initial value into the slots of a variable, from `offset` of `frame` on.
    pub(super) fn initialise(
        &mut self,
        ty: &Type,
        offset: u32,
        init: &Init,
        signature: &Signature,
        frame: &mut Frame,
    ) {
        match (ty, init) {
            (Type::Elementary(_) | Type::Subrange(..) | Type::Enumeration(_), _) => {
                if let Some(value) = self.scalar(init, ty, signature) {
                    frame.set(offset, value);
                }
            }
            (Type::Text(text, capacity), Init::Value(value)) => {
                self.initialise_text(*text, *capacity, offset, value, signature, frame);
            }
            (Type::Array(array), Init::Array(values, span)) => {
                self.initialise_array(array, offset, values, *span, signature, frame);
            }
            (Type::Struct(at), Init::Members(values, _)) => {
                for (name, init) in values {
                    let fields = &self.structs[*at].fields;
                    let found = fields
                        .iter()
                        .find(|f| f.name.eq_ignore_ascii_case(&name.text));
                    let Some(field) = found else {
                        self.unknown_field(*at, name);
                        continue;
                    };
                    let (ty, at) = (field.ty.clone(), offset + field.offset);
                    self.initialise(&ty, at, init, signature, frame);
                }
            }
            (Type::Block(block), Init::Members(values, _)) => {
                for (name, init) in values {
                    self.initialise_member(*block, offset, name, init, signature, frame);
                }
            }
            _ => {
                let name = self.type_name(ty);
                let message = format!("this is not the form of an initial value of {name}");
                self.sink
                    .report(problems::BAD_INITIAL_VALUE, init.span(), message);
            }
        }
    }

    fn initialise_text(
        &mut self,
        ty: Elementary,
        capacity: u32,
        offset: u32,
        value: &ast::Expr,
        signature: &Signature,
        frame: &mut Frame,
    ) {
        let full = Type::Text(ty, capacity);
        let Some(found) = Scope::declarations(self, signature).value_of(value, &full) else {
            return;
        };
        let ExprKind::Text(units) = found.kind else {
            let message = "an initial value must be constant";
            self.sink
                .report(problems::NOT_CONSTANT, value.span, message);
            return;
        };
        if units.len() > capacity as usize {
            let message = format!("the text has {} characters; {capacity} fit", units.len());
            self.sink
                .report(problems::OUT_OF_RANGE, value.span, message);
            return;
        }
        frame.set(offset, units.len() as u64);
        let words = pack_text(ty, &units, text_words(ty, capacity));
        for (at, word) in (offset + 1..).zip(words) {
            frame.set(at, word);
        }
    }

    fn initialise_member(
        &mut self,
        block: Block,
        offset: u32,
        name: &Name,
        init: &Init,
        signature: &Signature,
        frame: &mut Frame,
    ) {
        match self.member(block, &name.key()) {
            Some(member) if member.role != FieldRole::Hidden && !member.in_out => {
                self.initialise(&member.ty, offset + member.offset, init, signature, frame);
            }
            _ => self.unknown_member(block, name),
        }
    }

    pub(super) fn unknown_member(&mut self, block: Block, name: &Name) {
        let names = self.member_names(block);
        let hint = self
            .sink
            .did_you_mean(&name.text, names.iter().map(String::as_str));
        let message = format!("`{}` has no member `{}`", self.block_name(block), name.text);
        self.sink
            .report_with_hint(problems::UNKNOWN_MEMBER, name.span, message, hint);
    }

    pub(super) fn unknown_field(&mut self, at: usize, name: &Name) {
        let structure = &self.structs[at];
        let names = structure.fields.iter().map(|field| field.name.as_str());
        let hint = self.sink.did_you_mean(&name.text, names);
        let message = format!("`{}` has no member `{}`", structure.name, name.text);
        self.sink
            .report_with_hint(problems::UNKNOWN_MEMBER, name.span, message, hint);
    }

    fn initialise_array(
        &mut self,
        array: &ArrayType,
        offset: u32,
        values: &[(Option<Init>, Option<ast::Expr>)],
        span: Span,
        signature: &Signature,
        frame: &mut Frame,
    ) {
        let element = Typed {
            ty: array.element.clone(),
            init: array.element_init.clone(),
        };
        let default = self.frame_of(&element);
        let len = array.len;
        let mut at = 0u32;
        for (value, repetition) in values {
            let count = match repetition {
                None => Some(1),
                Some(count) => self.constant_integer(count, signature),
            };
            let count = count
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0);
            // A list inside the list is a row of the inner dimensions.
            let (one, rows) = self.array_value(array, value.as_ref(), &default, signature);
            let end = at.saturating_add(count.saturating_mul(rows));
            if end > len {
                let message = format!("more initial values than the {len} elements of the array");
                self.sink.report(problems::BAD_INITIAL_VALUE, span, message);
                return;
            }
            for _ in 0..count {
                let first = offset + at * array.stride;
                for (slot, init) in (first..).zip(&one.init) {
                    frame.set(slot, *init);
                }
                at += rows;
            }
        }
    }

    /// The slots that one entry of a list stands for, and how many elements it is.
    fn array_value(
        &mut self,
        array: &ArrayType,
        value: Option<&Init>,
        default: &Frame,
        signature: &Signature,
    ) -> (Frame, u32) {
        let mut one = default.clone();
        match value {
            None => {}
            Some(Init::Array(values, span))
                if array.dims.len() > 1 && !matches!(array.element, Type::Array(_)) =>
            {
                let dims = array.dims[1..].to_vec();
                let len = dims.iter().map(|(_, n)| *n).product();
                let row = ArrayType {
                    dims,
                    len,
                    ..array.clone()
                };
                let full = Typed::from(Type::Array(std::rc::Rc::new(row.clone())));
                let mut frame = self.frame_of(&full);
                self.initialise_array(&row, 0, values, *span, signature, &mut frame);
                return (frame, len);
            }
            Some(init) => self.initialise(&array.element, 0, init, signature, &mut one),
        }
        (one, 1)
    }
}

impl Frame {
    pub(super) fn push(&mut self, ty: Elementary, init: u64) {
        self.types.push(ty);
        self.init.push(init);
    }

    pub(super) fn set(&mut self, offset: u32, value: u64) {
        // The frame is emptied when it grows too large; that is reported.
        if let Some(slot) = self.init.get_mut(offset as usize) {
            *slot = value;
        }
    }
}
