//! Prints who caused what, and how long there was to act.

use sim_kernel::time::SimTime;
use twinrange_score::attribution::{Account, Amounts, Method};
use twinrange_score::margin::Margin;
use twinrange_score::score::Score;

use crate::support::progress::clock;

/// Prints the accounts and the margin, where runs were made for them.
pub(super) fn print(score: &Score) {
    let prices = score
        .continuity
        .as_ref()
        .and_then(|kept| kept.prices.as_ref());
    let currency = prices.map_or("", |prices| prices.currency.as_str());
    if let Some(found) = &score.attribution {
        let accounts = [
            ("what each attack step does, from N to A", &found.attack),
            ("what each action does, from A to AD", &found.defense),
        ];
        for (title, account) in accounts {
            if let Some(account) = account {
                print_account(title, account, currency);
            }
        }
    }
    if let Some(margin) = &score.margin {
        print_margin(margin);
    }
}

fn print_account(title: &str, account: &Account, currency: &str) {
    let method = match account.method {
        Method::Shapley => "Shapley values",
        Method::LeaveOneOut => "each left out alone",
    };
    say!(
        "{title} (+ gained, - lost; {method}, {} runs)",
        account.runs
    );
    say!("                             good parts      OEE, %   safe time, s   worth, {currency}");
    let row = |label: &str, part: &Amounts| {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.digits$}"))
        };
        say!(
            "  {:<26} {:>10} {:>11} {:>14} {:>12}",
            shortened(label, 26),
            number(Some(part.good_parts), 0),
            number(part.oee.map(|oee| oee * 100.0), 2),
            number(Some(part.safe_s), 0),
            number(part.money, 2),
        );
    };
    for cause in &account.causes {
        row(&cause.id, &cause.part);
    }
    if account.method == Method::LeaveOneOut {
        row("only together", &account.interaction);
    }
    row("all", &account.whole);
}

fn print_margin(margin: &Margin) {
    say!(
        "time to act (to {:.0} s, {} runs): {}",
        margin.resolution_s.ceil(),
        margin.runs,
        margin.response
    );
    for loss in &margin.losses {
        let last = match loss.point_of_no_return_ns {
            None => "no order comes in time".to_owned(),
            Some(at) => format!(
                "last order {}, {:.0} s before it",
                clock(SimTime::from_nanos(at)),
                (loss.impact_ns - at) as f64 / 1e9
            ),
        };
        say!(
            "  {:<26} at {}: {last}",
            shortened(&loss.id, 26),
            clock(SimTime::from_nanos(loss.impact_ns))
        );
        for (what, margin_s) in [
            ("first alert", loss.alert_margin_s),
            ("first action", loss.action_margin_s),
        ] {
            if let Some(s) = margin_s {
                let side = if s < 0.0 { "too late" } else { "in time" };
                say!("    {what:<12} {:.0} s {side}", s.abs());
            }
        }
    }
}

/// The beginning of a text, with a sign that there is more.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}
