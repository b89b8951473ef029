//! Who reads and writes what by Modbus, with which values, and how often.
//!
//! Requests are taken per TCP segment. Real Modbus clients send one request per segment; a request
//! that is split over segments is reported as malformed rather than reassembled.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Range;

use sim_wire::modbus::{Adu, Request, Span, Table, function};

use crate::alert::{
    DEVICE_ID, End, Finding, MALFORMED, NEW_READER, NEW_WRITE, NEW_WRITER, POINT_SCAN,
    REQUEST_FLOOD, SAFETY_BYPASS, TOGGLE, VALUE, WRITE_BURST,
};
use crate::window::{Rate, SECOND_NS};

const CLIENTS: usize = 4_096;
const POINTS: usize = 65_536;
const POINTS_PER_CLIENT: usize = 1_024;
const SCAN_WINDOW_NS: u64 = 600 * SECOND_NS;
/// A host that reads what it never read is exploring when it does so for this many ranges …
const SCAN_RANGES: usize = 2;
/// … or for more than this many points at once.
const SCAN_POINTS: u16 = 32;
const BURST_WINDOW_NS: u64 = 10 * SECOND_NS;
const BURST_WRITES: usize = 10;
const FLOOD_REQUESTS: usize = 200;
const TOGGLE_WINDOW_NS: u64 = 60 * SECOND_NS;
/// More changes of what one client writes to one point in a window than this are no operation by hand.
const TOGGLE_CHANGES: usize = 6;
/// Function 17, which `sim_wire` leaves to devices that have it.
const REPORT_SERVER_ID: u8 = 17;

/// An entry of a table.
type Point = (Table, u16);

/// One request on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub(crate) t_ns: u64,
    pub(crate) learning: bool,
    pub(crate) client: Ipv4Addr,
    pub(crate) client_end: End,
    pub(crate) server: Ipv4Addr,
    /// Whether the frame comes from the hardware address that owns the client's address.
    pub(crate) is_genuine: bool,
}

impl Exchange {
    fn finding(&self, rule: &'static crate::alert::Rule, detail: String, note: String) -> Finding {
        let dst = End {
            port: Some(sim_wire::modbus::PORT),
            ..End::ip(self.server)
        };
        Finding {
            rule,
            src: self.client_end,
            dst,
            detail,
            note,
        }
    }
}

/// What one client does with one server.
#[derive(Debug)]
struct Client {
    /// Whether it is from the clean period.
    learned_reader: bool,
    learned_writer: bool,
    device_id: bool,
    read: Coverage,
    written: BTreeSet<Point>,
    /// What was last written to a point, and how often that changed.
    last: BTreeMap<Point, (u16, Rate)>,
    new_ranges: Rate,
    writes: Rate,
    requests: Rate,
}

impl Client {
    fn new() -> Self {
        Self {
            learned_reader: false,
            learned_writer: false,
            device_id: false,
            read: Coverage::default(),
            written: BTreeSet::new(),
            last: BTreeMap::new(),
            new_ranges: Rate::new(SCAN_WINDOW_NS),
            writes: Rate::new(BURST_WINDOW_NS),
            requests: Rate::new(BURST_WINDOW_NS),
        }
    }
}

/// The state of the Modbus rules.
#[derive(Debug, Default)]
pub(crate) struct ModbusWatch {
    clients: BTreeMap<(Ipv4Addr, Ipv4Addr), Client>,
    /// Lowest and highest value that was written to a register, by anybody who may.
    values: BTreeMap<(Ipv4Addr, u16), (u16, u16)>,
    /// Coils that bypass safety functions.
    bypasses: BTreeSet<(Ipv4Addr, u16)>,
}

impl ModbusWatch {
    /// Knows which coils bypass safety functions.
    pub(crate) fn new(bypasses: BTreeSet<(Ipv4Addr, u16)>) -> Self {
        Self {
            bypasses,
            ..Self::default()
        }
    }

    /// Tells of every bypass that is switched on, by whomever: the permit for it is not on the network.
    fn bypass(&self, exchange: &Exchange, request: &Request<'_>, out: &mut Vec<Finding>) {
        for ((table, address), value) in written_values(request) {
            let is_bypass = table == Table::Coils
                && value != 0
                && self.bypasses.contains(&(exchange.server, address));
            if is_bypass && !exchange.learning {
                let note = format!("coil {address} bypasses a safety function and was switched on");
                out.push(exchange.finding(&SAFETY_BYPASS, format!("coils {address}"), note));
            }
        }
    }

    /// Looks at one request.
    pub(crate) fn request(&mut self, exchange: &Exchange, adu: &Adu<'_>, out: &mut Vec<Finding>) {
        let key = (exchange.client, exchange.server);
        if self.clients.len() >= CLIENTS && !self.clients.contains_key(&key) {
            return;
        }
        let client = self.clients.entry(key).or_insert_with(Client::new);
        let count = client.requests.add(exchange.t_ns, exchange.learning);
        if client.requests.is_excess(count, FLOOD_REQUESTS, 5) {
            let note = format!("{count} requests in ten seconds");
            out.push(exchange.finding(&REQUEST_FLOOD, String::new(), note));
        }
        let request = match adu.request() {
            Ok(request) => request,
            Err(_) if adu.function() == REPORT_SERVER_ID => {
                client.device_identification(exchange, out);
                return;
            }
            Err(error) => {
                if !exchange.learning {
                    out.push(exchange.finding(&MALFORMED, String::new(), error.to_string()));
                }
                return;
            }
        };
        if matches!(request, Request::ReadDeviceIdentification { .. }) {
            client.device_identification(exchange, out);
        }
        if let Some(span) = request.read_span() {
            client.read(exchange, span, out);
        }
        if let Some(span) = request.write_span() {
            self.bypass(exchange, &request, out);
            self.write(exchange, &request, span, out);
        }
    }

    /// Looks at bytes to the Modbus port that are no whole request.
    pub(crate) fn malformed(exchange: &Exchange, bytes: usize) -> Option<Finding> {
        let note = format!("{bytes} bytes that are no whole request");
        (!exchange.learning).then(|| exchange.finding(&MALFORMED, String::new(), note))
    }

    fn write(
        &mut self,
        exchange: &Exchange,
        request: &Request<'_>,
        span: Span,
        out: &mut Vec<Finding>,
    ) {
        let key = (exchange.client, exchange.server);
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        let count = client.writes.add(exchange.t_ns, exchange.learning);
        let function_name = function::name(request.function()).unwrap_or("?");
        if client.writes.is_excess(count, BURST_WRITES, 3) {
            let note = format!("{count} writes in ten seconds");
            out.push(exchange.finding(&WRITE_BURST, String::new(), note));
        }
        if exchange.learning {
            client.learned_writer = true;
        }
        client.toggles(exchange, request, out);
        let may_write = client.learned_writer && exchange.is_genuine;
        let point = format!("{} {}", span.table.name(), span.address);
        if !may_write {
            // Each point by itself: a second command must not hide behind the hold-off of the first.
            let note = format!("{function_name}: {point}, {} long", span.quantity);
            out.push(exchange.finding(&NEW_WRITER, point.clone(), note));
        }
        let mut is_new = false;
        for address in span
            .addresses()
            .filter_map(|address| u16::try_from(address).ok())
        {
            if !client.written.contains(&(span.table, address)) {
                is_new = true;
                if may_write && client.written.len() < POINTS {
                    // Reported once, then part of what this writer does.
                    client.written.insert((span.table, address));
                }
            }
        }
        if is_new && may_write && !exchange.learning {
            let note = format!("{function_name}: {point}, {} long", span.quantity);
            out.push(exchange.finding(&NEW_WRITE, point, note));
        }
        self.check_values(exchange, request, may_write, out);
    }

    fn check_values(
        &mut self,
        exchange: &Exchange,
        request: &Request<'_>,
        may_write: bool,
        out: &mut Vec<Finding>,
    ) {
        for ((table, address), value) in written_values(request) {
            if table != Table::HoldingRegisters {
                continue;
            }
            let known = self.values.get(&(exchange.server, address)).copied();
            let is_outside = known.is_none_or(|(low, high)| value < low || value > high);
            // A register that a known writer writes for the first time is a new write, reported
            // above.
            if is_outside && !exchange.learning && (known.is_some() || !may_write) {
                let learned = known.map_or_else(
                    || "never written in the clean period".to_owned(),
                    |(low, high)| format!("learned {low} to {high}"),
                );
                let note = format!("holding register {address} = {value}, {learned}");
                // A stranger's next value is another change of the parameter, a known writer's is not.
                let detail = if may_write {
                    format!("holding_registers {address}")
                } else {
                    format!("holding_registers {address} = {value}")
                };
                out.push(exchange.finding(&VALUE, detail, note));
            }
            if may_write && (known.is_some() || self.values.len() < POINTS) {
                let (low, high) = known.unwrap_or((value, value));
                self.values.insert(
                    (exchange.server, address),
                    (low.min(value), high.max(value)),
                );
            }
        }
    }
}

impl Client {
    fn device_identification(&mut self, exchange: &Exchange, out: &mut Vec<Finding>) {
        if exchange.learning {
            self.device_id = true;
        } else if !self.device_id {
            out.push(exchange.finding(&DEVICE_ID, String::new(), "identification read".into()));
        }
    }

    /// Counts how often what is written to a point changes.
    fn toggles(&mut self, exchange: &Exchange, request: &Request<'_>, out: &mut Vec<Finding>) {
        for (point, value) in written_values(request) {
            if self.last.len() >= POINTS_PER_CLIENT && !self.last.contains_key(&point) {
                continue;
            }
            let (last, changes) = self
                .last
                .entry(point)
                .or_insert_with(|| (value, Rate::new(TOGGLE_WINDOW_NS)));
            if std::mem::replace(last, value) == value {
                continue;
            }
            let count = changes.add(exchange.t_ns, exchange.learning);
            if changes.is_excess(count, TOGGLE_CHANGES, 3) {
                let what = format!("{} {}", point.0.name(), point.1);
                let note = format!("{what} was changed {count} times in a minute");
                out.push(exchange.finding(&TOGGLE, what, note));
            }
        }
    }

    fn read(&mut self, exchange: &Exchange, span: Span, out: &mut Vec<Finding>) {
        let is_new = self.read.add(span);
        if exchange.learning {
            self.learned_reader = true;
            return;
        }
        let what = format!(
            "{} {}, {} long",
            span.table.name(),
            span.address,
            span.quantity
        );
        if !self.learned_reader {
            out.push(exchange.finding(&NEW_READER, String::new(), what.clone()));
        }
        if !is_new {
            return;
        }
        let ranges = self.new_ranges.add(exchange.t_ns, false);
        if self.learned_reader || ranges > SCAN_RANGES || span.quantity > SCAN_POINTS {
            out.push(exchange.finding(&POINT_SCAN, String::new(), what));
        }
    }
}

/// What a request writes, point by point. Masks change bits that the request alone does not tell.
fn written_values(request: &Request<'_>) -> Vec<(Point, u16)> {
    let register = |(address, value)| ((Table::HoldingRegisters, address), value);
    let coil = |(address, on)| ((Table::Coils, address), u16::from(on));
    match *request {
        Request::WriteSingleCoil { address, on } => vec![coil((address, on))],
        Request::WriteMultipleCoils { address, bits } => {
            (address..=u16::MAX).zip(bits.iter()).map(coil).collect()
        }
        Request::WriteSingleRegister { address, value } => vec![register((address, value))],
        Request::WriteMultipleRegisters { address, values }
        | Request::ReadWriteMultipleRegisters {
            write_address: address,
            values,
            ..
        } => (address..=u16::MAX)
            .zip(values.iter())
            .map(register)
            .collect(),
        _ => Vec::new(),
    }
}

/// A set of points, as merged ranges per table.
#[derive(Debug, Default)]
struct Coverage(BTreeMap<Table, Vec<Range<u32>>>);

impl Coverage {
    /// Adds a span; whether any of its points is new.
    fn add(&mut self, span: Span) -> bool {
        let ranges = self.0.entry(span.table).or_default();
        let mut added = span.addresses();
        if ranges
            .iter()
            .any(|range| range.start <= added.start && added.end <= range.end)
        {
            return false;
        }
        ranges.retain(|range| {
            let touches = range.start <= added.end && added.start <= range.end;
            if touches {
                added.start = added.start.min(range.start);
                added.end = added.end.max(range.end);
            }
            !touches
        });
        // Ranges neither overlap nor touch, so a table of 65536 points has at most half as many.
        ranges.push(added);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_when_ranges_touch_then_they_merge() {
        let mut coverage = Coverage::default();
        let mut add = |address, quantity| {
            coverage.add(Span {
                table: Table::Coils,
                address,
                quantity,
            })
        };
        assert!(add(0, 10));
        assert!(!add(3, 7));
        assert!(add(20, 5));
        assert!(add(10, 10), "fills the gap");
        assert!(!add(0, 25));
        assert!(add(65_535, 1));
    }
}
