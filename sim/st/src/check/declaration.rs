//! Declarations: the layout of a POU's frame and its initial values.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expression::Scope;
use super::{Checker, MAX_FRAME_SLOTS, Progress, Signature, Type, Var, is_reserved};
use crate::ast::{self, Declaration, Init, Name, PouKind, Section, SectionKind, TypeSpec};
use crate::diagnostic::Span;
use crate::hir::{Block, Frame};
use crate::image::Address;
use crate::problems;
use crate::standard_fb::FieldRole;
use crate::types::Elementary;

impl Checker<'_, '_> {
    /// The declarations of a POU; `None` where it contains itself.
    pub(super) fn signature(&mut self, pou: usize) -> Option<Rc<Signature>> {
        match &self.progress[pou] {
            Progress::Done(signature) => return Some(Rc::clone(signature)),
            Progress::Open => {
                let name = &self.pous[pou].name;
                let message = format!("`{}` contains itself", name.text);
                self.sink.report(problems::RECURSION, name.span, message);
                return None;
            }
            Progress::Unseen => {}
        }
        self.progress[pou] = Progress::Open;
        let ast = &self.pous[pou];
        let mut signature = Signature {
            name: ast.name.text.clone(),
            kind: ast.kind,
            vars: Vec::new(),
            by_key: BTreeMap::new(),
            frame: Frame::default(),
            result: None,
        };
        self.declare_result(pou, &mut signature);
        for section in &ast.sections {
            self.check_section(ast.kind, section);
            for declaration in &section.declarations {
                self.declare(pou, section, declaration, &mut signature);
            }
        }
        self.check_overlaps(ast, &signature);
        let signature = Rc::new(signature);
        self.progress[pou] = Progress::Done(Rc::clone(&signature));
        Some(signature)
    }

    /// A function's result is a variable with the name of the function.
    fn declare_result(&mut self, pou: usize, signature: &mut Signature) {
        let ast = &self.pous[pou];
        let Some(spec) = &ast.result else { return };
        let ty = match self.type_of(pou, spec, signature) {
            Some(Type::Elementary(ty)) => ty,
            Some(_) => {
                let message = "the result of a FUNCTION has an elementary type";
                self.sink
                    .report(problems::UNSUPPORTED, ast.name.span, message);
                return;
            }
            None => return,
        };
        let offset = self.allocate(Type::Elementary(ty), &mut signature.frame, ast.name.span);
        signature.result = Some((offset, ty));
        signature.by_key.insert(ast.name.key(), 0);
        signature.vars.push(Var {
            name: ast.name.text.clone(),
            ty: Type::Elementary(ty),
            section: SectionKind::Var,
            retain: false,
            constant: false,
            value: None,
            offset,
            address: None,
            has_init: false,
        });
    }

    fn check_section(&mut self, kind: PouKind, section: &Section) {
        let Some(first) = section.declarations.first().and_then(|d| d.names.first()) else {
            return;
        };
        let (constant, retain) = (section.constant, section.retain);
        let complaint = match section.kind {
            SectionKind::InOut if kind == PouKind::Program => "a PROGRAM has no VAR_IN_OUT here",
            SectionKind::Input | SectionKind::Output | SectionKind::InOut | SectionKind::Temp
                if constant =>
            {
                "only VAR can be CONSTANT"
            }
            SectionKind::InOut | SectionKind::Temp if retain => {
                "VAR_IN_OUT and VAR_TEMP retain nothing"
            }
            _ if retain && constant => "a constant needs no RETAIN",
            _ if retain && kind == PouKind::Function => "a FUNCTION retains nothing",
            _ => return,
        };
        self.sink
            .report(problems::BAD_DECLARATION, first.span, complaint);
    }

    fn declare(
        &mut self,
        pou: usize,
        section: &Section,
        declaration: &Declaration,
        signature: &mut Signature,
    ) {
        let Some(ty) = self.type_of(pou, &declaration.ty, signature) else {
            // The names exist, though nothing is known of them: enter them as something
            // harmless, so that one mistake is not reported at every use.
            for name in &declaration.names {
                signature.by_key.entry(name.key()).or_insert(usize::MAX);
            }
            return;
        };
        for name in &declaration.names {
            let key = name.key();
            if is_reserved(&key) {
                let message = format!("`{}` is a name of the standard", name.text);
                self.sink
                    .report(problems::RESERVED_NAME, name.span, message);
                continue;
            }
            if signature.by_key.contains_key(&key) {
                let message = format!("`{}` is declared twice", name.text);
                self.sink.report(problems::DUPLICATE, name.span, message);
                continue;
            }
            self.check_kind(section, ty, signature.kind, name);
            let address = self.address_of(declaration, section, ty, signature.kind);
            let var = self.variable(name, ty, section, declaration, address, signature);
            signature.by_key.insert(key, signature.vars.len());
            signature.vars.push(var);
        }
    }

    fn variable(
        &mut self,
        name: &Name,
        ty: Type,
        section: &Section,
        declaration: &Declaration,
        address: Option<Address>,
        signature: &mut Signature,
    ) -> Var {
        let mut var = Var {
            name: name.text.clone(),
            ty,
            section: section.kind,
            retain: section.retain,
            constant: section.constant,
            value: None,
            offset: 0,
            address,
            has_init: declaration.init.is_some(),
        };
        if section.constant && declaration.init.is_none() {
            let message = format!("the constant `{}` has no value", name.text);
            self.sink
                .report(problems::BAD_DECLARATION, name.span, message);
        }
        if let (true, Type::Elementary(ty)) = (section.constant, ty) {
            // A constant that could not be read is 0 from here on; it is reported already.
            let value = declaration
                .init
                .as_ref()
                .and_then(|init| self.scalar(init, ty, signature));
            var.value = Some(value.unwrap_or(0));
            return var;
        }
        var.offset = self.allocate(ty, &mut signature.frame, name.span);
        if let Some(init) = &declaration.init {
            self.initialise(ty, var.offset, init, signature);
        }
        var
    }

    /// Rules for what may be declared where.
    fn check_kind(&mut self, section: &Section, ty: Type, kind: PouKind, name: &Name) {
        let Type::Block(_) = ty else { return };
        let complaint = if kind == PouKind::Function {
            "a FUNCTION keeps no state, so it has no instances of function blocks"
        } else if section.kind != SectionKind::Var {
            "an instance of a function block is declared in VAR"
        } else if section.constant {
            "an instance of a function block cannot be constant"
        } else {
            return;
        };
        self.sink
            .report(problems::BAD_DECLARATION, name.span, complaint);
    }

    fn type_of(&mut self, pou: usize, spec: &TypeSpec, signature: &Signature) -> Option<Type> {
        let (low, high, element, span) = match spec {
            TypeSpec::Named(name) => return self.named_type(name, pou),
            TypeSpec::Array {
                low,
                high,
                element,
                span,
            } => (low, high, element, *span),
        };
        let element_type = self.named_type(element, pou);
        let bounds = [low, high].map(|bound| self.constant_integer(bound, signature));
        let [Some(low), Some(high)] = bounds else {
            return None;
        };
        let Type::Elementary(element) = element_type? else {
            let message = "the elements of an ARRAY have an elementary type here";
            self.sink
                .report(problems::UNSUPPORTED, element.span, message);
            return None;
        };
        let len = high - low + 1;
        let size = u32::try_from(len)
            .ok()
            .filter(|&len| len > 0 && len <= MAX_FRAME_SLOTS);
        match (i64::try_from(low), size) {
            (Ok(low), Some(len)) => Some(Type::Array { element, low, len }),
            _ => {
                let message = if len <= 0 {
                    format!("the upper bound {high} is below the lower bound {low}")
                } else {
                    format!(
                        "an ARRAY of {len} elements is too large; {MAX_FRAME_SLOTS} is the most"
                    )
                };
                self.sink.report(problems::BAD_ARRAY, span, message);
                None
            }
        }
    }

    fn constant_integer(&mut self, expr: &ast::Expr, signature: &Signature) -> Option<i128> {
        let mut scope = Scope::declarations(self, signature);
        scope.constant_integer(expr)
    }

    fn scalar(&mut self, init: &Init, ty: Elementary, signature: &Signature) -> Option<u64> {
        let (value, span) = match init {
            Init::Value(value) => (value, value.span),
            Init::Array(_, span) | Init::Members(_, span) => {
                let message = format!("the initial value of a {ty} is one expression");
                self.sink
                    .report(problems::BAD_INITIAL_VALUE, *span, message);
                return None;
            }
        };
        let mut scope = Scope::declarations(self, signature);
        let value = scope.value(value, ty)?.constant();
        if value.is_none() {
            self.sink.report(
                problems::NOT_CONSTANT,
                span,
                "an initial value must be constant",
            );
        }
        value
    }

    /// Reserves the slots of a variable with the initial values of its type.
    fn allocate(&mut self, ty: Type, frame: &mut Frame, span: Span) -> u32 {
        let offset = frame.types.len();
        match ty {
            Type::Elementary(ty) => frame.push(ty, 0),
            Type::Array { element, len, .. } => (0..len).for_each(|_| frame.push(element, 0)),
            Type::Block(Block::Standard(standard)) => {
                standard
                    .fields()
                    .iter()
                    .for_each(|field| frame.push(field.ty, 0));
            }
            Type::Block(Block::User(pou)) => {
                if let Some(inner) = self.signature(pou) {
                    frame.types.extend(&inner.frame.types);
                    frame.init.extend(&inner.frame.init);
                }
            }
        }
        if frame.types.len() > MAX_FRAME_SLOTS as usize {
            let message = format!("the variables take more than {MAX_FRAME_SLOTS} slots");
            self.sink.report(problems::TOO_LARGE, span, message);
            // Nothing is generated after a report, so the layout no longer matters.
            *frame = Frame::default();
            return 0;
        }
        u32::try_from(offset).unwrap_or(0)
    }

    fn initialise(&mut self, ty: Type, offset: u32, init: &Init, signature: &mut Signature) {
        match (ty, init) {
            (Type::Elementary(ty), _) => {
                if let Some(value) = self.scalar(init, ty, signature) {
                    signature.frame.set(offset, value);
                }
            }
            (Type::Array { element, len, .. }, Init::Array(values, span)) => {
                self.initialise_array(element, offset, len, values, *span, signature);
            }
            (Type::Block(block), Init::Members(values, _)) => {
                for (name, init) in values {
                    self.initialise_member(block, offset, name, init, signature);
                }
            }
            (
                _,
                Init::Value(ast::Expr { span, .. }) | Init::Array(_, span) | Init::Members(_, span),
            ) => {
                let message = format!(
                    "this is not the form of an initial value of {}",
                    self.type_name(ty)
                );
                self.sink
                    .report(problems::BAD_INITIAL_VALUE, *span, message);
            }
        }
    }

    fn initialise_member(
        &mut self,
        block: Block,
        offset: u32,
        name: &Name,
        init: &Init,
        signature: &mut Signature,
    ) {
        match self.member(block, &name.key()) {
            Some(member) if member.role != FieldRole::Hidden && !member.in_out => {
                self.initialise(member.ty, offset + member.offset, init, signature);
            }
            _ => self.unknown_member(block, name),
        }
    }

    pub(super) fn unknown_member(&mut self, block: Block, name: &Name) {
        let names = self.member_names(block);
        let hint = crate::suggest::did_you_mean(&name.text, names.iter().map(String::as_str));
        let message = format!("`{}` has no member `{}`", self.block_name(block), name.text);
        self.sink
            .report_with_hint(problems::UNKNOWN_MEMBER, name.span, message, hint);
    }

    fn initialise_array(
        &mut self,
        element: Elementary,
        offset: u32,
        len: u32,
        values: &[(Option<ast::Expr>, Option<ast::Expr>)],
        span: Span,
        signature: &mut Signature,
    ) {
        let mut at = 0u32;
        for (value, repetition) in values {
            let count = match repetition {
                None => Some(1),
                Some(count) => self.constant_integer(count, signature),
            };
            let count = count
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0);
            let slot = match value {
                None => Some(0),
                Some(expr) => self.scalar(&Init::Value(expr.clone()), element, signature),
            };
            let end = at.saturating_add(count);
            if end > len {
                let message = format!("more initial values than the {len} elements of the array");
                self.sink.report(problems::BAD_INITIAL_VALUE, span, message);
                return;
            }
            for element in at..end {
                signature.frame.set(offset + element, slot.unwrap_or(0));
            }
            at = end;
        }
    }
}

impl Frame {
    fn push(&mut self, ty: Elementary, init: u64) {
        self.types.push(ty);
        self.init.push(init);
    }

    fn set(&mut self, offset: u32, value: u64) {
        // The frame is emptied when it grows too large; that is reported.
        if let Some(slot) = self.init.get_mut(offset as usize) {
            *slot = value;
        }
    }
}
