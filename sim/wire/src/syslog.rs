//! Syslog messages by RFC 5424: format, and a strict parser.
//!
//! **Invariant:** a formatted message is one line. Control characters in values and text come out
//! as `#` and three octal digits, as rsyslog writes them, so that an attacker who logs in as
//! `"x\n<14>1 ..."` cannot forge a line of the log.
//!
//! **Invariant:** `parse(format(message)) == message` if no value or text has a control character
//! and the time is a whole number of microseconds.
//!
//! Times are nanoseconds since 1970-01-01T00:00:00Z; RFC 5424 allows six digits of a second, so
//! they are cut to microseconds. A `u64` reaches into the year 2554.

use std::borrow::Cow;
use std::fmt::Write as _;
use thiserror::Error;

/// Marks message text as UTF-8 (RFC 5424 6.4).
const BYTE_ORDER_MARK: &str = "\u{FEFF}";
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// The facility: the kind of sender (RFC 5424 table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Facility {
    /// 0: kernel messages.
    Kern = 0,
    /// 1: user-level messages.
    User,
    /// 2: mail system.
    Mail,
    /// 3: system daemons.
    Daemon,
    /// 4: security and authorization messages.
    Auth,
    /// 5: messages of the syslog daemon itself.
    Syslog,
    /// 6: line printers.
    Lpr,
    /// 7: network news.
    News,
    /// 8: UUCP.
    Uucp,
    /// 9: clock daemon.
    Cron,
    /// 10: private security and authorization messages.
    Authpriv,
    /// 11: FTP daemon.
    Ftp,
    /// 12: NTP.
    Ntp,
    /// 13: log audit.
    Audit,
    /// 14: log alert.
    Alert,
    /// 15: scheduling daemon.
    Clock,
    /// 16: local use 0.
    Local0,
    /// 17: local use 1.
    Local1,
    /// 18: local use 2.
    Local2,
    /// 19: local use 3.
    Local3,
    /// 20: local use 4.
    Local4,
    /// 21: local use 5.
    Local5,
    /// 22: local use 6.
    Local6,
    /// 23: local use 7.
    Local7,
}

impl Facility {
    /// All facilities by code.
    pub const ALL: [Self; 24] = [
        Self::Kern,
        Self::User,
        Self::Mail,
        Self::Daemon,
        Self::Auth,
        Self::Syslog,
        Self::Lpr,
        Self::News,
        Self::Uucp,
        Self::Cron,
        Self::Authpriv,
        Self::Ftp,
        Self::Ntp,
        Self::Audit,
        Self::Alert,
        Self::Clock,
        Self::Local0,
        Self::Local1,
        Self::Local2,
        Self::Local3,
        Self::Local4,
        Self::Local5,
        Self::Local6,
        Self::Local7,
    ];
}

/// The severity, most severe first (RFC 5424 table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// 0: system is unusable.
    Emergency = 0,
    /// 1: action must be taken immediately.
    Alert,
    /// 2: critical conditions.
    Critical,
    /// 3: error conditions.
    Error,
    /// 4: warning conditions.
    Warning,
    /// 5: normal but significant condition.
    Notice,
    /// 6: informational messages.
    Informational,
    /// 7: debug-level messages.
    Debug,
}

impl Severity {
    /// All severities by code.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];
}

/// One element of structured data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// SD-ID: `origin`, or a private name such as `twinrange@32473`.
    pub id: Cow<'a, str>,
    /// Parameters in order: name and value. Names may repeat.
    pub params: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Element<'a> {
    /// An element without parameters.
    #[must_use]
    pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: id.into(),
            params: Vec::new(),
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn param(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }
}

/// A syslog message. `None` is the nil value `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Kind of sender.
    pub facility: Facility,
    /// How severe.
    pub severity: Severity,
    /// Time, ns since 1970-01-01T00:00:00Z.
    pub unix_ns: Option<u64>,
    /// Sending host, 1 to 255 printable ASCII characters.
    pub hostname: Option<Cow<'a, str>>,
    /// Sending application, 1 to 48 printable ASCII characters.
    pub app_name: Option<Cow<'a, str>>,
    /// Process id or the like, 1 to 128 printable ASCII characters.
    pub proc_id: Option<Cow<'a, str>>,
    /// Kind of message, 1 to 32 printable ASCII characters.
    pub msg_id: Option<Cow<'a, str>>,
    /// Structured data; ids are unique.
    pub structured_data: Vec<Element<'a>>,
    /// Free text; empty for none.
    pub text: Cow<'a, str>,
}

/// Why a message cannot be formatted, or bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid {field}")]
pub struct Error {
    /// The field by its RFC 5424 name.
    pub field: Field,
}

/// The parts of a message, as RFC 5424 names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Field {
    Pri,
    Version,
    Timestamp,
    Hostname,
    AppName,
    ProcId,
    MsgId,
    SdId,
    SdParamName,
    SdParamValue,
    StructuredData,
    Msg,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pri => "PRI",
            Self::Version => "VERSION",
            Self::Timestamp => "TIMESTAMP",
            Self::Hostname => "HOSTNAME",
            Self::AppName => "APP-NAME",
            Self::ProcId => "PROCID",
            Self::MsgId => "MSGID",
            Self::SdId => "SD-ID",
            Self::SdParamName => "PARAM-NAME",
            Self::SdParamValue => "PARAM-VALUE",
            Self::StructuredData => "STRUCTURED-DATA",
            Self::Msg => "MSG",
        })
    }
}

/// The fields with a length limit, in the order of the header.
const HEADER_LIMITS: [(Field, usize); 4] = [
    (Field::Hostname, 255),
    (Field::AppName, 48),
    (Field::ProcId, 128),
    (Field::MsgId, 32),
];

impl<'a> Message<'a> {
    /// A message of a host's application, with text and nothing more.
    #[must_use]
    pub fn new(
        facility: Facility,
        severity: Severity,
        unix_ns: u64,
        hostname: impl Into<Cow<'a, str>>,
        app_name: impl Into<Cow<'a, str>>,
        text: impl Into<Cow<'a, str>>,
    ) -> Self {
        Self {
            facility,
            severity,
            unix_ns: Some(unix_ns),
            hostname: Some(hostname.into()),
            app_name: Some(app_name.into()),
            proc_id: None,
            msg_id: None,
            structured_data: Vec::new(),
            text: text.into(),
        }
    }

    /// Sets the kind of message.
    #[must_use]
    pub fn with_msg_id(mut self, msg_id: impl Into<Cow<'a, str>>) -> Self {
        self.msg_id = Some(msg_id.into());
        self
    }

    /// Adds an element of structured data.
    #[must_use]
    pub fn with_element(mut self, element: Element<'a>) -> Self {
        self.structured_data.push(element);
        self
    }

    /// The priority value: facility times 8 plus severity.
    #[must_use]
    pub fn pri(&self) -> u8 {
        self.facility as u8 * 8 + self.severity as u8
    }

    /// Appends the message, without a line end.
    ///
    /// Text that is not ASCII is marked as UTF-8 by a byte order mark (RFC 5424 6.4).
    ///
    /// # Errors
    ///
    /// The first field that breaks its limits; `out` is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use sim_wire::syslog::{Element, Facility, Message, Severity};
    ///
    /// let message = Message::new(
    ///     Facility::Auth,
    ///     Severity::Notice,
    ///     1_767_592_800_000_000_000,
    ///     "ews-1",
    ///     "login",
    ///     "login failed",
    /// )
    /// .with_element(Element::new("user@32473").param("name", "maintenance"));
    /// let mut line = String::new();
    /// message.format(&mut line)?;
    /// assert_eq!(
    ///     line,
    ///     "<37>1 2026-01-05T06:00:00.000000Z ews-1 login - - \
    ///      [user@32473 name=\"maintenance\"] login failed"
    /// );
    /// # Ok::<(), sim_wire::syslog::Error>(())
    /// ```
    pub fn format(&self, out: &mut String) -> Result<(), Error> {
        self.check()?;
        push_fmt(out, format_args!("<{}>1 ", self.pri()));
        match self.unix_ns {
            Some(unix_ns) => push_timestamp(unix_ns, out),
            None => out.push('-'),
        }
        for field in self.header_fields() {
            out.push(' ');
            out.push_str(field.as_deref().map_or("-", |text| text));
        }
        out.push(' ');
        if self.structured_data.is_empty() {
            out.push('-');
        }
        for element in &self.structured_data {
            push_fmt(out, format_args!("[{}", element.id));
            for (name, value) in &element.params {
                push_fmt(out, format_args!(" {name}=\""));
                push_escaped(value, "\"\\]", out);
                out.push('"');
            }
            out.push(']');
        }
        if !self.text.is_empty() {
            out.push(' ');
            if !self.text.is_ascii() {
                out.push_str(BYTE_ORDER_MARK);
            }
            push_escaped(&self.text, "", out);
        }
        Ok(())
    }

    fn header_fields(&self) -> [&Option<Cow<'a, str>>; 4] {
        [&self.hostname, &self.app_name, &self.proc_id, &self.msg_id]
    }

    fn check(&self) -> Result<(), Error> {
        for (text, (field, limit)) in self.header_fields().into_iter().zip(HEADER_LIMITS) {
            // A field of one hyphen would be read back as nil.
            let is_bad = |text: &str| !is_printable(text, limit) || text == "-";
            if text.as_deref().is_some_and(is_bad) {
                return Err(Error { field });
            }
        }
        check_structured_data(&self.structured_data)?;
        // Text that starts with a mark of its own would lose it when read.
        if self.text.starts_with(BYTE_ORDER_MARK) {
            return Err(Error { field: Field::Msg });
        }
        Ok(())
    }

    /// Parses one message, without a line end.
    ///
    /// Accepts what RFC 5424 allows, with any offset of the time, and no more; text may or may not
    /// be marked as UTF-8.
    ///
    /// # Errors
    ///
    /// The first field that is not as RFC 5424 says.
    pub fn parse(line: &'a str) -> Result<Self, Error> {
        let bad = |field| Error { field };
        let rest = line.strip_prefix('<').ok_or(bad(Field::Pri))?;
        let (pri, rest) = rest.split_once('>').ok_or(bad(Field::Pri))?;
        let pri = decimal(pri, 3).ok_or(bad(Field::Pri))?;
        let (facility, severity) = split_pri(pri).ok_or(bad(Field::Pri))?;
        let rest = rest.strip_prefix("1 ").ok_or(bad(Field::Version))?;
        let (timestamp, mut rest) = rest.split_once(' ').ok_or(bad(Field::Timestamp))?;
        let unix_ns = match timestamp {
            "-" => None,
            text => Some(parse_timestamp(text).ok_or(bad(Field::Timestamp))?),
        };
        let mut fields = [None, None, None, None];
        for (slot, (field, limit)) in fields.iter_mut().zip(HEADER_LIMITS) {
            let (text, after) = rest.split_once(' ').ok_or(bad(field))?;
            if !is_printable(text, limit) {
                return Err(bad(field));
            }
            *slot = (text != "-").then_some(Cow::Borrowed(text));
            rest = after;
        }
        let [hostname, app_name, proc_id, msg_id] = fields;
        let (structured_data, rest) = parse_structured_data(rest)?;
        check_structured_data(&structured_data)?;
        let text = match rest {
            "" => "",
            rest => rest.strip_prefix(' ').ok_or(bad(Field::StructuredData))?,
        };
        let text = text
            .strip_prefix(BYTE_ORDER_MARK)
            .map_or(text, |unmarked| unmarked);
        Ok(Self {
            facility,
            severity,
            unix_ns,
            hostname,
            app_name,
            proc_id,
            msg_id,
            structured_data,
            text: Cow::Borrowed(text),
        })
    }
}

/// Appends formatted text; writing to a string cannot fail.
fn push_fmt(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a String takes all text");
}

/// Appends text with a backslash before each of `escaped`, and control characters in octal.
fn push_escaped(text: &str, escaped: &str, out: &mut String) {
    for character in text.chars() {
        if character.is_ascii_control() {
            push_fmt(out, format_args!("#{:03o}", u32::from(character)));
            continue;
        }
        if escaped.contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
}

/// Whether a header field is 1 to `limit` characters `!` to `~`.
fn is_printable(text: &str, limit: usize) -> bool {
    (1..=limit).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether text is an SD-NAME: 1 to 32 printable characters but `=`, `]`, `"`.
fn is_sd_name(text: &str) -> bool {
    is_printable(text, 32) && !text.contains(['=', ']', '"'])
}

fn check_structured_data(elements: &[Element<'_>]) -> Result<(), Error> {
    for (index, element) in elements.iter().enumerate() {
        let is_repeated = elements[..index]
            .iter()
            .any(|earlier| earlier.id == element.id);
        if !is_sd_name(&element.id) || is_repeated {
            return Err(Error { field: Field::SdId });
        }
        if !element.params.iter().all(|(name, _)| is_sd_name(name)) {
            return Err(Error {
                field: Field::SdParamName,
            });
        }
    }
    Ok(())
}

/// An unsigned decimal of 1 to `max_digits` digits, without leading zeros but for `0` itself.
fn decimal(text: &str, max_digits: usize) -> Option<u64> {
    let is_canonical = text.len() == 1 || !text.starts_with('0');
    digits(text).filter(|_| is_canonical && text.len() <= max_digits)
}

/// An unsigned number of ASCII digits alone; leading zeros are allowed.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn split_pri(pri: u64) -> Option<(Facility, Severity)> {
    let pri = usize::try_from(pri).ok()?;
    Some((*Facility::ALL.get(pri / 8)?, Severity::ALL[pri % 8]))
}

/// Structured data at the start of `text`, and what follows it.
fn parse_structured_data(text: &str) -> Result<(Vec<Element<'_>>, &str), Error> {
    if let Some(rest) = text.strip_prefix('-') {
        return Ok((Vec::new(), rest));
    }
    let mut elements = Vec::new();
    let mut rest = text;
    while let Some(inside) = rest.strip_prefix('[') {
        let (element, after) = parse_element(inside)?;
        elements.push(element);
        rest = after;
    }
    if elements.is_empty() {
        Err(Error {
            field: Field::StructuredData,
        })
    } else {
        Ok((elements, rest))
    }
}

/// One element behind its `[`, and what follows its `]`.
fn parse_element(text: &str) -> Result<(Element<'_>, &str), Error> {
    let bad = |field| Error { field };
    let end = text.find([' ', ']']).ok_or(bad(Field::SdId))?;
    let (id, mut rest) = text.split_at(end);
    let mut element = Element::new(id);
    loop {
        if let Some(after) = rest.strip_prefix(']') {
            return Ok((element, after));
        }
        let param = rest.strip_prefix(' ').ok_or(bad(Field::StructuredData))?;
        let (name, value) = param.split_once("=\"").ok_or(bad(Field::SdParamName))?;
        let (value, after) = parse_param_value(value).ok_or(bad(Field::SdParamValue))?;
        element.params.push((Cow::Borrowed(name), value));
        rest = after;
    }
}

/// A value behind its opening quote, and what follows its closing quote.
///
/// `"`, `\` and `]` must be escaped; a backslash before anything else stands for itself
/// (RFC 5424 6.3.3).
fn parse_param_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((Cow::Owned(value), &text[index + 1..])),
            ']' => return None,
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\' | ']')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            plain => value.push(plain),
        }
    }
    None
}

/// Appends a time as RFC 3339 in UTC with microseconds.
fn push_timestamp(unix_ns: u64, out: &mut String) {
    let seconds = unix_ns / NANOS_PER_SECOND;
    let micros = unix_ns % NANOS_PER_SECOND / 1_000;
    let (year, month, day) = date_of(seconds / SECONDS_PER_DAY);
    let of_day = seconds % SECONDS_PER_DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    push_fmt(
        out,
        format_args!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
        ),
    );
}

/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const MARCH_0000_TO_1970_DAYS: u64 = 719_468;
/// Days in the 400 years after which the Gregorian calendar repeats.
const ERA_DAYS: u64 = 146_097;

/// Year, month and day of a day counted from 1970-01-01.
///
/// # Source
///
/// H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`: years begin in
/// March, so that the leap day is the last.
fn date_of(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + MARCH_0000_TO_1970_DAYS;
    let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a date; `None` before then, or if there is no such date.
///
/// # Source
///
/// The inverse of [`date_of`], `days_from_civil`.
fn days_until(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    let shifted_year = year
        .checked_sub(u64::from(month <= 2))
        .filter(|_| is_date)?;
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * ERA_DAYS + day_of_era).checked_sub(MARCH_0000_TO_1970_DAYS)?;
    // A day past the month's end comes out as a day of the next month.
    (date_of(days) == (year, month, day)).then_some(days)
}

/// A TIMESTAMP as ns since 1970; `None` if it is not valid, or out of range.
fn parse_timestamp(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = split_numbers(date, '-', [4, 2, 2])?;
    let zone_at = time.find(['Z', '+', '-'])?;
    let (time, zone) = time.split_at(zone_at);
    let (clock, fraction) = time
        .split_once('.')
        .map_or((time, None), |(c, f)| (c, Some(f)));
    let [hour, minute, second] = split_numbers(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(fraction) if fraction.len() <= 6 => {
            digits(fraction)? * 10_u64.pow(9 - u32::try_from(fraction.len()).ok()?)
        }
        Some(_) => return None,
    };
    let local_s =
        days_until(year, month, day)? * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    let utc_s = match zone.split_at(1) {
        ("Z", "") => local_s,
        (sign, offset) => {
            let [hours, minutes] = split_numbers(offset, ':', [2, 2])?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset_s = hours * 3600 + minutes * 60;
            if sign == "+" {
                local_s.checked_sub(offset_s)?
            } else {
                local_s + offset_s
            }
        }
    };
    utc_s.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos)
}

/// Exactly `N` numbers with the given counts of digits, separated by `separator`.
fn split_numbers<const N: usize>(
    text: &str,
    separator: char,
    widths: [usize; N],
) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        *number = digits(parts.next().filter(|part| part.len() == width)?)?;
    }
    parts.next().is_none().then_some(numbers)
}
