//! The continuity section: the waterfall from N to AD, the uptime tax, and the four runs.

use super::svg::{Scale, Svg, fit, tick_texts, ticks, widest_px};
use super::tables::{Narrow, table};
use super::words::{duration, escape, number, percent};
use super::{NARROW_PX, ReportData, both_widths};
use crate::continuity::{Comparison, Continuity, RunResult};
use crate::figure::Figure;
use crate::inline::{Frames, InlineFigures};
use crate::safety::{Kind, ROWS};

pub(super) fn continuity(data: &ReportData<'_>) -> String {
    let Some(continuity) = &data.score.continuity else {
        return String::new();
    };
    let mut html = String::from(
        "<p>The same seed was run four times: <strong>N</strong> with nothing, <strong>A</strong> with the attack, \
         <strong>D</strong> with the defense, <strong>AD</strong> with both. Nothing else differs, so each \
         difference is caused and not estimated.</p>\n",
    );
    let bars = bars(&continuity.good_parts);
    if bars.iter().any(|bar| bar.to.is_some()) {
        html.push_str(&both_widths(|width, class| {
            waterfall(data, &bars, width, class)
        }));
    }
    html.push_str(&differences(data, continuity));
    html.push_str(&four_runs(data, continuity));
    if let Some(inline) = &data.score.inline {
        html.push_str(&in_the_cable(inline));
    }
    html
}

/// What a defense in the plant's cables did to the frames there.
fn in_the_cable(inline: &InlineFigures) -> String {
    let mut html = format!(
        "<h3>Frames in the cables</h3>\n<p>The defense stood in the cable of {} and judged {} frames, each of which took {} µs \
         to go through. Every ordinary frame that it dropped or held back is a disturbance of its own making.</p>\n",
        escape(&inline.hosts.join(", ")),
        inline.frames,
        number(inline.latency_ns as f64 / 1e3, 0)
    );
    let row = |name: &str, frames: Frames| {
        vec![
            name.to_owned(),
            frames.attack.to_string(),
            frames.benign.to_string(),
        ]
    };
    html.push_str(&table(
        "Frames in the cables",
        Narrow::Stack,
        &["Verdict", "Of the attack", "Ordinary"],
        &[
            row("Dropped", inline.dropped),
            row("Held back", inline.delayed),
        ],
    ));
    html
}

/// One column of the waterfall, from a level to a level.
struct Bar {
    label: &'static str,
    class: &'static str,
    from: f64,
    to: Option<f64>,
    text: String,
}

fn bars(parts: &Comparison) -> Vec<Bar> {
    let level = |label, figure: &Figure| Bar {
        label,
        class: "level",
        from: 0.0,
        to: figure.value,
        text: figure
            .value
            .map_or_else(|| "not run".to_owned(), |value| number(value, 0)),
    };
    let change = |label, up: &'static str, down: &'static str, from: &Figure, to: &Figure| Bar {
        label,
        class: if to.value >= from.value { up } else { down },
        from: from.value.unwrap_or_default(),
        to: to.value.filter(|_| from.value.is_some()),
        text: match (from.value, to.value) {
            (Some(from), Some(to)) if to > from => format!("+{}", number(to - from, 0)),
            (Some(from), Some(to)) => number(to - from, 0),
            _ => "not run".to_owned(),
        },
    };
    vec![
        level("N: nothing", &parts.n),
        change("attack", "gain", "loss", &parts.n, &parts.a),
        level("A: attack", &parts.a),
        change("protection", "gain", "loss", &parts.a, &parts.ad),
        level("AD: both", &parts.ad),
        level("D: defense", &parts.d),
        change("uptime tax", "gain", "tax", &parts.n, &parts.d),
    ]
}

/// Name of the drawing.
const WATERFALL: &str = "Production with and without attack and defense";

fn waterfall(data: &ReportData<'_>, bars: &[Bar], width: f64, class: &str) -> String {
    let narrow = class == "narrow";
    let values: Vec<f64> = bars
        .iter()
        .flat_map(|bar| [bar.to, (bar.class != "level").then_some(bar.from)])
        .flatten()
        .collect();
    let fold = |pick: fn(f64, f64) -> bool| {
        values
            .iter()
            .copied()
            .reduce(|a, b| if pick(a, b) { a } else { b })
            .unwrap_or_default()
    };
    let (low, high) = (fold(|a, b| a < b), fold(|a, b| a > b));
    let floor = floor_of(low, high);
    let top = if high > floor {
        high + 0.12 * (high - floor)
    } else {
        floor + 1.0
    };

    let mut svg = Svg::new(width);
    let values = ticks(floor, top, 5.0);
    let texts = tick_texts(&values);
    let margin = widest_px(&texts) + 12.0;
    let (left, right) = (if narrow { 4.0 } else { margin }, width - 4.0);
    let row_px = 34.0;
    if narrow {
        // Columns become rows: a telephone has height to spare and no width.
        let scale = Scale::new(floor, top, left, right);
        let mut y = 4.0;
        for bar in bars {
            svg.text(left, y + 11.0, "start", "strong", bar.label);
            svg.text(right, y + 11.0, "end", "label", &bar.text);
            if let Some(to) = bar.to {
                let from = if bar.class == "level" {
                    floor
                } else {
                    bar.from
                };
                let (a, b) = (
                    scale.px_inside(if from < to { from } else { to }),
                    scale.px_inside(if from < to { to } else { from }),
                );
                svg.rect(
                    a,
                    y + 17.0,
                    if b - a < 1.5 { 1.5 } else { b - a },
                    13.0,
                    bar.class,
                    "",
                );
            }
            y += row_px + 6.0;
        }
        svg.text(left, y + 10.0, "start", "dim", &axis_note(data, floor));
        return svg.described(
            y + 18.0,
            class,
            "waterfall-narrow",
            WATERFALL,
            &waterfall_label(data, bars),
        );
    }
    let (y_top, y_bottom) = (24.0, 250.0);
    let scale = Scale::new(floor, top, y_bottom, y_top);
    for (tick, text) in values.into_iter().zip(&texts) {
        let y = scale.px(tick);
        svg.line(left, y, right, y, "grid");
        svg.text(left - 8.0, y + 4.0, "end", "dim", text);
    }
    let slot = (right - left) / bars.len() as f64;
    for (index, bar) in bars.iter().enumerate() {
        let x = left + slot * (index as f64 + 0.5);
        let half = if slot * 0.32 < 52.0 {
            slot * 0.32
        } else {
            52.0
        };
        svg.text(x, y_bottom + 18.0, "middle", "strong", bar.label);
        let Some(to) = bar.to else {
            svg.text(x, y_bottom - 8.0, "middle", "dim", &bar.text);
            continue;
        };
        let from = if bar.class == "level" {
            floor
        } else {
            bar.from
        };
        let (a, b) = (scale.px_inside(from), scale.px_inside(to));
        let (y0, y1) = if a < b { (a, b) } else { (b, a) };
        let height = if y1 - y0 < 1.5 { 1.5 } else { y1 - y0 };
        svg.rect(
            x - half,
            y0,
            half * 2.0,
            height,
            bar.class,
            &format!("{}: {}", bar.label, bar.text),
        );
        svg.text(x, y0 - 6.0, "middle", "label", &bar.text);
        // The level carries over to the next column, up to AD; D starts anew.
        if index < 4 && bars[index + 1].to.is_some() {
            svg.line(
                x + half,
                scale.px_inside(to),
                x + slot - half,
                scale.px_inside(to),
                "carry",
            );
        }
    }
    let gap = left + slot * 5.0;
    svg.line(gap, y_top - 10.0, gap, y_bottom + 22.0, "divider");
    svg.line(left, y_bottom, right, y_bottom, "axis");
    svg.text(left, 12.0, "start", "dim", &axis_note(data, floor));
    svg.described(
        y_bottom + 28.0,
        class,
        &format!("waterfall-{class}"),
        WATERFALL,
        &waterfall_label(data, bars),
    )
}

/// Where bars of values between two begin: at zero, and cut only where a full axis would hide the differences, which
/// [`cut_note`] then says.
fn floor_of(low: f64, high: f64) -> f64 {
    let spread = high - low;
    if spread > 0.0 && low > 2.0 * spread {
        low - 0.6 * spread
    } else {
        0.0
    }
}

/// What bars show, and where they begin if that is not zero.
fn cut_note(what: &str, floor: f64) -> String {
    if floor > 0.0 {
        format!("{what}; bars start at {}, not 0", number(floor, 0))
    } else {
        what.to_owned()
    }
}

fn axis_note(data: &ReportData<'_>, floor: f64) -> String {
    cut_note(&format!("Good {}", data.items), floor)
}

/// One bar of [`levels`].
pub(super) struct Level {
    pub(super) label: String,
    pub(super) value: f64,
}

/// Bars of one quantity below each other.
///
/// # Arguments
///
/// * `id` — begins the identifiers of the drawing; unique on the page.
/// * `what` — the quantity, a short noun.
pub(super) fn levels(id: &str, what: &str, levels: &[Level]) -> String {
    let values = || levels.iter().map(|level| level.value);
    let low = values().fold(f64::INFINITY, |a, b| if b < a { b } else { a });
    let high = values().fold(0.0, |a, b| if b > a { b } else { a });
    let floor = floor_of(low, high);
    let top = if high > floor { high } else { floor + 1.0 };
    let texts: Vec<String> = values().map(|value| number(value, 0)).collect();
    let names: Vec<String> = levels.iter().map(|level| level.label.clone()).collect();
    let numbers: Vec<String> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| format!("{name} {text}"))
        .collect();
    both_widths(|width, class| {
        let mut svg = Svg::new(width);
        // Names stand beside the bars, or over them where the drawing is narrow.
        let beside = width > NARROW_PX;
        let left = if beside { width * 0.28 } else { 0.0 };
        let scale = Scale::new(floor, top, left, width - widest_px(&texts) - 10.0);
        let mut y = 0.0;
        for (level, text) in levels.iter().zip(&texts) {
            if beside {
                let name = fit(&level.label, left - 10.0);
                svg.text(0.0, y + 15.0, "start", "strong", &name);
            } else {
                svg.text(0.0, y + 12.0, "start", "strong", &fit(&level.label, width));
                y += 16.0;
            }
            let end = scale.px_inside(level.value);
            let length = if end - left < 1.5 { 1.5 } else { end - left };
            svg.rect(left, y + 4.0, length, 14.0, "level", &level.label);
            svg.text(left + length + 6.0, y + 15.0, "start", "label", text);
            y += 24.0;
        }
        svg.text(
            left,
            y + 12.0,
            "start",
            "dim",
            &fit(&cut_note(what, floor), width - left),
        );
        svg.described(
            y + 18.0,
            class,
            &format!("{id}-{class}"),
            what,
            &format!("{what}: {}.", numbers.join(", ")),
        )
    })
}

fn waterfall_label(data: &ReportData<'_>, bars: &[Bar]) -> String {
    let parts: Vec<String> = bars
        .iter()
        .map(|bar| format!("{} {}", bar.label, bar.text))
        .collect();
    format!("Good {}: {}", data.items, parts.join(", "))
}

/// How a quantity is written.
type Show<'a> = &'a dyn Fn(f64) -> String;

fn differences(data: &ReportData<'_>, continuity: &Continuity) -> String {
    let money = continuity
        .prices
        .as_ref()
        .map_or("", |prices| prices.currency.as_str());
    let good = format!("Good {}", escape(&data.items));
    let rows: [(&str, &Comparison, Show<'_>); 5] = [
        (&good, &continuity.good_parts, &|v| number(v, 0)),
        ("Production time", &continuity.production_s, &duration),
        ("OEE", &continuity.oee, &|v| {
            format!("{} points", number(v * 100.0, 2))
        }),
        ("Unsafe time", &continuity.unsafe_s, &duration),
        ("Money", &continuity.money, &|v| {
            format!("{} {}", number(v, 0), escape(money))
        }),
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .filter(|(name, ..)| *name != "Money" || continuity.prices.is_some())
        .map(|(name, comparison, show)| {
            let cell = |figure: &Figure| match (figure.value, &figure.undefined) {
                (Some(value), _) => show(value),
                (None, reason) => undefined(reason.as_deref()),
            };
            let protection = &comparison.protection;
            vec![
                (*name).to_owned(),
                cell(&comparison.attack_damage),
                cell(&comparison.residual_damage),
                protection
                    .value
                    .map_or_else(|| undefined(protection.undefined.as_deref()), protected),
                cell(&comparison.uptime_tax),
            ]
        })
        .collect();
    let mut html = String::from("<h4>Losses against the quiet run</h4>\n");
    html.push_str(&table(
        "Losses against the quiet run",
        Narrow::Stack,
        &[
            "",
            "Attack, undefended (N−A)",
            "Attack, defended (N−AD)",
            "Protection",
            "Uptime tax (N−D)",
        ],
        &rows,
    ));
    html
}

/// A protection as percent. Where the attack alone took next to nothing, a ratio to it says no more than that.
fn protected(share: f64) -> String {
    const LOWEST: f64 = -10.0;
    if share < LOWEST {
        format!("below {}", percent(LOWEST))
    } else {
        percent(share)
    }
}

fn undefined(reason: Option<&str>) -> String {
    format!(
        "<span class=\"dim\">n/a: {}</span>",
        escape(reason.unwrap_or("not computed"))
    )
}

fn four_runs(data: &ReportData<'_>, continuity: &Continuity) -> String {
    let head = ["", "N", "A", "D", "AD"];
    let runs = &continuity.runs;
    let row = |name: String, show: &dyn Fn(&RunResult) -> Option<String>| -> Vec<String> {
        std::iter::once(name)
            .chain(runs.iter().map(|run| {
                show(run).unwrap_or_else(|| "<span class=\"dim\">n/a</span>".to_owned())
            }))
            .collect()
    };
    let share = |figure: &Figure| {
        figure
            .value
            .map(|value| format!("{} %", number(value * 100.0, 1)))
    };
    let items = escape(&data.items);
    let mut rows = vec![
        row(format!("Good {items}"), &|r| {
            r.production.as_ref().map(|p| number(p.good as f64, 0))
        }),
        row(format!("Produced {items}"), &|r| {
            r.production.as_ref().map(|p| number(p.produced as f64, 0))
        }),
        row(format!("Bad {items} shipped"), &|r| {
            r.production
                .as_ref()
                .map(|p| number(p.bad_shipped as f64, 0))
        }),
        row(format!("Scrapped {items}"), &|r| {
            r.production.as_ref().map(|p| number(p.scrapped as f64, 0))
        }),
        row("Production time".to_owned(), &|r| {
            r.production
                .as_ref()
                .map(|p| duration(p.actual_production_s))
        }),
        row("Availability".to_owned(), &|r| {
            r.oee.as_ref().and_then(|oee| share(&oee.availability))
        }),
        row("Effectiveness".to_owned(), &|r| {
            r.oee.as_ref().and_then(|oee| {
                share(&oee.effectiveness).map(|text| {
                    if oee.effectiveness_capped {
                        text + " (cut)"
                    } else {
                        text
                    }
                })
            })
        }),
        row("Quality".to_owned(), &|r| {
            r.oee.as_ref().and_then(|oee| share(&oee.quality))
        }),
        row("OEE".to_owned(), &|r| {
            r.oee.as_ref().and_then(|oee| share(&oee.oee))
        }),
        row("Unsafe time".to_owned(), &|r| {
            r.production.as_ref().map(|p| duration(p.unsafe_s))
        }),
    ];
    if let Some(prices) = &continuity.prices {
        let currency = escape(&prices.currency);
        rows.push(row("Worth".to_owned(), &|r| {
            r.money
                .map(|money| format!("{} {currency}", number(money, 0)))
        }));
    }
    let mut html = String::from("<h4>The four runs</h4>\n");
    html.push_str(&table("The four runs", Narrow::Scroll, &head, &rows));
    if runs.iter().any(|run| run.safety().is_some()) {
        html.push_str(
            "<h4>The plant's safety functions</h4>\n<p>What the plant's own last line of defense was asked and did, by \
             the physical truth. Time tripped is lost by a safety function's order, with or without a defense; unprotected is time with a \
             demand that nothing answered; impaired is time in which the safety controller did not run as it was commissioned.</p>\n",
        );
        let rows: Vec<_> = ROWS
            .iter()
            .map(|(name, kind, get)| {
                row((*name).to_owned(), &|r| {
                    let value = get(r.safety()?);
                    Some(match kind {
                        Kind::Count => number(value, 0),
                        Kind::Time => duration(value),
                    })
                })
            })
            .collect();
        html.push_str(&table("Safety functions", Narrow::Scroll, &head, &rows));
    }
    for run in runs {
        if let Some(reason) = &run.missing {
            html.push_str(&format!(
                "<p>Run {} was not made: {}.</p>\n",
                run.run,
                escape(reason)
            ));
        }
    }
    if let Some(prices) = &continuity.prices {
        html.push_str(&format!(
            "<p class=\"dim\">Prices in {}: good {} {}, scrapped {}, bad one shipped {}, minute lost {}, litre lost {}, unsafe second {}.</p>\n",
            escape(&prices.currency),
            escape(&data.item),
            number(prices.good_item, 3),
            number(prices.scrapped_item, 3),
            number(prices.bad_shipped_item, 3),
            number(prices.lost_minute, 3),
            number(prices.lost_litre, 3),
            number(prices.unsafe_second, 3)
        ));
    }
    html
}
