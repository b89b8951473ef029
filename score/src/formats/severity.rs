//! The scales of other tools onto our 0 (informational) to 10 (critical).

/// A number between the ends of a scale, both included.
fn within(text: &str, first: f64, last: f64) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (first..=last).contains(&number).then_some(number)
}

/// The nearest whole grade, halves upwards.
fn grade(number: f64) -> Option<u8> {
    (0..=10_u8).find(|&grade| number < f64::from(grade) + 0.5)
}

/// Suricata's and Snort's priority: 1 is the highest.
pub(super) fn priority(text: &str) -> Option<u8> {
    match text.trim() {
        "1" => Some(9),
        "2" => Some(6),
        "3" => Some(3),
        "4" => Some(1),
        _ => None,
    }
}

/// Wazuh's level, 0 to 15.
pub(super) fn level_of_15(text: &str) -> Option<u8> {
    grade(within(text, 0.0, 15.0)? * 10.0 / 15.0)
}

/// OCSF's `severity_id`; 0 is unknown and 99 something else.
pub(super) fn ocsf(text: &str) -> Option<u8> {
    match text.trim() {
        "1" => Some(1),
        "2" => Some(3),
        "3" => Some(5),
        "4" => Some(7),
        "5" => Some(9),
        "6" => Some(10),
        _ => None,
    }
}

/// CEF: 0 to 10, or a word for a part of it.
pub(super) fn cef(text: &str) -> Option<u8> {
    match text.trim().to_ascii_lowercase().as_str() {
        "low" => Some(2),
        "medium" => Some(5),
        "high" => Some(7),
        "very-high" => Some(9),
        number => grade(within(number, 0.0, 10.0)?),
    }
}

/// Syslog's severity: 0 is an emergency, 7 is for debugging.
pub(super) fn syslog(severity: u8) -> Option<u8> {
    [10, 10, 9, 7, 5, 4, 2, 1]
        .get(usize::from(severity))
        .copied()
}

/// Sigma's and Elastic's words, with the short forms that tools print and Hayabusa's level above the others.
pub(super) fn word(text: &str) -> Option<u8> {
    match text.trim().to_ascii_lowercase().as_str() {
        "informational" | "info" => Some(1),
        "low" => Some(3),
        "medium" | "med" => Some(5),
        "high" => Some(7),
        "critical" | "crit" => Some(9),
        "emergency" | "emer" => Some(10),
        _ => None,
    }
}

/// Elastic: a word, or a risk from 0 to 100.
pub(super) fn word_or_risk(text: &str) -> Option<u8> {
    word(text).or_else(|| grade(within(text, 0.0, 100.0)? / 10.0))
}

/// A word, or Suricata's and Snort's priority.
pub(super) fn word_or_priority(text: &str) -> Option<u8> {
    word(text).or_else(|| priority(text))
}

/// What is already on our scale.
pub(super) fn own(text: &str) -> Option<u8> {
    grade(within(text, 0.0, 10.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_when_on_a_scale_of_a_tool_then_mapped() {
        let all = |scale: fn(&str) -> Option<u8>, words: &[&str]| {
            words.iter().map(|word| scale(word)).collect::<Vec<_>>()
        };
        let some = |grades: &[u8]| grades.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(all(priority, &["1", "2", "3", "4"]), some(&[9, 6, 3, 1]));
        assert_eq!(
            all(level_of_15, &["0", "3", "10", "12", "15"]),
            some(&[0, 2, 7, 8, 10])
        );
        assert_eq!(
            all(ocsf, &["1", "2", "3", "4", "5", "6"]),
            some(&[1, 3, 5, 7, 9, 10])
        );
        assert_eq!(
            all(cef, &["0", "8", "10", "Low", "Very-High"]),
            some(&[0, 8, 10, 2, 9])
        );
        assert_eq!(
            (0..=7).map(syslog).collect::<Vec<_>>(),
            some(&[10, 10, 9, 7, 5, 4, 2, 1])
        );
        assert_eq!(
            all(
                word,
                &["informational", "low", "Medium", "HIGH", "crit", "emer"]
            ),
            some(&[1, 3, 5, 7, 9, 10])
        );
        assert_eq!(all(word_or_priority, &["high", "3"]), some(&[7, 3]));
        assert_eq!(
            all(word_or_risk, &["21", "47", "73", "99", "high"]),
            some(&[2, 5, 7, 10, 7])
        );
        for (scale, text) in [
            (priority as fn(&str) -> Option<u8>, "0"),
            (level_of_15, "16"),
            (ocsf, "99"),
            (cef, "Unknown"),
            (word, "severe"),
            (word_or_risk, "101"),
            (cef, "NaN"),
            (cef, ""),
            (word_or_risk, "inf"),
        ] {
            assert_eq!(scale(text), None, "{text}");
        }
        assert_eq!(syslog(8), None);
    }
}
