//! The nearest known name to one that does not exist.

/// The known name with the smallest edit distance, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count() / 3 + 1;
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Number of single-character edits between two texts, ignoring case (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replace = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_when_misspelt_then_the_nearest_is_suggested() {
        let known = ["plc-filler", "plc-conveyor", "hmi-1"];
        let check =
            |name, expect| assert_eq!(nearest(name, known.iter().copied()), expect, "{name}");
        check("plc-filer", Some("plc-filler"));
        check("HMI-1", Some("hmi-1"));
        check("boiler", None);
        check("", None);
    }
}
