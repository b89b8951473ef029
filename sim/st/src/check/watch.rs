//! The tables that go with a program: what tools may watch, and what is tied to the image.

use std::rc::Rc;

use super::located::Occupancy;
use super::types::Type;
use super::{Checker, Signature};
use crate::ast::SectionKind;
use crate::hir::{self, Block, Instance, LocatedVariable, Variable};

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
        self.check_shared_places(instances, &places);
        (places, list)
    }

    /// Reports places that two instances, or an instance and a global variable, share.
    fn check_shared_places(&mut self, instances: &[Instance], places: &[LocatedVariable]) {
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
                    None => self.library.globals.first().map_or(
                        crate::diagnostic::Span::default(),
                        |section| {
                            let first = section.declarations.first();
                            first.map_or(crate::diagnostic::Span::default(), |d| d.ty.span())
                        },
                    ),
                };
                self.report_overlap(span, place.address, &other);
                reported = true;
            }
        }
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
                    let mut rest = at;
                    let mut indices = Vec::new();
                    for (low, len) in array.dims.iter().rev() {
                        indices.push((low + i64::from(rest % len)).to_string());
                        rest /= len;
                    }
                    indices.reverse();
                    let path = format!("{path}[{}]", indices.join(","));
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
                if let Some(inner) = self.signature(*pou) {
                    self.watch_signature(&inner, &format!("{path}."), offset, retain, walk);
                }
            }
        }
    }

    /// The parts of a located variable, one per place in the image.
    pub(super) fn located_variables(&self, var: &super::Var, located: &mut Vec<LocatedVariable>) {
        let (Some(address), (Some(ty), len)) = (var.address, self.located_elements(&var.ty)) else {
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
                address: crate::image::Address {
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
