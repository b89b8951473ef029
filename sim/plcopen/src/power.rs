//! Values on their way through a network, and the boolean algebra of ladders.
//!
//! Contacts in series are AND, branches that meet are OR. Branches that begin with the same contacts
//! are written with these in front, as the ladder is drawn.

use crate::code::Code;

/// What a connection carries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Power {
    /// Straight from the left power rail.
    On,
    Value(Code),
    All(Vec<Power>),
    Any(Vec<Power>),
    Not(Box<Power>),
}

/// How tightly an expression binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Any,
    All,
    Not,
    Atom,
}

impl Power {
    /// Both in series.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::On, other) | (other, Self::On) => other,
            (Self::All(mut left), Self::All(right)) => {
                left.extend(right);
                Self::All(left)
            }
            (Self::All(mut left), other) => {
                left.push(other);
                Self::All(left)
            }
            (first, other) => Self::All(vec![first, other]),
        }
    }

    /// Branches that meet. `None` stands for no branch at all.
    pub(crate) fn any(mut branches: Vec<Self>) -> Option<Self> {
        if branches.contains(&Self::On) {
            return Some(Self::On);
        }
        let mut distinct: Vec<Self> = Vec::new();
        for branch in branches.drain(..) {
            if !distinct.contains(&branch) {
                distinct.push(branch);
            }
        }
        if distinct.len() < 2 {
            return distinct.pop();
        }
        let shared = shared_front(&distinct);
        if shared.is_empty() {
            return Some(Self::Any(distinct));
        }
        let rests = distinct.iter().map(|branch| match branch {
            Self::All(parts) if parts.len() > shared.len() => {
                let rest = parts[shared.len()..].to_vec();
                rest.into_iter().fold(Self::On, Self::and)
            }
            _ => Self::On,
        });
        let front = shared.iter().cloned().fold(Self::On, Self::and);
        Self::any(rests.collect()).map(|rest| front.and(rest))
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// About how long the expression is, bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::On => 4,
            Self::Value(code) => code.len(),
            Self::All(parts) | Self::Any(parts) => parts.iter().map(|part| part.len() + 5).sum(),
            Self::Not(inner) => inner.len() + 4,
        }
    }

    fn level(&self) -> Level {
        match self {
            Self::On => Level::Atom,
            Self::Value(code) if is_atom(code.text()) => Level::Atom,
            Self::Value(_) | Self::Any(_) => Level::Any,
            Self::All(_) => Level::All,
            Self::Not(_) => Level::Not,
        }
    }

    /// The expression, because of the element at `at`.
    pub(crate) fn code(&self, at: usize) -> Code {
        let mut code = Code::default();
        match self {
            Self::On => code.put("TRUE", at),
            Self::Value(value) => code.append(value),
            Self::All(parts) => joined(parts, " AND ", Level::All, at, &mut code),
            Self::Any(parts) => joined(parts, " OR ", Level::Any, at, &mut code),
            Self::Not(inner) => {
                code.put("NOT ", at);
                operand(inner, Level::Not, at, &mut code);
            }
        }
        code
    }
}

fn joined(parts: &[Power], between: &str, level: Level, at: usize, code: &mut Code) {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            code.put(between, at);
        }
        operand(part, level, at, code);
    }
}

fn operand(power: &Power, level: Level, at: usize, code: &mut Code) {
    // A value that is no atom may hold any operator.
    let loose = matches!(power, Power::Value(_)) && power.level() != Level::Atom;
    let bare = power.level() > level || (power.level() == level && !loose);
    if !bare {
        code.put("(", at);
    }
    code.append(&power.code(at));
    if !bare {
        code.put(")", at);
    }
}

/// What all branches have in front. A branch that is no series has itself there.
fn shared_front(branches: &[Power]) -> Vec<Power> {
    let series = |power: &Power| match power {
        Power::All(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let mut shared = branches.first().map_or_else(Vec::new, series);
    for branch in &branches[1..] {
        let other = series(branch);
        let same = shared
            .iter()
            .zip(&other)
            .take_while(|(a, b)| a == b)
            .count();
        shared.truncate(same);
    }
    shared
}

/// Whether a text needs no parentheses beside an operator: a name, a literal, a call, or one pair of
/// parentheses around everything.
fn is_atom(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut quote = None;
    // Whether a parenthesis or a quote was closed at the outermost level: nothing but a path may follow.
    let mut closed = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            // `$'` is no end of the text.
            (Some(_), '$') => {
                chars.next();
            }
            (Some(open), _) => {
                if c == open {
                    quote = None;
                    closed |= depth == 0;
                }
            }
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => {
                if depth == 0 && closed && c == '(' {
                    return false;
                }
                depth += 1;
            }
            (None, ')' | ']') => {
                let Some(outer) = depth.checked_sub(1) else {
                    return false;
                };
                depth = outer;
                closed |= depth == 0;
            }
            _ if depth > 0 => {}
            (None, '-') if text[..at].ends_with('#') || is_date(text) => {}
            (None, '.') => closed = false,
            (None, _) if closed || !(c.is_ascii_alphanumeric() || "_#%$:".contains(c)) => {
                return false;
            }
            (None, _) => {}
        }
    }
    depth == 0 && quote.is_none()
}

/// Whether a text is a date, which is a literal with signs in it: `D#2024-02-29`.
fn is_date(text: &str) -> bool {
    text.split_once('#').is_some_and(|(prefix, digits)| {
        let digit = |byte: u8| byte.is_ascii_digit() || b"-:._".contains(&byte);
        let types = ["D", "DATE", "DT", "DATE_AND_TIME"];
        let plain = prefix.strip_prefix(['L', 'l']).unwrap_or(prefix);
        types.iter().any(|ty| plain.eq_ignore_ascii_case(ty)) && digits.bytes().all(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Power {
        Power::Value(Code::new(text, 0))
    }

    #[test]
    fn ladder_when_branches_begin_alike_then_their_front_is_written_once() {
        let (a, b, c) = (value("a"), value("b"), value("c"));
        let start = a.clone().and(b.clone());
        let hold = a.clone().and(c.clone());
        let power = Power::any(vec![start, hold]).expect("there are branches");
        assert_eq!(
            power.and(b.not()).code(0).text(),
            "a AND (b OR c) AND NOT b"
        );
        let through = Power::any(vec![a.clone(), a.clone().and(c)]);
        assert_eq!(through, Some(a));
    }

    #[test]
    fn values_when_they_hold_operators_then_they_are_in_parentheses() {
        for (text, negated) in [
            ("x", "NOT x"),
            ("t.Q", "NOT t.Q"),
            ("a[i + 1]", "NOT a[i + 1]"),
            ("GT(a, b)", "NOT GT(a, b)"),
            ("a OR b", "NOT (a OR b)"),
            ("(a) OR (b)", "NOT ((a) OR (b))"),
            ("a=b", "NOT (a=b)"),
            ("D#2020-01-01", "NOT D#2020-01-01"),
            ("(a)OR(b)", "NOT ((a)OR(b))"),
            ("(a)&(b)", "NOT ((a)&(b))"),
            ("(a OR b)", "NOT (a OR b)"),
            ("f(a)OR(b)", "NOT (f(a)OR(b))"),
            ("a[1]OR(b)", "NOT (a[1]OR(b))"),
            ("a[1].b[2].c", "NOT a[1].b[2].c"),
            ("EQ('(', x)", "NOT EQ('(', x)"),
            ("EQ('$')', x)OR(b)", "NOT (EQ('$')', x)OR(b))"),
            ("'a'=(b)", "NOT ('a'=(b))"),
            ("INT#-5", "NOT INT#-5"),
            ("a-INT#5", "NOT (a-INT#5)"),
            ("INT#1-INT#2", "NOT (INT#1-INT#2)"),
            ("DT#2020-01-01-12:00:00.5", "NOT DT#2020-01-01-12:00:00.5"),
            ("D#2020-01-01-x", "NOT (D#2020-01-01-x)"),
        ] {
            assert_eq!(value(text).not().code(0).text(), negated);
        }
        let either = value("a OR b").and(value("c"));
        assert_eq!(either.code(0).text(), "(a OR b) AND c");
    }
}
