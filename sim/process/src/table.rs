//! An accumulation table: a first-in-first-out buffer with a travel time and a capacity.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::bottle::Bottle;
use crate::digest::{Digest, put_f64, put_len};

/// Size of the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableConfig {
    /// Bottles it holds.
    pub capacity: u32,
    /// Low mark, bottles.
    pub low: u32,
    /// High mark, bottles.
    pub high: u32,
    /// Full mark, bottles.
    pub full: u32,
    /// Way across, m.
    pub length_m: f64,
    /// Lanes that share the line pressure.
    pub lanes: u32,
}

impl Default for TableConfig {
    fn default() -> Self {
        Self {
            capacity: 150,
            low: 24,
            high: 120,
            full: 145,
            length_m: 3.0,
            lanes: 3,
        }
    }
}

/// The table. A bottle may leave once the chain has carried it across and all before it have left.
#[derive(Clone, Debug)]
pub struct AccumulationTable {
    capacity: usize,
    length_m: f64,
    odometer_m: f64,
    bottles: VecDeque<(f64, Bottle)>,
}

impl AccumulationTable {
    /// Makes an empty table.
    #[must_use]
    pub fn new(config: &TableConfig) -> Self {
        let capacity = config.capacity as usize;
        Self {
            capacity,
            length_m: config.length_m,
            odometer_m: 0.0,
            bottles: VecDeque::with_capacity(capacity),
        }
    }

    /// Bottles on the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bottles.len()
    }

    /// Whether no bottle is on the table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bottles.is_empty()
    }

    /// Whether no more fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bottles.len() >= self.capacity
    }

    /// The bottles, first to leave first.
    pub fn bottles(&self) -> impl Iterator<Item = &Bottle> {
        self.bottles.iter().map(|(_, bottle)| bottle)
    }

    /// Where each bottle is, first to leave first: metres from the infeed. Bottles that wait stand behind those
    /// that wait before them, side by side in the table's lanes, `pitch_m` apart.
    pub fn positions(
        &self,
        config: &TableConfig,
        pitch_m: f64,
    ) -> impl Iterator<Item = (f64, &Bottle)> {
        let lanes = config.lanes;
        let ranked = (0_u32..).zip(&self.bottles);
        ranked.map(move |(rank, (entered_m, bottle))| {
            let way_m = self.odometer_m - entered_m;
            let room_m = self.length_m - pitch_m * f64::from(rank / lanes);
            let at_m = crate::num::lower(way_m, room_m);
            (crate::num::higher(at_m, 0.0), bottle)
        })
    }

    /// Moves the chain by `way_m`.
    pub fn advance(&mut self, way_m: f64) {
        self.odometer_m += way_m;
    }

    /// Puts a bottle on; gives it back if the table is full.
    ///
    /// # Errors
    ///
    /// The bottle itself, when there is no room.
    pub fn push(&mut self, bottle: Bottle) -> Result<(), Box<Bottle>> {
        if self.is_full() {
            return Err(Box::new(bottle));
        }
        self.bottles.push_back((self.odometer_m, bottle));
        Ok(())
    }

    /// Whether a bottle waits at the exit.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        self.bottles
            .front()
            .is_some_and(|(entered_m, _)| self.odometer_m - entered_m >= self.length_m)
    }

    /// Takes the bottle that waits at the exit.
    pub fn pop_ready(&mut self) -> Option<Bottle> {
        if !self.has_ready() {
            return None;
        }
        self.bottles.pop_front().map(|(_, bottle)| bottle)
    }
}

impl Digest for AccumulationTable {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_f64(put, self.odometer_m);
        put_len(put, self.bottles.len());
        for (entered_m, bottle) in &self.bottles {
            put_f64(put, *entered_m);
            bottle.digest(put);
        }
    }
}
