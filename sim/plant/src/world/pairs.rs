//! Pairs of controllers in the world: the link between the two, takeovers, the address of the pair, power.
//!
//! The link is a cable of its own and not part of the cell's network, as between real pairs: nothing of it
//! can be seen at a SPAN port. What can be seen is the address that moves.

use sim_kernel::queue::Phase;
use sim_kernel::time::{SimDuration, SimTime};

use super::{Event, World};
use crate::controller::pair::Watch;
use crate::physics::ControllerAct;

/// How long a controller of a pair takes to start when it is switched off and on by hand.
const BOOT: SimDuration = SimDuration::from_secs(5);

impl World {
    /// Sends what a primary has to tell its standby after a scan.
    pub(super) fn send_beat(&mut self, now: SimTime, index: usize) {
        let Some((peer, arrives, beat)) = self.controllers[index].beat(now) else {
            return;
        };
        let ends = (self.ids.controllers[index], self.ids.controllers[peer]);
        let controller = u16::try_from(peer).expect("controllers are few");
        let event = Event::Heard { controller, beat };
        self.schedule(arrives, Phase::DeviceTimer, ends, event);
    }

    /// Lets a standby look whether it is needed.
    pub(super) fn watch_primary(&mut self, now: SimTime, index: usize) {
        let Some(peer) = self.controllers[index].peer() else {
            return;
        };
        let primary_leads = self.controllers[peer].leads();
        let how = self.controllers[index].watch(now, primary_leads);
        if how == Watch::Wait {
            return;
        }
        self.controllers[peer].cede(now);
        let from = self.controllers[peer].config.name.clone();
        self.controllers[index].take_over(now, how, &from);
        let (taker, giver) = (
            self.controllers[index].config.host,
            self.controllers[peer].config.host,
        );
        let (own, of_pair) = (self.hosts[taker].config.ip, self.hosts[giver].config.ip);
        for (host, ip) in [(taker, of_pair), (giver, own)] {
            self.hosts[host].readdress(ip);
            self.hosts[host].announce();
            self.flush_host(now, host);
        }
    }

    /// What a person does at a controller.
    pub(super) fn work_at_controller(&mut self, now: SimTime, index: usize, act: ControllerAct) {
        // Without a standby the five seconds without power make no difference to anybody.
        let is_simple = self.controllers[index].peer().is_none() && self.controllers[index].powered;
        match act {
            ControllerAct::Restart if !is_simple => {
                self.power_off(now, index);
                self.controllers[index].power_on_at = Some(now + BOOT);
                let id = self.ids.controllers[index];
                let controller = u16::try_from(index).expect("controllers are few");
                let event = Event::PowerOn { controller };
                self.schedule(now + BOOT, Phase::DeviceTimer, (id, id), event);
            }
            ControllerAct::Restart => {
                self.controllers[index].power_cycle(now);
                self.started(now, index, "power cycled by hand");
            }
            ControllerAct::PowerOff => self.power_off(now, index),
            ControllerAct::PowerOn => self.power_on(now, index),
            ControllerAct::UnplugSync => self.controllers[index].set_link(false),
            ControllerAct::PlugSync => self.controllers[index].set_link(true),
        }
    }

    /// Takes the power from a controller and its network interface.
    pub(super) fn power_off(&mut self, now: SimTime, index: usize) {
        self.controllers[index].power_off(now);
        self.hosts[self.controllers[index].config.host].set_power(false);
    }

    /// Ends the start of a controller, unless somebody has switched it since.
    pub(super) fn boot_ends(&mut self, now: SimTime, index: usize) {
        if self.controllers[index].power_on_at == Some(now) {
            self.power_on(now, index);
        }
    }

    /// Gives a controller its power back. It announces its address, as a stack does when its link comes up.
    pub(super) fn power_on(&mut self, now: SimTime, index: usize) {
        if self.controllers[index].powered {
            return;
        }
        let host = self.controllers[index].config.host;
        self.hosts[host].set_power(true);
        self.hosts[host].announce();
        self.flush_host(now, host);
        self.controllers[index].power_on(now);
        self.started(now, index, "power on");
        self.tell_notices(now, index, None);
    }
}

#[cfg(test)]
mod tests;
