//! A network for tests without a plant: ARP, TCP handshakes and Modbus servers that answer at once.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_kernel::rng::Stream;
use sim_kernel::time::SimTime;
use sim_plant::{Label, PlantSpec};
use sim_wire::arp::Operation;
use sim_wire::modbus::{DeviceIdentity, DeviceProfile, Framed, Framer, MemoryBank, PORT, serve};
use sim_wire::tcp::{self, Flags};
use sim_wire::{FrameSummary, MacAddr};

use crate::action::scan::tcp_frame;
use crate::action::{Context, Machine, Progress, Tally, Verdict};
use crate::arp::{Neighbors, announce};
use crate::playbook::Action;
use crate::port::{ConnectionStatus, Link, Port};
use crate::view::{PlantView, Targets};

pub(crate) const OWN_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 66);
pub(crate) const OWN: MacAddr = mac(66);
pub(crate) const PLC_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);
pub(crate) const HMI_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 21);

pub(crate) const fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0x54, 0x57, 0x14, 1, last])
}

/// The plant behind the fake network: one controller, one HMI, the attacker's laptop.
pub(crate) fn plant() -> PlantSpec {
    let text = r#"Plant(
        schema: 1, name: "fake", title: "Fake", process: Bottling(()),
        networks: [(name: "cell", zone: "cell", switch: "sw", subnet: "10.20.1.0/24")],
        hosts: [
            (name: "plc-filler", role: Plc, network: "cell", ip: "10.20.1.11"),
            (name: "plc-conveyor", role: Plc, network: "cell", ip: "10.20.1.12"),
            (name: "hmi-1", role: Hmi, network: "cell", ip: "10.20.1.21"),
            (name: "vendor-laptop", role: Laptop, network: "cell", ip: "10.20.1.66"),
        ],
        controllers: [], tags: [],
    )"#;
    ron::from_str(text).expect("the fake plant is well-formed")
}

struct Connection {
    server: Ipv4Addr,
    status: ConnectionStatus,
    framer: Framer,
    answers: Vec<u8>,
}

/// The network, seen from the attacker's port.
pub(crate) struct Fake {
    pub(crate) now: SimTime,
    /// Whether the controller answers at all.
    pub(crate) plc_alive: bool,
    /// Most connections to the controller.
    pub(crate) places: usize,
    pub(crate) bank: MemoryBank,
    profile: DeviceProfile,
    connections: BTreeMap<Link, Connection>,
    /// Everything sent: when, and which frame.
    pub(crate) sent: Vec<(SimTime, Vec<u8>)>,
    /// What will be received next.
    pub(crate) inbox: Vec<(SimTime, Vec<u8>)>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let identity = DeviceIdentity::new("Maker", "PLC-1", "1.0").expect("short texts");
        Self {
            now: SimTime::from_secs(1),
            plc_alive: true,
            places: 4,
            bank: MemoryBank::new(64, 64, 64, 64),
            profile: DeviceProfile::new(1, identity),
            connections: BTreeMap::new(),
            sent: Vec::new(),
            inbox: Vec::new(),
        }
    }

    pub(crate) fn open_connections(&self) -> usize {
        let open = |c: &&Connection| c.status == ConnectionStatus::Open;
        self.connections.values().filter(open).count()
    }

    /// What hosts on the network do about a frame: answer ARP requests and SYN segments.
    fn react(&mut self, bytes: &[u8]) {
        let summary = FrameSummary::of(bytes).expect("the attacker sends whole frames");
        if let Some(arp) = summary.arp
            && arp.operation == Operation::Request
            && (arp.target_ip == HMI_IP || arp.target_ip == PLC_IP && self.plc_alive)
        {
            let host = (mac(arp.target_ip.octets()[3]), arp.target_ip);
            let answer = announce(host.0, (OWN, OWN_IP), host);
            self.inbox.push((self.now, answer));
        }
        if let (Some(ip), Some(tcp)) = (summary.ip, summary.tcp)
            && tcp.flags.is_connect()
        {
            let is_open = ip.dst == PLC_IP && tcp.dst_port == PORT;
            let answer = tcp::Repr {
                src_port: tcp.dst_port,
                dst_port: tcp.src_port,
                seq: 1,
                ack: tcp.seq.wrapping_add(1),
                flags: if is_open {
                    Flags::SYN | Flags::ACK
                } else {
                    Flags::RST | Flags::ACK
                },
                window: 1024,
                urgent: 0,
                options: tcp::Options::default(),
            };
            let frame = tcp_frame((summary.dst_mac, ip.dst), (OWN, ip.src), &answer);
            self.inbox.push((self.now, frame));
        }
    }
}

impl Port for Fake {
    fn now(&self) -> SimTime {
        self.now
    }

    fn mac(&self) -> MacAddr {
        OWN
    }

    fn ip(&self) -> (Ipv4Addr, u8) {
        (OWN_IP, 24)
    }

    fn send_frame(&mut self, bytes: Vec<u8>, _label: Label) {
        self.react(&bytes);
        self.sent.push((self.now, bytes));
    }

    fn connect(&mut self, ip: Ipv4Addr, port: u16, _label: Label) -> Option<Link> {
        let status = if ip == PLC_IP && port == PORT && self.plc_alive {
            if self.open_connections() < self.places {
                ConnectionStatus::Open
            } else {
                ConnectionStatus::Closed
            }
        } else if ip == HMI_IP {
            ConnectionStatus::Closed
        } else {
            ConnectionStatus::Opening
        };
        let link = Link(u64::try_from(self.connections.len()).expect("few"));
        let connection = Connection {
            server: ip,
            status,
            framer: Framer::new(),
            answers: Vec::new(),
        };
        self.connections.insert(link, connection);
        Some(link)
    }

    fn status(&self, link: Link) -> ConnectionStatus {
        self.connections[&link].status
    }

    fn send(&mut self, link: Link, bytes: &[u8], _label: Label) -> usize {
        let connection = self.connections.get_mut(&link).expect("it was opened");
        connection.framer.push(bytes);
        while let Some(Framed::Adu(adu)) = connection.framer.next_frame() {
            if self.plc_alive && connection.server == PLC_IP {
                serve(&adu, &mut self.bank, &self.profile, &mut connection.answers);
            }
        }
        bytes.len()
    }

    fn take_bytes(&mut self, link: Link) -> Vec<u8> {
        std::mem::take(
            &mut self
                .connections
                .get_mut(&link)
                .expect("it was opened")
                .answers,
        )
    }

    fn close(&mut self, link: Link) {
        self.abort(link);
    }

    fn abort(&mut self, link: Link) {
        self.connections
            .get_mut(&link)
            .expect("it was opened")
            .status = ConnectionStatus::Closed;
    }
}

/// One action played on the fake network.
pub(crate) struct Play {
    pub(crate) fake: Fake,
    pub(crate) tally: Tally,
    pub(crate) neighbors: Neighbors,
    machine: Option<Machine>,
    stream: Stream,
    view: PlantView,
    targets: Targets,
}

impl Play {
    /// # Arguments
    ///
    /// * `action` — RON text of the action; `plc` and `hmi` are its targets.
    pub(crate) fn new(fake: Fake, action: &str) -> (Self, Action) {
        let text = format!(
            "#![enable(unwrap_variant_newtypes, implicit_some)]
            Playbook(schema: 1, name: \"p\", title: \"t\", summary: \"s\", technique_version: \"19\",
            targets: {{\"plc\": Host(\"plc-filler\"), \"hmi\": Host(\"hmi-1\")}},
            steps: [(id: \"s\", title: \"t\", technique: \"T0836\", plain: \"p\", intended_effect: \"e\",
            start: At(\"1s\"), timeout: \"1h\", action: {action})])"
        );
        let playbook: crate::Playbook = ron::from_str(&text).expect("the action is well-formed");
        let view = PlantView::of(&plant(), "vendor-laptop");
        let play = Self {
            fake,
            tally: Tally::default(),
            neighbors: Neighbors::default(),
            machine: None,
            stream: Stream::new(1, "test"),
            targets: Targets::resolve(&playbook, &view),
            view,
        };
        (play, playbook.steps[0].action.clone())
    }

    /// Lets the action go on once, with everything received since.
    pub(crate) fn turn(&mut self, action: &Action, stop: bool) -> Progress {
        let received = std::mem::take(&mut self.fake.inbox);
        for (_, frame) in &received {
            self.neighbors.learn(frame, OWN);
        }
        let mut cx = Context {
            port: &mut self.fake,
            label: Label::step(0),
            unit: 1,
            tally: &mut self.tally,
            stream: &mut self.stream,
            neighbors: &self.neighbors,
            view: &self.view,
            received: &received,
        };
        let machine = self
            .machine
            .get_or_insert_with(|| Machine::begin(action, &self.targets, &mut cx));
        if stop {
            machine.stop(&mut cx)
        } else {
            machine.advance(&mut cx)
        }
    }

    /// Runs until `limit`, going from wake-up to wake-up. Returns the verdict if it has ended.
    pub(crate) fn run(&mut self, action: &Action, limit: SimTime) -> Option<Verdict> {
        for _ in 0..1_000_000 {
            match self.turn(action, false) {
                Progress::Ended(verdict) => return Some(verdict),
                Progress::Waiting(_) if !self.fake.inbox.is_empty() => {}
                Progress::Waiting(Some(at)) if at > limit => {
                    self.fake.now = limit;
                    return None;
                }
                Progress::Waiting(Some(at)) => {
                    assert!(at > self.fake.now, "it waits for {at} at {}", self.fake.now);
                    self.fake.now = at;
                }
                Progress::Waiting(None) => return None,
            }
        }
        panic!("the machine does not end");
    }
}

/// Plays an action to its end.
pub(crate) fn play(fake: Fake, action: &str) -> (Play, Verdict) {
    let (mut play, action) = Play::new(fake, action);
    let end = SimTime::from_secs(100_000);
    let verdict = play.run(&action, end).expect("the action ends by itself");
    (play, verdict)
}
