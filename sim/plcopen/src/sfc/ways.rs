//! The ways of a chart: from which steps a transition is reached, and which steps it begins.

use super::Chart;
use crate::code::Code;
use crate::graph::Item;
use crate::problems;
use crate::scope::key;
use crate::xml::{at_value, name, value_code};

/// Most divergences and convergences in a row.
const MAX_DEPTH: usize = 40;

/// Most ways on which one transition can be reached, and most steps that it joins or begins.
const MAX_WAYS: usize = 64;

/// The sets of steps that lead to an element, one for each way; nothing where that was reported as wrong.
pub(super) type Ways = Option<Vec<Vec<Code>>>;

impl<'x> Chart<'_, '_, '_, 'x> {
    /// The sets of steps that must be active for a transition; several where branches meet before it.
    pub(super) fn before(&mut self, item: &Item<'x>, depth: usize) -> Ways {
        if let Some(known) = self.ways_before.get(&item.id) {
            return known.clone();
        }
        let ways = self.find_before(item, depth);
        self.ways_before.insert(item.id, ways.clone());
        ways
    }

    fn find_before(&mut self, item: &Item<'x>, depth: usize) -> Ways {
        let graph = self.graph;
        let joins = name(item.element) == "simultaneousConvergence";
        let mut ways: Vec<Vec<Code>> = Vec::new();
        for (number, link) in item.input.links.iter().enumerate() {
            let found = graph.items.get(&link.source)?;
            let found = self.arrive(item, found, depth)?;
            let earlier = if joins && number > 0 {
                std::mem::take(&mut ways)
            } else {
                vec![Vec::new()]
            };
            let pairs = earlier
                .iter()
                .flat_map(|way| found.iter().map(move |other| (way, other)));
            for (way, other) in pairs {
                let mut way = way.clone();
                other.iter().for_each(|step| add(&mut way, step.clone()));
                add(&mut ways, way);
                if ways.len() > MAX_WAYS || ways.last().is_some_and(|way| way.len() > MAX_WAYS) {
                    return self.too_many(item, "can be reached on");
                }
            }
        }
        if ways.is_empty() {
            let message = format!("{} is connected to no step in front of it", item.describe());
            self.reports.error(problems::BAD_CHART, item.at, message);
            return None;
        }
        Some(ways)
    }

    /// Says that a chart has more ways than are followed.
    fn too_many<T>(&mut self, item: &Item, what: &str) -> Option<T> {
        let message = format!(
            "{} {what} more than {MAX_WAYS} ways or steps",
            item.describe()
        );
        self.reports.error(problems::TOO_LARGE, item.at, message);
        None
    }

    fn arrive(
        &mut self,
        item: &Item<'x>,
        source: &Item<'x>,
        depth: usize,
    ) -> Option<Vec<Vec<Code>>> {
        match name(source.element) {
            "step" => Some(vec![vec![value_code(source.element, "name")]]),
            "selectionDivergence" | "selectionConvergence" | "simultaneousConvergence"
                if depth < MAX_DEPTH =>
            {
                self.before(source, depth + 1)
            }
            _ => {
                let message = format!(
                    "{} stands behind {}, not behind a step",
                    item.describe(),
                    source.describe()
                );
                self.reports.error(problems::BAD_CHART, item.at, message);
                None
            }
        }
    }

    /// The steps that a transition activates.
    pub(super) fn behind(&mut self, item: &Item<'x>, depth: usize) -> Option<Vec<Code>> {
        if let Some(known) = self.steps_behind.get(&item.id) {
            return known.clone();
        }
        let steps = self.find_behind(item, depth);
        self.steps_behind.insert(item.id, steps.clone());
        steps
    }

    fn find_behind(&mut self, item: &Item<'x>, depth: usize) -> Option<Vec<Code>> {
        let graph = self.graph;
        let mut steps = Vec::new();
        let mut readers: Vec<&Item> = graph
            .readers(item.id)
            .iter()
            .filter_map(|(reader, _)| graph.items.get(reader))
            .collect();
        readers.sort_by_key(|reader| (reader.row, reader.x, reader.id));
        for reader in readers {
            match name(reader.element) {
                "step" => add(&mut steps, value_code(reader.element, "name")),
                "jumpStep" => {
                    let target = self.reports.required(reader.element, "targetName")?;
                    if !self.step_names.contains(&key(target)) {
                        let message = format!("there is no step `{target}` to jump to");
                        let place = at_value(reader.element, "targetName");
                        self.reports.error(problems::UNKNOWN_NAME, place, message);
                        return None;
                    }
                    add(&mut steps, value_code(reader.element, "targetName"));
                }
                "simultaneousDivergence" | "selectionConvergence" if depth < MAX_DEPTH => {
                    let found = self.behind(reader, depth + 1)?;
                    found.into_iter().for_each(|step| add(&mut steps, step));
                }
                _ => {
                    let message = format!(
                        "{} leads to {}, not to a step",
                        item.describe(),
                        reader.describe()
                    );
                    self.reports.error(problems::BAD_CHART, item.at, message);
                    return None;
                }
            }
            if steps.len() > MAX_WAYS {
                return self.too_many(item, "leads to");
            }
        }
        if steps.is_empty() && name(item.element) != "transition" {
            let message = format!("{} leads to no step", item.describe());
            self.reports.error(problems::BAD_CHART, item.at, message);
            return None;
        }
        Some(steps).filter(|steps| !steps.is_empty())
    }
}

/// Adds what is not there yet: a step or a way is meant once, however many lines lead to it.
fn add<T: PartialEq>(list: &mut Vec<T>, new: T) {
    if !list.contains(&new) {
        list.push(new);
    }
}
