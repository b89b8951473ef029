//! How a session stands, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Shared, Stage};

/// What a metric is.
#[derive(Clone, Copy)]
struct Metric {
    name: &'static str,
    /// What it measures, and in what unit.
    help: &'static str,
    /// `gauge` or `counter`.
    kind: &'static str,
}

fn gauge(name: &'static str, help: &'static str) -> Metric {
    let kind = "gauge";
    Metric { name, help, kind }
}

fn counter(name: &'static str, help: &'static str) -> Metric {
    let kind = "counter";
    Metric { name, help, kind }
}

/// One value of a metric.
struct Sample<'a> {
    label: Option<(&'static str, &'a str)>,
    value: f64,
}

/// The page.
pub(crate) fn page(shared: &Shared) -> String {
    let mut page = String::new();
    session(shared, &mut page);
    asked(shared, &mut page);
    page
}

fn session(shared: &Shared, page: &mut String) {
    let state = shared.state().clone();
    let standing = state.standing;
    let mut one = |metric, value| write(page, metric, &[Sample { label: None, value }]);
    one(
        gauge("twinrange_time_seconds", "Simulated time since the start."),
        standing.t_ns as f64 / 1e9,
    );
    one(
        gauge(
            "twinrange_duration_seconds",
            "Planned length of the session.",
        ),
        shared.duration_ns as f64 / 1e9,
    );
    one(
        gauge("twinrange_running", "1 while time passes."),
        f64::from(u8::from(standing.running)),
    );
    one(
        gauge("twinrange_speed", "Simulated seconds per second."),
        standing.speed,
    );
    one(
        counter(
            "twinrange_stretches_total",
            "How often the machine was too slow for the pace.",
        ),
        state.stretches as f64,
    );
    one(
        counter(
            "twinrange_stretched_seconds_total",
            "By how much the session has grown longer because of it.",
        ),
        state.stretched_s,
    );
    one(
        counter("twinrange_log_lines_total", "Log lines of the plant."),
        state.logs as f64,
    );
    let frames = shared.spans.iter().zip(&state.frames);
    let frames: Vec<_> = frames
        .map(|(span, &count)| Sample {
            label: Some(("span", span)),
            value: count as f64,
        })
        .collect();
    let metric = counter("twinrange_frames_total", "Frames on a SPAN port.");
    write(page, metric, &frames);
    let tags = shared.tags.iter().zip(&state.tags);
    let tags: Vec<_> = tags
        .filter_map(|(tag, value)| {
            Some(Sample {
                label: Some(("tag", tag)),
                value: (*value)?,
            })
        })
        .collect();
    let help = "Last good value of a tag of the historian, in its unit.";
    write(page, gauge("twinrange_tag", help), &tags);
}

fn asked(shared: &Shared, page: &mut String) {
    let counts = &shared.counts;
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
    let mut one = |metric, value| write(page, metric, &[Sample { label: None, value }]);
    one(
        counter("twinrange_alerts_total", "Alerts that were taken."),
        read(&counts.alerts),
    );
    one(
        counter(
            "twinrange_alerts_refused_total",
            "Alerts that were refused, those of a refused batch included.",
        ),
        read(&counts.alerts_refused),
    );
    one(
        counter(
            "twinrange_api_connections_total",
            "Connections that were served.",
        ),
        read(&counts.connections),
    );
    one(
        counter(
            "twinrange_api_connections_refused_total",
            "Connections for which there was no place.",
        ),
        read(&counts.connections_refused),
    );
    one(
        gauge(
            "twinrange_api_listeners",
            "Clients that are told what the plant's sensors see.",
        ),
        shared.hub.listeners() as f64,
    );
    let classes = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];
    let answers = classes.iter().zip(&counts.answers).skip(1);
    let answers: Vec<_> = answers
        .map(|(class, count)| Sample {
            label: Some(("status", class)),
            value: read(count),
        })
        .collect();
    let metric = counter("twinrange_api_answers_total", "Requests, by status.");
    write(page, metric, &answers);
    let actions = shared.actions();
    let stages = [
        ("pending", Stage::Pending),
        ("deciding", Stage::Deciding),
        ("accepted", Stage::Accepted),
        ("refused", Stage::Refused),
    ];
    let samples = stages.map(|(word, stage)| Sample {
        label: Some(("status", word)),
        value: actions
            .by_id
            .values()
            .filter(|asked| asked.status == stage)
            .count() as f64,
    });
    let help = "Actions that were asked for, by what has become of them.";
    write(page, gauge("twinrange_actions", help), &samples);
}

fn write(page: &mut String, metric: Metric, samples: &[Sample<'_>]) {
    let Metric { name, help, kind } = metric;
    let written = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    written.expect("a string takes all");
    for Sample { label, value } in samples {
        let written = match label {
            None => writeln!(page, "{name} {value}"),
            Some((key, of)) => writeln!(page, "{name}{{{key}=\"{}\"}} {value}", escaped(of)),
        };
        written.expect("a string takes all");
    }
}

/// A label's value as it may stand between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
