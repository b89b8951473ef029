//! Which figures of this run are evidence towards which requirement.
//!
//! **Invariant:** a row stands only where the run has the figure, and no row says that a requirement is met:
//! that is for an assessor, who sees more than one run.
//!
//! # Source
//!
//! IEC 62443-3-3:2013, NERC CIP-008 and Directive (EU) 2022/2555 (NIS2) from general knowledge; NERC CIP-015 and
//! ISO/IEC 27019:2024 from secondary sources. Each row says so.

use super::ReportData;
use super::tables::{Narrow, table};
use super::words::{clock, counted, duration, escape, number, percent};
use crate::attack::canonical;

/// How a requirement's wording was read.
#[derive(Clone, Copy)]
enum Read {
    /// From general knowledge, not checked against the text.
    General,
    /// In a secondary source.
    Secondary,
}

impl Read {
    fn words(self) -> &'static str {
        match self {
            Self::General => "general knowledge",
            Self::Secondary => "secondary source",
        }
    }
}

/// One requirement and the figure. All fields are markup.
pub(super) struct Row {
    pub(super) requirement: &'static str,
    pub(super) figure: String,
    section: (&'static str, &'static str),
    read: Read,
}

impl Row {
    /// How the requirement's wording was read.
    pub(super) fn read(&self) -> &'static str {
        self.read.words()
    }
}

/// Techniques that put something false between the process and the people: an adversary in the middle, and
/// messages that are not what they say.
const SPOOFS: [&str; 4] = ["T0830", "T1692", "T1692.001", "T1692.002"];

/// The requirements towards which a run has a figure.
pub(super) fn rows(data: &ReportData<'_>) -> Vec<Row> {
    let mut rows = monitoring(data);
    rows.extend(exercise(data));
    rows.extend(plant(data));
    rows
}

/// Empty where the run has no such figure.
pub(super) fn section(data: &ReportData<'_>) -> String {
    let rows = rows(data);
    if rows.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let (id, name) = row.section;
            vec![
                row.requirement.to_owned(),
                row.figure,
                format!("<a href=\"#{id}\">{name}</a>"),
                row.read.words().to_owned(),
            ]
        })
        .collect();
    let mut html = String::from(
        "<p>What this run is <strong>evidence towards</strong>. One run of a simulated plant shows what happened in \
         it and nothing more; whether a requirement is met is for an assessor to say. Requirements for which this run \
         has no figure are not listed. None of the wordings was read in the standard itself: check them there before \
         you quote them.</p>\n",
    );
    html.push_str(&table(
        "Evidence towards requirements",
        Narrow::Stack,
        &[
            "Evidence towards",
            "Figure of this run",
            "Where",
            "Wording read in",
        ],
        &rows,
    ));
    html
}

/// Rows about what the defense saw.
fn monitoring(data: &ReportData<'_>) -> Vec<Row> {
    let detection = &data.score.detection;
    if data.score.header.tool.is_none() || detection.steps_total == 0 {
        return Vec::new();
    }
    let seen = format!(
        "{} of {} attack steps detected",
        detection.steps_detected, detection.steps_total
    );
    let median = detection
        .time_to_detect
        .median_s
        .value
        .map_or_else(String::new, |s| {
            format!("; median time to detect {}", duration(s))
        });
    let alarms = detection
        .false_alarms_per_day
        .value
        .map_or_else(String::new, |rate| {
            format!("; {} false alarms a day", number(rate, 1))
        });
    let mut rows = vec![Row {
        requirement: "IEC 62443-3-3, FR 6 Timely response to events, SR 6.2 Continuous monitoring",
        figure: format!("{seen}{median}{alarms}"),
        section: ("figures", "Figures"),
        read: Read::General,
    }];
    if let Some(share) = detection.visibility.value {
        rows.push(Row {
            requirement: "IEC 62443-3-3, FR 2 Use control, SR 2.8 Auditable events",
            figure: format!(
                "{} of the attack steps left at least one alert or log record",
                percent(share)
            ),
            section: ("killchain", "Attack steps"),
            read: Read::General,
        });
    }
    rows.push(Row {
        requirement: "NERC CIP-015 Internal Network Security Monitoring",
        figure: format!("{seen} by watching the traffic inside the perimeter"),
        section: ("matrix", "ATT&amp;CK matrix"),
        read: Read::Secondary,
    });
    let spoofs: Vec<_> = detection
        .steps
        .iter()
        .filter(|step| {
            step.techniques
                .iter()
                .any(|id| SPOOFS.contains(&canonical(id)))
        })
        .collect();
    if !spoofs.is_empty() {
        let found = spoofs.iter().filter(|step| step.detected).count();
        let figure = format!(
            "{}, {found} detected",
            counted(
                spoofs.len() as f64,
                "step with spoofed or unauthorized messages",
                "steps with spoofed or unauthorized messages"
            )
        );
        rows.push(Row {
            requirement: "IEC 62443-3-3, FR 3 System integrity, SR 3.1 Communication integrity",
            figure: figure.clone(),
            section: ("killchain", "Attack steps"),
            read: Read::General,
        });
        rows.push(Row {
            requirement: "ISO/IEC 27019, ENR 8.37 Securing process control data communication",
            figure,
            section: ("killchain", "Attack steps"),
            read: Read::Secondary,
        });
    }
    rows.push(Row {
        requirement: "NIS2, Art. 21(2)(f) Assessing the effectiveness of measures",
        figure: format!(
            "a score that anybody can make again: Twinrange {}, seed {}, run digest <code>{}</code>",
            escape(&data.score.header.range_version),
            data.score.header.seed,
            escape(&data.score.header.run_digest)
        ),
        section: ("provenance", "Provenance"),
        read: Read::General,
    });
    rows
}

/// Rows about how an incident was handled over time.
fn exercise(data: &ReportData<'_>) -> Vec<Row> {
    let detection = &data.score.detection;
    let (Some(start_ns), Some(alert_ns)) = (
        detection.steps.iter().map(|step| step.start_ns).min(),
        detection.first_alert_ns(),
    ) else {
        return Vec::new();
    };
    let epoch = data.score.header.epoch_unix_ns;
    let mut times = format!(
        "attack {}, first alert {}",
        clock(start_ns, epoch),
        clock(alert_ns, epoch)
    );
    let acted = data.actions.iter().map(|action| action.start_ns).min();
    if let Some(acted_ns) = acted {
        times.push_str(&format!(
            ", first action in effect {}",
            clock(acted_ns, epoch)
        ));
    }
    let mut rows = vec![
        Row {
            requirement: "NIS2, Art. 21(2)(b) Incident handling",
            figure: times.clone(),
            section: ("timeline", "Timeline"),
            read: Read::General,
        },
        Row {
            requirement: "NIS2, Art. 23 Early warning within 24 h, notification within 72 h",
            figure: format!(
                "first alert {}; the periods run from when somebody becomes aware",
                clock(alert_ns, epoch)
            ),
            section: ("timeline", "Timeline"),
            read: Read::General,
        },
    ];
    if acted.is_some() {
        rows.push(Row {
            requirement: "NERC CIP-008 Incident Reporting and Response Planning",
            figure: times,
            section: ("timeline", "Timeline"),
            read: Read::General,
        });
    }
    rows
}

/// Rows about what the plant kept doing.
fn plant(data: &ReportData<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let restores: Vec<String> = data
        .actions
        .iter()
        .filter(|action| action.action == "restore")
        .filter_map(|action| {
            let length_s = action.end_ns?.saturating_sub(action.start_ns) as f64 / 1e9;
            Some(format!("{} {}", escape(&action.target), duration(length_s)))
        })
        .collect();
    if !restores.is_empty() {
        rows.push(Row {
            requirement: "IEC 62443-3-3, FR 7 Resource availability, SR 7.4 Control system recovery and reconstitution",
            figure: format!("restored: {}", restores.join(", ")),
            section: ("timeline", "Timeline"),
            read: Read::General,
        });
    }
    let Some(continuity) = &data.score.continuity else {
        return rows;
    };
    let parts = &continuity.good_parts;
    if let (Some(n), Some(ad), true) = (
        parts.n.value,
        parts.ad.value,
        data.score.detection.steps_total > 0,
    ) {
        rows.push(Row {
            requirement: "NIS2, Art. 21(2)(c) Business continuity",
            figure: format!(
                "{} good {} under attack with the defense, {} in a quiet run",
                number(ad, 0),
                escape(&data.items),
                number(n, 0)
            ),
            section: ("continuity", "Production"),
            read: Read::General,
        });
    }
    let under_attack = continuity
        .runs
        .iter()
        .filter(|run| run.run == "A" || run.run == "AD")
        .filter_map(|run| Some((run, run.safety()?)))
        .next_back();
    if let Some((run, safety)) = under_attack {
        rows.push(Row {
            requirement: "ISO/IEC 27019, ENR 8.36 Integrity and availability of safety functions",
            figure: format!(
                "run {}: {} demands, {} trips in time, {} missed",
                run.run,
                safety.demands(),
                safety.trips(),
                safety.missed()
            ),
            section: ("continuity", "Production"),
            read: Read::Secondary,
        });
    }
    rows
}
