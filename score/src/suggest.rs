//! "Did you mean": the nearest known word to a mistyped one.

/// The candidate nearest to `word`, if it is near enough to be a likely typing mistake.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = 1 + word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| {
            distance <= limit || (word.len() >= 4 && candidate.contains(word.as_str()))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters. Words longer than 64 characters are never typing mistakes.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_when_word_is_mistyped_then_known_word() {
        let known = ["recall", "protection", "uptime_tax_percent"];
        let check =
            |word: &str, expect: Option<&str>| assert_eq!(nearest(word, known), expect, "{word}");
        check("recal", Some("recall"));
        check("Protecton", Some("protection"));
        check("uptime_tax", Some("uptime_tax_percent"));
        check("zzzzzz", None);
        check("", None);
    }
}
