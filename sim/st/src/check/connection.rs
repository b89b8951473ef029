//! Connections of a PROGRAM: what its inputs take before each run, and where its outputs go after it.
//!
//! Source: IEC 61131-3:2013, 6.8.2 (Table 62, features 10 and 11).

use std::rc::Rc;

use super::path::{End, Roots, path_of};
use super::types::Type;
use super::{Checker, Var};
use crate::ast::{Argument, Expr, ExprKind, Init, Name, Reference, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{Connection, Source};
use crate::problems;

impl Checker<'_, '_> {
    /// The connections of the PROGRAM with this number: those of its inputs, those of its outputs.
    pub(super) fn connections(
        &mut self,
        at: usize,
        roots: &Roots<'_>,
    ) -> (Vec<Connection>, Vec<Connection>) {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let mut given: Vec<String> = Vec::new();
        let Some(pou) = roots.instances[at].as_ref().map(|instance| instance.pou) else {
            return (inputs, outputs);
        };
        for connection in &roots.programs[at].connections {
            let (name, section) = match connection {
                Argument::Input(name, _) => (name, SectionKind::Input),
                Argument::Output { name, .. } => (name, SectionKind::Output),
                Argument::Positional(value) => {
                    let message = "a connection names the parameter: `in := x`, `out => y`";
                    self.report_connection(value.span, message.to_owned());
                    continue;
                }
            };
            let Some(var) = self.parameter(pou, name, section) else {
                continue;
            };
            if given.contains(&name.key()) {
                let message = format!("`{}` is connected twice", name.text);
                self.report_connection(connection.span(), message);
                continue;
            }
            given.push(name.key());
            match connection {
                Argument::Input(_, value) => inputs.extend(self.connect_input(&var, value, roots)),
                Argument::Output {
                    negated, target, ..
                } => outputs.extend(self.connect_output(&var, *negated, target, roots)),
                Argument::Positional(_) => {}
            }
        }
        (inputs, outputs)
    }

    fn report_connection(&mut self, span: Span, message: String) {
        self.sink.report(problems::BAD_CONNECTION, span, message);
    }

    fn parameter(&mut self, pou: usize, name: &Name, section: SectionKind) -> Option<Var> {
        let signature = self.signature(pou)?;
        if let Some(var) = signature.var(&name.key())
            && var.section == section
        {
            return Some(var.clone());
        }
        let what = match section {
            SectionKind::Input => "VAR_INPUT",
            _ => "VAR_OUTPUT",
        };
        let vars = signature.vars.iter().filter(|var| var.section == section);
        let hint = self
            .sink
            .did_you_mean(&name.text, vars.map(|var| var.name.as_str()));
        let message = format!("the PROGRAM has no {what} `{}`", name.text);
        self.sink
            .report_with_hint(problems::UNKNOWN_PARAMETER, name.span, message, hint);
        None
    }

    fn connect_input(&mut self, var: &Var, value: &Expr, roots: &Roots<'_>) -> Option<Connection> {
        let (target, len) = (var.offset, self.slots(&var.ty));
        let reference = match &value.kind {
            ExprKind::Reference(reference) if self.is_variable(reference) => Some(reference),
            _ => None,
        };
        let source = match reference {
            Some(reference) => {
                let end = self.connected(var, reference, roots)?;
                Source::Slots(end.offset)
            }
            None => {
                let outside = Rc::clone(&self.outside);
                let mut frame = self.frame_of(&var.ty.clone().into());
                let before = self.sink.is_empty();
                let init = Init::Value(value.clone());
                self.initialise(&var.ty, 0, &init, &outside, &mut frame);
                if before && !self.sink.is_empty() {
                    return None;
                }
                Source::Constants(frame)
            }
        };
        Some(Connection {
            source,
            target,
            len,
        })
    }

    /// Whether a reference means a variable, and not a constant or an enumerator.
    fn is_variable(&mut self, reference: &Reference) -> bool {
        match reference {
            Reference::Name(name) => match self.globals.var(&name.key()) {
                Some(var) => var.value.is_none(),
                None => self.enumerator(&name.key()).is_empty(),
            },
            // `Color.Red`, as some systems write it.
            Reference::Member(base, _) => match &**base {
                Reference::Name(ty) => self.enumeration_named(&ty.key()).is_none(),
                _ => true,
            },
            _ => true,
        }
    }

    fn connect_output(
        &mut self,
        var: &Var,
        negated: bool,
        target: &Reference,
        roots: &Roots<'_>,
    ) -> Option<Connection> {
        if negated {
            let message = "a connection does not negate".to_owned();
            self.report_connection(target.span(), message);
            return None;
        }
        let end = self.connected(var, target, roots)?;
        if let Some(reason) = end.read_only {
            let message = format!("an output cannot go there: it is {reason}");
            self.report_connection(target.span(), message);
            return None;
        }
        let (source, len) = (Source::Slots(var.offset), self.slots(&var.ty));
        Some(Connection {
            source,
            target: end.offset,
            len,
        })
    }

    /// The global variable on the other side of a connection, with the type of the parameter.
    fn connected(&mut self, var: &Var, reference: &Reference, roots: &Roots<'_>) -> Option<End> {
        let span = reference.span();
        let end = match reference {
            Reference::Direct(name) => {
                let address = self.parse_address(name)?;
                if !self.check_address(address, span, &var.ty) {
                    return None;
                }
                let global = self.direct_global(address, Some(&var.ty), span);
                End::of(&global, 0, None, false)
            }
            _ => {
                let Some(path) = path_of(reference) else {
                    let message = "a part of a bit string cannot be connected".to_owned();
                    self.report_connection(span, message);
                    return None;
                };
                self.follow(&path, roots)?
            }
        };
        if end.instance.is_some() || end.inside {
            let message = "a connection leads to a variable of VAR_GLOBAL".to_owned();
            self.report_connection(span, message);
            return None;
        }
        if end.ty != var.ty {
            let (here, there) = (self.type_name(&var.ty), self.type_name(&end.ty));
            let message = format!(
                "`{}` is {here}, and what it is connected to {there}",
                var.name
            );
            let hint = Some("a connection copies; convert in the body of the PROGRAM".to_owned());
            self.sink
                .report_with_hint(problems::BAD_CONNECTION, span, message, hint);
            return None;
        }
        debug_assert!(
            !matches!(end.ty, Type::Block(_)),
            "a parameter is no instance"
        );
        Some(end)
    }
}
