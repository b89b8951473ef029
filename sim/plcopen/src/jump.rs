//! Bodies with jumps, labels and returns.
//!
//! Structured Text has no jumps. A forward jump becomes a variable, and what it passes over is done only
//! while that is FALSE. The unit is the network, all elements that are connected with each other:
//! IEC 61131-3:2013, 8.1.3, has networks executed from top to bottom, and labels stand in front of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::graph::{Graph, Item, Kind};
use crate::network::{Network, in_order};
use crate::power::Power;
use crate::problems;
use crate::scope::key;

/// Most labels that are jumped to over one place: each is asked for in front of every network there.
const MAX_ACTIVE: usize = 32;

/// The elements of each network, from top to bottom.
fn networks<'g, 'x>(graph: &'g Graph<'x>) -> Vec<Vec<&'g Item<'x>>> {
    let mut group: BTreeMap<u64, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Item>> = Vec::new();
    let is_rail = |item: &Item| matches!(item.kind, Kind::LeftRail | Kind::RightRail);
    for start in graph.by_place() {
        if is_rail(start) || group.contains_key(&start.id) {
            continue;
        }
        let number = groups.len();
        let mut members = Vec::new();
        let mut open = vec![start.id];
        while let Some(id) = open.pop() {
            let Some(item) = graph.items.get(&id).filter(|item| !is_rail(item)) else {
                continue;
            };
            if group.insert(id, number).is_some() {
                continue;
            }
            members.push(item);
            open.extend(item.all_links().map(|link| link.source));
            open.extend(graph.readers(id).iter().map(|(reader, _)| *reader));
            // A connector and its continuations are one line.
            match &item.kind {
                Kind::Connector(name) => open.extend(graph.continuations(name).map(|item| item.id)),
                Kind::Continuation(name) => open.extend(graph.connectors(name).map(|item| item.id)),
                _ => {}
            }
        }
        members.sort_by_key(|item| (item.row, item.x, item.id));
        groups.push(members);
    }
    groups
}

pub(crate) fn run(network: &mut Network) {
    let graph = network.graph;
    let networks = networks(graph);
    let mut labels: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, members) in networks.iter().enumerate() {
        for item in members {
            if let Kind::Label(name) = &item.kind {
                labels.entry(key(name)).or_default().push(number);
            }
        }
    }
    // What says of each label whether a jump to it was taken, with the network that it stands in.
    let mut active: Vec<(String, usize)> = Vec::new();
    let mut reported = BTreeSet::new();
    let mut resets = Code::default();
    for (number, members) in networks.iter().enumerate() {
        active.retain(|(_, end)| *end > number);
        let guards: Vec<String> = active.iter().map(|(name, _)| name.clone()).collect();
        let outer = std::mem::take(&mut network.out);
        for item in in_order(members.clone()) {
            match &item.kind {
                Kind::Jump(label) => {
                    let ends = labels.get(&key(label)).map_or(&[][..], Vec::as_slice);
                    match ends {
                        [end] if *end > number => {
                            let known = active.iter().find(|(_, other)| other == end);
                            let known = known.map(|(name, _)| name.clone());
                            if known.is_none() && active.len() >= MAX_ACTIVE {
                                let message = format!(
                                    "{}: more than {MAX_ACTIVE} labels are jumped to over this place",
                                    item.describe()
                                );
                                network.reports.error(problems::TOO_LARGE, item.at, message);
                                continue;
                            }
                            let name = jump(network, item, known.as_deref());
                            if known.is_none() {
                                resets.put(&format!("{name} := FALSE;\n"), item.at);
                                active.push((name, *end));
                            }
                        }
                        _ => {
                            let why = match ends {
                                [] => "there is no such label",
                                [_] => "it leads backwards",
                                _ => "there are several such labels",
                            };
                            if reported.insert(item.id) {
                                let message = format!("{}: {why}", item.describe());
                                network.reports.error(problems::BAD_JUMP, item.at, message);
                            }
                        }
                    }
                }
                Kind::Return => {
                    let condition = network.input(&item.input);
                    let statement = Code::new("RETURN;\n", item.at);
                    network.when(condition, &statement, item.at);
                }
                Kind::Label(_) => {}
                _ => network.item(item),
            }
        }
        let inside = std::mem::replace(&mut network.out, outer);
        let at = members.first().map_or(0, |item| item.at);
        let guards: Vec<Power> = guards
            .into_iter()
            .map(|name| Power::Value(Code::new(name, at)))
            .collect();
        let condition = Power::any(guards).map(Power::not);
        if !inside.is_empty() {
            network.when(condition, &inside, at);
        }
    }
    // A jump that is itself passed over was not taken in this scan.
    let body = std::mem::take(&mut network.out);
    network.out.append(&resets);
    network.out.append(&body);
}

/// Notes in the variable of its label, or in a new one, whether a jump is taken.
fn jump(network: &mut Network, item: &Item, known: Option<&str>) -> String {
    let condition = network.input(&item.input).unwrap_or(Power::On);
    let name = match known {
        Some(name) => name.to_owned(),
        None => network
            .scope
            .declare(&format!("_jump_{}", item.id), "BOOL", item.at),
    };
    // Another jump of the same network may have been taken already.
    let taken = known.map(|name| Power::Value(Code::new(name, item.at)));
    let condition = match taken {
        Some(taken) => Power::any(vec![taken, condition.clone()]).unwrap_or(condition),
        None => condition,
    };
    network.out.put(&format!("{name} := "), item.at);
    network.out.append(&condition.code(item.at));
    network.out.put(";\n", item.at);
    name
}
