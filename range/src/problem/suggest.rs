//! "Did you mean": the known name that is nearest to a mistyped one.

/// A name longer than this is not a slip of the fingers, and not worth a quadratic comparison.
const LONGEST_NAME: usize = 64;

/// The candidate within a third of the word's length in edits (at least one), or none.
///
/// Case does not count. An edit inserts, deletes or replaces a character, or swaps two neighbours
/// (optimal string alignment). Ties go to the first candidate.
///
/// # Examples
///
/// ```
/// use twinrange_range::problem::nearest;
///
/// assert_eq!(nearest("plc-filer", ["plc-filler", "hmi-1"]), Some("plc-filler"));
/// assert_eq!(nearest("hostname", ["plc-filler", "hmi-1"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    if word.len() > LONGEST_NAME {
        return None;
    }
    let limit = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.to_lowercase().chars().collect();
        if letters.len() > LONGEST_NAME {
            continue;
        }
        let distance = edits(&word, &letters);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A hint for an unknown name: the nearest candidate, or all of them if they are few.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(found) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{found}`?"));
    }
    let names: Vec<&str> = candidates.into_iter().take(13).collect();
    if names.is_empty() || names.len() > 12 {
        return None;
    }
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("expected one of {}", list.join(", ")))
}

fn edits(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &right) in b.iter().enumerate() {
            let replace = last[j] + usize::from(left != right);
            let mut least = replace.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_when_word_is_mistyped_then_finds_the_meant_one() {
        let known = ["duration", "clean_until", "seed", "plant", "playbook"];
        let cases = [
            ("duraton", Some("duration")),
            ("sede", Some("seed")),
            ("Plant", Some("plant")),
            ("clean-until", Some("clean_until")),
            ("x", None),
            ("", None),
            ("constraints", None),
        ];
        for (word, expect) in cases {
            assert_eq!(nearest(word, known), expect, "{word}");
        }
    }

    #[test]
    fn did_you_mean_when_nothing_is_near_then_lists_a_few_and_no_more() {
        assert_eq!(
            did_you_mean("zzz", ["a", "b"]),
            Some("expected one of `a`, `b`".to_owned())
        );
        let many: Vec<String> = (0..40).map(|n| format!("name-number-{n}")).collect();
        assert_eq!(did_you_mean("zzz", many.iter().map(String::as_str)), None);
        assert_eq!(did_you_mean("zzz", []), None);
    }
}
