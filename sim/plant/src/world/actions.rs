//! How the world checks, delays and carries out what a defense asks for.

use sim_kernel::queue::Phase;
use sim_kernel::time::SimTime;

use sim_wire::MacAddr;

use super::{Event, HostRoles, World};
use crate::respond::{Action, DURATION_MAX_S, DenyTarget, Input, InputError, OutsideFrame};
use crate::switch::Match;

impl World {
    pub(super) fn check_action(&self, action: &Action) -> Result<(), InputError> {
        let duration = |duration_s: u64| match duration_s {
            1..=DURATION_MAX_S => Ok(()),
            _ => Err(InputError::BadDuration { duration_s }),
        };
        match action {
            Action::Deny { target, args } => {
                duration(args.duration_s)?;
                self.resolve_deny(target).map(|_| ())
            }
            Action::Contain { target, args } => {
                duration(args.duration_s)?;
                self.host_named(&target.host).map(|_| ())
            }
            Action::Restore { target } => self.controller_named(&target.controller).map(|_| ()),
        }
    }

    fn host_named(&self, name: &str) -> Result<usize, InputError> {
        let unknown = || InputError::Unknown {
            kind: "host",
            name: name.to_owned(),
        };
        self.hosts
            .iter()
            .position(|h| h.config.name == name)
            .ok_or_else(unknown)
    }

    fn controller_named(&self, name: &str) -> Result<usize, InputError> {
        let unknown = || InputError::Unknown {
            kind: "controller",
            name: name.to_owned(),
        };
        self.controllers
            .iter()
            .position(|c| c.config.name == name)
            .ok_or_else(unknown)
    }

    /// The switches that a deny is for, and the rule.
    fn resolve_deny(&self, target: &DenyTarget) -> Result<(Vec<usize>, Match), InputError> {
        let everywhere = || (0..self.switches.len()).collect();
        match target {
            DenyTarget::Ip(ip) => Ok((everywhere(), Match::Ip(*ip))),
            DenyTarget::Mac(text) => Ok((everywhere(), Match::Mac(text.parse::<MacAddr>()?.0))),
            DenyTarget::SwitchPort { switch, port } => {
                let unknown = |kind, name: String| InputError::Unknown { kind, name };
                let at = self
                    .switches
                    .iter()
                    .position(|s| s.name == *switch)
                    .ok_or_else(|| unknown("switch", switch.clone()))?;
                if usize::from(*port) >= self.switches[at].ports.len() {
                    return Err(unknown("port", format!("{switch} port {port}")));
                }
                Ok((vec![at], Match::Port(*port)))
            }
        }
    }

    /// The action of an input that is one.
    fn action(&self, input: usize) -> Action {
        let action = self.inputs[input].input.action();
        action.expect("only actions begin and end").clone()
    }

    pub(super) fn on_input(&mut self, now: SimTime, input: usize) {
        if let Input::Frame(OutsideFrame(bytes)) = &mut self.inputs[input].input {
            let bytes = std::mem::take(bytes);
            self.send_from_outside(now, bytes);
            return;
        }
        let begins = now + self.response.until_effect(&self.action(input));
        let id = self.ids.world;
        self.schedule(
            begins,
            Phase::DeviceTimer,
            (id, id),
            Event::ActionBegins(input),
        );
    }

    pub(super) fn on_action_begins(&mut self, now: SimTime, input: usize) {
        let action = self.action(input);
        let ends = now + self.response.lasts(&action);
        match &action {
            Action::Deny { target, .. } => {
                let (switches, rule) = self
                    .resolve_deny(target)
                    .expect("checked when it was submitted");
                for switch in switches {
                    self.switches[switch].deny(rule, ends);
                }
            }
            Action::Contain { target, .. } => {
                let host = self
                    .host_named(&target.host)
                    .expect("checked when it was submitted");
                let HostRoles { switch, port, .. } = self.roles[host];
                let port = &mut self.switches[usize::from(switch)].ports[usize::from(port)];
                if port.shut_until.is_none_or(|shut| shut < ends) {
                    port.shut_until = Some(ends);
                }
            }
            Action::Restore { target } => {
                let at = self
                    .controller_named(&target.controller)
                    .expect("checked when it was submitted");
                self.controllers[at].begin_service(now);
                let id = self.ids.world;
                self.schedule(ends, Phase::DeviceTimer, (id, id), Event::ActionEnds(input));
                let host = self.controllers[at].config.host;
                self.log(
                    now,
                    host,
                    "plc",
                    "MODE",
                    4,
                    "mode PROGRAM: restore from golden copy".to_owned(),
                );
            }
        }
    }

    pub(super) fn on_action_ends(&mut self, now: SimTime, input: usize) {
        if let Action::Restore { target } = self.action(input) {
            let at = self
                .controller_named(&target.controller)
                .expect("checked when it was submitted");
            self.controllers[at].end_service(now);
            self.started(now, at, "restored from golden copy");
        }
    }
}
