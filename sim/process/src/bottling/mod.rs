//! The bottling line: still water, 0.5 L PET, 60 bottles per minute.
//!
//! Infeed belt, twelve-nozzle indexing filler, capper, inspection, reject, accumulation table, case
//! packer and layer palletiser, with their sensors, drives, failures and hazards. The layout in metres
//! along the line is given by the constants of this module.
//!
//! # Invariants
//!
//! - [`BottlingLine::conservation`] holds after every step.
//! - A step allocates nothing and costs about one visit per bottle on a moving belt.
//! - Reading (`sense`, `truth`, `digest`) changes nothing.
//!
//! # Hazards
//!
//! Unsafe time is counted in three kinds: a person in the palletiser zone while any of its motions is
//! energised; more than `filler.slip_film_l` of product on the floor; a motor winding above the limit of
//! its insulation class. `unsafe_s` counts a second once, whatever the number of kinds. A crush event is
//! a person in the zone while the hoist comes down or the row pusher moves.

mod config;
mod filler;
mod io;
mod packaging;
mod people;
mod points;
mod sis;
mod transport;
mod truth;

pub use config::{
    BottlingConfig, BowlConfig, ConfigError, FillerConfig, InfeedConfig, StoppagesConfig,
};
pub use points::{point, points};
pub use truth::{Column, truth_columns};

use crate::Draws;
use crate::belt::Belt;
use crate::bottle::{Bottle, Cap};
use crate::capper::Capper;
use crate::inspection::Inspection;
use crate::instrumented::Demands;
use crate::item::ItemView;
use crate::motor::{DriveCommand, Motor};
use crate::num;
use crate::packer::{CASE_BOTTLES, Packer};
use crate::palletiser::{Load, Palletiser};
use crate::point::{PointId, SensorFault};
use crate::production::Production;
use crate::reject::Pusher;
use crate::safety::SafetyRelay;
use crate::sensor::{Sensor, SensorSpec};
use crate::stoppage::{Stoppage, StoppageConfig};
use crate::table::AccumulationTable;
use filler::{Filler, FillerCommand, FillerEvents, GATE_STOPS_M};
use points::{POINTS, id};
use sis::{Sis, SisInputs};

/// Nozzles of the filler.
pub const NOZZLES: usize = 12;
/// Pitch of the nozzles, m: bottles stand touching.
pub const NOZZLE_PITCH_M: f64 = 0.065;
/// Where bottles enter the infeed belt, m.
pub const SUPPLY_X_M: f64 = -0.6;
/// The infeed screw, m.
pub const SCREW_X_M: f64 = 0.0;
/// End of the infeed belt, m.
pub const INFEED_END_X_M: f64 = 2.0;
/// Where the entry gate holds a bottle's centre, m.
pub const GATE_ENTRY_X_M: f64 = 2.12;
/// Where the exit gate holds a bottle's centre, under the last nozzle, m.
pub const GATE_EXIT_X_M: f64 = 2.90;
/// End of the filler belt, m.
pub const FILLER_END_X_M: f64 = 3.10;
/// Where the capper holds a bottle's centre, m.
pub const CAPPER_X_M: f64 = 4.16;
/// The inspection beam, m.
pub const INSPECTION_X_M: f64 = 5.10;
/// The accept photoeye behind the reject station, m.
pub const ACCEPT_X_M: f64 = 6.40;
/// End of the discharge belt, m.
pub const DISCHARGE_END_X_M: f64 = 6.50;

const COUNT_IN_X_M: f64 = 2.18;
const COUNT_OUT_X_M: f64 = 2.95;

const M1: usize = 0;
const M2: usize = 1;
const M3: usize = 2;
const M4: usize = 3;

const SCREW_MARK: usize = 0;
const COUNT_OUT_MARK: usize = 0;
const EXIT_GATE_MARK: usize = 1;
const COUNT_IN_MARK: usize = 2;
const ENTRY_GATE_MARK: usize = 3;
const ACCEPT_MARK: usize = 0;
const INSPECTION_MARK: usize = 1;
const CAPPER_MARK: usize = 2;

/// Relays between the controllers.
pub const RELAYS: usize = 12;

/// A machine that can stop and be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// Bottle supply, screw, infeed belt.
    Infeed,
    /// Filler with its belt.
    Filler,
    /// Discharge belt, inspection, reject.
    Discharge,
    /// Capper.
    Capper,
    /// Accumulation table and case packer.
    Packer,
    /// Palletiser.
    Palletiser,
}

impl Machine {
    /// All machines, in the order of the fault columns of the truth.
    pub const ALL: [Self; 6] = [
        Self::Infeed,
        Self::Filler,
        Self::Discharge,
        Self::Capper,
        Self::Packer,
        Self::Palletiser,
    ];

    const fn index(self) -> usize {
        self as usize
    }
}

/// A belt drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MotorName {
    /// Infeed belt.
    M1,
    /// Filler belt.
    M2,
    /// Discharge belt.
    M3,
    /// Accumulation table.
    M4,
}

/// What a person can do at the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonAct {
    /// Finishes the repair of a machine: clears its fault or jam and takes damaged bottles off.
    Clear(Machine),
    /// Fills the cap hopper.
    RefillCaps,
    /// Presses the reset of an overload relay; does nothing while it is still hot.
    ResetOverload(MotorName),
    /// Puts in a new motor.
    ReplaceMotor(MotorName),
    /// Wipes the floor around the filler.
    MopSpill,
    /// Shuts the hand valve in front of the supply bowl's inlet valve.
    CloseSupply,
    /// Opens it again.
    OpenSupply,
    /// Turns the key that allows bypasses and proof tests of the safety instrumented system.
    EnableBypass,
    /// Turns it back.
    LockBypass,
    /// Checks all devices of the safety instrumented system and mends those that have failed.
    MendSafety,
    /// Steps through the light curtain into the palletiser zone.
    EnterZone,
    /// Steps out again.
    LeaveZone,
    /// Presses the palletiser's emergency stop.
    PressEmergencyStop,
    /// Pulls it out again.
    ReleaseEmergencyStop,
}

/// The dangers that exist right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hazards {
    /// A person is in the palletiser zone while something energised moves.
    pub person_at_motion: bool,
    /// The floor around the filler is slippery.
    pub slippery_floor: bool,
    /// A motor winding is above the limit of its class.
    pub hot_motor: bool,
}

/// Where bottles can be, as [`ItemView::place`] counts. On the belts a position is measured along the line, as
/// the constants of this module are; on the table from its infeed; in the packer it is a place in its grid, times
/// the diameter of a bottle.
pub const PLACES: [&str; 5] = [
    "infeed-belt",
    "filler-belt",
    "discharge-belt",
    "accumulation-table",
    "packer-grid",
];

/// Named streams of the line, one per component that draws.
#[derive(Clone, Debug)]
struct Streams<D> {
    supply: D,
    nozzles: D,
    gates: D,
    capper: D,
    inspection: D,
    sensors: D,
    stoppages: [D; 6],
}

/// Transmitters that sample periodically.
#[derive(Clone, Debug)]
struct Transmitters {
    level: Sensor,
    inlet: Sensor,
    currents: [Sensor; 4],
    windings: [Sensor; 4],
    next_in_s: f64,
}

/// 16-bit counters, as the I/O cards hold them.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    filler_in: u16,
    filler_out: u16,
    capped: u16,
    inspected: u16,
    rejected: u16,
    accepted: u16,
    cases: u16,
}

/// Liquid that has left the line inside bottles, m³.
#[derive(Clone, Copy, Debug, Default)]
struct Gone {
    rejected_m3: f64,
    scrapped_m3: f64,
    shipped_m3: f64,
}

/// The bottling line.
#[derive(Clone, Debug)]
pub struct BottlingLine<D: Draws> {
    config: BottlingConfig,
    command: [f64; POINTS],
    drives: [DriveCommand; 4],
    faults: Vec<(PointId, SensorFault)>,
    contacts: [bool; RELAYS],
    filler: Filler,
    motors: [Motor; 4],
    /// Infeed, filler, discharge.
    belts: [Belt; 3],
    capper: Capper,
    inspection: Inspection,
    pusher: Pusher,
    table: AccumulationTable,
    packer: Packer,
    palletiser: Palletiser,
    safety: SafetyRelay,
    sis: Sis<D>,
    stoppages: [Stoppage; 6],
    /// Time since each machine last worked, s.
    idle_s: [f64; 6],
    screw_wait_s: f64,
    person_in_zone: bool,
    crossing_s: f64,
    emergency_stop: bool,
    crushing: bool,
    next_bottle_id: u32,
    transmitters: Transmitters,
    counters: Counters,
    gone: Gone,
    production: Production,
    hazards: Hazards,
    streams: Streams<D>,
}

/// How long after its last work a machine still counts as running, s. The palletiser takes a row only
/// every 48 s; in between it stands ready and wears no less.
const RUNNING_HOLD_S: [f64; 6] = [1.0, 2.0, 1.0, 15.0, 15.0, 60.0];

/// How long a person takes to step through the light curtain, s.
const CROSSING_S: f64 = 1.0;

impl<D: Draws> BottlingLine<D> {
    /// Builds an empty line at standstill and draws its first failures.
    ///
    /// # Arguments
    ///
    /// * `open`: opens the named random stream of a component. Each name is asked for once.
    ///
    /// # Errors
    ///
    /// The first value of the configuration that no plant could have.
    pub fn new(
        config: &BottlingConfig,
        mut open: impl FnMut(&str) -> D,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut streams = Streams {
            supply: open("supply"),
            nozzles: open("filler/nozzles"),
            gates: open("filler/gates"),
            capper: open("capper"),
            inspection: open("inspection"),
            sensors: open("sensors"),
            stoppages: [
                open("infeed/stops"),
                open("filler/stops"),
                open("discharge/stops"),
                open("capper/stops"),
                open("packer/stops"),
                open("palletiser/stops"),
            ],
        };
        let stops = &config.stoppages;
        let stop_configs = [
            stops.infeed,
            stops.filler,
            stops.discharge,
            stops.capper,
            stops.packer,
            stops.palletiser,
        ];
        let stoppages = core::array::from_fn(|index| {
            let stop = if stops.enabled {
                stop_configs[index]
            } else {
                StoppageConfig::NEVER
            };
            Stoppage::new(stop, stops.stop_clock, &mut streams.stoppages[index])
        });
        let command = core::array::from_fn(|index| points()[index].initial);
        let motor = Motor::new(&config.motor);
        let filler = Filler::new(config, &mut streams.nozzles);
        let transmitters = Transmitters::new(&filler, &motor);
        let sis = Sis::new(
            &config.sis,
            filler.bowl.level_m(),
            motor.winding_c(),
            &mut open,
        );
        let mut line = Self {
            command,
            drives: [DriveCommand::default(); 4],
            faults: Vec::new(),
            contacts: [false; RELAYS],
            filler,
            motors: core::array::from_fn(|_| motor.clone()),
            belts: [
                Belt::new(&config.belt, INFEED_END_X_M, &[SCREW_X_M]),
                Belt::new(
                    &config.belt,
                    FILLER_END_X_M,
                    &[COUNT_OUT_X_M, GATE_EXIT_X_M, COUNT_IN_X_M, GATE_ENTRY_X_M],
                ),
                Belt::new(
                    &config.belt,
                    DISCHARGE_END_X_M,
                    &[ACCEPT_X_M, INSPECTION_X_M, CAPPER_X_M],
                ),
            ],
            capper: Capper::new(&config.capper),
            inspection: Inspection::default(),
            pusher: Pusher::default(),
            table: AccumulationTable::new(&config.table),
            packer: Packer::new(&config.packer),
            palletiser: Palletiser::new(&config.palletiser),
            safety: SafetyRelay::default(),
            sis,
            stoppages,
            idle_s: RUNNING_HOLD_S,
            screw_wait_s: 0.0,
            person_in_zone: false,
            crossing_s: 0.0,
            emergency_stop: false,
            crushing: false,
            next_bottle_id: 1,
            transmitters,
            counters: Counters::default(),
            gone: Gone::default(),
            production: Production::default(),
            hazards: Hazards::default(),
            streams,
            config: config.clone(),
        };
        line.belts[M1].set_closed(SCREW_MARK, true);
        line.belts[M3].set_closed(CAPPER_MARK, true);
        Ok(line)
    }

    /// The configuration the line was built from.
    #[must_use]
    pub fn config(&self) -> &BottlingConfig {
        &self.config
    }

    /// Counted parts and times.
    #[must_use]
    pub fn production(&self) -> &Production {
        &self.production
    }

    /// The dangers that exist right now.
    #[must_use]
    pub fn hazards(&self) -> Hazards {
        self.hazards
    }

    /// What the safety functions were asked and did, by their names.
    #[must_use]
    pub fn safety_functions(&self) -> [(&'static str, &Demands); 2] {
        [
            ("SIF-1", &self.sis.level_demands),
            ("SIF-2", &self.sis.winding_demands),
        ]
    }

    /// A belt drive with its motor, for a viewer or a test.
    #[must_use]
    pub fn motor(&self, motor: MotorName) -> &Motor {
        &self.motors[motor as usize]
    }

    /// Work a person needs to do before [`PersonAct::Clear`], s; `None` while the machine has neither
    /// fault nor jam.
    #[must_use]
    pub fn repair_s(&self, machine: Machine) -> Option<f64> {
        let fault_s = self.stoppages[machine.index()].repair_s();
        let jam_s = self
            .is_jammed(machine)
            .then_some(self.config.filler.jam_repair_s);
        match (fault_s, jam_s) {
            (Some(fault_s), Some(jam_s)) => Some(num::higher(fault_s, jam_s)),
            (fault_s, jam_s) => fault_s.or(jam_s),
        }
    }

    fn is_jammed(&self, machine: Machine) -> bool {
        match machine {
            Machine::Infeed => self.belts[M1].is_wedged(),
            Machine::Filler => self.belts[M2].is_wedged(),
            Machine::Discharge => self.belts[M3].is_wedged(),
            Machine::Capper | Machine::Packer | Machine::Palletiser => false,
        }
    }

    fn is_able(&self, machine: Machine) -> bool {
        self.stoppages[machine.index()].is_able()
    }

    /// Calls `see` for every bottle on the belts, in the table and in the packer's grid, from the infeed to
    /// the packer; within each place the one that leaves first comes first.
    pub fn see_items(&self, mut see: impl FnMut(ItemView)) {
        let mut view = |place: u8, bottle: &Bottle, at_m: f64| {
            see(ItemView {
                id: bottle.id,
                place,
                at_m,
                content_ml: 1e6 * bottle.volume_m3,
                closed: bottle.cap != Cap::None,
                fallen: bottle.fallen,
                broken: bottle.broken,
            });
        };
        for (place, belt) in (0..).zip(&self.belts) {
            for bottle in belt.bottles() {
                view(place, bottle, bottle.x_m);
            }
        }
        let table = &self.config.table;
        let pitch_m = self.config.belt.bottle_diameter_m;
        for (at_m, bottle) in self.table.positions(table, pitch_m) {
            view(3, bottle, at_m);
        }
        for (index, bottle) in self.packer.grid().iter().enumerate() {
            view(4, bottle, small_f64(index) * pitch_m);
        }
    }

    /// Advances the whole line by one process step.
    ///
    /// # Panics
    ///
    /// If `step_s` is not within 0.1 ms to 20 ms: the plant owns the step, and the lags of valves and
    /// drives need it short.
    pub fn step(&mut self, step_s: f64) {
        assert!(
            (1e-4..=0.02).contains(&step_s),
            "process step out of range: {step_s} s"
        );
        for (index, contact) in self.contacts.iter_mut().enumerate() {
            *contact = self.command[usize::from(id::KQ01) + index] != 0.0;
        }
        self.step_stoppages(step_s);
        self.sis.step_elements(&self.sis_inputs(), step_s);
        self.step_filler(step_s);
        self.step_motors(step_s);
        self.step_belts(step_s);
        self.step_capper(step_s);
        self.step_reject(step_s);
        self.step_packaging(step_s);
        self.sis.step_demands(&self.sis_inputs(), step_s);
        self.step_accounts(step_s);
        self.step_transmitters(step_s);
    }

    fn step_stoppages(&mut self, step_s: f64) {
        let worked = [
            self.motors[M1].is_turning(),
            self.motors[M2].is_turning() || self.filler.is_pouring() || self.filler.is_moving(),
            self.motors[M3].is_turning(),
            self.capper.is_working(),
            self.packer.is_working(),
            self.palletiser.is_moving(),
        ];
        // A stop of gates or bar in the middle of a fill would spoil twelve bottles, and one of the
        // pallet conveyor would run the muting out; a due stop waits for the end of either.
        let may_stop = [
            true,
            !self.filler.is_pouring(),
            true,
            !self.capper.is_working(),
            self.packer.ram().is_home(),
            self.palletiser.has_pallet(),
        ];
        for index in 0..6 {
            self.idle_s[index] = if worked[index] {
                0.0
            } else {
                self.idle_s[index] + step_s
            };
            let running = self.idle_s[index] < RUNNING_HOLD_S[index];
            let draws = &mut self.streams.stoppages[index];
            self.stoppages[index].step(running, may_stop[index], step_s, draws);
        }
    }

    fn sis_inputs(&self) -> SisInputs {
        SisInputs {
            level_m: self.filler.bowl.level_m(),
            winding_c: self.motors[M2].winding_c(),
            valve: self.is_on(id::XV20),
            contactor: self.is_on(id::K22),
        }
    }

    fn filler_command(&self) -> FillerCommand {
        let first = usize::from(id::NOZ01);
        FillerCommand {
            close_exit: self.is_on(id::GATE1),
            close_entry: self.is_on(id::GATE2),
            dive: self.is_on(id::DIVE),
            nozzles: core::array::from_fn(|index| self.command[first + index] != 0.0),
            inlet: self.command[usize::from(id::V20)] / 100.0,
            shut_off: self.sis.valve.position(),
        }
    }

    fn step_filler(&mut self, step_s: f64) {
        let command = self.filler_command();
        let able = self.is_able(Machine::Filler);
        let events = self.filler.step_mechanics(&command, able, step_s);
        let belt = &mut self.belts[M2];
        belt.set_closed(EXIT_GATE_MARK, self.filler.exit_gate.position() > 0.5);
        belt.set_closed(ENTRY_GATE_MARK, self.filler.entry_gate.position() > 0.5);
        if events != FillerEvents::default() {
            self.handle_filler_events(events);
        }
        self.filler.step_liquid(
            &self.config,
            &command,
            &mut self.belts[M2],
            &mut self.streams.nozzles,
            step_s,
        );
    }

    fn handle_filler_events(&mut self, events: FillerEvents) {
        if events.bar_down && self.filler.engage(&self.config, &self.belts[M2]) {
            let repair_s = self.config.filler.bent_nozzle_repair_s;
            self.stoppages[Machine::Filler.index()].break_down(repair_s);
        }
        for (closed, stop_m) in [events.exit_closed, events.entry_closed]
            .iter()
            .zip(GATE_STOPS_M)
        {
            if !closed {
                continue;
            }
            let Some((index, error_m)) = Filler::pinch(&self.config, stop_m, &self.belts[M2])
            else {
                continue;
            };
            let free_m = self.config.filler.pinch_free_m;
            let severity = (error_m - free_m) / (NOZZLE_PITCH_M / 2.0 - free_m);
            if self.streams.gates.uniform() < severity * self.config.filler.pinch_chance {
                if !self.belts[M2].bottles()[index].fallen {
                    self.belts[M2].lay(index);
                    self.production.fallen += 1;
                }
                self.belts[M2].wedge();
                self.filler.invalidate_targets();
            }
        }
    }

    fn step_motors(&mut self, step_s: f64) {
        let owners = [
            Machine::Infeed,
            Machine::Filler,
            Machine::Discharge,
            Machine::Packer,
        ];
        for (index, owner) in owners.into_iter().enumerate() {
            let mut command = self.drives[index];
            // The machine's own stop circuit takes the run signal away; a bypass contactor defies it.
            command.run = command.run && self.is_able(owner);
            command.isolated = index == M2 && !self.sis.contactor.is_running();
            let jammed = index < 3 && self.belts[index].is_wedged();
            self.motors[index].step(&command, jammed, step_s);
        }
    }

    fn step_accounts(&mut self, step_s: f64) {
        let film_l = 1000.0 * self.filler.film_m3;
        self.hazards = Hazards {
            person_at_motion: self.person_in_zone && self.palletiser.is_moving(),
            slippery_floor: film_l > self.config.filler.slip_film_l,
            hot_motor: self.motors.iter().any(Motor::is_over_temperature),
        };
        let crushing = self.person_in_zone && self.palletiser.can_crush();
        let counted = &mut self.production;
        counted.crush_events += u64::from(crushing && !self.crushing);
        self.crushing = crushing;
        counted.tick(step_s);
        if self.belts.iter().any(Belt::is_wedged) {
            counted.jam_s += step_s;
        }
        let Hazards {
            person_at_motion,
            slippery_floor,
            hot_motor,
        } = self.hazards;
        counted.unsafe_zone_s += num::bit(person_at_motion) * step_s;
        counted.unsafe_slip_s += num::bit(slippery_floor) * step_s;
        counted.unsafe_motor_s += num::bit(hot_motor) * step_s;
        counted.unsafe_s += num::bit(person_at_motion || slippery_floor || hot_motor) * step_s;
    }

    fn step_transmitters(&mut self, step_s: f64) {
        let transmitters = &mut self.transmitters;
        transmitters.next_in_s -= step_s;
        if transmitters.next_in_s > 1e-9 {
            return;
        }
        let period_s = self.config.sensor_period_s;
        transmitters.next_in_s += period_s;
        let draws = &mut self.streams.sensors;
        transmitters
            .level
            .sample(self.filler.bowl.level_m(), period_s, draws);
        transmitters
            .inlet
            .sample(1000.0 * self.filler.inlet_m3_per_s, period_s, draws);
        for (index, motor) in self.motors.iter().enumerate() {
            transmitters.currents[index].sample(motor.current_a(), period_s, draws);
            transmitters.windings[index].sample(motor.winding_c(), period_s, draws);
        }
        self.sis.sample(&self.sis_inputs(), period_s);
    }

    /// Proves that no liquid and no bottle was made or lost.
    ///
    /// # Errors
    ///
    /// What does not add up, with both sides.
    pub fn conservation(&self) -> Result<(), String> {
        let held = self.palletiser.held();
        let on_belts = self.belts.iter().flat_map(Belt::bottles);
        let loose = on_belts
            .chain(self.table.bottles())
            .chain(self.packer.grid());
        let (mut bottles, mut caught_m3) = (0_u64, 0.0);
        for bottle in loose {
            bottles += 1;
            caught_m3 += bottle.volume_m3;
        }
        let counted = &self.production;
        let found =
            bottles + bottles_in(held) + counted.palletised + counted.rejected() + counted.scrapped;
        if found != counted.bottles_in {
            return Err(format!(
                "{found} bottles found, {} entered",
                counted.bottles_in
            ));
        }
        caught_m3 +=
            held.volume_m3 + self.gone.rejected_m3 + self.gone.scrapped_m3 + self.gone.shipped_m3;
        self.filler.conservation(caught_m3)
    }
}

impl Transmitters {
    fn new(filler: &Filler, motor: &Motor) -> Self {
        let sensor = |lag_s, noise_sd, quantum, value| {
            Sensor::new(
                SensorSpec {
                    lag_s,
                    noise_sd,
                    quantum,
                },
                value,
            )
        };
        Self {
            level: sensor(0.2, 0.001, 0.0001, filler.bowl.level_m()),
            inlet: sensor(0.2, 0.005, 0.001, 0.0),
            currents: core::array::from_fn(|_| sensor(0.1, 0.01, 0.01, 0.0)),
            windings: core::array::from_fn(|_| sensor(5.0, 0.0, 0.1, motor.winding_c())),
            next_in_s: 0.0,
        }
    }
}

/// Bottles in a load of cases.
fn bottles_in(load: Load) -> u64 {
    u64::from(load.cases) * CASE_BOTTLES as u64
}

/// A small count as a float.
fn small_f64(count: usize) -> f64 {
    crate::production::exact_f64(count as u64)
}
