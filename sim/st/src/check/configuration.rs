//! Which programs run when: CONFIGURATION, RESOURCE, TASK.
//!
//! Without a CONFIGURATION there is one PROGRAM, and it runs in every scan.
//!
//! Source: IEC 61131-3:2013, 6.8 (configuration elements), Table 62 and 63.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::access::Placed;
use super::expression::Scope;
use super::path::Roots;
use super::types::Type;
use super::{Checker, MAX_FRAME_SLOTS};
use crate::Purpose;
use crate::ast::{self, Name, PouKind, ProgramInstance};
use crate::diagnostic::Span;
use crate::hir::{Access, ExprKind, Instance, LocatedVariable, Task};
use crate::problems;
use crate::types::Elementary;
use crate::verifier::MAX_TASKS;

/// What a CONFIGURATION says.
#[derive(Default)]
pub(super) struct Schedule {
    pub(super) instances: Vec<Instance>,
    pub(super) tasks: Vec<Task>,
    /// What VAR_CONFIG has given an address.
    pub(super) located: Vec<LocatedVariable>,
    pub(super) accesses: Vec<Access>,
}

impl Checker<'_, '_> {
    /// What runs and how it is tied to the rest; `None` after a report.
    pub(super) fn schedule(&mut self, purpose: Purpose) -> Option<Schedule> {
        let library = self.library;
        for second in library.configurations.iter().skip(1) {
            let message = format!("`{}` is a second CONFIGURATION", second.name.text);
            self.sink
                .report(problems::BAD_CONFIGURATION, second.name.span, message);
        }
        let Some(configuration) = library.configurations.first() else {
            let schedule = Schedule {
                instances: self.programs(purpose)?,
                ..Schedule::default()
            };
            self.check_placed(&schedule.instances, &Placed::new());
            return Some(schedule);
        };
        self.configuration(configuration)
    }

    /// What runs where no CONFIGURATION says it: each PROGRAM in the order of the text, of which a run
    /// needs just one.
    fn programs(&mut self, purpose: Purpose) -> Option<Vec<Instance>> {
        let pous = self.library.pous.iter().enumerate();
        let programs = pous.filter(|(_, pou)| pou.kind == PouKind::Program);
        let instances: Vec<_> = programs
            .map(|(at, pou)| Instance::new(pou.name.text.clone(), pou.name.span, at))
            .collect();
        if let Some(beyond) = instances.get(MAX_TASKS) {
            self.report_too_many(beyond.span);
            return None;
        }
        if purpose == Purpose::Check {
            return Some(instances);
        }
        if instances.is_empty() && self.sink.is_empty() {
            let end = self.sink.source().len();
            let span = Span::new(end, end);
            self.sink
                .report(problems::NO_PROGRAM, span, "the file has no PROGRAM");
        }
        for second in instances.iter().skip(1) {
            let message = format!("`{}` is a second PROGRAM", second.name);
            let hint = Some("say in a CONFIGURATION which programs run".to_owned());
            self.sink
                .report_with_hint(problems::NO_PROGRAM, second.span, message, hint);
        }
        (!instances.is_empty()).then_some(instances)
    }

    fn report_too_many(&mut self, span: Span) {
        let message = format!("more than {MAX_TASKS} tasks or programs");
        self.sink.report(problems::TOO_LARGE, span, message);
    }

    fn configuration(&mut self, configuration: &ast::Configuration) -> Option<Schedule> {
        let mut resources = BTreeSet::new();
        for resource in &configuration.resources {
            if !resources.insert(resource.key()) {
                self.report_duplicate(resource);
            }
        }
        let tasks: Vec<_> = configuration
            .tasks
            .iter()
            .map(|t| (&t.name, t.resource))
            .collect();
        let names = self.scoped_names(&tasks, &configuration.resources);
        let tasks = configuration.tasks.iter().zip(names);
        let tasks: Vec<_> = tasks.map(|(task, name)| self.task(task, name)).collect();
        let programs = configuration.programs.iter();
        let programs: Vec<_> = programs.map(|p| (&p.name, p.resource)).collect();
        let names = self.scoped_names(&programs, &configuration.resources);
        let mut instances = Vec::new();
        for (program, name) in configuration.programs.iter().zip(names) {
            instances.push(self.instance(program, name, &configuration.tasks));
        }
        let span = configuration.name.span;
        if configuration.programs.is_empty() && self.sink.is_empty() {
            let message = "the CONFIGURATION runs no PROGRAM";
            self.sink.report(problems::NO_PROGRAM, span, message);
            return None;
        }
        if tasks.len() > MAX_TASKS || instances.len() > MAX_TASKS {
            self.report_too_many(span);
            return None;
        }
        let mut roots = Roots {
            resources: &configuration.resources,
            programs: &configuration.programs,
            instances,
        };
        for at in 0..roots.instances.len() {
            let (inputs, outputs) = self.connections(at, &roots);
            if let Some(instance) = &mut roots.instances[at] {
                (instance.inputs, instance.outputs) = (inputs, outputs);
            }
        }
        let (located, placed) = self.configure(&configuration.inits, &mut roots);
        let accesses = self.access_paths(&configuration.accesses, &roots);
        let instances: Vec<_> = roots.instances.into_iter().collect::<Option<_>>()?;
        self.check_placed(&instances, &placed);
        Some(Schedule {
            instances,
            tasks,
            located,
            accesses,
        })
    }

    /// The names of tasks or programs, which are those of their RESOURCE: where several RESOURCEs
    /// have the same, the RESOURCE stands in front. Reports what one RESOURCE has twice.
    fn scoped_names(
        &mut self,
        declared: &[(&Name, Option<usize>)],
        resources: &[Name],
    ) -> Vec<String> {
        let mut places: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
        for (name, resource) in declared {
            let known = places.entry(name.key()).or_default();
            if known.contains(resource) {
                self.report_duplicate(name);
            }
            known.push(*resource);
        }
        let scoped = |(name, resource): &(&Name, Option<usize>)| {
            let several = places.get(&name.key()).is_some_and(|known| known.len() > 1);
            match resource
                .and_then(|at| resources.get(at))
                .filter(|_| several)
            {
                Some(resource) => format!("{}.{}", resource.text, name.text),
                None => name.text.clone(),
            }
        };
        declared.iter().map(scoped).collect()
    }

    fn instance(
        &mut self,
        program: &ProgramInstance,
        name: String,
        tasks: &[ast::Task],
    ) -> Option<Instance> {
        let task = match &program.task {
            None => None,
            Some(name) => {
                let (key, resource) = (name.key(), program.resource);
                let is_it = |task: &ast::Task| task.resource == resource && task.name.key() == key;
                let Some(task) = tasks.iter().position(is_it) else {
                    let near = tasks.iter().filter(|task| task.resource == resource);
                    let known = near.map(|task| task.name.text.as_str());
                    let hint = self.sink.did_you_mean(&name.text, known);
                    let message = format!("unknown task `{}`", name.text);
                    let code = problems::BAD_CONFIGURATION;
                    self.sink.report_with_hint(code, name.span, message, hint);
                    return None;
                };
                Some(task)
            }
        };
        let pous = &self.library.pous;
        let found = self.by_key.get(&program.ty.key()).copied();
        let Some(pou) = found.filter(|&pou| pous[pou].kind == PouKind::Program) else {
            let programs = pous.iter().filter(|pou| pou.kind == PouKind::Program);
            let names = programs.map(|pou| pou.name.text.as_str());
            let hint = self.sink.did_you_mean(&program.ty.text, names);
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
        Some(Instance {
            task,
            retain: program.retain,
            ..Instance::new(name, program.name.span, pou)
        })
    }

    fn task(&mut self, task: &ast::Task, name: String) -> Task {
        let mut result = Task {
            name,
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
