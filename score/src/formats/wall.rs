//! Times of a tool that watched a live plant and stamped its alerts with the wall clock.

use serde::Deserialize;

/// A moment that the wall clock and the plant have in common.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct WallAnchor {
    /// The wall clock, ns since 1970.
    pub unix_ns: u64,
    /// The plant's time, ns since the start of the run.
    pub t_ns: u64,
    /// Plant seconds per second of the wall clock from here to the next anchor; 0 where time stands still.
    pub speed: f64,
}

/// How the clocks of a live session belong together: its anchors in the order of time, as the manifest of the run has
/// them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct WallClock(Vec<WallAnchor>);

impl WallClock {
    /// A clock of these anchors, in the order of time.
    #[must_use]
    pub fn new(anchors: Vec<WallAnchor>) -> Self {
        Self(anchors)
    }

    /// The plant's time at a time of the wall clock, ns; `None` before the session began.
    ///
    /// Between two anchors the plant's time is that of the first and what has passed since, but not beyond the second:
    /// a machine that was too slow did not get there.
    pub(super) fn t_ns(&self, unix_ns: i128) -> Option<u64> {
        let after = self
            .0
            .partition_point(|anchor| i128::from(anchor.unix_ns) <= unix_ns);
        let anchor = self.0[..after].last()?;
        let since = u64::try_from(unix_ns - i128::from(anchor.unix_ns)).ok()?;
        // Truncation towards zero is meant; a session has far fewer ns than a float has whole numbers for.
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let passed = (since as f64 * anchor.speed) as u64;
        let t_ns = anchor.t_ns.saturating_add(passed);
        Some(match self.0.get(after) {
            Some(next) => t_ns.min(next.t_ns.max(anchor.t_ns)),
            None => t_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn clock() -> WallClock {
        let at = |unix_s: u64, t_s: u64, speed| WallAnchor {
            unix_ns: unix_s * S,
            t_ns: t_s * S,
            speed,
        };
        // Twice as fast for ten seconds of which the machine managed eight, then at plant speed, then a pause.
        WallClock::new(vec![at(100, 0, 2.0), at(110, 16, 1.0), at(120, 26, 0.0)])
    }

    #[test]
    fn wall_clock_when_asked_then_tells_the_plants_time() {
        let asked = [
            (99, None),
            (100, Some(0)),
            (104, Some(8)),
            (109, Some(16)),
            (110, Some(16)),
            (115, Some(21)),
            (120, Some(26)),
            (500, Some(26)),
        ];
        for (unix_s, t_s) in asked {
            let found = clock().t_ns(i128::from(unix_s * S));
            assert_eq!(found, t_s.map(|t: u64| t * S), "at {unix_s}");
        }
    }

    #[test]
    fn wall_clock_when_it_has_no_anchor_then_tells_nothing() {
        assert_eq!(WallClock::default().t_ns(0), None);
    }
}
