//! Forces: entries of the process image that keep a value whatever inputs, program and clients say.
//!
//! **Invariant:** at most [`FORCES_MAX`] entries, each inside its table; a forced entry has its value
//! whenever the program reads it and whenever outputs are written.

use std::collections::BTreeMap;

use sim_kernel::digest::Hasher;
use sim_st::Image;
use sim_wire::modbus::engineering::{Area, Force};

use crate::address::TABLE_LIMIT;

/// Most forces of a controller.
pub(crate) const FORCES_MAX: usize = 64;

/// The forces, by table and index.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForceTable(BTreeMap<(Area, u16), u16>);

impl ForceTable {
    pub(crate) fn len(&self) -> u16 {
        u16::try_from(self.0.len()).expect("forces are bounded")
    }

    /// Whether an entry exists, and for a value whether its table can hold it.
    pub(crate) fn fits(area: Area, index: u16, value: u16) -> bool {
        let is_bit = matches!(area, Area::InputBit | Area::OutputBit | Area::MarkerBit);
        index < TABLE_LIMIT && (!is_bit || value <= 1)
    }

    /// Adds or changes a force. Returns whether there was room.
    pub(crate) fn set(&mut self, force: Force) -> bool {
        let key = (force.area, force.index);
        if self.0.len() >= FORCES_MAX && !self.0.contains_key(&key) {
            return false;
        }
        self.0.insert(key, force.value);
        true
    }

    /// Removes a force. Returns whether it was there.
    pub(crate) fn remove(&mut self, area: Area, index: u16) -> bool {
        self.0.remove(&(area, index)).is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Force> + '_ {
        self.0
            .iter()
            .map(|(&(area, index), &value)| Force { area, index, value })
    }

    /// Puts the forced values into the image.
    pub(crate) fn apply(&self, image: &mut Image) {
        for (&(area, index), &value) in &self.0 {
            let at = usize::from(index);
            match area {
                Area::InputBit => image.ix[at] = value != 0,
                Area::OutputBit => image.qx[at] = value != 0,
                Area::MarkerBit => image.mx[at] = value != 0,
                Area::InputWord => image.iw[at] = value,
                Area::OutputWord => image.qw[at] = value,
                Area::MarkerWord => image.mw[at] = value,
            }
        }
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_len(self.0.len());
        for force in self.iter() {
            put.put_u8(force.area.code());
            put.put_u16(force.index);
            put.put_u16(force.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forces_when_full_then_no_more_but_those_there_can_change() {
        let mut table = ForceTable::default();
        let force = |index, value| Force {
            area: Area::MarkerWord,
            index,
            value,
        };
        for index in 0..64 {
            assert!(table.set(force(index, 1)));
        }
        assert!(!table.set(force(64, 1)));
        assert!(table.set(force(3, 9)));
        let mut image = Image::new();
        table.apply(&mut image);
        assert_eq!((image.mw[3], image.mw[63], image.mw[64]), (9, 1, 0));
        assert!(table.remove(Area::MarkerWord, 3));
        assert!(!table.remove(Area::MarkerWord, 3));
        assert_eq!(table.len(), 63);
        assert!(!ForceTable::fits(Area::InputBit, 0, 2));
        assert!(!ForceTable::fits(Area::InputWord, 1024, 0));
    }
}
