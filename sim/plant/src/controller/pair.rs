//! A pair of controllers: the primary runs the program, the standby goes on where the primary ended.
//!
//! Both hold the same program and are wired to the same cards. At the end of each scan the primary sends a
//! heartbeat over a link of their own, and every few scans with it the whole image: the machine's memory,
//! the tables, the forces. The standby takes it over and runs nothing. When it hears nothing for long
//! enough, it becomes primary and goes on from the last image.
//!
//! **Invariant:** at most one of the two drives outputs. The cards are the arbiter: as long as they belong
//! to a primary that is alive, silence means that the link is broken, and the standby does not take over.
//!
//! **Invariant:** a standby goes on only when it was ready: with the same program, and with an image from
//! before the silence. Without, it takes over by a cold start, and only if it has heard of no primary since
//! it was started itself.
//!
//! A mode that a client has asked for is a mode of the pair: the standby follows it and does not run what
//! somebody has stopped.

use sim_kernel::digest::Hasher;
use sim_kernel::time::{SimDuration, SimTime};
use sim_st::Image;
use sim_wire::modbus::engineering::{Mode, Restart};

use super::Controller;
use super::forces::ForceTable;
use super::runtime::{Change, Runtime};

/// Fixed properties of a controller's place in a pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairConfig {
    /// Index of the other controller.
    pub(crate) peer: usize,
    /// Whether it is the standby when the plant is switched on.
    pub(crate) begins_as_standby: bool,
    pub(crate) sync_every_scans: u16,
    /// Time from the end of a scan until the other one has the image.
    pub(crate) link: SimDuration,
    pub(crate) takeover_after: SimDuration,
    /// How long outputs stay as they are when nobody drives them.
    pub(crate) hold: SimDuration,
}

/// Why a standby could not go on in the primary's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Unready {
    /// It hears the primary, but has no image yet.
    NoImage = 1,
    /// It holds another program than the primary.
    Program = 2,
    /// It hears nothing although the primary drives the outputs.
    Link = 3,
    /// It hears nothing, and it was not ready before.
    Silence = 4,
    /// It has stopped by itself, is being loaded, or somebody works at it.
    Itself = 5,
}

impl Unready {
    fn text(self) -> &'static str {
        match self {
            Self::NoImage => "no image of the primary yet",
            Self::Program => "the primary runs another program",
            Self::Link => "nothing heard of the primary, which drives the outputs",
            Self::Silence => "nothing heard of the primary, and no image of it",
            Self::Itself => "it does not run itself",
        }
    }
}

/// A controller's part in a pair.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) config: PairConfig,
    /// Whether it is the standby now.
    is_standby: bool,
    /// Whether it could take over, and why not.
    state: Result<(), Unready>,
    /// When it last heard the other one, or has begun to listen.
    heard_at: SimTime,
    /// Whether it has heard of a primary since it was started.
    has_heard: bool,
    /// Whether the image that it holds is the primary's.
    has_image: bool,
    /// Whether the primary runs another program.
    other_program: bool,
    /// Whether its end of the link is plugged in.
    link_up: bool,
    scans_to_sync: u16,
}

/// What the primary sends at the end of a scan.
#[derive(Debug)]
pub(crate) struct Beat {
    program: [u8; 32],
    mode: Mode,
    image: Option<Synced>,
}

/// Everything that later scans depend on.
#[derive(Debug)]
struct Synced {
    memory: Vec<u64>,
    image: Image,
    forces: ForceTable,
    scan: SimDuration,
}

/// What a standby that watches decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// To go on watching.
    Wait,
    /// To go on from the last image.
    TakeOver,
    /// To start anew: there is no primary, and it has no image of one.
    StartCold,
}

impl Pair {
    pub(crate) fn new(config: PairConfig) -> Self {
        Self {
            is_standby: config.begins_as_standby,
            config,
            state: Err(Unready::NoImage),
            heard_at: SimTime::default(),
            has_heard: false,
            has_image: false,
            other_program: false,
            link_up: true,
            scans_to_sync: 0,
        }
    }

    /// Forgets what was heard, as a start does.
    pub(crate) fn begin(&mut self, now: SimTime) {
        *self = Self {
            is_standby: self.is_standby,
            link_up: self.link_up,
            scans_to_sync: self.scans_to_sync,
            heard_at: now,
            ..Self::new(self.config)
        };
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_bool(self.is_standby);
        put.put_u8(self.state.map_or_else(|why| why as u8, |()| 0));
        put.put_u64(self.heard_at.as_nanos());
        for flag in [
            self.has_heard,
            self.has_image,
            self.other_program,
            self.link_up,
        ] {
            put.put_bool(flag);
        }
        put.put_u16(self.scans_to_sync);
    }
}

impl Runtime {
    /// Whether it is the standby of a pair.
    pub(crate) fn is_standby(&self) -> bool {
        self.pair.as_ref().is_some_and(|pair| pair.is_standby)
    }

    fn loads_firmware(&self) -> bool {
        let firmware = |change: &Change| matches!(change, Change::Firmware(_));
        self.pending.as_ref().is_some_and(|p| firmware(&p.change))
    }
}

impl Controller {
    /// Whether it is the standby of a pair.
    pub(crate) fn is_standby(&self) -> bool {
        self.runtime.is_standby()
    }

    /// Index of the other controller of the pair.
    pub(crate) fn peer(&self) -> Option<usize> {
        self.runtime.pair.as_ref().map(|pair| pair.config.peer)
    }

    /// Plugs its end of the link in or out.
    pub(crate) fn set_link(&mut self, up: bool) {
        if let Some(pair) = &mut self.runtime.pair {
            pair.link_up = up;
        }
    }

    /// Whether it is a primary that works: it has the cards, and the other one hears it.
    pub(crate) fn leads(&self) -> bool {
        let runtime = &self.runtime;
        runtime.pair.is_some()
            && self.powered
            && !runtime.is_standby()
            && !(runtime.tripped || runtime.in_service || runtime.loads_firmware())
    }

    /// What it sends after a scan, if it is a primary: to whom, when it will have arrived, and what.
    pub(crate) fn beat(&mut self, now: SimTime) -> Option<(usize, SimTime, Box<Beat>)> {
        if !self.leads() {
            return None;
        }
        let runtime = &mut self.runtime;
        let pair = runtime.pair.as_mut().filter(|pair| pair.link_up)?;
        let sends_image = pair.scans_to_sync == 0;
        let next = pair.scans_to_sync.checked_sub(1);
        pair.scans_to_sync = next.unwrap_or(pair.config.sync_every_scans - 1);
        let pair = pair.config;
        let ends = runtime.outputs_ready_at.filter(|&ready| ready > now);
        let arrives = ends.unwrap_or(now) + pair.link;
        let image = sends_image.then(|| Synced {
            memory: runtime.machine.state().to_vec(),
            image: runtime.image.clone(),
            forces: runtime.forces.clone(),
            scan: runtime.scan,
        });
        let beat = Beat {
            program: runtime.program().digest(),
            mode: runtime.mode,
            image,
        };
        Some((pair.peer, arrives, Box::new(beat)))
    }

    /// Takes in what the primary has sent.
    pub(crate) fn hear(&mut self, now: SimTime, beat: Beat) {
        let is_off = !self.powered;
        let runtime = &mut self.runtime;
        let own_program = runtime.program().digest();
        let Some(pair) = runtime
            .pair
            .as_mut()
            .filter(|p| p.is_standby && p.link_up && !is_off)
        else {
            return;
        };
        pair.heard_at = now;
        pair.has_heard = true;
        pair.other_program = beat.program != own_program;
        if pair.other_program {
            pair.has_image = false;
            return;
        }
        if runtime.tripped || runtime.in_service || runtime.pending.is_some() {
            return;
        }
        runtime.mode = beat.mode;
        if let Some(synced) = beat.image
            && runtime.machine.restore_state(&synced.memory)
        {
            runtime.image = synced.image;
            runtime.forces = synced.forces;
            runtime.scan = synced.scan;
            pair.has_image = true;
        }
    }

    /// Looks, as a standby, whether it is needed. Says so when it has become ready or is no longer.
    ///
    /// # Arguments
    ///
    /// * `primary_leads` — what the cards tell: they belong to a primary that is alive.
    pub(crate) fn watch(&mut self, now: SimTime, primary_leads: bool) -> Watch {
        if !self.powered {
            return Watch::Wait;
        }
        let runtime = &mut self.runtime;
        let is_out = runtime.tripped || runtime.in_service || runtime.pending.is_some();
        let Some(pair) = runtime.pair.as_mut().filter(|pair| pair.is_standby) else {
            return Watch::Wait;
        };
        let silent_for = now.saturating_since(pair.heard_at);
        let is_silent = silent_for >= pair.config.takeover_after;
        let was_ready = pair.state.is_ok();
        if is_silent && !primary_leads && !is_out {
            // Of two that start at the same time, the one that began as standby waits longer.
            let waits = 1 + u64::from(pair.config.begins_as_standby);
            let patience = SimDuration::from_nanos(pair.config.takeover_after.as_nanos() * waits);
            if was_ready {
                return Watch::TakeOver;
            }
            if !pair.has_heard && silent_for >= patience {
                return Watch::StartCold;
            }
        }
        let state = if is_out {
            Err(Unready::Itself)
        } else if is_silent && primary_leads {
            Err(Unready::Link)
        } else if is_silent && pair.has_heard {
            Err(Unready::Silence)
        } else if pair.other_program {
            Err(Unready::Program)
        } else if pair.has_image {
            Ok(())
        } else {
            Err(Unready::NoImage)
        };
        if is_silent {
            pair.has_image = false; // It gets older from here on.
        }
        let before = std::mem::replace(&mut pair.state, state);
        if before != state {
            let (kind, severity, text) = match state {
                Ok(()) => ("STANDBY-READY", 6, "standby ready".to_owned()),
                Err(why) => {
                    let text = format!("standby not ready: {}", why.text());
                    ("STANDBY-NOT-READY", 4, text)
                }
            };
            runtime.notice(kind, severity, text);
        }
        Watch::Wait
    }

    /// Becomes primary.
    pub(crate) fn take_over(&mut self, now: SimTime, how: Watch, from: &str) {
        let Some(pair) = self.runtime.pair.as_mut() else {
            return;
        };
        let silent_for = now.saturating_since(pair.heard_at);
        pair.is_standby = false;
        pair.scans_to_sync = 0;
        let silent_ms = silent_for.as_nanos() / 1_000_000;
        let text = if how == Watch::StartCold {
            self.runtime.restart(now, Restart::Cold, &self.config);
            format!("took over from {from}, which nobody has heard since the start: cold start")
        } else {
            format!(
                "took over from {from} after {silent_ms} ms of silence, mode {}",
                self.runtime.mode
            )
        };
        self.runtime.notice("TAKEOVER", 2, text);
    }

    /// Is primary no longer, because the other one is.
    pub(crate) fn cede(&mut self, now: SimTime) {
        self.runtime.outputs_ready_at = None;
        if let Some(pair) = self.runtime.pair.as_mut() {
            pair.is_standby = true;
            pair.begin(now);
            // It must hear the new primary before it may ever take over again.
            pair.has_heard = true;
        }
        self.session.reset();
    }
}
