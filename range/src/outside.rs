//! Where a plant meets what is not simulated: real clients, real interfaces.
//!
//! One network's switch has one more port, and its cable leads outside. A gateway that stands at its other end has an
//! address of the network, so that the inventory can name it like any other device.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use sim_plant::spec::{HostSpec, NetworkSpec, PlantSpec};
use sim_plant::{OUTSIDE, devices, parse_subnet};
use sim_wire::MacAddr;

use crate::evidence::records::Asset;
use crate::problem::Problem;

/// A port to the outside, and the gateway behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Name of the network whose switch has the port.
    pub network: String,
    /// Address of the gateway, the highest of the network that no host has.
    pub ip: Ipv4Addr,
    /// Length of the network's prefix, bits.
    pub prefix_len: u8,
    /// Hardware address of the gateway, with colons; locally administered.
    pub mac: String,
}

/// Number of controllers on a network.
fn controllers_on(plant: &PlantSpec, network: &NetworkSpec) -> usize {
    let here = |host: &&HostSpec| host.network == network.name;
    let devices = devices(plant);
    let controls = |host: &HostSpec| devices.iter().any(|(name, _)| *name == host.name);
    plant
        .hosts
        .iter()
        .filter(here)
        .filter(|host| controls(host))
        .count()
}

/// The addresses of a network that no host has, from the highest on.
///
/// # Arguments
///
/// * `within` — any address of the network.
/// * `prefix_len` — length of its prefix, bits.
fn free_addresses(
    plant: &PlantSpec,
    within: Ipv4Addr,
    prefix_len: u8,
) -> impl Iterator<Item = Ipv4Addr> {
    let hosts = u32::MAX.checked_shr(u32::from(prefix_len)).unwrap_or(0);
    let (first, last) = (within.to_bits() & !hosts, within.to_bits() | hosts);
    let taken = |ip: &Ipv4Addr| plant.hosts.iter().any(|host| host.ip == *ip);
    let all = (first.saturating_add(1)..last)
        .rev()
        .map(Ipv4Addr::from_bits);
    all.filter(move |ip| !taken(ip))
}

/// A locally administered hardware address for a device that is not simulated.
fn mac_of(ip: Ipv4Addr) -> MacAddr {
    let [_, _, high, low] = ip.octets();
    MacAddr([0x02, 0x54, 0x57, 0x67, high, low])
}

impl Outside {
    /// A port on a network, by name; on the one with most controllers when no name is given.
    ///
    /// # Errors
    ///
    /// `TR0601` if there is no such network, or no address is free on it.
    pub fn of(plant: &PlantSpec, network: Option<&str>) -> Result<Self, Problem> {
        let names = || {
            let names: Vec<&str> = plant.networks.iter().map(|n| n.name.as_str()).collect();
            names.join(", ")
        };
        let found = match network {
            Some(name) => plant.networks.iter().find(|n| n.name == name),
            // The first of those with most of them, by name.
            None => plant
                .networks
                .iter()
                .min_by_key(|n| (std::cmp::Reverse(controllers_on(plant, n)), n.name.as_str())),
        };
        let found = found.ok_or_else(|| {
            let asked = network.unwrap_or_default();
            Problem::new(
                "TR0601",
                format!("there is no network `{asked}` in this plant"),
            )
            .hint(format!("its networks are {}", names()))
        })?;
        let (base, prefix_len) = parse_subnet(&found.subnet).expect("a loaded plant was checked");
        let ip = free_addresses(plant, base, prefix_len).next();
        let ip = ip.ok_or_else(|| {
            Problem::new(
                "TR0601",
                format!("no address is free on network `{}`", found.name),
            )
        })?;
        Ok(Self {
            network: found.name.clone(),
            ip,
            prefix_len,
            mac: mac_of(ip).to_string(),
        })
    }

    /// Addresses for a device at the same port that is in no inventory: the highest of the network that neither a
    /// host nor the gateway has.
    ///
    /// # Errors
    ///
    /// `TR0601` if no further address is free.
    pub fn stranger(&self, plant: &PlantSpec) -> Result<(MacAddr, Ipv4Addr), Problem> {
        let free = free_addresses(plant, self.ip, self.prefix_len).find(|&ip| ip != self.ip);
        let ip = free.ok_or_else(|| {
            let message = format!("only one address is free on network `{}`", self.network);
            Problem::new("TR0601", message)
        })?;
        Ok((mac_of(ip), ip))
    }

    /// The network itself.
    fn in_plant<'a>(&self, plant: &'a PlantSpec) -> Option<&'a NetworkSpec> {
        plant.networks.iter().find(|n| n.name == self.network)
    }

    /// Name of the network's SPAN port, if it has one.
    #[must_use]
    pub fn span<'a>(&self, plant: &'a PlantSpec) -> Option<&'a str> {
        self.in_plant(plant)?.span.as_deref()
    }

    /// The gateway's line in the inventory.
    #[must_use]
    pub fn asset(&self, plant: &PlantSpec, port: u16) -> Asset {
        let network = self.in_plant(plant);
        Asset {
            name: OUTSIDE.to_owned(),
            role: "gateway".to_owned(),
            zone: network.map(|n| n.zone.clone()),
            purdue_level: None,
            ip: Some(self.ip.to_string()),
            mac: Some(self.mac.clone()),
            switch: network.map(|n| n.switch.clone()),
            port: Some(u32::from(port)),
            vendor: None,
            model: None,
            firmware: None,
        }
    }
}
