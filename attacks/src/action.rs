//! The techniques at work: one state machine per action, in a closed enum.
//!
//! A machine is told what has happened by [`Machine::advance`] and says what it waits for. It never
//! blocks; whatever it does goes through [`Context`], which carries the step's label and counts.
//!
//! **Invariant:** every machine ends by itself in bounded time, or when its step's time is over.

pub(crate) mod brute_force;
pub(crate) mod denial;
pub(crate) mod drift;
pub(crate) mod engineering;
#[cfg(test)]
pub(crate) mod fake;
pub(crate) mod identify;
pub(crate) mod middle;
pub(crate) mod scan;
pub(crate) mod session;
#[cfg(test)]
mod tests;
pub(crate) mod write;

use std::net::Ipv4Addr;

use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::Label;

use crate::arp::Neighbors;
use crate::playbook::{Action, Outcome};
use crate::port::{Link, Port};
use crate::view::{PlantView, Targets};

/// Most lines of evidence that one step keeps.
const EVIDENCE_MAX: usize = 64;

/// Converts a rate into the time between two events.
pub(crate) fn period_of(per_s: f64) -> SimDuration {
    let period = SimDuration::from_secs_f64(1.0 / per_s);
    if period.is_zero() {
        SimDuration::from_nanos(1)
    } else {
        period
    }
}

/// What a step has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Frames that the attacker's program built itself.
    pub(crate) frames: u64,
    /// Modbus requests.
    pub(crate) requests: u64,
    /// TCP connections begun.
    pub(crate) connections: u64,
    /// What shows how it went, oldest first.
    pub(crate) evidence: Vec<String>,
    /// Whether evidence was left out because there was too much.
    pub(crate) evidence_cut: bool,
    /// When the first frame of the step was sent.
    pub(crate) first_sent_at: Option<SimTime>,
    /// When the step took hold.
    pub(crate) took_hold_at: Option<SimTime>,
    /// The hosts it was about.
    pub(crate) hosts: Vec<Ipv4Addr>,
}

impl Tally {
    /// Adds a line of evidence, unless it is there already or there are too many.
    pub(crate) fn note(&mut self, line: String) {
        if self.evidence.contains(&line) {
            return;
        }
        if self.evidence.len() < EVIDENCE_MAX {
            self.evidence.push(line);
        } else {
            self.evidence_cut = true;
        }
    }

    pub(crate) fn touch(&mut self, host: Ipv4Addr) {
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
    }
}

/// Everything that a machine may use.
pub(crate) struct Context<'a> {
    pub(crate) port: &'a mut dyn Port,
    pub(crate) label: Label,
    pub(crate) unit: u8,
    pub(crate) tally: &'a mut Tally,
    pub(crate) stream: &'a mut Stream,
    pub(crate) neighbors: &'a Neighbors,
    pub(crate) view: &'a PlantView,
    /// Frames received since the machine was last told, oldest first.
    pub(crate) received: &'a [(SimTime, Vec<u8>)],
}

impl Context<'_> {
    pub(crate) fn now(&self) -> SimTime {
        self.port.now()
    }

    pub(crate) fn send_frame(&mut self, bytes: Vec<u8>) {
        self.sending();
        self.tally.frames += 1;
        self.port.send_frame(bytes, self.label);
    }

    pub(crate) fn connect(&mut self, ip: Ipv4Addr, port: u16) -> Option<Link> {
        self.sending();
        self.tally.connections += 1;
        self.port.connect(ip, port, self.label)
    }

    pub(crate) fn send(&mut self, link: Link, bytes: &[u8]) -> usize {
        self.port.send(link, bytes, self.label)
    }

    pub(crate) fn name_of(&self, ip: Ipv4Addr) -> String {
        self.view.name_of(ip)
    }

    pub(crate) fn took_hold(&mut self) {
        let now = self.now();
        self.tally.took_hold_at.get_or_insert(now);
    }

    fn sending(&mut self) {
        let now = self.now();
        self.tally.first_sent_at.get_or_insert(now);
    }
}

/// How a machine judges itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// Why, if it did not succeed.
    pub(crate) reason: Option<String>,
}

impl Verdict {
    pub(crate) fn succeeded() -> Self {
        Self {
            outcome: Outcome::Succeeded,
            reason: None,
        }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            reason: Some(reason.into()),
        }
    }

    pub(crate) fn timed_out(reason: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::TimedOut,
            reason: Some(reason.into()),
        }
    }
}

/// What a machine does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for this time, or for frames, whatever comes first.
    Waiting(Option<SimTime>),
    /// It is done.
    Ended(Verdict),
}

/// An action under way.
#[derive(Debug)]
pub(crate) enum Machine {
    Scan(Box<scan::Machine>),
    Identify(Box<identify::Machine>),
    Write(Box<write::Machine>),
    BruteForce(Box<brute_force::Machine>),
    Drift(Box<drift::Machine>),
    Middle(Box<middle::Machine>),
    Denial(Box<denial::Machine>),
    Engineering(Box<engineering::Machine>),
    Wait(SimTime),
}

impl Machine {
    /// Begins an action.
    pub(crate) fn begin(action: &Action, targets: &Targets, cx: &mut Context<'_>) -> Self {
        for alias in action.aliases() {
            for &host in targets.all(alias) {
                cx.tally.touch(host);
            }
        }
        match action {
            Action::Scan(scan) => Self::Scan(Box::new(scan::Machine::new(scan, cx))),
            Action::Identify(identify) => {
                Self::Identify(Box::new(identify::Machine::new(identify, targets, cx)))
            }
            Action::Write(write) => Self::Write(Box::new(write::Machine::new(write, targets, cx))),
            Action::BruteForceIo(brute) => {
                Self::BruteForce(Box::new(brute_force::Machine::new(brute, targets, cx)))
            }
            Action::Drift(drift) => Self::Drift(Box::new(drift::Machine::new(drift, targets, cx))),
            Action::AdversaryInTheMiddle(middle) => {
                Self::Middle(Box::new(middle::Machine::new(middle, targets, cx)))
            }
            Action::DenialOfService(denial) => {
                Self::Denial(Box::new(denial::Machine::new(denial, targets, cx)))
            }
            Action::Wait(duration) => Self::Wait(cx.now().saturating_add(*duration)),
            Action::UploadProgram(_)
            | Action::DownloadProgram(_)
            | Action::SetMode(_)
            | Action::Restart(_)
            | Action::Force(_)
            | Action::ChangeTask(_)
            | Action::Firmware(_) => {
                let machine = engineering::Machine::new(action, targets, cx);
                let machine = machine.expect("these are the actions of the engineering session");
                Self::Engineering(Box::new(machine))
            }
        }
    }

    /// Goes on as far as possible without waiting.
    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        match self {
            Self::Scan(machine) => machine.advance(cx),
            Self::Identify(machine) => machine.advance(cx),
            Self::Write(machine) => machine.advance(cx),
            Self::BruteForce(machine) => machine.advance(cx),
            Self::Drift(machine) => machine.advance(cx),
            Self::Middle(machine) => machine.advance(cx),
            Self::Denial(machine) => machine.advance(cx),
            Self::Engineering(machine) => machine.advance(cx),
            Self::Wait(until) if cx.now() >= *until => Progress::Ended(Verdict::succeeded()),
            Self::Wait(until) => Progress::Waiting(Some(*until)),
        }
    }

    /// Asks the machine to end. It may take a little longer, to leave the network as it was.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        match self {
            Self::Scan(machine) => machine.stop(cx),
            Self::Identify(machine) => machine.stop(cx),
            Self::Write(machine) => machine.stop(cx),
            Self::BruteForce(machine) => machine.stop(cx),
            Self::Drift(machine) => machine.stop(cx),
            Self::Middle(machine) => machine.stop(cx),
            Self::Denial(machine) => machine.stop(cx),
            Self::Engineering(machine) => machine.stop(cx),
            Self::Wait(_) => Progress::Ended(Verdict::succeeded()),
        }
    }

    /// How the machine would judge itself if it were ended now.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Scan(machine) => machine.verdict(),
            Self::Identify(machine) => machine.verdict(),
            Self::Write(machine) => machine.verdict(),
            Self::BruteForce(machine) => machine.verdict(),
            Self::Drift(machine) => machine.verdict(),
            Self::Middle(machine) => machine.verdict(),
            Self::Denial(machine) => machine.verdict(),
            Self::Engineering(machine) => machine.verdict(),
            Self::Wait(_) => Verdict::timed_out("it was still waiting"),
        }
    }
}
