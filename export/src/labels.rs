//! Intervals of simulated time to labels per row, and back.
//!
//! Row `k` is the time `[k·period, (k+1)·period)` and is stamped with its beginning. It is labelled if an interval has
//! any part in it: `score` counts seconds in the same way, so that figures of the literature come out the same.
//!
//! Attacks that overlap or touch are one segment, since one label per row cannot tell them apart and readers of
//! IPAL's `attacks.json` want them apart; the segment's name holds the names of all.

/// A named interval, half-open; an interval without length fills its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Step, column or constraint.
    pub name: String,
    /// From, simulated ns.
    pub start_ns: u64,
    /// Up to and not including, simulated ns.
    pub end_ns: u64,
}

/// Rows of one period from the beginning of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Time between two rows, ns; above 0.
    pub period_ns: u64,
    /// Number of rows; the last may be cut by the end of the run.
    pub rows: u64,
}

/// Rows from the first to the last, both included, that are one attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Names of all intervals in it, by time, joined with `+`.
    pub name: String,
    /// First row.
    pub first: u64,
    /// Last row.
    pub last: u64,
}

impl Axis {
    /// The rows of a run.
    ///
    /// # Panics
    ///
    /// If the period is 0.
    #[must_use]
    pub fn new(period_ns: u64, duration_ns: u64) -> Self {
        assert!(period_ns > 0, "rows need a period");
        Self {
            period_ns,
            rows: duration_ns.div_ceil(period_ns),
        }
    }

    /// The row of a time. The last instant of a run belongs to its last row.
    #[must_use]
    pub fn row(&self, t_ns: u64) -> u64 {
        (t_ns / self.period_ns).min(self.rows.saturating_sub(1))
    }

    /// When a row begins, simulated ns.
    #[must_use]
    pub fn start_ns(&self, row: u64) -> u64 {
        row * self.period_ns
    }

    /// The segments of intervals in any order, by time.
    #[must_use]
    pub fn segments(&self, spans: &[Span]) -> Vec<Segment> {
        if self.rows == 0 {
            return Vec::new();
        }
        let mut inside: Vec<&Span> = spans
            .iter()
            .filter(|span| span.start_ns <= self.start_ns(self.rows))
            .collect();
        inside.sort_by_key(|span| span.start_ns);
        let mut segments: Vec<(u64, u64, Vec<&str>)> = Vec::new();
        for span in inside {
            let last_ns = span.end_ns.saturating_sub(1).max(span.start_ns);
            let (first, last) = (self.row(span.start_ns), self.row(last_ns));
            let name = span.name.as_str();
            match segments.last_mut() {
                Some((_, end, names)) if first <= *end + 1 => {
                    *end = (*end).max(last);
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                _ => segments.push((first, last, vec![name])),
            }
        }
        let named = segments.into_iter().map(|(first, last, names)| Segment {
            name: names.join("+"),
            first,
            last,
        });
        named.collect()
    }
}

/// Which segment each row belongs to, for rows from `from` up to and not including `to`.
#[must_use]
pub fn labels(segments: &[Segment], from: u64, to: u64) -> Vec<Option<usize>> {
    let rows = usize::try_from(to.saturating_sub(from)).expect("rows fit into memory");
    let mut labels = vec![None; rows];
    for (number, segment) in segments.iter().enumerate() {
        for row in segment.first.max(from)..(segment.last + 1).min(to) {
            let at = usize::try_from(row - from).expect("it is one of them");
            labels[at] = Some(number);
        }
    }
    labels
}

/// Whether any of the intervals has a part in the row.
#[must_use]
pub fn touches(axis: &Axis, row: u64, spans: &[Span]) -> bool {
    // The last instant of a run belongs to its last row.
    let last = u64::from(row + 1 == axis.rows);
    let (start, end) = (axis.start_ns(row), axis.start_ns(row + 1) + last);
    let inside = |span: &Span| {
        let last_ns = span.end_ns.saturating_sub(1).max(span.start_ns);
        span.start_ns < end && last_ns >= start
    };
    spans.iter().any(inside)
}

/// The ranges of flagged rows, both ends included: what a reader makes of labels.
#[must_use]
pub fn ranges(flags: &[bool]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for (row, _) in (0_u64..).zip(flags).filter(|(_, flag)| **flag) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == row => *last = row,
            _ => ranges.push((row, row)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(name: &str, start_ns: u64, end_ns: u64) -> Span {
        Span {
            name: name.to_owned(),
            start_ns,
            end_ns,
        }
    }

    #[test]
    fn segments_when_intervals_overlap_touch_or_have_no_length_then_these() {
        let axis = Axis::new(10, 100);
        let spans = [
            span("b", 45, 60),
            span("a", 41, 50),
            span("instant", 80, 80),
            span("c", 60, 61),
            span("at the end", 100, 100),
            span("late", 101, 120),
            span("cut", 95, 300),
        ];
        let found: Vec<_> = axis
            .segments(&spans)
            .into_iter()
            .map(|s| (s.name, s.first, s.last))
            .collect();
        let expect = [("a+b+c", 4, 6), ("instant+cut+at the end", 8, 9)];
        assert_eq!(found, expect.map(|(n, a, b)| (n.to_owned(), a, b)));
    }

    #[test]
    fn segments_when_there_are_no_rows_then_none() {
        assert_eq!(Axis::new(10, 0).segments(&[span("a", 0, 5)]), []);
    }

    proptest! {
        /// Intervals → rows → intervals: every label is there for an interval, every interval is in its labels,
        /// and what a reader makes of the labels are the segments.
        #[test]
        fn labels_when_read_back_then_segments(
            period in 1_u64..50, duration in 1_u64..2_000, from_row in 0_u64..40,
            raw in proptest::collection::vec((0_u64..2_500, 0_u64..300), 0..12),
        ) {
            let axis = Axis::new(period, duration);
            let spans: Vec<Span> = raw
                .iter()
                .enumerate()
                .map(|(n, &(start, length))| span(&format!("s{n}"), start, start + length))
                .collect();
            let segments = axis.segments(&spans);
            let all = labels(&segments, 0, axis.rows);
            for (row, label) in (0..axis.rows).zip(&all) {
                prop_assert_eq!(label.is_some(), touches(&axis, row, &spans), "row {}", row);
            }
            let flags: Vec<bool> = all.iter().map(Option::is_some).collect();
            let expect: Vec<(u64, u64)> = segments.iter().map(|s| (s.first, s.last)).collect();
            prop_assert_eq!(ranges(&flags), expect);
            for pair in segments.windows(2) {
                prop_assert!(pair[0].last + 1 < pair[1].first);
            }
            let from = from_row.min(axis.rows);
            let part = labels(&segments, from, axis.rows);
            prop_assert_eq!(&part[..], &all[usize::try_from(from).expect("small")..]);
        }
    }
}
