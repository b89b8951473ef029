//! Paths of a CONFIGURATION: from a RESOURCE, a PROGRAM or VAR_GLOBAL to a variable.
//!
//! Source: IEC 61131-3:2013, 6.5.2 and 6.8 (Table 62).

use std::rc::Rc;

use super::types::Type;
use super::{Checker, Signature, Var};
use crate::ast::{self, Name, Path, PathPart, SectionKind};
use crate::diagnostic::Span;
use crate::hir::{Block, Instance};
use crate::image::{Address, Area};
use crate::problems;
use crate::standard_fb::FieldRole;

/// What paths begin with.
pub(super) struct Roots<'a> {
    pub(super) resources: &'a [Name],
    pub(super) programs: &'a [ast::ProgramInstance],
    /// As long as `programs`; `None` where one was reported.
    pub(super) instances: Vec<Option<Instance>>,
}

/// The variable, or the part of one, at the end of a path.
pub(super) struct End {
    pub(super) ty: Type,
    /// From the beginning of the instance, or of VAR_GLOBAL.
    pub(super) offset: u32,
    /// `None` for VAR_GLOBAL.
    pub(super) instance: Option<usize>,
    /// Whether the path went through an instance of a PROGRAM or function block.
    pub(super) inside: bool,
    /// Why tools and connections may not write.
    pub(super) read_only: Option<&'static str>,
    /// The variable itself, unless the path goes on into it.
    pub(super) var: Option<Var>,
}

impl End {
    /// A variable of an instance that begins at `offset`.
    pub(super) fn of(var: &Var, offset: u32, instance: Option<usize>, inside: bool) -> Self {
        let read_only = match var.area() {
            _ if var.constant => Some("a constant"),
            Some(Area::Input) => Some("an input of the process"),
            _ => None,
        };
        Self {
            ty: var.ty.clone(),
            offset: offset + var.offset,
            instance,
            inside,
            read_only,
            var: Some(var.clone()),
        }
    }
}

impl Checker<'_, '_> {
    /// What a path leads to; `None` after a report.
    pub(super) fn follow(&mut self, path: &Path, roots: &Roots<'_>) -> Option<End> {
        let mut parts = path.parts.as_slice();
        let mut resource = None;
        if let [PathPart::Name(name), _, ..] = parts {
            let is_it = |known: &Name| known.key() == name.key();
            resource = roots.resources.iter().position(is_it);
            parts = &parts[usize::from(resource.is_some())..];
        }
        let (first, mut rest) = parts.split_first()?;
        let mut end = match first {
            PathPart::Direct(name) => self.follow_direct(name, roots)?,
            PathPart::Index(_, span) => {
                self.report_path(*span, "a path begins with a name".to_owned());
                return None;
            }
            PathPart::Name(name) => match self.program_of_path(name, resource, roots)? {
                None => self.follow_global(name, roots)?,
                Some(at) => {
                    let instance = roots.instances[at].as_ref()?;
                    let signature = self.signature(instance.pou)?;
                    let Some((PathPart::Name(member), more)) = rest.split_first() else {
                        let message = format!("the PROGRAM `{}` is no variable", name.text);
                        self.report_path(path.span, message);
                        return None;
                    };
                    rest = more;
                    let var = self.inner_variable(&signature, member)?;
                    let mut end = End::of(&var, 0, Some(at), true);
                    if is_connected(&roots.programs[at], &var) {
                        end.read_only = Some("a connected input");
                    }
                    end
                }
            },
        };
        for part in rest {
            end = match part {
                PathPart::Name(name) => self.follow_member(end, name)?,
                PathPart::Index(indices, span) => self.follow_index(end, indices, *span)?,
                PathPart::Direct(name) => {
                    self.report_path(name.span, "an address follows on a RESOURCE".to_owned());
                    return None;
                }
            };
        }
        Some(end)
    }

    pub(super) fn report_path(&mut self, span: Span, message: String) {
        self.sink.report(problems::BAD_PATH, span, message);
    }

    /// The number of the PROGRAM that a path begins with; `Some(None)` where it is none.
    #[expect(
        clippy::option_option,
        reason = "a report is not the same as no PROGRAM"
    )]
    fn program_of_path(
        &mut self,
        name: &Name,
        resource: Option<usize>,
        roots: &Roots<'_>,
    ) -> Option<Option<usize>> {
        let key = name.key();
        let is_it = |program: &ast::ProgramInstance| {
            program.name.key() == key && (resource.is_none() || program.resource == resource)
        };
        let mut found = (0..)
            .zip(roots.programs)
            .filter(|(_, program)| is_it(program));
        let first = found.next().map(|(at, _)| at);
        if found.next().is_some() {
            let message = format!("several RESOURCEs have a PROGRAM `{}`", name.text);
            let hint = Some(format!("write the RESOURCE in front of `{}`", name.text));
            self.sink
                .report_with_hint(problems::BAD_PATH, name.span, message, hint);
            return None;
        }
        Some(first)
    }

    fn follow_global(&mut self, name: &Name, roots: &Roots<'_>) -> Option<End> {
        let globals = Rc::clone(&self.globals);
        let key = name.key();
        if let Some(var) = globals.var(&key) {
            return self
                .with_slots(var, name)
                .map(|var| End::of(&var, 0, None, false));
        }
        if !globals.by_key.contains_key(&key) {
            let programs = roots
                .programs
                .iter()
                .map(|program| program.name.text.as_str());
            let hint = self
                .sink
                .did_you_mean(&name.text, programs.chain(globals.names()));
            let message = format!("no PROGRAM and no VAR_GLOBAL is named `{}`", name.text);
            self.sink
                .report_with_hint(problems::BAD_PATH, name.span, message, hint);
        }
        None
    }

    /// A variable that has a place in the memory.
    fn with_slots(&mut self, var: &Var, name: &Name) -> Option<Var> {
        let complaint = match var.section {
            _ if var.value.is_some() => "a constant, which takes no memory",
            SectionKind::Temp => "VAR_TEMP, which does not last",
            SectionKind::InOut => "VAR_IN_OUT, which is the caller's",
            SectionKind::External => "VAR_EXTERNAL; take the global variable itself",
            _ => return Some(var.clone()),
        };
        self.report_path(name.span, format!("`{}` is {complaint}", name.text));
        None
    }

    /// A variable of a PROGRAM or function block, internal ones included.
    fn inner_variable(&mut self, signature: &Signature, name: &Name) -> Option<Var> {
        let key = name.key();
        let Some(var) = signature.var(&key) else {
            // A failed declaration is reported where it stands.
            if !signature.by_key.contains_key(&key) {
                let hint = self.sink.did_you_mean(&name.text, signature.names());
                let message = format!("`{}` has no variable `{}`", signature.name, name.text);
                self.sink
                    .report_with_hint(problems::BAD_PATH, name.span, message, hint);
            }
            return None;
        };
        self.with_slots(var, name)
    }

    fn follow_member(&mut self, mut end: End, name: &Name) -> Option<End> {
        match end.ty {
            Type::Block(Block::User(pou)) => {
                let signature = self.signature(pou)?;
                let var = self.inner_variable(&signature, name)?;
                return Some(End::of(&var, end.offset, end.instance, true));
            }
            Type::Block(block @ Block::Standard(_)) => {
                let member = self.member(block, &name.key());
                let Some(member) = member.filter(|member| member.role != FieldRole::Hidden) else {
                    self.unknown_member(block, name);
                    return None;
                };
                end.ty = member.ty;
                end.offset += member.offset;
                end.inside = true;
            }
            Type::Struct(at) => {
                let fields = &self.structs[at].fields;
                let mut fields = fields.iter();
                let Some(field) = fields.find(|f| f.name.eq_ignore_ascii_case(&name.text)) else {
                    self.unknown_field(at, name);
                    return None;
                };
                end.ty = field.ty.clone();
                end.offset += field.offset;
            }
            _ => {
                let message = format!("`.{}` follows on something without members", name.text);
                self.report_path(name.span, message);
                return None;
            }
        }
        end.var = None;
        Some(end)
    }

    fn follow_index(&mut self, mut end: End, indices: &[ast::Expr], span: Span) -> Option<End> {
        let Type::Array(array) = &end.ty else {
            self.report_path(span, "only an array has an index".to_owned());
            return None;
        };
        let array = Rc::clone(array);
        if indices.len() != array.dims.len() {
            let (wanted, found) = (array.dims.len(), indices.len());
            let message = format!("the array has {wanted} dimensions, not {found}");
            self.sink.report(problems::BAD_INDEX, span, message);
            return None;
        }
        let outside = Rc::clone(&self.outside);
        let mut inner = array.len;
        for (index, (low, len)) in indices.iter().zip(&array.dims) {
            inner /= len;
            let number = self.constant_integer(index, &outside)?;
            let position = u32::try_from(number - i128::from(*low)).ok();
            let Some(position) = position.filter(|position| position < len) else {
                let high = low + i64::from(*len) - 1;
                let message = format!("the index {number} is outside {low}..{high}");
                self.sink
                    .report(problems::INDEX_OUT_OF_RANGE, index.span, message);
                return None;
            };
            end.offset += position * inner * array.stride;
        }
        end.ty = array.element.clone();
        end.var = None;
        Some(end)
    }

    /// A direct address: the variable of a PROGRAM that lies there, or one of VAR_GLOBAL.
    fn follow_direct(&mut self, name: &Name, roots: &Roots<'_>) -> Option<End> {
        let address = self.parse_address(name)?;
        for (at, instance) in roots.instances.iter().enumerate() {
            let Some(signature) = instance.as_ref().and_then(|i| self.signature(i.pou)) else {
                continue;
            };
            let enums = &self.enums;
            let is_it = |var: &&Var| {
                !var.external && var.address == Some(address) && var.ty.scalar(enums).is_some()
            };
            if let Some(var) = signature.vars.iter().find(is_it) {
                return Some(End::of(var, 0, Some(at), true));
            }
        }
        let var = self.direct_global(address, None, name.span);
        Some(End::of(&var, 0, None, false))
    }

    pub(super) fn parse_address(&mut self, name: &Name) -> Option<Address> {
        let address = Address::parse(&name.text);
        let report = |reason| self.sink.report(problems::BAD_ADDRESS, name.span, reason);
        address.map_err(report).ok()
    }

    /// The variable of VAR_GLOBAL at an address, which may have no other name. Its type is the
    /// wanted one, where one is wanted.
    pub(super) fn direct_global(
        &mut self,
        address: Address,
        wanted: Option<&Type>,
        span: Span,
    ) -> Var {
        let enums = &self.enums;
        let fits = |ty: &Type| wanted.map_or(ty.scalar(enums).is_some(), |wanted| wanted == ty);
        let is_it = |var: &&Var| var.address == Some(address) && fits(&var.ty);
        if let Some(var) = self.globals.vars.iter().find(is_it) {
            return var.clone();
        }
        let default = Type::Elementary(address.default_type());
        let ty = wanted.cloned().unwrap_or(default);
        let mut globals = std::mem::replace(&mut self.globals, Rc::clone(&self.outside));
        let signature = Rc::make_mut(&mut globals);
        let offset = self.allocate(&ty.clone().into(), signature, span);
        let var = Var::direct(address, ty, SectionKind::Global, offset);
        let at = signature.vars.len();
        signature.by_key.entry(address.to_string()).or_insert(at);
        signature.vars.push(var.clone());
        self.globals = globals;
        var
    }
}

/// Whether an input of a PROGRAM is set from outside.
fn is_connected(program: &ast::ProgramInstance, var: &Var) -> bool {
    let names_it = |connection: &ast::Argument| match connection {
        ast::Argument::Input(name, _) => name.text.eq_ignore_ascii_case(&var.name),
        _ => false,
    };
    program.connections.iter().any(names_it)
}

/// A reference as a path; `None` for a part of a bit string.
pub(super) fn path_of(reference: &ast::Reference) -> Option<Path> {
    use ast::Reference;
    let (base, part) = match reference {
        Reference::Name(name) | Reference::Direct(name) => {
            let part = match reference {
                Reference::Direct(_) => PathPart::Direct(name.clone()),
                _ => PathPart::Name(name.clone()),
            };
            let (parts, span) = (vec![part], name.span);
            return Some(Path { parts, span });
        }
        Reference::Member(base, name) => (base, PathPart::Name(name.clone())),
        Reference::Index(base, indices, span) => (base, PathPart::Index(indices.clone(), *span)),
        Reference::Part { .. } => return None,
    };
    let mut path = path_of(base)?;
    path.parts.push(part);
    path.span = reference.span();
    Some(path)
}
