//! What there is to see at one time.
//!
//! Values between two samples lie on the line between them where a quantity is continuous, and are the earlier one
//! where it is not. At the time of a sample they are that sample.

use std::collections::BTreeMap;

use bevy::math::Vec3;
use sim_plant::view::Aspect;
use twinrange_range::evidence::frames::{Destination, Protocol, Relation, SeenFrame};
use twinrange_range::evidence::process::ProcessTable;

use super::plan::{Plan, Signal, Truth};
use super::store::{Store, around};

/// Steps of time that the way of a frame takes: frames of one kind in one step are one pulse.
const WAY_STEPS: u64 = 24;

/// Samples for which truth and screen must differ before the difference is marked: a screen is always a poll behind.
const DIFFERS_FOR: usize = 3;

/// How far back the last valid value of a screen is looked for, samples.
const VALID_BACK: usize = 7_200;

/// What a screen shows of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Shown {
    /// No screen shows it.
    #[default]
    Nowhere,
    /// A value that the screen takes for valid.
    Valid(f64),
    /// The controller does not answer; the last value that was valid, if there was one.
    Invalid(Option<f64>),
}

/// A value at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Value {
    /// What it is.
    pub truth: f64,
    /// What the screen shows.
    pub shown: Shown,
    /// Whether the screen has been wrong for a few samples.
    pub parted: bool,
    /// How fast it grows, units per second; for running totals.
    pub rate: f64,
    /// For speeds and flows, the sum over time since the start, units times seconds: the way of a belt.
    pub travel: f64,
}

/// An item at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// Serial number.
    pub id: u32,
    /// Where its foot is.
    pub at: Vec3,
    /// Content as a share of a full one.
    pub fill: f32,
    /// Whether it is closed.
    pub closed: bool,
    /// Whether it lies.
    pub fallen: bool,
    /// Whether it has burst.
    pub broken: bool,
    /// Whether it is closed with less than the least content.
    pub short: bool,
    /// Whether it is being filled.
    pub filling: bool,
}

/// Whose a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Ordinary traffic.
    Benign,
    /// Part of an attack step, by its index.
    Attack(u16),
}

/// Frames of one kind at one place of their way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// Index of the host that they come from.
    pub from: usize,
    /// Index of the host that they go to; none for all hosts, or one that there is not.
    pub to: Option<usize>,
    /// How far they are, 0 at the source to 1 at the destination; the switch is in the middle.
    pub way: f32,
    /// How many they are.
    pub frames: u32,
    /// What they are for.
    pub protocol: Protocol,
    /// Whose they are.
    pub side: Side,
    /// Whether they were led astray by a forged address.
    pub diverted: bool,
    /// Whether the switch stops them: then they turn round in the middle.
    pub denied: bool,
}

/// What a controller does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The host is no controller, or nothing is known.
    #[default]
    None,
    /// It has no power.
    Off,
    /// It runs its program.
    Run,
    /// It stands still.
    Stopped,
}

/// What there is to see at one time.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Simulated time, ns.
    pub t_ns: u64,
    /// Values, as [`Plan::signals`] counts them.
    pub values: Vec<Value>,
    /// The items on the line.
    pub items: Vec<Item>,
    /// Modes, as [`Plan::hosts`] counts them.
    pub modes: Vec<Mode>,
    /// Frames under way.
    pub pulses: Vec<Pulse>,
}

impl Moment {
    /// Looks.
    ///
    /// # Arguments
    ///
    /// * `window_ns` — how long a frame is seen under way, in simulated time; 0 for none.
    #[must_use]
    pub fn at(plan: &Plan, store: &Store, t_ns: u64, window_ns: u64) -> Self {
        let values = plan.signals.iter().map(|signal| value(store, signal, t_ns));
        let modes = plan.hosts.iter().map(|host| match host.mode {
            Some(column) => mode(&store.memory, column, t_ns),
            None => Mode::None,
        });
        Self {
            t_ns,
            values: values.collect(),
            items: items(plan, store, t_ns),
            modes: modes.collect(),
            pulses: pulses(store, t_ns, window_ns),
        }
    }
}

fn is_continuous(aspect: Aspect) -> bool {
    !matches!(
        aspect,
        Aspect::Running | Aspect::Fault | Aspect::Danger | Aspect::Count
    )
}

fn value(store: &Store, signal: &Signal, t_ns: u64) -> Value {
    let (table, column) = match signal.truth {
        Truth::Column(column) => (&store.process, column),
        Truth::Memory(column) => (&store.memory, column),
    };
    let Some((at, next, share)) = around(t_ns, table.t_ns()) else {
        return Value::default();
    };
    let rows = table.values(column);
    let truth = if is_continuous(signal.aspect) {
        rows[at] + share * (rows[next] - rows[at])
    } else {
        rows[at]
    };
    let times = table.t_ns();
    let seconds = (times[next] - times[at]) as f64 / 1e9;
    Value {
        truth,
        shown: shown(&store.screens, signal, t_ns),
        parted: parted(rows, times, &store.screens, signal, at),
        rate: if seconds > 0.0 {
            (rows[next] - rows[at]) / seconds
        } else {
            0.0
        },
        travel: match signal.aspect {
            Aspect::Speed | Aspect::Flow => {
                store.travel(signal.truth, at) + rows[at] * share * seconds
            }
            _ => 0.0,
        },
    }
}

/// What the first screen that shows it shows.
fn shown(screens: &ProcessTable, signal: &Signal, t_ns: u64) -> Shown {
    let Some((&column, (at, _, _))) = signal.shown.first().zip(around(t_ns, screens.t_ns())) else {
        return Shown::Nowhere;
    };
    let rows = screens.values(column);
    if rows[at].is_nan() {
        let back = rows[at.saturating_sub(VALID_BACK)..at].iter().rev();
        Shown::Invalid(back.copied().find(|value| !value.is_nan()))
    } else {
        Shown::Valid(rows[at])
    }
}

/// Whether the screen has shown another value than the truth for the last few samples.
fn parted(rows: &[f64], times: &[u64], screens: &ProcessTable, signal: &Signal, at: usize) -> bool {
    let Some(&column) = signal.shown.first() else {
        return false;
    };
    let shown = screens.values(column);
    let differs = |row: usize| {
        let Some((beside, _, _)) = around(times[row], screens.t_ns()) else {
            return false;
        };
        let value = shown[beside];
        !value.is_nan() && signal.differs(rows[row], value)
    };
    at + 1 >= DIFFERS_FOR && (at + 1 - DIFFERS_FOR..=at).all(differs)
}

fn mode(memory: &ProcessTable, column: usize, t_ns: u64) -> Mode {
    let Some((at, _, _)) = around(t_ns, memory.t_ns()) else {
        return Mode::None;
    };
    let code = memory.values(column)[at];
    match code {
        _ if code.is_nan() => Mode::Off,
        _ if code == f64::from(sim_plant::Mode::Run.code()) => Mode::Run,
        _ => Mode::Stopped,
    }
}

fn items(plan: &Plan, store: &Store, t_ns: u64) -> Vec<Item> {
    let times = store.screens.t_ns();
    let Some((at, next, share)) = around(t_ns, times) else {
        return Vec::new();
    };
    let now = items_at(plan, store, times[at]);
    if next == at || share == 0.0 {
        return now;
    }
    let later: BTreeMap<u32, Item> = items_at(plan, store, times[next])
        .into_iter()
        .map(|item| (item.id, item))
        .collect();
    let share = share as f32;
    now.into_iter()
        .map(|item| match later.get(&item.id) {
            Some(then) => Item {
                at: item.at.lerp(then.at, share),
                fill: item.fill + share * (then.fill - item.fill),
                filling: then.fill > item.fill + 0.002,
                ..item
            },
            None => item,
        })
        .collect()
}

/// The items of one sample.
fn items_at(plan: &Plan, store: &Store, t_ns: u64) -> Vec<Item> {
    let mut found = Vec::new();
    let mut ranks: BTreeMap<u8, usize> = BTreeMap::new();
    let (full_ml, least_ml) = (plan.item.full_ml, plan.item.least_ml);
    store.items.between(t_ns, t_ns, |seen| {
        let item = &seen.item;
        let rank = ranks.entry(item.place).or_default();
        if let Some(at) = plan.item_place(item.place, item.at_m as f32, *rank) {
            found.push(Item {
                id: item.id,
                at,
                fill: (item.content_ml / full_ml) as f32,
                closed: item.closed,
                fallen: item.fallen,
                broken: item.broken,
                short: item.closed && item.content_ml < least_ml,
                filling: false,
            });
        }
        *rank += 1;
    });
    found
}

/// Frames that were received less than `window_ns` ago, joined where they are of one kind and close together.
fn pulses(store: &Store, t_ns: u64, window_ns: u64) -> Vec<Pulse> {
    type Kind = (u16, Option<u16>, Protocol, Side, bool, bool, u64);
    let mut joined: BTreeMap<Kind, u32> = BTreeMap::new();
    if window_ns == 0 {
        return Vec::new();
    }
    let from_ns = (t_ns + 1).saturating_sub(window_ns);
    let step_ns = (window_ns / WAY_STEPS).max(1);
    store.frames.between(from_ns, t_ns, |frame: &SeenFrame| {
        let to = match frame.kind.destination {
            Destination::Host(host) => Some(host),
            Destination::Broadcast | Destination::Unknown => None,
        };
        let side = frame.truth.step.map_or(Side::Benign, Side::Attack);
        let diverted = frame.truth.relation == Relation::Diverted;
        let kind = (
            frame.truth.source,
            to,
            frame.kind.protocol,
            side,
            diverted,
            frame.truth.denied,
            frame.t_ns / step_ns,
        );
        *joined.entry(kind).or_default() += 1;
    });
    joined
        .into_iter()
        .map(|(kind, frames)| {
            let (from, to, protocol, side, diverted, denied, step) = kind;
            // Frames of one step of time travel together, from its middle.
            let sent_ns = step * step_ns + step_ns / 2;
            let way = t_ns.saturating_sub(sent_ns) as f64 / window_ns as f64;
            Pulse {
                from: usize::from(from),
                to: to.map(usize::from),
                way: (way as f32).clamp(0.0, 1.0),
                frames,
                protocol,
                side,
                diverted,
                denied,
            }
        })
        .collect()
}
