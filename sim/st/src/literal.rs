//! The value of a literal's text.
//!
//! Source: IEC 61131-3:2013, 6.3.2 (numeric literals) and 6.3.4 (duration literals).

/// The value of `1_000`, `16#FF`, `8#17` or `2#1010`; the reason where there is none.
pub(crate) fn integer(text: &str) -> Result<i128, &'static str> {
    let (base, digits) = match text.split_once('#') {
        None => (10, text),
        Some(("2", digits)) => (2, digits),
        Some(("8", digits)) => (8, digits),
        Some(("16", digits)) => (16, digits),
        Some(_) => return Err("the base of a number is 2, 8 or 16"),
    };
    check_underscores(digits)?;
    let mut value: i128 = 0;
    for character in digits.chars().filter(|&c| c != '_') {
        let digit = character
            .to_digit(base)
            .ok_or("a digit does not belong to the base")?;
        value = value * i128::from(base) + i128::from(digit);
        if value > i128::from(u64::MAX) {
            return Err("the number is larger than any type holds");
        }
    }
    Ok(value)
}

/// The value of `1.5`, `1_0.0E-3`.
pub(crate) fn real(text: &str) -> Result<f64, &'static str> {
    check_underscores(text)?;
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    // Rust reads decimals correctly rounded on every target.
    let value: f64 = digits.parse().map_err(|_| "this is not a number")?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err("the number is larger than LREAL holds")
    }
}

/// The value of `T#1m30s250ms`, ns; digits below a nanosecond are cut off.
pub(crate) fn duration_ns(text: &str) -> Result<i64, &'static str> {
    let (_, body) = text.split_once('#').ok_or("a duration begins with T#")?;
    let (negative, mut rest) = match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, body.strip_prefix('+').unwrap_or(body)),
    };
    check_underscores(rest)?;
    let mut total_ns: i128 = 0;
    let mut last_unit_ns = i128::MAX;
    let mut had_fraction = false;
    if rest.is_empty() {
        return Err("a duration needs a number and a unit, such as T#5s");
    }
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit_ns = unit_ns(unit).ok_or("a duration's units are d, h, m, s, ms, us and ns")?;
        if unit_ns >= last_unit_ns {
            return Err("the units of a duration go from large to small, each once");
        }
        if had_fraction {
            return Err("only the last part of a duration may have a fraction");
        }
        had_fraction = number.contains('.');
        total_ns += part_ns(number, unit_ns)?;
        last_unit_ns = unit_ns;
        rest = tail.strip_prefix('_').unwrap_or(tail);
    }
    let signed = if negative { -total_ns } else { total_ns };
    i64::try_from(signed).map_err(|_| "the duration is longer than TIME holds")
}

/// Whether the word in front of `#` begins a duration.
pub(crate) fn is_duration_prefix(word: &str) -> bool {
    ["T", "TIME", "LT", "LTIME"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

/// The characters of a text literal with its quotes, escapes resolved.
///
/// # Source
///
/// IEC 61131-3:2013, 6.3.3 and Table 7. A STRING holds ISO/IEC 10646 row 00, a WSTRING the basic
/// multilingual plane.
pub(crate) fn text(literal: &str) -> Result<Vec<u16>, &'static str> {
    let wide = literal.starts_with('"');
    let inner = literal.get(1..literal.len().max(2) - 1).unwrap_or("");
    let mut units = Vec::new();
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '$' {
            let limit = if wide { 0xFFFF } else { 0xFF };
            let code = u32::from(character);
            let unit = u16::try_from(code).ok().filter(|_| code <= limit);
            units.push(unit.ok_or("the text's type does not hold this character")?);
            continue;
        }
        let tail = rest.as_str();
        let digits = if wide { 4 } else { 2 };
        let code = tail
            .get(..digits)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if let Some(code) = code.and_then(|hex| u16::from_str_radix(hex, 16).ok()) {
            units.push(code);
            rest = tail[digits..].chars();
            continue;
        }
        units.push(match rest.next() {
            Some('$') => u16::from(b'$'),
            Some('\'') => u16::from(b'\''),
            Some('"') => u16::from(b'"'),
            Some('L' | 'l' | 'N' | 'n') => 0x0A,
            Some('P' | 'p') => 0x0C,
            Some('R' | 'r') => 0x0D,
            Some('T' | 't') => 0x09,
            _ => return Err("behind `$` stand $, a quote, L, N, P, R, T or hexadecimal digits"),
        });
    }
    Ok(units)
}

fn unit_ns(unit: &str) -> Option<i128> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "d" => 86_400_000_000_000,
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        _ => return None,
    })
}

/// `number` times `unit_ns`, in integers so that `0.1s` is exact.
fn part_ns(number: &str, unit_ns: i128) -> Result<i128, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') {
        return Err("a duration needs a number before each unit");
    }
    let mut total_ns = unit_ns * integer(whole)?;
    let mut scale_ns = unit_ns;
    for digit in fraction.bytes().filter(|&byte| byte != b'_') {
        scale_ns /= 10;
        total_ns += scale_ns * i128::from(digit - b'0');
    }
    Ok(total_ns)
}

fn check_underscores(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return Err("digits are missing around an underscore");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_when_valid_then_has_its_value() {
        for (text, value) in [
            ("0", 0),
            ("1_000", 1000),
            ("16#FF", 255),
            ("2#1010_0000", 160),
            ("8#17", 15),
            ("16#dead", 0xDEAD),
        ] {
            assert_eq!(integer(text), Ok(value), "{text}");
        }
        assert_eq!(integer("18446744073709551615"), Ok(i128::from(u64::MAX)));
    }

    #[test]
    fn integer_when_invalid_then_says_why() {
        for text in ["2#102", "7#1", "1__0", "1_", "16#", "18446744073709551616"] {
            assert!(integer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn duration_when_valid_then_is_exact() {
        for (text, ns) in [
            ("T#1m30s250ms", 90_250_000_000),
            ("T#0.5s", 500_000_000),
            ("t#-1ms", -1_000_000),
            ("TIME#1d2h3m4s5ms6us7ns", 93_784_005_006_007),
            ("T#1h_30m", 5_400_000_000_000),
            ("T#0.1s", 100_000_000),
            ("T#90m", 5_400_000_000_000),
            ("T#1.23456789012s", 1_234_567_890),
        ] {
            assert_eq!(duration_ns(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn duration_when_invalid_then_says_why() {
        for text in [
            "T#",
            "T#5",
            "T#s",
            "T#1s2s",
            "T#1s2m",
            "T#1.5s2ms",
            "T#5x",
            "T#1.2.3s",
            "T#999999999d",
        ] {
            assert!(duration_ns(text).is_err(), "{text}");
        }
    }

    #[test]
    fn text_when_escaped_then_is_resolved() {
        for (literal, units) in [
            ("''", &[][..]),
            ("'A$$B'", &[65, 36, 66]),
            ("'$L$r$0A$27'", &[10, 13, 10, 39]),
            ("\"$00C4\"", &[0xC4]),
            ("'é'", &[0xE9]),
        ] {
            assert_eq!(text(literal).as_deref(), Ok(units), "{literal}");
        }
        for bad in ["'$'", "'$x'", "'€'"] {
            assert!(text(bad).is_err(), "{bad}");
        }
    }
}
