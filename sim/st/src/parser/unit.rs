//! What stands outside of bodies: POUs, TYPE, VAR_GLOBAL, CONFIGURATION.

use super::list::RESULT;
use super::{Failed, Parsed, Parser};
use crate::ast::{
    Declaration, Library, Name, Pou, PouKind, Section, SectionKind, Stmt, TypeDeclaration, TypeSpec,
};
use crate::diagnostic::Span;
use crate::lexer::{Keyword, TokenKind};
use crate::problems;

/// Words that open something at the level of the file.
const OPENINGS: [Keyword; 6] = [
    Keyword::Program,
    Keyword::FunctionBlock,
    Keyword::Function,
    Keyword::Configuration,
    Keyword::Type,
    Keyword::VarGlobal,
];

impl Parser<'_, '_> {
    pub(super) fn file(&mut self, library: &mut Library) {
        use Keyword::{Configuration, Function, FunctionBlock, Program, Type, VarGlobal};
        loop {
            let start = self.at;
            match self.peek() {
                TokenKind::EndOfFile => return,
                TokenKind::Keyword(Program) => library.pous.extend(self.pou(PouKind::Program)),
                TokenKind::Keyword(FunctionBlock) => {
                    library.pous.extend(self.pou(PouKind::FunctionBlock));
                }
                TokenKind::Keyword(Function) => library.pous.extend(self.pou(PouKind::Function)),
                TokenKind::Keyword(Type) => self.types(&mut library.types),
                TokenKind::Keyword(VarGlobal) => {
                    library.globals.push(self.section(SectionKind::Global));
                }
                TokenKind::Keyword(Configuration) => self.configuration(library),
                _ => self.unknown_opening(),
            }
            assert!(self.at > start, "the parser advances");
        }
    }

    fn unknown_opening(&mut self) {
        for (word, end) in [
            ("CLASS", "END_CLASS"),
            ("INTERFACE", "END_INTERFACE"),
            ("NAMESPACE", "END_NAMESPACE"),
        ] {
            if self.is_word(word) {
                self.unsupported_here(word);
                while self.peek() != TokenKind::EndOfFile && !self.is_word(end) {
                    self.advance();
                }
                self.advance();
                return;
            }
        }
        if self.is_word("FUNCTIONBLOCK") {
            let hint = Some("write FUNCTION_BLOCK".to_owned());
            let message = "no declaration begins with `FUNCTIONBLOCK`";
            let span = self.span();
            self.sink
                .report_with_hint(problems::EXPECTED, span, message, hint);
        } else if self.is_word("USING") {
            self.unsupported_here("USING");
        } else {
            self.unexpected("`PROGRAM`, `FUNCTION_BLOCK` or `FUNCTION`");
        }
        self.advance();
        self.skip_to(&OPENINGS);
    }

    fn types(&mut self, types: &mut Vec<TypeDeclaration>) {
        self.advance();
        loop {
            match self.peek() {
                TokenKind::Keyword(Keyword::EndType) => {
                    self.advance();
                    self.eat_symbol(";");
                    return;
                }
                TokenKind::Identifier => {}
                _ => {
                    self.missing("a type's name or `END_TYPE`");
                    let before = self.at;
                    self.skip_declaration();
                    let ends = self.peek() != TokenKind::Keyword(Keyword::EndType);
                    if self.at == before && ends {
                        return;
                    }
                    continue;
                }
            }
            match self.type_declaration() {
                Ok(declaration) => types.push(declaration),
                Err(Failed) => {
                    self.skip_declaration();
                    self.eat_keyword(Keyword::EndStruct);
                    self.eat_symbol(";");
                }
            }
        }
    }

    fn type_declaration(&mut self) -> Parsed<TypeDeclaration> {
        let name = self.name("a type's name")?;
        if self.is_word("EXTENDS") {
            return Err(self.unsupported_here("EXTENDS"));
        }
        self.expect_symbol(":")?;
        let spec = self.type_spec()?;
        let init = if self.eat_symbol(":=") {
            Some(self.init_of(&spec)?)
        } else {
            None
        };
        // Behind END_STRUCT the semicolon is often left out.
        if !matches!(spec, crate::ast::TypeSpec::Struct(..)) || init.is_some() {
            self.expect_symbol(";")?;
        } else {
            self.eat_symbol(";");
        }
        Ok(TypeDeclaration { name, spec, init })
    }

    fn pou(&mut self, kind: PouKind) -> Option<Pou> {
        let opening = self.advance();
        let end = match kind {
            PouKind::Program => Keyword::EndProgram,
            PouKind::FunctionBlock => Keyword::EndFunctionBlock,
            PouKind::Function => Keyword::EndFunction,
        };
        for word in ["ABSTRACT", "FINAL"] {
            if self.is_word(word) && self.peek_at(1) == TokenKind::Identifier {
                self.unsupported_here(word);
                self.advance();
            }
        }
        let Ok(name) = self.name("a name") else {
            self.skip_to(&[end]);
            self.eat_keyword(end);
            return None;
        };
        for word in ["EXTENDS", "IMPLEMENTS"] {
            if self.is_word(word) {
                self.unsupported_here(word);
                self.advance();
                let _ = self.name("a name");
            }
        }
        let mut result = None;
        if kind == PouKind::Function && self.eat_symbol(":") {
            result = self.type_spec().ok();
        }
        if kind != PouKind::Program {
            self.eat_symbol(";");
        }
        let mut sections = self.sections();
        self.needs_result = false;
        self.enos = 0;
        let chart = self.at_chart().then(|| self.chart(end));
        let body = match chart {
            Some(_) => Vec::new(),
            None if self.at_list() => self.list(),
            None => self.body(end),
        };
        if self.needs_result {
            sections.push(result_of_list(name.span));
        }
        let end_span = self.span();
        if !self.eat_keyword(end) {
            let opened = self.sink.lines().line(opening.start);
            let message = format!("`{}` to close the POU of line {opened}", end.text());
            self.missing(&message);
            self.skip_to(&[
                end,
                Keyword::Program,
                Keyword::FunctionBlock,
                Keyword::Function,
            ]);
            self.eat_keyword(end);
        }
        self.eat_symbol(";");
        Some(Pou {
            kind,
            name,
            result,
            sections,
            body,
            chart,
            enos: self.enos,
            end: end_span,
        })
    }

    /// The statements of a POU. A word that closes nothing is reported and passed over.
    fn body(&mut self, end: Keyword) -> Vec<Stmt> {
        if let Some(what) = self.other_language() {
            self.unsupported_here(what);
            self.skip_to(&[
                end,
                Keyword::Program,
                Keyword::FunctionBlock,
                Keyword::Function,
            ]);
            return Vec::new();
        }
        let mut body = Vec::new();
        loop {
            body.append(&mut self.statements());
            let TokenKind::Keyword(word) = self.peek() else {
                return body;
            };
            if !super::statement::is_stray(word) {
                return body;
            }
            let span = self.advance();
            let message = format!("`{}` belongs to no statement", word.text());
            self.sink.report(problems::EXPECTED, span, message);
            self.eat_symbol(";");
        }
    }

    /// What the body is written in, or holds, if it is not Structured Text.
    fn other_language(&self) -> Option<&'static str> {
        if self.is_word("METHOD") || self.is_word("PROPERTY") {
            return Some("a method");
        }
        None
    }
}

/// The declaration of [`RESULT`].
fn result_of_list(span: Span) -> Section {
    let name = |text: &str| Name {
        text: text.to_owned(),
        span,
    };
    Section {
        kind: SectionKind::Temp,
        constant: false,
        retain: false,
        declarations: vec![Declaration {
            names: vec![name(RESULT)],
            at: None,
            ty: TypeSpec::Named(name("BOOL")),
            init: None,
            edge: None,
        }],
    }
}
