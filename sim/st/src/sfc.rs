//! Sequential Function Chart into statements: steps become instances, transitions and actions IFs.
//!
//! One call of the POU is one evolution: the transitions are tested with the steps as they stood
//! after the call before, all that may be cleared are cleared at once, then each action is carried
//! out or not. In the first call the initial steps begin and nothing is cleared, so that an action
//! of theirs happens before its successor is tested (the fourth rule of evolution).
//!
//! **Invariants:** names that are made here begin with `$`, which no source can write; expressions
//! and statements of the source are moved, not copied, so that each is reported on once (the one
//! exception is the name of a step or an action).
//!
//! An action's control is that of Figure 23 b), without the final scan (Table 57, 2), with a
//! duration of its own for each qualifier; for blocks that are not needed none is declared.
//!
//! Source: IEC 61131-3:2013, 6.7.4.6 (action control), 6.7.5 (evolution).

mod action;
mod build;

use std::collections::BTreeSet;

use self::build::{assign, assign_bool, binary, boolean, hidden, name_at, read, when};
use crate::ast::{
    Action, BinaryOp, Chart, Condition, Declaration, Expr, ExprKind, Library, Name, Pou, PouKind,
    Section, SectionKind, Step, Stmt, Transition, TypeSpec,
};
use crate::diagnostic::{Sink, Span};
use crate::problems;

/// The type of a step's instance, which no source can name.
pub(crate) const STEP_TYPE: &str = "$STEP";

/// Makes statements of every chart.
pub(crate) fn lower(library: &mut Library, sink: &mut Sink<'_>) {
    for pou in &mut library.pous {
        if let Some(chart) = pou.chart.take() {
            lower_pou(pou, chart, sink);
        }
    }
}

fn lower_pou(pou: &mut Pou, mut chart: Chart, sink: &mut Sink<'_>) {
    if pou.kind == PouKind::Function {
        let message = "a FUNCTION keeps no state, so it has no steps";
        sink.report(problems::BAD_CHART, pou.name.span, message);
        return;
    }
    check(&chart, pou.name.span, sink);
    keep_first(&mut chart, sink);
    let mut lowering = Lowering {
        steps: chart.steps.iter().map(|step| step.name.key()).collect(),
        kept: Vec::new(),
        temporary: Vec::new(),
        body: Vec::new(),
        sink,
    };
    lowering.chart(chart, pou.name.span);
    pou.body = lowering.body;
    for (kind, declarations) in [
        (SectionKind::Var, lowering.kept),
        (SectionKind::Temp, lowering.temporary),
    ] {
        pou.sections.push(Section {
            kind,
            constant: false,
            retain: false,
            declarations,
        });
    }
}

/// What the names of a chart must satisfy, besides being declared once.
fn check(chart: &Chart, place: Span, sink: &mut Sink<'_>) {
    if !chart.broken && !chart.steps.iter().any(|step| step.initial) {
        let message = "the chart has no INITIAL_STEP, so that no step of it ever begins";
        sink.report(problems::BAD_CHART, place, message);
    }
    for transition in &chart.transitions {
        for (names, what) in [(&transition.from, "FROM"), (&transition.to, "TO")] {
            for (at, name) in names.iter().enumerate() {
                let known = chart.steps.iter().any(|step| step.name.key() == name.key());
                if !known && chart.broken {
                    continue;
                }
                if !known {
                    let steps = chart.steps.iter().map(|step| step.name.text.as_str());
                    let hint = sink.did_you_mean(&name.text, steps);
                    let message = format!("no step of this chart is called `{}`", name.text);
                    sink.report_with_hint(problems::BAD_CHART, name.span, message, hint);
                } else if names[..at].iter().any(|other| other.key() == name.key()) {
                    let message = format!("`{}` stands twice behind {what}", name.text);
                    sink.report(problems::BAD_CHART, name.span, message);
                }
            }
        }
    }
}

/// Of steps, and of actions, with one name the first stays.
fn keep_first(chart: &mut Chart, sink: &mut Sink<'_>) {
    let mut seen = BTreeSet::new();
    let mut is_first = |what: &str, name: &Name| {
        let first = seen.insert((what.to_owned(), name.key()));
        if !first {
            let message = format!("the {what} `{}` is declared twice", name.text);
            sink.report(problems::DUPLICATE, name.span, message);
        }
        first
    };
    chart.steps.retain(|step| is_first("step", &step.name));
    chart
        .actions
        .retain(|action| is_first("action", &action.name));
}

struct Lowering<'a, 's> {
    /// Capitalised names.
    steps: Vec<String>,
    /// Variables that outlast the call.
    kept: Vec<Declaration>,
    temporary: Vec<Declaration>,
    body: Vec<Stmt>,
    sink: &'a mut Sink<'s>,
}

/// The step was active after the call before, and no transition has taken that away yet.
fn token_of(step: &Name) -> Name {
    hidden("token", step)
}

/// A transition leads to the step in this call.
fn entered(step: &Name) -> Name {
    hidden("entered", step)
}

impl Lowering<'_, '_> {
    fn chart(&mut self, chart: Chart, place: Span) {
        let Chart {
            steps,
            transitions,
            actions,
            ..
        } = chart;
        for step in &steps {
            self.declare(SectionKind::Var, step.name.clone(), STEP_TYPE);
            self.declare(SectionKind::Temp, token_of(&step.name), "BOOL");
            self.declare(SectionKind::Temp, entered(&step.name), "BOOL");
            let active = flag_of(&step.name);
            self.body.push(assign(token_of(&step.name), active));
        }
        self.evolution(&steps, transitions, place);
        for step in &steps {
            let (token, entered) = (token_of(&step.name), entered(&step.name));
            let active = binary(BinaryOp::Or, read(token), read(entered.clone()));
            let arguments = vec![("$IN", active), ("$SET", read(entered))];
            self.body.push(build::call(step.name.clone(), arguments));
        }
        self.actions(&steps, actions);
    }

    /// Clears the transitions; in the first call, enters the initial steps instead.
    fn evolution(&mut self, steps: &[Step], transitions: Vec<Transition>, place: Span) {
        let started = name_at("$started", place);
        self.declare(SectionKind::Var, started.clone(), "BOOL");
        let mut tests = Vec::new();
        for transition in self.by_priority(transitions) {
            tests.push(self.transition(transition));
        }
        let mut begin = vec![assign_bool(started.clone(), true)];
        let initial = steps.iter().filter(|step| step.initial);
        begin.extend(initial.map(|step| assign_bool(entered(&step.name), true)));
        self.body.push(when(read(started), tests, begin));
    }

    /// The transitions in the order in which they are tested: those with a PRIORITY by its number,
    /// then the others in the order of the text.
    fn by_priority(&mut self, transitions: Vec<Transition>) -> Vec<Transition> {
        let mut list: Vec<(i128, Transition)> = Vec::new();
        for transition in transitions {
            let rank = match &transition.priority {
                None => i128::MAX,
                Some(Expr {
                    kind: ExprKind::Integer(rank),
                    ..
                }) => *rank,
                Some(other) => {
                    let message = "the PRIORITY of a transition is a whole number";
                    self.sink.report(problems::BAD_CHART, other.span, message);
                    i128::MAX
                }
            };
            list.push((rank, transition));
        }
        list.sort_by_key(|(rank, _)| *rank);
        list.into_iter().map(|(_, transition)| transition).collect()
    }

    /// Clears one transition if its steps are active, no transition before has taken one of them,
    /// and its condition holds.
    fn transition(&mut self, transition: Transition) -> Stmt {
        let Transition {
            name,
            from,
            to,
            condition,
            span,
            ..
        } = transition;
        // Steps that do not exist are reported already.
        let exists = |step: &&Name| self.steps.contains(&step.key());
        let (from, to): (Vec<_>, Vec<_>) = (
            from.iter().filter(exists).collect(),
            to.iter().filter(exists).collect(),
        );
        let tokens = from.iter().map(|step| read(token_of(step)));
        let enabled = tokens.reduce(|all, token| binary(BinaryOp::And, all, token));
        let enabled = enabled.unwrap_or_else(|| boolean(true, span));
        let mut tests = Vec::new();
        let condition = match condition {
            Condition::Value(value) => value,
            Condition::Statements(list, Some(value)) => {
                tests.push(build::scope(list, span));
                value
            }
            Condition::Statements(list, None) => {
                let Some(result) = name else {
                    let message = "a transition with statements needs a name, which they assign";
                    self.sink.report(problems::BAD_CHART, span, message);
                    // The statements are checked all the same.
                    return build::scope(list, span);
                };
                self.declare(SectionKind::Temp, result.clone(), "BOOL");
                tests.push(build::scope(list, span));
                read(result)
            }
        };
        let mut clear: Vec<_> = from
            .iter()
            .map(|step| assign_bool(token_of(step), false))
            .collect();
        clear.extend(to.iter().map(|step| assign_bool(entered(step), true)));
        tests.push(when(condition, clear, Vec::new()));
        when(enabled, tests, Vec::new())
    }

    /// Controls all actions, then carries out those that are to be.
    fn actions(&mut self, steps: &[Step], actions: Vec<Action>) {
        let controls = self.controls(steps, &actions);
        for control in &controls {
            let flag = control.flag();
            if control.has_body {
                self.declare(SectionKind::Temp, flag.clone(), "BOOL");
            }
            self.control(control, flag);
        }
        for action in actions {
            let key = action.name.key();
            let control = controls.iter().find(|control| control.name.key() == key);
            let body = build::scope(action.body, action.name.span);
            // An action that no step names is checked all the same, and never carried out.
            let never = || boolean(false, action.name.span);
            let flag = control.map_or_else(never, |control| read(control.flag()));
            self.body.push(when(flag, vec![body], Vec::new()));
        }
    }

    fn declare(&mut self, kind: SectionKind, name: Name, ty: &str) {
        let span = name.span;
        let declaration = Declaration {
            names: vec![name],
            at: None,
            ty: TypeSpec::Named(name_at(ty, span)),
            init: None,
            edge: None,
        };
        match kind {
            SectionKind::Temp => self.temporary.push(declaration),
            _ => self.kept.push(declaration),
        }
    }
}

/// `step.X`.
fn flag_of(step: &Name) -> Expr {
    build::member(step.clone(), "X")
}
