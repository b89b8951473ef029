//! What the engineer sees beside the curves: the intervals of each impact, and what the controllers and the HMI
//! had to say.

use chrono::DateTime;

use super::tables::{Narrow, table};
use super::words::{clock, duration, escape};
use super::{PlantEvent, ReportData};

/// Syslog's severity `notice`: what is above it is routine or debugging.
const NOTICE: u32 = 5;

impl PlantEvent {
    /// Reads a line of the plant's central log, in the form of RFC 5424. `None` where it is routine (of a severity
    /// below notice), not such a line, or from before the run.
    ///
    /// # Arguments
    ///
    /// * `epoch_unix_ns` — Unix time of the start of the run, ns.
    ///
    /// # Examples
    ///
    /// ```
    /// use twinrange_score::formats::DEFAULT_EPOCH_UNIX_NS;
    /// use twinrange_score::report::PlantEvent;
    /// let line = "<132>1 2026-01-05T06:00:02.000000Z plc-filler plc - MODE - mode PROGRAM: new logic";
    /// let event = PlantEvent::from_syslog(line, DEFAULT_EPOCH_UNIX_NS).expect("a warning");
    /// assert_eq!((event.t_ns, event.kind.as_str()), (2_000_000_000, "MODE"));
    /// assert_eq!(event.text, "mode PROGRAM: new logic");
    /// assert_eq!(PlantEvent::from_syslog(&line.replace("<132>", "<134>"), DEFAULT_EPOCH_UNIX_NS), None);
    /// ```
    #[must_use]
    pub fn from_syslog(line: &str, epoch_unix_ns: u64) -> Option<Self> {
        let (priority, rest) = line.strip_prefix('<')?.split_once(">1 ")?;
        if priority.parse::<u32>().ok()? % 8 > NOTICE {
            return None;
        }
        let mut fields = rest.splitn(7, ' ');
        let time = DateTime::parse_from_rfc3339(fields.next()?).ok()?;
        let unix_ns = i128::from(time.timestamp()) * 1_000_000_000
            + i128::from(time.timestamp_subsec_nanos());
        let t_ns = u64::try_from(unix_ns - i128::from(epoch_unix_ns)).ok()?;
        let host = fields.next()?.to_owned();
        let (_app, _process) = (fields.next()?, fields.next()?);
        let kind = fields.next()?.to_owned();
        let _structured = fields.next()?;
        let text = fields.next()?.to_owned();
        Some(Self {
            t_ns,
            host,
            kind,
            text,
        })
    }
}

/// Most events that the page lists.
const LISTED_EVENTS: usize = 60;

/// The impacts by kind. Empty without any.
pub(super) fn impacts(data: &ReportData<'_>) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for impact in &data.impacts {
        if !labels.contains(&impact.label.as_str()) {
            labels.push(&impact.label);
        }
    }
    if labels.is_empty() {
        return String::new();
    }
    let epoch = data.score.header.epoch_unix_ns;
    let rows: Vec<Vec<String>> = labels
        .into_iter()
        .map(|label| {
            let of_kind = || data.impacts.iter().filter(|impact| impact.label == label);
            let first = of_kind()
                .map(|impact| impact.start_ns)
                .min()
                .unwrap_or_default();
            let last = of_kind()
                .map(|impact| impact.end_ns)
                .max()
                .unwrap_or_default();
            let length_ns: u64 = of_kind()
                .map(|impact| impact.end_ns - impact.start_ns)
                .sum();
            vec![
                escape(label),
                clock(first, epoch),
                clock(last, epoch),
                of_kind().count().to_string(),
                duration(length_ns as f64 / 1e9),
            ]
        })
        .collect();
    let mut html = String::from(
        "<p>Where this run left its twin that was not attacked, as the scenario's limits tell.</p>\n",
    );
    html.push_str(&table(
        "Physical impact",
        Narrow::Stack,
        &["Impact", "From", "Until", "Intervals", "In all"],
        &rows,
    ));
    html
}

/// Alarms and changes that controllers and HMI logged from the attack's first step on. Empty without any.
pub(super) fn events(data: &ReportData<'_>) -> String {
    let steps = &data.score.detection.steps;
    let from = steps
        .iter()
        .map(|step| step.start_ns)
        .min()
        .unwrap_or_default();
    let earlier = data.events.iter().filter(|event| event.t_ns < from).count();
    let shown: Vec<_> = data
        .events
        .iter()
        .filter(|event| event.t_ns >= from)
        .collect();
    if data.events.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<p>Alarms of the HMI, what operators wrote, and what changed in controllers, as the plant's own central log \
         has it{}. Routine checks are left out.</p>\n",
        if steps.is_empty() {
            String::new()
        } else {
            format!(", from the attack's first step on ({earlier} before it)")
        }
    );
    if shown.is_empty() {
        html.push_str("<p>There is nothing to list.</p>\n");
        return html;
    }
    let epoch = data.score.header.epoch_unix_ns;
    let rows: Vec<Vec<String>> = shown
        .iter()
        .take(LISTED_EVENTS)
        .map(|event| {
            vec![
                clock(event.t_ns, epoch),
                escape(&event.host),
                escape(&event.kind),
                escape(&event.text),
            ]
        })
        .collect();
    html.push_str(&table(
        "Events of controllers and HMI",
        Narrow::Stack,
        &["Time", "Host", "Kind", "What"],
        &rows,
    ));
    if shown.len() > LISTED_EVENTS {
        html.push_str(&format!(
            "<p>{} more are in the run folder's <code>evidence/syslog.log</code>.</p>\n",
            shown.len() - LISTED_EVENTS
        ));
    }
    html
}
