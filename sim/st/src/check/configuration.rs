//! Which programs run when: CONFIGURATION, RESOURCE, TASK.
//!
//! Without a CONFIGURATION there is one PROGRAM, and it runs in every scan.
//!
//! Source: IEC 61131-3:2013, 6.8 (configuration elements), Table 62 and 63.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expression::Scope;
use super::types::Type;
use super::{Checker, MAX_FRAME_SLOTS};
use crate::ast::{self, PouKind, ProgramInstance};
use crate::diagnostic::Span;
use crate::hir::{ExprKind, Instance, Task};
use crate::problems;
use crate::types::Elementary;

/// Tasks and program instances that a controller has.
const MAX_TASKS: usize = 64;

impl Checker<'_, '_> {
    /// The program instances and the tasks; `None` after a report.
    pub(super) fn schedule(&mut self) -> Option<(Vec<Instance>, Vec<Task>)> {
        let library = self.library;
        for second in library.configurations.iter().skip(1) {
            let message = format!("`{}` is a second CONFIGURATION", second.name.text);
            self.sink
                .report(problems::BAD_CONFIGURATION, second.name.span, message);
        }
        match library.configurations.first() {
            None => Some((vec![self.only_program()?], Vec::new())),
            Some(configuration) => self.configuration(configuration),
        }
    }

    fn only_program(&mut self) -> Option<Instance> {
        let is_program = |pou: &ast::Pou| pou.kind == PouKind::Program;
        let pous = &self.library.pous;
        let first = pous.iter().position(is_program);
        if first.is_none() && self.sink.is_empty() {
            let end = self.sink.source().len();
            let span = Span::new(end, end);
            self.sink
                .report(problems::NO_PROGRAM, span, "the file has no PROGRAM");
        }
        for pou in pous.iter().filter(|pou| is_program(pou)).skip(1) {
            let message = format!("`{}` is a second PROGRAM", pou.name.text);
            let hint = Some("say in a CONFIGURATION which programs run".to_owned());
            self.sink
                .report_with_hint(problems::NO_PROGRAM, pou.name.span, message, hint);
        }
        let pou = first?;
        let name = pous[pou].name.clone();
        Some(Instance {
            name: name.text,
            span: name.span,
            pou,
            task: None,
            retain: false,
        })
    }

    fn configuration(
        &mut self,
        configuration: &ast::Configuration,
    ) -> Option<(Vec<Instance>, Vec<Task>)> {
        let mut tasks = Vec::new();
        let mut task_by_key = BTreeMap::new();
        for task in &configuration.tasks {
            if task_by_key.insert(task.name.key(), tasks.len()).is_some() {
                self.report_duplicate(&task.name);
            }
            tasks.push(self.task(task));
        }
        let mut names = BTreeMap::new();
        let mut instances = Vec::new();
        for program in &configuration.programs {
            if names.insert(program.name.key(), ()).is_some() {
                self.report_duplicate(&program.name);
            }
            instances.push(self.instance(program, &task_by_key));
        }
        let span = configuration.name.span;
        if configuration.programs.is_empty() && self.sink.is_empty() {
            let message = "the CONFIGURATION runs no PROGRAM";
            self.sink.report(problems::NO_PROGRAM, span, message);
            return None;
        }
        if tasks.len() > MAX_TASKS || instances.len() > MAX_TASKS {
            let message = format!("more than {MAX_TASKS} tasks or programs");
            self.sink.report(problems::TOO_LARGE, span, message);
            return None;
        }
        Some((instances.into_iter().collect::<Option<_>>()?, tasks))
    }

    fn instance(
        &mut self,
        program: &ProgramInstance,
        tasks: &BTreeMap<String, usize>,
    ) -> Option<Instance> {
        let task = match &program.task {
            None => None,
            Some(name) => match tasks.get(&name.key()) {
                Some(&task) => Some(task),
                None => {
                    let known = tasks.keys().map(String::as_str);
                    let hint = crate::suggest::did_you_mean(&name.text, known);
                    let message = format!("unknown task `{}`", name.text);
                    let code = problems::BAD_CONFIGURATION;
                    self.sink.report_with_hint(code, name.span, message, hint);
                    return None;
                }
            },
        };
        let pous = &self.library.pous;
        let found = self.by_key.get(&program.ty.key()).copied();
        let Some(pou) = found.filter(|&pou| pous[pou].kind == PouKind::Program) else {
            let programs = pous.iter().filter(|pou| pou.kind == PouKind::Program);
            let names = programs.map(|pou| pou.name.text.as_str());
            let hint = crate::suggest::did_you_mean(&program.ty.text, names);
            let message = format!("there is no PROGRAM `{}`", program.ty.text);
            let code = problems::BAD_CONFIGURATION;
            self.sink
                .report_with_hint(code, program.ty.span, message, hint);
            return None;
        };
        let signature = self.signature(pou)?;
        let size = u32::try_from(signature.frame.types.len()).unwrap_or(MAX_FRAME_SLOTS);
        if !self.reserve(size, program.name.span) {
            return None;
        }
        let name = program.name.text.clone();
        Some(Instance {
            name,
            span: program.name.span,
            pou,
            task,
            retain: program.retain,
        })
    }

    fn task(&mut self, task: &ast::Task) -> Task {
        let mut result = Task {
            name: task.name.text.clone(),
            interval_ns: 0,
            priority: 0,
            single: None,
        };
        for (name, value) in &task.settings {
            match name.key().as_str() {
                "INTERVAL" => result.interval_ns = self.interval(value).unwrap_or(1),
                "PRIORITY" => {
                    let outside = Rc::clone(&self.outside);
                    let number = self.constant_integer(value, &outside).unwrap_or(0);
                    result.priority = u32::try_from(number).unwrap_or_else(|_| {
                        let message = format!("{number} is no priority");
                        self.sink
                            .report(problems::BAD_CONFIGURATION, value.span, message);
                        0
                    });
                }
                "SINGLE" => result.single = self.trigger(value),
                _ => {
                    let message = format!("a TASK has no `{}`", name.text);
                    let hint = Some("it has SINGLE, INTERVAL and PRIORITY".to_owned());
                    let code = problems::BAD_CONFIGURATION;
                    self.sink.report_with_hint(code, name.span, message, hint);
                }
            }
        }
        result
    }

    fn interval(&mut self, value: &ast::Expr) -> Option<u64> {
        let outside = Rc::clone(&self.outside);
        let mut scope = Scope::declarations(self, &outside);
        let checked = scope.value(value, Elementary::Time)?.constant();
        let nanos = checked.and_then(|slot| u64::try_from(slot.cast_signed()).ok());
        if nanos.is_none() {
            let message = "the interval of a task is a constant and not negative";
            self.sink
                .report(problems::BAD_CONFIGURATION, value.span, message);
        }
        nanos
    }

    /// The global BOOL whose rising edge starts a task.
    fn trigger(&mut self, value: &ast::Expr) -> Option<u32> {
        let globals = Rc::clone(&self.globals);
        if let ast::ExprKind::Reference(ast::Reference::Name(name)) = &value.kind
            && let Some(var) = globals.var(&name.key())
            && var.ty == Type::Elementary(Elementary::Bool)
            && var.value.is_none()
        {
            return Some(var.offset);
        }
        let outside = Rc::clone(&self.outside);
        let constant = Scope::declarations(self, &outside).value(value, Elementary::Bool);
        if let Some(ExprKind::Const(0)) = constant.map(|expr| expr.kind) {
            return None;
        }
        let message = "the trigger of a task is a BOOL of VAR_GLOBAL";
        self.sink
            .report(problems::BAD_CONFIGURATION, value.span, message);
        None
    }
}
