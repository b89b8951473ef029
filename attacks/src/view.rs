//! What the attacker knows of the plant before it begins: names, roles and IP addresses.
//!
//! Hardware addresses, open ports and the content of controllers are not in here: the attacker has to
//! find them over the network.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use sim_plant::PlantSpec;
use sim_plant::spec::Role;

use crate::playbook::{Playbook, Selector};

/// A host, as a stolen network drawing would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostView {
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its address.
    pub ip: Ipv4Addr,
}

/// The hosts of a plant and which of them is the attacker's.
///
/// **Invariant:** the hosts are sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlantView {
    hosts: Vec<HostView>,
    attacker: String,
}

impl PlantView {
    /// The view of a plant for an attacker who owns the host `attacker`.
    #[must_use]
    pub fn of(plant: &PlantSpec, attacker: &str) -> Self {
        let mut hosts: Vec<HostView> = plant
            .hosts
            .iter()
            .map(|host| HostView {
                name: host.name.clone(),
                role: host.role,
                ip: host.ip,
            })
            .collect();
        hosts.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            hosts,
            attacker: attacker.to_owned(),
        }
    }

    /// Name of the attacker's host.
    #[must_use]
    pub fn attacker(&self) -> &str {
        &self.attacker
    }

    /// The name of the host with this address, or the address as text.
    #[must_use]
    pub fn name_of(&self, ip: Ipv4Addr) -> String {
        match self.hosts.iter().find(|host| host.ip == ip) {
            Some(host) => host.name.clone(),
            None => ip.to_string(),
        }
    }

    /// The hosts that a selector picks, by name; never the attacker's own by role.
    #[must_use]
    pub fn select(&self, selector: &Selector) -> Vec<&HostView> {
        let picks = |host: &&HostView| match selector {
            Selector::Host(name) => host.name == *name,
            Selector::Role(role) => host.role == *role && host.name != self.attacker,
        };
        self.hosts.iter().filter(picks).collect()
    }
}

/// The addresses behind each alias of a playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets(BTreeMap<String, Vec<Ipv4Addr>>);

impl Targets {
    pub(crate) fn resolve(playbook: &Playbook, view: &PlantView) -> Self {
        let addresses = |selector| view.select(selector).iter().map(|host| host.ip).collect();
        let resolved = playbook
            .targets
            .iter()
            .map(|(alias, selector)| (alias.clone(), addresses(selector)));
        Self(resolved.collect())
    }

    /// The addresses behind an alias; none for an alias that is not there.
    pub(crate) fn all(&self, alias: &str) -> &[Ipv4Addr] {
        self.0.get(alias).map_or(&[], Vec::as_slice)
    }

    /// The addresses behind several aliases, each once, in order of appearance.
    pub(crate) fn union(&self, aliases: &[String]) -> Vec<Ipv4Addr> {
        let mut addresses = Vec::new();
        for &ip in aliases.iter().flat_map(|alias| self.all(alias)) {
            if !addresses.contains(&ip) {
                addresses.push(ip);
            }
        }
        addresses
    }

    /// The single host behind an alias.
    ///
    /// # Panics
    ///
    /// If there is none: playbooks are validated before they are played.
    pub(crate) fn one(&self, alias: &str) -> Ipv4Addr {
        *self
            .all(alias)
            .first()
            .expect("the playbook was validated: the target has one host")
    }
}
