//! Checks what there is to look at: names exist, a lane has a length, nothing stands on itself.

use std::collections::BTreeMap;

use super::Check;
use crate::physics;
use crate::spec::PlantSpec;
use crate::view::{EquipmentSpec, SignalSpec};

/// Most pieces of equipment of one plant.
const EQUIPMENT_MAX: usize = 10_000;

/// Longest side of a piece of equipment, m.
const SIZE_MAX_M: f64 = 1_000.0;

impl Check {
    pub(super) fn view(&mut self, spec: &PlantSpec) {
        let equipment = &spec.view.equipment;
        if equipment.len() > EQUIPMENT_MAX {
            let message = format!(
                "{} pieces of equipment; at most {EQUIPMENT_MAX}",
                equipment.len()
            );
            self.error("TR0204", "view.equipment".to_owned(), message);
            return;
        }
        self.unique(
            "view.equipment",
            equipment.iter().map(|one| one.name.as_str()),
        );
        let mounts: BTreeMap<&str, &str> = equipment
            .iter()
            .filter_map(|one| Some((one.name.as_str(), one.on.as_ref()?.of.as_str())))
            .collect();
        for (at, one) in equipment.iter().enumerate() {
            let path = format!("view.equipment[{at}]");
            self.equipment(spec, &path, one);
            let mut below = one.name.as_str();
            let mut steps = 0;
            while let Some(&next) = mounts.get(below) {
                below = next;
                steps += 1;
                if steps > mounts.len() {
                    let message =
                        format!("`{}` stands on itself, by way of others or not", one.name);
                    self.error("TR0204", format!("{path}.on.of"), message);
                    break;
                }
            }
        }
        let item = &spec.view.item;
        for (field, value) in [
            ("width_m", item.width_m),
            ("height_m", item.height_m),
            ("full_ml", item.full_ml),
        ] {
            self.above_zero(format!("view.item.{field}"), value);
        }
    }

    fn equipment(&mut self, spec: &PlantSpec, path: &str, one: &EquipmentSpec) {
        let names = || spec.view.equipment.iter().map(|other| other.name.as_str());
        for (at, name) in one.after.iter().enumerate() {
            if !names().any(|known| known == name) {
                self.unknown(format!("{path}.after[{at}]"), "equipment", name, names());
            }
        }
        if let Some(mount) = &one.on
            && !names().any(|known| known == mount.of)
        {
            self.unknown(format!("{path}.on.of"), "equipment", &mount.of, names());
        }
        if let Some(lane) = &one.lane {
            let places = || physics::places(&spec.process).iter().copied();
            if !places().any(|known| known == lane.place) {
                self.unknown(
                    format!("{path}.lane.place"),
                    "place of items",
                    &lane.place,
                    places(),
                );
            }
            if !(lane.to_m > lane.from_m && lane.to_m - lane.from_m <= SIZE_MAX_M) {
                let message = format!(
                    "a lane from {} m to {} m has no length above 0 m and up to {SIZE_MAX_M} m",
                    lane.from_m, lane.to_m
                );
                self.error("TR0204", format!("{path}.lane.to_m"), message);
            }
            if lane.rows == 0 {
                self.error(
                    "TR0204",
                    format!("{path}.lane.rows"),
                    "at least 1 row".to_owned(),
                );
            }
        }
        if let Some(controller) = &one.controller {
            let known = || spec.controllers.iter().map(|known| known.host.as_str());
            if !known().any(|known| known == controller) {
                self.unknown(
                    format!("{path}.controller"),
                    "controller",
                    controller,
                    known(),
                );
            }
        }
        if let Some((length_m, height_m, depth_m)) = one.size_m {
            for side_m in [length_m, height_m, depth_m] {
                self.above_zero(format!("{path}.size_m"), side_m);
            }
        }
        for (at, signal) in one.shows.iter().enumerate() {
            self.signal(spec, &format!("{path}.shows[{at}]"), signal);
        }
    }

    fn signal(&mut self, spec: &PlantSpec, path: &str, signal: &SignalSpec) {
        let columns = || physics::truth_columns(&spec.process).iter().map(|c| c.name);
        if let Some(column) = &signal.column
            && !columns().any(|known| known == column)
        {
            self.unknown(format!("{path}.column"), "truth column", column, columns());
        }
        let tags = || spec.tags.iter().map(|tag| tag.name.as_str());
        if let Some(tag) = &signal.tag
            && !tags().any(|known| known == tag)
        {
            self.unknown(format!("{path}.tag"), "tag", tag, tags());
        }
        if signal.column.is_none() && signal.tag.is_none() {
            let message =
                "nothing says what this is: there is neither a column nor a tag".to_owned();
            let hint = "name a column of the physical truth, a tag, or both".to_owned();
            self.hint("TR0204", path.to_owned(), message, hint);
        }
        let (low, high) = signal.range;
        if !(low.is_finite() && high.is_finite() && low < high) {
            let message =
                format!("a range goes from a lower to a higher value, not from {low} to {high}");
            self.error("TR0204", format!("{path}.range"), message);
        }
    }

    fn above_zero(&mut self, path: String, value: f64) {
        if !(value > 0.0 && value <= 1e9) {
            self.error("TR0204", path, format!("{value} must be above 0"));
        }
    }
}
