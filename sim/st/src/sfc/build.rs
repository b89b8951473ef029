//! Small pieces of a syntax tree.

use crate::ast::{Argument, BinaryOp, Expr, ExprKind, Name, Reference, Stmt, StmtKind, UnaryOp};
use crate::diagnostic::Span;

pub(super) fn name_at(text: &str, span: Span) -> Name {
    Name {
        text: text.to_owned(),
        span,
    }
}

/// A variable that belongs to an element of the chart.
pub(super) fn hidden(role: &str, owner: &Name) -> Name {
    name_at(&format!("${role}.{}", owner.text), owner.span)
}

fn reference(reference: Reference) -> Expr {
    Expr {
        span: reference.span(),
        kind: ExprKind::Reference(reference),
    }
}

pub(super) fn read(name: Name) -> Expr {
    reference(Reference::Name(name))
}

pub(super) fn member(instance: Name, field: &str) -> Expr {
    let field = name_at(field, instance.span);
    reference(Reference::Member(
        Box::new(Reference::Name(instance)),
        field,
    ))
}

pub(super) fn boolean(value: bool, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Bool(value),
        span,
    }
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr {
        span: left.span.to(right.span),
        kind: ExprKind::Binary(op, Box::new(left), Box::new(right)),
    }
}

pub(super) fn not(value: Expr) -> Expr {
    Expr {
        span: value.span,
        kind: ExprKind::Unary(UnaryOp::Not, Box::new(value)),
    }
}

pub(super) fn assign(target: Name, value: Expr) -> Stmt {
    Stmt {
        span: target.span,
        kind: StmtKind::Assign(Reference::Name(target), value),
    }
}

pub(super) fn assign_bool(target: Name, value: bool) -> Stmt {
    let value = boolean(value, target.span);
    assign(target, value)
}

/// `instance(input := value, ...);`.
pub(super) fn call(instance: Name, inputs: Vec<(&str, Expr)>) -> Stmt {
    let span = instance.span;
    let inputs = inputs
        .into_iter()
        .map(|(input, value)| Argument::Input(name_at(input, span), value));
    let arguments = inputs.collect();
    Stmt {
        kind: StmtKind::Call(Reference::Name(instance), arguments),
        span,
    }
}

pub(super) fn when(condition: Expr, then: Vec<Stmt>, otherwise: Vec<Stmt>) -> Stmt {
    Stmt {
        span: condition.span,
        kind: StmtKind::If {
            arms: vec![(condition, then)],
            otherwise,
        },
    }
}

pub(super) fn scope(body: Vec<Stmt>, span: Span) -> Stmt {
    Stmt {
        kind: StmtKind::Scope(body),
        span,
    }
}
