//! Who did what: the parts of the attack's steps and of the defense's actions as signed bars.

use super::svg::{Scale, Svg, fit, text_width_px};
use super::tables::{Narrow, table};
use super::words::{clock, duration, escape, number};
use super::{ReportData, both_widths};
use crate::attribution::{Account, Amounts, Method};

/// Most causes with a bar of their own; the others share one, so that the bars still add up.
const BARS: usize = 16;

/// Empty without an account.
pub(super) fn section(data: &ReportData<'_>) -> String {
    let Some(attribution) = &data.score.attribution else {
        return String::new();
    };
    let accounts = [
        (
            "attack",
            "What each step of the attack does to a plant that nobody defends",
            "Step",
            &attribution.attack,
        ),
        (
            "defense",
            "What each action of the defense saves, or costs on top",
            "Action",
            &attribution.defense,
        ),
    ];
    let mut html = String::new();
    for (id, heading, cause, account) in accounts {
        if let Some(account) = account {
            html.push_str(&format!("<h4>{heading}</h4>\n"));
            html.push_str(&of_account(data, id, cause, account));
        }
    }
    html
}

/// One amount of an account: how it is called and how it is written.
struct Quantity {
    id: &'static str,
    name: String,
    get: fn(&Amounts) -> Option<f64>,
    show: fn(f64) -> String,
}

pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    if value > 0.0 && text != "0" {
        format!("+{text}")
    } else {
        text
    }
}

pub(super) fn signed_time(value: f64) -> String {
    let sign = match value {
        v if v > 0.0 => "+",
        v if v < 0.0 => "\u{2212}",
        _ => "",
    };
    format!("{sign}{}", duration(value.abs()))
}

/// The amounts that this account has.
fn quantities(data: &ReportData<'_>, account: &Account) -> Vec<Quantity> {
    let mut all = vec![Quantity {
        id: "parts",
        name: format!("Good {}", data.items),
        get: |amounts| Some(amounts.good_parts),
        show: |value| signed(value, 1),
    }];
    if account.whole.money.is_some() {
        let currency = data
            .score
            .continuity
            .as_ref()
            .and_then(|continuity| continuity.prices.as_ref());
        all.push(Quantity {
            id: "money",
            name: currency.map_or_else(|| "Money".to_owned(), |prices| prices.currency.clone()),
            get: |amounts| amounts.money,
            show: |value| signed(value, 0),
        });
    }
    let endangers = |amounts: &Amounts| amounts.safe_s != 0.0;
    if endangers(&account.whole) || account.causes.iter().any(|cause| endangers(&cause.part)) {
        all.push(Quantity {
            id: "safe",
            name: "Time without danger".to_owned(),
            get: |amounts| Some(amounts.safe_s),
            show: signed_time,
        });
    }
    if account.whole.oee.is_some() {
        all.push(Quantity {
            id: "oee",
            name: "OEE points".to_owned(),
            get: |amounts| amounts.oee,
            show: |share| signed(share * 100.0, 2),
        });
    }
    all
}

/// One account: how it was shared out, bars and the table.
///
/// # Arguments
///
/// * `id` — begins the identifiers of the drawings; unique on the page.
/// * `cause` — how a cause is called, the head of a column.
pub(super) fn of_account(
    data: &ReportData<'_>,
    id: &str,
    cause: &str,
    account: &Account,
) -> String {
    let how = match account.method {
        Method::Shapley => format!(
            "Shapley values over {} runs: each cause's share of what all of them do, averaged over every order in \
             which they could be added.",
            account.runs
        ),
        Method::LeaveOneOut => format!(
            "By {} runs, each without one cause. What the causes do only together, or only one at a time, stands as \
             the interaction.",
            account.runs
        ),
    };
    let mut html =
        format!("<p>{how} Plus is a gain, minus a loss; the parts add up to the whole.</p>\n");
    let quantities = quantities(data, account);
    for quantity in quantities.iter().filter(|quantity| quantity.id != "oee") {
        html.push_str(&both_widths(|width, class| {
            bars(id, account, quantity, width, class)
        }));
    }
    html.push_str(&parts_table(data, cause, account, &quantities));
    html
}

/// The parts with their names, the interaction and the whole, in the order in which they are drawn.
fn parts(account: &Account, quantity: &Quantity) -> Vec<(String, f64)> {
    let value = |amounts: &Amounts| (quantity.get)(amounts).unwrap_or_default();
    let mut parts: Vec<(String, f64)> = account
        .causes
        .iter()
        .take(BARS)
        .map(|cause| (cause.label.clone(), value(&cause.part)))
        .collect();
    let rest = &account.causes[account.causes.len().min(BARS)..];
    if !rest.is_empty() {
        let sum = rest.iter().fold(0.0, |sum, cause| sum + value(&cause.part));
        parts.push((format!("{} more together", rest.len()), sum));
    }
    if account.method == Method::LeaveOneOut {
        parts.push(("Interaction".to_owned(), value(&account.interaction)));
    }
    parts.push(("Whole".to_owned(), value(&account.whole)));
    parts
}

fn bars(id: &str, account: &Account, quantity: &Quantity, width: f64, class: &str) -> String {
    let parts = parts(account, quantity);
    let texts: Vec<String> = parts
        .iter()
        .map(|(_, value)| (quantity.show)(*value))
        .collect();
    let widest = texts
        .iter()
        .map(|text| text_width_px(text))
        .fold(0.0, |a: f64, b| if b > a { b } else { a });
    let (mut low, mut high) = (0.0, 0.0);
    for (_, value) in &parts {
        low = if *value < low { *value } else { low };
        high = if *value > high { *value } else { high };
    }
    let beside = width > 500.0;
    let names_px = if beside { width * 0.36 } else { 0.0 };
    // A number stands at the outer end of its bar, so both sides keep room for one.
    let x = Scale::new(low, high, names_px + widest + 12.0, width - widest - 12.0);
    let zero = x.px(0.0);
    let mut svg = Svg::new(width);
    svg.text(0.0, 12.0, "start", "strong", &fit(&quantity.name, width));
    let mut y = 22.0;
    let (top, mark) = (y, svg.mark());
    let last = parts.len() - 1;
    for (index, ((name, value), text)) in parts.iter().zip(&texts).enumerate() {
        let style = if index == last { "strong" } else { "label" };
        if index == last {
            svg.line(0.0, y, width, y, "axis");
            y += 4.0;
        }
        if beside {
            svg.text(0.0, y + 14.0, "start", style, &fit(name, names_px - 8.0));
        } else {
            svg.text(0.0, y + 12.0, "start", style, &fit(name, width));
            y += 16.0;
        }
        let px = x.px(*value);
        let (a, b) = if px < zero { (px, zero) } else { (zero, px) };
        let bar = if *value < 0.0 { "loss" } else { "gain" };
        if *value != 0.0 {
            let length = if b - a < 1.5 { 1.5 } else { b - a };
            svg.rect(a, y + 3.0, length, 14.0, bar, &format!("{name}: {text}"));
        }
        if *value < 0.0 {
            svg.text(a - 6.0, y + 14.0, "end", style, text);
        } else {
            svg.text(b + 6.0, y + 14.0, "start", style, text);
        }
        y += 24.0;
    }
    svg.line_behind(mark, zero, top, zero, y, "axis");
    let numbers: Vec<String> = parts
        .iter()
        .zip(&texts)
        .map(|((name, _), text)| format!("{name} {text}"))
        .collect();
    svg.described(
        y + 4.0,
        class,
        &format!("attribution-{id}-{}-{class}", quantity.id),
        &format!("{} by cause", quantity.name),
        &format!("{}: {}.", quantity.name, numbers.join("; ")),
    )
}

fn parts_table(
    data: &ReportData<'_>,
    cause: &str,
    account: &Account,
    quantities: &[Quantity],
) -> String {
    let names: Vec<String> = quantities.iter().map(|q| escape(&q.name)).collect();
    let mut head = vec![cause, "Began"];
    head.extend(names.iter().map(String::as_str));
    let cells = |name: String, began: String, amounts: &Amounts| {
        let mut row = vec![name, began];
        row.extend(quantities.iter().map(|quantity| {
            (quantity.get)(amounts).map_or_else(|| "n/a".to_owned(), quantity.show)
        }));
        row
    };
    let epoch = data.score.header.epoch_unix_ns;
    let mut rows: Vec<Vec<String>> = account
        .summands()
        .map(|one| {
            let began = one.t_ns.map_or_else(String::new, |t_ns| clock(t_ns, epoch));
            cells(escape(one.label), began, &one.part)
        })
        .collect();
    rows.push(cells("Whole".to_owned(), String::new(), &account.whole));
    table("Parts of the whole", Narrow::Stack, &head, &rows)
}

/// The cause with the greatest loss or gain, in a sentence for a manager. Empty where nothing stands out.
pub(super) fn in_words(data: &ReportData<'_>) -> String {
    let Some(attribution) = &data.score.attribution else {
        return String::new();
    };
    let greatest = |account: &Account, sign: f64| {
        let of = |amounts: &Amounts| sign * amounts.money.unwrap_or(amounts.good_parts);
        let whole = of(&account.whole);
        // Where the causes hang on each other, no one of them has most of it.
        if of(&account.interaction).abs() > 0.25 * whole {
            return None;
        }
        account
            .causes
            .iter()
            .map(|cause| (cause.label.clone(), of(&cause.part)))
            .filter(|(_, part)| whole > 0.0 && *part > 0.5 * whole)
            .reduce(|a, b| if b.1 > a.1 { b } else { a })
            .map(|(label, _)| label)
    };
    let mut text = String::new();
    if let Some(label) = attribution.attack.as_ref().and_then(|a| greatest(a, -1.0)) {
        text.push_str(&format!(
            "Most of the loss comes from one step: <q>{}</q>. ",
            escape(&label)
        ));
    }
    if let Some(label) = attribution.defense.as_ref().and_then(|a| greatest(a, 1.0)) {
        text.push_str(&format!(
            "Most of what was saved is owed to one action: {}.",
            escape(&label)
        ));
    }
    text
}
