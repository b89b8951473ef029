//! Unions of half-open intervals of simulated time.

/// A set of instants as sorted, disjoint, non-empty intervals `[start, end)`, ns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Intervals(Vec<(u64, u64)>);

impl Intervals {
    /// The union of intervals in any order, cut to `[0, limit_ns)`.
    pub(crate) fn union(parts: impl IntoIterator<Item = (u64, u64)>, limit_ns: u64) -> Self {
        let mut parts: Vec<(u64, u64)> = parts
            .into_iter()
            .map(|(start, end)| (start, end.min(limit_ns)))
            .filter(|(start, end)| start < end)
            .collect();
        parts.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(parts.len());
        for (start, end) in parts {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self(merged)
    }

    /// Total length, ns.
    pub(crate) fn length_ns(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// Whether any instant of `[first, last]` is in the set.
    pub(crate) fn touches(&self, first: u64, last: u64) -> bool {
        let next = self.0.partition_point(|&(_, end)| end <= first);
        self.0.get(next).is_some_and(|&(start, _)| start <= last)
    }

    /// The length of the common part, ns.
    pub(crate) fn overlap_ns(&self, other: &Self) -> u64 {
        let (mut i, mut j, mut total) = (0, 0, 0);
        while let (Some(&(a, b)), Some(&(c, d))) = (self.0.get(i), other.0.get(j)) {
            let (start, end) = (a.max(c), b.min(d));
            total += end.saturating_sub(start);
            if b <= d {
                i += 1;
            } else {
                j += 1;
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn union_when_parts_overlap_touch_or_exceed_then_merged_and_cut() {
        let set = Intervals::union(
            [(30, 40), (0, 10), (10, 20), (15, 18), (90, 200), (5, 5)],
            100,
        );
        assert_eq!(set, Intervals(vec![(0, 20), (30, 40), (90, 100)]));
        assert_eq!(set.length_ns(), 40);
        for (first, last, expect) in [
            (20, 29, false),
            (20, 30, true),
            (19, 19, true),
            (40, 89, false),
            (99, 300, true),
            (100, 300, false),
        ] {
            assert_eq!(set.touches(first, last), expect, "{first} {last}");
        }
        assert_eq!(
            set.overlap_ns(&Intervals::union([(5, 35), (95, 96)], 100)),
            15 + 5 + 1
        );
        assert_eq!(set.overlap_ns(&Intervals::default()), 0);
    }
}
