//! The page for the engineer: what the line made over time, what was broken, and who did what.

use super::figures::table_of;
use super::soc::{focus, same_course};
use super::{BOTH, CompareData, Total, none};
use crate::attribution::Amounts;
use crate::compare::{AccountPair, Beside, Which};
use crate::report::attribution::{of_account, signed};
use crate::report::both_widths;
use crate::report::curves::{self, Chart, Curve};
use crate::report::lanes::{Lanes, clock_s};
use crate::report::tables::{Narrow, key, legend, table};
use crate::report::words::{clock, duration, escape};

/// About how many columns a chart of what was made has.
const BINS: f64 = 120.0;
/// Lengths of a bin, s.
const BIN_LENGTHS_S: [f64; 10] = [
    10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0,
];

/// What both made, in bins of one length.
struct Output {
    bin_s: f64,
    /// Middles of the bins, s.
    t_s: Vec<f64>,
    /// Good items a minute in each bin, of each run.
    per_minute: [Vec<f64>; 2],
    /// Good items up to the end of each bin, second less first.
    ahead: Vec<f64>,
}

/// The last value at or before a time; 0 before the first.
fn value_at(total: &Total, t_s: f64) -> f64 {
    let after = total.t_s.partition_point(|&t| t <= t_s);
    after.checked_sub(1).map_or(0.0, |last| total.good[last])
}

fn in_bins(totals: &[Total; 2], end_s: f64) -> Output {
    let bin_s = BIN_LENGTHS_S
        .into_iter()
        .find(|bin_s| *bin_s >= end_s / BINS)
        .unwrap_or_else(|| libm::ceil(end_s / BINS));
    let mut found = Output {
        bin_s,
        t_s: Vec::new(),
        per_minute: [Vec::new(), Vec::new()],
        ahead: Vec::new(),
    };
    // A last bin that the run does not fill would look like a line that slows down.
    let mut index = 0.0;
    while (index + 1.0) * bin_s <= end_s {
        let (from, to) = (index * bin_s, (index + 1.0) * bin_s);
        found.t_s.push((from + to) / 2.0);
        for (total, rates) in totals.iter().zip(&mut found.per_minute) {
            rates.push((value_at(total, to) - value_at(total, from)) * 60.0 / bin_s);
        }
        found
            .ahead
            .push(value_at(&totals[1], to) - value_at(&totals[0], to));
        index += 1.0;
    }
    found
}

fn line_legend(data: &CompareData<'_>) -> String {
    let [first, second] = data.labels();
    legend(&[(key::FIRST, &first), (key::SECOND, &second)])
}

/// Good items a minute and how far one is ahead of the other. Empty where the folders do not say it.
pub(super) fn output(data: &CompareData<'_>) -> String {
    let Some(totals) = &data.totals else {
        return String::new();
    };
    let found = in_bins(totals, data.two.duration_s);
    if found.t_s.is_empty() {
        return String::new();
    }
    let [first, second] = BOTH.map(|which| data.two.label(which));
    let unit = format!("{}/min", data.first.items);
    let ahead = format!("Second ahead of first, good {}", data.first.items);
    let good = format!("Good {}", data.first.items);
    let charts = [
        Chart {
            name: &good,
            unit: &unit,
            t_s: &found.t_s,
            curves: vec![
                Curve {
                    values: &found.per_minute[0],
                    class: "first",
                    name: first,
                },
                Curve {
                    values: &found.per_minute[1],
                    class: "second",
                    name: second,
                },
            ],
        },
        Chart {
            name: &ahead,
            unit: "",
            t_s: &found.t_s,
            curves: vec![Curve {
                values: &found.ahead,
                class: "between",
                name: "difference",
            }],
        },
    ];
    let mut html = format!(
        "<p>Above: good {} a minute, in bins of {}. Below: how many good {} the second run is ahead of the first up to \
         then; below zero it is behind.</p>\n",
        escape(&data.first.items),
        duration(found.bin_s),
        escape(&data.first.items)
    );
    html.push_str(&line_legend(data));
    let whole = (0.0, data.two.duration_s);
    html.push_str(&drawing(
        data,
        &charts,
        whole,
        "output",
        "Production of both runs over time",
    ));
    html
}

/// Actions of both, and charts under them, over one axis.
fn drawing(
    data: &CompareData<'_>,
    charts: &[Chart<'_>],
    focus: (f64, f64),
    id: &str,
    name: &str,
) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    let mut words = format!(
        "From {} to {}.",
        clock_s(focus.0, epoch),
        clock_s(focus.1, epoch)
    );
    for chart in charts {
        words.push_str(&curves::in_words(chart, focus));
    }
    both_widths(|width, class| {
        let mut lanes = Lanes::new(epoch, focus, width, charts);
        let top = lanes.top();
        let shared = same_course(data);
        if shared {
            lanes.steps("Attack (truth)", &data.first.score.detection.steps, false);
        }
        for which in BOTH {
            let side = data.side(which);
            let steps = &side.score.detection.steps;
            let own_steps = !shared && !steps.is_empty();
            if own_steps || !side.actions.is_empty() {
                lanes.heading(data.two.label(which));
            }
            if own_steps {
                lanes.steps("Attack (truth)", steps, false);
            }
            if !side.actions.is_empty() {
                lanes.actions("Actions", &side.actions);
            }
        }
        for chart in charts {
            lanes.chart(chart, &[]);
        }
        lanes.axis(top);
        lanes.described(class, &format!("{id}-{class}"), name, &words)
    })
}

/// The process variables of both runs. Empty where they have none in common.
pub(super) fn process(data: &CompareData<'_>) -> String {
    let [one, other] = BOTH.map(|which| data.two.label(which));
    let charts: Vec<Chart<'_>> = data
        .first
        .series
        .iter()
        .filter_map(|first| {
            let mut all = data.second.series.iter();
            let second = all.find(|s| s.name == first.name && s.t_s == first.t_s)?;
            let curve = |values, class, name| Curve {
                values,
                class,
                name,
            };
            Some(Chart {
                name: &first.name,
                unit: &first.unit,
                t_s: &first.t_s,
                curves: vec![
                    curve(first.actual.as_slice(), "first", one),
                    curve(second.actual.as_slice(), "second", other),
                ],
            })
        })
        .collect();
    if charts.is_empty() {
        return String::new();
    }
    let focus = focus(data);
    format!(
        "{}{}",
        line_legend(data),
        drawing(
            data,
            &charts,
            focus,
            "process",
            "Process variables of both runs"
        )
    )
}

/// OEE with its factors, items and times.
pub(super) fn production(data: &CompareData<'_>) -> String {
    let mut html = String::from(
        "<p>Each run as it was, beside the quiet run (<strong>N</strong>: neither attack nor defense) and the undefended \
         one (<strong>A</strong>: the attack alone) of the same seed, where those are the same for both.</p>\n",
    );
    let known = |figure: &&Beside| figure.first.value.is_some() || figure.second.value.is_some();
    let shown: Vec<_> = data.two.production.iter().filter(known).cloned().collect();
    if shown.is_empty() {
        return String::new();
    }
    html.push_str(&table_of(data, "Production and OEE", &shown));
    html
}

/// The limits of the scenario that either run broke; of an attacked run those that its twin keeps.
pub(super) fn limits(data: &CompareData<'_>) -> String {
    if let Some(why) = &data.two.limits_unknown {
        return format!("<p>Not known {}.</p>\n", escape(why));
    }
    if data.two.limits.is_empty() {
        // Of an attacked run only what its twin keeps is known; a quiet one has no twin to differ from.
        let of = if data.two.first.attack || data.two.second.attack {
            "limit that its unattacked twin keeps"
        } else {
            "of the limits that the scenario watches"
        };
        return format!("<p>Neither run broke any {of}.</p>\n");
    }
    let epoch = data.first.score.header.epoch_unix_ns;
    let when = |t_ns: Option<u64>| {
        t_ns.map_or_else(
            || "<span class=\"badge pass\">kept</span>".to_owned(),
            |t_ns| format!("broken at {}", clock(t_ns, epoch)),
        )
    };
    let rows: Vec<Vec<String>> = data
        .two
        .limits
        .iter()
        .map(|limit| {
            vec![
                escape(&limit.label),
                when(limit.first_ns),
                when(limit.second_ns),
            ]
        })
        .collect();
    let [first, second] = data.labels();
    table(
        "Limits that were broken",
        Narrow::Stack,
        &["Limit", &first, &second],
        &rows,
    )
}

/// The actions of both by time.
pub(super) fn actions(data: &CompareData<'_>) -> String {
    let epoch = data.first.score.header.epoch_unix_ns;
    let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
    for which in BOTH {
        for action in &data.side(which).actions {
            let until = action.end_ns.map_or_else(String::new, |t| clock(t, epoch));
            rows.push((
                action.start_ns,
                vec![
                    clock(action.start_ns, epoch),
                    until,
                    data.label(which),
                    format!("{} {}", escape(&action.action), escape(&action.target)),
                    escape(&action.consequence),
                ],
            ));
        }
    }
    if rows.is_empty() {
        return "<p>Neither defense did anything to the plant.</p>\n".to_owned();
    }
    rows.sort_by_key(|(t_ns, _)| *t_ns);
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    table(
        "Actions of both defenses",
        Narrow::Stack,
        &["In effect", "Until", "Run", "Action", "Consequence"],
        &rows,
    )
}

/// The accounts of attack and defenses. Empty where neither score has any.
pub(super) fn attribution(data: &CompareData<'_>) -> String {
    let mut html = String::new();
    if let Some(pair) = &data.two.attack_account {
        html.push_str(
            "<h4>What each step of the attack does to a plant that nobody defends</h4>\n",
        );
        html.push_str(&account(data, pair, Kind::Attack));
    }
    if let Some(pair) = &data.two.defense_account {
        html.push_str("<h4>What each action of the defenses saves, or costs on top</h4>\n");
        html.push_str(&account(data, pair, Kind::Defense));
    }
    html
}

#[derive(Clone, Copy)]
enum Kind {
    Attack,
    Defense,
}

/// Bars of each run that has the account; one, where both have the same.
fn account(data: &CompareData<'_>, pair: &AccountPair, kind: Kind) -> String {
    let mut html = String::new();
    let mut missing = Vec::new();
    for which in BOTH {
        let side = data.side(which);
        let found = side.score.attribution.as_ref();
        let found = found.and_then(|all| match kind {
            Kind::Attack => all.attack.as_ref(),
            Kind::Defense => all.defense.as_ref(),
        });
        let Some(found) = found else {
            missing.push(which);
            continue;
        };
        if pair.same && which == Which::Second {
            html.push_str("<p>It is one and the same in both runs.</p>\n");
            continue;
        }
        let (id, cause) = match (kind, which) {
            (Kind::Attack, Which::First) => ("attack-first", "Step"),
            (Kind::Attack, Which::Second) => ("attack-second", "Step"),
            (Kind::Defense, Which::First) => ("defense-first", "Action"),
            (Kind::Defense, Which::Second) => ("defense-second", "Action"),
        };
        if !pair.same {
            html.push_str(&format!("<p><strong>{}</strong></p>\n", data.label(which)));
        }
        html.push_str(&of_account(side, id, cause, found));
    }
    for which in missing {
        let why = match (data.side(which).score.attribution.is_some(), kind) {
            (false, _) => "was scored without the runs that tell this (<code>--quick</code>)",
            (true, Kind::Attack) => "was not attacked",
            (true, Kind::Defense) => "took no action",
        };
        html.push_str(&format!(
            "<p class=\"dim\">{} {why}.</p>\n",
            data.label(which)
        ));
    }
    if pair
        .causes
        .iter()
        .any(|cause| cause.first.is_some() && cause.second.is_some())
        && !pair.same
    {
        html.push_str(&side_by_side(data, pair, kind));
    }
    html
}

/// The causes that both have, as one table.
fn side_by_side(data: &CompareData<'_>, pair: &AccountPair, kind: Kind) -> String {
    let parts = |amounts: Option<Amounts>| {
        amounts.map_or_else(none, |amounts| signed(amounts.good_parts, 1))
    };
    let mut rows: Vec<Vec<String>> = pair
        .causes
        .iter()
        .map(|cause| {
            vec![
                escape(&cause.label),
                parts(cause.first),
                parts(cause.second),
            ]
        })
        .collect();
    let together = pair.interaction.iter().flatten();
    if together.clone().any(|amounts| amounts.good_parts != 0.0) {
        // Without it the causes of an account by leave-one-out do not add up to the whole.
        let [first, second] = pair.interaction.map(parts);
        rows.push(vec!["Interaction".to_owned(), first, second]);
    }
    let [first, second] = pair.whole.map(parts);
    rows.push(vec!["Whole".to_owned(), first, second]);
    let [first, second] = data.labels();
    let cause = match kind {
        Kind::Attack => "Step",
        Kind::Defense => "Action",
    };
    format!(
        "<p>Good {} by cause, beside each other:</p>\n{}",
        escape(&data.first.items),
        table(
            "Causes of both runs",
            Narrow::Stack,
            &[cause, &first, &second],
            &rows
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_when_one_line_stops_then_its_rate_falls_and_the_other_gets_ahead() {
        // One item a second; the first stops after 60 of 125 s.
        let total = |until: f64| Total {
            t_s: (0..=125).map(f64::from).collect(),
            good: (0..=125)
                .map(|t| {
                    if f64::from(t) < until {
                        f64::from(t)
                    } else {
                        until
                    }
                })
                .collect(),
        };
        let found = in_bins(&[total(60.0), total(125.0)], 125.0);
        assert_eq!(found.bin_s, 10.0);
        // The last 5 s fill no bin.
        assert_eq!(found.t_s.len(), 12);
        assert_eq!((found.t_s[0], found.t_s[11]), (5.0, 115.0));
        assert_eq!(found.per_minute[0][5..7], [60.0, 0.0]);
        assert_eq!(found.per_minute[1], [60.0; 12]);
        assert_eq!((found.ahead[5], found.ahead[11]), (0.0, 60.0));
    }

    #[test]
    fn bins_when_a_run_is_long_or_shorter_than_a_bin_then_few_or_none() {
        let none = Total {
            t_s: Vec::new(),
            good: Vec::new(),
        };
        let count = |end_s| in_bins(&[none.clone(), none.clone()], end_s).t_s.len();
        assert_eq!(count(5.0), 0);
        assert_eq!(count(7200.0), 120);
        assert!((1..=120).contains(&count(30.0 * 86_400.0)));
    }
}
