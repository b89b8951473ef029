//! The same Modbus exchanges twice: through the simulated network, and between bare `smoltcp` interfaces.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::time::SimTime;
use sim_plant::observe::Keep;
use sim_plant::spec::{
    ControllerSpec, HostSpec, NetworkSpec, PlantSpec, ProcessSpec, Role, StationSpec, TagKind,
    TagSpec,
};
use sim_plant::{World, WorldOptions};
use sim_wire::modbus::{DeviceIdentity, DeviceProfile, Framed, Framer, MemoryBank, Request, serve};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

/// Controllers that are polled.
pub(crate) const CONTROLLERS: u8 = 10;
/// Time between two polls of one controller, ms.
pub(crate) const POLL_MS: u32 = 100;

fn host(name: &str, role: Role, last: u8) -> HostSpec {
    HostSpec {
        name: name.to_owned(),
        role,
        network: "cell".to_owned(),
        ip: Ipv4Addr::new(10, 20, 1, last),
        mac: None,
        vendor: String::new(),
        model: String::new(),
        firmware: String::new(),
        hop_limit: 64,
        window_bytes: 1024,
    }
}

fn plant() -> PlantSpec {
    let name = |n: u8| format!("plc-{n:02}");
    let controller = |n: u8| ControllerSpec {
        host: name(n),
        program: "empty.st".to_owned(),
        scan_ms: 10_000,
        watchdog_ms: 100,
        max_connections: 4,
        service_us: 10,
        unit: 1,
        engineering: Default::default(),
        standby: None,
        safety: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
    };
    let tag = |n: u8, word: u8| TagSpec {
        name: format!("T{n:02}{word}"),
        controller: name(n),
        address: format!("%MW{word}"),
        kind: TagKind::Uint,
        scale: 1.0,
        offset: 0.0,
        unit: String::new(),
        description: String::new(),
        writable: false,
    };
    let mut hosts: Vec<HostSpec> = (0..CONTROLLERS)
        .map(|n| host(&name(n), Role::Plc, 100 + n))
        .collect();
    hosts.push(host("hmi", Role::Hmi, 10));
    PlantSpec {
        schema: 1,
        name: "bench".to_owned(),
        title: "ten idle controllers".to_owned(),
        process: ProcessSpec::Nothing,
        process_step_ms: 100,
        networks: vec![NetworkSpec {
            name: "cell".to_owned(),
            zone: "cell".to_owned(),
            switch: "sw".to_owned(),
            subnet: "10.20.1.0/24".to_owned(),
            span: Some("cell".to_owned()),
            latency_us: 10,
            bandwidth_mbps: 100,
        }],
        hosts,
        controllers: (0..CONTROLLERS).map(controller).collect(),
        tags: (0..CONTROLLERS)
            .flat_map(|n| (0..10).map(move |word| (n, word)))
            .map(|(n, w)| tag(n, w))
            .collect(),
        alarms: Vec::new(),
        hmis: vec![StationSpec {
            host: "hmi".to_owned(),
            poll_ms: POLL_MS,
            tags: None,
            timeout_ms: 1000,
        }],
        historians: Vec::new(),
        workstations: Vec::new(),
        operators: Vec::new(),
        report: sim_plant::spec::ReportSpec::default(),
        view: sim_plant::view::ViewSpec::default(),
    }
}

/// A world whose connections stand, and the time that it is at.
pub(crate) fn world(keep: Keep) -> (World, SimTime) {
    let source = "PROGRAM empty\nVAR\n  x : BOOL;\nEND_VAR\nx := NOT x;\nEND_PROGRAM\n";
    let program = sim_st::compile(source, "empty.st").expect("the program is right");
    let programs = BTreeMap::from([("empty.st".to_owned(), Arc::new(program))]);
    let options = WorldOptions {
        keep,
        ..WorldOptions::default()
    };
    let mut world = World::new(&plant(), &programs, &options).expect("the plant is right");
    let start = SimTime::from_secs(15);
    world.run_until(start);
    world.observations().clear();
    (world, start)
}

#[derive(Default)]
struct Loop {
    received: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

struct Rx<'a>(Vec<u8>, &'a mut Vec<Vec<u8>>);
struct Tx<'a>(&'a mut Vec<Vec<u8>>, Vec<u8>);

impl RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let result = f(&self.0);
        self.1.push(self.0);
        result
    }
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, len: usize, f: F) -> R {
        self.1.clear();
        self.1.resize(len, 0);
        let result = f(&mut self.1);
        self.0.push(self.1);
        result
    }
}

impl Device for Loop {
    type RxToken<'a> = Rx<'a>;
    type TxToken<'a> = Tx<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Rx<'_>, Tx<'_>)> {
        let bytes = self.received.pop()?;
        let spare = self.spare.pop().unwrap_or_default();
        Some((Rx(bytes, &mut self.spare), Tx(&mut self.sent, spare)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Tx<'_>> {
        let spare = self.spare.pop().unwrap_or_default();
        Some(Tx(&mut self.sent, spare))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

struct End {
    interface: Interface,
    device: Loop,
    set: SocketSet<'static>,
    handle: SocketHandle,
}

impl End {
    fn new(last: u8) -> Self {
        let mut device = Loop::default();
        let mac = EthernetAddress([2, 0, 0, 0, 0, last]);
        let mut config = Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = u64::from(last);
        let mut interface = Interface::new(config, &mut device, Instant::from_micros(0));
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(IpAddress::v4(10, 0, 0, last), 24))
                .expect("room for one address");
        });
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; 1024]),
            SocketBuffer::new(vec![0; 1024]),
        );
        socket.set_nagle_enabled(false);
        let mut set = SocketSet::new(Vec::new());
        let handle = set.add(socket);
        Self {
            interface,
            device,
            set,
            handle,
        }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }

    fn poll(&mut self, at: Instant) {
        self.interface.poll(at, &mut self.device, &mut self.set);
    }
}

/// A client and a server, frames handed over at once.
pub(crate) struct Pair {
    client: End,
    server: End,
    bank: MemoryBank,
    profile: DeviceProfile,
    framers: [Framer; 2],
    /// Frames handed over so far.
    pub(crate) frames: u64,
}

impl Pair {
    pub(crate) fn new(n: u8) -> Self {
        let identity = DeviceIdentity::new("a", "b", "c").expect("short texts");
        let mut pair = Self {
            client: End::new(1),
            server: End::new(100 + n),
            bank: MemoryBank::new(0, 0, 0, 2048),
            profile: DeviceProfile::new(1, identity),
            framers: [Framer::new(), Framer::new()],
            frames: 0,
        };
        pair.server
            .socket()
            .listen(502)
            .expect("a new socket listens");
        let handle = pair.client.handle;
        let remote = (IpAddress::v4(10, 0, 0, 100 + n), 502);
        let socket = pair.client.set.get_mut::<Socket<'static>>(handle);
        socket
            .connect(pair.client.interface.context(), remote, 49_152)
            .expect("a new socket connects");
        for ms in 0..3_000 {
            pair.settle(Instant::from_millis(ms));
        }
        assert!(pair.client.socket().may_send(), "the connection stands");
        pair
    }

    /// Polls both ends and hands frames over until nothing moves.
    fn settle(&mut self, at: Instant) {
        loop {
            self.client.poll(at);
            self.server.poll(at);
            let moved = self.client.device.sent.len() + self.server.device.sent.len();
            if moved == 0 {
                return;
            }
            self.frames += moved as u64;
            self.server
                .device
                .received
                .append(&mut self.client.device.sent);
            self.client
                .device
                .received
                .append(&mut self.server.device.sent);
        }
    }

    /// One exchange: query, answer, and the acknowledgement 10 ms later.
    pub(crate) fn exchange(&mut self, ms: i64, transaction: u16, scratch: &mut Vec<u8>) {
        scratch.clear();
        Request::ReadHoldingRegisters {
            address: 1024,
            quantity: 10,
        }
        .emit_adu(transaction, 1, scratch);
        self.client
            .socket()
            .send_slice(scratch)
            .expect("room for a query");
        self.settle(Instant::from_millis(ms));
        let framer = &mut self.framers[1];
        let socket = self
            .server
            .set
            .get_mut::<Socket<'static>>(self.server.handle);
        socket
            .recv(|bytes| (bytes.len(), framer.push(bytes)))
            .expect("the query has come");
        scratch.clear();
        while let Some(Framed::Adu(adu)) = framer.next_frame() {
            serve(&adu, &mut self.bank, &self.profile, scratch);
        }
        self.server
            .socket()
            .send_slice(scratch)
            .expect("room for an answer");
        self.settle(Instant::from_millis(ms));
        let framer = &mut self.framers[0];
        let socket = self
            .client
            .set
            .get_mut::<Socket<'static>>(self.client.handle);
        socket
            .recv(|bytes| (bytes.len(), framer.push(bytes)))
            .expect("the answer has come");
        while let Some(Framed::Adu(adu)) = framer.next_frame() {
            black_box(adu.response().expect("a right answer"));
        }
        self.settle(Instant::from_millis(ms + 11));
    }
}
