//! Declarations: variables, their kinds and places in the frame.

use std::rc::Rc;

use super::types::{Type, Typed};
use super::{Checker, MAX_FRAME_SLOTS, Progress, Signature, Var, is_reserved};
use crate::ast::{Declaration, Name, Pou, PouKind, Section, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{Block, Edge, GLOBAL};
use crate::image::{Address, Area};
use crate::problems;
use crate::types::Elementary;

impl Checker<'_, '_> {
    /// The declarations of a POU; `None` where it contains itself, or lies too deep.
    pub(super) fn signature(&mut self, pou: usize) -> Option<Rc<Signature>> {
        match &self.progress[pou] {
            Progress::Done(signature) => return Some(Rc::clone(signature)),
            Progress::Open => {
                let name = &self.library.pous[pou].name;
                let message = format!("`{}` contains itself", name.text);
                self.sink.report(problems::RECURSION, name.span, message);
                return None;
            }
            Progress::Unseen => {}
        }
        let library = self.library;
        let ast = &library.pous[pou];
        if !self.open(&ast.name) {
            return None;
        }
        self.progress[pou] = Progress::Open;
        let mut signature = Signature::new(&ast.name.text, ast.kind);
        self.declare_result(pou, &mut signature);
        // The constants first, because the types of variables in front of them may need them.
        let is_constant = |s: &&Section| s.constant && s.kind == SectionKind::Var;
        let constants = ast.sections.iter().filter(is_constant);
        let others = ast.sections.iter().filter(|section| !is_constant(section));
        for section in constants.chain(others) {
            self.check_section(ast.kind, section);
            for declaration in &section.declarations {
                self.declare(Some(pou), section, declaration, &mut signature);
            }
        }
        self.check_overlaps(&ast.sections, &signature);
        self.reserve_enos(ast, &mut signature);
        let holds =
            |var: &Var| !var.external && (var.partly.is_some() || self.holds_partly(&var.ty));
        signature.partly = signature.vars.iter().any(holds);
        self.close();
        let signature = Rc::new(signature);
        self.progress[pou] = Progress::Done(Rc::clone(&signature));
        Some(signature)
    }

    /// A slot for each ENO that the body reads: TRUE as long as nothing is called.
    fn reserve_enos(&mut self, pou: &Pou, signature: &mut Signature) {
        let first = signature.frame.types.len();
        let end = first + pou.enos as usize;
        // A FUNCTION keeps no state, and has no instances of its own.
        let none = pou.enos == 0 || pou.kind == PouKind::Function;
        if none || !self.reserve(pou.enos, pou.name.span) {
            return;
        }
        let (Ok(first), Ok(end)) = (u32::try_from(first), u32::try_from(end)) else {
            return;
        };
        if end > MAX_FRAME_SLOTS {
            return;
        }
        signature.enos = first..end;
        for _ in first..end {
            signature.frame.push(Elementary::Bool, 1);
        }
    }

    /// VAR_GLOBAL: the constants first, because types may need them.
    pub(super) fn declare_globals(&mut self) {
        let mut globals = Signature::new("VAR_GLOBAL", PouKind::Program);
        let library = self.library;
        for constants in [true, false] {
            for section in library.globals.iter().filter(|s| s.constant == constants) {
                self.check_section(PouKind::Program, section);
                for declaration in &section.declarations {
                    self.declare(None, section, declaration, &mut globals);
                }
            }
            self.globals = Rc::new(globals.clone());
        }
        self.check_overlaps(&library.globals, &globals);
    }

    /// A function's result is a variable with the name of the function.
    fn declare_result(&mut self, pou: usize, signature: &mut Signature) {
        let ast = &self.library.pous[pou];
        let Some(spec) = &ast.result else { return };
        let Some(typed) = self.type_of(Some(pou), spec, signature, &ast.name.text) else {
            signature.by_key.insert(ast.name.key(), usize::MAX);
            return;
        };
        if let Type::Block(_) = typed.ty {
            let message = "the result of a FUNCTION is no instance of a function block";
            self.sink
                .report(problems::BAD_DECLARATION, ast.name.span, message);
            return;
        }
        let offset = self.allocate(&typed, signature, ast.name.span);
        signature.result = Some((offset, typed.ty.clone()));
        signature.by_key.insert(ast.name.key(), 0);
        signature.vars.push(Var {
            name: ast.name.text.clone(),
            ty: typed.ty,
            section: SectionKind::Var,
            retain: false,
            constant: false,
            external: false,
            value: None,
            offset,
            address: None,
            partly: None,
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
            SectionKind::Output | SectionKind::InOut | SectionKind::Temp if constant => {
                "only VAR and VAR_INPUT can be CONSTANT"
            }
            SectionKind::InOut | SectionKind::Temp if retain => {
                "VAR_IN_OUT and VAR_TEMP retain nothing"
            }
            SectionKind::External if retain => "RETAIN belongs to VAR_GLOBAL, not to VAR_EXTERNAL",
            _ if retain && constant => "a constant needs no RETAIN",
            _ if retain && kind == PouKind::Function => "a FUNCTION retains nothing",
            _ => return,
        };
        self.sink
            .report(problems::BAD_DECLARATION, first.span, complaint);
    }

    fn declare(
        &mut self,
        pou: Option<usize>,
        section: &Section,
        declaration: &Declaration,
        signature: &mut Signature,
    ) {
        let first = declaration.names.first().map_or("", |name| &name.text);
        let mut typed = self.type_of(pou, &declaration.ty, signature, first);
        if section.kind != SectionKind::External {
            typed = typed.filter(|typed| self.is_laid_out(&typed.ty));
        }
        if let (Some(address), None) = (&declaration.at, &typed) {
            // The address may hold a mistake of its own.
            if let Err(reason) = Address::parse(&address.text)
                && Area::parse_partly(&address.text).is_none()
            {
                self.sink
                    .report(problems::BAD_ADDRESS, address.span, reason);
            }
        }
        let Some(typed) = typed else {
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
                self.report_duplicate(name);
                continue;
            }
            if section.kind == SectionKind::External {
                self.declare_external(section, declaration, name, &typed.ty, signature);
                continue;
            }
            self.check_kind(section, &typed.ty, signature.kind, name);
            let place = self.place_of(pou, declaration, section, &typed.ty);
            let var = self.variable(name, &typed, section, declaration, place, signature);
            if let Some(rising) = declaration.edge {
                self.declare_edge(section, &var, rising, name, signature);
            }
            signature.by_key.insert(key, signature.vars.len());
            signature.vars.push(var);
        }
    }

    /// Whether the layout of a type is known; reports a block that contains itself. No variable is of such a type:
    /// whoever follows the variables of an instance comes to an end.
    pub(super) fn is_laid_out(&mut self, ty: &Type) -> bool {
        match ty {
            Type::Block(Block::User(pou)) => self.signature(*pou).is_some(),
            _ => true,
        }
    }

    /// VAR_EXTERNAL names a global variable; it must say the same type.
    fn declare_external(
        &mut self,
        section: &Section,
        declaration: &Declaration,
        name: &Name,
        ty: &Type,
        signature: &mut Signature,
    ) {
        let key = name.key();
        let globals = Rc::clone(&self.globals);
        signature.by_key.insert(key.clone(), usize::MAX);
        let Some(global) = globals.var(&key) else {
            if !globals.by_key.contains_key(&key) {
                let hint = self.sink.did_you_mean(&name.text, globals.names());
                let message = format!("no VAR_GLOBAL declares `{}`", name.text);
                self.sink
                    .report_with_hint(problems::BAD_EXTERNAL, name.span, message, hint);
            }
            return;
        };
        // A text without a length stands for any.
        let same = global.ty == *ty
            || matches!((&global.ty, ty), (Type::Text(a, _), Type::Text(b, _)) if a == b);
        let complaint = if !same {
            let (here, there) = (self.type_name(ty), self.type_name(&global.ty));
            format!("`{}` is {here} here and {there} in VAR_GLOBAL", name.text)
        } else if declaration.init.is_some() || declaration.at.is_some() {
            "VAR_EXTERNAL gives no initial value and no address".to_owned()
        } else {
            let var = Var {
                external: true,
                offset: global.offset | GLOBAL,
                constant: global.constant || section.constant,
                section: SectionKind::External,
                ..global.clone()
            };
            signature.by_key.insert(key, signature.vars.len());
            signature.vars.push(var);
            return;
        };
        self.sink
            .report(problems::BAD_EXTERNAL, name.span, complaint);
    }

    /// `BOOL R_EDGE`: the input is TRUE in the call in which it rises (6.6.3.2, Table 40).
    fn declare_edge(
        &mut self,
        section: &Section,
        var: &Var,
        rising: bool,
        name: &Name,
        signature: &mut Signature,
    ) {
        let allowed = section.kind == SectionKind::Input
            && var.ty == Type::Elementary(Elementary::Bool)
            && signature.kind == PouKind::FunctionBlock;
        if !allowed {
            let message = "R_EDGE and F_EDGE belong to BOOL inputs of function blocks";
            self.sink
                .report(problems::BAD_DECLARATION, name.span, message);
            return;
        }
        let memory = self.allocate(
            &Type::Elementary(Elementary::Bool).into(),
            signature,
            name.span,
        );
        signature.edges.push(Edge {
            input: var.offset,
            memory,
            rising,
        });
    }

    fn variable(
        &mut self,
        name: &Name,
        typed: &Typed,
        section: &Section,
        declaration: &Declaration,
        place: Option<Result<Address, Area>>,
        signature: &mut Signature,
    ) -> Var {
        // A POU cannot change its inputs anyway, so that VAR_INPUT CONSTANT says nothing new.
        let constant = section.constant && section.kind != SectionKind::Input;
        let mut var = Var {
            name: name.text.clone(),
            ty: typed.ty.clone(),
            section: section.kind,
            retain: section.retain,
            constant,
            external: false,
            value: None,
            offset: 0,
            address: place.and_then(|place| place.ok()),
            partly: place.and_then(|place| place.err()),
            has_init: declaration.init.is_some(),
        };
        if constant && declaration.init.is_none() && typed.init.is_none() {
            let message = format!("the constant `{}` has no value", name.text);
            self.sink
                .report(problems::BAD_DECLARATION, name.span, message);
        }
        if constant && typed.ty.scalar(&self.enums).is_some() {
            // A constant that could not be read is 0 from here on; it is reported already.
            let default = typed.init.as_ref().and_then(|init| init.first().copied());
            let value = match &declaration.init {
                Some(init) => self.scalar(init, &typed.ty, signature),
                None => default,
            };
            var.value = Some(value.unwrap_or(0));
            return var;
        }
        var.offset = self.allocate(typed, signature, name.span);
        if let Some(init) = &declaration.init {
            let mut frame = std::mem::take(&mut signature.frame);
            self.initialise(&typed.ty, var.offset, init, signature, &mut frame);
            signature.frame = frame;
        }
        var
    }

    /// Rules for what may be declared where.
    fn check_kind(&mut self, section: &Section, ty: &Type, kind: PouKind, name: &Name) {
        if !self.holds_block(ty) {
            return;
        }
        let complaint = match section.kind {
            SectionKind::InOut => return,
            _ if kind == PouKind::Function => {
                "a FUNCTION keeps no state, so it has no instances of function blocks"
            }
            SectionKind::Var | SectionKind::Global if section.constant => {
                "an instance of a function block cannot be constant"
            }
            SectionKind::Var | SectionKind::Global => return,
            _ => "an instance of a function block is declared in VAR",
        };
        self.sink
            .report(problems::BAD_DECLARATION, name.span, complaint);
    }

    /// Whether a variable of the type is or contains an instance of a function block.
    pub(super) fn holds_block(&self, ty: &Type) -> bool {
        match ty {
            Type::Block(Block::Standard(_) | Block::User(_)) => true,
            Type::Array(array) => self.holds_block(&array.element),
            Type::Struct(at) => self.structs[*at]
                .fields
                .iter()
                .any(|field| self.holds_block(&field.ty)),
            _ => false,
        }
    }

    /// Reserves the slots of a variable with the initial values of its type.
    pub(super) fn allocate(&mut self, typed: &Typed, signature: &mut Signature, span: Span) -> u32 {
        let size = self.slots(&typed.ty);
        if !self.reserve(size, span) {
            return 0;
        }
        let offset = signature.frame.types.len();
        if offset + size as usize > MAX_FRAME_SLOTS as usize {
            let message = format!("the variables take more than {MAX_FRAME_SLOTS} slots");
            self.sink.report(problems::TOO_LARGE, span, message);
            // Nothing is generated after a report, so the layout no longer matters.
            signature.frame.types.clear();
            signature.frame.init.clear();
            return 0;
        }
        let one = self.frame_of(typed);
        signature.frame.types.extend(one.types);
        signature.frame.init.extend(one.init);
        u32::try_from(offset).unwrap_or(0)
    }
}
