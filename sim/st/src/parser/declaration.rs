//! Sections of variables, types and initial values.

use super::{Failed, Parsed, Parser};
use crate::ast::{Declaration, Expr, Init, Name, Section, SectionKind, TypeSpec};
use crate::lexer::{Keyword, TokenKind};
use crate::problems;

/// Words behind which no declaration goes on.
fn ends_declarations(word: Keyword) -> bool {
    use Keyword::*;
    matches!(
        word,
        EndVar
            | EndStruct
            | EndType
            | Var
            | VarInput
            | VarOutput
            | VarInOut
            | VarTemp
            | VarGlobal
            | VarExternal
            | EndProgram
            | EndFunction
            | EndFunctionBlock
            | EndConfiguration
            | Program
            | Function
            | FunctionBlock
            | Type
            | If
            | Case
            | For
            | While
            | Repeat
    )
}

impl Parser<'_, '_> {
    pub(super) fn sections(&mut self) -> Vec<Section> {
        let mut sections = Vec::new();
        loop {
            let kind = match self.peek() {
                TokenKind::Keyword(Keyword::Var) => SectionKind::Var,
                TokenKind::Keyword(Keyword::VarInput) => SectionKind::Input,
                TokenKind::Keyword(Keyword::VarOutput) => SectionKind::Output,
                TokenKind::Keyword(Keyword::VarInOut) => SectionKind::InOut,
                TokenKind::Keyword(Keyword::VarTemp) => SectionKind::Temp,
                TokenKind::Keyword(Keyword::VarExternal) => SectionKind::External,
                TokenKind::Keyword(Keyword::VarGlobal) => {
                    self.unsupported("VAR_GLOBAL inside a POU", Keyword::EndVar);
                    continue;
                }
                _ if self.is_word("VAR_ACCESS") || self.is_word("VAR_CONFIG") => {
                    let word = self.text(self.span()).to_ascii_uppercase();
                    let what = format!("{word} outside of a CONFIGURATION");
                    self.unsupported(&what, Keyword::EndVar);
                    continue;
                }
                _ => return sections,
            };
            sections.push(self.section(kind));
        }
    }

    /// One section, from its opening word on.
    pub(super) fn section(&mut self, kind: SectionKind) -> Section {
        self.advance();
        let (mut constant, mut retain) = (false, false);
        loop {
            if self.eat_keyword(Keyword::Constant) {
                constant = true;
            } else if self.eat_keyword(Keyword::Retain) {
                retain = true;
            } else if self.eat_keyword(Keyword::NonRetain) {
                // That is what variables are anyway.
            } else if self.is_word("PERSISTENT") && self.peek_at(1) != TokenKind::Symbol(":") {
                let span = self.advance();
                let hint = Some("write RETAIN: it survives a warm start".to_owned());
                let message = "PERSISTENT is not supported";
                self.sink
                    .report_with_hint(problems::UNSUPPORTED, span, message, hint);
            } else if let Some(word) = ["PUBLIC", "PRIVATE", "PROTECTED", "INTERNAL"]
                .into_iter()
                .find(|word| self.is_word(word) && self.peek_at(1) == TokenKind::Identifier)
            {
                self.unsupported_here(&format!("the access specifier {word}"));
                self.advance();
            } else {
                break;
            }
        }
        let declarations = self.declarations(Keyword::EndVar);
        Section {
            kind,
            constant,
            retain,
            declarations,
        }
    }

    /// Declarations up to `end`, which is `END_VAR` or `END_STRUCT`.
    fn declarations(&mut self, end: Keyword) -> Vec<Declaration> {
        let mut declarations = Vec::new();
        let mut before = None;
        loop {
            assert!(
                before.replace(self.at) != Some(self.at),
                "the parser advances"
            );
            match self.peek() {
                TokenKind::Keyword(word) if word == end => {
                    self.advance();
                    if end == Keyword::EndVar {
                        self.eat_symbol(";");
                    }
                    return declarations;
                }
                TokenKind::Identifier | TokenKind::Keyword(Keyword::At) => {}
                // A reserved word in the place of a name is reported as that.
                TokenKind::Keyword(word)
                    if !ends_declarations(word)
                        && matches!(self.peek_at(1), TokenKind::Symbol(":" | ",")) => {}
                TokenKind::Symbol(_) | TokenKind::Integer => {
                    self.missing(&format!("a variable's name or `{}`", end.text()));
                    self.skip_declaration();
                    continue;
                }
                _ => {
                    self.missing(&format!("`{}`", end.text()));
                    return declarations;
                }
            }
            match self.declaration() {
                Ok(declaration) => declarations.push(declaration),
                Err(Failed) => self.skip_declaration(),
            }
        }
    }

    /// Skips behind the next `;`, or to what cannot be part of a declaration.
    pub(super) fn skip_declaration(&mut self) {
        loop {
            match self.peek() {
                TokenKind::EndOfFile => return,
                TokenKind::Symbol(";") => {
                    self.advance();
                    return;
                }
                TokenKind::Keyword(word) if ends_declarations(word) => return,
                _ => {
                    self.advance();
                }
            }
        }
    }

    fn declaration(&mut self) -> Parsed<Declaration> {
        let mut names = Vec::new();
        if self.peek() != TokenKind::Keyword(Keyword::At) {
            names.push(self.name("a variable's name")?);
            while self.eat_symbol(",") {
                names.push(self.name("a variable's name")?);
            }
        }
        let mut at = None;
        if self.eat_keyword(Keyword::At) {
            let address = self.direct_address()?;
            if names.is_empty() {
                // A variable may have no other name than its address.
                names.push(Name {
                    text: address.key(),
                    span: address.span,
                });
            }
            at = Some(address);
        }
        self.expect_symbol(":")?;
        let ty = self.type_spec()?;
        let edge = if self.eat_word("R_EDGE") {
            Some(true)
        } else if self.eat_word("F_EDGE") {
            Some(false)
        } else {
            None
        };
        let init = if self.eat_symbol(":=") {
            Some(self.init_of(&ty)?)
        } else {
            None
        };
        self.expect_symbol(";")?;
        Ok(Declaration {
            names,
            at,
            ty,
            init,
            edge,
        })
    }

    /// A direct address, as written.
    pub(super) fn direct_address(&mut self) -> Parsed<Name> {
        if self.peek() != TokenKind::Direct {
            return Err(self.missing("a direct address such as `%IX0.0`"));
        }
        let span = self.advance();
        let text = self.text(span).to_owned();
        Ok(Name { text, span })
    }

    pub(super) fn type_spec(&mut self) -> Parsed<TypeSpec> {
        self.nested(Self::any_type_spec)
    }

    fn any_type_spec(&mut self) -> Parsed<TypeSpec> {
        let start = self.span();
        match self.peek() {
            TokenKind::Keyword(Keyword::Array) => return self.array_spec(),
            TokenKind::Keyword(Keyword::Struct) => {
                self.advance();
                if self.is_word("OVERLAP") {
                    return Err(self.unsupported_here("OVERLAP"));
                }
                let members = self.declarations(Keyword::EndStruct);
                return Ok(TypeSpec::Struct(members, start.to(self.previous_span())));
            }
            TokenKind::Symbol("(") => return self.enumeration(None),
            _ => {}
        }
        for (word, next) in [("REF_TO", ""), ("POINTER", "TO"), ("REFERENCE", "TO")] {
            if self.is_word(word) && (next.is_empty() || self.peek_at(1) == TO) {
                return Err(self.unsupported_here("a type of references"));
            }
        }
        let name = self.name("a type")?;
        let is_text = ["STRING", "WSTRING"].contains(&name.key().as_str());
        let close = match self.peek() {
            TokenKind::Symbol("[") if is_text => "]",
            TokenKind::Symbol("(") if is_text => ")",
            TokenKind::Symbol("(") => {
                let lists = self.peek_at(1) == TokenKind::Identifier
                    && matches!(self.peek_at(2), TokenKind::Symbol("," | ")" | ":="));
                return if lists {
                    self.enumeration(Some(name))
                } else {
                    self.subrange(name)
                };
            }
            _ => return Ok(TypeSpec::Named(name)),
        };
        self.advance();
        let len = self.expression()?;
        self.expect_symbol(close)?;
        Ok(TypeSpec::Text(name, Box::new(len)))
    }

    fn subrange(&mut self, name: Name) -> Parsed<TypeSpec> {
        self.advance();
        let low = Box::new(self.expression()?);
        self.expect_symbol("..")?;
        let high = Box::new(self.expression()?);
        self.expect_symbol(")")?;
        Ok(TypeSpec::Subrange(name, low, high))
    }

    fn array_spec(&mut self) -> Parsed<TypeSpec> {
        let start = self.advance();
        self.expect_symbol("[")?;
        let mut bounds = Vec::new();
        loop {
            if self.peek() == TokenKind::Symbol("*") {
                return Err(self.unsupported_here("an ARRAY of variable length"));
            }
            let low = self.expression()?;
            self.expect_symbol("..")?;
            bounds.push((low, self.expression()?));
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol("]")?;
        self.expect_keyword(Keyword::Of)?;
        let element = Box::new(self.type_spec()?);
        let span = start.to(self.previous_span());
        Ok(TypeSpec::Array {
            bounds,
            element,
            span,
        })
    }

    fn enumeration(&mut self, base: Option<Name>) -> Parsed<TypeSpec> {
        let start = self.expect_symbol("(")?;
        let mut values = Vec::new();
        loop {
            let name = self.name("the name of a value")?;
            let value = if self.eat_symbol(":=") {
                Some(self.expression()?)
            } else {
                None
            };
            values.push((name, value));
            if !self.eat_symbol(",") {
                break;
            }
        }
        let mut base = base;
        let end = self.expect_symbol(")")?;
        // `(A, B) INT` is how some systems write the base type.
        if base.is_none() && self.peek() == TokenKind::Identifier {
            base = Some(self.name("a type")?);
        }
        let span = start.to(end);
        Ok(TypeSpec::Enumeration { base, values, span })
    }

    /// An initial value; the older form of a list without brackets is known for arrays.
    pub(super) fn init_of(&mut self, ty: &TypeSpec) -> Parsed<Init> {
        let start = self.span();
        let bare = matches!(ty, TypeSpec::Array { .. })
            && !matches!(self.peek(), TokenKind::Symbol("["))
            && (self.peek() == TokenKind::Integer && self.peek_at(1) == TokenKind::Symbol("(")
                || self.peek_at(1) == TokenKind::Symbol(","));
        if !bare {
            return self.init();
        }
        let values = self.init_elements()?;
        Ok(Init::Array(values, start.to(self.previous_span())))
    }

    fn init(&mut self) -> Parsed<Init> {
        let start = self.span();
        if self.eat_symbol("[") {
            let values = if self.peek() == TokenKind::Symbol("]") {
                Vec::new()
            } else {
                self.nested(Self::init_elements)?
            };
            let end = self.expect_symbol("]")?;
            return Ok(Init::Array(values, start.to(end)));
        }
        let members = self.peek() == TokenKind::Symbol("(")
            && self.peek_at(1) == TokenKind::Identifier
            && self.peek_at(2) == TokenKind::Symbol(":=");
        if !members {
            return Ok(Init::Value(self.expression()?));
        }
        self.advance();
        let mut values = Vec::new();
        loop {
            let name = self.name("a member's name")?;
            self.expect_symbol(":=")?;
            values.push((name, self.nested(Self::init)?));
            if !self.eat_symbol(",") {
                break;
            }
        }
        let end = self.expect_symbol(")")?;
        Ok(Init::Members(values, start.to(end)))
    }

    fn init_elements(&mut self) -> Parsed<Vec<(Option<Init>, Option<Expr>)>> {
        let mut values = Vec::new();
        loop {
            values.push(self.init_element()?);
            if !self.eat_symbol(",") {
                return Ok(values);
            }
        }
    }

    /// `5` or `3(5)`, where the 3 repeats, and `3()` repeats the default.
    fn init_element(&mut self) -> Parsed<(Option<Init>, Option<Expr>)> {
        let repeats =
            self.peek() == TokenKind::Integer && self.peek_at(1) == TokenKind::Symbol("(");
        if !repeats {
            return Ok((Some(self.nested(Self::init)?), None));
        }
        let count = self.primary()?;
        self.expect_symbol("(")?;
        let value = if self.peek() == TokenKind::Symbol(")") {
            None
        } else {
            Some(self.nested(Self::init)?)
        };
        self.expect_symbol(")")?;
        Ok((value, Some(count)))
    }

    /// Reports a part of the language that is not built, and skips it.
    pub(super) fn unsupported(&mut self, what: &str, end: Keyword) {
        let span = self.span();
        let message = format!("{what} is not supported");
        self.sink.report(problems::UNSUPPORTED, span, message);
        self.advance();
        self.skip_to(&[end]);
        self.advance();
    }
}

const TO: TokenKind = TokenKind::Keyword(Keyword::To);
