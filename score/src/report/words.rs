//! Numbers, times and text as people read them.

/// Escapes text for HTML and SVG, in content and in double-quoted attributes. Control characters
/// become spaces.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A length of time: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `1 d 3 h`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("-{}", duration(-seconds));
    }
    if seconds < 9.95 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let whole = whole(seconds);
    let (days, hours, minutes, rest) = (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) if rest == 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{minutes} min {rest:02} s"),
        (0, _, 0) => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {minutes:02} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A simulated instant as plant clock time, `06:12:30`; from the second day on `day 2, 06:12:30`.
#[must_use]
pub fn clock(t_ns: u64, epoch_unix_ns: u64) -> String {
    const DAY_S: u64 = 86_400;
    let start_s = epoch_unix_ns / 1_000_000_000 % DAY_S;
    let total_s = start_s + t_ns / 1_000_000_000;
    let (day, rest) = (total_s / DAY_S, total_s % DAY_S);
    let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if day == 0 {
        time
    } else {
        format!("day {}, {time}", day + 1)
    }
}

/// A number with thousands separated by commas and at most `decimals` decimals.
#[must_use]
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (index, digit) in integer.chars().enumerate() {
        if index > 0 && (integer.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    if value < 0.0 && out != "0" {
        format!("\u{2212}{out}")
    } else {
        out
    }
}

/// A share as percent, with one decimal where it matters.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let decimals = if value.abs() >= 10.0 { 0 } else { 1 };
    // 99.7 % must not read as everything.
    let decimals = if value.abs() > 99.0 && value.abs() < 100.0 {
        1
    } else {
        decimals
    };
    format!("{} %", number(value, decimals))
}

/// `1 bottle`, `12 bottles`.
#[must_use]
pub fn counted(value: f64, singular: &str, plural: &str) -> String {
    format!(
        "{} {}",
        number(value, 1),
        if value == 1.0 { singular } else { plural }
    )
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// The nearest whole number of seconds, for display.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, which is fine for display"
)]
fn whole(seconds: f64) -> u64 {
    seconds.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_when_lengths_vary_then_two_units_at_most() {
        for (seconds, expect) in [
            (0.0, "0 s"),
            (0.42, "0.4 s"),
            (9.96, "10 s"),
            (12.3, "12 s"),
            (60.0, "1 min"),
            (200.0, "3 min 20 s"),
            (7200.0, "2 h"),
            (7500.0, "2 h 05 min"),
            (86_400.0, "1 d"),
            (97_200.0, "1 d 3 h"),
            (-200.0, "-3 min 20 s"),
        ] {
            assert_eq!(duration(seconds), expect);
        }
    }

    #[test]
    fn number_when_sizes_vary_then_separated_and_trimmed() {
        for (value, decimals, expect) in [
            (0.0, 0, "0"),
            (1234.5, 1, "1,234.5"),
            (1234.0, 1, "1,234"),
            (1_234_567.0, 0, "1,234,567"),
            (-12.0, 0, "\u{2212}12"),
            (-0.001, 1, "0"),
        ] {
            assert_eq!(number(value, decimals), expect);
        }
        assert_eq!(percent(0.997), "99.7 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.034), "3.4 %");
    }

    #[test]
    fn clock_when_past_midnight_then_day_is_named() {
        let epoch = crate::formats::DEFAULT_EPOCH_UNIX_NS;
        assert_eq!(clock(750_000_000_000, epoch), "06:12:30");
        assert_eq!(clock(18 * 3600 * 1_000_000_000, epoch), "day 2, 00:00:00");
    }

    #[test]
    fn escape_when_hostile_then_inert() {
        assert_eq!(
            escape("<script>\"a\"&'b'\u{7}"),
            "&lt;script&gt;&quot;a&quot;&amp;&#39;b&#39; "
        );
    }
}
