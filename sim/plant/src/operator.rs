//! A person who watches an HMI, answers its alarms by procedure, and walks along the line.
//!
//! The operator does one thing at a time: the most urgent alarm first, after a reaction time drawn
//! from the operator's own stream. On a screen the operator sees only what the HMI believes. On a walk
//! the operator sees the machines. Both ways lead to the same written procedures.
//!
//! **Invariant:** the operator changes the plant only by writing tags through the HMI and by working
//! at a machine. This module decides; the world carries out.

use sim_kernel::digest::Hasher;
use sim_kernel::math;
use sim_kernel::rng::Stream;
use sim_kernel::time::{SimDuration, SimTime};

use crate::alarm::Alarm;
use crate::spec::Priority;

/// Time to find and change one value on the screen.
const TYPING: SimDuration = SimDuration::from_secs(2);

/// How soon the operator looks again at an alarm that a finished procedure did not clear.
const LOOK_AGAIN: SimDuration = SimDuration::from_secs(60);

/// How soon the operator goes to see whether what was put right on a walk has stayed so.
const WALK_AGAIN: SimDuration = SimDuration::from_secs(300);

/// Spread of working times: standard deviation of their logarithm.
const WORK_SIGMA: f64 = 0.35;

/// Longest time that one drawn duration may take, s.
const DURATION_MAX_S: f64 = 7_200.0;

/// Most tasks that the operator keeps in mind; less urgent ones are forgotten.
const TASKS_MAX: usize = 32;

/// A step of a procedure, with names resolved.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write { tag: usize, value: f64 },
    Wait(SimDuration),
    Work { act: usize, median_s: f64 },
}

/// A procedure, with names resolved.
#[derive(Clone, Debug)]
pub(crate) struct Procedure {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// Something seen on a walk, with names resolved.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) column: usize,
    pub(crate) above: f64,
    pub(crate) procedure: usize,
    /// What is done instead when it is seen again soon after it was put right.
    pub(crate) again: Option<usize>,
}

/// What the world has to carry out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    /// Acknowledge an alarm on the HMI.
    Acknowledge { alarm: usize },
    /// Write a tag through the HMI.
    Write { tag: usize, value: f64 },
    /// A piece of work at a machine is finished.
    Work { act: usize },
}

/// Why the operator does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Alarm(usize),
    Sight(usize),
}

#[derive(Clone, Copy, Debug)]
struct Task {
    reason: Reason,
    priority: Priority,
    not_before: SimTime,
    procedure: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Noticing, reading, getting up.
    Reacting,
    /// Busy with this step of the procedure.
    Doing(usize),
}

#[derive(Clone, Copy, Debug)]
struct Activity {
    task: Task,
    stage: Stage,
    until: SimTime,
}

/// An operator.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) name: String,
    /// Index of the HMI in front of the operator.
    pub(crate) hmi: usize,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) sights: Vec<Sight>,
    reaction_median_s: f64,
    reaction_sigma: f64,
    round_s: Option<f64>,
    next_round: Option<SimTime>,
    tasks: Vec<Task>,
    /// Sights that are to be looked at again, and when.
    looks: Vec<(SimTime, usize)>,
    activity: Option<Activity>,
    stream: Stream,
    tasks_done: u64,
}

/// Fixed properties of an operator.
pub(crate) struct OperatorConfig {
    pub(crate) name: String,
    pub(crate) hmi: usize,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) sights: Vec<Sight>,
    pub(crate) reaction_median_s: f64,
    pub(crate) reaction_sigma: f64,
    pub(crate) round_s: Option<f64>,
}

impl Operator {
    pub(crate) fn new(config: OperatorConfig, mut stream: Stream) -> Self {
        let next_round = config.round_s.map(|period_s| {
            SimTime::default()
                + SimDuration::from_secs_f64(period_s * (0.5 + 0.5 * stream.uniform()))
        });
        Self {
            name: config.name,
            hmi: config.hmi,
            procedures: config.procedures,
            sights: config.sights,
            reaction_median_s: config.reaction_median_s,
            reaction_sigma: config.reaction_sigma,
            round_s: config.round_s,
            next_round,
            tasks: Vec::new(),
            looks: Vec::new(),
            activity: None,
            stream,
            tasks_done: 0,
        }
    }

    /// When the operator has to be asked again, if ever.
    pub(crate) fn wake(&self) -> Option<SimTime> {
        let task = match self.activity {
            Some(activity) => Some(activity.until),
            None => self.tasks.iter().map(|task| task.not_before).min(),
        };
        let look = self.looks.iter().map(|look| look.0).min();
        [task, self.next_round, look].into_iter().flatten().min()
    }

    /// An alarm went off on the HMI.
    pub(crate) fn notice_alarm(&mut self, now: SimTime, index: usize, alarm: &Alarm) {
        // Another operator on the same screen may be the one who has the procedure.
        let named = alarm.procedure.as_ref();
        let procedure = named.and_then(|name| self.procedures.iter().position(|p| p.name == *name));
        self.enter(Task {
            reason: Reason::Alarm(index),
            priority: alarm.priority,
            not_before: now,
            procedure,
        });
    }

    fn enter(&mut self, task: Task) {
        let known = self.tasks.iter().any(|t| t.reason == task.reason)
            || self.activity.is_some_and(|a| a.task.reason == task.reason);
        if !known && self.tasks.len() < TASKS_MAX {
            self.tasks.push(task);
        }
    }

    fn duration(&mut self, median_s: f64, sigma: f64) -> SimDuration {
        let drawn_s = self.stream.lognormal(median_s, sigma);
        SimDuration::from_secs_f64(math::clamp(drawn_s, 0.1, DURATION_MAX_S))
    }

    /// Goes on with whatever is due at `now`.
    ///
    /// # Arguments
    ///
    /// * `truth` — what a look at the line would show, by truth column.
    /// * `least_s` — the time that each act takes at least, s, by act: a repair takes as long as the
    ///   fault needs.
    /// * `deeds` — receives what the world has to carry out, in order.
    pub(crate) fn act(
        &mut self,
        now: SimTime,
        alarms: &[Alarm],
        truth: &[f64],
        least_s: &[f64],
        deeds: &mut Vec<Deed>,
    ) {
        let due = |look: &mut (SimTime, usize)| look.0 <= now;
        let looks: Vec<_> = self.looks.extract_if(.., due).collect();
        for (_, sight) in looks {
            self.look(now, sight, truth, true);
        }
        if self.next_round.is_some_and(|due| due <= now) {
            self.walk(now, truth);
        }
        while let Some(activity) = self.activity.filter(|a| a.until <= now) {
            self.activity = self.next_stage(now, activity, alarms, least_s, deeds);
            if self.activity.is_none() {
                self.finish(now, activity.task, alarms);
            }
        }
        if self.activity.is_none() {
            self.begin(now);
        }
    }

    fn walk(&mut self, now: SimTime, truth: &[f64]) {
        let period_s = self
            .round_s
            .expect("an operator without rounds has no next round");
        let jitter = 0.8 + 0.4 * self.stream.uniform();
        self.next_round = Some(now + SimDuration::from_secs_f64(period_s * jitter));
        for index in 0..self.sights.len() {
            // A walk before the look that was meant to follow is that look.
            let before = self.looks.len();
            self.looks.retain(|look| look.1 != index);
            self.look(now, index, truth, self.looks.len() < before);
        }
    }

    /// Looks at one thing, and takes on its procedure if it is as it should not be: another one if it was
    /// put right just before, because doing the same once more would not help.
    fn look(&mut self, now: SimTime, index: usize, truth: &[f64], again: bool) {
        let sight = &self.sights[index];
        if truth[sight.column] > sight.above {
            let first = Some(sight.procedure);
            let procedure = if again { sight.again.or(first) } else { first };
            self.enter(Task {
                reason: Reason::Sight(index),
                priority: Priority::High,
                not_before: now,
                procedure,
            });
        }
    }

    fn begin(&mut self, now: SimTime) {
        let mut best: Option<usize> = None;
        for (at, task) in self.tasks.iter().enumerate() {
            let better = best.is_none_or(|b| task.priority > self.tasks[b].priority);
            if task.not_before <= now && better {
                best = Some(at);
            }
        }
        if let Some(at) = best {
            let task = self.tasks.remove(at);
            let until = now + self.duration(self.reaction_median_s, self.reaction_sigma);
            self.activity = Some(Activity {
                task,
                stage: Stage::Reacting,
                until,
            });
        }
    }

    /// What comes after a stage that has ended, or `None` when the task is over.
    fn next_stage(
        &mut self,
        now: SimTime,
        activity: Activity,
        alarms: &[Alarm],
        least_s: &[f64],
        deeds: &mut Vec<Deed>,
    ) -> Option<Activity> {
        let task = activity.task;
        let next = match (activity.stage, task.reason) {
            (Stage::Reacting, Reason::Alarm(alarm)) => {
                deeds.push(Deed::Acknowledge { alarm });
                if !alarms[alarm].is_active() {
                    return None;
                }
                0
            }
            (Stage::Reacting, Reason::Sight(_)) => 0,
            (Stage::Doing(step), _) => {
                let procedure = task.procedure.expect("only procedures have steps");
                if let Step::Work { act, .. } = self.procedures[procedure].steps[step] {
                    deeds.push(Deed::Work { act });
                }
                step + 1
            }
        };
        let step = self.procedures[task.procedure?].steps.get(next)?.clone();
        let takes = match step {
            Step::Write { tag, value } => {
                deeds.push(Deed::Write { tag, value });
                TYPING
            }
            Step::Wait(duration) => duration,
            Step::Work { act, median_s } => {
                let drawn = self.duration(median_s, WORK_SIGMA);
                let least = SimDuration::from_secs_f64(least_s[act]);
                if least > drawn { least } else { drawn }
            }
        };
        Some(Activity {
            task,
            stage: Stage::Doing(next),
            until: now + takes,
        })
    }

    fn finish(&mut self, now: SimTime, task: Task, alarms: &[Alarm]) {
        self.tasks_done += 1;
        if let Reason::Sight(sight) = task.reason {
            self.looks.push((now + WALK_AGAIN, sight));
        }
        if let Reason::Alarm(alarm) = task.reason
            && alarms[alarm].is_active()
            && task.procedure.is_some()
        {
            self.enter(Task {
                not_before: now + LOOK_AGAIN,
                ..task
            });
        }
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        self.stream.digest_into(put);
        put.put_u64(self.tasks_done);
        put.put_u64(self.wake().map_or(u64::MAX, SimTime::as_nanos));
        put.put_len(self.tasks.len());
        put.put_len(self.looks.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an operator has done who mops what is seen on a walk (act 0), and calls maintenance (act 1) for
    /// what comes again: times, s, and acts. `film_l` is what is on the floor after so many deeds.
    fn done_s(film_l: impl Fn(usize) -> f64) -> Vec<(u64, usize)> {
        let work = |name: &str, act, median_s| Procedure {
            name: name.to_owned(),
            steps: vec![Step::Work { act, median_s }],
        };
        let config = OperatorConfig {
            name: "shift".to_owned(),
            hmi: 0,
            procedures: vec![work("mop", 0, 180.0), work("call", 1, 1_800.0)],
            sights: vec![Sight {
                column: 0,
                above: 2.0,
                procedure: 0,
                again: Some(1),
            }],
            reaction_median_s: 20.0,
            reaction_sigma: 0.3,
            round_s: Some(1_800.0),
        };
        let mut operator = Operator::new(config, Stream::new(1, "people/shift"));
        let mut done = Vec::new();
        while let Some(now) = operator
            .wake()
            .filter(|now| *now < SimTime::from_secs(14_400))
        {
            let mut deeds = Vec::new();
            operator.act(now, &[], &[film_l(done.len())], &[0.0, 0.0], &mut deeds);
            for deed in deeds {
                let Deed::Work { act } = deed else {
                    panic!("there is only work to do: {deed:?}");
                };
                done.push((now.as_secs(), act));
            }
        }
        done
    }

    #[test]
    fn act_when_the_floor_is_wet_again_then_maintenance_is_called_and_nobody_mops_on() {
        let done = done_s(|_| 10.0);
        let acts: Vec<usize> = done.iter().map(|deed| deed.1).collect();
        assert_eq!(acts[0], 0, "{done:?}");
        assert!(acts.len() > 2, "{done:?}");
        assert!(acts[1..].iter().all(|act| *act == 1), "{done:?}");
        // Seen after five minutes, not on the next round; then maintenance takes its time.
        let until_called_s = done[1].0 - done[0].0;
        assert!((1_000..4_000).contains(&until_called_s), "{done:?}");
    }

    #[test]
    fn act_when_the_floor_stays_dry_then_is_mopped_once() {
        let done = done_s(|deeds| if deeds == 0 { 10.0 } else { 0.0 });
        assert_eq!(done.len(), 1, "{done:?}");
    }

    #[test]
    fn act_when_the_floor_is_wet_an_hour_later_then_it_is_mopped_as_at_first() {
        // Dry when looked at after the first mopping: what comes later is another spill.
        let looks = std::cell::Cell::new(0);
        let done = done_s(|deeds| {
            if deeds == 1 {
                looks.set(looks.get() + 1);
            }
            if deeds == 0 || (deeds == 1 && looks.get() > 2) {
                10.0
            } else {
                0.0
            }
        });
        let acts: Vec<usize> = done.iter().map(|deed| deed.1).collect();
        assert_eq!(acts, [0, 0], "{done:?}");
    }
}
