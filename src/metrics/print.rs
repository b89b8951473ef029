//! The table of `metrics`: what to read first stands first.

use twinrange_score::metrics::{Baseline, Scores, Series};

/// Prints the metrics in groups.
///
/// # Arguments
///
/// * `chance` — what the same alarms get at random places.
pub(super) fn table(series: &Series, scores: &Scores, chance: Option<&Baseline>) {
    let row = |name: &str, value: Option<f64>, chance: Option<f64>| {
        let value = value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.6}"));
        match chance {
            Some(chance) => say!("  {name:<42} {value:>12}   chance {chance:.6}"),
            None => say!("  {name:<42} {value:>12}"),
        }
    };
    let by = |get: fn(&Baseline) -> f64| chance.map(get);
    let (events, samples) = (&scores.eventwise, &scores.pointwise);
    let ipal = &scores.ipal;
    say!(
        "{} samples, {} attacks, {} alarms",
        series.n(),
        events.attacks,
        events.alarms
    );
    say!("events and times: read these together");
    say!(
        "  {:<42} {:>12}",
        "attacks detected",
        format!("{} of {}", events.attacks_detected, events.attacks)
    );
    row(
        "recall over attacks",
        Some(events.event_recall),
        by(|c| c.event_recall),
    );
    say!("  {:<42} {:>12}", "false alarms", events.alarms_false);
    row("alarm precision", Some(events.alarm_precision), None);
    row("event F1", Some(events.event_f1), None);
    let flagged = (samples.tp + samples.fp) as f64 / series.n().max(1) as f64;
    row("share of time in alarm", Some(flagged), None);
    row(
        "mean samples to detect, misses left out",
        ipal.average_time_to_detection,
        None,
    );
    say!("time series");
    for one in &scores.etapr[..1] {
        row("eTaP (0.5/0.1/0)", Some(one.etap), None);
        row("eTaR", Some(one.etar), None);
        row("eTaF1", Some(one.f1), by(|c| c.etapr_f1));
    }
    row("precision over samples", Some(samples.precision), None);
    row("recall over samples", Some(samples.recall), None);
    row("F1 over samples", Some(samples.f1), by(|c| c.pointwise_f1));
    row("MCC", Some(samples.mcc), None);
    say!("secondary");
    row(
        "composite F1",
        Some(events.composite_f1),
        by(|c| c.composite_f1),
    );
    row("affiliation precision", scores.affiliation.precision, None);
    row("affiliation recall", scores.affiliation.recall, None);
    row(
        "affiliation F1",
        scores.affiliation.f1,
        by(|c| c.affiliation_f1),
    );
    row(
        "BATADAL S (as ipal_evaluate)",
        scores.batadal.s,
        by(|c| c.batadal_s),
    );
    for nab in &scores.nab {
        let name = format!("NAB {}, probation {}", nab.profile, nab.probation);
        row(&name, nab.normalised, None);
    }
    say!("for comparison with older papers only");
    for (k, adjusted) in &scores.point_adjust {
        let chance = if k == "0" {
            by(|c| c.point_adjust_f1)
        } else {
            None
        };
        row(
            &format!("point-adjusted F1, K = {k} %"),
            Some(adjusted.f1),
            chance,
        );
    }
    for one in &scores.tapr[..1] {
        row("TaPR F1 (0.8/0.5/0)", Some(one.f1), None);
    }
    for one in &scores.range_based[..1] {
        row("range-based F1 (flat, one)", Some(one.f1), None);
    }
}
