//! What the world writes down and never reads: truth, digests, log lines.

use sim_kernel::digest::{Digest, Hasher};
use sim_kernel::queue::Phase;
use sim_kernel::time::{SimDuration, SimTime};

use super::{Event, World};
use crate::observe::{LogLine, SecondDigest, TruthRow};

impl World {
    pub(super) fn on_truth(&mut self, now: SimTime) {
        let mut values = Vec::new();
        self.physics.truth(&mut values);
        self.observations.truth.push(TruthRow { at: now, values });
        let id = self.ids.world;
        self.schedule(
            now + self.truth_period,
            Phase::Observer,
            (id, id),
            Event::Truth,
        );
    }

    pub(super) fn on_second(&mut self, now: SimTime) {
        let id = self.ids.world;
        let next = now + SimDuration::from_secs(1);
        self.schedule(next, Phase::Observer, (id, id), Event::Second);
        for watch in &mut self.safety {
            watch.look(&self.controllers);
        }
        if !self.keep.digests {
            return;
        }
        let digests = self.component_digests();
        let mut second = Hasher::new();
        second.put_u64(now.as_nanos());
        let mut components = Vec::with_capacity(digests.len());
        for digest in &digests {
            second.put_digest(digest);
            components.push(digest.prefix());
        }
        let chain = self.chain.push(&second.finish());
        self.observations.digests.push(SecondDigest {
            at: now,
            components,
            chain,
        });
    }

    /// One digest per component, in the order of [`World::components`].
    pub(super) fn component_digests(&mut self) -> Vec<Digest> {
        let of = |put: &dyn Fn(&mut Hasher)| {
            let mut hasher = Hasher::new();
            put(&mut hasher);
            hasher.finish()
        };
        let mut digests = vec![Digest([0; 32]); self.components.len()];
        let frames = std::mem::take(&mut self.frames_digest);
        digests[self.ids.world as usize] = frames.finish();
        digests[self.ids.process as usize] = of(&|put| self.physics.digest(put));
        for (host, &id) in self.hosts.iter().zip(&self.ids.hosts) {
            digests[id as usize] = of(&|put| host.digest(put));
        }
        for (controller, &id) in self.controllers.iter().zip(&self.ids.controllers) {
            digests[id as usize] = of(&|put| controller.digest(put));
        }
        for (station, &id) in self.stations.iter().zip(&self.ids.stations) {
            digests[id as usize] = of(&|put| station.digest(put));
        }
        for (operator, &id) in self.operators.iter().zip(&self.ids.operators) {
            digests[id as usize] = of(&|put| operator.digest(put));
        }
        for (switch, &id) in self.switches.iter().zip(&self.ids.switches) {
            digests[id as usize] = of(&|put| switch.digest(put));
        }
        digests
    }

    /// Writes a line into the central log.
    pub(super) fn log(
        &mut self,
        at: SimTime,
        host: usize,
        app: &'static str,
        kind: &'static str,
        severity: u8,
        text: String,
    ) {
        if self.keep.records {
            let host = self.hosts[host].config.name.clone();
            self.observations.logs.push(LogLine {
                at,
                host,
                app,
                kind,
                severity,
                text,
            });
        }
    }
}
