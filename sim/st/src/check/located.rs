//! Located variables: which are allowed, and that they do not overlap.

use std::collections::BTreeMap;

use super::types::Type;
use super::{Checker, Signature};
use crate::ast::{Declaration, PouKind, Section, SectionKind};
use crate::diagnostic::Span;
use crate::image::{Address, Area, Width};
use crate::problems;
use crate::types::Elementary;

impl Checker<'_, '_> {
    /// The address of a declaration, or the area that it must lie in; `None` where there is
    /// neither or it was reported.
    pub(super) fn place_of(
        &mut self,
        pou: Option<usize>,
        declaration: &Declaration,
        section: &Section,
        ty: &Type,
    ) -> Option<Result<Address, Area>> {
        let at = declaration.at.as_ref()?;
        let kind = pou.map_or(PouKind::Program, |pou| self.library.pous[pou].kind);
        let partly = Area::parse_partly(&at.text);
        let place = match partly {
            Some(_) => {
                section.kind == SectionKind::Var && kind != PouKind::Function && pou.is_some()
            }
            None => {
                let place = matches!(section.kind, SectionKind::Var | SectionKind::Global);
                place && kind == PouKind::Program
            }
        };
        let address = match partly.map_or_else(|| Address::parse(&at.text).map(Ok), |a| Ok(Err(a)))
        {
            Ok(address) => address,
            Err(reason) => {
                self.sink.report(problems::BAD_ADDRESS, at.span, reason);
                return None;
            }
        };
        if !place || section.constant {
            let message = if partly.is_some() {
                "an address that VAR_CONFIG completes belongs to VAR of a PROGRAM or FUNCTION_BLOCK"
            } else {
                "a located variable belongs to VAR of a PROGRAM or to VAR_GLOBAL"
            };
            self.sink.report(problems::ADDRESS_PLACE, at.span, message);
            return None;
        }
        let [_] = declaration.names.as_slice() else {
            let message = "several variables cannot stand at one address";
            self.sink
                .report(problems::ADDRESS_OVERLAP, at.span, message);
            return None;
        };
        match address {
            Ok(address) if !self.check_address(address, at.span, ty) => return None,
            Err(_) if self.located_elements(ty).0.is_none() => {
                let message = format!("a {} has no place in the image", self.type_name(ty));
                self.sink.report(problems::ADDRESS_TYPE, at.span, message);
                return None;
            }
            _ => {}
        }
        Some(address)
    }

    /// Whether a variable of the type can stand at the address; reports where not.
    pub(super) fn check_address(&mut self, address: Address, span: Span, ty: &Type) -> bool {
        let (element, len) = self.located_elements(ty);
        if !element.is_some_and(|element| address.accepts(element)) {
            let message = format!("`{address}` is no place for {}", self.type_name(ty));
            self.sink.report(problems::ADDRESS_TYPE, span, message);
            return false;
        }
        let last = address
            .index
            .checked_add(len - 1)
            .map(|index| Address { index, ..address });
        let fits = last.is_some_and(Address::fits);
        if !fits {
            let message = format!("the array at `{address}` reaches beyond the end of its area");
            self.sink.report(problems::BAD_ADDRESS, span, message);
        }
        fits
    }

    /// The elementary type and the number of the values that a located variable consists of.
    pub(super) fn located_elements(&self, ty: &Type) -> (Option<Elementary>, u32) {
        match ty {
            Type::Array(array) => (array.element.scalar(&self.enums), array.len),
            ty => (ty.scalar(&self.enums), 1),
        }
    }

    /// Reports variables of the output and marker areas that share a bit or a word.
    pub(super) fn check_overlaps(&mut self, sections: &[Section], signature: &Signature) {
        let mut taken = Occupancy::default();
        for section in sections {
            for declaration in &section.declarations {
                let ([name], Some(at)) = (declaration.names.as_slice(), &declaration.at) else {
                    continue;
                };
                let Some(var) = signature.var(&name.key()) else {
                    continue;
                };
                let Some(address) = var.address else { continue };
                let (_, len) = self.located_elements(&var.ty);
                if let Some(other) = taken.claim(address, len, &var.name) {
                    self.report_overlap(at.span, address, &other);
                }
            }
        }
    }

    pub(super) fn report_overlap(&mut self, span: Span, address: Address, other: &str) {
        let message = format!("`{address}` overlaps the place of `{other}`");
        self.sink.report(problems::ADDRESS_OVERLAP, span, message);
    }
}

/// Which bits and words of the output and marker areas are taken, and by whom.
#[derive(Default)]
pub(super) struct Occupancy {
    /// By area, table (false for bits, true for words) and unit.
    units: BTreeMap<(Area, bool, u32), String>,
}

impl Occupancy {
    /// Takes the place of `len` variables from `address` on; names who already has part of it.
    pub(super) fn claim(&mut self, address: Address, len: u32, name: &str) -> Option<String> {
        if address.area == Area::Input {
            return None;
        }
        let words = address.width >= Width::Word;
        let first = address.first_unit();
        let mut other = None;
        for unit in first..first + len * address.units() {
            let before = self
                .units
                .insert((address.area, words, unit), name.to_owned());
            other = other.or(before);
        }
        other
    }
}
