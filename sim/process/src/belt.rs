//! A single-file conveyor: an ordered queue of bottles on a moving chain.
//!
//! Each bottle follows the chain as long as friction can carry it, keeps its distance from the one
//! ahead, stops at closed gates, and falls over when the chain drags its foot away too fast.
//!
//! # Invariants
//!
//! - Bottles never overtake: positions do not increase from front (index 0) to back.
//! - A closed gate holds exactly the bottles that had not passed it when it closed.
//! - One pass costs one visit per bottle; a belt that stands still with all its bottles costs nothing.
//!
//! # Source
//!
//! A bottle slips when the chain's `|a| > μ·g`, and tips when the acceleration it receives,
//! `min(|a|, μ·g)`, exceeds `g·r/h` (base radius over height of the centre of mass). Touching bottles
//! slip as one train, so slipping and line pressure use the mean friction; whether a bottle tips is
//! decided by its own foot and spot of chain. Catching up with an evenly running chain does not tip a
//! bottle: its neighbours and the guides hold it.

use std::collections::VecDeque;
use std::ops::Range;

use serde::Deserialize;

use crate::STANDARD_GRAVITY_M_PER_S2;
use crate::bottle::Bottle;
use crate::digest::{Digest, put_bool, put_f64, put_len, put_u64};

/// The bottle and chain properties that decide how bottles ride.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BeltConfig {
    /// Diameter of a bottle: the least pitch of standing bottles, m.
    pub bottle_diameter_m: f64,
    /// Height of a bottle: the length of chain a fallen one takes, m.
    pub bottle_height_m: f64,
    /// Effective base radius for tipping, m.
    pub base_radius_m: f64,
    /// Height of the centre of mass, m.
    pub centre_of_mass_m: f64,
    /// Mass of an empty bottle with its cap, kg.
    pub empty_mass_kg: f64,
    /// Mean friction between bottle and lubricated chain, dimensionless.
    pub friction: f64,
    /// Spread of the friction between bottles and dry spots: sigma of a lognormal factor of median 1.
    pub friction_sigma: f64,
    /// Friction under a full film of spilled product, dimensionless.
    pub wet_friction: f64,
    /// Film at which the friction has fallen to `wet_friction`, litres.
    pub wet_film_l: f64,
    /// Line pressure at which bottles buckle and pop out, N.
    pub pressure_limit_n: f64,
    /// Bottles broken when a line buckles.
    pub broken_per_buckle: u32,
}

impl Default for BeltConfig {
    fn default() -> Self {
        Self {
            bottle_diameter_m: 0.065,
            bottle_height_m: 0.220,
            base_radius_m: 0.027,
            centre_of_mass_m: 0.105,
            empty_mass_kg: 0.022,
            friction: 0.12,
            friction_sigma: 0.35,
            wet_friction: 0.06,
            wet_film_l: 5.0,
            pressure_limit_n: 60.0,
            broken_per_buckle: 3,
        }
    }
}

/// A place on the belt that counts bottles, and, as a gate, can hold them.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    x_m: f64,
    closed: bool,
    /// Index of the first bottle that has not passed.
    next: usize,
    /// `next` before the last pass: bottles `previous..next` crossed in it.
    previous: usize,
}

/// Which mark; in the order given to [`Belt::new`].
pub type MarkIndex = usize;

/// What lies beyond the end of the belt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    /// No bottle's front may go beyond this, m; infinite for free passage.
    pub rear_m: f64,
    /// Speed of whatever is in the way, m/s.
    pub speed_m_per_s: f64,
}

impl Beyond {
    /// Nothing in the way.
    pub const FREE: Self = Self {
        rear_m: f64::INFINITY,
        speed_m_per_s: 0.0,
    };
}

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pass {
    /// Bottles that fell over.
    pub fell: u32,
    /// Greatest line pressure, N.
    pub pressure_n: f64,
    /// A fallen bottle ran into something and wedged in this pass.
    pub wedged: bool,
    /// Any bottle may have moved.
    pub moved: bool,
}

/// One conveyor.
#[derive(Clone, Debug)]
pub struct Belt {
    half_standing_m: f64,
    half_fallen_m: f64,
    tip_m_per_s2: f64,
    empty_mass_kg: f64,
    end_m: f64,
    /// Sorted from the downstream end, so that `next` never decreases along the list.
    marks: Vec<Mark>,
    bottles: VecDeque<Bottle>,
    odometer_m: f64,
    chain_m_per_s: f64,
    settled: bool,
    wedged: bool,
}

/// The most bottles one belt may hold; far above what fits on any belt of a line.
const CAPACITY: usize = 256;

impl Belt {
    /// Makes an empty belt that ends at `end_m`, with marks at the given places, listed from the
    /// downstream end. All gates start open.
    ///
    /// # Panics
    ///
    /// If the marks are not in falling order: the layout is ours.
    #[must_use]
    pub fn new(config: &BeltConfig, end_m: f64, marks_m: &[f64]) -> Self {
        assert!(
            marks_m.windows(2).all(|pair| pair[0] > pair[1]),
            "marks must fall: {marks_m:?}"
        );
        let mark = |&x_m: &f64| Mark {
            x_m,
            closed: false,
            next: 0,
            previous: 0,
        };
        Self {
            half_standing_m: config.bottle_diameter_m / 2.0,
            half_fallen_m: config.bottle_height_m / 2.0,
            tip_m_per_s2: STANDARD_GRAVITY_M_PER_S2 * config.base_radius_m
                / config.centre_of_mass_m,
            empty_mass_kg: config.empty_mass_kg,
            end_m,
            marks: marks_m.iter().map(mark).collect(),
            bottles: VecDeque::with_capacity(CAPACITY),
            odometer_m: 0.0,
            chain_m_per_s: 0.0,
            settled: true,
            wedged: false,
        }
    }

    /// The bottles, front first.
    #[must_use]
    pub fn bottles(&self) -> &VecDeque<Bottle> {
        &self.bottles
    }

    /// The bottle at `index`, to be worked on where it stands. Its position is the belt's own;
    /// see [`Belt::place`].
    ///
    /// # Panics
    ///
    /// If there is no such bottle.
    pub fn bottle_mut(&mut self, index: usize) -> &mut Bottle {
        &mut self.bottles[index]
    }

    /// Distance the chain has run, m.
    #[must_use]
    pub fn odometer_m(&self) -> f64 {
        self.odometer_m
    }

    /// Whether a bottle is wedged in the guides and holds the chain.
    #[must_use]
    pub fn is_wedged(&self) -> bool {
        self.wedged
    }

    /// Wedges the belt, as a bottle pinched by a gate does.
    pub fn wedge(&mut self) {
        self.wedged = true;
    }

    /// Opens or closes the gate at a mark.
    pub fn set_closed(&mut self, mark: MarkIndex, closed: bool) {
        if self.marks[mark].closed != closed {
            self.marks[mark].closed = closed;
            self.settled = false;
        }
    }

    /// The indices of the bottles that crossed a mark in the last pass.
    #[must_use]
    pub fn crossed(&self, mark: MarkIndex) -> Range<usize> {
        self.marks[mark].previous..self.marks[mark].next
    }

    /// Index of the first bottle that has not passed a mark.
    #[must_use]
    pub fn next_at(&self, mark: MarkIndex) -> usize {
        self.marks[mark].next
    }

    /// Rear edge of the last bottle, where the next belt's front bottle must stop.
    #[must_use]
    pub fn beyond(&self) -> Beyond {
        self.bottles.back().map_or(Beyond::FREE, |last| Beyond {
            rear_m: last.x_m - self.half_m(last),
            speed_m_per_s: last.speed_m_per_s,
        })
    }

    /// Whether a standing bottle may be put on at `x_m` behind all others.
    #[must_use]
    pub fn has_room_at(&self, x_m: f64) -> bool {
        self.beyond().rear_m >= x_m + self.half_standing_m && self.bottles.len() < CAPACITY
    }

    /// Puts a bottle on behind all others.
    ///
    /// # Panics
    ///
    /// If it would stand ahead of the last bottle.
    pub fn push(&mut self, bottle: Bottle) {
        assert!(
            self.bottles
                .back()
                .is_none_or(|last| bottle.x_m <= last.x_m),
            "bottle {} pushed ahead of the queue",
            bottle.id
        );
        let index = self.bottles.len();
        for mark in &mut self.marks {
            // A bottle handed over beyond a mark has passed it.
            if mark.next == index && bottle.x_m > mark.x_m {
                mark.next += 1;
            }
        }
        self.bottles.push_back(bottle);
        self.settled = false;
    }

    /// Takes the front bottle if its centre has passed the end of the belt.
    pub fn pop_passed(&mut self) -> Option<Bottle> {
        if self.bottles.front()?.x_m < self.end_m {
            return None;
        }
        Some(self.remove(0))
    }

    /// Takes out the bottle at `index`.
    ///
    /// # Panics
    ///
    /// If there is no such bottle.
    pub fn remove(&mut self, index: usize) -> Bottle {
        for mark in &mut self.marks {
            if index < mark.next {
                mark.next -= 1;
            }
            if index < mark.previous {
                mark.previous -= 1;
            }
        }
        self.settled = false;
        self.bottles
            .remove(index)
            .expect("the caller holds a valid index")
    }

    /// Moves a bottle within its gap, as a star wheel does.
    ///
    /// # Panics
    ///
    /// If it would overtake or be overtaken.
    pub fn place(&mut self, index: usize, x_m: f64) {
        assert!(
            index == 0 || x_m <= self.bottles[index - 1].x_m,
            "placed ahead of its neighbour"
        );
        assert!(
            self.bottles
                .get(index + 1)
                .is_none_or(|behind| behind.x_m <= x_m),
            "placed behind its neighbour"
        );
        self.bottles[index].x_m = x_m;
        self.settled = false;
    }

    /// Lays a bottle down.
    pub fn lay(&mut self, index: usize) {
        self.bottles[index].fallen = true;
        self.settled = false;
    }

    /// Lets a person work on the belt: takes off every bottle for which `take` is true, hands each
    /// to `scrap`, and frees the chain.
    pub fn clear(&mut self, take: impl Fn(&Bottle) -> bool, mut scrap: impl FnMut(Bottle)) {
        for index in (0..self.bottles.len()).rev() {
            if take(&self.bottles[index]) {
                scrap(self.remove(index));
            }
        }
        self.wedged = false;
        self.settled = false;
    }

    /// Whether a standing bottle's neck interrupts a beam at `x_m`; `half_width_m` is half a neck.
    ///
    /// The beam passes above fallen bottles, as a real one does.
    #[must_use]
    pub fn is_beam_blocked(&self, x_m: f64, half_width_m: f64) -> bool {
        let first = self
            .bottles
            .partition_point(|bottle| bottle.x_m > x_m + half_width_m);
        self.bottles
            .range(first..)
            .take_while(|bottle| bottle.x_m >= x_m - half_width_m)
            .any(|bottle| !bottle.fallen)
    }

    /// The standing bottle nearest to `x_m` within `reach_m`, if any.
    #[must_use]
    pub fn nearest(&self, x_m: f64, reach_m: f64) -> Option<usize> {
        let first = self
            .bottles
            .partition_point(|bottle| bottle.x_m > x_m + reach_m);
        let mut best: Option<(f64, usize)> = None;
        for (offset, bottle) in self.bottles.range(first..).enumerate() {
            let distance_m = (bottle.x_m - x_m).abs();
            if bottle.x_m < x_m - reach_m {
                break;
            }
            if distance_m < reach_m && best.is_none_or(|(least_m, _)| distance_m < least_m) {
                best = Some((distance_m, first + offset));
            }
        }
        best.map(|(_, index)| index)
    }

    fn half_m(&self, bottle: &Bottle) -> f64 {
        if bottle.fallen {
            self.half_fallen_m
        } else {
            self.half_standing_m
        }
    }

    /// Moves all bottles for one step.
    ///
    /// # Arguments
    ///
    /// * `chain_m_per_s`: speed of the chain, at least 0.
    /// * `friction`: mean friction between bottles and chain, dimensionless.
    /// * `beyond`: what the front bottle may run into.
    pub fn advance(
        &mut self,
        chain_m_per_s: f64,
        friction: f64,
        beyond: Beyond,
        step_s: f64,
    ) -> Pass {
        for mark in &mut self.marks {
            mark.previous = mark.next;
        }
        self.odometer_m += chain_m_per_s * step_s;
        if chain_m_per_s == 0.0 && self.settled {
            return Pass::default();
        }
        // A settled belt stood still, so the speed kept from its last pass was zero.
        let pass = self.move_bottles(chain_m_per_s, friction, beyond, step_s);
        for mark in &mut self.marks {
            while self
                .bottles
                .get(mark.next)
                .is_some_and(|bottle| bottle.x_m > mark.x_m)
            {
                mark.next += 1;
            }
        }
        if pass.wedged {
            self.wedged = true;
        }
        pass
    }

    fn move_bottles(
        &mut self,
        chain_m_per_s: f64,
        friction: f64,
        beyond: Beyond,
        step_s: f64,
    ) -> Pass {
        let mut pass = Pass {
            moved: true,
            ..Pass::default()
        };
        let grip_m_per_s = friction * STANDARD_GRAVITY_M_PER_S2 * step_s;
        let tip_m_per_s = self.tip_m_per_s2 * step_s;
        let is_violent = (chain_m_per_s - self.chain_m_per_s).abs() > tip_m_per_s;
        self.chain_m_per_s = chain_m_per_s;
        let (half_standing_m, half_fallen_m) = (self.half_standing_m, self.half_fallen_m);
        let mut rear_m = beyond.rear_m;
        let mut ahead_m_per_s = beyond.speed_m_per_s;
        let mut pressure_n = 0.0;
        let mut gate = 0;
        let mut still = true;
        for (index, bottle) in self.bottles.iter_mut().enumerate() {
            let mut speed = bottle.speed_m_per_s;
            if speed != chain_m_per_s {
                speed = crate::num::approach(speed, chain_m_per_s, grip_m_per_s);
                let own_grip = grip_m_per_s * bottle.friction_factor;
                if is_violent && own_grip > tip_m_per_s && !bottle.fallen {
                    bottle.fallen = true;
                    pass.fell += 1;
                }
            }
            let half_m = if bottle.fallen {
                half_fallen_m
            } else {
                half_standing_m
            };
            let mut limit_m = rear_m - half_m;
            let mut limit_m_per_s = ahead_m_per_s;
            while gate < self.marks.len() && self.marks[gate].next <= index {
                let mark = &self.marks[gate];
                if mark.closed && mark.next == index && mark.x_m < limit_m {
                    limit_m = mark.x_m;
                    limit_m_per_s = 0.0;
                }
                gate += 1;
            }
            let mut x_m = bottle.x_m + speed * step_s;
            if x_m >= limit_m {
                x_m = if limit_m > bottle.x_m {
                    limit_m
                } else {
                    bottle.x_m
                };
                speed = if limit_m_per_s < speed {
                    limit_m_per_s
                } else {
                    speed
                };
                if speed < chain_m_per_s {
                    let mass_kg = self.empty_mass_kg + 1000.0 * bottle.volume_m3;
                    pressure_n += friction * mass_kg * STANDARD_GRAVITY_M_PER_S2;
                    if bottle.fallen && speed == 0.0 {
                        pass.wedged = true;
                    }
                }
            } else {
                pressure_n = 0.0;
            }
            if pressure_n > pass.pressure_n {
                pass.pressure_n = pressure_n;
            }
            bottle.x_m = x_m;
            bottle.speed_m_per_s = speed;
            still &= speed == 0.0;
            rear_m = x_m - half_m;
            ahead_m_per_s = speed;
        }
        self.settled = still && chain_m_per_s == 0.0;
        pass
    }
}

impl Digest for Belt {
    fn digest(&self, put: &mut dyn FnMut(&[u8])) {
        put_f64(put, self.odometer_m);
        put_f64(put, self.chain_m_per_s);
        put_bool(put, self.settled);
        put_bool(put, self.wedged);
        for mark in &self.marks {
            put_bool(put, mark.closed);
            put_len(put, mark.next);
            put_len(put, mark.previous);
        }
        put_u64(put, self.bottles.len() as u64);
        for bottle in &self.bottles {
            bottle.digest(put);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP_S: f64 = 0.01;

    /// A belt from 0 to 2 m with a gate at 1 m and bottles standing at the given places.
    fn belt(config: &BeltConfig, places_m: &[f64]) -> Belt {
        let mut belt = Belt::new(config, 2.0, &[1.0]);
        for (id, &x_m) in (1..).zip(places_m) {
            belt.push(Bottle::new(id, x_m, 1.0));
        }
        belt
    }

    fn run(belt: &mut Belt, friction: f64, steps: u32, speed: impl Fn(u32) -> f64) -> Pass {
        let mut worst = Pass::default();
        for step in 1..=steps {
            let pass = belt.advance(speed(step), friction, Beyond::FREE, STEP_S);
            worst.fell += pass.fell;
            if pass.pressure_n > worst.pressure_n {
                worst.pressure_n = pass.pressure_n;
            }
        }
        worst
    }

    #[test]
    fn bottles_when_a_gate_is_closed_then_queue_touching_behind_it() {
        let config = BeltConfig::default();
        let mut belt = belt(&config, &[0.6, 0.3, 0.1]);
        belt.set_closed(0, true);
        let pass = run(&mut belt, config.friction, 400, |_| 0.3665);
        let places: Vec<f64> = belt.bottles().iter().map(|bottle| bottle.x_m).collect();
        for (x_m, expect_m) in places.iter().zip([1.0, 0.935, 0.870]) {
            assert!((x_m - expect_m).abs() < 1e-12, "{places:?}");
        }
        // Three empties of 22 g lean on the gate.
        let expect_n = 3.0 * 0.12 * 0.022 * STANDARD_GRAVITY_M_PER_S2;
        assert!(
            (pass.pressure_n - expect_n).abs() < 1e-9,
            "{} N",
            pass.pressure_n
        );
        belt.set_closed(0, false);
        run(&mut belt, config.friction, 200, |_| 0.3665);
        assert_eq!(belt.next_at(0), 3);
    }

    #[test]
    fn bottle_when_the_chain_ramps_then_slips_or_tips_by_friction_and_ramp() {
        // (ramp s, friction, falls): the dry chain tips it, the lubricated one lets it slip.
        for (ramp_s, friction, expect_fall) in [
            (0.5, 0.12, false),
            (0.5, 0.30, false),
            (0.1, 0.12, false),
            (0.1, 0.30, true),
        ] {
            let config = BeltConfig::default();
            let mut belt = belt(&config, &[0.1]);
            let ramp = |step: u32| {
                let share = f64::from(step) * STEP_S / ramp_s;
                0.3665 * crate::num::lower(share, 1.0)
            };
            let pass = run(&mut belt, friction, 100, ramp);
            assert_eq!(
                pass.fell > 0,
                expect_fall,
                "ramp {ramp_s} s, friction {friction}"
            );
        }
    }

    #[test]
    fn bottle_when_the_chain_stops_at_once_then_slides_57_mm() {
        let config = BeltConfig::default();
        let mut belt = belt(&config, &[0.1]);
        run(&mut belt, config.friction, 200, |_| 0.3665);
        let from_m = belt.bottles()[0].x_m;
        run(&mut belt, config.friction, 100, |_| 0.0);
        let slide_m = belt.bottles()[0].x_m - from_m;
        // v² / (2·μ·g) = 57 mm; the step adds up to v·dt.
        assert!((slide_m - 0.057).abs() < 0.003, "{slide_m} m");
    }

    #[test]
    fn fallen_bottle_when_it_meets_a_closed_gate_then_wedges_until_cleared() {
        let config = BeltConfig::default();
        let mut belt = belt(&config, &[0.5, 0.2]);
        belt.lay(0);
        belt.set_closed(0, true);
        run(&mut belt, config.friction, 400, |_| 0.3665);
        assert!(belt.is_wedged());
        let gap_m = belt.bottles()[0].x_m - belt.bottles()[1].x_m;
        assert!((gap_m - (0.110 + 0.0325)).abs() < 1e-12, "{gap_m} m");
        let mut scrapped = 0;
        belt.clear(|bottle| bottle.fallen, |_| scrapped += 1);
        assert!(!belt.is_wedged());
        assert_eq!((scrapped, belt.bottles().len()), (1, 1));
    }

    #[test]
    fn marks_when_bottles_are_taken_out_then_still_count_each_bottle_once() {
        let config = BeltConfig::default();
        let mut belt = belt(&config, &[1.1, 0.9, 0.7, 0.5]);
        assert_eq!(belt.next_at(0), 1);
        belt.remove(2);
        let mut crossed = 0;
        for _ in 0..300 {
            belt.advance(0.3665, config.friction, Beyond::FREE, STEP_S);
            crossed += belt.crossed(0).len();
            belt.pop_passed();
        }
        assert_eq!(crossed, 2);
    }
}
