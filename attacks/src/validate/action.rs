//! What can be wrong with a step's action.

use sim_kernel::time::SimDuration;
use sim_plant::spec::{Role, TagKind};
use sim_wire::modbus::request::{WRITE_BITS_MAX, WRITE_REGISTERS_MAX};

use super::{BAD_ADDRESS, BAD_PACE, BAD_VALUE, Check, UNFIT_TARGET};
use crate::playbook::{
    Action, AdversaryInTheMiddle, BruteForceIo, DenialOfService, Drift, Identify, Range, Rewrite,
    Scan, Show, Step, Table, Write, WriteItem,
};
use crate::value;

/// Entries in a Modbus address space.
const ADDRESSES: u32 = 65_536;

/// Slowest and fastest pace of each kind, per second.
const SCAN_PER_S: (f64, f64) = (0.01, 1_000.0);
pub(super) const REQUESTS_PER_S: (f64, f64) = (0.01, 200.0);
const ATTEMPTS_PER_S: (f64, f64) = (0.01, 100.0);
const FLOOD_PER_S: (f64, f64) = (0.1, 10_000.0);

/// Shortest and longest time between two forged announcements.
const POISON_PERIOD_MIN: SimDuration = SimDuration::from_millis(100);
const POISON_PERIOD_MAX: SimDuration = SimDuration::from_secs(600);

/// Shortest and longest time between two requests on a connection that is held.
const KEEP_ALIVE_MIN: SimDuration = SimDuration::from_secs(1);
const KEEP_ALIVE_MAX: SimDuration = SimDuration::from_secs(3600);

/// Shortest time between two writes of a drift or two rounds of writes, on average.
const WRITE_GAP_MIN: SimDuration = SimDuration::from_millis(10);

/// Most ports, writes in one round, rewrites, entries to brute force, rounds, drift steps and places.
const PORTS_MAX: usize = 1_024;
const WRITES_MAX: usize = 64;
const REWRITES_MAX: usize = 256;
const BRUTE_ENTRIES_MAX: u32 = 4_096;
const ROUNDS_MAX: u32 = 100_000;
const DRIFT_STEPS_MAX: u32 = 10_000;
const HOLD_MAX: u16 = 128;

fn is_bits(table: Table) -> bool {
    matches!(table, Table::Coils | Table::DiscreteInputs)
}

fn is_writable(table: Table) -> bool {
    matches!(table, Table::Coils | Table::HoldingRegisters)
}

impl Check<'_> {
    pub(super) fn action(&mut self, path: &str, step: &Step) {
        let lasts = match &step.action {
            Action::Scan(scan) => {
                self.scan(path, scan);
                None
            }
            Action::Identify(identify) => {
                self.identify(path, identify);
                None
            }
            Action::Write(write) => {
                self.write(path, write);
                None
            }
            Action::BruteForceIo(brute) => {
                self.brute_force(path, brute);
                Some(brute.duration)
            }
            Action::Drift(drift) => {
                self.drift(path, drift);
                Some(drift.over)
            }
            Action::AdversaryInTheMiddle(middle) => {
                self.middle(path, middle);
                Some(middle.duration)
            }
            Action::DenialOfService(denial) => {
                self.denial(path, denial);
                Some(denial.duration)
            }
            Action::UploadProgram(_)
            | Action::DownloadProgram(_)
            | Action::SetMode(_)
            | Action::Restart(_)
            | Action::Force(_)
            | Action::ChangeTask(_)
            | Action::Firmware(_) => {
                self.engineering(path, &step.action);
                None
            }
            Action::Wait(duration) => {
                self.time(path.to_owned(), *duration);
                Some(*duration)
            }
        };
        if let Some(lasts) = lasts.filter(|lasts| step.timeout <= *lasts) {
            let path = path.trim_end_matches(".action");
            let message = format!("the action takes {lasts}, so {} is too short", step.timeout);
            self.error(BAD_PACE, format!("{path}.timeout"), message);
            self.hint("leave some time to connect and to clean up, for example a minute");
        }
    }

    fn scan(&mut self, path: &str, scan: &Scan) {
        self.within(
            format!("{path}.arp_per_s"),
            "per second",
            scan.arp_per_s,
            SCAN_PER_S,
        );
        self.within(
            format!("{path}.ports_per_s"),
            "per second",
            scan.ports_per_s,
            SCAN_PER_S,
        );
        if scan.ports.len() > PORTS_MAX {
            let message = format!(
                "{} ports; at most {PORTS_MAX} are possible",
                scan.ports.len()
            );
            self.error(BAD_PACE, format!("{path}.ports"), message);
        }
        for (at, port) in scan.ports.iter().enumerate() {
            let place = format!("{path}.ports[{at}]");
            if *port == 0 {
                self.error(BAD_ADDRESS, place, "there is no TCP port 0");
            } else if scan.ports[..at].contains(port) {
                self.error(BAD_ADDRESS, place, format!("port {port} is there twice"));
            }
        }
    }

    fn range(&mut self, path: &str, range: Range) {
        if range.count == 0 {
            self.error(
                BAD_ADDRESS,
                format!("{path}.count"),
                "a range has at least one entry",
            );
        }
        self.end(path, range.address, u32::from(range.count));
    }

    /// Whether `count` entries from an address on end inside the address space.
    fn end(&mut self, path: &str, address: u16, count: u32) {
        if u32::from(address) + count > ADDRESSES {
            let message = format!("{count} entries from {address} on pass address 65535");
            self.error(BAD_ADDRESS, format!("{path}.address"), message);
        }
    }

    /// Whether a value of this kind can lie there.
    pub(super) fn entry(&mut self, path: &str, table: Table, kind: TagKind, address: u16) {
        self.kind(path, table, kind);
        self.end(path, address, u32::from(value::entries(kind)));
    }

    fn kind(&mut self, path: &str, table: Table, kind: TagKind) {
        if is_bits(table) != (kind == TagKind::Bool) {
            let message = format!("{table:?} cannot hold a value of kind {kind:?}");
            self.error(BAD_ADDRESS, format!("{path}.kind"), message);
            self.hint(if is_bits(table) {
                "a bit is `Bool`"
            } else {
                "a word is `Uint` or `Int`"
            });
        }
    }

    pub(super) fn value(&mut self, path: String, kind: TagKind, number: f64) {
        let (low, high) = value::limits(kind);
        if !(low..=high).contains(&number) {
            let message = format!("{number} is outside {low} to {high}, what {kind:?} can hold");
            self.error(BAD_VALUE, path, message);
        }
    }

    fn identify(&mut self, path: &str, identify: &Identify) {
        self.not_empty(&format!("{path}.targets"), &identify.targets);
        for (at, alias) in identify.targets.iter().enumerate() {
            self.controllers(&format!("{path}.targets[{at}]"), alias);
        }
        if !identify.identity && identify.reads.is_empty() {
            let message = "there is nothing to ask for: no identity and no reads";
            self.error(BAD_ADDRESS, format!("{path}.reads"), message);
        }
        for (at, range) in identify.reads.iter().enumerate() {
            self.range(&format!("{path}.reads[{at}]"), *range);
        }
        if !(1..=2000).contains(&identify.block) {
            let message = format!(
                "{} entries per request is outside 1 to 2000",
                identify.block
            );
            self.error(BAD_ADDRESS, format!("{path}.block"), message);
        }
        let rate = format!("{path}.requests_per_s");
        self.within(rate, "per second", identify.requests_per_s, REQUESTS_PER_S);
    }

    fn not_empty(&mut self, path: &str, aliases: &[String]) {
        if aliases.is_empty() {
            self.error(UNFIT_TARGET, path, "at least one target is needed");
        }
    }

    fn writable(&mut self, path: &str, table: Table) {
        if !is_writable(table) {
            let message = format!("{table:?} cannot be written");
            self.error(BAD_ADDRESS, format!("{path}.table"), message);
            self.hint("only `Coils` and `HoldingRegisters` can");
        }
    }

    fn write(&mut self, path: &str, write: &Write) {
        self.controller(&format!("{path}.target"), &write.target);
        if !(1..=WRITES_MAX).contains(&write.writes.len()) {
            let message = format!(
                "{} writes; 1 to {WRITES_MAX} are possible",
                write.writes.len()
            );
            self.error(BAD_PACE, format!("{path}.writes"), message);
        }
        for (at, item) in write.writes.iter().enumerate() {
            self.write_item(&format!("{path}.writes[{at}]"), item);
        }
        let Some(repeat) = write.repeat else { return };
        if !(1..=ROUNDS_MAX).contains(&repeat.rounds) {
            let message = format!("{} rounds; 1 to {ROUNDS_MAX} are possible", repeat.rounds);
            self.error(BAD_PACE, format!("{path}.repeat.rounds"), message);
        }
        if repeat.period < WRITE_GAP_MIN {
            let message = format!("{} is shorter than {WRITE_GAP_MIN}", repeat.period);
            self.error(BAD_PACE, format!("{path}.repeat.period"), message);
        }
    }

    fn write_item(&mut self, path: &str, item: &WriteItem) {
        self.writable(path, item.table);
        self.kind(path, item.table, item.kind);
        let count = item.values.len() * usize::from(value::entries(item.kind));
        let most = if is_bits(item.table) {
            WRITE_BITS_MAX
        } else {
            WRITE_REGISTERS_MAX
        };
        if !(1..=usize::from(most)).contains(&count) {
            let message = format!("{count} entries; one request writes 1 to {most}");
            self.error(BAD_ADDRESS, format!("{path}.values"), message);
        } else if let Ok(count) = u32::try_from(count) {
            self.end(path, item.address, count);
        }
        for (at, &number) in item.values.iter().enumerate() {
            self.value(format!("{path}.values[{at}]"), item.kind, number);
        }
    }

    fn brute_force(&mut self, path: &str, brute: &BruteForceIo) {
        self.controller(&format!("{path}.target"), &brute.target);
        let total: u32 = brute
            .ranges
            .iter()
            .map(|range| u32::from(range.count))
            .sum();
        if !(1..=BRUTE_ENTRIES_MAX).contains(&total) {
            let message = format!("{total} entries; 1 to {BRUTE_ENTRIES_MAX} are possible");
            self.error(BAD_ADDRESS, format!("{path}.ranges"), message);
        }
        for (at, range) in brute.ranges.iter().enumerate() {
            self.range(&format!("{path}.ranges[{at}]"), *range);
            self.writable(&format!("{path}.ranges[{at}]"), range.table);
        }
        let registers = brute
            .ranges
            .iter()
            .any(|range| range.table == Table::HoldingRegisters);
        if registers && brute.values.is_empty() {
            let message = "values for the registers are missing";
            self.error(BAD_VALUE, format!("{path}.values"), message);
        }
        let rate = format!("{path}.writes_per_s");
        self.within(rate, "per second", brute.writes_per_s, REQUESTS_PER_S);
        self.time(format!("{path}.duration"), brute.duration);
    }

    fn drift(&mut self, path: &str, drift: &Drift) {
        self.controller(&format!("{path}.target"), &drift.target);
        self.entry(path, Table::HoldingRegisters, drift.kind, drift.address);
        self.value(format!("{path}.to"), drift.kind, drift.to);
        self.time(format!("{path}.over"), drift.over);
        if !(1..=DRIFT_STEPS_MAX).contains(&drift.steps) {
            let message = format!("{} steps; 1 to {DRIFT_STEPS_MAX} are possible", drift.steps);
            self.error(BAD_PACE, format!("{path}.steps"), message);
        } else if drift.over.as_nanos() / u64::from(drift.steps) < WRITE_GAP_MIN.as_nanos() {
            let message = format!("a write every {WRITE_GAP_MIN} or slower is possible");
            self.error(BAD_PACE, format!("{path}.steps"), message);
        }
        if !(0.0..=0.9).contains(&drift.jitter) {
            let message = format!("a jitter of {} is outside 0 to 0.9", drift.jitter);
            self.error(BAD_VALUE, format!("{path}.jitter"), message);
        }
    }

    fn middle(&mut self, path: &str, middle: &AdversaryInTheMiddle) {
        let mut sides = Vec::new();
        for (side, aliases) in [("between", &middle.between), ("and", &middle.and)] {
            self.not_empty(&format!("{path}.{side}"), aliases);
            let mut hosts = Vec::new();
            for (at, alias) in aliases.iter().enumerate() {
                let found = self.alias(&format!("{path}.{side}[{at}]"), alias);
                hosts.extend(found.into_iter().flatten().map(|host| host.name.as_str()));
            }
            sides.push(hosts);
        }
        if let Some(both) = sides[0].iter().find(|name| sides[1].contains(name)) {
            let message = format!("{both} is on both sides");
            self.error(UNFIT_TARGET, format!("{path}.and"), message);
        }
        if !(POISON_PERIOD_MIN..=POISON_PERIOD_MAX).contains(&middle.poison_period) {
            let period = middle.poison_period;
            let message = format!("{period} is outside {POISON_PERIOD_MIN} to {POISON_PERIOD_MAX}");
            self.error(BAD_PACE, format!("{path}.poison_period"), message);
        }
        self.time(format!("{path}.duration"), middle.duration);
        if middle.rewrites.len() > REWRITES_MAX {
            let count = middle.rewrites.len();
            let message = format!("{count} rewrites; at most {REWRITES_MAX} are possible");
            self.error(BAD_PACE, format!("{path}.rewrites"), message);
        }
        let diverted: Vec<&str> = sides.concat();
        for (at, rewrite) in middle.rewrites.iter().enumerate() {
            self.rewrite(&format!("{path}.rewrites[{at}]"), rewrite, &diverted);
        }
    }

    fn rewrite(&mut self, path: &str, rewrite: &Rewrite, diverted: &[&str]) {
        let place = format!("{path}.target");
        if let Some(hosts) = self.controllers(&place, &rewrite.target)
            && let Some(host) = hosts
                .iter()
                .find(|host| !diverted.contains(&host.name.as_str()))
        {
            let message = format!("the traffic of {} is not diverted by this step", host.name);
            self.error(UNFIT_TARGET, place, message);
        }
        self.entry(path, rewrite.table, rewrite.kind, rewrite.address);
        let place = format!("{path}.show");
        match rewrite.show {
            Show::Constant(number) => self.value(place, rewrite.kind, number),
            Show::Clamp(low, high) => {
                self.value(place.clone(), rewrite.kind, low);
                self.value(place.clone(), rewrite.kind, high);
                if low > high {
                    self.error(BAD_VALUE, place, format!("{low} is above {high}"));
                }
            }
            Show::Freeze => {}
        }
        let noise = rewrite.noise;
        if !noise.is_finite() || noise < 0.0 {
            let message = format!("a noise of {noise} must be zero or more");
            self.error(BAD_VALUE, format!("{path}.noise"), message);
        }
    }

    fn denial(&mut self, path: &str, denial: &DenialOfService) {
        let target = self.controller(&format!("{path}.target"), &denial.target);
        if !(1..=HOLD_MAX).contains(&denial.hold) {
            let message = format!("{} connections; 1 to {HOLD_MAX} are possible", denial.hold);
            self.error(BAD_PACE, format!("{path}.hold"), message);
        }
        let rate = format!("{path}.attempts_per_s");
        self.within(rate, "per second", denial.attempts_per_s, ATTEMPTS_PER_S);
        if !(KEEP_ALIVE_MIN..=KEEP_ALIVE_MAX).contains(&denial.keep_alive) {
            let period = denial.keep_alive;
            let message = format!("{period} is outside {KEEP_ALIVE_MIN} to {KEEP_ALIVE_MAX}");
            self.error(BAD_PACE, format!("{path}.keep_alive"), message);
        }
        for (at, alias) in denial.evict.iter().enumerate() {
            let place = format!("{path}.evict[{at}]");
            let hosts = self.alias(&place, alias).into_iter().flatten();
            if let Some(client) = hosts.into_iter().find(|host| {
                host.role == Role::Plc || target.is_some_and(|target| target.name == host.name)
            }) {
                let message = format!("{} is no client of a controller", client.name);
                self.error(UNFIT_TARGET, place, message);
            }
        }
        if let Some(flood) = denial.flood {
            let rate = format!("{path}.flood.requests_per_s");
            self.within(rate, "per second", flood.requests_per_s, FLOOD_PER_S);
            self.time(format!("{path}.flood.duration"), flood.duration);
        }
        self.time(format!("{path}.duration"), denial.duration);
    }
}
