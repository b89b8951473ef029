//! The attacker's program: plays a playbook on one host.
//!
//! The driver calls [`Engine::start`] once and [`Engine::on_pause`] whenever the world pauses for the
//! agent. Each call does everything that can be done now and asks to be woken for the rest. Several
//! steps may run at the same time; each has its own random stream, so that no step's draws move
//! another's.
//!
//! **Invariant:** the engine acts through its [`Foothold`] alone, and under the label of the step that
//! acts.

use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::{Foothold, Label};

use crate::action::{Context, Machine, Progress, Tally, Verdict};
use crate::arp::Neighbors;
use crate::playbook::{Outcome, Playbook, Step};
use crate::port::{FootholdPort, Links, Port};
use crate::record::StepRecord;
use crate::trigger::{Signal, StepFacts, Watch};
use crate::view::{PlantView, Targets};

/// How long a step may take to clean up after its time is over.
const CLEAN_UP_MAX: SimDuration = SimDuration::from_secs(10);

/// The least time between two wake-ups that the engine asks for.
const WAKE_MIN: SimDuration = SimDuration::from_micros(1);

/// Where a step is.
#[derive(Debug)]
enum State {
    Pending(Watch),
    Active(Box<Active>),
    Over(Verdict, SimTime),
    /// Left out: it does nothing, and passes for the other steps as it did in the run of this record.
    Absent(Box<StepRecord>),
}

/// A step that runs.
#[derive(Debug)]
struct Active {
    machine: Machine,
    until: Option<Watch>,
    deadline: SimTime,
    /// Set once the machine was asked to stop: the verdict to end with, if not its own, and when
    /// patience ends.
    stopping: Option<(Option<Verdict>, SimTime)>,
}

#[derive(Debug)]
struct Playing {
    state: State,
    tally: Tally,
    stream: Stream,
    action_at: Option<SimTime>,
}

/// A playbook being played.
#[derive(Debug)]
pub struct Engine {
    playbook: Playbook,
    view: PlantView,
    targets: Targets,
    links: Links,
    neighbors: Neighbors,
    steps: Vec<Playing>,
}

impl Engine {
    /// Prepares a playbook for a plant.
    ///
    /// # Arguments
    ///
    /// * `playbook` — one in which [`validate`](crate::validate()) finds nothing wrong.
    /// * `view` — what the attacker knows of the plant.
    /// * `seed` — the run's; each step draws from the stream `attack/<playbook>/<step>`.
    ///
    /// # Panics
    ///
    /// If the playbook is not valid for the plant.
    #[must_use]
    pub fn new(playbook: Playbook, view: PlantView, seed: u64) -> Self {
        let targets = Targets::resolve(&playbook, &view);
        let number_of = |id: &str| {
            let number = playbook.steps.iter().position(|step| step.id == id);
            number.expect("the playbook was validated: the step exists")
        };
        let playing = |step: &Step| Playing {
            state: State::Pending(Watch::new(&step.start, &number_of, &targets)),
            tally: Tally::default(),
            stream: Stream::new(seed, &format!("attack/{}/{}", playbook.name, step.id)),
            action_at: None,
        };
        let steps = playbook.steps.iter().map(playing).collect();
        Self {
            steps,
            targets,
            view,
            playbook,
            links: Links::default(),
            neighbors: Neighbors::default(),
        }
    }

    /// Leaves out a step: it sends nothing, and the steps that wait for it see it take hold and end when it did
    /// in the run that the record is from. What differs from that run is then the doing of the step alone.
    /// Call it before [`Engine::start`].
    ///
    /// # Arguments
    ///
    /// * `record` — the step as it went in a run of this playbook.
    ///
    /// # Panics
    ///
    /// If the playbook has no step of the record's number.
    pub fn leave_out(&mut self, record: &StepRecord) {
        self.steps[usize::from(record.step)].state = State::Absent(Box::new(record.clone()));
    }

    /// The playbook.
    #[must_use]
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// Begins. Call it once, before the world runs.
    pub fn start(&mut self, foothold: &mut Foothold<'_>) {
        self.on_pause(foothold);
    }

    /// Does everything that can be done now.
    pub fn on_pause(&mut self, foothold: &mut Foothold<'_>) {
        let received = foothold.take_received();
        let mut links = std::mem::take(&mut self.links);
        let mut port = FootholdPort {
            foothold,
            links: &mut links,
        };
        let wake = self.turn(&mut port, &received);
        self.links = links;
        if let Some(wake) = wake {
            foothold.wake_at(wake);
        }
    }

    /// One turn: learn, then let every step go on until none can. Returns when to be woken.
    pub(crate) fn turn(
        &mut self,
        port: &mut dyn Port,
        received: &[(SimTime, Vec<u8>)],
    ) -> Option<SimTime> {
        let own = port.mac();
        for (_, frame) in received {
            self.neighbors.learn(frame, own);
        }
        let mut wake;
        let mut fresh = received;
        // A step that ends can let others begin at the same instant, each of them at most once.
        let mut rounds = 0;
        loop {
            wake = None;
            let mut moved = false;
            for number in 0..self.steps.len() {
                let before = self.facts_of(number, port.now());
                let was_pending = matches!(self.steps[number].state, State::Pending(_));
                let due = self.advance(number, port, fresh);
                moved |= self.facts_of(number, port.now()) != before
                    || was_pending != matches!(self.steps[number].state, State::Pending(_));
                wake = match (wake, due) {
                    (Some(a), Some(b)) if b < a => Some(b),
                    (None, due) => due,
                    (wake, _) => wake,
                };
            }
            fresh = &[];
            rounds += 1;
            assert!(
                rounds <= 4 * self.steps.len() + 4,
                "steps begin, hold and end once each"
            );
            if !moved {
                break;
            }
        }
        let soonest = port.now() + WAKE_MIN;
        wake.map(|at| if at < soonest { soonest } else { at })
    }

    /// Lets one step go on. Returns when it wants to be woken.
    fn advance(
        &mut self,
        number: usize,
        port: &mut dyn Port,
        received: &[(SimTime, Vec<u8>)],
    ) -> Option<SimTime> {
        let facts: Vec<StepFacts> = (0..self.steps.len())
            .map(|n| self.facts_of(n, port.now()))
            .collect();
        let step = &self.playbook.steps[number];
        let playing = &mut self.steps[number];
        let now = port.now();
        let mut cx = Context {
            port,
            label: Label::step(u16::try_from(number).expect("validated: steps are few")),
            unit: self.playbook.unit,
            tally: &mut playing.tally,
            stream: &mut playing.stream,
            neighbors: &self.neighbors,
            view: &self.view,
            received,
        };
        match &mut playing.state {
            State::Over(..) => None,
            State::Absent(record) => {
                let moments = [record.took_hold_at, record.ended_at].into_iter().flatten();
                moments.filter(|&at| at > now).min()
            }
            State::Pending(watch) => match watch.check(&facts, &mut cx) {
                Signal::Waiting(at) => at,
                Signal::Impossible(reason) => {
                    watch.end(&mut cx);
                    let verdict = unreached(cx.tally, reason);
                    playing.state = State::Over(verdict, now);
                    None
                }
                Signal::Fired => {
                    watch.end(&mut cx);
                    let number_of = |id: &str| {
                        let number = self.playbook.steps.iter().position(|s| s.id == id);
                        number.expect("the playbook was validated: the step exists")
                    };
                    let until = step.until.as_ref();
                    let active = Active {
                        machine: Machine::begin(&step.action, &self.targets, &mut cx),
                        until: until.map(|until| Watch::new(until, &number_of, &self.targets)),
                        deadline: now.saturating_add(step.timeout),
                        stopping: None,
                    };
                    playing.action_at = Some(now);
                    playing.state = State::Active(Box::new(active));
                    Some(now)
                }
            },
            State::Active(active) => match go_on(active, &facts, &mut cx) {
                Progress::Waiting(at) => at,
                Progress::Ended(verdict) => {
                    playing.state = State::Over(verdict, now);
                    None
                }
            },
        }
    }

    fn facts_of(&self, number: usize, now: SimTime) -> StepFacts {
        let playing = &self.steps[number];
        let (took_hold_at, ended) = match &playing.state {
            State::Over(verdict, at) => (playing.tally.took_hold_at, Some((*at, verdict.outcome))),
            State::Pending(_) | State::Active(_) => (playing.tally.took_hold_at, None),
            State::Absent(record) => {
                let past = |at: &SimTime| *at <= now;
                let ended = record.ended_at.filter(past);
                (
                    record.took_hold_at.filter(past),
                    ended.map(|at| (at, record.outcome)),
                )
            }
        };
        StepFacts {
            took_hold_at,
            ended,
        }
    }

    /// What became of the steps, if the run ended now. One per step, in the playbook's order.
    ///
    /// A step that is still under way ends as its action judges itself at this moment, or as timed
    /// out; one that is still waiting was not reached.
    #[must_use]
    pub fn records(&self, now: SimTime) -> Vec<StepRecord> {
        let numbered = self.playbook.steps.iter().zip(&self.steps).enumerate();
        numbered
            .map(|(number, (step, playing))| {
                let (verdict, ended_at) = conclude(playing, now);
                let tally = &playing.tally;
                let hosts = tally
                    .hosts
                    .iter()
                    .map(|&ip| self.view.name_of(ip))
                    .collect();
                let mut evidence = tally.evidence.clone();
                if tally.evidence_cut {
                    evidence.push("(more left out)".to_owned());
                }
                let began = match (tally.first_sent_at, playing.action_at) {
                    (Some(sent), Some(began)) if sent < began => Some(sent),
                    (sent, None) => sent,
                    (_, began) => began,
                };
                StepRecord {
                    step: u16::try_from(number).expect("validated: steps are few"),
                    id: step.id.clone(),
                    title: step.title.clone(),
                    techniques: step.technique.ids().to_vec(),
                    action: step.action.name(),
                    plain: step.plain.clone(),
                    intended_effect: step.intended_effect.clone(),
                    started_at: began,
                    action_at: playing.action_at,
                    took_hold_at: tally.took_hold_at,
                    ended_at: began.and(Some(ended_at)),
                    outcome: verdict.outcome,
                    reason: verdict.reason,
                    hosts,
                    frames_sent: tally.frames,
                    requests_sent: tally.requests,
                    connections: tally.connections,
                    evidence,
                }
            })
            .collect()
    }
}

/// The end of a step whose action never began. If it has sent frames to read a process condition, there
/// was something to detect, and it counts as timed out.
fn unreached(tally: &Tally, reason: &str) -> Verdict {
    let outcome = match tally.first_sent_at {
        Some(_) => Outcome::TimedOut,
        None => Outcome::NotReached,
    };
    Verdict {
        outcome,
        reason: Some(reason.to_owned()),
    }
}

fn conclude(playing: &Playing, now: SimTime) -> (Verdict, SimTime) {
    match &playing.state {
        State::Over(verdict, at) => (verdict.clone(), *at),
        State::Pending(_) => {
            let reason = "the run ended before its trigger came";
            (unreached(&playing.tally, reason), now)
        }
        State::Absent(_) => (unreached(&playing.tally, "it was left out"), now),
        State::Active(active) => {
            let own = active.machine.verdict();
            let verdict = match own.outcome {
                Outcome::Succeeded => own,
                _ => Verdict::timed_out("the run ended while it was under way"),
            };
            (verdict, now)
        }
    }
}

/// Lets an active step go on: its action, its end trigger and its time limit.
fn go_on(active: &mut Active, facts: &[StepFacts], cx: &mut Context<'_>) -> Progress {
    let now = cx.now();
    let progress = active.machine.advance(cx);
    cx.received = &[];
    if let Some((verdict, patience)) = &active.stopping {
        return match progress {
            Progress::Ended(own) => Progress::Ended(verdict.clone().unwrap_or(own)),
            Progress::Waiting(_) if now >= *patience => {
                let own = active.machine.verdict();
                Progress::Ended(verdict.clone().unwrap_or(own))
            }
            Progress::Waiting(at) => Progress::Waiting(Some(earlier(at, *patience))),
        };
    }
    let Progress::Waiting(mut wake) = progress else {
        if let Some(until) = &mut active.until {
            until.end(cx);
        }
        return progress;
    };
    let mut stop = None;
    if let Some(until) = &mut active.until {
        match until.check(facts, cx) {
            Signal::Fired => stop = Some(None),
            Signal::Waiting(Some(at)) => wake = Some(earlier(wake, at)),
            Signal::Waiting(None) | Signal::Impossible(_) => {}
        }
    }
    if now >= active.deadline {
        stop = Some(Some(Verdict::timed_out("its time was over")));
    }
    let Some(verdict) = stop else {
        return Progress::Waiting(Some(earlier(wake, active.deadline)));
    };
    if let Some(until) = &mut active.until {
        until.end(cx);
    }
    let patience = now.saturating_add(CLEAN_UP_MAX);
    match active.machine.stop(cx) {
        Progress::Ended(own) => Progress::Ended(verdict.unwrap_or(own)),
        Progress::Waiting(at) => {
            active.stopping = Some((verdict, patience));
            Progress::Waiting(Some(earlier(at, patience)))
        }
    }
}

fn earlier(a: Option<SimTime>, b: SimTime) -> SimTime {
    match a {
        Some(a) if a < b => a,
        _ => b,
    }
}

#[cfg(test)]
mod tests;
