//! Checks the pairs of controllers in a plant file.

use std::collections::BTreeSet;

use super::Check;
use crate::spec::{ControllerSpec, PlantSpec, Role, StandbySpec};

/// Longest time of a pair, ms.
const TIME_MAX_MS: u32 = 60_000;
/// Slowest link between the two, µs.
const LINK_MAX_US: u32 = 1_000_000;

impl Check {
    pub(super) fn standbys(&mut self, spec: &PlantSpec) {
        let mut hosts: BTreeSet<&str> = spec.controllers.iter().map(|c| c.host.as_str()).collect();
        for (at, controller) in spec.controllers.iter().enumerate() {
            let Some(standby) = &controller.standby else {
                continue;
            };
            let path = |field: &str| format!("controllers[{at}].standby.{field}");
            self.host_of_role(spec, path("host"), &standby.host, Role::Plc);
            if !hosts.insert(&standby.host) {
                let message = format!("`{}` is already a controller", standby.host);
                self.error("TR0203", path("host"), message);
            }
            let network = |name: &str| {
                let host = spec.hosts.iter().find(|host| host.name == name);
                host.map(|host| &host.network)
            };
            let networks = (network(&controller.host), network(&standby.host));
            if let (Some(of_primary), Some(of_standby)) = networks
                && of_primary != of_standby
            {
                let message = format!(
                    "`{}` is not on the network of `{}`",
                    standby.host, controller.host
                );
                let hint = format!(
                    "the address of the pair moves between them: plug both into `{of_primary}`"
                );
                self.hint("TR0206", path("host"), message, hint);
            }
            self.pair_times(&path, controller, standby);
        }
    }

    fn pair_times(
        &mut self,
        path: &dyn Fn(&str) -> String,
        controller: &ControllerSpec,
        standby: &StandbySpec,
    ) {
        if !(1..=100).contains(&standby.sync_every_scans) {
            let message = format!("{} scans are outside 1..=100", standby.sync_every_scans);
            self.error("TR0204", path("sync_every_scans"), message);
        }
        if !(1..=LINK_MAX_US).contains(&standby.sync_us) {
            let message = format!("{} µs are outside 1..={LINK_MAX_US}", standby.sync_us);
            self.error("TR0204", path("sync_us"), message);
        }
        // One heartbeat may be as late as the link and the scan allow without being missed.
        let link_ms = standby.sync_us.div_ceil(1_000);
        let two_scans_ms = controller.scan_ms.saturating_mul(2);
        let silence_ms = two_scans_ms.saturating_add(link_ms);
        let after_ms = standby.takeover_after_ms;
        if !(silence_ms..=TIME_MAX_MS).contains(&after_ms) {
            let message = format!("{after_ms} ms are outside {silence_ms}..={TIME_MAX_MS}");
            let hint = "heartbeats come with each scan: wait for two scans and the link at least";
            self.hint(
                "TR0204",
                path("takeover_after_ms"),
                message,
                hint.to_owned(),
            );
        }
        let least_ms = after_ms.saturating_add(two_scans_ms);
        if !(least_ms..=TIME_MAX_MS).contains(&standby.hold_ms) {
            let message = format!(
                "{} ms are outside {least_ms}..={TIME_MAX_MS}",
                standby.hold_ms
            );
            let hint = "outputs have to stay until the standby has taken over: that takes \
                        takeover_after_ms and up to two scans";
            self.hint("TR0204", path("hold_ms"), message, hint.to_owned());
        }
    }
}
