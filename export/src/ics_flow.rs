//! ICS-Flow: a row per flow, with the columns of the data set and its two ways of labelling.
//!
//! A flow is what two addresses exchanged in one protocol from its first packet on, until a packet is captured that
//! comes more than an interval later than that first one. The two sides are not who asked and who answered: `s` is the
//! address that is less **as text**, so that `10.0.0.10` comes before `10.0.0.9`.
//!
//! `IT_*` is 1 if the flow overlaps an attack in time, `NST_*` if an address of the attacker's is in it beside that.
//! The attacks stand in `attacker_machine_summary.csv`, from which the data set's own generator makes the same labels.
//!
//! # Source
//!
//! Dehlaghi-Ghadim et al., *Anomaly Detection Dataset for Industrial Control Systems*, IEEE Access 11 (2023);
//! ICSFlowGenerator (AlirezaDehlaghi/ICSFlow `64edf0e`) for columns, arithmetic and rounding; its simulator's
//! `AttackerMachine.py` for the list of attacks.

mod flow;
mod packet;

use std::collections::{BTreeMap, VecDeque};

use twinrange_score::attack;

use crate::frames::walk;
use crate::log::{RunLog, Scope, Step, unix_ns};
use crate::out::Stop;
use crate::tabular::time;
use crate::work::{Piece, Work};
use flow::{COLUMNS, Flow, seconds};
use packet::{Key, Packet};

/// Interval of flows where none is asked for, ns: that of the generator's own examples.
pub(crate) const INTERVAL_NS: u64 = 500_000_000;

/// What a flow is labelled as that no attack overlaps.
const NORMAL: &str = "Normal";

/// Columns of the labels, behind all others.
const LABELS: [&str; 4] = ["IT_B_Label", "IT_M_Label", "NST_B_Label", "NST_M_Label"];

/// Columns of the list of attacks.
const SUMMARY: [&str; 8] = [
    "attack",
    "startStamp",
    "endStamp",
    "startTime",
    "endTime",
    "attackerMAC",
    "attackerIP",
    "description",
];

/// The form of a time in the list of attacks and in `startDate` and `endDate`.
const TIME: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// An attack as the data set lists it.
struct Attack {
    class: &'static str,
    start_ns: u64,
    end_ns: u64,
    /// What it was: the step, or the quantity that is away.
    name: String,
}

/// The attacks of a run, and who attacks.
struct Attacks {
    list: Vec<Attack>,
    mac: String,
    ip: String,
}

/// Writes the export.
pub(crate) fn write(work: &Work<'_>, interval_ns: u64) -> Result<(), Stop> {
    let mut foreign = 0;
    for &scope in &work.order.scopes {
        let name = scope.name();
        let attacks = Attacks::of(&work.order.run.log, scope);
        summary(
            work,
            &format!("{name}/attacker_machine_summary.csv"),
            &attacks,
        )?;
        for (piece, part) in work.pieces() {
            foreign = 0;
            for span in piece.run.folder.spans() {
                let path = format!("{name}/{part}/{span}.csv");
                foreign += flows(work, piece, span, &path, interval_ns, &attacks)?;
            }
        }
    }
    if foreign > 0 {
        work.remark(format!(
            "{foreign} frames of the part to be tested on have no Ethernet type and are in no flow."
        ));
    }
    Ok(())
}

/// Writes the flows of a piece, and gives the number of frames that belong to none.
fn flows(
    work: &Work<'_>,
    piece: &Piece<'_>,
    span: &str,
    path: &str,
    interval_ns: u64,
    attacks: &Attacks,
) -> Result<u64, Stop> {
    let mut foreign = 0;
    work.out.file(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(COLUMNS.iter().chain(&LABELS))?;
        let (mut open, mut order) = (BTreeMap::<Key, Flow>::new(), VecDeque::<(u64, Key)>::new());
        let (mut first_ns, mut rows) = (None, 0);
        let mut close = |flow: &Flow, first_ns: u64| -> Result<(), Stop> {
            let mut cells = flow.cells(first_ns);
            cells.extend(attacks.labels(flow));
            csv.write_record(&cells)?;
            rows += 1;
            Ok(())
        };
        walk(piece, span, work.out, |_, frame, _| {
            let start_ns = *first_ns.get_or_insert(frame.t_ns);
            while let Some((at, _)) = order.front()
                && at + interval_ns < frame.t_ns
            {
                let (_, key) = order.pop_front().expect("it was there");
                let flow = open.remove(&key).expect("what is in line is open");
                close(&flow, start_ns)?;
            }
            let Some(packet) = Packet::of(&frame.bytes, frame.t_ns) else {
                foreign += 1;
                return Ok(());
            };
            let key = packet.key();
            let flow = open.entry(key.clone()).or_insert_with(|| {
                order.push_back((frame.t_ns, key.clone()));
                Flow::new(key)
            });
            flow.add(&packet);
            Ok(())
        })?;
        for (_, key) in order {
            close(&open[&key], first_ns.unwrap_or_default())?;
        }
        csv.flush()?;
        Ok(rows)
    })?;
    Ok(foreign)
}

/// Writes the list of attacks.
fn summary(work: &Work<'_>, path: &str, attacks: &Attacks) -> Result<(), Stop> {
    work.out.file(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(SUMMARY)?;
        for attack in &attacks.list {
            let (start, end) = (unix_ns(attack.start_ns), unix_ns(attack.end_ns));
            // Readers split at commas and know no quotes.
            let name = attack.name.replace([',', '"', '\n', '\r'], "_");
            csv.write_record([
                attack.class,
                &seconds(start),
                &seconds(end),
                &time(start, TIME),
                &time(end, TIME),
                &attacks.mac,
                &attacks.ip,
                &name,
            ])?;
        }
        csv.flush()?;
        Ok(attacks.list.len() as u64)
    })
}

impl Attacks {
    /// The attacks in one sense of the word, in the order of their beginning.
    ///
    /// An effect is no attack of any class; it has that of the last step that had begun by then.
    fn of(log: &RunLog, scope: Scope) -> Self {
        let began = |at_ns: u64| {
            let steps = log
                .steps
                .iter()
                .filter_map(|step| Some((step.interval?.0, step)));
            let earlier = steps.filter(|(start_ns, _)| *start_ns <= at_ns);
            earlier
                .max_by_key(|(start_ns, _)| *start_ns)
                .map(|(_, step)| step)
        };
        let spans = log.spans(scope).into_iter();
        let list = spans.map(|span| Attack {
            class: match scope {
                Scope::Command => log.step(&span.name).map_or("other", class),
                Scope::Effect => began(span.start_ns).map_or("other", class),
            },
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            name: span.name,
        });
        let host = log.attacker.as_deref().and_then(|host| log.asset(host));
        let text = |field: Option<&String>| field.cloned().unwrap_or_default();
        Self {
            list: list.collect(),
            mac: text(host.and_then(|host| host.mac.as_ref())),
            ip: text(host.and_then(|host| host.ip.as_ref())),
        }
    }

    /// The four labels of a flow. Of several attacks the last in the list counts.
    fn labels(&self, flow: &Flow) -> [String; 4] {
        let (start_ns, end_ns) = flow.interval();
        let mut at_once = self
            .list
            .iter()
            .filter(|attack| attack.start_ns < end_ns && attack.end_ns > start_ns);
        let (injected, seen) = match at_once.next_back() {
            Some(last) if flow.holds(&self.mac, &self.ip) => (last.class, last.class),
            Some(last) => (last.class, NORMAL),
            None => (NORMAL, NORMAL),
        };
        let flag = |class| if class == NORMAL { "0" } else { "1" };
        [flag(injected), injected, flag(seen), seen].map(str::to_owned)
    }
}

/// The data set's name for what a step does, or ours where it has none.
fn class(step: &Step) -> &'static str {
    let is_port_scan = |id: &String| attack::canonical(id) == "T0846.001";
    match step.record.action.as_str() {
        "Scan" if step.record.techniques.iter().any(is_port_scan) => "port-scan",
        "Scan" => "ip-scan",
        "DenialOfService" => "ddos",
        "AdversaryInTheMiddle" => "mitm",
        "Identify" | "UploadProgram" => "read",
        "Write" | "Drift" | "BruteForceIo" => "write",
        "DownloadProgram" | "Firmware" => "download",
        "SetMode" | "Restart" | "ChangeTask" | "Force" => "command",
        _ => "other",
    }
}
