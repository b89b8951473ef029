//! What the world writes down and never reads: truth, digests, log lines.

use sim_kernel::digest::{Digest, Hasher};
use sim_kernel::queue::Phase;
use sim_kernel::time::{SimDuration, SimTime};

use super::{Event, World};
use crate::observe::{LogLine, Quality, SceneRow, SecondDigest, TruthRow};
use crate::station::{Station, StationKind};

impl World {
    pub(super) fn on_truth(&mut self, now: SimTime) {
        let mut values = Vec::new();
        self.physics.truth(&mut values);
        self.observations.truth.push(TruthRow { at: now, values });
        if self.keep.scene {
            let row = self.scene(now);
            self.observations.scene.push(row);
        }
        let id = self.ids.world;
        self.schedule(
            now + self.truth_period,
            Phase::Observer,
            (id, id),
            Event::Truth,
        );
    }

    /// The screens, in the order of their hosts' names.
    fn screens(&self) -> impl Iterator<Item = &Station> {
        let all = self.stations.iter();
        all.filter(|station| station.kind == StationKind::Hmi)
    }

    /// What [`SceneRow::screens`] holds: for each screen all tags, as names of host and tag.
    #[must_use]
    pub fn screen_columns(&self) -> Vec<(String, String)> {
        let of = |station: &Station| {
            let host = self.hosts[station.host].config.name.clone();
            let tags = self.tags.iter().map(|tag| tag.name.clone());
            tags.map(move |tag| (host.clone(), tag)).collect::<Vec<_>>()
        };
        self.screens().flat_map(of).collect()
    }

    /// What [`SceneRow::memory`] holds: the mode of each controller, as the code of a [`Mode`](crate::Mode), then
    /// the tags, as names of controller and tag.
    #[must_use]
    pub fn memory_columns(&self) -> Vec<(String, Option<String>)> {
        let modes = self
            .controllers
            .iter()
            .map(|one| (one.config.name.clone(), None));
        let tags = self.tags.iter();
        let tags = tags.map(|tag| (tag.controller_name.clone(), Some(tag.name.clone())));
        modes.chain(tags).collect()
    }

    /// What there is to see now.
    #[must_use]
    pub fn scene(&self, at: SimTime) -> SceneRow {
        let mut items = Vec::new();
        self.physics.see_items(&mut |item| items.push(item));
        let valid = |belief: &crate::Belief| match belief.quality {
            Quality::Good => belief.value,
            Quality::Bad => f64::NAN,
        };
        let screens = self.screens().flat_map(|station| &station.beliefs);
        let modes = self
            .controllers
            .iter()
            .map(|controller| match controller.powered {
                true => f64::from(controller.mode().code()),
                false => f64::NAN,
            });
        let tags = self.tags.iter().map(|tag| {
            let controller = &self.controllers[tag.controller];
            let value = controller.powered.then(|| controller.value_of(tag));
            value.unwrap_or(f64::NAN)
        });
        SceneRow {
            at,
            items,
            screens: screens.map(valid).collect(),
            memory: modes.chain(tags).collect(),
            production: self.physics.production().clone(),
        }
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
        // Not the outside port's, which is no component: what comes out of it is in the digest of the frames.
        for (host, &id) in self
            .hosts
            .iter()
            .zip(&self.ids.hosts)
            .take(self.simulated_hosts())
        {
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
