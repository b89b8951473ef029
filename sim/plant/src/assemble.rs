//! Builds a [`World`] from a checked plant.
//!
//! **Invariant:** every list is sorted by name before anything in it gets a number, so that the order
//! of a file has no influence on a run.

mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::digest::{Chain, Hasher};
use sim_kernel::queue::{EventQueue, Phase};
use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};
use sim_process::point::PointId;
use sim_st::Program;
use sim_wire::MacAddr;
use sim_wire::modbus::engineering::Key;
use sim_wire::modbus::{DeviceIdentity, DeviceProfile, PORT};

pub use self::units::devices;
use self::units::{Unit, units};
use crate::address::{Address, Width};
use crate::alarm::Alarm;
use crate::check::{check, parse_subnet};
use crate::controller::{Controller, ControllerConfig, RAW_FULL_SCALE, Wire};
use crate::frame::Label;
use crate::host::{Host, HostConfig};
use crate::inline::{DELAY_MAX_NS, Device, Inline, Verdicts};
use crate::observe::{Keep, Observations};
use crate::operator::{Operator, OperatorConfig, Procedure, Sight, Step};
use crate::physics::{self, Act, ControllerAct, Physics};
use crate::respond::ResponseTimes;
use crate::spec::{
    AlarmSpec, ControllerSpec, HostSpec, IoSpec, KeySwitch, NetworkSpec, OperatorSpec, PlantSpec,
    ProcedureStep, ProcessSpec, SpecError, StationSpec, StopOutputs, TagSpec,
};
use crate::station::{Station, StationConfig, StationKind};
use crate::suggest::nearest;
use crate::switch::{Link, Switch};
use crate::tag::Tag;
use crate::world::{Agent, Event, HostRoles, Ids, OUTSIDE, SafetyWatch, Scratch, World};

/// How a plant is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldOptions {
    /// Seeds every random stream.
    pub seed: u64,
    /// Name of the host that an attacker's program may use.
    pub attacker: Option<String>,
    /// What a defense's actions take.
    pub response: ResponseTimes,
    /// Which observations are kept.
    pub keep: Keep,
    /// Time between two rows of physical truth.
    pub truth_period: SimDuration,
    /// Name of the network whose switch has a port to the outside.
    pub outside: Option<String>,
    /// The device that stands in cables, and where its verdicts come from.
    pub inline: Option<(Inline, Verdicts)>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            attacker: None,
            response: ResponseTimes::default(),
            keep: Keep::ALL,
            truth_period: SimDuration::from_secs(1),
            outside: None,
            inline: None,
        }
    }
}

/// The hardware address of a host that names none: locally administered, ending in its IP address.
pub(crate) fn derived_mac(ip: Ipv4Addr) -> [u8; 6] {
    let [_, _, network, host] = ip.octets();
    [0x02, 0x54, 0x57, 0x14, network, host]
}

/// Reads the name of something that a person does by hand.
pub(crate) fn parse_act(text: &str, spec: &PlantSpec) -> Result<Act, String> {
    for (verb, act) in ControllerAct::ALL {
        let rest = text.strip_prefix(verb).and_then(|r| r.strip_prefix('('));
        if let Some(name) = rest.and_then(|rest| rest.strip_suffix(')')) {
            let units = units(spec);
            let at = units.iter().position(|unit| unit.host == name);
            let at = at.ok_or_else(|| format!("there is no controller `{name}`"))?;
            if act.needs_pair() && units[at].spec.standby.is_none() {
                return Err(format!("controller `{name}` is in no pair"));
            }
            return Ok(Act::Controller(act, at));
        }
    }
    physics::parse_person_act(text).map(Act::Person)
}

/// Everything that is wrong with where a device is to stand.
fn check_inline(inline: &Inline, spec: &PlantSpec, has_outside: bool) -> Vec<SpecError> {
    let wrong = |path: String, message: String, hint: Option<String>| SpecError {
        code: "TR0202",
        path,
        message,
        hint,
    };
    let mut errors = Vec::new();
    if inline.hosts.is_empty() {
        let message = "a device that stands in no cable judges nothing".to_owned();
        errors.push(wrong("inline.hosts".to_owned(), message, None));
    }
    for (at, host) in inline.hosts.iter().enumerate() {
        let known = spec.hosts.iter().any(|known| known.name == *host);
        if !(known || has_outside && host == OUTSIDE) {
            let names = spec.hosts.iter().map(|known| known.name.as_str());
            let path = format!("inline.hosts[{at}]");
            let message = format!("there is no host `{host}` for the device to stand before");
            let hint = nearest(host, names).map(|near| format!("did you mean `{near}`?"));
            errors.push(wrong(path, message, hint));
        }
    }
    if inline.latency_ns > DELAY_MAX_NS {
        let message = format!(
            "a latency of {} ns is longer than {DELAY_MAX_NS}",
            inline.latency_ns
        );
        errors.push(wrong("inline.latency_ns".to_owned(), message, None));
    }
    errors
}

fn sorted<T>(list: &[T], name: impl Fn(&T) -> &String) -> Vec<&T> {
    let mut sorted: Vec<&T> = list.iter().collect();
    sorted.sort_by(|a, b| name(a).cmp(name(b)));
    sorted
}

impl World {
    /// Builds a plant and sets its clock to zero.
    ///
    /// # Arguments
    ///
    /// * `programs` — compiled programs by the file name that the plant uses for them.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the plant, or with the names in `options` and `programs`.
    pub fn new(
        spec: &PlantSpec,
        programs: &BTreeMap<String, Arc<Program>>,
        options: &WorldOptions,
    ) -> Result<Self, Vec<SpecError>> {
        let mut errors = check(spec);
        let missing = |path: String, message: String| SpecError {
            code: "TR0202",
            path,
            message,
            hint: None,
        };
        for (at, controller) in spec.controllers.iter().enumerate() {
            if !programs.contains_key(&controller.program) {
                let path = format!("controllers[{at}].program");
                errors.push(missing(
                    path,
                    format!("there is no program `{}`", controller.program),
                ));
            }
        }
        if let Some(attacker) = &options.attacker
            && !spec.hosts.iter().any(|h| h.name == *attacker)
        {
            errors.push(missing(
                "attacker".to_owned(),
                format!("there is no host `{attacker}`"),
            ));
        }
        if let Some(network) = &options.outside {
            if !spec.networks.iter().any(|n| n.name == *network) {
                let message = format!("there is no network `{network}`");
                errors.push(missing("outside".to_owned(), message));
            }
            if spec.hosts.iter().any(|h| h.name == OUTSIDE) {
                let message = format!("`{OUTSIDE}` is the name of what is plugged in from outside");
                errors.push(missing("hosts".to_owned(), message));
            }
        }
        if let Some((inline, _)) = &options.inline {
            errors.extend(check_inline(inline, spec, options.outside.is_some()));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let physics = Physics::new(&spec.process, options.seed)
            .map_err(|message| vec![missing("process".to_owned(), message)])?;
        let mut world = Assembly::new(spec, options).build(programs, physics);
        world.start();
        Ok(world)
    }

    /// Schedules everything that repeats.
    fn start(&mut self) {
        let (process, world) = (self.ids.process, self.ids.world);
        let step = SimTime::default() + self.process_step;
        self.schedule(
            step,
            Phase::ProcessStep,
            (process, process),
            Event::ProcessStep,
        );
        self.schedule(
            SimTime::default() + self.truth_period,
            Phase::Observer,
            (world, world),
            Event::Truth,
        );
        self.schedule(
            SimTime::from_secs(1),
            Phase::Observer,
            (world, world),
            Event::Second,
        );
        for index in 0..self.controllers.len() {
            // Controllers are not switched on in the same instant.
            let number = u16::try_from(index).expect("controllers are few");
            let id = self.ids.controllers[index];
            let first = SimTime::from_millis(1 + u64::from(number));
            self.schedule(
                first,
                Phase::PlcScan,
                (id, id),
                Event::Scan { controller: number },
            );
        }
        for index in 0..self.stations.len() {
            let number = u16::try_from(index).expect("stations are few");
            let id = self.ids.stations[index];
            for target in 0..self.stations[index].target_count() {
                // A stack resolves one new neighbour a second, so the first cycles are spread out.
                let target = u16::try_from(target).expect("controllers are few");
                let first_ms = 1_000 + 137 * u64::from(number) + 1_050 * u64::from(target);
                let event = Event::Poll {
                    station: number,
                    target,
                };
                self.schedule(
                    SimTime::from_millis(first_ms),
                    Phase::DeviceTimer,
                    (id, id),
                    event,
                );
            }
        }
        for index in 0..self.operators.len() {
            self.schedule_operator(SimTime::default(), index);
        }
    }
}

/// The plant's lists in the order of their names.
struct Assembly<'a> {
    spec: &'a PlantSpec,
    options: &'a WorldOptions,
    networks: Vec<&'a NetworkSpec>,
    hosts: Vec<&'a HostSpec>,
    controllers: Vec<Unit<'a>>,
    tags: Vec<&'a TagSpec>,
    alarms: Vec<&'a AlarmSpec>,
    stations: Vec<(StationKind, &'a StationSpec)>,
    operators: Vec<&'a OperatorSpec>,
}

impl<'a> Assembly<'a> {
    fn new(spec: &'a PlantSpec, options: &'a WorldOptions) -> Self {
        let kind = |kind, list: &'a [StationSpec]| list.iter().map(move |s| (kind, s));
        let mut stations: Vec<(StationKind, &StationSpec)> = kind(StationKind::Hmi, &spec.hmis)
            .chain(kind(StationKind::Historian, &spec.historians))
            .chain(kind(StationKind::Workstation, &spec.workstations))
            .collect();
        stations.sort_by(|a, b| a.1.host.cmp(&b.1.host));
        Self {
            spec,
            options,
            networks: sorted(&spec.networks, |n| &n.name),
            hosts: sorted(&spec.hosts, |h| &h.name),
            controllers: units(spec),
            tags: sorted(&spec.tags, |t| &t.name),
            alarms: sorted(&spec.alarms, |a| &a.name),
            stations,
            operators: sorted(&spec.operators, |o| &o.name),
        }
    }

    fn host_index(&self, name: &str) -> usize {
        self.hosts
            .iter()
            .position(|h| h.name == name)
            .expect("names were checked")
    }

    fn tag_index(&self, name: &str) -> usize {
        self.tags
            .iter()
            .position(|t| t.name == name)
            .expect("names were checked")
    }

    fn build(&self, programs: &BTreeMap<String, Arc<Program>>, physics: Physics) -> World {
        let (components, ids) = self.components();
        let mut hosts: Vec<Host> = self.hosts.iter().map(|host| self.host(host)).collect();
        for controller in &self.controllers {
            hosts[self.host_index(controller.host)].listen(PORT, controller.spec.max_connections);
        }
        let outside = self.outside_network().map(|_| hosts.len());
        hosts.extend(outside.map(|_| Host::new(HostConfig::outside())));
        let tags: Vec<Tag> = self.tags.iter().map(|tag| self.tag(tag)).collect();
        let stations = self
            .stations
            .iter()
            .map(|(kind, spec)| self.station(*kind, spec, &tags))
            .collect();
        let mut acts = Vec::new();
        let operators = self
            .operators
            .iter()
            .map(|spec| self.operator(spec, &mut acts))
            .collect();
        let spans: Vec<String> = self
            .networks
            .iter()
            .filter_map(|n| n.span.clone())
            .collect();
        let agent = self.options.attacker.as_ref().map(|name| Agent {
            host: self.host_index(name),
            received: Vec::new(),
            wake: None,
            stream: Stream::new(self.options.seed, "attacker"),
            addressed: BTreeMap::new(),
            flows: BTreeSet::new(),
            diverts: Label::BENIGN,
            attention: false,
        });
        World {
            queue: EventQueue::new(),
            // One more than components: the port to the outside is none, and sends all the same.
            seqs: vec![0; components.len() + 1],
            ids,
            components,
            physics,
            columns: physics::truth_columns(&self.spec.process),
            process_step: SimDuration::from_millis(u64::from(self.spec.process_step_ms)),
            roles: self.roles(),
            hosts,
            switches: self.switches(&spans),
            spans,
            controllers: self
                .controllers
                .iter()
                .map(|unit| self.controller(unit, programs))
                .collect(),
            stations,
            operators,
            tags,
            acts,
            agent,
            outside,
            inline: self.device(outside),
            inputs: Vec::new(),
            response: self.options.response,
            keep: self.options.keep,
            truth_period: self.options.truth_period,
            observations: Observations::default(),
            frames_digest: Hasher::new(),
            frames_seen: 0,
            chain: Chain::new("twinrange trace"),
            safety: self.safety(),
            pool: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// The safety controllers, and where their bypasses are.
    fn safety(&self) -> Vec<SafetyWatch> {
        let watch = |spec: &ControllerSpec| {
            let bit = |name: &String| {
                let address = &self.tags[self.tag_index(name)].address;
                let address: Address = address.parse().expect("addresses were checked");
                address.index
            };
            let safety = spec.safety.as_ref()?;
            let bits = safety.bypasses.iter().map(bit).collect();
            let units = self.controllers.iter().enumerate();
            let units = units.filter(|(_, unit)| unit.spec.host == spec.host);
            let units = units.map(|(index, _)| index).collect();
            Some(SafetyWatch::new(units, bits))
        };
        self.spec.controllers.iter().filter_map(watch).collect()
    }

    /// All component names in order, and who has which number.
    fn components(&self) -> (Vec<String>, Ids) {
        let host = |h: &&HostSpec| format!("host/{}", h.name);
        let controller = |c: &Unit<'_>| format!("controller/{}", c.host);
        let station = |s: &(StationKind, &StationSpec)| format!("station/{}", s.1.host);
        let operator = |o: &&OperatorSpec| format!("operator/{}", o.name);
        let switch = |n: &&NetworkSpec| format!("switch/{}", n.switch);
        let fixed = ["agent", "frames", "process"].map(str::to_owned);
        let names: BTreeSet<String> = fixed
            .into_iter()
            .chain(self.hosts.iter().map(host))
            .chain(self.controllers.iter().map(controller))
            .chain(self.stations.iter().map(station))
            .chain(self.operators.iter().map(operator))
            .chain(self.networks.iter().map(switch))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        let id = |name: String| {
            let at = names
                .binary_search(&name)
                .expect("every component has a name");
            u32::try_from(at).expect("components are few")
        };
        let ids = Ids {
            process: id("process".to_owned()),
            world: id("frames".to_owned()),
            agent: id("agent".to_owned()),
            hosts: {
                let simulated = self.hosts.iter().map(|h| id(host(h)));
                let outside = u32::try_from(names.len()).expect("components are few");
                simulated
                    .chain(self.outside_network().map(|_| outside))
                    .collect()
            },
            controllers: self.controllers.iter().map(|c| id(controller(c))).collect(),
            stations: self.stations.iter().map(|s| id(station(s))).collect(),
            operators: self.operators.iter().map(|o| id(operator(o))).collect(),
            switches: self.networks.iter().map(|n| id(switch(n))).collect(),
        };
        (names, ids)
    }

    fn host(&self, spec: &HostSpec) -> Host {
        let network = self
            .networks
            .iter()
            .find(|n| n.name == spec.network)
            .expect("names were checked");
        let (_, prefix_len) = parse_subnet(&network.subnet).expect("subnets were checked");
        let mac = spec.mac.as_deref().map_or_else(
            || derived_mac(spec.ip),
            |text| text.parse::<MacAddr>().expect("addresses were checked").0,
        );
        Host::new(HostConfig {
            name: spec.name.clone(),
            mac,
            ip: spec.ip,
            prefix_len,
            hop_limit: spec.hop_limit,
            window_bytes: spec.window_bytes,
            stack_seed: Stream::new(self.options.seed, &format!("host/{}/stack", spec.name))
                .next_u64(),
        })
    }

    fn switches(&self, spans: &[String]) -> Vec<Switch> {
        let switch = |network: &&NetworkSpec| {
            let link = Link {
                latency: SimDuration::from_micros(u64::from(network.latency_us)),
                bits_per_us: u64::from(network.bandwidth_mbps),
            };
            let span = network.span.as_ref().map(|name| {
                let at = spans
                    .iter()
                    .position(|s| s == name)
                    .expect("spans come from the networks");
                u16::try_from(at).expect("networks are few")
            });
            let outside = self.outside_network().map(|_| self.hosts.len());
            let hosts = self.hosts_on(network);
            Switch::new(network.switch.clone(), link, span, hosts, outside)
        };
        self.networks.iter().map(switch).collect()
    }

    /// The number of the network whose switch has a port to the outside.
    /// The device that stands in cables, if there is one.
    fn device(&self, outside: Option<usize>) -> Option<Device> {
        let (inline, verdicts) = self.options.inline.as_ref()?;
        let hosts = self.hosts.iter().map(|host| host.name.as_str());
        let names = hosts.chain(outside.map(|_| OUTSIDE));
        let guards = names.map(|name| inline.hosts.iter().any(|host| host == name));
        Some(Device::new(guards.collect(), inline.latency_ns, *verdicts))
    }

    fn outside_network(&self) -> Option<usize> {
        let name = self.options.outside.as_ref()?;
        let at = self.networks.iter().position(|n| n.name == *name);
        Some(at.expect("names were checked"))
    }

    /// Hosts plugged into a network's switch, in port order; what comes from outside has the last port.
    fn hosts_on(&self, network: &NetworkSpec) -> Vec<usize> {
        let here = |&at: &usize| self.hosts[at].network == network.name;
        let outside = self
            .outside_network()
            .map(|at| self.networks[at].name.as_str());
        let outside = (outside == Some(network.name.as_str())).then_some(self.hosts.len());
        (0..self.hosts.len()).filter(here).chain(outside).collect()
    }

    fn roles(&self) -> Vec<HostRoles> {
        let number = |at: usize| u16::try_from(at).expect("plants are bounded");
        let outside = usize::from(self.options.outside.is_some());
        let mut roles = vec![HostRoles::default(); self.hosts.len() + outside];
        for (switch, network) in self.networks.iter().enumerate() {
            for (port, host) in self.hosts_on(network).into_iter().enumerate() {
                roles[host].switch = number(switch);
                roles[host].port = number(port);
            }
        }
        for (at, controller) in self.controllers.iter().enumerate() {
            roles[self.host_index(controller.host)].controller = Some(number(at));
        }
        for (at, (_, station)) in self.stations.iter().enumerate() {
            roles[self.host_index(&station.host)].station = Some(number(at));
        }
        roles
    }

    fn controller(&self, unit: &Unit<'_>, programs: &BTreeMap<String, Arc<Program>>) -> Controller {
        let spec = unit.spec;
        let host = self.host_index(unit.host);
        let asset = self.hosts[host];
        let or = |text: &str, other: &str| {
            if text.is_empty() {
                other.to_owned()
            } else {
                text.to_owned()
            }
        };
        let identity = DeviceIdentity::new(
            &or(&asset.vendor, "unknown"),
            &or(&asset.model, "unknown"),
            &or(&asset.firmware, "0"),
        )
        .expect("texts of a plant file fit a Modbus identity");
        let engineering = &spec.engineering;
        let stream = format!("controller/{}/session", unit.host);
        let wires = |list: &[IoSpec]| {
            let mut wires: Vec<Wire> = list
                .iter()
                .map(|spec| wire(&self.spec.process, spec))
                .collect();
            wires.sort_by_key(|wire| wire.address);
            wires
        };
        Controller::new(ControllerConfig {
            name: unit.host.to_owned(),
            host,
            program: Arc::clone(&programs[&spec.program]),
            scan: SimDuration::from_millis(u64::from(spec.scan_ms)),
            watchdog: SimDuration::from_millis(u64::from(spec.watchdog_ms)),
            service: SimDuration::from_micros(u64::from(spec.service_us)),
            profile: DeviceProfile::new(spec.unit, identity),
            firmware: or(&asset.firmware, "0"),
            key: match engineering.key {
                KeySwitch::Run => Key::Run,
                KeySwitch::Remote => Key::Remote,
                KeySwitch::Program => Key::Program,
            },
            holds_outputs: engineering.on_stop == StopOutputs::Hold,
            password: engineering.password.clone(),
            firmware_key: engineering.firmware_key.clone(),
            activation_scans: engineering.activation_scans,
            firmware_time: SimDuration::from_secs(u64::from(engineering.firmware_s)),
            session_timeout: SimDuration::from_secs(u64::from(engineering.session_timeout_s)),
            nonce_seed: Stream::new(self.options.seed, &stream).next_u64(),
            inputs: wires(&spec.inputs),
            outputs: wires(&spec.outputs),
            places: u16::from(spec.max_connections),
            pair: unit.pair(&self.controllers),
        })
    }

    fn tag(&self, spec: &TagSpec) -> Tag {
        let address: Address = spec.address.parse().expect("addresses were checked");
        let controller = self
            .controllers
            .iter()
            .position(|c| c.host == spec.controller)
            .expect("names were checked");
        Tag {
            name: spec.name.clone(),
            controller,
            controller_name: spec.controller.clone(),
            span: address.modbus(),
            kind: spec.kind,
            scale: spec.scale,
            offset: spec.offset,
            unit: spec.unit.clone(),
            description: spec.description.clone(),
            writable: spec.writable,
        }
    }

    fn station(&self, kind: StationKind, spec: &StationSpec, tags: &[Tag]) -> Station {
        let mut chosen: Vec<usize> = match &spec.tags {
            Some(names) => names.iter().map(|name| self.tag_index(name)).collect(),
            None => (0..tags.len()).collect(),
        };
        chosen.sort_unstable();
        chosen.dedup();
        let alarms = match kind {
            StationKind::Hmi => self
                .alarms
                .iter()
                .map(|a| Alarm::new(a, self.tag_index(&a.tag)))
                .collect(),
            StationKind::Historian | StationKind::Workstation => Vec::new(),
        };
        let controllers = self
            .controllers
            .iter()
            .map(|c| (self.hosts[self.host_index(c.host)].ip, c.spec.unit))
            .collect();
        let config = StationConfig {
            kind,
            host: self.host_index(&spec.host),
            poll: SimDuration::from_millis(u64::from(spec.poll_ms)),
            timeout: SimDuration::from_millis(u64::from(spec.timeout_ms)),
            tags: chosen,
            controllers,
            alarms,
        };
        Station::new(config, tags)
    }

    fn operator(&self, spec: &OperatorSpec, acts: &mut Vec<Act>) -> Operator {
        let mut procedures: Vec<Procedure> = Vec::new();
        for procedure in sorted(&spec.procedures, |p| &p.name) {
            let steps = procedure
                .steps
                .iter()
                .map(|step| self.procedure_step(step, acts))
                .collect();
            procedures.push(Procedure {
                name: procedure.name.clone(),
                steps,
            });
        }
        let named = |name: &String| {
            let at = procedures.iter().position(|p| p.name == *name);
            at.expect("names were checked")
        };
        let sight = |sight: &crate::spec::SightSpec| Sight {
            column: physics::truth_columns(&self.spec.process)
                .iter()
                .position(|column| column.name == sight.column)
                .expect("names were checked"),
            above: sight.above,
            procedure: named(&sight.procedure),
            again: sight.again.as_ref().map(named),
        };
        let mut sights: Vec<Sight> = spec.sights.iter().map(sight).collect();
        sights.sort_by_key(|sight| (sight.column, sight.procedure));
        let config = OperatorConfig {
            name: spec.name.clone(),
            hmi: self
                .stations
                .iter()
                .position(|(_, s)| s.host == spec.hmi)
                .expect("names were checked"),
            sights,
            procedures,
            reaction_median_s: spec.reaction_median_s,
            reaction_sigma: spec.reaction_sigma,
            round_s: spec.round_s,
        };
        Operator::new(
            config,
            Stream::new(self.options.seed, &format!("operator/{}", spec.name)),
        )
    }

    fn procedure_step(&self, step: &ProcedureStep, acts: &mut Vec<Act>) -> Step {
        match step {
            ProcedureStep::Write { tag, value } => Step::Write {
                tag: self.tag_index(tag),
                value: *value,
            },
            ProcedureStep::Wait(seconds) => Step::Wait(SimDuration::from_secs_f64(*seconds)),
            ProcedureStep::Work { act, median_s } => {
                let act = parse_act(act, self.spec).expect("acts were checked");
                let known = acts.iter().position(|a| *a == act);
                let act = known.unwrap_or_else(|| {
                    acts.push(act);
                    acts.len() - 1
                });
                Step::Work {
                    act,
                    median_s: *median_s,
                }
            }
        }
    }
}

/// Resolves a wire. An analog wire without a range uses the whole range of its point.
fn wire(process: &ProcessSpec, spec: &IoSpec) -> Wire {
    let address: Address = spec.address.parse().expect("addresses were checked");
    let points = physics::points(process);
    let at = points
        .iter()
        .position(|p| p.name == spec.point)
        .expect("names were checked");
    let (low, high) = match address.width {
        Width::Bit => (0.0, RAW_FULL_SCALE),
        _ => spec.range.unwrap_or((points[at].low, points[at].high)),
    };
    let id = PointId(u16::try_from(at).expect("points are few"));
    Wire {
        address,
        point: id,
        low,
        per_raw: (high - low) / RAW_FULL_SCALE,
    }
}
