//! The report for its three readers: the margin, the parts of the causes, evidence, and whether everybody can read it.

use std::collections::BTreeMap;

use crate::common::{S, alert, header, production, score, step, truth};
use crate::reports::{check_labels_are_inside, page};
use twinrange_score::attribution::{Account, Amounts, Attribution, Named};
use twinrange_score::continuity::{self, FourRuns};
use twinrange_score::detection::{self, Params};
use twinrange_score::margin::{Loss, Margin, Point};
use twinrange_score::report::{ActionMark, ReportData, html};
use twinrange_score::score::Score;

fn amounts(good_parts: f64, money: Option<f64>) -> Amounts {
    Amounts {
        good_parts,
        oee: Some(good_parts / 3000.0),
        safe_s: 0.0,
        money,
    }
}

fn named(id: &str, label: &str) -> Named {
    Named {
        id: id.to_owned(),
        label: label.to_owned(),
        t_ns: 600 * S,
    }
}

fn loss(label: &str, impact_s: u64, last_s: Option<u64>) -> Loss {
    let margin_s = |at_s: f64| last_s.map(|last| last as f64 - at_s);
    Loss {
        id: label.to_owned(),
        label: label.to_owned(),
        impact_ns: impact_s * S,
        steps: vec!["b".to_owned()],
        point_of_no_return_ns: last_s.map(|s| s * S),
        alert_margin_s: margin_s(605.0),
        action_margin_s: margin_s(990.0),
    }
}

fn margin(losses: Vec<Loss>, money: Option<f64>) -> Margin {
    Margin {
        response: "contain vendor-laptop <and> restore".to_owned(),
        resolution_s: 5.0,
        runs: 12,
        attack_ns: 600 * S,
        unanswered: amounts(400.0, money.map(|m| m * 400.0)),
        first_alert_ns: Some(605 * S),
        first_action_ns: Some(990 * S),
        curve: [600_u64, 800, 1000]
            .iter()
            .map(|&at_s| Point {
                ordered_ns: at_s * S,
                lost: amounts((at_s - 600) as f64, money.map(|m| m * (at_s - 600) as f64)),
                violated: losses
                    .iter()
                    .filter(|loss| loss.point_of_no_return_ns < Some(at_s * S))
                    .map(|loss| loss.id.clone())
                    .collect(),
            })
            .collect(),
        losses,
    }
}

/// A score with both accounts: Shapley for the attack, leave-one-out with an interaction for the defense.
fn explained(losses: Vec<Loss>, money: Option<f64>) -> Score {
    let worth = |good: f64| amounts(good, money.map(|m| m * good));
    let attack = Account::shapley(
        &[
            named("a", "scan the network"),
            named("b", "drift the setpoint"),
        ],
        &[2700.0, 2700.0, 2400.0, 2300.0].map(worth),
    );
    let defense = Account::leave_one_out(
        &[
            named("contain", "contain vendor-laptop"),
            named("restore", "restore plc-filler"),
        ],
        worth(2300.0),
        worth(2600.0),
        &[2350.0, 2620.0].map(worth),
    );
    let attribution = Attribution {
        attack: Some(attack),
        defense: Some(defense),
    };
    score().with_reruns(attribution, Some(margin(losses, money)))
}

fn two_losses() -> Vec<Loss> {
    vec![
        loss("underfilled bottles shipped", 1000, Some(900)),
        loss("tank overflows", 1100, None),
    ]
}

#[test]
fn page_when_margin_is_known_then_a_manager_reads_how_long_there_was() {
    let page = page(&explained(two_losses(), Some(0.5)), "margin");
    for says in [
        "Whoever ordered the response by <strong>06:15:00</strong>",
        "there were <strong>5\u{a0}min</strong> to act",
        "The first alert came at 06:10:05, 4 min 55 s in time.",
        "The first action came at 06:16:30, 1 min 30 s too late.",
        "For 1 of the 2 losses even a response at the first moment is too late.",
        "first action 1 min 30 s too late",
        "Lost in EUR by the time of the order: 06:10:00: 0, 06:13:20: 100, 06:16:40: 200; without a response: 200.",
        "contain vendor-laptop &lt;and&gt; restore",
        "before the first frame",
    ] {
        assert!(page.contains(says), "the page does not say {says:?}");
    }
}

#[test]
fn page_when_parts_are_known_then_signed_numbers_that_add_up() {
    let page = page(&explained(two_losses(), Some(0.5)), "parts");
    for says in [
        // N 2700, without step a 2400, both 2300: half of what they do together goes to each.
        "Good bottles: scan the network \u{2212}50; drift the setpoint \u{2212}350; Whole \u{2212}400.",
        "Good bottles: contain vendor-laptop +250; restore plc-filler \u{2212}20; Interaction +70; Whole +300.",
        "EUR: contain vendor-laptop +125; restore plc-filler \u{2212}10; Interaction +35; Whole +150.",
        "Most of the loss comes from one step: <q>drift the setpoint</q>.",
        "Most of what was saved is owed to one action: contain vendor-laptop.",
    ] {
        assert!(page.contains(says), "the page does not say {says:?}");
    }
}

#[test]
fn page_when_it_was_always_too_late_or_nothing_was_lost_then_it_says_so() {
    let late = page(&explained(vec![loss("spill", 1000, None)], None), "late");
    assert!(
        late.contains("<strong>it was too late</strong>"),
        "always too late"
    );
    assert!(late.contains("Always too late: even a response at the first moment"));
    assert!(late.contains("Lost in good bottles by the time of the order"));
    let harmless = page(&explained(Vec::new(), None), "harmless");
    assert!(harmless.contains("there was no damage to be in time for"));
    let quick = page(&score(), "quick");
    for id in ["margin", "attribution", "no-return"] {
        assert!(
            !quick.contains(&format!("id=\"{id}\"")),
            "{id} without reruns"
        );
        assert!(
            !quick.contains(&format!("href=\"#{id}\"")),
            "a link to nothing: {id}"
        );
    }
}

#[test]
fn page_when_steps_are_many_and_names_are_long_then_every_label_is_inside() {
    let long = "a name that goes on for very much longer than any drawing is wide ".repeat(4);
    let steps: Vec<_> = (0..120)
        .map(|number| {
            let mut step = step(&format!("s{number}"), 600 + number, 660 + number);
            step.name = format!("{number} {long}");
            step.impact_ns = Some(1000 * S);
            step
        })
        .collect();
    let found = detection::score(&truth(3600, steps), &[alert(605)], &Params::default());
    let runs = FourRuns {
        n: production(2700),
        a: production(2300),
        d: production(2700),
        ad: production(2600),
    };
    let causes: Vec<Named> = (0..40).map(|n| named(&n.to_string(), &long)).collect();
    let without = vec![amounts(2599.0, None); causes.len()];
    let account = Account::leave_one_out(
        &causes,
        amounts(2300.0, None),
        amounts(2600.0, None),
        &without,
    );
    let attribution = Attribution {
        attack: Some(account.clone()),
        defense: Some(account),
    };
    let losses = (0..9).map(|_| loss(&long, 1000, Some(900))).collect();
    let score = Score::new(header(), found, Some(continuity::score(&runs, None)))
        .with_reruns(attribution, Some(margin(losses, None)));
    let page = page(&score, &long);
    check_labels_are_inside(&page);
    assert!(page.contains("24 more together +24; Interaction +260; Whole +300."));
    assert!(page.contains("and 3 more in the table"));
    assert!(!page.contains("NaN") && !page.contains("Money lost"));
}

fn all_pages() -> Vec<String> {
    let empty = detection::score(&truth(3600, vec![]), &[], &Params::default());
    let mut bare = Score::new(header(), empty, None);
    let quiet = page(&bare, "quiet");
    bare.header.tool = None;
    let mut pages = vec![
        page(&explained(two_losses(), Some(0.5)), "all"),
        page(&score(), "quick"),
        quiet,
        html(&ReportData {
            title: "nothing".to_owned(),
            item: "bottle".to_owned(),
            items: "bottles".to_owned(),
            intent: String::new(),
            score: &bare,
            actions: Vec::<ActionMark>::new(),
            impacts: Vec::new(),
            series: Vec::new(),
            events: Vec::new(),
        }),
    ];
    pages.extend(crate::compare::pages());
    pages
}

/// The values of an attribute, in order.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn page_when_read_aloud_then_headings_in_order_drawings_described_and_references_whole() {
    for page in all_pages() {
        let mut level = 0;
        for part in page.split("<h").skip(1) {
            let Some(next) = part.chars().next().and_then(|c| c.to_digit(10)) else {
                continue; // <head>, <header>, <html>
            };
            assert!(next <= level + 1, "h{next} after h{level}");
            level = next;
        }
        let ids = attributes(&page, "id");
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "identifiers are unique");
        for name in ["aria-labelledby", "aria-describedby"] {
            for id in attributes(&page, name) {
                assert!(ids.contains(&id), "{name} refers to nothing: {id}");
            }
        }
        for link in attributes(&page, "href") {
            assert!(ids.contains(&&link[1..]), "a link to nothing: {link}");
        }
        for svg in page.split("<svg ").skip(1) {
            let tag = svg.split('>').next().expect("a tag");
            let named = tag.contains("role=\"img\"") && tag.contains("aria-label=\"");
            assert!(named || tag.contains("aria-hidden=\"true\""), "{tag}");
        }
        for head in page
            .split("<th")
            .skip(1)
            .filter(|part| part.starts_with([' ', '>']))
        {
            assert!(head.starts_with(" scope=\""), "a header cell without scope");
        }
        let depths = page.matches("<div class=\"depth\"").count();
        assert!((3..=4).contains(&depths), "{depths} depths");
    }
}

#[test]
fn evidence_when_a_run_has_no_such_figure_then_no_row_and_never_a_verdict() {
    for page in all_pages() {
        let said = page.to_lowercase();
        for verdict in ["compliant", "compliance", "conform", "certif"] {
            assert!(!said.contains(verdict), "{verdict}");
        }
    }
    let pages = all_pages();
    let (full, nothing) = (&pages[0], &pages[3]);
    for says in [
        "Evidence towards",
        "SR 6.2 Continuous monitoring",
        "2 of 3 attack steps detected",
        "NERC CIP-015 Internal Network Security Monitoring",
        "NERC CIP-008 Incident Reporting and Response Planning",
        "NIS2, Art. 21(2)(f)",
        "secondary source",
    ] {
        assert!(full.contains(says), "the page does not say {says:?}");
    }
    // No safety controller, no spoofed message, no restore: no such row.
    for absent in ["8.36", "8.37", "SR 3.1", "SR 7.4"] {
        assert!(!full.contains(absent), "{absent}");
    }
    assert!(!nothing.contains("id=\"evidence\""));
}

#[test]
fn matrix_when_techniques_are_untested_then_they_are_not_shown_as_missed() {
    let page = page(&score(), "matrix");
    let matrix = page.split("id=\"matrix\"").nth(1).expect("a matrix");
    let matrix = matrix.split("</section>").next().expect("it ends");
    assert!(matrix.contains("Impair Process Control") && matrix.contains("2 of 3 steps seen"));
    assert_eq!(matrix.matches("<code>").count(), 1, "one tested technique");
    assert!(matrix.contains("Not tested in this run: Initial Access"));
}

/// Relative luminance and contrast as WCAG 2.1 defines them.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |colour: &str| {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
            let share = f64::from(value) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(a), luminance(b));
    let (light, dark) = if a > b { (a, b) } else { (b, a) };
    (light + 0.05) / (dark + 0.05)
}

#[test]
fn palette_when_light_or_dark_then_texts_have_contrast() {
    assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 1e-9);
    let style = include_str!("../../src/report/style.css");
    let themes: Vec<BTreeMap<&str, &str>> = style
        .split(":root {")
        .skip(1)
        .map(|block| {
            let block = block.split('}').next().expect("a block ends");
            block
                .split(';')
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.trim(), value.trim()))
                .filter(|(name, _)| name.starts_with("--"))
                .collect()
        })
        .collect();
    assert_eq!(themes.len(), 2, "a light and a dark theme");
    for theme in &themes {
        let check = |name: &str, behind: &str, least: f64| {
            let found = contrast(theme[name], theme[behind]);
            assert!(found >= least, "{name} on {behind}: {found:.2}");
        };
        for behind in ["--bg", "--card", "--note"] {
            check("--fg", behind, 4.5);
        }
        for name in [
            "--dim", "--link", "--pass", "--fail", "--true", "--false", "--action",
        ] {
            check(name, "--bg", 4.5);
            check(name, "--card", 4.5);
        }
        check("--fg", "--in-time", 4.5);
        // Marks are no text: WCAG 2.1, 1.4.11 asks for 3 to 1.
        for name in [
            "--attack", "--impact", "--other", "--actual", "--twin", "--shown", "--level",
        ] {
            check(name, "--bg", 3.0);
        }
    }
}
