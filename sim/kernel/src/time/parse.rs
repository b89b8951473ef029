//! Reads the text form of a time, exactly: integers throughout, and no rounding.
//!
//! # Invariants
//!
//! - Every text is either read to the nanosecond or rejected with the reason; none panics.
//! - `12:30` is rejected, because half of all readers take it for minutes and seconds and the other
//!   half for hours and minutes. A bare number is rejected, because its unit is a guess.

use thiserror::Error;

use super::{NANOS_PER_HOUR, NANOS_PER_MICRO, NANOS_PER_MILLI, NANOS_PER_MIN, NANOS_PER_SEC};

/// Most decimals that can matter: an hour has 36·10¹¹ ns, so 12 decimals of one may be whole
/// nanoseconds, and 18 still fit the arithmetic.
const MAX_DECIMALS: usize = 18;

/// Text that is not a time. Each message names the text and says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimeParseError {
    /// There is no text.
    #[error("a time is missing; expected one such as `00:12:30`, `12.5s` or `250ms`")]
    Empty,
    /// A minus sign: times count from the start of the run.
    #[error("`{text}` is negative; a time is zero or more")]
    Negative {
        /// The rejected text.
        text: String,
    },
    /// A number is missing, or is written with something other than digits and one point.
    #[error("`{text}` is not a time; expected one such as `00:12:30`, `12.5s` or `250ms`")]
    Malformed {
        /// The rejected text.
        text: String,
    },
    /// A number without a unit.
    #[error("`{text}` has no unit; write `{text}s`, or another of ns, us, ms, s, min, h")]
    MissingUnit {
        /// The rejected text.
        text: String,
    },
    /// A unit that is not known.
    #[error("`{text}` has the unknown unit `{unit}`; expected one of ns, us, ms, s, min, h")]
    UnknownUnit {
        /// The rejected text.
        text: String,
        /// What stands in the place of the unit.
        unit: String,
    },
    /// A clock that is not hours, minutes and seconds, each of the last two with two digits.
    #[error("`{text}` is not a clock of the form `h:mm:ss`; 12 minutes 30 are `00:12:30`")]
    ClockForm {
        /// The rejected text.
        text: String,
    },
    /// The minutes or the seconds of a clock are above 59.
    #[error("`{text}` has {value} {field}; a clock has at most 59")]
    ClockRange {
        /// The rejected text.
        text: String,
        /// `minutes` or `seconds`.
        field: &'static str,
        /// The rejected value.
        value: u64,
    },
    /// Digits below one nanosecond, which would be lost.
    #[error("`{text}` is finer than a nanosecond, the smallest step of simulated time")]
    TooPrecise {
        /// The rejected text.
        text: String,
    },
    /// A value that does not fit.
    #[error("`{text}` is too large; a time is below 2^64 ns, about 584 years")]
    TooLarge {
        /// The rejected text.
        text: String,
    },
}

/// Reads either form and returns nanoseconds. White space around the text is ignored.
pub(super) fn nanos(text: &str) -> Result<u64, TimeParseError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TimeParseError::Empty);
    }
    if text.starts_with('-') {
        return Err(TimeParseError::Negative {
            text: text.to_owned(),
        });
    }
    if text.contains(':') {
        clock(text)
    } else {
        quantity(text)
    }
}

/// Reads `h:mm:ss[.fraction]`.
fn clock(text: &str) -> Result<u64, TimeParseError> {
    let form = || TimeParseError::ClockForm {
        text: text.to_owned(),
    };
    let fields: Vec<&str> = text.split(':').collect();
    let &[hours, minutes, seconds] = fields.as_slice() else {
        return Err(form());
    };
    let (whole_seconds, fraction) = match seconds.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return Err(form()),
        None => (seconds, ""),
    };
    if minutes.len() != 2 || whole_seconds.len() != 2 {
        return Err(form());
    }
    if !is_digits(hours) || !is_digits(minutes) || !is_digits(whole_seconds) {
        return Err(form());
    }
    let mut total = scaled(text, hours, "", NANOS_PER_HOUR)?;
    for (field, digits, fraction, unit_nanos) in [
        ("minutes", minutes, "", NANOS_PER_MIN),
        ("seconds", whole_seconds, fraction, NANOS_PER_SEC),
    ] {
        let value: u64 = digits.parse().map_err(|_| form())?;
        if value > 59 {
            return Err(TimeParseError::ClockRange {
                text: text.to_owned(),
                field,
                value,
            });
        }
        total += scaled(text, digits, fraction, unit_nanos)?;
    }
    fit(text, total)
}

/// Reads a decimal number and its unit, with or without a space between them.
fn quantity(text: &str) -> Result<u64, TimeParseError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim_start());
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => {
            return Err(TimeParseError::Malformed {
                text: text.to_owned(),
            });
        }
        None => (number, ""),
    };
    if !is_digits(whole) {
        return Err(TimeParseError::Malformed {
            text: text.to_owned(),
        });
    }
    let unit_nanos = match unit {
        "ns" => 1,
        // Both Unicode spellings of micro: the micro sign and the Greek letter mu.
        "us" | "\u{b5}s" | "\u{3bc}s" => NANOS_PER_MICRO,
        "ms" => NANOS_PER_MILLI,
        "s" => NANOS_PER_SEC,
        "min" => NANOS_PER_MIN,
        "h" => NANOS_PER_HOUR,
        "" => {
            return Err(TimeParseError::MissingUnit {
                text: text.to_owned(),
            });
        }
        _ => {
            return Err(TimeParseError::UnknownUnit {
                text: text.to_owned(),
                unit: unit.to_owned(),
            });
        }
    };
    fit(text, scaled(text, whole, fraction, unit_nanos)?)
}

/// Returns `whole.fraction` units in nanoseconds. Both arguments hold digits only.
fn scaled(
    text: &str,
    whole: &str,
    fraction: &str,
    unit_nanos: u64,
) -> Result<u128, TimeParseError> {
    let too_large = || TimeParseError::TooLarge {
        text: text.to_owned(),
    };
    let too_precise = || TimeParseError::TooPrecise {
        text: text.to_owned(),
    };
    let unit_nanos = u128::from(unit_nanos);
    // A u64 is wide enough for any whole part that fits, and bounds the product below.
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let mut total = u128::from(whole) * unit_nanos;

    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > MAX_DECIMALS {
        return Err(too_precise());
    }
    let mut denominator: u128 = 1;
    let mut numerator: u128 = 0;
    for digit in fraction.bytes() {
        denominator *= 10;
        numerator = numerator * 10 + u128::from(digit - b'0');
    }
    if !(numerator * unit_nanos).is_multiple_of(denominator) {
        return Err(too_precise());
    }
    total += numerator * unit_nanos / denominator;
    Ok(total)
}

fn fit(text: &str, nanos: u128) -> Result<u64, TimeParseError> {
    u64::try_from(nanos).map_err(|_| TimeParseError::TooLarge {
        text: text.to_owned(),
    })
}

/// Whether `text` is one or more ASCII digits.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
