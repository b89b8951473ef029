//! Times as tools write them, into Unix time.
//!
//! One reader for all formats: a number counts seconds, milliseconds, microseconds or nanoseconds since
//! 1970, told by its size; a text is ISO 8601, the form of RFC 3164 and CEF (`Jan  5 06:00:15`), or that
//! of Snort (`26/01/05-06:00:15`). What a text leaves out is never taken from this machine: a zone must
//! be stated by the user, and a year is the one that is nearest to the run.

use chrono::{NaiveDate, NaiveTime};

use super::ImportOptions;

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not in any of the forms, or no such day or hour.
    Form,
    /// It could be any zone, and the user named none.
    NoZone,
    /// A zone that is named by letters which mean several zones.
    UnknownZone,
    /// Snort without `-y`.
    NoYear,
}

impl Fault {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Form => "not a time",
            Self::NoZone => "it has no zone",
            Self::UnknownZone => "its zone is not known",
            Self::NoYear => "it has no year",
        }
    }

    /// What to do about it, unless the format knows better.
    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::Form => None,
            Self::NoZone => Some(
                "say in which zone the tool writes its times, such as `--zone UTC` or `--zone +01:00`",
            ),
            Self::UnknownZone => Some(
                "zones are read as Z, UTC, GMT or a number of hours and minutes: +01:00, +0100",
            ),
            Self::NoYear => Some(
                "let Snort write the field `seconds`: alert_json = { fields = 'seconds timestamp ...' }",
            ),
        }
    }
}

const NS_PER_S: i128 = 1_000_000_000;

/// Unix time in ns of a number or a text.
pub(super) fn unix_ns(text: &str, options: &ImportOptions) -> Result<i128, Fault> {
    let text = text.trim();
    if !text.is_ascii() || text.is_empty() {
        return Err(Fault::Form);
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return epoch_ns(text).ok_or(Fault::Form);
    }
    let bytes = text.as_bytes();
    if bytes.len() > 10 && bytes[4] == b'-' && matches!(bytes[10], b'T' | b't' | b' ') {
        let date = date(text.get(..10).unwrap_or_default(), '-').ok_or(Fault::Form)?;
        return joined(date, &text[11..], options);
    }
    if let Some((days, clock)) = text.split_once('-').filter(|(days, _)| days.contains('/')) {
        return match days.matches('/').count() {
            1 => Err(Fault::NoYear),
            _ => joined(date(days, '/').ok_or(Fault::Form)?, clock, options),
        };
    }
    by_month(text, options)
}

/// A zone as the user names it: `Z`, `UTC`, `GMT`, `+01:00`, `-0530`, `GMT+1`; s east of Greenwich.
#[must_use]
pub fn zone_s(text: &str) -> Option<i32> {
    let upper = text.trim().to_ascii_uppercase();
    if matches!(upper.as_str(), "Z" | "UTC" | "GMT") {
        return Some(0);
    }
    let rest = upper.strip_prefix("UTC").or(upper.strip_prefix("GMT"));
    let offset = rest.unwrap_or(&upper);
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then(|| sign * (hours * 3600 + minutes * 60))
}

/// A number of at most nine digits and nothing else.
fn number(text: &str) -> Option<i32> {
    let digits = !text.is_empty() && text.len() <= 9;
    (digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Decimal digits behind a point as ns, cut behind the ninth.
fn fraction_ns(digits: &str) -> Option<u32> {
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    nine.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| nine.parse().ok())
        .flatten()
}

/// The unit is told by the size: seconds stay below 10^11 until the year 5138, and milliseconds have
/// been above it since 1973.
fn epoch_ns(text: &str) -> Option<i128> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let whole: i128 = (whole.len() <= 19).then(|| whole.parse().ok()).flatten()?;
    let unit_ns = if whole < 100_000_000_000 {
        NS_PER_S
    } else if whole < 100_000_000_000_000 {
        1_000_000
    } else if whole < 100_000_000_000_000_000 {
        1_000
    } else {
        1
    };
    let part = i128::from(fraction_ns(digits)?) * unit_ns / NS_PER_S;
    Some(whole * unit_ns + part)
}

/// `2026-01-05`, or `26/01/05` as Snort writes it.
fn date(text: &str, separator: char) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(separator).collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    let year = match (year.len(), number(year)?) {
        (2, short) => 2000 + short,
        (4, long) => long,
        _ => return None,
    };
    day_of(year, number(month)?, day)
}

fn day_of(year: i32, month: i32, day: &str) -> Option<NaiveDate> {
    let day = u32::try_from(number(day)?).ok()?;
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, day)
}

/// `06:00:15`, perhaps with a fraction, and what stands behind it.
fn clock(text: &str) -> Option<(NaiveTime, i128, &str)> {
    let (plain, rest) = text.split_at_checked(8)?;
    let parts: Vec<&str> = plain.split(':').collect();
    let [h, m, s] = parts.as_slice() else {
        return None;
    };
    let two = |text: &str| {
        let whole = (text.len() == 2).then(|| number(text)).flatten()?;
        u32::try_from(whole).ok()
    };
    let (digits, rest) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            rest.split_at(end.unwrap_or(rest.len()))
        }
        None => ("", rest),
    };
    // A leap second is the first one of the next minute.
    let (second, leap) = match two(s)? {
        60 => (59, NS_PER_S),
        second => (second, 0),
    };
    let time = NaiveTime::from_hms_opt(two(h)?, two(m)?, second)?;
    Some((time, leap + i128::from(fraction_ns(digits)?), rest))
}

/// A day with the time and zone that stand behind it.
fn joined(date: NaiveDate, text: &str, options: &ImportOptions) -> Result<i128, Fault> {
    let (time, part_ns, zone) = clock(text).ok_or(Fault::Form)?;
    let east_s = match zone.trim() {
        "" => options.zone_s.ok_or(Fault::NoZone)?,
        zone => zone_s(zone).ok_or(Fault::UnknownZone)?,
    };
    let local_s = date.and_time(time).and_utc().timestamp();
    Ok((i128::from(local_s) - i128::from(east_s)) * NS_PER_S + part_ns)
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// `Jan  5 06:00:15` with or without a year before the time, as RFC 3164 and CEF have it.
fn by_month(text: &str, options: &ImportOptions) -> Result<i128, Fault> {
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().unwrap_or_default();
    let (name, day, third) = (next(), next(), next());
    let month = MONTHS
        .iter()
        .position(|month| name.eq_ignore_ascii_case(month))
        .and_then(|index| i32::try_from(index + 1).ok())
        .ok_or(Fault::Form)?;
    let year = (third.len() == 4).then(|| number(third)).flatten();
    let clock = if year.is_some() { next() } else { third };
    let zone: Vec<&str> = words.collect();
    let clock = format!("{clock} {}", zone.join(""));
    let at = |year| {
        let date = day_of(year, month, day).ok_or(Fault::Form)?;
        joined(date, &clock, options)
    };
    if let Some(year) = year {
        return at(year);
    }
    // Of the years in which it could be, the one that brings it nearest to the start of the run.
    let epoch_ns = i128::from(options.epoch_unix_ns);
    let epoch_s = i64::try_from(options.epoch_unix_ns / 1_000_000_000).unwrap_or_default();
    let start = chrono::DateTime::from_timestamp(epoch_s, 0).unwrap_or_default();
    let run_year = chrono::Datelike::year(&start);
    let tries: Vec<_> = (run_year - 1..=run_year + 1).map(at).collect();
    let nearest = tries
        .iter()
        .flatten()
        .min_by_key(|ns| (*ns - epoch_ns).abs());
    nearest
        .copied()
        .ok_or(tries[1].err().unwrap_or(Fault::Form))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i128 = 1_767_592_815_250_431_000;

    fn with_zone(zone_s: Option<i32>) -> ImportOptions {
        ImportOptions {
            zone_s,
            ..ImportOptions::default()
        }
    }

    #[test]
    fn time_when_in_any_form_then_the_same_instant() {
        for text in [
            "1767592815.250431",
            "1767592815250.431",
            "1767592815250431",
            "1767592815250431000",
            "2026-01-05T06:00:15.250431Z",
            "2026-01-05t06:00:15.250431z",
            "2026-01-05T06:00:15.250431+0000",
            "2026-01-05T07:00:15.250431+01:00",
            "2026-01-05 06:00:15.250431 +00:00",
            "2026-01-05T06:00:15,250431000999Z",
            "2026-01-05T05:30:15.250431-0030",
            "Jan  5 06:00:15.250431 UTC",
            "jan 05 2026 07:00:15.250431 GMT+01:00",
            "Jan 5 2026 07:00:15.250431 +01",
            "26/01/05-06:00:15.250431 Z",
        ] {
            assert_eq!(unix_ns(text, &with_zone(None)), Ok(AT), "{text}");
        }
    }

    #[test]
    fn time_when_a_zone_is_missing_then_stated_or_refused() {
        let check = |text: &str, bare: Fault| {
            assert_eq!(unix_ns(text, &with_zone(None)), Err(bare), "{text}");
            assert_eq!(unix_ns(text, &with_zone(Some(3600))), Ok(AT), "{text}");
        };
        check("2026-01-05T07:00:15.250431", Fault::NoZone);
        check("Jan  5 07:00:15.250431", Fault::NoZone);
        check("Jan  5 2026 07:00:15.250431", Fault::NoZone);
        check("26/01/05-07:00:15.250431", Fault::NoZone);
    }

    #[test]
    fn time_when_a_year_is_missing_then_the_one_nearest_to_the_run() {
        let year = |text: &str| {
            let ns = unix_ns(text, &with_zone(Some(0))).expect(text);
            let at = chrono::DateTime::from_timestamp_nanos(i64::try_from(ns).expect("in range"));
            chrono::Datelike::year(&at)
        };
        // The run starts on 5 January 2026.
        assert_eq!(year("Jan  5 06:00:15"), 2026);
        assert_eq!(year("Dec 31 23:59:59"), 2025);
        assert_eq!(year("Jun 30 00:00:00"), 2026);
        let leap = unix_ns("Feb 29 00:00:00", &with_zone(Some(0)));
        assert_eq!(
            leap,
            Err(Fault::Form),
            "none of the three years has that day"
        );
    }

    #[test]
    fn time_when_it_is_none_then_said_why() {
        let check = |text: &str, expect: Fault| {
            assert_eq!(unix_ns(text, &with_zone(Some(0))), Err(expect), "{text}");
        };
        for text in [
            "",
            "yesterday",
            "2026-13-05T06:00:15Z",
            "2026-01-05T24:00:15Z",
            "2026-01-05T06:00Z",
            "2026-01-05",
            "1.2.3",
            "99999999999999999999",
            "Jan 5",
            "Jan 32 06:00:15",
            "５",
            ".",
            "2026-01-05T+6:00:15Z",
            "26/1/5/7-06:00:15",
        ] {
            check(text, Fault::Form);
        }
        check("01/05-06:00:15.250431", Fault::NoYear);
        check("Jan 5 06:00:15 CET", Fault::UnknownZone);
    }
}
