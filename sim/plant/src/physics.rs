//! The physics behind a plant, as controllers and people meet it.
//!
//! One variant per kind of plant: a closed set, so that every use of the physics can be found.

use sim_kernel::digest::Hasher;
use sim_kernel::rng::Stream;
use sim_process::Draws;
use sim_process::bottling::{self, BottlingLine, Column, Machine, MotorName, PersonAct};
use sim_process::instrumented::Demands;
use sim_process::item::ItemView;
use sim_process::point::{Point, PointId};
use sim_process::production::Production;

use crate::controller::Terminals;
use crate::spec::ProcessSpec;

/// A random stream in the form that the physics wants it.
#[derive(Clone, Debug)]
pub(crate) struct ProcessStream(Stream);

impl Draws for ProcessStream {
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }

    fn gaussian(&mut self) -> f64 {
        self.0.gaussian()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        self.0.exponential(mean)
    }

    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        self.0.lognormal(median, sigma)
    }
}

/// Something that a person does by hand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// At a machine.
    Person(PersonAct),
    /// At a controller, by index.
    Controller(ControllerAct, usize),
}

/// Something that a person does at a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControllerAct {
    /// Switches it off and on again.
    Restart,
    /// Switches it off.
    PowerOff,
    /// Switches it on.
    PowerOn,
    /// Pulls the plug of its link to the other controller of the pair.
    UnplugSync,
    /// Puts it in again.
    PlugSync,
}

impl ControllerAct {
    /// What they are called in a plant file.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("Restart", Self::Restart),
        ("PowerOff", Self::PowerOff),
        ("PowerOn", Self::PowerOn),
        ("UnplugSync", Self::UnplugSync),
        ("PlugSync", Self::PlugSync),
    ];

    /// Whether only a controller of a pair has what it is about.
    pub(crate) fn needs_pair(self) -> bool {
        matches!(self, Self::UnplugSync | Self::PlugSync)
    }
}

/// Reads what a person does at a machine: `MopSpill`, `Clear(Filler)`, `ResetOverload(M3)`.
///
/// # Errors
///
/// What is wrong with the text, and what may stand there.
pub(crate) fn parse_person_act(text: &str) -> Result<PersonAct, String> {
    let (verb, object) = match text.split_once('(') {
        Some((verb, rest)) => (verb, rest.strip_suffix(')').unwrap_or(rest)),
        None => (text, ""),
    };
    let machine = || {
        Machine::ALL
            .into_iter()
            .find(|machine| format!("{machine:?}") == object)
            .ok_or_else(|| format!("`{object}` is no machine; there are {:?}", Machine::ALL))
    };
    let motor = || match object {
        "M1" => Ok(MotorName::M1),
        "M2" => Ok(MotorName::M2),
        "M3" => Ok(MotorName::M3),
        "M4" => Ok(MotorName::M4),
        _ => Err(format!("`{object}` is no motor; there are M1 to M4")),
    };
    match verb {
        "Clear" => Ok(PersonAct::Clear(machine()?)),
        "RefillCaps" => Ok(PersonAct::RefillCaps),
        "ResetOverload" => Ok(PersonAct::ResetOverload(motor()?)),
        "ReplaceMotor" => Ok(PersonAct::ReplaceMotor(motor()?)),
        "MopSpill" => Ok(PersonAct::MopSpill),
        "CloseSupply" => Ok(PersonAct::CloseSupply),
        "OpenSupply" => Ok(PersonAct::OpenSupply),
        "EnableBypass" => Ok(PersonAct::EnableBypass),
        "LockBypass" => Ok(PersonAct::LockBypass),
        "MendSafety" => Ok(PersonAct::MendSafety),
        "EnterZone" => Ok(PersonAct::EnterZone),
        "LeaveZone" => Ok(PersonAct::LeaveZone),
        "PressEmergencyStop" => Ok(PersonAct::PressEmergencyStop),
        "ReleaseEmergencyStop" => Ok(PersonAct::ReleaseEmergencyStop),
        _ => Err(format!(
            "`{verb}` is nothing that a person does here; there are Clear, RefillCaps, ResetOverload, \
             ReplaceMotor, MopSpill, CloseSupply, OpenSupply, EnableBypass, LockBypass, MendSafety, \
             EnterZone, LeaveZone, PressEmergencyStop, ReleaseEmergencyStop, Restart, PowerOff, PowerOn, \
             UnplugSync, PlugSync"
        )),
    }
}

/// The points that a kind of physics offers, in the order of their ids.
pub(crate) fn points(spec: &ProcessSpec) -> &'static [Point] {
    match spec {
        ProcessSpec::Bottling(_) => bottling::points(),
        ProcessSpec::Nothing => &[],
    }
}

/// What a kind of physics records as truth.
#[must_use]
pub fn truth_columns(spec: &ProcessSpec) -> &'static [Column] {
    match spec {
        ProcessSpec::Bottling(_) => bottling::truth_columns(),
        ProcessSpec::Nothing => &[],
    }
}

/// Where items can be in a kind of physics; [`ItemView::place`] counts in this order.
#[must_use]
pub fn places(spec: &ProcessSpec) -> &'static [&'static str] {
    match spec {
        ProcessSpec::Bottling(_) => &bottling::PLACES,
        ProcessSpec::Nothing => &[],
    }
}

/// The physics of a plant.
pub(crate) enum Physics {
    /// The bottling line.
    Bottling(Box<BottlingLine<ProcessStream>>),
    /// No physics, and nothing that could be produced.
    Nothing(Box<Production>),
}

impl Physics {
    /// Builds the physics in its initial state.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, in words that name the field.
    pub(crate) fn new(spec: &ProcessSpec, seed: u64) -> Result<Self, String> {
        match spec {
            ProcessSpec::Bottling(config) => {
                let stream =
                    |name: &str| ProcessStream(Stream::new(seed, &format!("process/{name}")));
                let line = BottlingLine::new(config, stream).map_err(|error| error.to_string())?;
                Ok(Self::Bottling(Box::new(line)))
            }
            ProcessSpec::Nothing => Ok(Self::Nothing(Box::default())),
        }
    }

    pub(crate) fn step(&mut self, step_s: f64) {
        if let Self::Bottling(line) = self {
            line.step(step_s);
        }
    }

    pub(crate) fn truth(&self, values: &mut Vec<f64>) {
        if let Self::Bottling(line) = self {
            line.truth(values);
        }
    }

    pub(crate) fn see_items(&self, see: &mut impl FnMut(ItemView)) {
        if let Self::Bottling(line) = self {
            line.see_items(see);
        }
    }

    pub(crate) fn production(&self) -> &Production {
        match self {
            Self::Bottling(line) => line.production(),
            Self::Nothing(production) => production,
        }
    }

    /// What each safety function was asked and did, by its name.
    pub(crate) fn safety_functions(&self) -> Vec<(&'static str, Demands)> {
        match self {
            Self::Bottling(line) => {
                let functions = line.safety_functions();
                functions.map(|(name, found)| (name, *found)).to_vec()
            }
            Self::Nothing(_) => Vec::new(),
        }
    }

    pub(crate) fn conservation(&self) -> Result<(), String> {
        match self {
            Self::Bottling(line) => line.conservation().map_err(|error| error.to_string()),
            Self::Nothing(_) => Ok(()),
        }
    }

    /// The time that an act takes at least, s.
    pub(crate) fn least_work_s(&self, act: &Act) -> f64 {
        match (self, act) {
            (Self::Bottling(line), Act::Person(PersonAct::Clear(machine))) => {
                line.repair_s(*machine).unwrap_or(0.0)
            }
            _ => 0.0,
        }
    }

    pub(crate) fn person(&mut self, act: PersonAct) {
        if let Self::Bottling(line) = self {
            line.person(act);
        }
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        if let Self::Bottling(line) = self {
            line.digest(&mut |bytes: &[u8]| put.put_bytes(bytes));
        }
    }
}

impl Terminals for Physics {
    fn sense(&mut self, point: PointId) -> f64 {
        match self {
            Self::Bottling(line) => line.sense(point),
            Self::Nothing(_) => 0.0,
        }
    }

    fn drive(&mut self, point: PointId, value: f64) {
        if let Self::Bottling(line) = self {
            line.drive(point, value);
        }
    }
}
