//! Finds places for equipment, pipes, hosts and rooms.
//!
//! What carries items stands in a line along x that turns once towards the onlooker when it gets long. What items do
//! not go through (vessels, pumps, valves) stands behind it, in columns by how far it is from its source, before
//! whatever takes its product. Hosts stand where their work is, and again above it, in the picture of the network:
//! the higher their Purdue level, the higher.
//!
//! **Invariant:** places follow from the plant file alone. Equal files give equal plans.

use std::collections::BTreeMap;
use std::f32::consts::FRAC_PI_2;

use bevy::math::Vec3;
use sim_plant::PlantSpec;
use sim_plant::spec::Role;
use sim_plant::view::{EquipmentKind, EquipmentSpec};

use super::plan::{Host, Lane, Piece, Pipe, Plan, Room, RoomKind, Switch, Zone};

/// Height of carrying surfaces over the floor, m.
pub const CARRY_M: f32 = 0.95;
/// Length of the first stretch of a line before it may turn, m.
const STRAIGHT_M: f32 = 7.5;
/// Room between pieces side by side, m.
const AISLE_M: f32 = 0.9;
/// How far behind the line vessels begin, m.
const BEHIND_M: f32 = 1.9;
/// How far from the middle of a belt its motor stands, m.
const MOTOR_OFF_M: f32 = 0.42;
/// Columns of vessels before a new row begins.
const COLUMNS_MAX: usize = 32;

/// Lays out everything but the signals.
#[must_use]
pub fn lay_out(plant: &PlantSpec) -> Plan {
    let equipment = &plant.view.equipment;
    let mut plan = Plan {
        title: plant.title.clone(),
        item: plant.view.item.clone(),
        pieces: equipment.iter().map(piece).collect(),
        ..Plan::default()
    };
    let after: Vec<Vec<usize>> = equipment
        .iter()
        .map(|one| {
            one.after
                .iter()
                .filter_map(|name| index(equipment, name))
                .collect()
        })
        .collect();
    place_line(&mut plan, equipment, &after);
    place_mounted(&mut plan, equipment);
    place_others(&mut plan, equipment, &after);
    for (piece, spec) in plan.pieces.iter_mut().zip(equipment) {
        if let Some((x, z)) = spec.at_m {
            piece.at = Vec3::new(x as f32, piece.at.y, z as f32);
        }
    }
    plan.lanes = lanes(&plan, plant);
    plan.pipes = pipes(&plan, &after);
    plan.bounds = bounds(&plan.pieces);
    place_network(&mut plan, plant);
    plan
}

fn index(equipment: &[EquipmentSpec], name: &str) -> Option<usize> {
    equipment.iter().position(|one| one.name == name)
}

/// Length, height and depth of a kind, m.
fn usual_size(kind: EquipmentKind) -> Vec3 {
    match kind {
        EquipmentKind::Tank => Vec3::new(1.2, 1.6, 1.2),
        EquipmentKind::Pump => Vec3::new(0.7, 0.6, 0.45),
        EquipmentKind::Valve => Vec3::new(0.35, 0.8, 0.3),
        EquipmentKind::Motor => Vec3::new(0.34, 0.26, 0.26),
        EquipmentKind::Conveyor => Vec3::new(3.0, CARRY_M, 0.34),
        EquipmentKind::Filler => Vec3::new(1.0, 1.5, 0.7),
        EquipmentKind::Capper => Vec3::new(0.5, 1.5, 0.6),
        EquipmentKind::Inspection => Vec3::new(0.45, 1.25, 0.6),
        EquipmentKind::Reject => Vec3::new(0.4, 0.9, 0.5),
        EquipmentKind::Table => Vec3::new(3.0, CARRY_M, 0.6),
        EquipmentKind::Packer => Vec3::new(1.1, 1.5, 0.9),
        EquipmentKind::Palletiser => Vec3::new(1.9, 2.1, 1.7),
        EquipmentKind::Machine => Vec3::new(1.0, 1.2, 0.8),
    }
}

fn piece(spec: &EquipmentSpec) -> Piece {
    let usual = usual_size(spec.kind);
    let size = match (spec.size_m, &spec.lane) {
        (Some((length, height, depth)), _) => Vec3::new(length as f32, height as f32, depth as f32),
        (None, Some(lane)) => Vec3::new((lane.to_m - lane.from_m) as f32, usual.y, usual.z),
        (None, None) => usual,
    };
    Piece {
        name: spec.name.clone(),
        label: match spec.label.as_str() {
            "" => spec.name.clone(),
            label => label.to_owned(),
        },
        kind: spec.kind,
        at: Vec3::ZERO,
        turn: 0.0,
        size,
        signals: Vec::new(),
        controller: None,
        mount: None,
    }
}

/// Orders what carries items, upstream first; each stands behind what it takes from.
fn line_order(equipment: &[EquipmentSpec], after: &[Vec<usize>]) -> Vec<usize> {
    let carries = |at: &usize| equipment[*at].kind.carries_items();
    let mut order: Vec<usize> = Vec::new();
    let mut waiting: Vec<usize> = (0..equipment.len()).filter(carries).collect();
    while !waiting.is_empty() {
        let is_ready = |at: usize| {
            let mut sources = after[at].iter().filter(|source| carries(source));
            sources.all(|source| order.contains(source) || !waiting.contains(source))
        };
        // In a circle somebody has to be first: whoever the file names first.
        let next = waiting.iter().position(|&at| is_ready(at)).unwrap_or(0);
        order.push(waiting.remove(next));
    }
    order
}

fn place_line(plan: &mut Plan, equipment: &[EquipmentSpec], after: &[Vec<usize>]) {
    let order = line_order(equipment, after);
    let total: f32 = order.iter().map(|&at| plan.pieces[at].size.x).sum();
    let limit = STRAIGHT_M.max(0.55 * total);
    let (mut end, mut run, mut turned) = (Vec3::ZERO, 0.0, false);
    for at in order {
        let piece = &mut plan.pieces[at];
        if !turned && run > 0.0 && run + piece.size.x > limit {
            turned = true;
            // Around the corner: the next piece begins beside the end of the last one.
            end += Vec3::new(0.5 * piece.size.z, 0.0, -0.5 * piece.size.z);
        }
        let ahead = if turned { Vec3::Z } else { Vec3::X };
        piece.turn = if turned { -FRAC_PI_2 } else { 0.0 };
        piece.at = end + ahead * (0.5 * piece.size.x);
        end += ahead * piece.size.x;
        run += piece.size.x;
    }
}

/// What stands at or over other equipment, in as many rounds as it is stacked.
fn place_mounted(plan: &mut Plan, equipment: &[EquipmentSpec]) {
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, spec) in equipment.iter().enumerate() {
        if let Some(of) = spec
            .on
            .as_ref()
            .and_then(|mount| index(equipment, &mount.of))
        {
            plan.pieces[at].mount = Some(of);
            open.push((at, of));
        }
    }
    while !open.is_empty() {
        let waiting: Vec<usize> = open.iter().map(|(at, _)| *at).collect();
        let (ready, later): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|(_, of)| !waiting.contains(of));
        assert!(
            !ready.is_empty(),
            "the plant file was checked: nothing stands on itself"
        );
        for (at, of) in ready {
            let base = plan.pieces[of].clone();
            let along = equipment[at].on.as_ref().and_then(|mount| mount.at_m);
            let from_m = equipment[of].lane.as_ref().map_or(0.0, |lane| lane.from_m);
            let own_x = along.map_or(0.0, |at_m| (at_m - from_m) as f32 - 0.5 * base.size.x);
            let piece = &mut plan.pieces[at];
            let own = match piece.kind {
                EquipmentKind::Motor => Vec3::new(
                    0.42 * base.size.x,
                    0.62 * CARRY_M,
                    MOTOR_OFF_M.max(0.5 * base.size.z),
                ),
                _ => Vec3::new(own_x, 0.0, 0.0),
            };
            piece.at = base.place(own);
            piece.turn = base.turn;
        }
        open = later;
    }
}

/// How far each piece that is not on the line is from its source, and to which group it belongs.
struct Flow {
    depth: Vec<usize>,
    group: Vec<usize>,
}

fn flow(members: &[usize], after: &[Vec<usize>]) -> Flow {
    let len = after.len();
    let mut depth = vec![0; len];
    // As many rounds as there can be steps; a circle stops growing at that.
    for _ in 0..members.len().min(COLUMNS_MAX * 4) {
        let mut changed = false;
        for &at in members {
            let sources = after[at].iter().filter(|source| members.contains(source));
            let next = sources.map(|&source| depth[source] + 1).max().unwrap_or(0);
            if next > depth[at] && next < members.len() {
                depth[at] = next;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let mut group: Vec<usize> = (0..len).collect();
    for &at in members {
        for &source in after[at].iter().filter(|source| members.contains(source)) {
            let (a, b) = (group[at].min(group[source]), group[at].max(group[source]));
            for one in &mut group {
                if *one == b {
                    *one = a;
                }
            }
        }
    }
    Flow { depth, group }
}

fn place_others(plan: &mut Plan, equipment: &[EquipmentSpec], after: &[Vec<usize>]) {
    let is_loose = |at: &usize| !equipment[*at].kind.carries_items() && equipment[*at].on.is_none();
    let members: Vec<usize> = (0..equipment.len()).filter(is_loose).collect();
    if members.is_empty() {
        return;
    }
    let has_line = members.len() < equipment.len();
    let Flow { depth, group } = flow(&members, after);
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &at in &members {
        groups.entry(group[at]).or_default().push(at);
    }
    // Single pieces without a flow share one block, so that a thousand of them are no street.
    let (singles, flows): (Vec<_>, Vec<_>) =
        groups.into_values().partition(|group| group.len() == 1);
    let mut back = if has_line { -BEHIND_M } else { 0.0 };
    for block in flows {
        back = place_block(plan, after, &block, |at| depth[at], back);
    }
    let singles: Vec<usize> = singles.into_iter().flatten().collect();
    let wide = (singles.len() as f32).sqrt().ceil() as usize;
    let rank: BTreeMap<usize, usize> = singles.iter().copied().zip(0..).collect();
    place_block(plan, after, &singles, |at| rank[&at] % wide, back);
}

/// Places pieces in columns; returns where the next block begins.
fn place_block(
    plan: &mut Plan,
    after: &[Vec<usize>],
    block: &[usize],
    column: impl Fn(usize) -> usize,
    back: f32,
) -> f32 {
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &at in block {
        columns.entry(column(at)).or_default().push(at);
    }
    // A long chain goes back and forth in rows of columns.
    let rows: Vec<Vec<Vec<usize>>> = columns
        .into_values()
        .collect::<Vec<_>>()
        .chunks(COLUMNS_MAX)
        .map(<[_]>::to_vec)
        .collect();
    let mut front = back;
    for (number, mut row) in rows.into_iter().enumerate() {
        if number % 2 == 1 {
            row.reverse();
        }
        let (mut x, mut deepest) = (0.0, 0.0_f32);
        for column in row {
            let wide = column
                .iter()
                .map(|&at| plan.pieces[at].size.x)
                .fold(0.0, f32::max);
            x += 0.5 * wide;
            let mut z = front;
            for at in column {
                let depth = plan.pieces[at].size.z;
                plan.pieces[at].at = Vec3::new(x, 0.0, z - 0.5 * depth);
                z -= depth + AISLE_M;
            }
            deepest = deepest.max(front - z);
            x += 0.5 * wide + AISLE_M;
        }
        front -= deepest;
    }
    // The block stands before whatever on the line takes its product.
    let takes = |consumer: usize| after[consumer].iter().find(|source| block.contains(source));
    let mut consumers = (0..after.len()).filter(|at| !block.contains(at));
    if let Some((consumer, source)) = consumers.find_map(|at| Some((at, *takes(at)?))) {
        let shift = plan.pieces[consumer].at.x - plan.pieces[source].at.x;
        for &at in block {
            plan.pieces[at].at.x += shift;
        }
    }
    front
}

fn lanes(plan: &Plan, plant: &PlantSpec) -> Vec<Vec<Lane>> {
    let places = sim_plant::places(&plant.process);
    let mut lanes: Vec<Vec<Lane>> = vec![Vec::new(); places.len()];
    for (at, spec) in plant.view.equipment.iter().enumerate() {
        let Some(lane) = &spec.lane else { continue };
        let Some(place) = places.iter().position(|place| *place == lane.place) else {
            continue;
        };
        let piece = &plan.pieces[at];
        let half = 0.5 * piece.size.x;
        lanes[place].push(Lane {
            piece: at,
            along_m: (lane.from_m as f32, lane.to_m as f32),
            ends: (
                piece.place(Vec3::new(-half, CARRY_M, 0.0)),
                piece.place(Vec3::new(half, CARRY_M, 0.0)),
            ),
            rows: lane.rows,
        });
    }
    for stretches in &mut lanes {
        stretches.sort_by(|a, b| a.along_m.0.total_cmp(&b.along_m.0));
    }
    lanes
}

/// Where a pipe leaves a piece, and where one comes in.
fn nozzles(piece: &Piece) -> (Vec3, Vec3) {
    let half = 0.5 * piece.size.x;
    match piece.kind {
        EquipmentKind::Tank => (
            Vec3::new(0.0, 0.35 * CARRY_M, 0.5 * piece.size.z),
            Vec3::new(-0.25 * piece.size.x, tank_top(piece), 0.0),
        ),
        EquipmentKind::Filler => (
            Vec3::new(0.0, CARRY_M, 0.0),
            Vec3::new(0.0, CARRY_M + 0.75 * piece.size.y, -0.3 * piece.size.z),
        ),
        EquipmentKind::Valve | EquipmentKind::Pump => {
            (Vec3::new(half, PIPE_M, 0.0), Vec3::new(-half, PIPE_M, 0.0))
        }
        _ => (
            Vec3::new(half, 0.5 * piece.size.y, 0.0),
            Vec3::new(-half, 0.5 * piece.size.y, 0.0),
        ),
    }
}

/// Height of pipes between pumps and valves, m.
pub const PIPE_M: f32 = 0.55;

/// Height of a tank's feet, m.
pub const FEET_M: f32 = 0.75;

/// Height of a tank's top, m.
#[must_use]
pub fn tank_top(piece: &Piece) -> f32 {
    FEET_M + piece.size.y + 0.18
}

fn pipes(plan: &Plan, after: &[Vec<usize>]) -> Vec<Pipe> {
    let mut pipes = Vec::new();
    for (to, sources) in after.iter().enumerate() {
        for &from in sources {
            let (a, b) = (&plan.pieces[from], &plan.pieces[to]);
            if a.kind.carries_items() || b.kind.carries_items() {
                continue;
            }
            let start = a.place(nozzles(a).0);
            let end = b.place(nozzles(b).1);
            pipes.push(Pipe {
                from,
                to,
                path: route(start, end),
                flow: None,
            });
        }
    }
    pipes
}

/// A way along the axes: level, up or down where it is needed, level again.
fn route(start: Vec3, end: Vec3) -> Vec<Vec3> {
    let mut path = vec![start];
    let mut go = |to: Vec3| {
        if path.last().is_some_and(|last| last.distance(to) > 1e-3) {
            path.push(to);
        }
    };
    if (start.y - end.y).abs() < 1e-3 && (start.z - end.z).abs() < 1e-3 {
        go(end);
    } else if end.y > start.y {
        // Up beside the source, over the top, down into the target.
        let over = end.y + 0.30;
        let rise = start.x + 0.3 * (end.x - start.x);
        go(Vec3::new(rise, start.y, start.z));
        go(Vec3::new(rise, over, start.z));
        go(Vec3::new(end.x, over, start.z));
        go(Vec3::new(end.x, over, end.z));
        go(end);
    } else {
        go(Vec3::new(start.x, start.y, end.z));
        go(Vec3::new(start.x, end.y, end.z));
        go(end);
    }
    path
}

fn bounds(pieces: &[Piece]) -> (Vec3, Vec3) {
    let mut corners: Option<(Vec3, Vec3)> = None;
    for piece in pieces {
        let half = 0.5 * piece.size.x.max(piece.size.z);
        let (low, high) = (
            piece.at - Vec3::new(half, 0.0, half),
            piece.at + Vec3::new(half, piece.size.y + CARRY_M, half),
        );
        corners = Some(match corners {
            None => (low, high),
            Some((a, b)) => (a.min(low), b.max(high)),
        });
    }
    corners.unwrap_or((Vec3::new(-2.0, 0.0, -2.0), Vec3::new(2.0, 2.0, 2.0)))
}

/// Puts hosts at their work and above it, and rooms and zones around them.
fn place_network(plan: &mut Plan, plant: &PlantSpec) {
    let mut networks: Vec<_> = plant.networks.iter().collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    let mut zones: Vec<&str> = networks
        .iter()
        .map(|network| network.zone.as_str())
        .collect();
    zones.sort_unstable();
    zones.dedup();
    let mut hosts: Vec<_> = plant.hosts.iter().collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    let zone_of = |name: &str| zones.iter().position(|zone| *zone == name).unwrap_or(0);
    for (at, spec) in plant.view.equipment.iter().enumerate() {
        let host = |name: &String| hosts.iter().position(|host| host.name == *name);
        plan.pieces[at].controller = spec.controller.as_ref().and_then(host);
    }
    let (low, high) = plan.bounds;
    let height = high.y.max(2.2);
    let desks = rooms(
        plan,
        &hosts.iter().map(|host| host.role).collect::<Vec<_>>(),
    );
    let mut free = 0.0;
    for (at, spec) in hosts.iter().enumerate() {
        let network = networks
            .iter()
            .position(|network| network.name == spec.network);
        let network = network.unwrap_or(0);
        let own: Vec<&Piece> = plan
            .pieces
            .iter()
            .filter(|piece| piece.controller == Some(at))
            .collect();
        let stands = match desks.get(&at) {
            Some(desk) => *desk,
            None if own.is_empty() => {
                free += 1.0;
                Vec3::new(low.x - 1.2, 0.0, high.z - 1.1 * free)
            }
            None => {
                let sum: Vec3 = own.iter().map(|piece| piece.at).sum();
                let middle = sum / own.len() as f32;
                Vec3::new(middle.x, 0.0, low.z - 0.9)
            }
        };
        let level = f32::from(spec.role.purdue_level());
        plan.hosts.push(Host {
            name: spec.name.clone(),
            role: spec.role,
            ip: spec.ip.to_string(),
            stands,
            node: Vec3::new(stands.x, height + 0.2 + 0.55 * level, stands.z),
            switch: network,
            zone: zone_of(
                networks
                    .get(network)
                    .map_or("", |network| network.zone.as_str()),
            ),
            mode: None,
        });
    }
    spread(plan);
    for (number, network) in networks.iter().enumerate() {
        let members: Vec<&Host> = plan
            .hosts
            .iter()
            .filter(|host| host.switch == number)
            .collect();
        let sum: Vec3 = members.iter().map(|host| host.node).sum();
        let middle = sum / members.len().max(1) as f32;
        plan.switches.push(Switch {
            name: network.switch.clone(),
            node: Vec3::new(middle.x, height + 1.15, middle.z.min(0.4 * low.z)),
            zone: zone_of(&network.zone),
        });
    }
    for (number, zone) in zones.iter().enumerate() {
        let mut floor: Option<(Vec3, Vec3)> = None;
        let mut add = |low: Vec3, high: Vec3| {
            floor = Some(floor.map_or((low, high), |(a, b)| (a.min(low), b.max(high))));
        };
        for (at, host) in plan
            .hosts
            .iter()
            .enumerate()
            .filter(|(_, host)| host.zone == number)
        {
            let edge = Vec3::new(0.9, 0.0, 0.9);
            add(host.stands - edge, host.stands + edge);
            for piece in plan
                .pieces
                .iter()
                .filter(|piece| piece.controller == Some(at))
            {
                let half =
                    Vec3::new(0.6, 0.0, 0.6) + 0.5 * Vec3::splat(piece.size.x.max(piece.size.z));
                add(piece.at - half, piece.at + half);
            }
        }
        let flat = |at: Vec3| Vec3::new(at.x, 0.0, at.z);
        let (a, b) = floor.unwrap_or_default();
        plan.zones.push(Zone {
            name: (*zone).to_owned(),
            floor: (flat(a), flat(b)),
        });
    }
}

/// Nodes above each other would hide: those that are close step aside along x.
fn spread(plan: &mut Plan) {
    const APART_M: f32 = 1.15;
    for at in 0..plan.hosts.len() {
        let mut tries = 0;
        while tries < 24
            && plan.hosts[..at].iter().any(|other| {
                let off = other.node - plan.hosts[at].node;
                off.x.abs() < APART_M && off.y.abs() < 0.4
            })
        {
            tries += 1;
            plan.hosts[at].node.x += APART_M;
            // A cabinet steps aside with its node; a desk stays in its room.
            if plan.hosts[at].role == Role::Plc {
                plan.hosts[at].stands.x += APART_M;
            }
        }
    }
}

/// The room in which a host stands, if it stands in one.
fn room_of(role: Role) -> Option<RoomKind> {
    match role {
        Role::Hmi => Some(RoomKind::Control),
        Role::Historian | Role::EngineeringWorkstation => Some(RoomKind::Office),
        Role::Plc | Role::Laptop => None,
    }
}

/// Builds the rooms, behind the plant on its left, and gives each desk's host its place.
fn rooms(plan: &mut Plan, roles: &[Role]) -> BTreeMap<usize, Vec3> {
    let mut desks = BTreeMap::new();
    let (low, _) = plan.bounds;
    let mut x = low.x;
    for kind in [RoomKind::Control, RoomKind::Office] {
        let members: Vec<usize> = (0..roles.len())
            .filter(|&at| room_of(roles[at]) == Some(kind))
            .collect();
        if members.is_empty() {
            continue;
        }
        let per_row = 8;
        let wide = 1.3 * members.len().min(per_row) as f32 + 1.0;
        let deep = 1.9 + 1.4 * ((members.len() - 1) / per_row) as f32;
        let at = Vec3::new(x + 0.5 * wide, 0.0, low.z - 2.0 - 0.5 * deep);
        for (number, &host) in members.iter().enumerate() {
            let (column, row) = (number % per_row, number / per_row);
            let own = Vec3::new(
                1.3 * (column as f32 - 0.5 * (members.len().min(per_row) - 1) as f32),
                0.0,
                -0.3 - 1.4 * row as f32,
            );
            desks.insert(host, at + own);
        }
        plan.rooms.push(Room {
            kind,
            at,
            size: Vec3::new(wide, 2.4, deep),
            hosts: members,
        });
        x += wide + 0.3;
    }
    desks
}
