//! What can be wrong with an action of the engineering session.

use std::collections::BTreeSet;

use super::action::REQUESTS_PER_S;
use super::{BAD_NAME, BAD_PACE, BAD_PLACE, BAD_VALUE, Check};
use crate::place::Spot;
use crate::playbook::{Action, Client, DownloadProgram, Firmware, Force, Place};
use crate::view::PlantView;

/// Longest text in a message, and longest version of a firmware, bytes.
const TEXT_MAX_BYTES: usize = sim_wire::modbus::engineering::TEXT_MAX_BYTES;
const VERSION_MAX_BYTES: usize = 32;

/// Range of the time between two scans, ms; that of controllers.
const SCAN_MS: std::ops::RangeInclusive<u16> = 1..=10_000;

/// Most entries that a controller can force.
const FORCES_MAX: usize = 64;

impl Check<'_> {
    /// Checks an action of the engineering session; others have nothing to do with it.
    pub(super) fn engineering(&mut self, path: &str, action: &Action) {
        let Some((target, client)) = action.engineering() else {
            return;
        };
        let host = self.controller(&format!("{path}.target"), target);
        match action {
            Action::DownloadProgram(download) => self.download(path, download),
            Action::Force(force) => self.force(path, force, host.map(|host| host.name.as_str())),
            Action::ChangeTask(task) if !SCAN_MS.contains(&task.scan_ms) => {
                let message = format!("{} ms is outside 1 to 10000", task.scan_ms);
                self.error(BAD_PACE, format!("{path}.scan_ms"), message);
            }
            Action::Firmware(firmware) => self.firmware(path, firmware),
            _ => {}
        }
        self.client(&format!("{path}.client"), client);
    }

    fn client(&mut self, path: &str, client: &Client) {
        self.short(format!("{path}.name"), &client.name, TEXT_MAX_BYTES);
        if let Some(password) = &client.password {
            self.short(format!("{path}.password"), password, TEXT_MAX_BYTES);
        }
        let rate = format!("{path}.requests_per_s");
        self.within(rate, "per second", client.requests_per_s, REQUESTS_PER_S);
    }

    /// A text that a message can hold.
    fn short(&mut self, path: String, text: &str, most: usize) {
        if !(1..=most).contains(&text.len()) {
            let message = format!("{} bytes; 1 to {most} are possible", text.len());
            self.error(BAD_NAME, path, message);
        }
    }

    fn download(&mut self, path: &str, download: &DownloadProgram) {
        if ![".st", ".xml"]
            .iter()
            .any(|ending| download.program.ends_with(ending))
        {
            let message = format!("`{}` is no Structured Text", download.program);
            self.error(BAD_NAME, format!("{path}.program"), message);
            self.hint("name a file that ends in `.st` or `.xml`, relative to the playbook");
        }
    }

    fn firmware(&mut self, path: &str, firmware: &Firmware) {
        let place = format!("{path}.version");
        self.short(place, &firmware.version, VERSION_MAX_BYTES);
    }

    fn force(&mut self, path: &str, force: &Force, controller: Option<&str>) {
        if !force.release_all && force.release.is_empty() && force.set.is_empty() {
            let message = "nothing is forced and nothing is let go";
            self.error(BAD_VALUE, path, message);
            self.hint("give `set`, `release` or `release_all: true`");
        }
        let view = PlantView::of(self.plant, "");
        let mut seen = BTreeSet::new();
        for (at, place) in force.release.iter().enumerate() {
            let path = format!("{path}.release[{at}]");
            self.place(&path, place, controller, &view);
        }
        for (at, forced) in force.set.iter().enumerate() {
            let path = format!("{path}.set[{at}]");
            let place = format!("{path}.at");
            let Some(spot) = self.place(&place, &forced.at, controller, &view) else {
                continue;
            };
            self.value(format!("{path}.value"), spot.kind, forced.value);
            if spot.entries().any(|entry| !seen.insert(entry)) {
                let message = format!("{} is forced twice", spot.address);
                self.error(BAD_PLACE, place, message);
            }
        }
        if seen.len() > FORCES_MAX {
            let message = format!(
                "{} entries; a controller forces at most {FORCES_MAX}",
                seen.len()
            );
            self.error(BAD_PLACE, format!("{path}.set"), message);
        }
    }

    /// The spot of a place in a controller. `None` for the controller leaves open which one it is.
    fn place(
        &mut self,
        path: &str,
        place: &Place,
        controller: Option<&str>,
        view: &PlantView,
    ) -> Option<Spot> {
        match place {
            Place::Address(text) => match text.parse() {
                Ok(address) => Some(Spot::at(address)),
                Err(error) => {
                    let error: sim_plant::AddressError = error;
                    self.error(BAD_PLACE, path, error.to_string());
                    None
                }
            },
            Place::Tag(name) => {
                let Some(tag) = view.tag(name) else {
                    self.error(BAD_PLACE, path, format!("there is no tag `{name}`"));
                    self.hint_nearest(name, view.tag_names());
                    return None;
                };
                if let Some(other) = controller.filter(|known| *known != tag.controller) {
                    let message = format!("`{name}` is in {}, not in {other}", tag.controller);
                    self.error(BAD_PLACE, path, message);
                    return None;
                }
                Some(tag.spot)
            }
        }
    }
}
