//! VAR_CONFIG and VAR_ACCESS: what a CONFIGURATION fixes and shows of its PROGRAMs.
//!
//! Source: IEC 61131-3:2013, 6.5.2 and 6.8 (Table 62).

use std::collections::BTreeSet;
use std::rc::Rc;

use super::path::{End, Roots};
use super::types::{Type, Typed};
use super::{Checker, Progress, Signature, Var};
use crate::ast::{AccessPath, InstanceInit, TypeSpec};
use crate::diagnostic::Span;
use crate::hir::{Access, Block, Instance, LocatedVariable};
use crate::problems;

/// Variables at `%I*` and the like that have got an address: program instance and offset.
pub(super) type Placed = BTreeSet<(Option<usize>, u32)>;

impl Checker<'_, '_> {
    /// VAR_CONFIG: changes the initial values of instances, and gives what lies where.
    pub(super) fn configure(
        &mut self,
        inits: &[InstanceInit],
        roots: &mut Roots<'_>,
    ) -> (Vec<LocatedVariable>, Placed) {
        let mut located = Vec::new();
        let mut placed = Placed::new();
        let mut seen = Placed::new();
        for init in inits {
            let Some(end) = self.follow(&init.path, roots) else {
                continue;
            };
            if !end.inside {
                let message = "VAR_CONFIG is for variables of PROGRAMs and function blocks";
                self.report_path(init.path.span, message.to_owned());
                continue;
            }
            if !self.same_type(&end, &init.ty, init.path.span) {
                continue;
            }
            if !seen.insert((end.instance, end.offset)) {
                self.report_path(init.path.span, "this is configured twice".to_owned());
            }
            if self.place_instance(init, &end, roots, &mut located) {
                placed.insert((end.instance, end.offset));
            }
            self.initialise_instance(init, &end, roots);
        }
        (located, placed)
    }

    /// Whether the type that is written is that of the variable.
    fn same_type(&mut self, end: &End, spec: &TypeSpec, span: Span) -> bool {
        let outside = Rc::clone(&self.outside);
        let Some(Typed { ty, .. }) = self.type_of(None, spec, &outside, "") else {
            return false;
        };
        // A text without a length stands for any.
        let same = ty == end.ty
            || matches!((&ty, &end.ty), (Type::Text(a, _), Type::Text(b, _)) if a == b);
        if !same {
            let (here, there) = (self.type_name(&ty), self.type_name(&end.ty));
            let message = format!("the variable is {there}, not {here}");
            self.report_path(span, message);
        }
        same
    }

    /// Gives a variable its address; tells whether it had to have one, known or not.
    fn place_instance(
        &mut self,
        init: &InstanceInit,
        end: &End,
        roots: &Roots<'_>,
        located: &mut Vec<LocatedVariable>,
    ) -> bool {
        let partly = end.var.as_ref().and_then(|var| Some((var, var.partly?)));
        let span = init.at.as_ref().map_or(init.path.span, |at| at.span);
        let (Some((var, area)), Some(at)) = (partly, &init.at) else {
            match (partly, &init.at) {
                (None, Some(_)) => {
                    let message =
                        "only a variable that is declared AT %I*, %Q* or %M* takes an address";
                    self.report_path(span, message.to_owned());
                }
                (Some(_), None) => {
                    let message = "the variable needs an address here".to_owned();
                    self.sink.report(problems::NO_ADDRESS, span, message);
                }
                (None, None) if init.init.is_none() => {
                    let message = "neither an address nor an initial value is given".to_owned();
                    self.report_path(span, message);
                }
                _ => {}
            }
            return partly.is_some();
        };
        let Some(address) = self.parse_address(at) else {
            return true;
        };
        if address.area != area {
            let message = format!("`{address}` is not of the area %{}", area.letter());
            self.sink.report(problems::ADDRESS_PLACE, span, message);
        } else if self.check_address(address, span, &end.ty) {
            let mut name = String::new();
            if roots.instances.len() > 1
                && let Some(Some(instance)) = end.instance.map(|at| &roots.instances[at])
            {
                name = format!("{}.", instance.name);
            }
            name.push_str(&self.inner_path(init, roots));
            let var = Var {
                name,
                offset: end.offset,
                has_init: init.init.is_some() || var.has_init,
                ..var.clone()
            };
            let first = located.len();
            self.locate(&var, address, located);
            located[first..]
                .iter_mut()
                .for_each(|place| place.instance = end.instance);
        }
        true
    }

    /// The path as written, without RESOURCE and PROGRAM.
    fn inner_path(&self, init: &InstanceInit, roots: &Roots<'_>) -> String {
        let text = init.path.span.text(self.sink.source());
        let mut rest: String = text.split_whitespace().collect();
        for known in [
            roots
                .resources
                .iter()
                .map(|name| name.key())
                .collect::<Vec<_>>(),
            roots
                .programs
                .iter()
                .map(|program| program.name.key())
                .collect(),
        ] {
            if let Some((first, inner)) = rest.split_once('.')
                && known.contains(&first.to_ascii_uppercase())
            {
                rest = inner.to_owned();
            }
        }
        rest
    }

    fn initialise_instance(&mut self, init: &InstanceInit, end: &End, roots: &mut Roots<'_>) {
        let Some(value) = &init.init else { return };
        if end.var.as_ref().is_some_and(|var| var.constant) {
            self.report_path(init.path.span, "a constant keeps its value".to_owned());
            return;
        }
        let outside = Rc::clone(&self.outside);
        let Some(at) = end.instance else {
            let mut globals = std::mem::replace(&mut self.globals, Rc::clone(&outside));
            let signature = Rc::make_mut(&mut globals);
            self.initialise(&end.ty, end.offset, value, &outside, &mut signature.frame);
            self.globals = globals;
            return;
        };
        let Some(instance) = &mut roots.instances[at] else {
            return;
        };
        let Some(signature) = self.signature(instance.pou) else {
            return;
        };
        let mut frame = signature.frame.clone();
        if !instance.init.is_empty() {
            frame.init = std::mem::take(&mut instance.init);
        }
        self.initialise(&end.ty, end.offset, value, &outside, &mut frame);
        instance.init = frame.init;
    }

    /// Reports variables at `%I*` and the like that no VAR_CONFIG has given an address.
    pub(super) fn check_placed(&mut self, instances: &[Instance], placed: &Placed) {
        for (at, instance) in instances.iter().enumerate() {
            let Some(signature) = self.signature(instance.pou) else {
                continue;
            };
            let mut open = Vec::new();
            self.collect_partly(&signature, &instance.name, 0, &mut open);
            self.report_open(Some(at), open, instance.span, placed);
        }
        let globals = Rc::clone(&self.globals);
        let mut open = Vec::new();
        self.collect_partly(&globals, "", 0, &mut open);
        let span = self.span_of_globals();
        self.report_open(None, open, span, placed);
    }

    fn report_open(
        &mut self,
        instance: Option<usize>,
        open: Vec<(u32, String)>,
        span: Span,
        placed: &Placed,
    ) {
        for (offset, path) in open {
            if placed.contains(&(instance, offset)) {
                continue;
            }
            let message = format!("`{path}` has no address");
            let hint = Some("give it one in VAR_CONFIG of the CONFIGURATION".to_owned());
            self.sink
                .report_with_hint(problems::NO_ADDRESS, span, message, hint);
        }
    }

    fn collect_partly(
        &mut self,
        signature: &Signature,
        prefix: &str,
        base: u32,
        open: &mut Vec<(u32, String)>,
    ) {
        for var in &signature.vars {
            let dot = if prefix.is_empty() { "" } else { "." };
            let path = format!("{prefix}{dot}{}", var.name);
            if var.partly.is_some() {
                open.push((base + var.offset, path));
            } else if var.value.is_none() && !var.external && self.holds_partly(&var.ty) {
                self.collect_partly_of(&var.ty, &path, base + var.offset, open);
            }
        }
    }

    fn collect_partly_of(
        &mut self,
        ty: &Type,
        path: &str,
        base: u32,
        open: &mut Vec<(u32, String)>,
    ) {
        match ty {
            Type::Block(Block::User(pou)) => {
                if let Some(signature) = self.signature(*pou) {
                    self.collect_partly(&signature, path, base, open);
                }
            }
            Type::Array(array) => {
                for at in 0..array.len {
                    let path = format!("{path}[{}]", array.index_text(at));
                    let base = base + at * array.stride;
                    self.collect_partly_of(&array.element, &path, base, open);
                }
            }
            Type::Struct(at) => {
                for field in self.structs[*at].fields.clone() {
                    let path = format!("{path}.{}", field.name);
                    self.collect_partly_of(&field.ty, &path, base + field.offset, open);
                }
            }
            _ => {}
        }
    }

    /// Whether a variable of the type contains one at `%I*` or the like.
    pub(super) fn holds_partly(&self, ty: &Type) -> bool {
        match ty {
            Type::Block(Block::User(pou)) => match &self.progress[*pou] {
                Progress::Done(signature) => signature.partly,
                // It is reported.
                Progress::Unseen | Progress::Open => false,
            },
            Type::Array(array) => self.holds_partly(&array.element),
            Type::Struct(at) => self.structs[*at].partly,
            _ => false,
        }
    }

    /// VAR_ACCESS: the names that tools see, each with its variables of one value.
    pub(super) fn access_paths(
        &mut self,
        accesses: &[AccessPath],
        roots: &Roots<'_>,
    ) -> Vec<Access> {
        let mut list = Vec::new();
        let mut names = BTreeSet::new();
        for access in accesses {
            let key = access.name.key();
            let programs = roots.programs.iter();
            let taken = self.globals.by_key.contains_key(&key)
                || programs.clone().any(|program| program.name.key() == key);
            if !names.insert(key) || taken {
                self.report_duplicate(&access.name);
            }
            let Some(end) = self.follow(&access.path, roots) else {
                continue;
            };
            let span = access.path.span;
            if !self.same_type(&end, &access.ty, span) {
                continue;
            }
            if self.holds_block(&end.ty) {
                let message = "an access path leads to data, not to an instance".to_owned();
                self.report_path(span, message);
                continue;
            }
            if let Some(reason) = end.read_only.filter(|_| access.writable) {
                let message = format!("READ_WRITE is not possible: it is {reason}");
                self.report_path(span, message);
                continue;
            }
            let text = span.text(self.sink.source());
            let target: String = text.split_whitespace().collect();
            let found = self.watched(&access.name.text, &end.ty, end.offset, end.instance);
            list.extend(found.into_iter().map(|variable| Access {
                variable,
                target: target.clone(),
                writable: access.writable,
            }));
        }
        list
    }
}
