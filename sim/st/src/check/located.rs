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
    /// The address of a declaration; `None` where there is none or it was reported.
    pub(super) fn address_of(
        &mut self,
        declaration: &Declaration,
        section: &Section,
        ty: &Type,
        kind: PouKind,
    ) -> Option<Address> {
        let at = declaration.at.as_ref()?;
        let address = match Address::parse(&at.text) {
            Ok(address) => address,
            Err(reason) => {
                self.sink.report(problems::BAD_ADDRESS, at.span, reason);
                return None;
            }
        };
        let place = matches!(section.kind, SectionKind::Var | SectionKind::Global);
        if kind != PouKind::Program || !place || section.constant {
            let message = "a located variable belongs to VAR of a PROGRAM or to VAR_GLOBAL";
            self.sink.report(problems::ADDRESS_PLACE, at.span, message);
            return None;
        }
        let [_] = declaration.names.as_slice() else {
            let message = "several variables cannot stand at one address";
            self.sink
                .report(problems::ADDRESS_OVERLAP, at.span, message);
            return None;
        };
        let (element, len) = self.located_elements(ty);
        if !element.is_some_and(|element| address.accepts(element)) {
            let message = format!("`{address}` is no place for {}", self.type_name(ty));
            self.sink.report(problems::ADDRESS_TYPE, at.span, message);
            return None;
        }
        let last = address
            .index
            .checked_add(len - 1)
            .map(|index| Address { index, ..address });
        if !last.is_some_and(Address::fits) {
            let message = format!("the array at `{address}` reaches beyond the end of its area");
            self.sink.report(problems::BAD_ADDRESS, at.span, message);
            return None;
        }
        if address.area == Area::Input && declaration.init.is_some() {
            let message = "an input of the process has no initial value; it is read in every scan";
            self.sink
                .report(problems::BAD_INITIAL_VALUE, at.span, message);
        }
        Some(address)
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
