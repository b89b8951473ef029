//! The block of facts at the end of the page.

use super::words::{duration, escape};
use crate::score::{Clock, Score};

/// What must be known to compare this score with another: names and values, both markup.
pub(super) fn facts(score: &Score) -> Vec<(&'static str, String)> {
    let header = &score.header;
    let params = &score.detection.params;
    let tool = header.tool.as_ref();
    let none = || "none".to_owned();
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    vec![
        ("Twinrange", escape(&header.range_version)),
        (
            "Scenario",
            format!(
                "{} {}",
                escape(&header.scenario),
                code(&header.scenario_digest)
            ),
        ),
        ("Run digest", code(&header.run_digest)),
        ("Seed", header.seed.to_string()),
        (
            "ATT&amp;CK for ICS",
            format!("v{}", escape(&header.attack_version)),
        ),
        ("Tool", tool.map_or_else(none, |tool| escape(&tool.name))),
        (
            "Tool version",
            tool.and_then(|t| t.version.as_deref())
                .map_or_else(|| "not given".to_owned(), escape),
        ),
        (
            "Tool configuration",
            tool.and_then(|t| t.config_digest.as_deref())
                .map_or_else(|| "not given".to_owned(), code),
        ),
        (
            "Alert format",
            header.alert_format.as_deref().map_or_else(none, escape),
        ),
        (
            "Alerts from",
            header
                .alert_file
                .as_deref()
                .map_or_else(|| "the run's own defense".to_owned(), escape),
        ),
        (
            "Clock",
            match header.clock {
                Clock::Simulated => "simulated time, reproducible".to_owned(),
                Clock::Wall => "wall clock, not reproducible".to_owned(),
            },
        ),
        ("Simulated", duration(header.duration_s)),
        (
            "Observed without attack",
            duration(score.detection.attack_free_s),
        ),
        ("Alarm gap g", duration(params.gap_ns as f64 / 1e9)),
        (
            "Alarm recount",
            duration(params.alarm_limit_ns as f64 / 1e9),
        ),
        ("Grace after a step", duration(params.grace_ns as f64 / 1e9)),
        (
            "Techniques per alert at most",
            params.techniques_per_alert.to_string(),
        ),
        (
            "Records read",
            format!(
                "{}: {} alerts and {} log records scored, {} skipped",
                score.detection.records.read,
                score.detection.alerts,
                score.detection.log_records,
                score.detection.records.skipped_total()
            ),
        ),
    ]
}

/// The same as a block, with what the import counted.
pub(super) fn provenance(score: &Score) -> String {
    let mut html = String::from("<dl class=\"facts\">\n");
    let counts = score
        .detection
        .records
        .skipped
        .iter()
        .map(|(reason, count)| (count, format!("skipped: {reason}")));
    let noted = score
        .import_anomalies
        .iter()
        .map(|(what, count)| (count, what.clone()));
    for (name, value) in facts(score) {
        html.push_str(&format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"));
    }
    for (count, what) in counts.chain(noted) {
        html.push_str(&format!(
            "<div><dt>Import</dt><dd>{count} × {}</dd></div>\n",
            escape(&what)
        ));
    }
    for record in &score.detection.records.left_out {
        let what = format!(
            "line {}, {} is {}: {}",
            record.line, record.field, record.found, record.reason
        );
        html.push_str(&format!(
            "<div><dt>Left out</dt><dd>{}</dd></div>\n",
            escape(&what)
        ));
    }
    html.push_str("</dl>\n");
    html
}
