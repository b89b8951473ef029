//! Where a value lies in a controller's process image, as the engineering session names it.

use sim_plant::spec::TagKind;
use sim_plant::{Address, Area, Width};
use sim_wire::modbus::engineering::{self, Force};

use crate::playbook::Place;
use crate::value;
use crate::view::PlantView;

/// A place that a force can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) address: Address,
    pub(crate) kind: TagKind,
}

impl Spot {
    /// The spot at a direct address. A word holds a `Uint` and a double a `Udint`.
    pub(crate) fn at(address: Address) -> Self {
        let kind = match address.width {
            Width::Bit => TagKind::Bool,
            Width::Word => TagKind::Uint,
            Width::Double => TagKind::Udint,
        };
        Self { address, kind }
    }

    /// The spot of a place in a playbook.
    ///
    /// # Panics
    ///
    /// If there is none: playbooks are validated before they are played.
    pub(crate) fn of(place: &Place, view: &PlantView) -> Self {
        let spot = match place {
            Place::Tag(name) => view.tag(name).map(|tag| tag.spot),
            Place::Address(text) => text.parse().ok().map(Self::at),
        };
        spot.expect("the playbook was validated: the place exists")
    }

    /// The forces that give it a value: one, or two for a double, the high word first.
    pub(crate) fn forces(self, number: f64) -> Vec<Force> {
        let mut words = Vec::new();
        value::encode(self.kind, number, &mut words);
        let area = self.area();
        let entries = (self.address.index..).zip(words);
        entries
            .map(|(index, value)| Force { area, index, value })
            .collect()
    }

    /// The entries that it takes: table and index.
    pub(crate) fn entries(self) -> impl Iterator<Item = (engineering::Area, u16)> {
        let first = self.address.index;
        let area = self.area();
        (first..first + value::entries(self.kind)).map(move |index| (area, index))
    }

    fn area(self) -> engineering::Area {
        use engineering::Area as Wire;
        match (self.address.area, self.address.width) {
            (Area::Input, Width::Bit) => Wire::InputBit,
            (Area::Output, Width::Bit) => Wire::OutputBit,
            (Area::Marker, Width::Bit) => Wire::MarkerBit,
            (Area::Input, _) => Wire::InputWord,
            (Area::Output, _) => Wire::OutputWord,
            (Area::Marker, _) => Wire::MarkerWord,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, number: f64, expect: &[(engineering::Area, u16, u16)]) {
        let spot = Spot::at(address.parse().expect("an address"));
        let forces = spot.forces(number);
        let found: Vec<_> = forces.iter().map(|f| (f.area, f.index, f.value)).collect();
        assert_eq!(found, expect, "{address}");
        let entries: Vec<_> = spot.entries().collect();
        let expected: Vec<_> = expect.iter().map(|&(area, at, _)| (area, at)).collect();
        assert_eq!(entries, expected, "{address}");
    }

    #[test]
    fn place_when_forced_then_each_of_its_entries() {
        use engineering::Area::{InputBit, MarkerWord, OutputWord};
        check("%IX1.3", 1.0, &[(InputBit, 11, 1)]);
        check("%QW0", 27_648.0, &[(OutputWord, 0, 27_648)]);
        check(
            "%MD15",
            65_537.0,
            &[(MarkerWord, 30, 1), (MarkerWord, 31, 1)],
        );
    }
}
