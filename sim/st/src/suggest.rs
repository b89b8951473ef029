//! "Did you mean": the known name that is nearest to a mistyped one.

/// Candidates that are looked at: a program with more names gets a hint from the first of them, so that mistakes
/// in it do not take minutes.
const MAX_CANDIDATES: usize = 4096;

/// The candidate within a third of the name's length in edits, or none. Ties go to the first.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A name nobody would type by hand is not worth a quadratic comparison.
    if name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_uppercase();
    let limit = (name.len() / 3).max(1);
    let mut best = None;
    for candidate in candidates.into_iter().take(MAX_CANDIDATES) {
        // What the compiler has named itself no source can name. Each letter too many is an edit.
        let too_far = candidate.len().abs_diff(name.len()) > limit;
        if too_far || candidate.len() > 64 || candidate.starts_with('$') {
            continue;
        }
        let distance = edits(name.as_bytes(), candidate.to_ascii_uppercase().as_bytes());
        if distance <= limit && best.is_none_or(|(_, least)| distance < least) {
            best = Some((candidate, distance));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// A hint that names the nearest candidate.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|found| format!("did you mean `{found}`?"))
}

/// Edits (insert, delete, replace, swap neighbours) that turn one word into the other.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_when_one_letter_is_wrong_then_finds_the_name() {
        let names = ["tank_level", "pump_run", "q"];
        for (typed, found) in [
            ("tank_levle", Some("tank_level")),
            ("PUMPRUN", Some("pump_run")),
            ("x", Some("q")),
            ("conveyor", None),
        ] {
            assert_eq!(nearest(typed, names), found, "{typed}");
        }
    }
}
