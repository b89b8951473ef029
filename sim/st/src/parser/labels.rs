//! Labels and jumps of an Instruction List, and the current result that goes along with them.
//!
//! What the list has computed is carried to a label by each way there: by the jumps, and by the
//! instruction in front of it. Which labels need that shows only further on, so that every way
//! carries, and what no label needs is taken out again at the end.
//!
//! **Invariant:** behind a label there is a current result only if every way there brings one.
//!
//! Source: IEC 61131-3:2003, 3.2.2 (the current result); edition 3 says nothing about labels.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::list::{Current, Reading, When, evaluation};
use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind, Name, Stmt, StmtKind};
use crate::diagnostic::Span;
use crate::problems;

/// The labels of a list as far as it is read.
#[derive(Default)]
pub(super) struct Labels {
    /// Number of each label, placed or jumped to, by capitalised name.
    ids: BTreeMap<String, u32>,
    /// Labels that stand in the list.
    placed: BTreeSet<u32>,
    jumps: Vec<(Name, u32)>,
    /// Labels to which some way brings no current result, and the first place of such a way.
    empty: BTreeMap<u32, Span>,
    /// Labels to which some way brings one.
    brought: BTreeSet<u32>,
    /// Labels whose current result is used, and where that happens first.
    used: BTreeMap<u32, Span>,
    /// Labels whose current result goes on to another label, which stands second.
    passed_on: Vec<(u32, u32)>,
}

impl Labels {
    /// Takes note that a value is used.
    pub(super) fn used(&mut self, value: &Expr, span: Span) {
        if let ExprKind::Carried(id) = value.kind {
            self.used.entry(id).or_insert(span);
        }
    }

    /// Marks what is used because another label, to which it goes on, uses it.
    fn close(&mut self) {
        let mut sources: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (from, to) in self.passed_on.drain(..) {
            sources.entry(to).or_default().push(from);
        }
        let mut open: Vec<(u32, Span)> = self.used.iter().map(|(id, span)| (*id, *span)).collect();
        while let Some((to, span)) = open.pop() {
            for from in sources.remove(&to).unwrap_or_default() {
                if let Entry::Vacant(place) = self.used.entry(from) {
                    place.insert(span);
                    open.push((from, span));
                }
            }
        }
    }

    /// A way to a label, with what it brings along.
    fn arrive(&mut self, id: u32, value: Option<Expr>, span: Span) -> Option<Stmt> {
        let Some(value) = value else {
            self.empty.entry(id).or_insert(span);
            return None;
        };
        if let ExprKind::Carried(from) = value.kind {
            self.passed_on.push((from, id));
        }
        self.brought.insert(id);
        let kind = StmtKind::Carry(id, value);
        Some(Stmt { kind, span })
    }
}

impl Parser<'_, '_> {
    /// The number of a label, the same for all that name it.
    fn label_id(&mut self, labels: &mut Labels, name: &Name) -> u32 {
        *labels.ids.entry(name.key()).or_insert_with(|| {
            self.next_label += 1;
            self.next_label
        })
    }

    pub(super) fn label(&mut self, reading: &mut Reading) -> Parsed<()> {
        let name = self.name("a label")?;
        self.expect_symbol(":")?;
        let id = self.label_id(&mut reading.labels, &name);
        let span = name.span;
        if !reading.labels.placed.insert(id) {
            let message = format!("the label `{}` stands twice", name.text);
            self.sink.report(problems::DUPLICATE, span, message);
            return Ok(());
        }
        let last = reading.statements.last().map(|last| &last.kind);
        if matches!(last, Some(StmtKind::Jump(_) | StmtKind::Return)) {
            reading.current = Current::default();
        } else {
            let value = reading.current.value.take();
            let carry = reading.labels.arrive(id, value, span);
            reading.statements.extend(carry);
        }
        let kind = StmtKind::Label(id);
        reading.statements.push(Stmt { kind, span });
        // A backward jump may still come, and is asked for its current result then.
        if reading.labels.brought.contains(&id) {
            let kind = ExprKind::Carried(id);
            let value = Some(Expr { kind, span });
            reading.current = Current { value, depth: 1 };
        }
        Ok(())
    }

    pub(super) fn jump(
        &mut self,
        target: Name,
        when: When,
        span: Span,
        reading: &mut Reading,
    ) -> Parsed<()> {
        let id = self.label_id(&mut reading.labels, &target);
        reading.labels.jumps.push((target, id));
        let value = match when {
            When::Always => reading.current.value.take(),
            When::IfTrue | When::IfFalse => Some(self.materialise(reading, span)?),
        };
        let mut statements = Vec::new();
        statements.extend(reading.labels.arrive(id, value, span));
        let kind = StmtKind::Jump(id);
        statements.push(Stmt { kind, span });
        self.conditionally(statements, when, span, reading)
    }

    /// Reports jumps to nowhere and current results that are not there on every way, and takes out
    /// what is carried for nobody.
    pub(super) fn resolve_labels(
        &mut self,
        mut labels: Labels,
        mut statements: Vec<Stmt>,
    ) -> Vec<Stmt> {
        for (target, id) in &labels.jumps {
            if labels.placed.contains(id) {
                continue;
            }
            let placed = labels
                .ids
                .iter()
                .filter(|(_, id)| labels.placed.contains(id));
            let names = placed.map(|(name, _)| name.as_str());
            let hint = self.sink.did_you_mean(&target.text, names);
            let message = format!("no label of this body is called `{}`", target.text);
            self.sink
                .report_with_hint(problems::BAD_LIST, target.span, message, hint);
            // Nothing is generated after a report, but each jump has its label.
            let kind = StmtKind::Label(*id);
            let span = target.span;
            statements.push(Stmt { kind, span });
        }
        labels.close();
        for (id, span) in &labels.used {
            let Some(from) = labels.empty.get(id) else {
                continue;
            };
            let line = self.sink.lines().line(from.start);
            let message = format!("there is no current result here on the way of line {line}");
            self.sink.report(problems::BAD_LIST, *span, message);
        }
        let mut kept = Vec::new();
        for statement in statements {
            keep_needed(statement, &labels.used, &mut kept);
        }
        kept
    }
}

/// Appends a statement of a list without what it carries to labels that do not need it.
fn keep_needed(statement: Stmt, used: &BTreeMap<u32, Span>, kept: &mut Vec<Stmt>) {
    let Stmt { kind, span } = statement;
    let kind = match kind {
        StmtKind::Carry(id, value) if !used.contains_key(&id) => {
            kept.extend(evaluation(value));
            return;
        }
        // Only what depends on the current result stands inside of another statement.
        StmtKind::If { arms, otherwise } => {
            let arms = arms.into_iter().map(|(condition, body)| {
                let mut inner = Vec::new();
                for statement in body {
                    keep_needed(statement, used, &mut inner);
                }
                (condition, inner)
            });
            StmtKind::If {
                arms: arms.collect(),
                otherwise,
            }
        }
        kind => kind,
    };
    kept.push(Stmt { kind, span });
}
