//! Checks a plant file as a whole: names exist, addresses parse, wires fit their ends.
//!
//! All mistakes are reported, not only the first. [`World::new`](crate::World::new) relies on a checked plant.

mod standby;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sim_process::point::{Point, PointKind};
use sim_wire::MacAddr;

use crate::address::{Address, Area, Width};
use crate::physics::{self, Physics};
use crate::spec::{
    AlarmWhen, ControllerSpec, IoSpec, OperatorSpec, PLANT_SCHEMA, PlantSpec, ProcedureStep, Role,
    SpecError, StationSpec, TagKind,
};

/// Most hosts in one plant.
const HOSTS_MAX: usize = 1_000;

/// Longest time that may be written anywhere in a plant, s: a month.
const TIME_MAX_S: f64 = 31.0 * 86_400.0;

/// Longest vendor, model or firmware text, bytes; it has to fit one Modbus answer.
const IDENTITY_BYTES_MAX: usize = 240;

/// Reads an address range such as `10.20.1.0/24`: its base and the length of its prefix in bits, 8 to 30; `None` for
/// anything else.
#[must_use]
pub fn parse_subnet(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, length) = (
        address.parse::<Ipv4Addr>().ok()?,
        length.parse::<u8>().ok()?,
    );
    let host_bits = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    ((8..=30).contains(&length) && address.to_bits() & host_bits == 0).then_some((address, length))
}

/// Everything that is wrong with a plant, in the order of the file.
#[must_use]
pub fn check(spec: &PlantSpec) -> Vec<SpecError> {
    let mut check = Check {
        errors: Vec::new(),
        points: points_by_name(spec),
    };
    check.header(spec);
    check.networks(spec);
    check.hosts(spec);
    check.controllers(spec);
    check.tags(spec);
    check.alarms(spec);
    for (list, stations, role) in [
        ("hmis", &spec.hmis, Role::Hmi),
        ("historians", &spec.historians, Role::Historian),
        (
            "workstations",
            &spec.workstations,
            Role::EngineeringWorkstation,
        ),
    ] {
        check.stations(spec, list, stations, role);
    }
    check.unique("operators", spec.operators.iter().map(|o| o.name.as_str()));
    for (at, operator) in spec.operators.iter().enumerate() {
        check.operator(spec, &format!("operators[{at}]"), operator);
    }
    check.report(spec);
    check.view(spec);
    check.errors
}

fn points_by_name(spec: &PlantSpec) -> BTreeMap<&'static str, &'static Point> {
    physics::points(&spec.process)
        .iter()
        .map(|point| (point.name, point))
        .collect()
}

struct Check {
    errors: Vec<SpecError>,
    points: BTreeMap<&'static str, &'static Point>,
}

impl Check {
    fn error(&mut self, code: &'static str, path: String, message: String) {
        self.errors.push(SpecError {
            code,
            path,
            message,
            hint: None,
        });
    }

    fn hint(&mut self, code: &'static str, path: String, message: String, hint: String) {
        self.errors.push(SpecError {
            code,
            path,
            message,
            hint: Some(hint),
        });
    }

    /// Reports a name that is not among those that exist, with the nearest one that is.
    fn unknown<'a>(
        &mut self,
        path: String,
        kind: &str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        let message = format!("there is no {kind} `{name}`");
        match crate::suggest::nearest(name, known) {
            Some(near) => self.hint("TR0202", path, message, format!("did you mean `{near}`?")),
            None => self.error("TR0202", path, message),
        }
    }

    fn unique<'a>(&mut self, list: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (at, name) in names.enumerate() {
            let path = format!("{list}[{at}].name");
            if name.is_empty() {
                self.error("TR0203", path, "a name must not be empty".to_owned());
            } else if !seen.insert(name) {
                self.error("TR0203", path, format!("`{name}` is used twice"));
            }
        }
    }

    /// A time in seconds, above zero and not absurd.
    fn time(&mut self, path: String, value_s: f64) {
        if !(value_s > 0.0 && value_s <= TIME_MAX_S) {
            let message = format!("{value_s} s must be above 0 s and at most {TIME_MAX_S} s");
            self.error("TR0204", path, message);
        }
    }

    /// A name that also stands in file names, log lines and host names.
    fn plain(&mut self, path: String, name: &str) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
        if name.len() > 63 || !name.bytes().all(plain) {
            let message = format!("`{name}` cannot be a name here");
            let hint = "use at most 63 letters, digits, `-`, `_` and `.`".to_owned();
            self.hint("TR0203", path, message, hint);
        }
    }

    fn header(&mut self, spec: &PlantSpec) {
        if spec.schema != PLANT_SCHEMA {
            let message = format!(
                "this build reads plant schema {PLANT_SCHEMA}, not {}",
                spec.schema
            );
            self.error("TR0201", "schema".to_owned(), message);
        }
        if !(1..=100).contains(&spec.process_step_ms) {
            let message = format!(
                "a process step of {} ms is outside 1..=100",
                spec.process_step_ms
            );
            self.error("TR0204", "process_step_ms".to_owned(), message);
        }
        if let Err(message) = Physics::new(&spec.process, 0) {
            self.error("TR0205", "process".to_owned(), message);
        }
    }

    fn networks(&mut self, spec: &PlantSpec) {
        self.unique("networks", spec.networks.iter().map(|n| n.name.as_str()));
        let mut switches = BTreeSet::new();
        let mut spans = BTreeSet::new();
        for (at, network) in spec.networks.iter().enumerate() {
            let path = |field: &str| format!("networks[{at}].{field}");
            for (field, name) in [("zone", &network.zone), ("switch", &network.switch)] {
                if name.is_empty() {
                    self.error("TR0203", path(field), "a name must not be empty".to_owned());
                }
                self.plain(path(field), name);
            }
            if parse_subnet(&network.subnet).is_none() {
                let message = format!("`{}` is not an address range", network.subnet);
                let hint = "write it like 10.20.1.0/24, with all host bits zero".to_owned();
                self.hint("TR0206", path("subnet"), message, hint);
            }
            if network.bandwidth_mbps == 0 {
                self.error(
                    "TR0204",
                    path("bandwidth_mbps"),
                    "a link needs bandwidth".to_owned(),
                );
            }
            if network.latency_us == 0 {
                self.error(
                    "TR0204",
                    path("latency_us"),
                    "a link needs latency".to_owned(),
                );
            }
            if !switches.insert(&network.switch) {
                self.error(
                    "TR0203",
                    path("switch"),
                    format!("`{}` is used twice", network.switch),
                );
            }
            if let Some(span) = &network.span {
                let plain = span
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if span.is_empty() || !plain {
                    let message = format!("`{span}` cannot be part of a file name");
                    self.error("TR0203", path("span"), message);
                }
                if !spans.insert(span) {
                    self.error("TR0203", path("span"), format!("`{span}` is used twice"));
                }
            }
        }
    }

    fn hosts(&mut self, spec: &PlantSpec) {
        self.unique("hosts", spec.hosts.iter().map(|h| h.name.as_str()));
        if spec.hosts.len() > HOSTS_MAX {
            let message = format!("{} hosts are more than {HOSTS_MAX}", spec.hosts.len());
            self.error("TR0204", "hosts".to_owned(), message);
        }
        let mut addresses = BTreeMap::new();
        let mut macs = BTreeMap::new();
        for (at, host) in spec.hosts.iter().enumerate() {
            let path = |field: &str| format!("hosts[{at}].{field}");
            self.plain(path("name"), &host.name);
            for (field, text) in [
                ("vendor", &host.vendor),
                ("model", &host.model),
                ("firmware", &host.firmware),
            ] {
                if text.len() > IDENTITY_BYTES_MAX {
                    let message =
                        format!("{} bytes are more than {IDENTITY_BYTES_MAX}", text.len());
                    self.error("TR0204", path(field), message);
                }
            }
            match spec.networks.iter().find(|n| n.name == host.network) {
                None => self.unknown(
                    path("network"),
                    "network",
                    &host.network,
                    spec.networks.iter().map(|n| n.name.as_str()),
                ),
                Some(network) => {
                    if let Some((base, length)) = parse_subnet(&network.subnet) {
                        let mask = u32::MAX << (32 - u32::from(length));
                        let (ip, base) = (host.ip.to_bits(), base.to_bits());
                        if ip & mask != base || ip & !mask == 0 || ip & !mask == !mask {
                            let message =
                                format!("{} is no host address of {}", host.ip, network.subnet);
                            self.error("TR0206", path("ip"), message);
                        }
                    }
                }
            }
            if let Some(other) = addresses.insert(host.ip, &host.name) {
                self.error(
                    "TR0203",
                    path("ip"),
                    format!("{} is also the address of `{other}`", host.ip),
                );
            }
            let parsed = host.mac.as_deref().map(str::parse::<MacAddr>);
            match parsed.map(|mac| mac.map(|MacAddr(bytes)| bytes)) {
                Some(Err(error)) => self.error("TR0206", path("mac"), error.to_string()),
                Some(Ok(mac)) if mac[0] & 1 == 1 => {
                    self.error("TR0206", path("mac"), "this is a group address".to_owned());
                }
                mac => {
                    let mac = mac
                        .and_then(Result::ok)
                        .unwrap_or_else(|| crate::assemble::derived_mac(host.ip));
                    if let Some(other) = macs.insert(mac, &host.name) {
                        self.error(
                            "TR0203",
                            path("mac"),
                            format!("`{other}` has the same hardware address"),
                        );
                    }
                }
            }
            if host.window_bytes < 260 {
                let message = format!(
                    "a window of {} bytes cannot hold a Modbus message",
                    host.window_bytes
                );
                self.error("TR0204", path("window_bytes"), message);
            }
            if host.hop_limit == 0 {
                self.error(
                    "TR0204",
                    path("hop_limit"),
                    "a packet needs at least one hop".to_owned(),
                );
            }
        }
    }

    fn host_of_role(&mut self, spec: &PlantSpec, path: String, name: &str, role: Role) {
        match spec.hosts.iter().find(|h| h.name == name) {
            None => self.unknown(
                path,
                "host",
                name,
                spec.hosts.iter().map(|h| h.name.as_str()),
            ),
            Some(host) if host.role != role => {
                let message = format!(
                    "host `{name}` is a {}, not a {}",
                    host.role.name(),
                    role.name()
                );
                self.error("TR0207", path, message);
            }
            Some(_) => {}
        }
    }

    fn controllers(&mut self, spec: &PlantSpec) {
        let mut hosts = BTreeSet::new();
        let mut driven = BTreeMap::new();
        for (at, controller) in spec.controllers.iter().enumerate() {
            let path = |field: &str| format!("controllers[{at}].{field}");
            self.host_of_role(spec, path("host"), &controller.host, Role::Plc);
            if !hosts.insert(&controller.host) {
                self.error(
                    "TR0203",
                    path("host"),
                    format!("`{}` is used twice", controller.host),
                );
            }
            let engineering = &controller.engineering;
            for (name, value, most) in [
                ("activation_scans", engineering.activation_scans, 1_000),
                ("firmware_s", engineering.firmware_s, 3_600),
                ("session_timeout_s", engineering.session_timeout_s, 3_600),
            ] {
                if !(1..=most).contains(&value) {
                    let message = format!("{value} is outside 1..={most}");
                    self.error("TR0204", path(&format!("engineering.{name}")), message);
                }
            }
            if controller.scan_ms == 0 || controller.scan_ms > 10_000 {
                let message = format!("a scan of {} ms is outside 1..=10000", controller.scan_ms);
                self.error("TR0204", path("scan_ms"), message);
            }
            if controller.watchdog_ms == 0 {
                self.error(
                    "TR0204",
                    path("watchdog_ms"),
                    "a watchdog needs time".to_owned(),
                );
            }
            if !(1..=64).contains(&controller.max_connections) {
                let message = format!(
                    "{} connections are outside 1..=64",
                    controller.max_connections
                );
                self.error("TR0204", path("max_connections"), message);
            }
            self.wires(at, controller, &mut driven);
            self.safety(spec, at, controller);
        }
        self.standbys(spec);
    }

    fn safety(&mut self, spec: &PlantSpec, at: usize, controller: &ControllerSpec) {
        let names = controller.safety.iter().flat_map(|safety| &safety.bypasses);
        for (index, name) in names.enumerate() {
            let path = format!("controllers[{at}].safety.bypasses[{index}]");
            let Some(tag) = spec.tags.iter().find(|tag| tag.name == *name) else {
                let known = spec.tags.iter().map(|tag| tag.name.as_str());
                self.unknown(path, "tag", name, known);
                continue;
            };
            let is_marker = tag
                .address
                .parse::<Address>()
                .is_ok_and(|address| address.area == Area::Marker && address.width == Width::Bit);
            if tag.controller != controller.host || !is_marker {
                let message = format!("`{name}` is no marker bit of `{}`", controller.host);
                self.error("TR0208", path, message);
            }
        }
    }

    fn wires<'a>(
        &mut self,
        at: usize,
        controller: &'a ControllerSpec,
        driven: &mut BTreeMap<&'a str, &'a str>,
    ) {
        for (list, wires, area) in [
            ("inputs", &controller.inputs, Area::Input),
            ("outputs", &controller.outputs, Area::Output),
        ] {
            let mut addresses = BTreeSet::new();
            for (index, wire) in wires.iter().enumerate() {
                let path = |field: &str| format!("controllers[{at}].{list}[{index}].{field}");
                self.wire(&path, wire, area);
                if !addresses.insert(&wire.address) {
                    self.error(
                        "TR0203",
                        path("address"),
                        format!("`{}` is wired twice", wire.address),
                    );
                }
                if area == Area::Output
                    && let Some(other) = driven.insert(&wire.point, &controller.host)
                {
                    let message = format!("`{}` is already driven by `{other}`", wire.point);
                    self.error("TR0203", path("point"), message);
                }
            }
        }
    }

    fn wire(&mut self, path: &dyn Fn(&str) -> String, wire: &IoSpec, area: Area) {
        let address = match wire.address.parse::<Address>() {
            Err(error) => {
                self.error("TR0208", path("address"), error.to_string());
                None
            }
            Ok(address) if address.area != area || address.width == Width::Double => {
                let letter = if area == Area::Input { 'I' } else { 'Q' };
                let message = format!("`{}` cannot be wired here", wire.address);
                let hint = format!("use %{letter}X<byte>.<bit> or %{letter}W<word>");
                self.hint("TR0208", path("address"), message, hint);
                None
            }
            Ok(address) => Some(address),
        };
        let Some(point) = self.points.get(wire.point.as_str()).copied() else {
            let known: Vec<&str> = self.points.keys().copied().collect();
            self.unknown(
                path("point"),
                "process point",
                &wire.point,
                known.into_iter(),
            );
            return;
        };
        let (is_sensor, is_bit) = match point.kind {
            PointKind::DiscreteSensor => (true, true),
            PointKind::AnalogSensor => (true, false),
            PointKind::DiscreteActuator => (false, true),
            PointKind::AnalogActuator => (false, false),
        };
        if is_sensor != (area == Area::Input) {
            let kind = if is_sensor {
                "a sensor: wire it to an input"
            } else {
                "an actuator: wire it to an output"
            };
            self.error(
                "TR0209",
                path("point"),
                format!("`{}` is {kind}", wire.point),
            );
        }
        if let Some(address) = address
            && (address.width == Width::Bit) != is_bit
        {
            let kind = if is_bit {
                "discrete and needs a bit"
            } else {
                "analog and needs a word"
            };
            self.error(
                "TR0209",
                path("point"),
                format!("`{}` is {kind} address", wire.point),
            );
        }
        if let Some((low, high)) = wire.range
            && !(low.is_finite() && high.is_finite() && low != high)
        {
            self.error(
                "TR0204",
                path("range"),
                "the two ends of a range must differ".to_owned(),
            );
        }
    }

    fn tags(&mut self, spec: &PlantSpec) {
        self.unique("tags", spec.tags.iter().map(|t| t.name.as_str()));
        for (at, tag) in spec.tags.iter().enumerate() {
            let path = |field: &str| format!("tags[{at}].{field}");
            if !spec.controllers.iter().any(|c| c.host == tag.controller) {
                let known = spec.controllers.iter().map(|c| c.host.as_str());
                self.unknown(path("controller"), "controller", &tag.controller, known);
            }
            match tag.address.parse::<Address>() {
                Err(error) => self.error("TR0208", path("address"), error.to_string()),
                Ok(address) => {
                    let fits = match tag.kind {
                        TagKind::Bool => address.width == Width::Bit,
                        TagKind::Int | TagKind::Uint => address.width == Width::Word,
                        TagKind::Dint | TagKind::Udint | TagKind::Real => {
                            address.width == Width::Double
                        }
                    };
                    if !fits {
                        let message =
                            format!("a {:?} tag cannot lie at `{}`", tag.kind, tag.address);
                        let hint =
                            "Bool needs X, Int and Uint need W, the others need D".to_owned();
                        self.hint("TR0208", path("address"), message, hint);
                    }
                    if tag.writable && address.area == Area::Input {
                        let message = "an input cannot be written over Modbus".to_owned();
                        self.error("TR0209", path("writable"), message);
                    }
                }
            }
            if !tag.offset.is_finite() {
                self.error(
                    "TR0204",
                    path("offset"),
                    format!("{} is no offset", tag.offset),
                );
            }
            if !(tag.scale.is_finite() && tag.scale != 0.0) {
                self.error(
                    "TR0204",
                    path("scale"),
                    "a scale of zero loses the value".to_owned(),
                );
            }
        }
    }

    fn alarms(&mut self, spec: &PlantSpec) {
        self.unique("alarms", spec.alarms.iter().map(|a| a.name.as_str()));
        for (at, alarm) in spec.alarms.iter().enumerate() {
            let path = |field: &str| format!("alarms[{at}].{field}");
            if !spec.tags.iter().any(|t| t.name == alarm.tag) {
                self.unknown(
                    path("tag"),
                    "tag",
                    &alarm.tag,
                    spec.tags.iter().map(|t| t.name.as_str()),
                );
            }
            if let AlarmWhen::Above(limit) | AlarmWhen::Below(limit) = alarm.when
                && !limit.is_finite()
            {
                self.error("TR0204", path("when"), format!("{limit} is no limit"));
            }
            if !(alarm.delay_s >= 0.0 && alarm.delay_s <= TIME_MAX_S) {
                self.error(
                    "TR0204",
                    path("delay_s"),
                    format!("{} s is no delay", alarm.delay_s),
                );
            }
            if !(alarm.deadband.is_finite() && alarm.deadband >= 0.0) {
                self.error(
                    "TR0204",
                    path("deadband"),
                    format!("{} is no dead band", alarm.deadband),
                );
            }
            if let Some(procedure) = &alarm.procedure {
                let known = || {
                    spec.operators
                        .iter()
                        .flat_map(|o| o.procedures.iter())
                        .map(|p| p.name.as_str())
                };
                if !known().any(|name| name == procedure) {
                    self.unknown(path("procedure"), "procedure", procedure, known());
                }
            }
        }
    }

    fn stations(&mut self, spec: &PlantSpec, list: &str, stations: &[StationSpec], role: Role) {
        let mut hosts = BTreeSet::new();
        for (at, station) in stations.iter().enumerate() {
            let path = |field: &str| format!("{list}[{at}].{field}");
            self.host_of_role(spec, path("host"), &station.host, role);
            if !hosts.insert(&station.host) {
                self.error(
                    "TR0203",
                    path("host"),
                    format!("`{}` is used twice", station.host),
                );
            }
            for (field, value) in [
                ("poll_ms", station.poll_ms),
                ("timeout_ms", station.timeout_ms),
            ] {
                if value < 10 {
                    self.error("TR0204", path(field), format!("{value} ms is below 10 ms"));
                }
            }
            for (index, tag) in station.tags.iter().flatten().enumerate() {
                if !spec.tags.iter().any(|t| t.name == *tag) {
                    let known = spec.tags.iter().map(|t| t.name.as_str());
                    self.unknown(path(&format!("tags[{index}]")), "tag", tag, known);
                }
            }
        }
    }

    fn operator(&mut self, spec: &PlantSpec, at: &str, operator: &OperatorSpec) {
        if !spec.hmis.iter().any(|h| h.host == operator.hmi) {
            let known = spec.hmis.iter().map(|h| h.host.as_str());
            self.unknown(format!("{at}.hmi"), "HMI", &operator.hmi, known);
        }
        self.time(
            format!("{at}.reaction_median_s"),
            operator.reaction_median_s,
        );
        if !(0.0..=3.0).contains(&operator.reaction_sigma) {
            let message = format!("a spread of {} is outside 0 to 3", operator.reaction_sigma);
            self.error("TR0204", format!("{at}.reaction_sigma"), message);
        }
        if let Some(round_s) = operator.round_s {
            self.time(format!("{at}.round_s"), round_s);
        }
        self.unique(
            &format!("{at}.procedures"),
            operator.procedures.iter().map(|p| p.name.as_str()),
        );
        for (index, sight) in operator.sights.iter().enumerate() {
            let columns = || physics::truth_columns(&spec.process).iter().map(|c| c.name);
            if !columns().any(|name| name == sight.column) {
                self.unknown(
                    format!("{at}.sights[{index}].column"),
                    "truth column",
                    &sight.column,
                    columns(),
                );
            }
            let known = || operator.procedures.iter().map(|p| p.name.as_str());
            let named = [
                ("procedure", Some(&sight.procedure)),
                ("again", sight.again.as_ref()),
            ];
            for (field, name) in named {
                if let Some(name) = name.filter(|name| !known().any(|known| known == **name)) {
                    let path = format!("{at}.sights[{index}].{field}");
                    self.unknown(path, "procedure", name, known());
                }
            }
        }
        for (index, procedure) in operator.procedures.iter().enumerate() {
            for (step_at, step) in procedure.steps.iter().enumerate() {
                let path = format!("{at}.procedures[{index}].steps[{step_at}]");
                self.procedure_step(spec, path, step);
            }
        }
    }

    fn procedure_step(&mut self, spec: &PlantSpec, path: String, step: &ProcedureStep) {
        match step {
            ProcedureStep::Write { tag, value } => {
                match spec.tags.iter().find(|t| t.name == *tag) {
                    None => self.unknown(
                        path.clone(),
                        "tag",
                        tag,
                        spec.tags.iter().map(|t| t.name.as_str()),
                    ),
                    Some(tag) if !tag.writable => {
                        self.error(
                            "TR0209",
                            path.clone(),
                            format!("tag `{}` is not writable", tag.name),
                        );
                    }
                    Some(_) => {}
                }
                if !value.is_finite() {
                    self.error("TR0204", path, format!("{value} cannot be written"));
                }
            }
            ProcedureStep::Wait(seconds) => self.time(path, *seconds),
            ProcedureStep::Work { act, median_s } => {
                self.time(path.clone(), *median_s);
                if let Err(message) = crate::assemble::parse_act(act, spec) {
                    self.error("TR0210", path, message);
                }
            }
        }
    }

    fn report(&mut self, spec: &PlantSpec) {
        for (at, chart) in spec.report.charts.iter().enumerate() {
            let columns = || physics::truth_columns(&spec.process).iter().map(|c| c.name);
            if !columns().any(|name| name == chart.column) {
                let path = format!("report.charts[{at}].column");
                self.unknown(path, "truth column", &chart.column, columns());
            }
            if let Some(tag) = &chart.tag
                && !spec.tags.iter().any(|t| t.name == *tag)
            {
                let known = spec.tags.iter().map(|t| t.name.as_str());
                self.unknown(format!("report.charts[{at}].tag"), "tag", tag, known);
            }
        }
    }
}
