//! Where two runs part: the first second and components whose digests differ.

use std::fmt;

use serde::Serialize;
use sim_kernel::SimTime;

use crate::evidence::digests::{DigestRow, DigestTable};

/// How a run differs from its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Divergence {
    /// The runs do not have the same components, so they are not runs of one plant.
    Components {
        /// Components that only the record has.
        missing: Vec<String>,
        /// Components that only the new run has.
        added: Vec<String>,
    },
    /// State differs at the end of a second.
    State {
        /// End of the first second that differs, simulated ns.
        t_ns: u64,
        /// The components that differ in it, in the order of the table. Empty if only the chain
        /// does, which means that the runs differ in something that no component accounts for.
        components: Vec<String>,
    },
    /// The runs agree for as long as both go on, and one of them goes on.
    Length {
        /// End of the last second that both have, simulated ns; 0 if there is none.
        t_ns: u64,
        /// Seconds in the record.
        recorded: u64,
        /// Seconds in the new run.
        replayed: u64,
    },
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Components { missing, added } => {
                write!(f, "the runs have different components:")?;
                for name in missing {
                    write!(f, " -{name}")?;
                }
                for name in added {
                    write!(f, " +{name}")?;
                }
                Ok(())
            }
            Self::State { t_ns, components } => {
                let at = SimTime::from_nanos(*t_ns);
                if components.is_empty() {
                    return write!(f, "the runs part in the second up to {at}, in no component");
                }
                write!(
                    f,
                    "the runs part in the second up to {at}, in {}",
                    components.join(", ")
                )
            }
            Self::Length {
                t_ns,
                recorded,
                replayed,
            } => write!(
                f,
                "the runs agree until {} and then one ends: {recorded} seconds recorded, {replayed} replayed",
                SimTime::from_nanos(*t_ns)
            ),
        }
    }
}

/// Compares the record of a run with the same run again.
///
/// Components are matched by name, so their order does not matter.
///
/// # Examples
///
/// ```
/// use twinrange_range::digest_compare::{Divergence, first_divergence};
/// use twinrange_range::evidence::digests::{DigestRow, DigestTable};
///
/// let run = |level: u64| DigestTable {
///     components: vec!["plc".to_owned(), "tank".to_owned()],
///     rows: vec![DigestRow { t_ns: 1_000_000_000, chain: level, components: vec![7, level] }],
/// };
/// assert_eq!(first_divergence(&run(1), &run(1)), None);
/// let parted = first_divergence(&run(1), &run(2)).expect("the tank differs");
/// assert_eq!(parted.to_string(), "the runs part in the second up to 00:00:01.000000000, in tank");
/// ```
#[must_use]
pub fn first_divergence(recorded: &DigestTable, replayed: &DigestTable) -> Option<Divergence> {
    let lacks = |table: &DigestTable, name: &String| !table.components.contains(name);
    let missing: Vec<_> = recorded
        .components
        .iter()
        .filter(|name| lacks(replayed, name))
        .cloned()
        .collect();
    let added: Vec<_> = replayed
        .components
        .iter()
        .filter(|name| lacks(recorded, name))
        .cloned()
        .collect();
    if !missing.is_empty() || !added.is_empty() {
        return Some(Divergence::Components { missing, added });
    }
    let pairs: Vec<(usize, usize)> = recorded
        .components
        .iter()
        .enumerate()
        .filter_map(|(a, name)| Some((a, replayed.components.iter().position(|b| b == name)?)))
        .collect();
    for (a, b) in recorded.rows.iter().zip(&replayed.rows) {
        if let Some(found) = row_divergence(a, b, &pairs, &recorded.components) {
            return Some(found);
        }
    }
    let (recorded_len, replayed_len) = (recorded.rows.len(), replayed.rows.len());
    (recorded_len != replayed_len).then(|| {
        let both = recorded_len.min(replayed_len);
        Divergence::Length {
            t_ns: both
                .checked_sub(1)
                .map_or(0, |last| recorded.rows[last].t_ns),
            recorded: recorded_len as u64,
            replayed: replayed_len as u64,
        }
    })
}

fn row_divergence(
    a: &DigestRow,
    b: &DigestRow,
    pairs: &[(usize, usize)],
    names: &[String],
) -> Option<Divergence> {
    let differing: Vec<String> = pairs
        .iter()
        .filter(|(i, j)| a.components.get(*i) != b.components.get(*j))
        .map(|(i, _)| names[*i].clone())
        .collect();
    let same = differing.is_empty() && a.chain == b.chain && a.t_ns == b.t_ns;
    (!same).then(|| Divergence::State {
        t_ns: a.t_ns.min(b.t_ns),
        components: differing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Components `names`, and per second a chain and one digest each.
    fn table(names: &[&str], rows: &[(u64, &[u64])]) -> DigestTable {
        let row = |(second, (chain, parts)): (usize, &(u64, &[u64]))| DigestRow {
            t_ns: (second as u64 + 1) * 1_000_000_000,
            chain: *chain,
            components: parts.to_vec(),
        };
        DigestTable {
            components: names.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.iter().enumerate().map(row).collect(),
        }
    }

    #[test]
    fn runs_when_compared_then_first_difference_is_named() {
        let base = table(&["a", "b"], &[(1, &[5, 6]), (2, &[5, 7])]);
        let cases = [
            (base.clone(), ""),
            (table(&["b", "a"], &[(1, &[6, 5]), (2, &[7, 5])]), ""),
            (
                table(&["a", "b"], &[(1, &[5, 6]), (3, &[5, 8])]),
                "00:00:02.000000000, in b",
            ),
            (
                table(&["a", "b"], &[(9, &[4, 4]), (2, &[5, 7])]),
                "00:00:01.000000000, in a, b",
            ),
            (
                table(&["a", "b"], &[(9, &[5, 6]), (2, &[5, 7])]),
                "00:00:01.000000000, in no component",
            ),
            (
                table(&["a", "b"], &[(1, &[5, 6])]),
                "2 seconds recorded, 1 replayed",
            ),
            (table(&["a", "c"], &[]), "-b +c"),
        ];
        for (other, expect) in cases {
            let found = first_divergence(&base, &other).map_or(String::new(), |d| d.to_string());
            assert!(
                found.ends_with(expect) && found.is_empty() == expect.is_empty(),
                "{found}"
            );
        }
    }
}
