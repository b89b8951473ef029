//! The reference controller: the sequence that the Structured Text programs have to run.
//!
//! It touches the line only through its points. Its three parts correspond to plc-filler,
//! plc-conveyor and plc-packaging; what they tell each other goes over the hard-wired relays.

use std::collections::VecDeque;
use std::sync::OnceLock;

use sim_process::bottling::BottlingLine;
use sim_process::point::PointId;

use super::{TestDraws, id};

/// A point by name, looked up once per place in the source.
macro_rules! at {
    ($name:literal) => {{
        static FOUND: OnceLock<PointId> = OnceLock::new();
        *FOUND.get_or_init(|| id($name))
    }};
}

type Line = BottlingLine<TestDraws>;

/// Parameters an operator or an attacker may change.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub fill_s: f64,
    pub level_m: f64,
    pub torque_n_m: f64,
    pub ramp_s: f64,
    pub reject_mm: f64,
    pub index_in_s: f64,
    pub index_out_s: f64,
    /// Fill by flowmeter to this volume instead of by time, mL.
    pub flow_ml: Option<f64>,
    pub level_probe: bool,
    pub weigh: bool,
    pub level_camera: bool,
    pub check_torque: bool,
    /// "Never stop": the photoeye and gates are ignored.
    pub never_stop: bool,
    /// M3 and the capper go on though the table is full.
    pub ignore_full: bool,
    /// The packer does nothing.
    pub packer_off: bool,
    /// V20 is forced to this opening, %.
    pub force_inlet: Option<f64>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            fill_s: 6.01,
            level_m: 0.30,
            torque_n_m: 1.8,
            ramp_s: 0.5,
            reject_mm: 900.0,
            index_in_s: 2.60,
            index_out_s: 2.40,
            flow_ml: None,
            level_probe: true,
            weigh: true,
            level_camera: true,
            check_torque: true,
            never_stop: false,
            ignore_full: false,
            packer_off: false,
            force_inlet: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Filler {
    IndexIn,
    Dive,
    Fill,
    Raise,
    IndexOut,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ram {
    Load,
    Out,
    Back,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pallet {
    Rows,
    RowOut,
    RowBack,
    Lower,
    Settle,
    Open,
    Raise,
    Close,
    ChangeOut,
    ChangeIn,
}

#[derive(Clone)]
pub struct Controller {
    pub recipe: Recipe,
    pub filler: Filler,
    filler_s: f64,
    count_start: f64,
    was_faulted: bool,
    /// How long the eye that ends the present index has shown what it should.
    eye_s: f64,
    backup_s: f64,
    integral: f64,
    infeed_full_s: f64,
    inspected: f64,
    marks: VecDeque<f64>,
    fire_s: f64,
    table_full: bool,
    ram: Ram,
    pallet: Pallet,
    pallet_s: f64,
    started: bool,
    /// Set to press the safety reset once.
    pub reset_safety: bool,
    pub shots: u64,
}

impl Controller {
    pub fn new() -> Self {
        Self {
            recipe: Recipe::default(),
            filler: Filler::IndexIn,
            filler_s: 0.0,
            count_start: 0.0,
            was_faulted: false,
            eye_s: 0.0,
            backup_s: 0.0,
            integral: 0.0,
            infeed_full_s: 0.0,
            inspected: 0.0,
            marks: VecDeque::new(),
            fire_s: 0.0,
            table_full: false,
            ram: Ram::Load,
            pallet: Pallet::Rows,
            pallet_s: 0.0,
            started: false,
            reset_safety: true,
            shots: 0,
        }
    }

    fn get(&self, line: &Line, point: PointId) -> f64 {
        line.sense(point)
    }

    fn on(&self, line: &Line, point: PointId) -> bool {
        self.get(line, point) != 0.0
    }

    fn set(&self, line: &mut Line, point: PointId, value: f64) {
        line.drive(point, value);
    }

    fn put(&self, line: &mut Line, point: PointId, on: bool) {
        self.set(line, point, f64::from(u8::from(on)));
    }

    /// One scan of all three controllers.
    pub fn scan(&mut self, line: &mut Line, scan_s: f64) {
        self.scan_filler(line, scan_s);
        self.scan_level(line, scan_s);
        self.scan_infeed(line, scan_s);
        self.scan_discharge(line, scan_s);
        self.scan_reject(line, scan_s);
        self.scan_packer(line);
        self.scan_palletiser(line, scan_s);
        self.started = true;
    }

    fn go(&mut self, line: &Line, state: Filler) {
        self.filler = state;
        self.filler_s = 0.0;
        self.eye_s = 0.0;
        self.count_start = self.get(line, at!("CT11"));
    }

    fn counted(&self, line: &Line, counter: PointId) -> f64 {
        let difference = self.get(line, counter) - self.count_start;
        if difference < 0.0 {
            difference + 65_536.0
        } else {
            difference
        }
    }

    fn scan_filler(&mut self, line: &mut Line, scan_s: f64) {
        let faulted = self.on(line, at!("FIL_FLT"));
        let holds_row = matches!(self.filler, Filler::Dive | Filler::Fill | Filler::Raise);
        if self.was_faulted && !faulted && holds_row && !self.on(line, at!("PE10")) {
            // Clearing a jam has emptied the filler: take a new row.
            self.go(line, Filler::IndexIn);
        }
        self.was_faulted = faulted;
        let blocked = self.on(line, at!("PE12")) && !self.recipe.never_stop;
        self.backup_s = if blocked { self.backup_s + scan_s } else { 0.0 };
        if self.on(line, at!("FIL_RDY")) {
            self.run_filler(line, scan_s);
        } else {
            self.put(line, at!("M2_RUN"), false);
            self.nozzles(line, false);
            // A bottle that a stop left in front of the eye is not yet a full row: the belt runs up first.
            self.eye_s = -0.6;
        }
        self.set(line, at!("M2_RAMP"), self.recipe.ramp_s);
    }

    fn run_filler(&mut self, line: &mut Line, scan_s: f64) {
        let discharge_ready = self.on(line, at!("KI02")) && self.backup_s <= 1.0;
        let t = self.filler_s;
        match self.filler {
            Filler::IndexIn => {
                self.gates(line, !self.recipe.never_stop, false);
                self.put(line, at!("DIVE"), false);
                self.put(line, at!("M2_RUN"), true);
                let full = self.on(line, at!("PE10"));
                self.eye_s = if full { self.eye_s + scan_s } else { 0.0 };
                let settled = after(self.eye_s, 0.2) || self.recipe.never_stop;
                // Behind a queue that reaches back to the gate the row would stand off centre.
                let clear = discharge_ready || self.recipe.never_stop;
                if after(t, self.recipe.index_in_s) && settled && clear {
                    self.go(line, Filler::Dive);
                    return self.run_filler(line, scan_s);
                }
            }
            Filler::Dive => {
                self.gates(line, !self.recipe.never_stop, !self.recipe.never_stop);
                self.put(line, at!("M2_RUN"), self.recipe.never_stop);
                self.put(line, at!("DIVE"), !self.recipe.never_stop);
                if after(t, 0.5) {
                    self.go(line, Filler::Fill);
                    return self.run_filler(line, scan_s);
                }
            }
            Filler::Fill => {
                if after(t, self.recipe.fill_s) && self.recipe.flow_ml.is_none() {
                    self.go(line, Filler::Raise);
                    return self.run_filler(line, scan_s);
                }
                if !self.fill(line) && t > 1.0 {
                    self.go(line, Filler::Raise);
                    return self.run_filler(line, scan_s);
                }
            }
            Filler::Raise => {
                self.nozzles(line, false);
                self.put(line, at!("DIVE"), false);
                let may_go =
                    self.recipe.never_stop || (self.on(line, at!("DIVE_UP")) && discharge_ready);
                if after(t, 0.5) && may_go {
                    self.go(line, Filler::IndexOut);
                    return self.run_filler(line, scan_s);
                }
            }
            Filler::IndexOut => {
                self.put(line, at!("DIVE"), false);
                self.gates(line, false, true);
                self.put(line, at!("M2_RUN"), true);
                let clear = !self.on(line, at!("PE11")) && discharge_ready && self.backup_s == 0.0;
                self.eye_s = if clear { self.eye_s + scan_s } else { 0.0 };
                let gone = self.counted(line, at!("CT11")) >= 12.0 || after(self.eye_s, 1.5);
                if after(t, self.recipe.index_out_s) && (gone || self.recipe.never_stop) {
                    self.go(line, Filler::IndexIn);
                    return self.run_filler(line, scan_s);
                }
            }
        }
        self.filler_s += scan_s;
    }

    /// Opens the nozzles that are not finished; false when all are.
    fn fill(&mut self, line: &mut Line) -> bool {
        let mut any = false;
        for nozzle in 0..12 {
            let probe = self.recipe.level_probe && self.on(line, offset(at!("LP01"), nozzle));
            let metered = self.recipe.flow_ml.is_some_and(|goal_ml| {
                let meter = offset(at!("FT21"), nozzle);
                self.filler_s > 0.05 && self.get(line, meter) >= goal_ml - FLOW_LEAD_ML
            });
            let valve = offset(at!("NOZ01"), nozzle);
            let was = self.on(line, valve) || self.filler_s == 0.0;
            let open = was && !probe && !metered;
            self.put(line, valve, open);
            any |= open;
        }
        any
    }

    fn nozzles(&self, line: &mut Line, open: bool) {
        for nozzle in 0..12 {
            self.put(line, offset(at!("NOZ01"), nozzle), open);
        }
    }

    fn gates(&self, line: &mut Line, close_exit: bool, close_entry: bool) {
        self.put(line, at!("GATE1"), close_exit);
        self.put(line, at!("GATE2"), close_entry);
    }

    fn scan_level(&mut self, line: &mut Line, scan_s: f64) {
        const GAIN_PERCENT_PER_M: f64 = 400.0;
        const RESET_S: f64 = 60.0;
        let error_m = self.recipe.level_m - self.get(line, at!("LT20"));
        let output = 33.0 + GAIN_PERCENT_PER_M * error_m + self.integral;
        if (0.0..=100.0).contains(&output) || (output > 100.0) != (error_m > 0.0) {
            self.integral += GAIN_PERCENT_PER_M * error_m * scan_s / RESET_S;
        }
        let output = if self.on(line, at!("LSH20")) {
            0.0
        } else {
            output
        };
        self.set(line, at!("V20"), self.recipe.force_inlet.unwrap_or(output));
    }

    fn scan_infeed(&mut self, line: &mut Line, scan_s: f64) {
        let full = self.on(line, at!("PE01"));
        self.infeed_full_s = if full {
            self.infeed_full_s + scan_s
        } else {
            0.0
        };
        self.set(line, at!("M1_HZ"), 60.0);
        self.put(line, at!("M1_RUN"), true);
        self.put(line, at!("SCREW"), self.infeed_full_s <= 1.0);
    }

    fn scan_discharge(&mut self, line: &mut Line, _scan_s: f64) {
        let hold = self.on(line, at!("KI03")) && !self.recipe.ignore_full;
        self.put(line, at!("M3_RUN"), !hold);
        self.set(line, at!("M3_RAMP"), self.recipe.ramp_s);
        self.set(line, at!("CAP_TQ"), self.recipe.torque_n_m);
        self.put(line, at!("CAP_RUN"), !hold);
        let capper = self.on(line, at!("CAP_RDY"));
        self.put(
            line,
            at!("KQ02"),
            !hold && capper && self.on(line, at!("DIS_RDY")),
        );
    }

    fn scan_reject(&mut self, line: &mut Line, scan_s: f64) {
        let inspected = self.get(line, at!("CT40"));
        if self.started && inspected != self.inspected {
            let level_ml = self.get(line, at!("QI40"));
            let weight_g = self.get(line, at!("WT42"));
            let torque_n_m = self.get(line, at!("TT40"));
            let bad_level = self.recipe.level_camera && !(485.0..=525.0).contains(&level_ml);
            let bad_cap = !self.on(line, at!("QI41")) || self.on(line, at!("QI42"));
            let bad_torque = self.recipe.check_torque && !(1.0..=2.6).contains(&torque_n_m);
            let bad_weight = self.recipe.weigh && !(483.0..=530.0).contains(&weight_g);
            if bad_level || bad_cap || bad_torque || bad_weight {
                let mark = self.get(line, at!("EN40")) + self.recipe.reject_mm;
                self.marks.push_back(mark);
            }
        }
        self.inspected = inspected;
        self.fire_s -= scan_s;
        if let Some(&mark) = self.marks.front() {
            let passed = (self.get(line, at!("ENC50")) - mark).rem_euclid(65_536.0);
            if passed < 32_768.0 {
                self.marks.pop_front();
                self.fire_s = 0.06;
                self.shots += 1;
            }
        }
        self.put(line, at!("SOL50"), self.fire_s > 1e-9);
    }

    fn scan_packer(&mut self, line: &mut Line) {
        self.set(line, at!("M4_HZ"), 60.0);
        self.put(line, at!("M4_RUN"), true);
        self.table_full =
            self.on(line, at!("PE62")) || (self.table_full && self.on(line, at!("PE61")));
        self.put(line, at!("KQ03"), self.table_full);
        self.ram = match self.ram {
            Ram::Load if self.get(line, at!("CNT12")) >= 12.0 && !self.on(line, at!("PE79")) => {
                Ram::Out
            }
            Ram::Out if self.on(line, at!("PK_OUT")) => Ram::Back,
            Ram::Back if self.on(line, at!("PK_HOME")) => Ram::Load,
            state => state,
        };
        let run = !self.recipe.packer_off;
        self.put(line, at!("PK_GATE"), run && self.ram == Ram::Load);
        self.put(line, at!("SV71"), run && self.ram == Ram::Out);
    }

    fn scan_palletiser(&mut self, line: &mut Line, scan_s: f64) {
        // Power-up needs one reset; every later one is for a person who has looked.
        let reset = self.reset_safety && !self.on(line, at!("SAF_OK"));
        self.put(line, at!("SAF_RST"), reset);
        self.reset_safety = false;
        let home = self.on(line, at!("ROW_HOME"));
        let next = match self.pallet {
            Pallet::Rows if self.get(line, at!("CT82")) >= 16.0 && self.on(line, at!("PE85")) => {
                Pallet::Lower
            }
            Pallet::Rows if self.get(line, at!("LT86")) > 1.3 => Pallet::ChangeOut,
            Pallet::Rows
                if self.on(line, at!("PE80")) && home && self.get(line, at!("CT82")) < 16.0 =>
            {
                Pallet::RowOut
            }
            Pallet::RowOut if self.on(line, at!("ROW_OUT")) => Pallet::RowBack,
            Pallet::RowBack if home => Pallet::Rows,
            Pallet::Lower if self.get(line, at!("ENC81")) <= self.get(line, at!("LT86")) + 0.05 => {
                Pallet::Settle
            }
            Pallet::Settle if self.pallet_s > 0.3 => Pallet::Open,
            Pallet::Open if self.on(line, at!("PLATE_OP")) => Pallet::Raise,
            Pallet::Raise if self.on(line, at!("LS_TOP")) => Pallet::Close,
            Pallet::Close if self.on(line, at!("PLATE_CL")) => Pallet::Rows,
            Pallet::ChangeOut if !self.on(line, at!("PE85")) => Pallet::ChangeIn,
            Pallet::ChangeIn if self.on(line, at!("PE85")) => Pallet::Rows,
            state => state,
        };
        self.pallet_s = if next == self.pallet {
            self.pallet_s + scan_s
        } else {
            0.0
        };
        self.pallet = next;
        self.put(line, at!("ROW"), self.pallet == Pallet::RowOut);
        self.put(line, at!("HST_DN"), self.pallet == Pallet::Lower);
        self.put(line, at!("HST_UP"), self.pallet == Pallet::Raise);
        let open = matches!(self.pallet, Pallet::Open | Pallet::Raise);
        self.put(line, at!("PLATE"), open);
        let change = matches!(self.pallet, Pallet::ChangeOut | Pallet::ChangeIn);
        self.put(line, at!("PCV"), change);
    }
}

/// What still falls after a nozzle is told to close in flow mode: valve lag, one scan, drip, mL.
const FLOW_LEAD_ML: f64 = 8.5;

/// The `nozzle`-th (from 0) of twelve points in a row.
fn offset(first: PointId, nozzle: u16) -> PointId {
    PointId(first.0 + nozzle)
}

/// Whether a state that began at 0 has lasted `limit_s`, whatever the rounding of the sum of scans.
fn after(t: f64, limit_s: f64) -> bool {
    t >= limit_s - 1e-6
}
