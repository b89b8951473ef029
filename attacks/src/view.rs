//! What the attacker knows of the plant before it begins, and what it brings along: names, roles and IP
//! addresses, the list of tags, and the programs that it means to load.
//!
//! Hardware addresses, open ports and the content of controllers are not in here: the attacker has to
//! find them over the network.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_plant::PlantSpec;
use sim_plant::spec::Role;

use crate::place::Spot;
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

/// A tag, as the list of tags on a share has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagView {
    /// Host name of the controller that holds it.
    pub(crate) controller: String,
    pub(crate) spot: Spot,
}

/// The hosts and tags of a plant, which of the hosts is the attacker's, and the attacker's programs.
///
/// **Invariant:** the hosts are sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlantView {
    hosts: Vec<HostView>,
    attacker: String,
    tags: BTreeMap<String, TagView>,
    programs: BTreeMap<String, Arc<[u8]>>,
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
        let tags = plant.tags.iter().filter_map(|tag| {
            let (kind, address) = (tag.kind, tag.address.parse().ok()?);
            let view = TagView {
                controller: tag.controller.clone(),
                spot: Spot { address, kind },
            };
            Some((tag.name.clone(), view))
        });
        Self {
            hosts,
            attacker: attacker.to_owned(),
            tags: tags.collect(),
            programs: BTreeMap::new(),
        }
    }

    /// The view of an attacker who has these programs at hand.
    ///
    /// # Arguments
    ///
    /// * `programs` — containers of `sim_st` by the names that the playbook uses for them; every
    ///   program that it downloads must be there.
    #[must_use]
    pub fn with_programs(mut self, programs: BTreeMap<String, Arc<[u8]>>) -> Self {
        self.programs = programs;
        self
    }

    /// The tag with this name.
    pub(crate) fn tag(&self, name: &str) -> Option<&TagView> {
        self.tags.get(name)
    }

    /// Names of all tags.
    pub(crate) fn tag_names(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    /// The container of a program that the playbook downloads.
    ///
    /// # Panics
    ///
    /// If it is not at hand: who makes a view brings the playbook's programs.
    pub(crate) fn program(&self, name: &str) -> &Arc<[u8]> {
        let program = self.programs.get(name);
        program.expect("the attacker has the playbook's programs at hand")
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
