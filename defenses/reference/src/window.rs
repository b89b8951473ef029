//! Counting over a sliding window of simulated time, with the busiest clean window as the
//! yardstick.

use std::collections::VecDeque;

/// One second of simulated time, ns.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

/// Counts events in the last `length_ns` and knows how many are normal.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    length_ns: u64,
    times_ns: VecDeque<u64>,
    /// Most events in one window of the clean period.
    learned_most: usize,
}

/// Most events that a window holds; beyond it the count saturates.
const CAPACITY: usize = 4_096;

impl Rate {
    pub(crate) fn new(length_ns: u64) -> Self {
        Self {
            length_ns,
            times_ns: VecDeque::new(),
            learned_most: 0,
        }
    }

    /// Counts one event and says how many the window that ends now holds.
    pub(crate) fn add(&mut self, t_ns: u64, learning: bool) -> usize {
        while self
            .times_ns
            .front()
            .is_some_and(|&first| first + self.length_ns <= t_ns)
        {
            self.times_ns.pop_front();
        }
        if self.times_ns.len() == CAPACITY {
            self.times_ns.pop_front();
        }
        self.times_ns.push_back(t_ns);
        if learning && self.times_ns.len() > self.learned_most {
            self.learned_most = self.times_ns.len();
        }
        self.times_ns.len()
    }

    /// Whether a count is beyond the normal: more than `least`, and more than `factor` times the
    /// busiest clean window.
    pub(crate) fn is_excess(&self, count: usize, least: usize, factor: usize) -> bool {
        count > least && count > factor * self.learned_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_when_events_age_then_they_leave_the_window() {
        let mut rate = Rate::new(10);
        assert_eq!(
            [0, 5, 9, 10, 30].map(|t_ns| rate.add(t_ns, false)),
            [1, 2, 3, 3, 1]
        );
    }

    #[test]
    fn rate_when_learned_then_excess_is_relative_to_it() {
        let mut rate = Rate::new(10);
        (0..4).for_each(|t_ns| {
            rate.add(t_ns, true);
        });
        assert!(
            !rate.is_excess(12, 5, 3),
            "three times the normal is still normal"
        );
        assert!(rate.is_excess(13, 5, 3));
        assert!(!rate.is_excess(13, 20, 3), "few in absolute terms");
    }
}
