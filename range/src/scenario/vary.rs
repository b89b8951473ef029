//! Variation: the same scenario elsewhere, at another time, with other habits.
//!
//! A defense that is tuned to one run knows its addresses, its rhythm and the minute at which the attack
//! begins. A variation draws all of these anew from its number, so that knowing them helps nobody. It changes
//! the texts of the bundle, as settings do, so every check of the files holds and a run folder can be replayed.
//!
//! What is drawn, each from a stream of its own:
//!
//! | stream | what |
//! | --- | --- |
//! | `vary/layout` | the subnet of every network that has room, and the latency of its links (0.5 to 2 times) |
//! | `vary/addresses` | the IP address of every host within its subnet, and with it the hardware address where that is derived; every mention of the old address in plant and playbook |
//! | `vary/rates` | `poll_ms` of every station, 0.8 to 1.25 times, in steps of 10 ms |
//! | `vary/people` | `reaction_median_s` and `round_s` of operators, 0.7 to 1.4 times |
//! | `vary/attack` | a shift of all steps with a time of their own by up to ten minutes, and the delays between steps, 0.5 to 2 times |
//! | `vary/oddity` | in two of three draws: a service notebook that nobody announced reads the controllers now and then |
//!
//! **Invariant:** variation 0 is the scenario as it is written, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sim_kernel::{Seed, SimDuration, Stream};
use sim_plant::parse_subnet;

use super::bundle::Bundle;
use super::set::{Edit, Part, apply, file_of};
use crate::ron_source::{Node, NodeKind, Outline};

/// Most by which the attack begins later, s.
const LATEST_S: f64 = 600.0;
/// Name of the host that an oddity brings.
const VISITOR: &str = "service-notebook";

/// A scenario that was varied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variation {
    /// The changed files.
    pub bundle: Bundle,
    /// What was drawn, one short line each; empty for variation 0.
    pub drawn: Vec<String>,
    /// Old to new address of every host that moved, and of every subnet that did.
    pub moved: BTreeMap<Ipv4Addr, Ipv4Addr>,
}

/// Varies a scenario that was read without mistakes.
///
/// # Arguments
///
/// * `number` — which variation; 0 leaves everything as it is.
///
/// # Determinism
///
/// A function of the two arguments. Streams are named, so that a plant without operators draws the same
/// addresses as one with them.
#[must_use]
pub fn vary(bundle: &Bundle, number: u64) -> Variation {
    let mut varied = Variation {
        bundle: bundle.clone(),
        drawn: Vec::new(),
        moved: BTreeMap::new(),
    };
    if number == 0 {
        return varied;
    }
    let seed = Seed::new(number);
    let shift_limit_s = latest_shift_s(bundle);
    if let Some(name) = file_of(bundle, Part::Plant) {
        let text = &bundle.files[&name];
        let outline = Outline::of(text);
        let mut edits = Vec::new();
        let nets = layout(&outline, text, seed, &mut varied, &mut edits);
        let taken = addresses(&outline, &nets, seed, &mut varied);
        rates(&outline, text, seed, &mut varied.drawn, &mut edits);
        people(&outline, text, seed, &mut varied.drawn, &mut edits);
        let visited = Visited {
            nets: &nets,
            taken: &taken,
        };
        oddity(
            &outline,
            text,
            seed,
            &visited,
            &mut varied.drawn,
            &mut edits,
        );
        edits.extend(moves(&outline, &varied.moved));
        varied.bundle.files.insert(name, apply(text, edits));
    }
    if let Some(name) = file_of(bundle, Part::Playbook) {
        let text = &bundle.files[&name];
        let outline = Outline::of(text);
        let mut edits = attack(&outline, seed, shift_limit_s, &mut varied.drawn);
        edits.extend(moves(&outline, &varied.moved));
        varied.bundle.files.insert(name, apply(text, edits));
    }
    varied
}

/// First address and number of addresses of the subnet of each network, by its name.
type Nets = BTreeMap<String, (u32, u32)>;

/// Ranges for private use (RFC 1918): first address and bits.
const PRIVATE: [(Ipv4Addr, u32); 3] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// Draws subnets and latencies. Returns the subnets as they are then.
fn layout(
    outline: &Outline,
    text: &str,
    seed: Seed,
    varied: &mut Variation,
    edits: &mut Vec<Edit>,
) -> Nets {
    let mut stream = seed.stream("vary/layout");
    let mut nets = Nets::new();
    for network in items(outline, "networks") {
        if let Some((name, range)) = text_of(network, "name").zip(subnet(network)) {
            nets.insert(name.to_owned(), range);
        }
    }
    // Nobody gets a subnet that somebody has or had.
    let mut taken: Vec<(u32, u32)> = nets.values().copied().collect();
    for network in items(outline, "networks") {
        let name = text_of(network, "name").unwrap_or_default();
        if let Some(node) = field(network, "latency_us")
            && let Ok(value) = text[node.span.clone()].parse::<u32>()
        {
            let new = whole(f64::from(value) * stream.uniform_in(0.5, 2.0)).max(1);
            let line = format!("links of {name} take {new} \u{b5}s instead of {value}");
            varied.drawn.push(line);
            edits.push((node.span.clone(), new.to_string()));
        }
        let Some((first, size)) = nets.get(name).copied() else {
            continue;
        };
        let hosts = items(outline, "hosts").iter();
        let hosts = hosts.filter(|host| text_of(host, "network") == Some(name));
        let needed = u32::try_from(hosts.count()).unwrap_or(u32::MAX);
        // Hosts of a small subnet may not all find room in another, with the addresses that stay free.
        let roomy = needed.saturating_mul(2) < size;
        if !roomy {
            continue;
        }
        let Some(new) = free_subnet(&mut stream, size, &taken) else {
            continue;
        };
        taken.push((new, size));
        let (old_base, new_base) = (Ipv4Addr::from(first), Ipv4Addr::from(new));
        let bits = 32 - size.trailing_zeros();
        varied.moved.insert(old_base, new_base);
        varied.drawn.push(format!(
            "{name} is {new_base}/{bits} instead of {old_base}/{bits}"
        ));
        nets.insert(name.to_owned(), (new, size));
    }
    nets
}

/// A private subnet of this size that meets none of those that are taken.
fn free_subnet(stream: &mut Stream, size: u32, taken: &[(u32, u32)]) -> Option<u32> {
    let pools: Vec<(u32, u32)> = PRIVATE
        .iter()
        .map(|(first, bits)| (u32::from(*first), 1 << (32 - bits)))
        .filter(|(_, pool)| *pool > size)
        .collect();
    let count = u64::try_from(pools.len()).ok().filter(|count| *count > 0)?;
    for _ in 0..64 {
        let at = usize::try_from(stream.below(count)).expect("one of three");
        let (base, pool) = pools[at];
        let block = u32::try_from(stream.below(u64::from(pool / size))).expect("in a pool");
        let first = base + block * size;
        let meets = |&(other, length): &(u32, u32)| first < other + length && other < first + size;
        if !taken.iter().any(meets) {
            return Some(first);
        }
    }
    None
}

/// Draws new addresses. Returns all that are taken, old ones included, by network.
///
/// # Arguments
///
/// * `nets` — the subnets, drawn already.
fn addresses(
    outline: &Outline,
    nets: &Nets,
    seed: Seed,
    varied: &mut Variation,
) -> BTreeMap<String, BTreeSet<Ipv4Addr>> {
    let mut stream = seed.stream("vary/addresses");
    let mut taken: BTreeMap<String, BTreeSet<Ipv4Addr>> = BTreeMap::new();
    let hosts = items(outline, "hosts");
    let ip_of = |host: &Node| -> Option<Ipv4Addr> { field(host, "ip")?.as_text()?.parse().ok() };
    for host in hosts {
        if let (Some(network), Some(ip)) = (text_of(host, "network"), ip_of(host)) {
            taken.entry(network.to_owned()).or_default().insert(ip);
        }
    }
    for host in hosts {
        let Some((network, ip)) = text_of(host, "network").zip(ip_of(host)) else {
            continue;
        };
        let Some(&range) = nets.get(network) else {
            continue;
        };
        let taken = taken.get_mut(network).expect("collected above");
        if let Some(new) = free_address(&mut stream, range, taken) {
            taken.insert(new);
            varied.moved.insert(ip, new);
            let name = text_of(host, "name").unwrap_or_default();
            varied
                .drawn
                .push(format!("{name} has {new} instead of {ip}"));
        }
    }
    taken
}

/// First address and number of addresses of a network's subnet.
fn subnet(network: &Node) -> Option<(u32, u32)> {
    let (base, bits) = parse_subnet(text_of(network, "subnet")?)?;
    let size = 1_u32.checked_shl(32 - u32::from(bits))?;
    Some((u32::from(base), size))
}

/// An address of the subnet that nobody has or had; `None` where the subnet is nearly full.
fn free_address(
    stream: &mut Stream,
    (first, size): (u32, u32),
    taken: &BTreeSet<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    // The first address, the last and the first host's, which is often a router's, stay free.
    let hosts = u64::from(size.checked_sub(3).filter(|hosts| *hosts > 0)?);
    let mut drawn = || u32::try_from(stream.below(hosts)).expect("smaller than a subnet");
    let free = |at: u32| Some(Ipv4Addr::from(first + 2 + at)).filter(|a| !taken.contains(a));
    for _ in 0..64 {
        if let Some(address) = free(drawn()) {
            return Some(address);
        }
    }
    (0..size - 3).find_map(free)
}

/// Every text that is an old address, alone or with the bits of a subnet, becomes the new one.
fn moves(outline: &Outline, moved: &BTreeMap<Ipv4Addr, Ipv4Addr>) -> Vec<Edit> {
    let mut edits = Vec::new();
    outline.root().visit(&mut |node| {
        let NodeKind::Text(text) = &node.kind else {
            return;
        };
        let (address, bits) = text
            .find('/')
            .map_or((text.as_str(), ""), |at| text.split_at(at));
        if let Ok(old) = address.parse::<Ipv4Addr>()
            && let Some(new) = moved.get(&old)
        {
            edits.push((node.span.clone(), format!("\"{new}{bits}\"")));
        }
    });
    edits
}

fn rates(
    outline: &Outline,
    text: &str,
    seed: Seed,
    drawn: &mut Vec<String>,
    edits: &mut Vec<Edit>,
) {
    let mut stream = seed.stream("vary/rates");
    for list in ["hmis", "historians", "workstations"] {
        for station in items(outline, list) {
            let Some(node) = field(station, "poll_ms") else {
                continue;
            };
            let Ok(poll_ms) = text[node.span.clone()].parse::<u32>() else {
                continue;
            };
            let scaled = f64::from(poll_ms) * stream.uniform_in(0.8, 1.25);
            let tens = whole(scaled / 10.0).max(1);
            let host = text_of(station, "host").unwrap_or_default();
            drawn.push(format!(
                "{host} polls each {} ms instead of {poll_ms}",
                tens * 10
            ));
            edits.push((node.span.clone(), (tens * 10).to_string()));
        }
    }
}

fn people(
    outline: &Outline,
    text: &str,
    seed: Seed,
    drawn: &mut Vec<String>,
    edits: &mut Vec<Edit>,
) {
    let mut stream = seed.stream("vary/people");
    for person in items(outline, "operators") {
        for name in ["reaction_median_s", "round_s"] {
            let Some(node) = field(person, name) else {
                continue;
            };
            let Ok(value) = text[node.span.clone()].parse::<f64>() else {
                continue;
            };
            let new = f64::from(whole(value * stream.uniform_in(0.7, 1.4) * 10.0).max(1)) / 10.0;
            let who = text_of(person, "name").unwrap_or_default();
            drawn.push(format!("{name} of {who} is {new:?} instead of {value:?}"));
            edits.push((node.span.clone(), format!("{new:?}")));
        }
    }
}

/// Where a visitor may find a free address.
struct Visited<'a> {
    nets: &'a Nets,
    taken: &'a BTreeMap<String, BTreeSet<Ipv4Addr>>,
}

/// A visitor who reads the controllers: traffic that nobody has seen before and that is no attack.
fn oddity(
    outline: &Outline,
    text: &str,
    seed: Seed,
    visited: &Visited<'_>,
    drawn: &mut Vec<String>,
    edits: &mut Vec<Edit>,
) {
    let mut stream = seed.stream("vary/oddity");
    // Drawn in any case and first, so that what follows does not move what is drawn elsewhere.
    let comes = stream.chance(2.0 / 3.0);
    let poll_s = 60 * (10 + stream.below(31));
    let hosts = items(outline, "hosts");
    let known = hosts
        .iter()
        .any(|host| text_of(host, "name") == Some(VISITOR));
    let first = hosts.first();
    let network = first.and_then(|host| text_of(host, "network"));
    let (Some(first), Some(network), true, false) = (first, network, comes, known) else {
        return;
    };
    let none = BTreeSet::new();
    let taken = visited.taken.get(network).unwrap_or(&none);
    let range = visited.nets.get(network);
    let address = range.and_then(|range| free_address(&mut stream, *range, taken));
    let (Some(address), Some(stations)) = (address, outline.node("workstations")) else {
        return;
    };
    let NodeKind::List(_) = &stations.kind else {
        return;
    };
    let host = format!(
        "(name: \"{VISITOR}\", role: EngineeringWorkstation, network: \"{network}\", ip: \"{address}\", \
         vendor: \"Northmill Packaging Service\", model: \"Service notebook\"), "
    );
    let station = format!(
        "(host: \"{VISITOR}\", poll_ms: {}, timeout_ms: 2000), ",
        poll_s * 1000
    );
    edits.push((first.span.start..first.span.start, host));
    let inside = stations.span.start + 1;
    assert!(text[stations.span.clone()].starts_with('['), "a list opens");
    edits.push((inside..inside, station));
    drawn.push(format!(
        "a service notebook at {address} reads the controllers each {} min",
        poll_s / 60
    ));
}

/// How much later the attack may begin: so much that its last step with a time of its own still has most of
/// the run that it had, s.
fn latest_shift_s(bundle: &Bundle) -> f64 {
    let root = Outline::of(&bundle.files[&bundle.root]);
    let duration = root
        .node("duration")
        .and_then(Node::as_text)
        .and_then(|text| text.parse::<SimDuration>().ok());
    let Some((duration, name)) = duration.zip(file_of(bundle, Part::Playbook)) else {
        return 0.0;
    };
    let playbook = Outline::of(&bundle.files[&name]);
    let last = starts(&playbook)
        .iter()
        .map(|(_, at)| at.as_secs_f64())
        .fold(0.0, |last, at| if at > last { at } else { last });
    let quarter_s = (duration.as_secs_f64() - last) / 4.0;
    quarter_s.clamp(0.0, LATEST_S)
}

/// The times of steps that begin at a time of their own.
fn starts(outline: &Outline) -> Vec<(&Node, SimDuration)> {
    let mut found = Vec::new();
    for step in items(outline, "steps") {
        let Some(NodeKind::Tuple { name, items }) = field(step, "start").map(|n| &n.kind) else {
            continue;
        };
        if let ("At", [time]) = (name.as_str(), items.as_slice())
            && let Some(Ok(at)) = time.as_text().map(str::parse)
        {
            found.push((time, at));
        }
    }
    found
}

fn attack(outline: &Outline, seed: Seed, limit_s: f64, drawn: &mut Vec<String>) -> Vec<Edit> {
    let mut stream = seed.stream("vary/attack");
    let mut edits = Vec::new();
    let shift_s = u64::from(whole(stream.uniform() * limit_s));
    for (node, at) in starts(outline) {
        let later = at + SimDuration::from_secs(shift_s);
        edits.push((node.span.clone(), format!("\"{}ms\"", later.as_millis())));
    }
    if !edits.is_empty() {
        drawn.push(format!("the attack begins {shift_s} s later"));
    }
    let mut delays = 0;
    for step in items(outline, "steps") {
        let Some(delay) = field(step, "start").and_then(|start| field(start, "delay")) else {
            continue;
        };
        let Some(Ok(value)) = delay.as_text().map(str::parse::<SimDuration>) else {
            continue;
        };
        let scaled = value.as_secs_f64() * stream.uniform_in(0.5, 2.0);
        let tenths = whole(scaled * 10.0).max(1);
        edits.push((delay.span.clone(), format!("\"{}ms\"", tenths * 100)));
        delays += 1;
    }
    if delays > 0 {
        drawn.push(format!(
            "{delays} delays between steps are 0.5 to 2 times as long"
        ));
    }
    edits
}

fn items<'n>(outline: &'n Outline, list: &str) -> &'n [Node] {
    match outline.node(list).map(|node| &node.kind) {
        Some(NodeKind::List(items)) => items,
        _ => &[],
    }
}

/// A field of a struct, with or without `Some` and a name.
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let NodeKind::Struct { fields, .. } = &node.kind else {
        return None;
    };
    fields
        .iter()
        .find(|field| field.name == name)
        .map(|field| &field.value)
}

fn text_of<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    field(node, name)?.as_text()
}

/// The nearest whole number of at least 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rates and times of a plant are far below 2^32, and the cast saturates"
)]
fn whole(value: f64) -> u32 {
    (value + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::{Standard, prepare};
    use crate::problem::Problems;
    use crate::scenario::{from_bundle, load};

    fn formats() -> Standard {
        Standard::new(|_| Problems::new())
    }

    fn shipped(name: &str) -> Bundle {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/bottling");
        let loaded = load(&folder.join(name), &formats()).expect("a shipped scenario is sound");
        loaded.bundle
    }

    #[test]
    fn vary_when_number_is_zero_then_nothing_changes() {
        let bundle = shipped("overflow.ron");
        let varied = vary(&bundle, 0);
        assert_eq!(varied.bundle, bundle);
        assert!(varied.drawn.is_empty() && varied.moved.is_empty());
    }

    #[test]
    fn vary_when_many_numbers_are_drawn_then_every_scenario_is_sound() {
        let mut visitors = 0;
        let mut layouts = BTreeSet::new();
        for name in ["overflow.ron", "logic.ron", "calm.ron", "sisbypass.ron"] {
            let bundle = shipped(name);
            for number in 1..=40 {
                let varied = vary(&bundle, number);
                assert_eq!(vary(&bundle, number), varied, "{name} {number}");
                let loaded = from_bundle(&varied.bundle, &formats());
                let loaded = loaded.unwrap_or_else(|why| panic!("{name} {number}: {why}"));
                let prepared = prepare(&loaded).expect("it was read");
                visitors += usize::from(prepared.plant.hosts.iter().any(|h| h.name == VISITOR));
                // Nobody keeps an address, and nobody gets one that somebody had.
                assert_eq!(varied.moved.len(), 9, "{name} {number}");
                let old: BTreeSet<_> = varied.moved.keys().collect();
                let new: BTreeSet<_> = varied.moved.values().collect();
                assert!(old.is_disjoint(&new) && new.len() == 9, "{name} {number}");
                let text = varied.bundle.files["plant.ron"].as_str();
                for old in varied.moved.keys() {
                    assert!(
                        !text.contains(&format!("\"{old}\"")),
                        "{name} {number}: {old}"
                    );
                }
                layouts.insert(prepared.plant.networks[0].subnet.clone());
            }
        }
        assert!((80..150).contains(&visitors), "{visitors} of 160 draws");
        // Four scenarios of one plant draw the same forty.
        assert!(layouts.len() > 35, "{} subnets", layouts.len());
    }

    #[test]
    fn vary_when_attack_moves_then_it_stays_behind_the_clean_period() {
        let bundle = shipped("overflow.ron");
        let mut shifts = BTreeSet::new();
        for number in 1..=40 {
            let varied = vary(&bundle, number);
            let loaded = from_bundle(&varied.bundle, &formats()).expect("it is sound");
            let facts = loaded.playbook_facts.expect("a playbook");
            let at = facts.starts[0].1.since_start();
            assert!(at >= SimDuration::from_secs(2400), "{at}");
            assert!(at <= SimDuration::from_secs(3000), "{at}");
            shifts.insert(at);
        }
        assert!(shifts.len() > 20, "the draws differ");
    }
}
