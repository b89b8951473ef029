//! What is declared: types, POUs and variables, as far as the translation must know them.
//!
//! The compiler checks everything again in the generated text. Here types are needed for one purpose:
//! to declare the variables that carry values from one block to the next.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::standard;

/// The form in which names are compared; IEC 61131-3 does not distinguish case.
pub(crate) fn key(name: &str) -> String {
    name.trim().to_ascii_uppercase()
}

/// A type, with the text that declares a variable of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Type {
    pub(crate) text: String,
    pub(crate) shape: Shape,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// An elementary type or the name of another one.
    Named,
    Array(Box<Type>),
    Struct(Vec<(String, Type)>),
}

impl Type {
    pub(crate) fn named(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            shape: Shape::Named,
        }
    }
}

/// What can be told about the type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Guess {
    Known(Type),
    /// A literal without a type, which takes that of its place: whether it is a real.
    Literal(bool),
    Unknown,
}

impl Guess {
    pub(crate) fn named(text: impl Into<String>) -> Self {
        Self::Known(Type::named(text))
    }

    /// The one that says more.
    pub(crate) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Known(_) => self,
            Self::Literal(_) => match other() {
                Self::Unknown => self,
                better => better,
            },
            Self::Unknown => other(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PouKind {
    Program,
    FunctionBlock,
    Function,
}

impl PouKind {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::Program => "PROGRAM",
            Self::FunctionBlock => "FUNCTION_BLOCK",
            Self::Function => "FUNCTION",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// The outside of a POU of the project.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) kind: PouKind,
    pub(crate) result: Option<Type>,
    pub(crate) parameters: Vec<Parameter>,
}

/// All that the project declares outside of bodies.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) types: BTreeMap<String, Type>,
    pub(crate) pous: BTreeMap<String, Signature>,
    pub(crate) globals: BTreeMap<String, Type>,
    /// Names that a generated one must differ from.
    pub(crate) taken: BTreeSet<String>,
}

impl Environment {
    /// Adds what other files declare; the own declarations come first.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (name, ty) in &other.types {
            self.types.entry(name.clone()).or_insert_with(|| ty.clone());
        }
        for (name, signature) in &other.pous {
            self.pous
                .entry(name.clone())
                .or_insert_with(|| signature.clone());
        }
        for (name, ty) in &other.globals {
            self.globals
                .entry(name.clone())
                .or_insert_with(|| ty.clone());
        }
        self.taken.extend(other.taken.iter().cloned());
    }

    /// The type of a parameter, or of the result of a function where it has that name.
    pub(crate) fn parameter(&self, block: &str, parameter: &str) -> Guess {
        let (block, parameter) = (key(block), key(parameter));
        if let Some(signature) = self.pous.get(&block) {
            let found = signature
                .parameters
                .iter()
                .find(|p| key(&p.name) == parameter);
            return found.map_or(Guess::Unknown, |p| Guess::Known(p.ty.clone()));
        }
        standard::block_parameter(&block, &parameter).map_or(Guess::Unknown, Guess::named)
    }

    /// Whether a type is a function block, by its name.
    pub(crate) fn is_function_block(&self, name: &str) -> bool {
        let name = key(name);
        match self.pous.get(&name) {
            Some(signature) => signature.kind == PouKind::FunctionBlock,
            None => standard::is_block(&name),
        }
    }

    /// The type of a member of a value.
    fn member(&self, ty: &Type, member: &str) -> Option<Type> {
        let mut ty = ty.clone();
        // Aliases of aliases end at some point, unless the project is in error.
        for _ in 0..16 {
            match &ty.shape {
                Shape::Struct(members) => {
                    let found = members.iter().find(|(name, _)| key(name) == key(member));
                    return found.map(|(_, ty)| ty.clone());
                }
                Shape::Array(_) => return None,
                Shape::Named => match self.types.get(&key(&ty.text)) {
                    Some(base) if *base != ty => ty = base.clone(),
                    _ => break,
                },
            }
        }
        match self.parameter(&ty.text, member) {
            Guess::Known(ty) => Some(ty),
            _ => None,
        }
    }

    fn element(&self, ty: &Type) -> Option<Type> {
        let mut ty = ty.clone();
        for _ in 0..16 {
            match &ty.shape {
                Shape::Array(element) => return Some((**element).clone()),
                Shape::Struct(_) => return None,
                Shape::Named => ty = self.types.get(&key(&ty.text))?.clone(),
            }
        }
        None
    }
}

/// The inside of the POU that is being translated.
#[derive(Debug)]
pub(crate) struct Scope<'e> {
    pub(crate) environment: &'e Environment,
    pub(crate) pou: String,
    pub(crate) result: Option<Type>,
    pub(crate) locals: BTreeMap<String, Type>,
    taken: BTreeSet<String>,
    /// Declarations that the translation adds.
    pub(crate) added: Code,
}

impl<'e> Scope<'e> {
    pub(crate) fn new(
        environment: &'e Environment,
        pou: &str,
        result: Option<Type>,
        locals: BTreeMap<String, Type>,
    ) -> Self {
        Self {
            environment,
            pou: pou.to_owned(),
            result,
            taken: locals.keys().cloned().collect(),
            locals,
            added: Code::default(),
        }
    }

    /// Makes a name that nothing else has.
    pub(crate) fn fresh(&mut self, wanted: &str) -> String {
        let is_taken = |name: &str| {
            let name = key(name);
            self.taken.contains(&name) || self.environment.taken.contains(&name)
        };
        let numbered = (2..).map(|number| format!("{wanted}_{number}"));
        let name = std::iter::once(wanted.to_owned())
            .chain(numbered)
            .find(|name| !is_taken(name))
            .unwrap_or_default();
        self.taken.insert(key(&name));
        name
    }

    /// Declares a variable or an instance under a new name.
    pub(crate) fn declare(&mut self, wanted: &str, ty: &str, at: usize) -> String {
        let name = self.fresh(wanted);
        self.added.put(&format!("    {name} : {ty};\n"), at);
        name
    }

    fn variable(&self, name: &str) -> Option<Type> {
        let name = key(name);
        if name == key(&self.pou) {
            return self.result.clone();
        }
        let local = self.locals.get(&name);
        local
            .or_else(|| self.environment.globals.get(&name))
            .cloned()
    }

    /// The type of an expression as far as it can be told from its text.
    pub(crate) fn guess(&self, expression: &str) -> Guess {
        let text = expression.trim();
        if let Some(guess) = literal(text) {
            return guess;
        }
        if let Some(guess) = self.path(text) {
            return guess;
        }
        let upper = text.to_ascii_uppercase();
        if outside_quotes(&upper).any(|c| "<>=".contains(c)) {
            return Guess::named("BOOL");
        }
        // The first operand that is known gives its type to the whole.
        let mut best = Guess::Unknown;
        for word in operands(text) {
            let call = upper.contains(&format!("{}(", word.to_ascii_uppercase()));
            let guess = if call {
                self.result_of(word)
            } else {
                literal(word)
                    .or_else(|| self.path(word))
                    .unwrap_or(Guess::Unknown)
            };
            best = best.or(|| guess);
            if matches!(best, Guess::Known(_)) {
                break;
            }
        }
        best
    }

    /// The type of a call of a function, where it does not depend on the arguments.
    fn result_of(&self, function: &str) -> Guess {
        if let Some(signature) = self.environment.pous.get(&key(function)) {
            return signature
                .result
                .clone()
                .map_or(Guess::Unknown, Guess::Known);
        }
        match standard::result(&key(function)) {
            standard::ResultType::Fixed(ty) => Guess::named(ty),
            _ => Guess::Unknown,
        }
    }

    /// `a.b[i].c`, or nothing if the text is no path of a known variable.
    fn path(&self, text: &str) -> Option<Guess> {
        let mut rest = text;
        let mut ty: Option<Type> = None;
        loop {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if word.is_empty() {
                return None;
            }
            let next = match &ty {
                None => self.variable(word)?,
                // `word.3` is a bit.
                Some(_) if word.bytes().all(|b| b.is_ascii_digit()) => Type::named("BOOL"),
                Some(ty) => self.environment.member(ty, word)?,
            };
            let mut next = next;
            rest = behind.trim_start();
            while let Some(index) = rest.strip_prefix('[') {
                let close = index.find(']')?;
                for _ in 0..=index[..close].matches(',').count() {
                    next = self.environment.element(&next).unwrap_or(next);
                }
                rest = index[close + 1..].trim_start();
            }
            if rest.is_empty() {
                return Some(Guess::Known(next));
            }
            rest = rest.strip_prefix('.')?;
            ty = Some(next);
        }
    }
}

fn outside_quotes(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut quote = None;
    text.chars().filter(move |c| match quote {
        Some(open) => {
            if *c == open {
                quote = None;
            }
            false
        }
        None if *c == '\'' || *c == '"' => {
            quote = Some(*c);
            false
        }
        None => true,
    })
}

/// The names and numbers of an expression, without operators that are words.
fn operands(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_.#%$'".contains(c);
    text.split(move |c| !inside(c)).filter(|word| {
        let operator = ["AND", "OR", "XOR", "NOT", "MOD"];
        !word.is_empty() && !operator.iter().any(|o| word.eq_ignore_ascii_case(o))
    })
}

fn literal(text: &str) -> Option<Guess> {
    let upper = text.to_ascii_uppercase();
    if upper == "TRUE" || upper == "FALSE" {
        return Some(Guess::named("BOOL"));
    }
    match upper.as_bytes().first()? {
        b'\'' => return Some(Guess::named("STRING")),
        b'"' => return Some(Guess::named("WSTRING")),
        b'%' => {
            let ty = match upper.as_bytes().get(2)? {
                b'B' => "BYTE",
                b'W' => "WORD",
                b'D' => "DWORD",
                b'L' => "LWORD",
                _ => "BOOL",
            };
            return Some(Guess::named(ty));
        }
        _ => {}
    }
    if let Some((prefix, _)) = upper.split_once('#') {
        return Some(match prefix {
            "2" | "8" | "16" => Guess::Literal(false),
            "T" => Guess::named("TIME"),
            "LT" => Guess::named("LTIME"),
            "D" => Guess::named("DATE"),
            "LD" => Guess::named("LDATE"),
            other
                if other
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                Guess::named(standard::elementary(other).unwrap_or(other))
            }
            _ => return None,
        });
    }
    let digits = upper.trim_start_matches(['-', '+']);
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b"_.E+-".contains(&b));
    number.then(|| Guess::Literal(digits.contains(['.', 'E'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(expression: &str) -> String {
        let mut environment = Environment::default();
        let point = Shape::Struct(vec![("x".into(), Type::named("REAL"))]);
        let text = "Point".to_owned();
        environment
            .types
            .insert("POINT".into(), Type { text, shape: point });
        let array = Shape::Array(Box::new(Type::named("Point")));
        let text = "ARRAY[1..3] OF Point".to_owned();
        let points = Type { text, shape: array };
        let locals = [
            ("N", Type::named("INT")),
            ("PS", points),
            ("T1", Type::named("TON")),
        ];
        let locals = locals.map(|(name, ty)| (name.to_owned(), ty)).into();
        let scope = Scope::new(&environment, "Main", None, locals);
        match scope.guess(expression) {
            Guess::Known(ty) => ty.text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn type_of_an_expression_when_told_from_its_text_then_as_the_standard_has_it() {
        for (expression, ty) in [
            ("n", "INT"),
            ("ps[n].X", "REAL"),
            ("t1.ET", "TIME"),
            ("t1.Q", "BOOL"),
            ("n.3", "BOOL"),
            ("n + 1", "INT"),
            ("2 * n", "INT"),
            ("n > 3", "BOOL"),
            ("NOT t1.Q", "BOOL"),
            ("T#5s", "TIME"),
            ("UINT#7", "UINT"),
            ("TIME_OF_DAY#12:00:00", "TOD"),
            ("LD#2024-02-29", "LDATE"),
            ("LDT#2024-02-29-12:00:00", "LDT"),
            ("16#FF", "Literal(false)"),
            ("-1.5E3", "Literal(true)"),
            ("'a<b'", "STRING"),
            ("%IW3", "WORD"),
            ("INT_TO_REAL(n)", "REAL"),
            ("other", "Unknown"),
        ] {
            assert_eq!(guess(expression), ty, "{expression}");
        }
    }
}
