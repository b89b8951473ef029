//! `campaign.html`: defenses compared over seeds, in the design of `report.html`.
//!
//! No script and nothing from elsewhere. Every figure stands with its interval and with the number of seeds
//! behind it, and a difference that the runs do not separate says so in words.

mod explained;

use serde::{Deserialize, Serialize};

pub use self::explained::{AMOUNTS, CauseMean, Explained, LossOverSeeds, Timeliness};
use super::svg::{Scale, Svg, tick_texts, ticks};
use super::tables::{Narrow, table};
use super::words::{escape, number, percent};
use super::{both_widths, flat_page};
use crate::figure::Interval;
use crate::seeds::{Difference, EXACT_PAIRS};

/// A figure that defenses are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name, one of [`crate::gate::NAMES`].
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Whether it is shown as percent.
    pub share: bool,
    /// Whether more is better.
    pub more_is_better: bool,
}

const fn compared(
    name: &'static str,
    title: &'static str,
    share: bool,
    more_is_better: bool,
) -> Compared {
    Compared {
        name,
        title,
        share,
        more_is_better,
    }
}

/// The figures, in the order of the columns.
pub const FIGURES: &[Compared] = &[
    compared("recall", "Steps detected", true, true),
    compared(
        "detected_before_impact",
        "Detected before damage",
        true,
        true,
    ),
    compared(
        "time_to_detect_normalised",
        "Time to detect, of the time to damage",
        true,
        false,
    ),
    compared("false_alarms_per_day", "False alarms a day", false, false),
    compared("protection", "Protection", true, true),
    compared("uptime_tax_percent", "Uptime tax, %", false, false),
    compared("residual_damage_money", "Money still lost", false, false),
    compared("residual_unsafe_s", "Unsafe seconds", false, false),
];

/// The mean of a figure over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Name of the figure.
    pub figure: String,
    /// Seeds in which it is defined.
    pub seeds: u64,
    /// Mean over them; `None` without any.
    pub mean: Option<f64>,
    /// Student's 95 % interval of the mean; `None` with fewer than two seeds.
    pub interval: Option<Interval>,
}

/// One defense in a panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Its name.
    pub name: String,
    /// Cells in which it failed; they have no figures.
    pub failures: u64,
    /// One for each of [`FIGURES`], in their order.
    pub estimates: Vec<Estimate>,
}

/// Two defenses in one figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Name of the figure.
    pub figure: String,
    /// The first defense.
    pub first: String,
    /// The one that is taken from it.
    pub second: String,
    /// First less second.
    pub difference: Difference,
}

impl Comparison {
    /// What the runs say, in a sentence without markup.
    #[must_use]
    pub fn sentence(&self) -> String {
        let known = FIGURES.iter().find(|figure| figure.name == self.figure);
        let share = known.is_some_and(|figure| figure.share);
        let title = known.map_or(self.figure.as_str(), |figure| figure.title);
        let found = &self.difference;
        let pairs = found.pairs;
        let show = |value: f64| {
            if share {
                format!("{} points", number(value * 100.0, 1))
            } else {
                number(value, 2)
            }
        };
        let (first, second) = (&self.first, &self.second);
        match found.interval {
            Some(i) if i.low == 0.0 && i.high == 0.0 => format!(
                "{title}: these runs do not separate {first} from {second}; all {pairs} pairs are equal."
            ),
            Some(i) if found.separates() => format!(
                "{title}: {first} has {} {} than {second} (95 %: {} to {}, {pairs} pairs).",
                show(found.mean.abs()),
                if found.mean > 0.0 { "more" } else { "less" },
                show(i.low),
                show(i.high)
            ),
            Some(i) => format!(
                "{title}: these runs do not separate {first} from {second} (difference {}, 95 %: {} to {}, \
                 {pairs} pairs).",
                show(found.mean),
                show(i.low),
                show(i.high)
            ),
            None => format!(
                "{title}: these runs do not separate {first} from {second} (difference {}; {pairs} {} too few \
                 for a 95 % interval, six are the least).",
                show(found.mean),
                if pairs == 1 { "pair is" } else { "pairs are" }
            ),
        }
    }
}

/// One scenario in one posture: defenses beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// For people.
    pub title: String,
    /// Whether its seeds were held out.
    pub held_out: bool,
    /// Seeds that were run.
    pub seeds: u64,
    /// The defenses, in the order of the plan.
    pub contenders: Vec<Contender>,
    /// Every pair of them in every figure that both have.
    pub comparisons: Vec<Comparison>,
    /// The same in words.
    pub sentences: Vec<String>,
    /// Why its cells went as they did; empty unless the plan asks for it.
    pub explained: Explained,
}

/// How often a technique was detected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Technique {
    /// ATT&CK identifier.
    pub id: String,
    /// ATT&CK's name.
    pub name: String,
    /// Steps with it that were detected, over all defenses.
    pub detected: u64,
    /// Steps with it that ran.
    pub steps: u64,
    /// For each defense: detected, steps, and Wilson's interval of the share.
    pub of_defenses: Vec<(u64, u64, Option<Interval>)>,
}

/// A whole campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// Title of the plan.
    pub title: String,
    /// Version of the range.
    pub range_version: String,
    /// Cells with a result.
    pub cells: u64,
    /// Cells in which the defense failed.
    pub failures: u64,
    /// One per scenario, posture, values of the sweeps and set of seeds.
    pub panels: Vec<Panel>,
    /// By identifier.
    pub techniques: Vec<Technique>,
}

/// Writes the page.
#[must_use]
pub fn html(campaign: &Campaign) -> String {
    let mut sections = vec![(
        "summary".to_owned(),
        "In short".to_owned(),
        summary(campaign),
    )];
    for (at, panel) in campaign.panels.iter().enumerate() {
        let body = format!(
            "{}{}{}{}{}",
            by_figure(panel),
            scatter(
                panel,
                &format!("d{at}"),
                ("false_alarms_per_day", "recall"),
                "Detection against noise"
            ),
            scatter(
                panel,
                &format!("p{at}"),
                ("uptime_tax_percent", "protection"),
                "Protection against its price"
            ),
            pairs(panel),
            explained::section(&panel.explained)
        );
        sections.push((format!("panel-{at}"), escape(&panel.title), body));
    }
    sections.push((
        "attack".to_owned(),
        "ATT&amp;CK coverage".to_owned(),
        coverage(campaign),
    ));
    sections.push(("method".to_owned(), "How to read this".to_owned(), method()));
    let sections: Vec<_> = sections
        .into_iter()
        .filter(|(_, _, body)| !body.is_empty())
        .collect();
    let strap = format!(
        "<p class=\"strap\"><strong>{}</strong> cells, Twinrange {}</p>\n",
        campaign.cells,
        escape(&campaign.range_version)
    );
    flat_page(
        "Twinrange campaign",
        &escape(&campaign.title),
        &strap,
        &sections,
    )
}

fn summary(campaign: &Campaign) -> String {
    let separated: Vec<&String> = campaign
        .panels
        .iter()
        .flat_map(|panel| panel.comparisons.iter().zip(&panel.sentences))
        .filter(|(comparison, _)| comparison.difference.separates())
        .map(|(_, sentence)| sentence)
        .collect();
    let all: usize = campaign.panels.iter().map(|p| p.comparisons.len()).sum();
    let mut body = format!(
        "<dl class=\"cards\">\n{}{}{}{}</dl>\n",
        card(
            "Cells",
            &campaign.cells.to_string(),
            "runs that were scored"
        ),
        card(
            "Failures",
            &campaign.failures.to_string(),
            "cells in which the defense failed"
        ),
        card(
            "Comparisons",
            &all.to_string(),
            "pairs of defenses in a figure"
        ),
        card(
            "Separated",
            &separated.len().to_string(),
            "differences whose interval leaves zero out"
        )
    );
    if separated.is_empty() {
        body.push_str(
            "<p class=\"story\">These runs do not separate any two of the defenses.</p>\n",
        );
    }
    if campaign.failures > 0 {
        body.push_str(
            "<p class=\"note\">A cell in which the defense failed has no figures. The means are those of the \
             other cells, so they flatter a defense that fails when it is hard.</p>\n",
        );
    }
    body
}

fn card(title: &str, big: &str, small: &str) -> String {
    format!(
        "<div><dt>{title}</dt><dd class=\"big\">{big}</dd><dd class=\"small\">{small}</dd></div>\n"
    )
}

fn show(figure: &Compared, value: f64) -> String {
    if figure.share {
        percent(value)
    } else {
        number(value, 2)
    }
}

/// A mean with its interval below it, or a word where there is none.
fn with_interval(estimate: &Estimate, without: &str, show: impl Fn(f64) -> String) -> String {
    match (estimate.mean, estimate.interval) {
        (None, _) => format!("<span class=\"dim\">{without}</span>"),
        (Some(mean), None) => show(mean),
        (Some(mean), Some(i)) => format!(
            "{}<br><span class=\"dim\">{} to {}</span>",
            show(mean),
            show(i.low),
            show(i.high)
        ),
    }
}

/// In how many seeds a mean is defined, if not in all of them.
fn fewer(estimate: &Estimate, seeds: u64) -> String {
    if estimate.mean.is_some() && estimate.seeds < seeds {
        format!("<br><span class=\"dim\">in {} seeds</span>", estimate.seeds)
    } else {
        String::new()
    }
}

fn by_figure(panel: &Panel) -> String {
    let mut head = vec!["Defense"];
    head.extend(FIGURES.iter().map(|figure| figure.title));
    head.push("Failed");
    let rows = panel.contenders.iter().map(|contender| {
        let figures = FIGURES.iter().zip(&contender.estimates);
        let figures = figures.map(|(figure, estimate)| {
            with_interval(estimate, "undefined", |value| show(figure, value))
                + &fewer(estimate, panel.seeds)
        });
        let mut row = vec![escape(&contender.name)];
        row.extend(figures);
        row.push(contender.failures.to_string());
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    format!(
        "<p>{} {}{}. Mean over seeds, with the 95 % interval of the mean.</p>\n{}",
        panel.seeds,
        if panel.seeds == 1 { "seed" } else { "seeds" },
        if panel.held_out { ", held out" } else { "" },
        table("Defenses by figure", Narrow::Scroll, &head, &rows)
    )
}

/// A plot of two figures, one mark with both intervals per defense; empty where fewer than two have both.
fn scatter(panel: &Panel, id: &str, (x, y): (&str, &str), heading: &str) -> String {
    let find = |name: &str| FIGURES.iter().position(|figure| figure.name == name);
    let (Some(x), Some(y)) = (find(x), find(y)) else {
        return String::new();
    };
    let marks: Vec<Mark<'_>> = panel
        .contenders
        .iter()
        .filter_map(|contender| {
            let (across, up) = (&contender.estimates[x], &contender.estimates[y]);
            Some(Mark {
                name: &contender.name,
                x: Span::of(across)?,
                y: Span::of(up)?,
            })
        })
        .collect();
    if marks.len() < 2 {
        return String::new();
    }
    let drawing = both_widths(|width, class| {
        draw(
            width,
            class,
            &format!("{id}-{class}"),
            &marks,
            (&FIGURES[x], &FIGURES[y]),
        )
    });
    format!("<h3>{heading}</h3>\n{drawing}")
}

struct Span {
    mean: f64,
    low: f64,
    high: f64,
}

impl Span {
    fn of(estimate: &Estimate) -> Option<Self> {
        let mean = estimate.mean?;
        let (low, high) = estimate.interval.map_or((mean, mean), |i| (i.low, i.high));
        Some(Self { mean, low, high })
    }
}

struct Mark<'a> {
    name: &'a str,
    x: Span,
    y: Span,
}

/// The least and the largest of some spans, with a little room and never empty.
fn range<'a>(spans: impl Iterator<Item = &'a Span>) -> (f64, f64) {
    let (mut low, mut high) = (0.0, 0.0);
    for span in spans {
        if span.low < low {
            low = span.low;
        }
        if span.high > high {
            high = span.high;
        }
    }
    if high <= low {
        high = low + 1.0;
    }
    let room = (high - low) * 0.05;
    (low - room, high + room)
}

fn draw(
    width: f64,
    class: &str,
    id: &str,
    marks: &[Mark<'_>],
    (x, y): (&Compared, &Compared),
) -> String {
    const HEIGHT: f64 = 300.0;
    let mut svg = Svg::new(width);
    let (left, right, top, bottom) = (64.0, width - 16.0, 24.0, HEIGHT - 44.0);
    let (low, high) = range(marks.iter().map(|mark| &mark.x));
    let across = Scale::new(low, high, left, right);
    let x_ticks = ticks(low, high, width / 160.0);
    for (tick, text) in x_ticks.iter().zip(axis_texts(x, &x_ticks)) {
        svg.line(across.px(*tick), top, across.px(*tick), bottom, "grid");
        svg.text(across.px(*tick), bottom + 16.0, "middle", "dim", &text);
    }
    let (low, high) = range(marks.iter().map(|mark| &mark.y));
    let up = Scale::new(low, high, bottom, top);
    let y_ticks = ticks(low, high, 5.0);
    for (tick, text) in y_ticks.iter().zip(axis_texts(y, &y_ticks)) {
        svg.line(left, up.px(*tick), right, up.px(*tick), "grid");
        svg.text(left - 6.0, up.px(*tick) + 4.0, "end", "dim", &text);
    }
    svg.text(left, 14.0, "start", "dim", y.title);
    svg.text(right, HEIGHT - 8.0, "end", "dim", x.title);
    for mark in marks {
        let (px, py) = (across.px(mark.x.mean), up.px(mark.y.mean));
        svg.line(
            across.px(mark.x.low),
            py,
            across.px(mark.x.high),
            py,
            "whisker",
        );
        svg.line(px, up.px(mark.y.low), px, up.px(mark.y.high), "whisker");
        let title = format!(
            "{}: {} {}, {} {}",
            mark.name,
            x.title,
            show(x, mark.x.mean),
            y.title,
            show(y, mark.y.mean)
        );
        svg.diamond(px, py, 6.0, "point", &title);
    }
    for (px, py, name) in placed_names(marks.iter().map(|mark| {
        let (px, py) = (across.px(mark.x.mean), up.px(mark.y.mean));
        (px, py, mark.name)
    })) {
        // Near the right edge a name stands on the other side.
        let (at, anchor) = if px > right - 140.0 {
            (px - 10.0, "end")
        } else {
            (px + 10.0, "start")
        };
        svg.text(at, py + 4.0, anchor, "strong", name);
    }
    let names: Vec<String> = marks
        .iter()
        .map(|mark| {
            format!(
                "{} {} and {}",
                mark.name,
                show(x, mark.x.mean),
                show(y, mark.y.mean)
            )
        })
        .collect();
    let label = format!("{} and {}: {}", x.title, y.title, names.join("; "));
    svg.finish(HEIGHT, class, id, &label)
}

/// Height of a line of names, px, and how near points share their column of names, px.
const LINE_PX: f64 = 14.0;
const NEAR_PX: f64 = 150.0;

/// Where names stand: beside their points, and one below the other where points are so near that the names
/// would cover one another.
fn placed_names<'a>(points: impl Iterator<Item = (f64, f64, &'a str)>) -> Vec<(f64, f64, &'a str)> {
    let mut sorted: Vec<(f64, f64, &str)> = points.collect();
    // From above, and at one height in the order of the plan.
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut placed: Vec<(f64, f64, &str)> = Vec::new();
    for (x, y, name) in sorted {
        let beside = placed
            .iter()
            .filter(|(other, _, _)| (other - x).abs() < NEAR_PX);
        let lowest = beside.map(|(_, y, _)| y + LINE_PX);
        let y = lowest.fold(y, |y, free| if free > y { free } else { y });
        placed.push((x, y, name));
    }
    placed
}

fn axis_texts(figure: &Compared, values: &[f64]) -> Vec<String> {
    if !figure.share {
        return tick_texts(values);
    }
    let percents: Vec<f64> = values.iter().map(|value| value * 100.0).collect();
    let texts = tick_texts(&percents);
    texts.into_iter().map(|text| format!("{text} %")).collect()
}

fn pairs(panel: &Panel) -> String {
    if panel.sentences.is_empty() {
        return String::new();
    }
    let told = panel.comparisons.iter().zip(&panel.sentences);
    let (apart, alike): (Vec<_>, Vec<_>) =
        told.partition(|(comparison, _)| comparison.difference.separates());
    let list = |told: &[(&Comparison, &String)]| {
        let items = told.iter();
        let items = items.map(|(_, sentence)| format!("<li>{}</li>\n", escape(sentence)));
        format!("<ul>\n{}</ul>\n", items.collect::<String>())
    };
    let mut body = String::from("<h3>Seed by seed</h3>\n");
    if apart.is_empty() {
        body.push_str("<p>These runs separate no two of the defenses in any figure.</p>\n");
    } else {
        body.push_str(&list(&apart));
    }
    if !alike.is_empty() {
        // What is not separated is said, and does not bury what is.
        body.push_str(&format!(
            "<details>\n<summary>{} comparisons that these runs do not separate</summary>\n{}</details>\n",
            alike.len(),
            list(&alike)
        ));
    }
    body
}

fn coverage(campaign: &Campaign) -> String {
    if campaign.techniques.is_empty() {
        return String::new();
    }
    let mut head = vec!["Technique"];
    let names: Vec<String> = campaign.panels.first().map_or_else(Vec::new, |panel| {
        panel.contenders.iter().map(|c| escape(&c.name)).collect()
    });
    head.extend(names.iter().map(String::as_str));
    let rows = campaign.techniques.iter().map(|technique| {
        let (id, name) = (escape(&technique.id), escape(&technique.name));
        let mut row = vec![format!("{id} <span class=\"dim\">{name}</span>")];
        let shares = technique.of_defenses.iter();
        row.extend(shares.map(|(detected, steps, interval)| match interval {
            None => "<span class=\"dim\">did not run</span>".to_owned(),
            Some(i) => format!(
                "{detected} of {steps}<br><span class=\"dim\">{} to {}</span>",
                percent(i.low),
                percent(i.high)
            ),
        }));
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    format!(
        "<p>Share of the steps with a technique that were detected, over all cells, with Wilson's 95 % interval. \
         Steps of one scenario resemble each other, so the true uncertainty is larger.</p>\n{}",
        table("Techniques by defense", Narrow::Scroll, &head, &rows)
    )
}

fn method() -> String {
    format!(
        "<p class=\"story\">A cell is one scenario, posture, seed and defense. Intervals of means are Student's over \
         seeds. Defenses are compared seed by seed, so that what a seed brings is the same for both: up to \
         {EXACT_PAIRS} pairs the interval is the exact one of the sign-flip test, beyond that the \
         bias-corrected bootstrap of 10,000 draws from a fixed stream. Many comparisons stand here, \
         and of twenty that compare equals one is expected to look separated.</p>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{difference, mean, mean_interval};

    fn campaign() -> Campaign {
        let estimate = |figure: &str, values: &[f64]| Estimate {
            figure: figure.to_owned(),
            seeds: u64::try_from(values.len()).expect("few"),
            mean: (!values.is_empty()).then(|| mean(values)),
            interval: mean_interval(values),
        };
        let contender = |name: &str, base: f64| Contender {
            name: name.to_owned(),
            failures: 0,
            estimates: FIGURES
                .iter()
                .map(|f| estimate(f.name, &[base, base + 0.1, base + 0.2]))
                .collect(),
        };
        let cause = |defense: Option<&str>, id: &str, parts: &[f64]| CauseMean {
            defense: defense.map(str::to_owned),
            id: id.to_owned(),
            label: id.to_owned(),
            parts: AMOUNTS
                .iter()
                .map(|amount| estimate(amount, parts))
                .collect(),
        };
        let comparison = |values: &[f64]| Comparison {
            figure: "recall".to_owned(),
            first: "a<b".to_owned(),
            second: "other".to_owned(),
            difference: difference(values).expect("pairs"),
        };
        let comparisons = vec![
            comparison(&[0.1, 0.2, 0.3, 0.1, 0.2, 0.3]),
            comparison(&[0.1, -0.2, 0.3, -0.1, 0.2, -0.3]),
            comparison(&[0.1]),
        ];
        Campaign {
            title: "Two & more".to_owned(),
            range_version: "0".to_owned(),
            cells: 6,
            failures: 0,
            panels: vec![Panel {
                title: "jam".to_owned(),
                held_out: false,
                seeds: 3,
                contenders: vec![contender("a<b", 0.2), contender("other", 0.5)],
                sentences: comparisons.iter().map(Comparison::sentence).collect(),
                comparisons,
                explained: Explained {
                    causes: vec![
                        cause(None, "step<1>", &[-10.0, -12.0]),
                        cause(Some("a<b"), "contain <x>", &[4.0]),
                    ],
                    losses: vec![LossOverSeeds {
                        id: "bowl<high>".to_owned(),
                        label: "Spill & slip".to_owned(),
                        seeds: 3,
                        impact_s: estimate("impact_s", &[600.0, 660.0]),
                        last_moment_s: estimate("last_moment_s", &[300.0, 330.0]),
                        of_defenses: vec![Timeliness {
                            defense: "a<b".to_owned(),
                            seeds: 2,
                            alerts_in_time: 1,
                            alerts_interval: crate::stats::wilson(1, 2),
                            alert_margin_s: estimate("alert_margin_s", &[120.0, -60.0]),
                            actions_in_time: 0,
                            action_margin_s: estimate("action_margin_s", &[]),
                        }],
                    }],
                },
            }],
            techniques: vec![Technique {
                id: "T0846".to_owned(),
                name: "Remote System Discovery".to_owned(),
                detected: 3,
                steps: 6,
                of_defenses: vec![(3, 3, crate::stats::wilson(3, 3)), (0, 3, None)],
            }],
        }
    }

    #[test]
    fn sentence_when_zero_is_inside_then_the_runs_do_not_separate() {
        let panel = &campaign().panels[0];
        assert_eq!(
            panel.sentences[0],
            "Steps detected: a<b has 20 points more than other (95 %: 10 points to 30 points, 6 pairs)."
        );
        assert!(
            panel.sentences[1]
                .starts_with("Steps detected: these runs do not separate a<b from other")
        );
        assert!(panel.sentences[2].contains("1 pair is too few"));
    }

    #[test]
    fn names_when_points_are_near_then_one_below_the_other() {
        let points = [
            (10.0, 50.0, "a"),
            (10.0, 50.0, "b"),
            (400.0, 50.0, "c"),
            (12.0, 20.0, "d"),
        ];
        let placed = placed_names(points.into_iter());
        assert_eq!(
            placed,
            [
                (12.0, 20.0, "d"),
                (10.0, 50.0, "a"),
                (10.0, 64.0, "b"),
                (400.0, 50.0, "c")
            ]
        );
    }

    #[test]
    fn html_when_written_then_self_contained_and_escaped() {
        let page = html(&campaign());
        assert!(page.contains("Two &amp; more") && page.contains("a&lt;b"));
        for told in [
            "alert in time in 1 of 2, 30 s in time on average",
            "action in time in 0 of 2",
            "in 2 seeds",
            "What each action of a&lt;b saves",
        ] {
            assert!(page.contains(told), "{told}");
        }
        for outside in [
            "a<b", "<x>", "<high>", "<1>", "http://", "https://", "<script", "<img", "url(http",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        // Two plots in three widths, each with what a screen reader says.
        assert_eq!(page.matches("<svg ").count(), 6);
        assert_eq!(page.matches("role=\"img\" aria-label=").count(), 6);
        assert_eq!(page.matches("<h1>").count(), 1);
    }
}
