//! The controllers of a plant as devices: each that the file lists, and the standby of each pair.

use sim_kernel::time::SimDuration;

use crate::controller::pair::PairConfig;
use crate::spec::{ControllerSpec, PlantSpec};

/// One device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'a> {
    /// Host that it is.
    pub(super) host: &'a str,
    /// What it is by the plant file, the same for both of a pair.
    pub(super) spec: &'a ControllerSpec,
    is_standby: bool,
}

/// The devices in the order of their hosts' names.
pub(super) fn units(spec: &PlantSpec) -> Vec<Unit<'_>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    for controller in &spec.controllers {
        units.push(Unit {
            host: &controller.host,
            spec: controller,
            is_standby: false,
        });
        units.extend(controller.standby.as_ref().map(|standby| Unit {
            host: &standby.host,
            spec: controller,
            is_standby: true,
        }));
    }
    units.sort_by(|a, b| a.host.cmp(b.host));
    units
}

/// The controllers of a plant as devices, in the order of their hosts' names: each that the file lists, and the standby
/// of each pair with the settings of its primary.
#[must_use]
pub fn devices(spec: &PlantSpec) -> Vec<(&str, &ControllerSpec)> {
    let units = units(spec).into_iter();
    units.map(|unit| (unit.host, unit.spec)).collect()
}

impl Unit<'_> {
    /// Its place in a pair, if it is in one.
    pub(super) fn pair(&self, units: &[Unit<'_>]) -> Option<PairConfig> {
        let standby = self.spec.standby.as_ref()?;
        let other = if self.is_standby {
            &self.spec.host
        } else {
            &standby.host
        };
        let peer = units.iter().position(|unit| unit.host == other);
        let ms = |ms: u32| SimDuration::from_millis(u64::from(ms));
        Some(PairConfig {
            peer: peer.expect("both of a pair are in the list"),
            begins_as_standby: self.is_standby,
            sync_every_scans: standby.sync_every_scans,
            link: SimDuration::from_micros(u64::from(standby.sync_us)),
            takeover_after: ms(standby.takeover_after_ms),
            hold: ms(standby.hold_ms),
        })
    }
}
