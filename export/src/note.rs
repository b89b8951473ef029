//! `labels.json`: what the labels of an export mean, and where its values come from.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::run_folder::paths;

use crate::batadal;
use crate::hai;
use crate::log::{Scope, unix_ns};
use crate::out::Written;
use crate::table::Column;
use crate::tabular::time;
use crate::work::{Format, Piece, Values, Work};

/// Version of `labels.json`.
pub const NOTE_SCHEMA: u32 = 1;

/// The content of `labels.json`.
///
/// # Arguments
///
/// * `columns` — of the table, for formats that have one.
/// * `files` — all that was written.
pub(crate) fn note(
    work: &Work<'_>,
    columns: &[Column],
    files: &BTreeMap<String, Written>,
) -> Value {
    let order = work.order;
    let log = &order.run.log;
    let has_values = order.format.has_values();
    let scopes = order
        .scopes
        .iter()
        .map(|scope| (scope.name(), scope_note(work, *scope)));
    let scopes: serde_json::Map<String, Value> =
        scopes.map(|(name, note)| (name.to_owned(), note)).collect();
    let parts = hai::parts(log);
    let numbered = (1..)
        .zip(parts)
        .filter_map(|(number, part)| Some((format!("attack_P{number}"), part?)));
    let numbered: BTreeMap<String, &str> = numbered.collect();
    let tags: Vec<Value> = columns.iter().map(tag).collect();
    json!({
        "kind": "twinrange-export",
        "schema": NOTE_SCHEMA,
        "format": order.format.name(),
        "run": {
            "scenario": log.scenario,
            "seed": log.seed,
            "range_version": log.version,
            "digest": log.digest,
            "simulated_ns": log.duration_ns,
            "attacked": log.attacker.is_some(),
        },
        "epoch": time(EPOCH_UNIX_NS, "%Y-%m-%dT%H:%M:%SZ"),
        "epoch_unix_ns": EPOCH_UNIX_NS,
        "time_zone": "UTC",
        "period_ns": work.period_ns,
        "stamp_period_ns": stamp_period(work),
        "values": has_values.then_some(match order.values {
            Values::Historian => "historian",
            Values::Truth => "truth",
        }),
        "label_scope": scopes,
        "split": {
            "train": work.split.train.as_ref().map(|piece| piece_note(work, piece)),
            "test": piece_note(work, &work.split.test),
        },
        "parts": (order.format == Format::Hai).then_some(numbered),
        "tags": tags,
        "sources": sources(work),
        "files": files,
        "rules": rules(work),
        "remarks": work.remarks(),
    })
}

/// Time between two stamps, where it is not the period.
fn stamp_period(work: &Work<'_>) -> Option<u64> {
    let period_ns = work.period_ns?;
    if work.order.format == Format::Batadal && !batadal::is_true_to_time(period_ns) {
        return Some(batadal::HOUR_NS);
    }
    Some(period_ns)
}

fn tag(column: &Column) -> Value {
    json!({
        "name": column.name,
        "unit": column.unit,
        "description": column.description,
        "controller": column.controller,
        "rows_before_first_sample": column.rows_before_first,
    })
}

fn scope_note(work: &Work<'_>, scope: Scope) -> Value {
    let log = &work.order.run.log;
    let meaning = match scope {
        Scope::Command => "the attacker is at work: from the first frame of a step to its end",
        Scope::Effect => {
            "the process is away from its unattacked twin, or breaks a limit that the twin keeps"
        }
    };
    let intervals: Vec<Value> = match scope {
        Scope::Command => log
            .steps
            .iter()
            .filter_map(|step| {
                let (start_ns, end_ns) = step.interval?;
                Some(json!({
                    "step": step.record.id,
                    "title": step.record.title,
                    "techniques": step.record.techniques,
                    "hosts": step.record.hosts,
                    "start_ns": start_ns,
                    "end_ns": end_ns,
                }))
            })
            .collect(),
        Scope::Effect => log
            .effects
            .iter()
            .map(|effect| {
                json!({
                    "name": effect.name,
                    "kind": effect.kind,
                    "start_ns": effect.start_ns,
                    "end_ns": effect.end_ns,
                })
            })
            .collect(),
    };
    let totals = (scope == Scope::Effect).then_some(&log.shifted_totals);
    json!({ "meaning": meaning, "intervals": intervals, "totals_not_labelled": totals })
}

fn piece_note(work: &Work<'_>, piece: &Piece<'_>) -> Value {
    let is_other = work
        .order
        .train
        .is_some_and(|train| std::ptr::eq(train, piece.run));
    let log = &piece.run.log;
    let to_ns = piece.to_ns.unwrap_or(log.duration_ns);
    json!({
        "source": if is_other { "another run" } else { "the run" },
        "digest": log.digest,
        "seed": log.seed,
        "from_ns": piece.from_ns,
        "to_ns": to_ns,
        "from": time(unix_ns(piece.from_ns), "%Y-%m-%dT%H:%M:%S%.fZ"),
        "to": time(unix_ns(to_ns), "%Y-%m-%dT%H:%M:%S%.fZ"),
    })
}

/// The files of the run folder that were read.
fn sources(work: &Work<'_>) -> Vec<String> {
    let order = work.order;
    let mut sources = vec![paths::ATTACK.to_owned()];
    if order.format.period_ns().is_some() || order.format == Format::PcapLabels {
        sources.extend([paths::IMPACT.to_owned(), paths::PROCESS.to_owned()]);
    }
    if order.format.has_values() && order.values == Values::Historian {
        sources.push(paths::TAGS.to_owned());
    }
    if matches!(
        order.format,
        Format::Ipal | Format::PcapLabels | Format::CicModbus | Format::IcsFlow
    ) {
        sources.push(paths::FRAMES.to_owned());
        sources.extend(order.run.folder.spans().map(paths::capture));
    }
    if matches!(
        order.format,
        Format::AttackFlow | Format::Stix | Format::IcsFlow
    ) {
        sources.push(paths::ASSETS.to_owned());
    }
    sources
}

/// What holds for the format, in sentences.
fn rules(work: &Work<'_>) -> Vec<&'static str> {
    let mut rules = vec!["Intervals are half-open, in simulated ns since the epoch."];
    if work.order.format.has_rows() {
        rules.extend([
            "Row k is the time [k * period, (k + 1) * period) and is stamped with its beginning.",
            "A row is labelled if an interval has any part in it.",
        ]);
    }
    if work.order.format.has_values() {
        rules.push(
            "A value is the last sample before the end of its row; before the first sample it is that sample.",
        );
    }
    rules.extend(match work.order.format {
        Format::Ipal => &[
            "`end` in attacks.json is the last labelled row, included. Steps that overlap or touch are one attack there, \
             and apart in attacks-steps.json.",
            "A message is malicious if the attacker sent it or it answers the attacker. A diverted one is an honest message \
             on its way to the attacker, and benign.",
        ][..],
        Format::Swat => &["`Normal/Attack` is text; times are day/month/year in UTC."][..],
        Format::Wadi => &["In the last column 1 is normal and -1 is attack."][..],
        Format::Hai => &[
            "Label of the whole: `attack` (21.03), `label` (23.05). attack_P1 and so on are the controllers under `parts`; \
             a column without one is always 0.",
        ][..],
        Format::Etapr => &[
            "Lines count from 0 at the beginning of the part to be tested on, as rows of `hai` with the same options do.",
            "In a stream 1 is normal and -1 an anomaly. Both ends of a range are part of it.",
        ][..],
        Format::Batadal => &[
            "Rows are stamped `stamp_period_ns` apart, since DATETIME knows hours alone; they are `period_ns` apart.",
            "ATT_FLAG is 1 for attack and 0 for normal, or -999 for normal where that was asked for.",
        ][..],
        Format::CicModbus => &[
            "The log is joined on time (microseconds, UTC), target and transaction id; a packet without a transaction has \
             none.",
        ][..],
        Format::PcapLabels => &[
            "`frame` counts in the capture beside it, `run_frame` in the run's own.",
            "`label` and `step` are of the frame; `command` and `effect` say whether its time lies in an interval.",
        ][..],
        Format::IcsFlow => &[
            "A flow is what two addresses exchanged in one protocol, from its first packet until one comes more than \
             `period_ns` later. `s` is the address that is less as text, and not who began.",
            "IT: the flow overlaps an attack of attacker_machine_summary.csv. NST: an address of the attacker's is in it \
             beside that. Of several attacks the last counts.",
            "An effect has the class of the last step that had begun by then.",
        ][..],
        Format::AttackFlow | Format::Navigator | Format::Stix => {
            &["The format tells of an attack, not of samples: it has no part to learn from."][..]
        }
    });
    rules
}
