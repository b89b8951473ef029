//! CONFIGURATION: which programs run when, and what of them is fixed or shown from outside.
//!
//! Source: IEC 61131-3:2013, 6.8 (Table 62).

use super::{Failed, Parsed, Parser};
use crate::ast::{
    AccessPath, Argument, Configuration, InstanceInit, Library, Path, PathPart, ProgramInstance,
    SectionKind, Task,
};
use crate::lexer::{Keyword, TokenKind};

impl Parser<'_, '_> {
    pub(super) fn configuration(&mut self, library: &mut Library) {
        let opening = self.advance();
        let Ok(name) = self.name("the configuration's name") else {
            self.skip_to(&[Keyword::EndConfiguration]);
            self.advance();
            return;
        };
        let mut configuration = Configuration {
            name,
            resources: Vec::new(),
            tasks: Vec::new(),
            programs: Vec::new(),
            inits: Vec::new(),
            accesses: Vec::new(),
        };
        let mut in_resource = false;
        loop {
            let before = self.at;
            match self.peek() {
                TokenKind::Keyword(Keyword::EndConfiguration) => {
                    self.advance();
                    self.eat_symbol(";");
                    break;
                }
                TokenKind::Keyword(Keyword::VarGlobal) => {
                    library.globals.push(self.section(SectionKind::Global));
                }
                TokenKind::EndOfFile => {
                    let line = self.sink.lines().line(opening.start);
                    self.missing(&format!("`END_CONFIGURATION` to close line {line}"));
                    break;
                }
                TokenKind::Symbol(";") => {
                    self.advance();
                }
                _ => {
                    let entry = self.configuration_entry(&mut in_resource, &mut configuration);
                    if entry.is_err() {
                        if self.at == before {
                            self.advance();
                        }
                        self.skip_entry();
                    }
                }
            }
        }
        library.configurations.push(configuration);
    }

    fn skip_entry(&mut self) {
        loop {
            match self.peek() {
                TokenKind::EndOfFile
                | TokenKind::Keyword(
                    Keyword::EndConfiguration | Keyword::VarGlobal | Keyword::Program,
                ) => return,
                TokenKind::Symbol(";") => {
                    self.advance();
                    return;
                }
                _ if self.is_word("END_RESOURCE") || self.is_word("TASK") => return,
                _ => {
                    self.advance();
                }
            }
        }
    }

    fn configuration_entry(
        &mut self,
        in_resource: &mut bool,
        configuration: &mut Configuration,
    ) -> Parsed<()> {
        if self.eat_word("VAR_ACCESS") {
            self.entries(&mut configuration.accesses, Self::access_path);
            return Ok(());
        }
        if self.eat_word("VAR_CONFIG") {
            self.entries(&mut configuration.inits, Self::instance_init);
            return Ok(());
        }
        if self.eat_word("END_RESOURCE") {
            *in_resource = false;
            return Ok(());
        }
        if self.eat_word("RESOURCE") {
            let name = self.name("the resource's name")?;
            if !self.eat_word("ON") {
                return Err(self.missing("`ON`"));
            }
            self.name("the type of the resource")?;
            configuration.resources.push(name);
            *in_resource = true;
            return Ok(());
        }
        let resource = configuration.resources.len().checked_sub(1);
        let resource = resource.filter(|_| *in_resource);
        if self.eat_word("TASK") {
            let task = self.task(resource)?;
            configuration.tasks.push(task);
            return Ok(());
        }
        if self.peek() == TokenKind::Keyword(Keyword::Program) {
            let program = self.program_instance(resource)?;
            configuration.programs.push(program);
            return Ok(());
        }
        let expected = if *in_resource {
            "`TASK`, `PROGRAM` or `END_RESOURCE`"
        } else {
            "`RESOURCE`, `TASK`, `PROGRAM`, `VAR_GLOBAL`, `VAR_ACCESS`, `VAR_CONFIG` or \
             `END_CONFIGURATION`"
        };
        Err(self.unexpected(expected))
    }

    /// Entries of VAR_ACCESS or VAR_CONFIG up to END_VAR.
    fn entries<T>(&mut self, list: &mut Vec<T>, entry: fn(&mut Self) -> Parsed<T>) {
        loop {
            if self.eat_keyword(Keyword::EndVar) {
                self.eat_symbol(";");
                return;
            }
            let before = self.at;
            match entry(self) {
                Ok(entry) => list.push(entry),
                Err(Failed) => {
                    self.skip_declaration();
                    // What cannot be part of an entry ends the list, END_VAR or not.
                    let ends = self.peek() != TokenKind::Keyword(Keyword::EndVar);
                    if self.at == before && ends {
                        return;
                    }
                }
            }
        }
    }

    fn access_path(&mut self) -> Parsed<AccessPath> {
        let name = self.name("the name of an access path or `END_VAR`")?;
        self.expect_symbol(":")?;
        let path = self.path()?;
        self.expect_symbol(":")?;
        let ty = self.type_spec()?;
        let writable = self.eat_word("READ_WRITE");
        if !writable {
            self.eat_word("READ_ONLY");
        }
        self.expect_symbol(";")?;
        Ok(AccessPath {
            name,
            path,
            ty,
            writable,
        })
    }

    fn instance_init(&mut self) -> Parsed<InstanceInit> {
        let path = self.path()?;
        let mut at = None;
        if self.eat_keyword(Keyword::At) {
            at = Some(self.direct_address()?);
        }
        self.expect_symbol(":")?;
        let ty = self.type_spec()?;
        let init = if self.eat_symbol(":=") {
            Some(self.init_of(&ty)?)
        } else {
            None
        };
        self.expect_symbol(";")?;
        Ok(InstanceInit { path, at, ty, init })
    }

    /// `resource.program.block.member[1]`, or a direct address at its end.
    fn path(&mut self) -> Parsed<Path> {
        let start = self.span();
        let mut parts = Vec::new();
        loop {
            if self.peek() == TokenKind::Direct {
                parts.push(PathPart::Direct(self.direct_address()?));
                break;
            }
            parts.push(PathPart::Name(self.name("a path to a variable")?));
            while self.peek() == TokenKind::Symbol("[") {
                let open = self.advance();
                let mut indices = vec![self.expression()?];
                while self.eat_symbol(",") {
                    indices.push(self.expression()?);
                }
                let close = self.expect_symbol("]")?;
                parts.push(PathPart::Index(indices, open.to(close)));
            }
            if !self.eat_symbol(".") {
                break;
            }
        }
        let span = start.to(self.previous_span());
        Ok(Path { parts, span })
    }

    fn task(&mut self, resource: Option<usize>) -> Parsed<Task> {
        let name = self.name("the task's name")?;
        self.expect_symbol("(")?;
        let mut settings = Vec::new();
        loop {
            let setting = self.name("`SINGLE`, `INTERVAL` or `PRIORITY`")?;
            self.expect_symbol(":=")?;
            settings.push((setting, self.expression()?));
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        self.expect_symbol(";")?;
        Ok(Task {
            name,
            resource,
            settings,
        })
    }

    fn program_instance(&mut self, resource: Option<usize>) -> Parsed<ProgramInstance> {
        self.advance();
        let retain = self.eat_keyword(Keyword::Retain);
        self.eat_keyword(Keyword::NonRetain);
        let name = self.name("the program's name")?;
        let task = if self.eat_word("WITH") {
            Some(self.name("a task")?)
        } else {
            None
        };
        self.expect_symbol(":")?;
        let ty = self.name("the PROGRAM that it runs")?;
        let mut connections = Vec::new();
        if self.eat_symbol("(") && !self.eat_symbol(")") {
            connections = self.connections()?;
        }
        self.expect_symbol(";")?;
        Ok(ProgramInstance {
            name,
            resource,
            task,
            ty,
            retain,
            connections,
        })
    }

    fn connections(&mut self) -> Parsed<Vec<Argument>> {
        let mut connections = Vec::new();
        loop {
            if self.is_word_at(1, "WITH") {
                return Err(self.unsupported_here("a TASK for one function block of a PROGRAM"));
            }
            connections.push(self.argument()?);
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(connections)
    }
}
