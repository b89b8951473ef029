//! The network over the plant: zones on the floor, hosts and switches above it, frames as pulses on their way.
//!
//! A pulse is as large as there are frames in it, has the colour of what it is for, and is red with spikes if it belongs
//! to an attack. What the switch stops turns round there. A way that a forged address has bent is drawn while frames
//! take it.
//!
//! **Invariant:** the frames of all pulses of a moment, hidden by a filter or not, are the frames of its window.

use std::collections::BTreeMap;

use bevy::light::{NotShadowCaster, NotShadowReceiver};
use bevy::prelude::*;
use sim_plant::spec::Role;
use twinrange_range::evidence::frames::Protocol;

use crate::builder::{self, Builder};
use crate::change::{paint, see};
use crate::kit::Kit;
use crate::model::moment::{Pulse, Side as Whose};
use crate::model::plan::Plan;
use crate::palette;
use crate::shapes;
use crate::stage::{Build, Layers, Look, Side, Sides};

/// Pulses that each side has room for from the start; more are made when they are needed.
const PULSES_AT_FIRST: usize = 48;

/// Draws the network of each side.
#[derive(Debug)]
pub struct NetworkPlugin;

impl Plugin for NetworkPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<TrafficFilter>()
            .init_resource::<PulseMaterials>()
            .add_systems(Startup, build_networks.in_set(Build::Network))
            .add_systems(
                Update,
                (show_network, show_pulses, show_detours, show_hosts)
                    .chain()
                    .in_set(Look::Network),
            );
    }
}

/// Which frames are drawn.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficFilter {
    /// Only those of this protocol.
    pub protocol: Option<Protocol>,
    /// Only those from or to this host.
    pub host: Option<usize>,
}

impl TrafficFilter {
    /// Whether a pulse is drawn.
    #[must_use]
    pub fn takes(&self, pulse: &Pulse) -> bool {
        let is_at = |host: usize| pulse.from == host || pulse.to == Some(host);
        self.protocol
            .is_none_or(|protocol| protocol == pulse.protocol)
            && self.host.is_none_or(is_at)
    }
}

/// A material for each kind of pulse.
#[derive(Resource)]
pub struct PulseMaterials {
    benign: BTreeMap<Protocol, Handle<StandardMaterial>>,
    attack: Handle<StandardMaterial>,
    denied: Handle<StandardMaterial>,
}

impl FromWorld for PulseMaterials {
    fn from_world(world: &mut World) -> Self {
        let mut materials = world.resource_mut::<Assets<StandardMaterial>>();
        let mut glow = |color: Color, strength: f32| {
            materials.add(StandardMaterial {
                base_color: Color::BLACK,
                emissive: color.to_linear() * strength,
                ..default()
            })
        };
        Self {
            benign: Protocol::ALL
                .into_iter()
                .map(|protocol| (protocol, glow(palette::protocol(protocol), 2.2)))
                .collect(),
            attack: glow(palette::ATTACK, 6.0),
            denied: glow(palette::DEFENSE, 3.5),
        }
    }
}

/// The parent of everything that is drawn of a side's network.
#[derive(Component, Debug)]
pub struct NetworkRoot {
    /// Pulses that have been made.
    pub pulses: usize,
}

/// A pulse: number `slot` of its side's moment.
#[derive(Component, Clone, Copy, Debug)]
pub struct PulseSlot {
    /// Whose.
    pub side: Side,
    /// Which.
    pub slot: usize,
}

/// The spikes of a pulse that belongs to an attack.
#[derive(Component, Clone, Copy, Debug)]
pub struct PulseSpikes {
    /// The pulse.
    pub of: PulseSlot,
}

/// The body of a host in the network.
#[derive(Component, Clone, Copy, Debug)]
pub struct HostBody {
    /// Whose.
    pub side: Side,
    /// Which.
    pub host: usize,
}

/// The way over a host that a forged address has put between others.
#[derive(Component, Clone, Copy, Debug)]
pub struct Detour {
    /// Whose.
    pub side: Side,
    /// The host that frames are led to.
    pub host: usize,
}

fn build_networks(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut kit: ResMut<Kit>,
    sides: Res<Sides>,
) {
    let tint = |color: Color, alpha: f32, glow: f32| StandardMaterial {
        base_color: color.with_alpha(alpha),
        emissive: color.to_linear() * glow,
        alpha_mode: AlphaMode::Blend,
        ..default()
    };
    let link = materials.add(tint(Color::srgb(0.30, 0.62, 0.85), 0.40, 0.25));
    let tether = materials.add(tint(Color::srgb(0.55, 0.62, 0.70), 0.22, 0.02));
    let bent = materials.add(tint(palette::ATTACK, 0.75, 1.6));
    for (number, shown) in sides.list.iter().enumerate() {
        let side = Side(number);
        let root = builder::root(&mut commands, shown, side, "network");
        let plan = &shown.plan;
        for (number, zone) in plan.zones.iter().enumerate() {
            let color = palette::zone(number);
            let floor = materials.add(StandardMaterial {
                unlit: true,
                depth_bias: 2.0,
                ..tint(color, 0.10, 0.0)
            });
            let edge = materials.add(tint(color, 0.85, 0.5));
            let mut builder = Builder {
                commands: &mut commands,
                meshes: &mut meshes,
                kit: &mut kit,
                side,
            };
            zone_floor(&mut builder, root, (&floor, &edge), zone.floor);
        }
        let mut builder = Builder {
            commands: &mut commands,
            meshes: &mut meshes,
            kit: &mut kit,
            side,
        };
        switches_and_hosts(&mut builder, plan, root, (&link, &tether, &bent));
        for slot in 0..PULSES_AT_FIRST {
            pulse(&mut builder, root, slot);
        }
        commands.entity(root).insert(NetworkRoot {
            pulses: PULSES_AT_FIRST,
        });
    }
}

fn zone_floor(
    builder: &mut Builder<'_, '_, '_>,
    root: Entity,
    (floor, edge): (&Handle<StandardMaterial>, &Handle<StandardMaterial>),
    (low, high): (Vec3, Vec3),
) {
    let (size, middle) = (high - low, (low + high) / 2.0);
    let plate = builder.meshes.add(shapes::floor(size.x, size.z, 1.0));
    let at = Transform::from_translation(middle + Vec3::Y * 0.004);
    let plate = builder.part(root, plate, floor, at);
    builder
        .commands
        .entity(plate)
        .insert((NotShadowCaster, NotShadowReceiver));
    for (side, along) in [
        (Vec3::X, Vec3::Z),
        (Vec3::NEG_X, Vec3::Z),
        (Vec3::Z, Vec3::X),
        (Vec3::NEG_Z, Vec3::X),
    ] {
        let length = size.dot(along);
        let strip = along * length + (Vec3::ONE - along) * 0.03;
        let place = middle + side * (0.5 * size.dot(side.abs())) + Vec3::Y * 0.015;
        let strip = builder.block(root, strip, edge, place);
        builder
            .commands
            .entity(strip)
            .insert((NotShadowCaster, NotShadowReceiver));
    }
}

fn switches_and_hosts(
    builder: &mut Builder<'_, '_, '_>,
    plan: &Plan,
    root: Entity,
    (link, tether, bent): (
        &Handle<StandardMaterial>,
        &Handle<StandardMaterial>,
        &Handle<StandardMaterial>,
    ),
) {
    let materials = builder.materials();
    for switch in &plan.switches {
        let body = builder.block(
            root,
            Vec3::new(0.62, 0.14, 0.30),
            &materials.blue,
            switch.node,
        );
        builder.commands.entity(body).insert(NotShadowCaster);
        for port in 0..6 {
            let at = switch.node + Vec3::new(-0.25 + 0.1 * port as f32, 0.0, 0.155);
            let lamp = builder.block(root, Vec3::new(0.05, 0.04, 0.01), &materials.green, at);
            builder.commands.entity(lamp).insert(NotShadowCaster);
        }
    }
    for (number, host) in plan.hosts.iter().enumerate() {
        let side = builder.side;
        let switch = &plan.switches[host.switch];
        let line = builder
            .meshes
            .add(shapes::tube(&[host.node, switch.node], 0.010, 0.0, 6));
        let line = builder.part(root, line, link, Transform::IDENTITY);
        builder
            .commands
            .entity(line)
            .insert((NotShadowCaster, NotShadowReceiver));
        let foot = host.stands + Vec3::Y * foot_height(host.role);
        let thread = builder
            .meshes
            .add(shapes::tube(&[host.node, foot], 0.006, 0.0, 5));
        let thread = builder.part(root, thread, tether, Transform::IDENTITY);
        builder
            .commands
            .entity(thread)
            .insert((NotShadowCaster, NotShadowReceiver));
        let body = builder.block(
            root,
            Vec3::new(0.36, 0.20, 0.20),
            &materials.dark,
            host.node,
        );
        builder
            .commands
            .entity(body)
            .insert((HostBody { side, host: number }, NotShadowCaster));
        let face = host.node + Vec3::new(0.0, 0.0, 0.104);
        let face = builder.block(root, Vec3::new(0.24, 0.04, 0.01), &materials.screen, face);
        builder.commands.entity(face).insert(NotShadowCaster);
        // The bent way hangs through, as no cable does.
        let middle = (host.node + switch.node) / 2.0 + Vec3::new(0.0, 0.55, 0.45);
        let arc: Vec<Vec3> = (0..=16)
            .map(|at| {
                let share = at as f32 / 16.0;
                switch
                    .node
                    .lerp(middle, share)
                    .lerp(middle.lerp(host.node, share), share)
            })
            .collect();
        let arc = builder.meshes.add(shapes::tube(&arc, 0.035, 0.0, 8));
        let arc = builder.part(root, arc, bent, Transform::IDENTITY);
        builder.commands.entity(arc).insert((
            Detour { side, host: number },
            NotShadowCaster,
            NotShadowReceiver,
            Visibility::Hidden,
        ));
    }
}

/// Where the thread from a host's node ends.
fn foot_height(role: Role) -> f32 {
    match role {
        Role::Plc => 1.95,
        Role::Laptop => 1.1,
        Role::Hmi | Role::Historian | Role::EngineeringWorkstation => 1.25,
    }
}

fn pulse(builder: &mut Builder<'_, '_, '_>, root: Entity, slot: usize) {
    let of = PulseSlot {
        side: builder.side,
        slot,
    };
    let ball = builder.kit.ball(builder.meshes, 0.05);
    let materials = builder.materials();
    let body = builder.part(root, ball, &materials.flow, Transform::IDENTITY);
    builder.commands.entity(body).insert((
        of,
        NotShadowCaster,
        NotShadowReceiver,
        Visibility::Hidden,
    ));
    let spikes = builder.kit.shared(builder.meshes, "spikes", [0.0; 4], || {
        shapes::lathe(
            &[
                (0.0, -0.115),
                (0.03, -0.045),
                (0.11, 0.0),
                (0.03, 0.045),
                (0.0, 0.115),
            ],
            4,
        )
    });
    let spikes = builder.part(body, spikes, &materials.alarm, Transform::IDENTITY);
    builder.commands.entity(spikes).insert((
        PulseSpikes { of },
        NotShadowCaster,
        Visibility::Hidden,
    ));
}

/// Where a pulse is.
#[must_use]
pub fn place(plan: &Plan, pulse: &Pulse) -> Vec3 {
    let from = &plan.hosts[pulse.from];
    let switch = plan.switches[from.switch].node;
    let half = 2.0 * pulse.way;
    if half <= 1.0 {
        return from.node.lerp(switch, half);
    }
    let rest = half - 1.0;
    if pulse.denied {
        // It bounces off the conduit, and falls.
        let back = switch.lerp(from.node, 0.35 * rest);
        return back - Vec3::Y * (1.6 * rest * rest);
    }
    match pulse.to {
        Some(to) if pulse.diverted => {
            let to = plan.hosts[to].node;
            let middle = (to + switch) / 2.0 + Vec3::new(0.0, 0.55, 0.45);
            switch.lerp(middle, rest).lerp(middle.lerp(to, rest), rest)
        }
        Some(to) => {
            // From a network to another, frames go from switch to switch.
            let (to, own) = (&plan.hosts[to], from.switch);
            if to.switch == own {
                return switch.lerp(to.node, rest);
            }
            let far = plan.switches[to.switch].node;
            if rest < 0.5 {
                switch.lerp(far, 2.0 * rest)
            } else {
                far.lerp(to.node, 2.0 * rest - 1.0)
            }
        }
        // To everybody: it spreads at the switch.
        None => switch + Vec3::Y * (0.25 * rest),
    }
}

/// How large a pulse of so many frames is drawn.
fn scale(frames: u32) -> f32 {
    0.8 + 0.35 * (frames as f32).ln_1p()
}

fn show_network(layers: Res<Layers>, mut roots: Query<&mut Visibility, With<NetworkRoot>>) {
    for mut visibility in &mut roots {
        see(&mut visibility, layers.network);
    }
}

#[expect(clippy::too_many_arguments, reason = "each is one query or store")]
fn show_pulses(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut kit: ResMut<Kit>,
    sides: Res<Sides>,
    filter: Res<TrafficFilter>,
    materials: Res<PulseMaterials>,
    mut roots: Query<(Entity, &Side, &mut NetworkRoot)>,
    mut bodies: Query<(
        &PulseSlot,
        &mut Transform,
        &mut Visibility,
        &mut MeshMaterial3d<StandardMaterial>,
    )>,
    mut spikes: Query<(&PulseSpikes, &mut Visibility), Without<PulseSlot>>,
) {
    for (root, side, mut made) in &mut roots {
        let mut builder = Builder {
            commands: &mut commands,
            meshes: &mut meshes,
            kit: &mut kit,
            side: *side,
        };
        while made.pulses < sides.side(*side).moment.pulses.len() {
            pulse(&mut builder, root, made.pulses);
            made.pulses += 1;
        }
    }
    for (slot, mut at, mut visibility, mut material) in &mut bodies {
        let shown = sides.side(slot.side);
        let pulse = shown
            .moment
            .pulses
            .get(slot.slot)
            .filter(|pulse| filter.takes(pulse));
        see(&mut visibility, pulse.is_some());
        let Some(pulse) = pulse else { continue };
        *at = Transform::from_translation(place(&shown.plan, pulse))
            .with_scale(Vec3::splat(scale(pulse.frames)));
        let wanted = match pulse.side {
            _ if pulse.denied && pulse.way > 0.5 => &materials.denied,
            Whose::Attack(_) => &materials.attack,
            Whose::Benign => &materials.benign[&pulse.protocol],
        };
        paint(&mut material, wanted);
    }
    for (spikes, mut visibility) in &mut spikes {
        let pulse = sides.side(spikes.of.side).moment.pulses.get(spikes.of.slot);
        let attacks = pulse.is_some_and(|pulse| pulse.side != Whose::Benign);
        see(&mut visibility, attacks);
    }
}

/// The bent way to a host is seen while frames are led to it.
fn show_detours(sides: Res<Sides>, mut detours: Query<(&Detour, &mut Visibility)>) {
    for (detour, mut visibility) in &mut detours {
        let pulses = &sides.side(detour.side).moment.pulses;
        let bent = pulses
            .iter()
            .any(|pulse| pulse.diverted && pulse.to == Some(detour.host));
        see(&mut visibility, bent);
    }
}

/// A host that an attack sends from is red.
fn show_hosts(
    sides: Res<Sides>,
    kit: Res<Kit>,
    mut bodies: Query<(&HostBody, &mut MeshMaterial3d<StandardMaterial>)>,
) {
    for (body, mut material) in &mut bodies {
        let pulses = &sides.side(body.side).moment.pulses;
        let attacks = pulses
            .iter()
            .any(|pulse| pulse.from == body.host && pulse.side != Whose::Benign && !pulse.diverted);
        let wanted = if attacks {
            &kit.materials.red
        } else {
            &kit.materials.dark
        };
        paint(&mut material, wanted);
    }
}
