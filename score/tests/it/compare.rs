//! Two scored runs beside each other: directions, equal runs, missing pieces, and the page.

use std::collections::BTreeMap;

use crate::common::{S, alert_on, header, prices, production, score, step, truth};
use crate::reports::check_labels_are_inside;
use twinrange_score::attribution::{Account, Amounts, Attribution, Named};
use twinrange_score::compare::{
    Beside, Facts, Fate, Incomparable, Limit, LostLess, Side, TwoRuns, Unit, Which,
};
use twinrange_score::continuity::{self, FourRuns, Prices, Run};
use twinrange_score::detection::{self, Outcome, Params};
use twinrange_score::gate::Gate;
use twinrange_score::margin::{Loss, Margin, Point};
use twinrange_score::report::compare::{CompareData, Total, html};
use twinrange_score::report::{ActionMark, ReportData, Series};
use twinrange_score::score::Score;

pub(crate) fn facts(folder: &str) -> Facts {
    Facts {
        folder: folder.to_owned(),
        build: "0.1.0".to_owned(),
        files: BTreeMap::from([
            (
                "plant.ron".to_owned(),
                "Plant(\n  speed: 60,\n)\n".to_owned(),
            ),
            (
                "scenario.ron".to_owned(),
                "Scenario(\n  approval_s: 30.0,\n)\n".to_owned(),
            ),
        ]),
        playbook: Some("../attacks/underfill.ron".to_owned()),
        attack: true,
        outside: None,
        defense: Some("reference".to_owned()),
        first_action_ns: None,
        actions: 0,
        limits: Ok(Vec::new()),
    }
}

/// [`score`] with other runs D and AD, of another defense and another run.
pub(crate) fn other(d: Run, ad: Run) -> Score {
    let mut other = score();
    let runs = FourRuns {
        n: production(2700),
        a: production(2300),
        d,
        ad,
    };
    other.continuity = Some(continuity::score(&runs, Some(&prices())));
    other.header.run_digest = "ef".repeat(32);
    if let Some(tool) = &mut other.header.tool {
        tool.name = "acting".to_owned();
    }
    other
}

pub(crate) fn compared(first: (&Score, &Facts), second: (&Score, &Facts)) -> TwoRuns {
    let side = |(score, facts)| Side { score, facts };
    TwoRuns::of(side(first), side(second), Some(700 * S)).expect("they can be compared")
}

pub(crate) fn figure<'a>(all: &'a [Beside], name: &str) -> &'a Beside {
    all.iter()
        .find(|figure| figure.figure == name)
        .unwrap_or_else(|| panic!("there is no {name}"))
}

#[test]
fn difference_when_the_second_is_better_then_second_less_first_and_turned_round_the_other_sign() {
    let (one, two) = (score(), other(production(2700), production(2690)));
    let (a, b) = (facts("a"), facts("b"));
    let check = |found: &TwoRuns, sign: f64, favours: Which, lost_less: LostLess| {
        let value = |all: &[Beside], name: &str| figure(all, name).difference.value;
        // 2,600 good parts against 2,690, at 0.50 each.
        assert_eq!(value(&found.production, "good_parts"), Some(90.0 * sign));
        assert_eq!(value(&found.losses, "good_parts_lost"), Some(-90.0 * sign));
        assert_eq!(value(&found.losses, "money_lost"), Some(-45.0 * sign));
        assert_eq!(value(&found.production, "worth"), Some(45.0 * sign));
        for (all, name) in [
            (&found.production, "good_parts"),
            (&found.production, "oee"),
            (&found.losses, "good_parts_lost"),
            (&found.losses, "money_lost"),
        ] {
            assert_eq!(figure(all, name).favours, Some(favours), "{name}");
        }
        assert_eq!(found.lost_less, lost_less);
        // The runs without a defense are the same for both, and in no difference.
        let good = figure(&found.production, "good_parts");
        assert_eq!((good.quiet, good.undefended), (Some(2700.0), Some(2300.0)));
        assert_eq!(
            figure(&found.losses, "good_parts_lost").undefended,
            Some(400.0)
        );
        assert!(found.only_the_defense && found.warnings.is_empty());
        assert_eq!(found.parted_ns, Some(700 * S));
    };
    let found = compared((&one, &a), (&two, &b));
    check(&found, 1.0, Which::Second, LostLess::Second);
    assert_eq!(
        figure(&found.losses, "good_parts_lost").first.value,
        Some(100.0)
    );
    assert_eq!(
        figure(&found.losses, "good_parts_lost").second.value,
        Some(10.0)
    );
    assert_eq!(
        (found.first.label.as_str(), found.second.label.as_str()),
        ("reference", "acting")
    );
    check(
        &compared((&two, &b), (&one, &a)),
        -1.0,
        Which::First,
        LostLess::First,
    );
}

#[test]
fn runs_when_equal_then_no_difference_favours_anybody_and_it_is_said_that_they_are_one() {
    let one = score();
    let found = compared((&one, &facts("a")), (&one, &facts("a")));
    let all = found
        .losses
        .iter()
        .chain(&found.production)
        .chain(&found.detection)
        .chain(&found.alarm_load);
    for figure in all {
        assert_eq!(figure.favours, None, "{}", figure.figure);
        assert!(
            figure.difference.value.is_none_or(|value| value == 0.0),
            "{figure:?}"
        );
    }
    assert_eq!(found.lost_less, LostLess::Equal);
    assert!(found.only_the_defense && found.settings.iter().all(|setting| setting.same));
    assert!(
        found.warnings[0].contains("one and the same run"),
        "{:?}",
        found.warnings
    );
    assert_eq!(found.first.label, "reference (first)");
    assert_eq!(found.second.label, "reference (second)");
    assert!(found.steps.iter().all(|step| step.only.is_none()));
}

#[test]
fn pieces_when_missing_then_no_difference_and_the_reason() {
    let one = score();
    let mut bare = other(production(2700), Run::Missing("it crashed".to_owned()));
    let mut unknown = facts("b");
    unknown.limits = Err("it was made without its unattacked twin".to_owned());
    let found = compared((&one, &facts("a")), (&bare, &unknown));
    let lost = figure(&found.losses, "good_parts_lost");
    assert_eq!((lost.first.value, lost.second.value), (Some(100.0), None));
    let why = lost.difference.undefined.as_deref().expect("a reason");
    assert!(
        why.contains("second run") && why.contains("it crashed"),
        "{why}"
    );
    assert_eq!(lost.favours, None);
    assert_eq!(found.lost_less, LostLess::Unknown);
    // The first has no D: the tax is the second's alone.
    let tax = figure(&found.detection, "uptime_tax_percent");
    assert_eq!((tax.first.value, tax.second.value), (None, Some(0.0)));
    assert!(
        found
            .limits_unknown
            .expect("a reason")
            .contains("of the second")
    );
    assert!(
        found.margin.is_none() && found.attack_account.is_none() && found.defense_account.is_none()
    );

    bare.continuity = None;
    bare.alarm_load = None;
    let found = compared((&one, &facts("a")), (&bare, &facts("b")));
    let good = figure(&found.production, "good_parts");
    assert_eq!((good.quiet, good.difference.value), (None, None));
    assert!(
        good.difference
            .undefined
            .as_deref()
            .expect("a reason")
            .contains("counterfactual")
    );
    let alarms = figure(&found.alarm_load, "alarms");
    assert!(alarms.first.value.is_some() && alarms.second.value.is_none());
}

#[test]
fn losses_when_each_is_better_in_one_then_neither_lost_less() {
    let one = score();
    let more_but_slower = match production(2690) {
        Run::Made(made) => Run::Made(continuity::Production {
            actual_production_s: 2900.0,
            ..made
        }),
        missing => missing,
    };
    let two = other(production(2700), more_but_slower);
    let found = compared((&one, &facts("a")), (&two, &facts("b")));
    assert_eq!(found.lost_less, LostLess::Mixed);
    let time = figure(&found.losses, "production_s_lost");
    assert_eq!(
        (time.difference.value, time.favours),
        (Some(100.0), Some(Which::First))
    );
    let down = figure(&found.production, "downtime_s");
    assert_eq!(
        (down.first.value, down.second.value),
        (Some(600.0), Some(700.0))
    );
    assert_eq!(
        (down.unit, down.favours),
        (Unit::Seconds, Some(Which::First))
    );
}

#[test]
fn prices_when_they_differ_then_money_stands_and_is_not_compared() {
    let one = score();
    let mut two = other(production(2700), production(2690));
    let dearer = Prices {
        good_item: 0.6,
        ..prices()
    };
    let runs = FourRuns {
        n: production(2700),
        a: production(2300),
        d: production(2700),
        ad: production(2690),
    };
    two.continuity = Some(continuity::score(&runs, Some(&dearer)));
    let found = compared((&one, &facts("a")), (&two, &facts("b")));
    let money = figure(&found.losses, "money_lost");
    assert!(money.first.value.is_some() && money.second.value.is_some());
    assert_eq!((money.difference.value, money.favours), (None, None));
    // Parts still are.
    assert_eq!(found.lost_less, LostLess::Second);
    assert!(!found.only_the_defense);
    assert!(
        found.warnings[0].contains("prices (EUR: good 0.5"),
        "{:?}",
        found.warnings
    );
}

#[test]
fn steps_when_fates_differ_then_only_a_step_that_ran_in_both_counts_as_missed() {
    // a: both; b: only the first; c: only the second; d: the second prevented it; e: in the first alone.
    let first = detection::score(
        &truth(
            3600,
            ["a", "b", "c", "d", "e"]
                .iter()
                .enumerate()
                .map(|(at, id)| step(id, 600 + 300 * at as u64, 660 + 300 * at as u64))
                .collect(),
        ),
        &[
            alert_on(605, "target"),
            alert_on(905, "target"),
            alert_on(1505, "target"),
        ],
        &Params::default(),
    );
    let mut steps: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .enumerate()
        .map(|(at, id)| step(id, 600 + 300 * at as u64, 660 + 300 * at as u64))
        .collect();
    steps[3].outcome = Outcome::NotReached;
    let second = detection::score(
        &truth(3600, steps),
        &[alert_on(610, "target"), alert_on(1207, "target")],
        &Params::default(),
    );
    let scored = |found| Score::new(header(), found, None);
    let (one, two) = (scored(first), scored(second));
    let found = compared((&one, &facts("a")), (&two, &facts("b")));
    let told: Vec<_> = found
        .steps
        .iter()
        .map(|step| {
            (
                step.id.as_str(),
                step.first.fate,
                step.second.fate,
                step.only,
            )
        })
        .collect();
    use Fate::{Absent, Detected, Missed, NeverRan};
    assert_eq!(
        told,
        [
            ("a", Detected, Detected, None),
            ("b", Detected, Missed, Some(Which::First)),
            ("c", Missed, Detected, Some(Which::Second)),
            ("d", Detected, NeverRan, None),
            ("e", Missed, Absent, None),
        ]
    );
    let step = &found.steps[0];
    let times = [&step.first, &step.second].map(|side| side.time_to_detect_s);
    assert_eq!(times, [Some(5.0), Some(10.0)]);
    assert_eq!(found.seen_only_by(Which::Second).count(), 1);
}

#[test]
fn runs_when_scenario_or_length_differ_then_refused() {
    let one = score();
    let refused = |change: &dyn Fn(&mut Score)| {
        let mut two = score();
        change(&mut two);
        let (a, b) = (facts("a"), facts("b"));
        let side = |score, facts| Side { score, facts };
        TwoRuns::of(side(&one, &a), side(&two, &b), None).expect_err("they cannot be compared")
    };
    let scenario = refused(&|s| s.header.scenario = "bottling/jam".to_owned());
    assert!(matches!(&scenario, Incomparable::Scenario { second, .. } if second == "bottling/jam"));
    let length = refused(&|s| s.header.duration_s = 1800.0);
    assert_eq!(
        length.to_string(),
        "the first goes on for 3600 s and the second for 1800 s"
    );
}

#[test]
fn settings_when_more_than_the_defense_differs_then_loudly_said() {
    let (one, mut two) = (score(), other(production(2700), production(2690)));
    two.header.seed = 43;
    let mut changed = facts("b");
    changed.files.insert(
        "scenario.ron".to_owned(),
        "Scenario(\n  approval_s: 600.0,\n)\n".to_owned(),
    );
    let found = compared((&one, &facts("a")), (&two, &changed));
    assert!(!found.only_the_defense);
    assert_eq!(found.parted_ns, None, "they differ from the beginning");
    let differ: Vec<&str> = found
        .settings
        .iter()
        .filter(|setting| !setting.same && !setting.of_the_defense)
        .map(|setting| setting.setting.as_str())
        .collect();
    assert_eq!(differ, ["files", "seed"]);
    let said = found.warnings.join(" ");
    for says in [
        "The seeds differ (42 and 43)",
        "First: scenario.ron line 2: approval_s: 30.0. Second: scenario.ron line 2: approval_s: 600.0.",
    ] {
        assert!(said.contains(says), "{says:?} is not in {said:?}");
    }

    let mut quiet = facts("b");
    quiet.attack = false;
    let two = other(
        production(2650),
        Run::Missing("this run was made without the attack".to_owned()),
    );
    let found = compared((&one, &facts("a")), (&two, &quiet));
    assert!(found.warnings[0].contains("played in the first run and not played in the second"));
    // Each by the run that its folder holds: AD of the first, D of the second.
    let good = figure(&found.production, "good_parts");
    assert_eq!(
        (good.first.value, good.second.value),
        (Some(2600.0), Some(2650.0))
    );
    assert_eq!(good.undefended, None);
}

pub(crate) fn amounts(good_parts: f64) -> Amounts {
    Amounts {
        good_parts,
        oee: Some(good_parts / 3000.0),
        safe_s: 0.0,
        money: Some(0.5 * good_parts),
    }
}

fn margin(last_s: u64) -> Margin {
    let loss = Loss {
        id: "underfill".to_owned(),
        label: "underfilled <bottles> shipped".to_owned(),
        impact_ns: 1000 * S,
        steps: vec!["b".to_owned()],
        point_of_no_return_ns: Some(last_s * S),
        alert_margin_s: None,
        action_margin_s: None,
    };
    Margin {
        response: "contain vendor-laptop".to_owned(),
        resolution_s: 5.0,
        runs: 12,
        attack_ns: 600 * S,
        unanswered: amounts(400.0),
        first_alert_ns: None,
        first_action_ns: None,
        losses: vec![loss],
        curve: [600_u64, 800, 1000]
            .iter()
            .map(|&at_s| Point {
                ordered_ns: at_s * S,
                lost: amounts((at_s - 600) as f64),
                violated: Vec::new(),
            })
            .collect(),
    }
}

pub(crate) fn explained(score: Score, last_s: u64, defended: bool) -> Score {
    let named = |id: &str| Named {
        id: id.to_owned(),
        label: format!("what {id} does"),
        t_ns: 600 * S,
    };
    let attack = Account::shapley(
        &[named("a"), named("b")],
        &[2700.0, 2700.0, 2400.0, 2300.0].map(amounts),
    );
    let defense = defended.then(|| {
        Account::shapley(
            &[named("contain vendor-laptop")],
            &[2300.0, 2690.0].map(amounts),
        )
    });
    let attribution = Attribution {
        attack: Some(attack),
        defense,
    };
    score.with_reruns(attribution, Some(margin(last_s)))
}

#[test]
fn margin_when_only_one_was_asked_then_it_holds_for_both_and_each_has_its_own_distance() {
    let one = score();
    let two = explained(other(production(2700), production(2690)), 900, true);
    let (a, mut b) = (facts("a"), facts("b"));
    b.first_action_ns = Some(650 * S);
    let found = compared((&one, &a), (&two, &b));
    let pair = found.margin.expect("one has a margin");
    assert_eq!((pair.shared, pair.taken_from), (true, Some(Which::Second)));
    let placed = [&pair.losses[0].first, &pair.losses[0].second].map(|side| {
        let side = side.as_ref().expect("the loss is in both");
        (side.alert_margin_s, side.action_margin_s)
    });
    // Both alert at 605 s; only the second acts.
    assert_eq!(placed, [(Some(295.0), None), (Some(295.0), Some(250.0))]);
    let defense = found.defense_account.expect("one has an account");
    assert_eq!(defense.causes[0].first, None);
    assert_eq!(defense.whole[1].expect("a whole").good_parts, 390.0);

    // With another seed the attack is not the same, so nothing is taken over.
    let mut elsewhere = two.clone();
    elsewhere.header.seed = 43;
    assert_eq!(compared((&one, &a), (&elsewhere, &b)).margin, None);
    let other_day = explained(one.clone(), 950, false);
    let pair = compared((&other_day, &a), (&elsewhere, &b))
        .margin
        .expect("both have one");
    assert!(!pair.shared && pair.taken_from.is_none());
}

fn side<'a>(score: &'a Score, actions: Vec<ActionMark>, level: f64) -> ReportData<'a> {
    let t_s: Vec<f64> = (0..3600).map(f64::from).collect();
    ReportData {
        title: "Slow <underfill>".to_owned(),
        item: "bottle".to_owned(),
        items: "bottles".to_owned(),
        intent: String::new(),
        score,
        actions,
        impacts: Vec::new(),
        series: vec![Series {
            name: "Level".to_owned(),
            unit: "m".to_owned(),
            actual: t_s.iter().map(|t| level + t / 3600.0).collect(),
            twin: None,
            shown: None,
            t_s,
        }],
        events: Vec::new(),
    }
}

fn total(rate: f64) -> Total {
    Total {
        t_s: (0..=3600).map(f64::from).collect(),
        good: (0..=3600).map(|t| f64::from(t) * rate).collect(),
    }
}

/// The page of two runs without actions.
pub(crate) fn page(first: (&Score, &Facts), second: (&Score, &Facts)) -> String {
    html(&CompareData {
        two: &compared(first, second),
        first: side(first.0, Vec::new(), 0.2),
        second: side(second.0, Vec::new(), 0.3),
        totals: None,
    })
}

/// A full comparison, and one of two runs with nothing in them.
pub(crate) fn pages() -> Vec<String> {
    let gates = Gate::parse("recall >= 0.9").expect("a gate");
    let one = explained(score(), 900, false).with_gates(&gates);
    let two = explained(other(production(2700), production(2690)), 900, true);
    let (mut a, mut b) = (facts("runs/<a>"), facts("runs/b"));
    b.first_action_ns = Some(650 * S);
    a.limits = Ok(vec![Limit {
        id: "underfill".to_owned(),
        label: "underfilled <bottles> shipped".to_owned(),
        t_ns: 1000 * S,
    }]);
    let full = compared((&one, &a), (&two, &b));
    let action = ActionMark {
        start_ns: 685 * S,
        end_ns: None,
        action: "contain".to_owned(),
        target: "<img src=x>".to_owned(),
        consequence: "the host is off the network".to_owned(),
    };
    let page = html(&CompareData {
        two: &full,
        first: side(&one, Vec::new(), 0.2),
        second: side(&two, vec![action], 0.3),
        totals: Some([total(0.7), total(0.8)]),
    });

    let empty = detection::score(&truth(3600, vec![]), &[], &Params::default());
    let mut bare = Score::new(header(), empty, None);
    bare.header.tool = None;
    let none = Facts {
        attack: false,
        playbook: None,
        defense: None,
        ..facts("c")
    };
    let nothing = compared((&bare, &none), (&bare, &none));
    let quiet = html(&CompareData {
        two: &nothing,
        first: ReportData {
            series: Vec::new(),
            ..side(&bare, Vec::new(), 0.0)
        },
        second: side(&bare, Vec::new(), 0.0),
        totals: None,
    });
    vec![page, quiet]
}

#[test]
fn page_when_written_then_both_stand_beside_each_other_self_contained_and_escaped() {
    let pages = pages();
    let page = &pages[0];
    for id in [
        "summary",
        "same",
        "margin",
        "figures",
        "gates",
        "timeline",
        "killchain",
        "alarm-load",
        "false-alarms",
        "no-return",
        "output",
        "continuity",
        "impacts",
        "process",
        "actions",
        "attribution",
        "evidence",
        "provenance",
        "care",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    for says in [
        "In this pair <strong>acting lost less</strong> than <em>reference</em>: <strong>90 good bottles</strong> and \
         EUR 45 less.",
        "one pair never separates two defenses",
        "Up to 06:11:40 the plant does exactly the same in both.",
        "<em>reference</em> alerted 4 min 55 s in time and did not act.",
        "<em>acting</em> alerted 4 min 55 s in time and acted 4 min 10 s in time.",
        "alert of reference 4 min 55 s in time; alert of acting 4 min 55 s in time; action of acting 4 min 10 s in time",
        "Nothing but the defense and its alerts differs",
        "broken at 06:16:40",
        "reference took no action.",
        "Good bottles [bottles/min]: acting 48 to 48, reference 42 to 42.",
        "Good bottles made: quiet shift 2,700, attacked, nobody defends 2,300, reference 2,600, acting 2,690.",
        "underfilled &lt;bottles&gt; shipped",
    ] {
        assert!(page.contains(says), "the page does not say {says:?}");
    }
    assert!(pages[1].contains("Neither run broke any of the limits"));
    assert!(pages[1].contains("Nobody was watching in either run."));
    for page in &pages {
        check_labels_are_inside(page);
        for outside in [
            "http:", "https:", "<script", "<img", "url(//", "@import", "NaN", "Infinity",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        for tag in [
            "section", "table", "tr", "td", "th", "div", "ul", "li", "dl", "svg", "p", "main",
        ] {
            let open = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
