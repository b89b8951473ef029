//! Which cells there are, which are done, and which one is next.
//!
//! **Invariant:** which cells exist is a function of the plan and of results, not of the order in which workers
//! finish: a stratum takes its next seed only when all cells of the seeds before are known and the stopping
//! rule asks for more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use twinrange_score::seeds::mean_interval;

use super::cell::Group;
use super::key::CellResult;
use super::plan::{Place, Plan, Stop};

/// How far the runs without a defense are for one stratum and seed.
#[derive(Debug)]
enum Preparation {
    UnderWay,
    Ready(Arc<Group>),
}

/// What a worker is to do.
#[derive(Debug)]
pub(crate) enum Task {
    /// Make the group of this place, then the cell.
    Prepare(Place),
    /// Make the cell.
    Compute(Place, Arc<Group>),
    /// Others are at work on what decides whether there is more.
    Wait,
    /// There is nothing more to do.
    Done,
}

/// The state that workers share.
#[derive(Debug)]
pub(crate) struct Board<'a> {
    plan: &'a Plan,
    results: BTreeMap<Place, CellResult>,
    /// Cells that are known to exist and that nobody has begun.
    pending: BTreeSet<Place>,
    groups: BTreeMap<(usize, usize), Preparation>,
    /// For each stratum: how many seeds it takes as far as is known.
    open_seeds: Vec<usize>,
    running: usize,
}

impl<'a> Board<'a> {
    /// A board with the cells that are finished already.
    pub(crate) fn new(plan: &'a Plan, finished: BTreeMap<Place, CellResult>) -> Self {
        let mut board = Self {
            plan,
            results: finished,
            pending: BTreeSet::new(),
            groups: BTreeMap::new(),
            open_seeds: vec![0; plan.strata.len()],
            running: 0,
        };
        for stratum in 0..plan.strata.len() {
            board.open(stratum);
        }
        board
    }

    /// Cells that are known to exist, and how many of them are done.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let defenses = self.plan.defenses.len();
        let known: usize = self.open_seeds.iter().map(|seeds| seeds * defenses).sum();
        (known, known - self.pending.len() - self.running)
    }

    /// The results in the order of the plan.
    pub(crate) fn into_results(self) -> Vec<(Place, CellResult)> {
        let open = self.open_seeds;
        self.results
            .into_iter()
            .filter(|(place, _)| place.seed < open[place.stratum])
            .collect()
    }

    /// The next task. A cell whose group is being made by another worker is left for later.
    pub(crate) fn next(&mut self) -> Task {
        let mut waits = false;
        let next = self.pending.iter().find_map(|&place| {
            match self.groups.get(&(place.stratum, place.seed)) {
                None => Some(Task::Prepare(place)),
                Some(Preparation::Ready(group)) => Some(Task::Compute(place, Arc::clone(group))),
                Some(Preparation::UnderWay) => {
                    waits = true;
                    None
                }
            }
        });
        let Some(task) = next else {
            return if waits || self.running > 0 {
                Task::Wait
            } else {
                Task::Done
            };
        };
        if let Task::Prepare(place) | Task::Compute(place, _) = &task {
            self.pending.remove(place);
        }
        if let Task::Prepare(place) = &task {
            let key = (place.stratum, place.seed);
            self.groups.insert(key, Preparation::UnderWay);
        }
        self.running += 1;
        task
    }

    /// A group is made.
    pub(crate) fn prepared(&mut self, place: Place, group: &Arc<Group>) {
        let key = (place.stratum, place.seed);
        self.groups
            .insert(key, Preparation::Ready(Arc::clone(group)));
    }

    /// A cell is done.
    pub(crate) fn done(&mut self, place: Place, result: CellResult) {
        self.results.insert(place, result);
        self.running -= 1;
        let defenses = 0..self.plan.defenses.len();
        let wanted = defenses
            .map(|defense| Place { defense, ..place })
            .any(|other| self.pending.contains(&other));
        if !wanted {
            // The truth of two runs; a campaign must not keep those of all seeds.
            self.groups.remove(&(place.stratum, place.seed));
        }
        self.open(place.stratum);
    }

    /// Finds again how many seeds a stratum takes, and puts up the cells of new ones.
    fn open(&mut self, stratum: usize) {
        let seeds = self.plan.strata[stratum].seeds.len();
        let defenses = self.plan.defenses.len();
        let place = |seed, defense| Place {
            stratum,
            seed,
            defense,
        };
        let open = match &self.plan.stop {
            None => seeds,
            Some(stop) => seeds_wanted(stop, seeds, defenses, |seed, defense| {
                let result = self.results.get(&place(seed, defense));
                result.map(|result| result.figure(&stop.figure))
            }),
        };
        for seed in self.open_seeds[stratum]..open {
            let new = (0..defenses).map(|defense| place(seed, defense));
            self.pending
                .extend(new.filter(|place| !self.results.contains_key(place)));
        }
        self.open_seeds[stratum] = open;
    }
}

/// How many of the seeds are run, as far as the results tell.
///
/// # Arguments
///
/// * `result` — the figure of a seed's cell with a defense: `None` if the cell is not done, `Some(None)` if
///   the figure is undefined there.
fn seeds_wanted(
    stop: &Stop,
    seeds: usize,
    defenses: usize,
    result: impl Fn(usize, usize) -> Option<Option<f64>>,
) -> usize {
    let least = usize::try_from(stop.min_seeds).unwrap_or(usize::MAX);
    for count in least..seeds {
        let all_known = (0..count).all(|s| (0..defenses).all(|d| result(s, d).is_some()));
        if !all_known {
            return count;
        }
        // A figure that is defined nowhere will not become narrow by more of the same.
        let narrow = |defense| {
            let values: Vec<f64> = (0..count)
                .filter_map(|seed| result(seed, defense).flatten())
                .collect();
            match mean_interval(&values) {
                Some(interval) => (interval.high - interval.low) / 2.0 <= stop.half_width,
                None => values.is_empty(),
            }
        };
        if (0..defenses).all(narrow) {
            return count;
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_wanted_when_intervals_narrow_then_the_first_count_that_is_enough() {
        let stop = Stop {
            figure: "recall".to_owned(),
            half_width: 0.2,
            min_seeds: 3,
        };
        let check = |known: usize, values: &[Option<f64>], expect: usize| {
            let result = |seed: usize, _| (seed < known).then(|| values[seed % values.len()]);
            assert_eq!(
                seeds_wanted(&stop, 10, 2, result),
                expect,
                "{known} {values:?}"
            );
        };
        check(0, &[Some(1.0)], 3);
        check(2, &[Some(1.0)], 3);
        // All the same: nothing more to learn.
        check(3, &[Some(1.0)], 3);
        check(10, &[Some(1.0)], 3);
        // Zero and one in turn: 3 are not enough; the next is opened one by one, to the end.
        check(3, &[Some(0.0), Some(1.0)], 4);
        check(4, &[Some(0.0), Some(1.0)], 5);
        check(10, &[Some(0.0), Some(1.0)], 10);
        check(10, &[None], 3);
        // One defined value is no interval, so more are asked for.
        let once = |seed: usize, _| Some((seed == 0).then_some(1.0));
        assert_eq!(seeds_wanted(&stop, 10, 1, once), 10);
    }
}
