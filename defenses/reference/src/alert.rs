//! What the defense reports: the rules, the hold-off, and the normal form of an alert.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use sim_wire::MacAddr;

use crate::window::SECOND_NS;

/// One rule of this defense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    name: &'static str,
    severity: u8,
    proto: &'static str,
    /// Techniques that the evidence supports; none where it only shows that something is new.
    techniques: &'static [&'static str],
    tactics: &'static [&'static str],
}

macro_rules! rules {
    ($($konst:ident: $id:literal, $name:literal, $severity:literal, $proto:literal,
       [$($technique:literal),*], [$($tactic:literal),*];)*) => {
        $(pub(crate) static $konst: Rule = Rule {
            id: $id, name: $name, severity: $severity, proto: $proto,
            techniques: &[$($technique),*], tactics: &[$($tactic),*],
        };)*
        /// All rules, for documentation and tests.
        #[cfg(test)]
        pub(crate) static ALL: &[&Rule] = &[$(&$konst),*];
    };
}

rules! {
    NEW_MAC: "new-mac", "New hardware address", 5, "ethernet", [], [];
    NEW_IP: "new-ip", "New IP address", 5, "ip", [], [];
    NEW_PAIR: "new-talker-pair", "Hosts that never talked before", 6, "tcp", [], [];
    ARP_CHANGE: "arp-binding-change", "IP address claimed by another hardware address", 8, "arp",
        ["T0830"], ["TA0100"];
    ARP_STORM: "arp-unsolicited-replies", "ARP replies that nobody asked for", 7, "arp",
        ["T0830"], ["TA0100"];
    MAC_MISMATCH: "ip-mac-mismatch", "IP packets from another hardware address than usual", 8, "ip",
        ["T0830"], ["TA0100"];
    REWRITTEN: "forwarded-and-rewritten", "TCP segment seen twice with different content", 9, "tcp",
        ["T1692.002", "T0832"], ["TA0103", "TA0106", "TA0105"];
    ARP_SWEEP: "arp-sweep", "ARP requests for many addresses", 6, "arp", ["T0846"], ["TA0102"];
    PORT_SCAN: "tcp-scan", "Connection attempts to many hosts or ports", 7, "tcp",
        ["T0846.001"], ["TA0102"];
    FLOOD: "connection-flood", "Far more new connections to a server than usual", 8, "tcp",
        ["T0814"], ["TA0107"];
    REQUEST_FLOOD: "request-flood", "Far more Modbus requests to a server than usual", 8, "modbus",
        ["T0814"], ["TA0107"];
    DEVICE_ID: "modbus-device-id", "Device identification asked by a host that never did", 6, "modbus",
        ["T0888"], ["TA0102"];
    NEW_READER: "modbus-new-reader", "Modbus reads from a host that never read", 6, "modbus", [], [];
    POINT_SCAN: "modbus-point-scan", "Modbus reads over points that the host never read", 7, "modbus",
        ["T0861"], ["TA0100"];
    NEW_WRITER: "modbus-new-writer", "Modbus write from a host that never wrote", 9, "modbus",
        ["T1692.001"], ["TA0103", "TA0106"];
    NEW_WRITE: "modbus-new-write", "Modbus write to a point that the host never wrote", 6, "modbus",
        ["T1692.001"], ["TA0103", "TA0106"];
    SAFETY_BYPASS: "safety-bypass", "A safety function was bypassed", 9, "modbus",
        ["T0837"], ["TA0105"];
    VALUE: "modbus-value-range", "Register written with a value outside what was learned", 8, "modbus",
        ["T0836"], ["TA0106"];
    WRITE_BURST: "modbus-write-burst", "Far more Modbus writes than usual", 8, "modbus",
        ["T0806"], ["TA0106"];
    TOGGLE: "modbus-toggling", "One point written back and forth", 8, "modbus",
        ["T0806"], ["TA0106"];
    PROGRAM_READ: "program-read", "Program read out of a controller by a host that never did", 7, "modbus",
        ["T0845"], ["TA0100"];
    PROGRAM_CHANGE: "program-change", "A controller runs another program than it should", 9, "modbus",
        ["T0889", "T0843"], ["TA0110", "TA0109"];
    MODE_CHANGE: "mode-change", "A controller was taken out of its mode", 8, "modbus",
        ["T0858"], ["TA0104", "TA0103"];
    RESTARTED: "controller-restart", "A controller was restarted over the network", 7, "modbus",
        ["T0816"], ["TA0107"];
    FORCE_CHANGE: "force-change", "Inputs or outputs of a controller are forced, or no longer", 8, "modbus",
        ["T0835"], ["TA0107"];
    TASK_CHANGE: "task-change", "The scan period of a controller was changed", 8, "modbus",
        ["T0821"], ["TA0104"];
    FIRMWARE_CHANGE: "firmware-change", "A controller has another firmware than it should", 9, "modbus",
        ["T1693.001"], ["TA0110", "TA0107"];
    SESSION_REFUSED: "engineering-refused", "A controller refused an engineering command", 6, "modbus",
        [], [];
    MALFORMED: "modbus-malformed-request", "Bytes to port 502 that are no whole Modbus request", 5,
        "modbus", [], [];
    SUPPRESSED: "alerts-suppressed", "A rule fired too often; its alerts are held back", 4, "any", [], [];
}

/// One end of what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) ip: Option<Ipv4Addr>,
    pub(crate) mac: Option<MacAddr>,
    pub(crate) port: Option<u16>,
}

impl End {
    pub(crate) fn ip(ip: Ipv4Addr) -> Self {
        Self {
            ip: Some(ip),
            ..Self::default()
        }
    }

    pub(crate) fn mac(mac: MacAddr) -> Self {
        Self {
            mac: Some(mac),
            ..Self::default()
        }
    }
}

/// A rule that fired, before hold-off.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static Rule,
    pub(crate) src: End,
    pub(crate) dst: End,
    /// What makes two findings of a rule the same beside the two ends, such as a register.
    pub(crate) detail: String,
    /// The numbers behind it, for people.
    pub(crate) note: String,
}

/// Names of hosts by address, from the inventory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) by_ip: BTreeMap<Ipv4Addr, String>,
    pub(crate) by_mac: BTreeMap<MacAddr, String>,
}

impl Names {
    /// The address of the host with a name.
    pub(crate) fn address_of(&self, name: &str) -> Option<Ipv4Addr> {
        let mut known = self.by_ip.iter();
        known.find(|(_, host)| *host == name).map(|(&ip, _)| ip)
    }

    /// The name behind an end. The hardware address counts first: it is harder to borrow unseen.
    pub(crate) fn of(&self, end: &End) -> Option<&str> {
        let by_mac = end.mac.and_then(|mac| self.by_mac.get(&mac));
        by_mac
            .or_else(|| end.ip.and_then(|ip| self.by_ip.get(&ip)))
            .map(String::as_str)
    }
}

/// Where and when a finding was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) t_ns: u64,
    /// Span and number of the frame; `None` for a line of the log.
    pub(crate) frame: Option<(&'a str, u64)>,
}

/// First pause between two alerts about the same thing, ns; doubles with each up to the longest.
const HOLD_OFF_NS: u64 = 600 * SECOND_NS;
const HOLD_OFF_MOST_NS: u64 = 6 * 3600 * SECOND_NS;
/// Most alerts of one rule within [`BUDGET_WINDOW_NS`], whatever their sources and targets.
const BUDGET: usize = 20;
const BUDGET_WINDOW_NS: u64 = 60 * SECOND_NS;
/// Most things whose hold-off is remembered; the oldest go first.
const LEDGER_ENTRIES: usize = 16_384;

type Key = (&'static str, End, End, String);

/// Decides which findings become alerts.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    held: BTreeMap<Key, Held>,
    order: VecDeque<Key>,
    recent: BTreeMap<&'static str, VecDeque<u64>>,
    silenced_until_ns: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    until_ns: u64,
    pause_ns: u64,
}

impl Ledger {
    /// The alert for a finding, or `None` while its hold-off lasts.
    pub(crate) fn admit(
        &mut self,
        finding: &Finding,
        place: Place<'_>,
        names: &Names,
    ) -> Option<Value> {
        // Source ports change with every connection and must not defeat the hold-off.
        let without_port = |end: End| End { port: None, ..end };
        let key: Key = (
            finding.rule.id,
            without_port(finding.src),
            without_port(finding.dst),
            finding.detail.clone(),
        );
        let pause_ns = match self.held.get(&key) {
            Some(held) if place.t_ns < held.until_ns => return None,
            Some(held) => (2 * held.pause_ns).min(HOLD_OFF_MOST_NS),
            None => HOLD_OFF_NS,
        };
        if !self.has_budget(finding.rule.id, place.t_ns) {
            return self.silence(finding.rule, place);
        }
        if self
            .held
            .insert(
                key.clone(),
                Held {
                    until_ns: place.t_ns + pause_ns,
                    pause_ns,
                },
            )
            .is_none()
        {
            self.order.push_back(key);
            if self.order.len() > LEDGER_ENTRIES
                && let Some(oldest) = self.order.pop_front()
            {
                self.held.remove(&oldest);
            }
        }
        Some(alert(finding, place, names))
    }

    fn has_budget(&mut self, rule: &'static str, t_ns: u64) -> bool {
        let recent = self.recent.entry(rule).or_default();
        while recent
            .front()
            .is_some_and(|&first| first + BUDGET_WINDOW_NS <= t_ns)
        {
            recent.pop_front();
        }
        if recent.len() == BUDGET {
            return false;
        }
        recent.push_back(t_ns);
        true
    }

    /// One alert that a rule is being held back, then silence about it for a while.
    fn silence(&mut self, rule: &'static Rule, place: Place<'_>) -> Option<Value> {
        let until_ns = self.silenced_until_ns.entry(rule.id).or_default();
        if place.t_ns < *until_ns {
            return None;
        }
        *until_ns = place.t_ns + HOLD_OFF_NS;
        let finding = Finding {
            rule: &SUPPRESSED,
            src: End::default(),
            dst: End::default(),
            detail: rule.id.to_owned(),
            note: format!("{} fired more than {BUDGET} times in a minute", rule.id),
        };
        Some(alert(&finding, place, &Names::default()))
    }
}

fn alert(finding: &Finding, place: Place<'_>, names: &Names) -> Value {
    let rule = finding.rule;
    let mut alert = json!({
        "t_ns": place.t_ns,
        "sig_id": rule.id,
        "sig_name": rule.name,
        "sensor": place.frame.map_or("log", |(span, _)| span),
        "severity": rule.severity,
        "src": end(&finding.src, names),
        "dst": end(&finding.dst, names),
        "proto": rule.proto,
        "techniques": rule.techniques,
        "tactics": rule.tactics,
        "technique_source": if rule.techniques.is_empty() { "none" } else { "native" },
        "action": "none",
        "raw": {"note": finding.note},
    });
    if let Some((span, frame)) = place.frame {
        alert["span"] = json!(span);
        alert["frame"] = json!(frame);
    }
    alert
}

fn end(end: &End, names: &Names) -> Value {
    let mut object = serde_json::Map::new();
    if let Some(ip) = end.ip {
        object.insert("ip".into(), json!(ip.to_string()));
    }
    if let Some(port) = end.port {
        object.insert("port".into(), json!(port));
    }
    if let Some(mac) = end.mac {
        object.insert("mac".into(), json!(mac.to_string()));
    }
    if let Some(name) = names.of(end) {
        object.insert("asset".into(), json!(name));
    }
    if object.is_empty() {
        Value::Null
    } else {
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(last_byte: u8) -> Finding {
        Finding {
            rule: &NEW_IP,
            src: End {
                port: Some(1000),
                ..End::ip(Ipv4Addr::new(10, 20, 1, last_byte))
            },
            dst: End::default(),
            detail: String::new(),
            note: String::new(),
        }
    }

    fn admit(ledger: &mut Ledger, last_byte: u8, t_s: u64) -> Option<String> {
        let place = Place {
            t_ns: t_s * SECOND_NS,
            frame: Some(("cell", 1)),
        };
        let alert = ledger.admit(&finding(last_byte), place, &Names::default())?;
        Some(alert["sig_id"].as_str().expect("always there").to_owned())
    }

    #[test]
    fn finding_when_repeated_then_the_hold_off_doubles() {
        let mut ledger = Ledger::default();
        let admitted: Vec<u64> = (0..5000)
            .filter(|&t_s| admit(&mut ledger, 1, t_s).is_some())
            .collect();
        assert_eq!(admitted, [0, 600, 1800, 4200]);
        assert!(
            admit(&mut ledger, 2, 5000).is_some(),
            "another source is another finding"
        );
    }

    #[test]
    fn rule_when_it_fires_for_many_sources_then_one_alert_says_so() {
        let mut ledger = Ledger::default();
        let alerts: Vec<String> = (0..200)
            .filter_map(|byte| admit(&mut ledger, byte, 10))
            .collect();
        assert_eq!(alerts.len(), BUDGET + 1);
        assert_eq!(alerts.last().map(String::as_str), Some("alerts-suppressed"));
    }

    #[test]
    fn rules_when_listed_then_ids_are_unique_and_techniques_well_formed() {
        let mut ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        for rule in ALL {
            assert_eq!(
                rule.techniques.is_empty(),
                rule.tactics.is_empty(),
                "{}",
                rule.id
            );
            assert!(
                rule.techniques
                    .iter()
                    .all(|id| id.starts_with('T') && id.len() >= 5)
            );
        }
    }
}
