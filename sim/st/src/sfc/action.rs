//! The control of actions: from the steps that name an action to whether it is carried out.

use super::build::{assign, binary, boolean, call, hidden, member, name_at, not, read, when};
use super::{Lowering, flag_of};
use crate::ast::{Action, Association, BinaryOp, Expr, Name, SectionKind, Step, Stmt};
use crate::diagnostic::Span;
use crate::problems;

/// An action and all that steps say about it.
pub(super) struct Control {
    pub(super) name: Name,
    /// An ACTION of the chart; otherwise a BOOL.
    pub(super) has_body: bool,
    uses: Vec<Use>,
}

/// One step's word about an action.
struct Use {
    step: Name,
    qualifier: Qualifier,
    /// With a qualifier that needs one.
    time: Option<Expr>,
}

/// Action qualifiers (Table 56).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qualifier {
    NonStored,
    Reset,
    Stored,
    Limited,
    Delayed,
    Pulse,
    PulseFalling,
    StoredDelayed,
    DelayedStored,
    StoredLimited,
}

impl Qualifier {
    const ALL: [(&'static str, Self); 11] = [
        ("N", Self::NonStored),
        ("R", Self::Reset),
        ("S", Self::Stored),
        ("L", Self::Limited),
        ("D", Self::Delayed),
        // Without the final scan P and P1 are the same.
        ("P", Self::Pulse),
        ("P1", Self::Pulse),
        ("P0", Self::PulseFalling),
        ("SD", Self::StoredDelayed),
        ("DS", Self::DelayedStored),
        ("SL", Self::StoredLimited),
    ];

    fn is_timed(self) -> bool {
        use Qualifier::{Delayed, DelayedStored, Limited, StoredDelayed, StoredLimited};
        matches!(
            self,
            Limited | Delayed | StoredDelayed | DelayedStored | StoredLimited
        )
    }
}

impl Control {
    /// The variable that says whether the action is carried out.
    pub(super) fn flag(&self) -> Name {
        match self.has_body {
            true => hidden("flag", &self.name),
            false => self.name.clone(),
        }
    }

    /// Whether a step with this qualifier is active; `None` where none has it.
    fn active(&self, qualifier: Qualifier) -> Option<Expr> {
        self.uses
            .iter()
            .filter(|used| used.qualifier == qualifier)
            .map(|used| flag_of(&used.step))
            .reduce(|any, step| binary(BinaryOp::Or, any, step))
    }

    fn span(&self) -> Span {
        self.name.span
    }
}

impl Lowering<'_, '_> {
    /// All actions that steps name, in the order in which they are first named.
    pub(super) fn controls(&mut self, steps: &[Step], actions: &[Action]) -> Vec<Control> {
        let mut controls: Vec<Control> = Vec::new();
        let named = steps
            .iter()
            .flat_map(|step| step.associations.iter().map(move |word| (step, word)));
        for (step, association) in named {
            self.check_indicators(association);
            let Some(used) = self.use_of(step, association) else {
                continue;
            };
            let key = association.action.key();
            match controls
                .iter_mut()
                .find(|control| control.name.key() == key)
            {
                Some(control) => control.uses.push(used),
                None => controls.push(Control {
                    has_body: actions.iter().any(|action| action.name.key() == key),
                    name: association.action.clone(),
                    uses: vec![used],
                }),
            }
        }
        controls
    }

    /// An indicator tells the reader what the action brings about; it must exist, and no more.
    fn check_indicators(&mut self, association: &Association) {
        for indicator in &association.indicators {
            let exists = vec![assign(indicator.clone(), read(indicator.clone()))];
            let never = boolean(false, indicator.span);
            self.body.push(when(never, exists, Vec::new()));
        }
    }

    /// What a step says about an action; `None` after a report.
    fn use_of(&mut self, step: &Step, association: &Association) -> Option<Use> {
        let key = association.qualifier.key();
        let known = Qualifier::ALL.iter().find(|(text, _)| *text == key);
        let Some(&(text, qualifier)) = known else {
            let (span, text) = (association.qualifier.span, &association.qualifier.text);
            let message = format!("`{text}` is no qualifier of an action");
            self.sink.report(problems::BAD_CHART, span, message);
            return None;
        };
        let span = association.action.span;
        if qualifier.is_timed() && association.time.is_none() {
            let message = format!("the qualifier {text} needs a duration");
            let hint = Some(format!("{}({text}, T#1s)", association.action.text));
            self.sink
                .report_with_hint(problems::BAD_CHART, span, message, hint);
            return None;
        }
        Some(Use {
            // What is wrong about the action is reported where the step names it.
            step: name_at(&step.name.text, span),
            qualifier,
            time: association.time.clone(),
        })
    }

    /// Statements that set the flag of one action.
    pub(super) fn control(&mut self, control: &Control, flag: Name) {
        let reset = control.active(Qualifier::Reset);
        let mut causes = Vec::new();
        causes.extend(control.active(Qualifier::NonStored));
        if let Some(active) = control.active(Qualifier::Stored) {
            let latch = self.latch(control, "stored", active, &reset);
            causes.push(member(latch, "Q1"));
        }
        if let Some(active) = control.active(Qualifier::Limited) {
            let timer = self.timer(control, Qualifier::Limited, "limited", active);
            causes.push(before_end(member(timer.clone(), "IN"), timer));
        }
        if let Some(active) = control.active(Qualifier::Delayed) {
            let timer = self.timer(control, Qualifier::Delayed, "delayed", active);
            causes.push(member(timer, "Q"));
        }
        for (qualifier, rising) in [(Qualifier::Pulse, true), (Qualifier::PulseFalling, false)] {
            if let Some(active) = control.active(qualifier) {
                causes.push(self.edge(control, active, rising));
            }
        }
        if let Some(active) = control.active(Qualifier::StoredDelayed) {
            let latch = self.latch(control, "stored-delayed", active, &reset);
            let stored = member(latch, "Q1");
            let timer = self.timer(control, Qualifier::StoredDelayed, "stored-delay", stored);
            causes.push(member(timer, "Q"));
        }
        if let Some(active) = control.active(Qualifier::DelayedStored) {
            let timer = self.timer(control, Qualifier::DelayedStored, "store-delay", active);
            let delayed = member(timer, "Q");
            let latch = self.latch(control, "delayed-stored", delayed, &reset);
            causes.push(member(latch, "Q1"));
        }
        if let Some(active) = control.active(Qualifier::StoredLimited) {
            let latch = self.latch(control, "stored-limited", active, &reset);
            let stored = member(latch, "Q1");
            let timer = self.timer(control, Qualifier::StoredLimited, "store-limit", stored);
            causes.push(before_end(member(timer.clone(), "IN"), timer));
        }
        let any = causes
            .into_iter()
            .reduce(|any, cause| binary(BinaryOp::Or, any, cause));
        let any = any.unwrap_or_else(|| boolean(false, control.span()));
        let value = match reset {
            Some(reset) => binary(BinaryOp::And, not(reset), any),
            None => any,
        };
        self.body.push(assign(flag, value));
    }

    /// An RS that the action's R resets.
    fn latch(&mut self, control: &Control, role: &str, set: Expr, reset: &Option<Expr>) -> Name {
        let latch = hidden(role, &control.name);
        self.declare(SectionKind::Var, latch.clone(), "RS");
        let reset = reset.clone().unwrap_or_else(|| boolean(false, latch.span));
        let inputs = vec![("S", set), ("R1", reset)];
        self.body.push(call(latch.clone(), inputs));
        latch
    }

    /// A TON with the duration of the step that is, or was last, active.
    fn timer(&mut self, control: &Control, which: Qualifier, role: &str, input: Expr) -> Name {
        let preset = hidden(&format!("{role}-time"), &control.name);
        self.declare(SectionKind::Var, preset.clone(), "TIME");
        let uses = control.uses.iter().filter(|used| used.qualifier == which);
        for used in uses {
            if let Some(time) = &used.time {
                let set: Stmt = assign(preset.clone(), time.clone());
                self.body
                    .push(when(flag_of(&used.step), vec![set], Vec::new()));
            }
        }
        let timer = hidden(role, &control.name);
        self.declare(SectionKind::Var, timer.clone(), "TON");
        let inputs = vec![("IN", input), ("PT", read(preset))];
        self.body.push(call(timer.clone(), inputs));
        timer
    }

    /// True in the call in which `active` rises or falls. Unlike F_TRIG, never in the first call
    /// because of a step that was never active.
    fn edge(&mut self, control: &Control, active: Expr, rising: bool) -> Expr {
        let role = if rising { "rising" } else { "falling" };
        let memory = hidden(&format!("{role}-memory"), &control.name);
        let edge = hidden(role, &control.name);
        self.declare(SectionKind::Var, memory.clone(), "BOOL");
        self.declare(SectionKind::Temp, edge.clone(), "BOOL");
        let was = read(memory.clone());
        let detected = match rising {
            true => binary(BinaryOp::And, active.clone(), not(was)),
            false => binary(BinaryOp::And, not(active.clone()), was),
        };
        self.body.push(assign(edge.clone(), detected));
        self.body.push(assign(memory, active));
        read(edge)
    }
}

/// Active, and the timer has not come to its end.
fn before_end(active: Expr, timer: Name) -> Expr {
    binary(BinaryOp::And, active, not(member(timer, "Q")))
}
