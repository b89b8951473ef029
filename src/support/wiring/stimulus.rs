//! The stimulus: what a stranger does on the plant's network, and a cable that is pulled.
//!
//! It is a session of the plant itself, without an attack, in which something harmless happens that every kind of
//! sensor can see. A stranger, at an address that is in no inventory, connects to each controller in turn, reads a
//! register that nobody uses and writes back the value that it has, asks who the controller is, opens an engineering
//! session and gives it back, asks for a function that there is not, and knocks at a port that is closed. Later the
//! historian's cable is pulled for a while, so that values are missing.
//!
//! **Invariant:** the process does not notice: its physical truth is that of the same session without the stimulus.

use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicBool, Ordering};

use sim_kernel::input::Origin;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{Action, ActionArgs, HostTarget, Input, OutsideFrame, ResponseTimes};
use sim_plant::{Tag, devices};
use sim_wire::modbus::engineering::Command;
use sim_wire::modbus::identity::Access;
use sim_wire::modbus::{Adu, Framed, Framer, PORT, Request, Table};
use twinrange_bridge::Wants;
use twinrange_bridge::live::Probe;
use twinrange_range::run_folder::RunFolder;
use twinrange_range::session::Setting;

use super::Scene;
use crate::support::execution::Order;
use crate::support::failure::Failure;
use crate::support::recording::Recording;

/// Least time before the stimulus, so that stations have connected and the plant runs.
const LEAD: SimDuration = SimDuration::from_secs(60);
/// From the end of the clean period to the stranger's first frame.
const PAUSE: SimDuration = SimDuration::from_secs(5);
/// Time for the stranger's visits.
const VISITS: SimDuration = SimDuration::from_secs(30);
/// How long the historian is off: longer than a tool may take for a short outage.
const UNPLUGGED: SimDuration = SimDuration::from_secs(150);
/// What is watched after all of it.
const TAIL: SimDuration = SimDuration::from_secs(30);
/// Simulated time between two looks at the stranger's stack.
const SLICE: SimDuration = SimDuration::from_millis(1);
/// Longest wait for a controller's answer.
const PATIENCE: SimDuration = SimDuration::from_secs(2);
/// A function that the Modbus specification has for serial lines alone: Diagnostics, Return Query Data.
const DIAGNOSTICS: [u8; 5] = [8, 0, 0, 0x5a, 0xa5];
/// The last holding register: `%MW1023`.
const LAST_REGISTER: u16 = 2 * sim_plant::TABLE_LIMIT - 1;

/// Simulated length of a session with the stimulus.
///
/// # Arguments
///
/// * `clean` — the clean period that the defense is told of.
/// * `response` — what it takes until a cable is pulled.
pub(super) fn length(clean: SimDuration, response: &ResponseTimes) -> SimDuration {
    let until_effect = response.until_effect(&pulled(""));
    clean.max(LEAD) + PAUSE + VISITS + until_effect + UNPLUGGED + TAIL
}

/// Somebody pulls the cable of a host for a while.
fn pulled(host: &str) -> Action {
    Action::Contain {
        target: HostTarget {
            host: host.to_owned(),
        },
        args: ActionArgs {
            duration_s: UNPLUGGED.as_secs(),
        },
    }
}

/// When the stranger comes.
pub(super) fn begins(clean: SimDuration) -> SimTime {
    SimTime::default() + clean.max(LEAD) + PAUSE
}

/// A session with the stimulus, as it went.
pub(super) struct Played {
    pub(super) folder: RunFolder,
    /// What a lock-step defense asked for; `None` where there is none.
    pub(super) wants: Option<Wants>,
    /// Why the defense did not come to the end.
    pub(super) failure: Option<Failure>,
}

/// Plays the stimulus with the defense of an order, into its folder.
pub(super) fn play(order: &Order<'_>, scene: &Scene) -> Result<Played, Failure> {
    let setting = Setting {
        outside: Some(&scene.outside),
        ..Setting::default()
    };
    let recording = Recording::begin(order, &setting)?;
    let interval = recording.interval();
    let (mac, ip) = scene.stranger;
    let mut player = Player {
        from: recording.session.now(),
        recording,
        interval,
        probe: Probe::new(mac, ip, scene.outside.prefix_len),
        transaction: 0,
        interrupt: order.interrupt,
    };
    let begins = begins(order.ready.loaded.scenario.clean_until);
    player.pass(begins)?;
    let world = player.recording.session.world();
    for server in servers(order, scene, world.tags()) {
        player.visit(&server)?;
    }
    player.pass(begins + VISITS)?;
    for historian in &scene.historians {
        player.unplug(historian);
    }
    let end = player.recording.session.end();
    player.pass(end)?;
    let mut recording = player.recording;
    let wants = recording.wants();
    recording.last_word()?;
    recording.stop()?;
    let (folder, failure) = recording.finish(|| Ok(Vec::new()))?;
    Ok(Played {
        folder,
        wants,
        failure,
    })
}

/// A controller that the stranger visits.
struct Server {
    address: SocketAddrV4,
    unit: u8,
    /// A holding register that no tag names.
    spare: u16,
}

/// The controllers of the network, by name.
fn servers(order: &Order<'_>, scene: &Scene, tags: &[Tag]) -> Vec<Server> {
    let plant = &order.ready.prepared.plant;
    let mut servers = Vec::new();
    for (name, controller) in devices(plant) {
        let host = plant.hosts.iter().find(|host| host.name == name);
        let host = host.expect("a loaded plant was checked");
        if host.network != scene.outside.network {
            continue;
        }
        let is_used = |register: u16| {
            tags.iter().any(|tag| {
                tag.controller_name == name
                    && tag.span.table == Table::HoldingRegisters
                    && tag.span.addresses().contains(&u32::from(register))
            })
        };
        let spare = (0..=LAST_REGISTER).rev().find(|&at| !is_used(at));
        servers.push(Server {
            address: SocketAddrV4::new(host.ip, PORT),
            unit: controller.unit,
            spare: spare.unwrap_or(LAST_REGISTER),
        });
    }
    servers
}

/// A session under way, and the stranger in it.
struct Player<'a> {
    recording: Recording<'a>,
    /// When the interval began that is under way.
    from: SimTime,
    interval: SimDuration,
    probe: Probe,
    transaction: u16,
    interrupt: &'a AtomicBool,
}

impl Player<'_> {
    fn now(&self) -> SimTime {
        self.recording.session.now()
    }

    fn now_us(&self) -> u64 {
        self.now().as_nanos() / 1_000
    }

    /// Lets time pass, in which the stranger's stack only acknowledges.
    fn pass(&mut self, until: SimTime) -> Result<(), Failure> {
        while self.now() < until && self.recording.goes_on() {
            self.advance(until)?;
        }
        Ok(())
    }

    /// Goes on to the end of the interval, or to `until` if that comes first.
    fn advance(&mut self, until: SimTime) -> Result<(), Failure> {
        let next = self.from + self.interval;
        self.recording.advance(until.min(next));
        self.exchange_frames()?;
        let now = self.now();
        if now >= next || self.recording.session.is_over() {
            self.recording.interval_ended(self.from)?;
            self.from = now;
        }
        if self.interrupt.load(Ordering::SeqCst) {
            return Err(Failure::Interrupted);
        }
        Ok(())
    }

    fn exchange_frames(&mut self) -> Result<(), Failure> {
        let now_us = self.now_us();
        let session = &mut self.recording.session;
        for (_, frame) in std::mem::take(&mut session.observations().outside) {
            self.probe.receive(frame);
        }
        for frame in self.probe.poll(now_us) {
            if session.is_over() {
                break;
            }
            let handed_in = session.hand_in(Origin::Outside, Input::Frame(OutsideFrame(frame)));
            handed_in.expect("the stack sends proper frames into a port that is there");
        }
        Ok(())
    }

    /// Goes on in small steps until the connection says something or has ended; gives what it said.
    fn listen(&mut self, framer: &mut Framer) -> Result<Option<Vec<u8>>, Failure> {
        let until = self.now() + PATIENCE;
        while self.now() < until && self.recording.goes_on() {
            let step = self.now() + SLICE;
            self.advance(step)?;
            let said = self.probe.take();
            framer.push(&said);
            if let Some(Framed::Adu(adu)) = framer.next_frame() {
                return Ok(Some(adu.pdu().to_vec()));
            }
            if self.probe.is_over() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Asks a controller something. `None` where it does not answer.
    fn ask(&mut self, unit: u8, pdu: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.transaction += 1;
        let adu = Adu::new(self.transaction, unit, pdu).expect("the PDU is short");
        let mut bytes = Vec::new();
        adu.emit(&mut bytes);
        self.probe.send(bytes, self.now_us());
        self.listen(&mut Framer::new())
    }

    fn request(&mut self, unit: u8, request: &Request<'_>) -> Result<Option<Vec<u8>>, Failure> {
        let mut pdu = Vec::new();
        request.emit(&mut pdu);
        self.ask(unit, &pdu)
    }

    /// Everything that the stranger does with one controller.
    fn visit(&mut self, server: &Server) -> Result<(), Failure> {
        let Server {
            address,
            unit,
            spare,
        } = *server;
        self.probe.connect(address, self.now_us());
        let read = Request::ReadHoldingRegisters {
            address: spare,
            quantity: 1,
        };
        if let Some([3, 2, high, low]) = self.request(unit, &read)?.as_deref() {
            // What is there already, so that nothing changes.
            let value = u16::from_be_bytes([*high, *low]);
            let write = Request::WriteSingleRegister {
                address: spare,
                value,
            };
            self.request(unit, &write)?;
        }
        let identify = Request::ReadDeviceIdentification {
            access: Access::Basic,
            object: 0,
        };
        self.request(unit, &identify)?;
        self.ask(unit, &DIAGNOSTICS)?;
        let mut message = Vec::new();
        Command::Connect { name: "stranger" }.emit(0, &mut message);
        let opened = self.request(unit, &Request::Engineering(&message))?;
        // Function, session, operation: the session is given back at once.
        if let Some([_, session @ 1..=u8::MAX, ..]) = opened.as_deref() {
            message.clear();
            Command::Release.emit(*session, &mut message);
            self.request(unit, &Request::Engineering(&message))?;
        }
        self.probe.finish(self.now_us());
        self.listen(&mut Framer::new())?;
        let closed = SocketAddrV4::new(*address.ip(), PORT + 1);
        self.probe.connect(closed, self.now_us());
        self.listen(&mut Framer::new())?;
        self.probe.give_up(self.now_us());
        Ok(())
    }

    /// Has the cable of a host pulled.
    fn unplug(&mut self, host: &str) {
        let action = pulled(host);
        let session = &mut self.recording.session;
        if !session.is_over() {
            let handed_in = session.hand_in(Origin::Instructor, Input::Action(action));
            handed_in.expect("the plant names its own hosts");
        }
    }
}
