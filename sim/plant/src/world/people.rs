//! How the world runs stations and carries out what operators decide.

use sim_kernel::digest::Digest;
use sim_kernel::queue::Phase;
use sim_kernel::time::SimTime;
use sim_wire::modbus::engineering::cut;

use super::{Event, World};
use crate::alarm::Change;
use crate::observe::TagSample;
use crate::operator::Deed;
use crate::physics::Act;
use crate::station::{Progress, StationKind};

impl World {
    pub(super) fn on_poll(&mut self, now: SimTime, index: usize, target: u16) {
        let station = &mut self.stations[index];
        let host_index = station.host;
        let progress = station.poll(now, &mut self.hosts[host_index], usize::from(target));
        let period = station.poll;
        let id = self.ids.stations[index];
        let number = u16::try_from(index).expect("stations are few");
        self.schedule(
            now + period,
            Phase::DeviceTimer,
            (id, id),
            Event::Poll {
                station: number,
                target,
            },
        );
        self.on_progress(now, index, progress);
        self.flush_host(now, host_index);
    }

    pub(super) fn on_progress(&mut self, now: SimTime, index: usize, progress: Progress) {
        if progress.write_refused {
            let host = self.stations[index].host;
            self.log(
                now,
                host,
                "hmi",
                "WRITE-REFUSED",
                4,
                "a controller refused a write".to_owned(),
            );
        }
        let Some(target) = progress.cycle_ended else {
            return;
        };
        match self.stations[index].kind {
            StationKind::Historian => self.record_tags(now, index, target),
            StationKind::Hmi => self.evaluate_alarms(now, index, target),
            StationKind::Workstation => {
                let host = self.stations[index].host;
                let controller = self.stations[index].controller_of_target(target);
                let name = &self.controllers[controller].config.name;
                let text = format!("identity and parameters of {name} read");
                self.log(now, host, "engineering", "UPLOAD-CHECK", 6, text);
                self.check_program(now, index, target);
            }
        }
    }

    /// Compares what a controller said about its program with the project.
    fn check_program(&mut self, now: SimTime, index: usize, target: usize) {
        let Some(check) = self.stations[index].take_check(target) else {
            return;
        };
        let host = self.stations[index].host;
        let controller = self.stations[index].controller_of_target(target);
        let config = &self.controllers[controller].config;
        let digest = Digest(config.program.digest());
        let scan_ms = config.scan.as_nanos() / 1_000_000;
        let text = check.text(&config.name);
        let differences = check.differences((digest, scan_ms, cut(&config.firmware)));
        let warning = format!(
            "{} differs from the project: {}",
            config.name,
            differences.join(", ")
        );
        self.log(now, host, "engineering", "PROGRAM-CHECK", 6, text);
        if !differences.is_empty() {
            self.log(now, host, "engineering", "PROGRAM-CHECK", 4, warning);
        }
    }

    fn record_tags(&mut self, now: SimTime, index: usize, target: usize) {
        if !self.keep.records {
            return;
        }
        let station = &self.stations[index];
        for tag in station.tags_of_target(target) {
            let belief = station.beliefs[tag];
            let tag = u16::try_from(tag).expect("tags are few");
            let sample = TagSample {
                at: now,
                tag,
                value: belief.value,
                quality: belief.quality,
            };
            self.observations.tags.push(sample);
        }
    }

    fn evaluate_alarms(&mut self, now: SimTime, index: usize, target: usize) {
        let station = &mut self.stations[index];
        let controller = station.controller_of_target(target);
        let host = station.host;
        let mut changes: Vec<(usize, Change)> = Vec::new();
        for at in 0..station.alarms.len() {
            let tag = station.alarms[at].tag;
            if self.tags[tag].controller == controller {
                let value = station.known(tag);
                changes.extend(
                    station.alarms[at]
                        .evaluate(now, value)
                        .map(|change| (at, change)),
                );
            }
        }
        for (at, change) in changes {
            let alarm = &self.stations[index].alarms[at];
            let (kind, severity) = match change {
                Change::Raised => ("ALARM", 4),
                Change::Cleared => ("ALARM-CLEAR", 6),
            };
            let text = format!("{} {:?}: {}", alarm.name, alarm.priority, alarm.text);
            self.log(now, host, "hmi", kind, severity, text);
            if change == Change::Raised {
                self.tell_operators(now, index, at);
            }
        }
    }

    fn tell_operators(&mut self, now: SimTime, station: usize, alarm: usize) {
        for index in 0..self.operators.len() {
            if self.operators[index].hmi == station {
                let alarms = &self.stations[station].alarms;
                self.operators[index].notice_alarm(now, alarm, &alarms[alarm]);
                self.schedule_operator(now, index);
            }
        }
    }

    /// Asks for the operator's next turn. A turn that has become too early does nothing.
    pub(crate) fn schedule_operator(&mut self, now: SimTime, index: usize) {
        let Some(wake) = self.operators[index].wake() else {
            return;
        };
        let due = if wake > now { wake } else { now };
        let id = self.ids.operators[index];
        let operator = u16::try_from(index).expect("operators are few");
        self.schedule(
            due,
            Phase::DeviceTimer,
            (id, id),
            Event::OperatorTimer { operator },
        );
    }

    pub(super) fn on_operator(&mut self, now: SimTime, index: usize) {
        let mut truth = std::mem::take(&mut self.scratch.truth);
        let mut deeds = std::mem::take(&mut self.scratch.deeds);
        truth.clear();
        self.physics.truth(&mut truth);
        let hmi = self.operators[index].hmi;
        let before = self.operators[index].wake();
        let least_s: Vec<f64> = self
            .acts
            .iter()
            .map(|act| self.physics.least_work_s(act))
            .collect();
        self.operators[index].act(
            now,
            &self.stations[hmi].alarms,
            &truth,
            &least_s,
            &mut deeds,
        );
        for deed in deeds.drain(..) {
            self.carry_out(now, index, deed);
        }
        self.scratch.truth = truth;
        self.scratch.deeds = deeds;
        if self.operators[index].wake() != before {
            self.schedule_operator(now, index);
        }
    }

    pub(super) fn carry_out(&mut self, now: SimTime, operator: usize, deed: Deed) {
        let station = self.operators[operator].hmi;
        let host = self.stations[station].host;
        let who = self.operators[operator].name.clone();
        match deed {
            Deed::Acknowledge { alarm } => {
                let alarm = &mut self.stations[station].alarms[alarm];
                alarm.acknowledge();
                let text = format!("{who} acknowledged {}", alarm.name);
                self.log(now, host, "hmi", "ACKNOWLEDGE", 6, text);
            }
            Deed::Write { tag, value } => {
                let tag = &self.tags[tag];
                let text = format!("{who} set {} to {value} {}", tag.name, tag.unit);
                self.stations[station].write(now, &mut self.hosts[host], tag, value);
                self.flush_host(now, host);
                self.log(now, host, "hmi", "WRITE", 5, text.trim_end().to_owned());
            }
            Deed::Work { act } => match self.acts[act].clone() {
                Act::Controller(act, controller) => self.work_at_controller(now, controller, act),
                Act::Person(act) => self.physics.person(act),
            },
        }
    }

    pub(super) fn started(&mut self, now: SimTime, controller: usize, why: &str) {
        let host = self.controllers[controller].config.host;
        self.log(
            now,
            host,
            "plc",
            "COLD-START",
            4,
            format!("cold start: {why}"),
        );
    }

    pub(super) fn on_agent_timer(&mut self, now: SimTime) {
        if let Some(agent) = &mut self.agent
            && agent.wake == Some(now)
        {
            agent.wake = None;
            agent.attention = true;
        }
    }
}
