//! The tables that go with a program: what tools may watch, and what is tied to the image.

use std::rc::Rc;

use super::located::Occupancy;
use super::types::Type;
use super::{Checker, MAX_PATH_BYTES, Signature};
use crate::ast::SectionKind;
use crate::diagnostic::Span;
use crate::hir::{self, Block, Instance, LocatedVariable, Variable};
use crate::image::Address;
use crate::problems;

/// What the entries of a walk have in common.
struct Walk<'l> {
    list: &'l mut Vec<Variable>,
    instance: Option<usize>,
}

impl Checker<'_, '_> {
    /// Located variables and watch list of all instances and of VAR_GLOBAL.
    pub(super) fn tables(
        &mut self,
        instances: &[Instance],
        located: Vec<Vec<LocatedVariable>>,
        signatures: &[Option<Rc<Signature>>],
    ) -> (Vec<LocatedVariable>, Vec<Variable>) {
        let mut places = Vec::new();
        let mut list = Vec::new();
        let prefix = instances.len() > 1;
        for (at, instance) in instances.iter().enumerate() {
            for place in located.get(instance.pou).into_iter().flatten() {
                let mut place = place.clone();
                place.instance = Some(at);
                if prefix {
                    place.name = format!("{}.{}", instance.name, place.name);
                }
                places.push(place);
            }
            let Some(Some(signature)) = signatures.get(instance.pou) else {
                continue;
            };
            let path = if prefix {
                format!("{}.", instance.name)
            } else {
                String::new()
            };
            let mut walk = Walk {
                list: &mut list,
                instance: Some(at),
            };
            self.watch_signature(signature, &path, 0, instance.retain, &mut walk);
        }
        let globals = Rc::clone(&self.globals);
        for var in &globals.vars {
            self.located_variables(var, &mut places);
        }
        let mut walk = Walk {
            list: &mut list,
            instance: None,
        };
        self.watch_signature(&globals, "", 0, false, &mut walk);
        (places, list)
    }

    /// Reports places that two instances, or an instance and a global variable, share.
    pub(super) fn check_shared_places(
        &mut self,
        instances: &[Instance],
        places: &[LocatedVariable],
    ) {
        let mut taken = Occupancy::default();
        let mut reported = false;
        for place in places {
            let Some(other) = taken.claim(place.address, 1, &place.name) else {
                continue;
            };
            // Within one POU the checker of declarations has spoken.
            if !reported && self.sink.is_empty() {
                let span = match place.instance {
                    Some(at) => instances[at].span,
                    None => self.span_of_globals(),
                };
                self.report_overlap(span, place.address, &other);
                reported = true;
            }
        }
    }

    /// Where a mistake about VAR_GLOBAL as a whole is reported.
    pub(super) fn span_of_globals(&self) -> Span {
        let sections = self.library.globals.iter();
        let first = sections.flat_map(|section| &section.declarations).next();
        let configuration = self.library.configurations.first();
        first
            .map(|declaration| declaration.ty.span())
            .or(configuration.map(|configuration| configuration.name.span))
            .unwrap_or_default()
    }

    /// The variables of one value behind a path of VAR_ACCESS.
    pub(super) fn watched(
        &mut self,
        name: &str,
        ty: &Type,
        offset: u32,
        instance: Option<usize>,
    ) -> Vec<Variable> {
        let mut list = Vec::new();
        let mut walk = Walk {
            list: &mut list,
            instance,
        };
        self.watch(name, ty, offset, false, &mut walk);
        list
    }

    fn watch_signature(
        &mut self,
        signature: &Signature,
        prefix: &str,
        base: u32,
        retain: bool,
        walk: &mut Walk<'_>,
    ) {
        for var in &signature.vars {
            let hidden = matches!(var.section, SectionKind::Temp | SectionKind::External);
            if var.value.is_some() || hidden {
                continue;
            }
            let path = format!("{prefix}{}", var.name);
            self.watch(
                &path,
                &var.ty,
                base + var.offset,
                retain || var.retain,
                walk,
            );
        }
    }

    fn watch(&mut self, path: &str, ty: &Type, offset: u32, retain: bool, walk: &mut Walk<'_>) {
        let Some(left) = self.path_bytes_left.checked_sub(path.len()) else {
            let message =
                format!("the paths of all variables take more than {MAX_PATH_BYTES} bytes");
            self.sink
                .report(problems::TOO_LARGE, Span::default(), message);
            return;
        };
        self.path_bytes_left = left;
        let mut entry = Variable {
            path: path.to_owned(),
            offset,
            ty: ty
                .scalar(&self.enums)
                .unwrap_or(crate::types::Elementary::Bool),
            array: None,
            capacity: 0,
            retain,
            instance: walk.instance,
        };
        match ty {
            Type::Elementary(_) | Type::Subrange(..) | Type::Enumeration(_) => {
                walk.list.push(entry);
            }
            Type::Text(text, capacity) => {
                (entry.ty, entry.capacity) = (*text, *capacity);
                walk.list.push(entry);
            }
            Type::Array(array) => {
                if let (Some(element), [(low, len)]) =
                    (array.element.scalar(&self.enums), array.dims.as_slice())
                {
                    (entry.ty, entry.array) = (element, Some((*low, *len)));
                    walk.list.push(entry);
                    return;
                }
                for at in 0..array.len {
                    let path = format!("{path}[{}]", array.index_text(at));
                    self.watch(
                        &path,
                        &array.element,
                        offset + at * array.stride,
                        retain,
                        walk,
                    );
                }
            }
            Type::Struct(at) => {
                let fields = &self.structs[*at].fields;
                let list: Vec<_> = fields
                    .iter()
                    .map(|field| {
                        (
                            format!("{path}.{}", field.name),
                            field.ty.clone(),
                            field.offset,
                        )
                    })
                    .collect();
                for (path, ty, inner) in list {
                    self.watch(&path, &ty, offset + inner, retain, walk);
                }
            }
            Type::Block(Block::Standard(standard)) => {
                for (at, field) in (offset..).zip(standard.fields()) {
                    walk.list.push(Variable {
                        path: format!("{path}.{}", field.name),
                        offset: at,
                        ty: field.ty,
                        ..entry.clone()
                    });
                }
            }
            Type::Block(Block::User(pou)) => {
                // Instances without a variable may be in instances without end.
                if let Some(inner) = self.signature(*pou)
                    && !inner.frame.types.is_empty()
                {
                    self.watch_signature(&inner, &format!("{path}."), offset, retain, walk);
                }
            }
        }
    }

    /// The parts of a located variable, one per place in the image.
    pub(super) fn located_variables(&self, var: &super::Var, located: &mut Vec<LocatedVariable>) {
        if let Some(address) = var.address {
            self.locate(var, address, located);
        }
    }

    /// The parts of a variable at an address.
    pub(super) fn locate(
        &self,
        var: &super::Var,
        address: Address,
        located: &mut Vec<LocatedVariable>,
    ) {
        let (Some(ty), len) = self.located_elements(&var.ty) else {
            return;
        };
        let low = match &var.ty {
            Type::Array(array) => Some(array.dims[0].0),
            _ => None,
        };
        if var.external {
            return;
        }
        for at in 0..len {
            let name = match low {
                None => var.name.clone(),
                Some(low) => format!("{}[{}]", var.name, low + i64::from(at)),
            };
            located.push(hir::LocatedVariable {
                name,
                address: Address {
                    index: address.index + at,
                    ..address
                },
                offset: var.offset + at,
                ty,
                has_init: var.has_init,
                instance: None,
            });
        }
    }
}
