//! The calendar: dates as nanoseconds since 1970-01-01, and their text.
//!
//! All dates are of the Gregorian calendar and have no time zone. Days have 86 400 s.
//!
//! Source: IEC 61131-3:2013, 6.3.5 (date and time of day literals); ISO 8601.

use crate::types::Elementary;
use crate::value::duration_text;

/// Nanoseconds in a day.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;

/// Days from 1970-01-01 to a date; `None` where the calendar has no such date.
///
/// # Source
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days_in_month(year, month)).contains(&day)
    {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day that lie `days` after 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A value of a date or duration type as a literal.
pub(crate) fn text(ty: Elementary, nanos: i64) -> String {
    use Elementary::{Date, Dt, Ldate, Ldt, Ltime, Ltod, Tod};
    match ty {
        Date | Ldate => format!("{ty}#{}", date_text(nanos)),
        Tod | Ltod => format!("{ty}#{}", time_text(nanos.rem_euclid(DAY_NS))),
        Dt | Ldt => {
            let (date, time) = (date_text(nanos), time_text(nanos.rem_euclid(DAY_NS)));
            format!("{ty}#{date}-{time}")
        }
        Ltime => format!("L{}", duration_text(nanos)),
        _ => duration_text(nanos),
    }
}

fn date_text(nanos: i64) -> String {
    let (year, month, day) = civil_from_days(nanos.div_euclid(DAY_NS));
    format!("{year:04}-{month:02}-{day:02}")
}

fn time_text(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    let fraction = nanos % 1_000_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let whole = format!("{hour:02}:{minute:02}:{second:02}");
    if fraction == 0 {
        return whole;
    }
    let digits = format!("{fraction:09}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// The value of a literal such as `D#2024-02-29`, `TOD#12:30:00.5` or
/// `DT#2024-02-29-12:30:00`, with its type; the reason where there is none.
pub(crate) fn literal(literal: &str) -> Result<(Elementary, i64), &'static str> {
    let (prefix, body) = literal
        .split_once('#')
        .ok_or("a date begins with D#, TOD# or DT#")?;
    let ty = prefix_type(prefix).ok_or("a date begins with D#, TOD# or DT#")?;
    let body = body.replace('_', "");
    let nanos = match ty {
        Elementary::Date | Elementary::Ldate => date_ns(&body),
        Elementary::Tod | Elementary::Ltod => time_ns(&body),
        _ => {
            let at = body.match_indices('-').nth(2).map(|(at, _)| at);
            let at = at.ok_or("a date and time is written DT#2024-02-29-12:30:00")?;
            let (date, time) = (date_ns(&body[..at])?, time_ns(&body[at + 1..])?);
            date.checked_add(time).ok_or(OUT_OF_CALENDAR)
        }
    }?;
    Ok((ty, nanos))
}

const OUT_OF_CALENDAR: &str = "the date is outside 1677-09-22 to 2262-04-11";

/// The type that the prefix of a date literal names.
pub(crate) fn prefix_type(prefix: &str) -> Option<Elementary> {
    let upper = prefix.to_ascii_uppercase();
    match upper.as_str() {
        "D" => Some(Elementary::Date),
        "LD" => Some(Elementary::Ldate),
        _ => Elementary::from_name(&upper).filter(|ty| ty.is_date()),
    }
}

fn date_ns(text: &str) -> Result<i64, &'static str> {
    let mut parts = text.split('-');
    let mut next = || parts.next().and_then(number);
    let (Some(year), Some(month), Some(day)) = (next(), next(), next()) else {
        return Err("a date is written D#2024-02-29");
    };
    if parts.next().is_some() {
        return Err("a date is written D#2024-02-29");
    }
    let days = days_from_civil(year, month, day).ok_or("the calendar has no such date")?;
    days.checked_mul(DAY_NS).ok_or(OUT_OF_CALENDAR)
}

fn time_ns(text: &str) -> Result<i64, &'static str> {
    const FORM: &str = "a time of day is written TOD#12:30:00.5";
    let mut parts = text.split(':');
    let (hour, minute) = (parts.next().and_then(number), parts.next().and_then(number));
    let (Some(hour), Some(minute)) = (hour, minute) else {
        return Err(FORM);
    };
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            (
                number(whole).ok_or(FORM)?,
                fraction_ns(fraction).ok_or(FORM)?,
            )
        }
    };
    if parts.next().is_some() {
        return Err(FORM);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err("a time of day lies between 00:00:00 and 23:59:59.999999999");
    }
    Ok(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction)
}

/// A short unsigned number.
fn number(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The digits behind a point as nanoseconds; more than nine are cut off.
fn fraction_ns(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut value = 0;
    let mut scale = 100_000_000;
    for digit in digits.bytes().take(9) {
        value += i64::from(digit - b'0') * scale;
        scale /= 10;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_when_converted_then_comes_back() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (2000, 2, 29, 11_016),
            (2024, 2, 29, 19_782),
            (1900, 3, 1, -25_508),
        ] {
            assert_eq!(days_from_civil(year, month, day), Some(days));
            assert_eq!(civil_from_days(days), (year, month, day));
        }
        assert_eq!(days_from_civil(1900, 2, 29), None);
        assert_eq!(days_from_civil(2023, 13, 1), None);
    }

    #[test]
    fn literal_when_valid_then_reads_as_written() {
        for (written, shown) in [
            ("D#2024-02-29", "DATE#2024-02-29"),
            ("date#1969-7-20", "DATE#1969-07-20"),
            ("TOD#15:36:55.36", "TOD#15:36:55.36"),
            ("TIME_OF_DAY#1:2:3", "TOD#01:02:03"),
            ("DT#1984-06-25-15:36:55.36", "DT#1984-06-25-15:36:55.36"),
            ("LDT#2100-01-01-00:00:00", "LDT#2100-01-01-00:00:00"),
        ] {
            let (ty, nanos) = literal(written).expect(written);
            assert_eq!(text(ty, nanos), shown);
        }
        for bad in [
            "D#2023-02-29",
            "D#2023",
            "TOD#24:00:00",
            "DT#2024-01-01",
            "D#9999-01-01",
        ] {
            assert!(literal(bad).is_err(), "{bad}");
        }
    }
}
