//! Two scored runs beside each other: what a difference rests on, and what is said where it rests on nothing.

use std::collections::BTreeMap;

use crate::common::{S, alert_on, header, production, score, step, truth};
use crate::compare::{amounts, compared, explained, facts, figure, other, page};
use twinrange_score::attribution::{Account, Attribution, Named};
use twinrange_score::compare::{Facts, LostLess, Outside, Which};
use twinrange_score::continuity::{self, FourRuns, Run};
use twinrange_score::detection::{self, Params};
use twinrange_score::figure::Figure;
use twinrange_score::score::{Clock, Score};

#[test]
fn files_when_they_differ_where_no_eye_sees_it_then_they_differ_all_the_same() {
    let (one, two) = (score(), other(production(2700), production(2690)));
    let check = |a: &str, b: &str, shown: [&str; 2]| {
        let [first, second] = [a, b].map(|text| {
            let files = BTreeMap::from([("plant.ron".to_owned(), text.to_owned())]);
            Facts {
                files,
                ..facts("a")
            }
        });
        let found = compared((&one, &first), (&two, &second));
        let setting = found.settings.iter().find(|s| s.setting == "files");
        let setting = setting.expect("it is there");
        assert!(
            !setting.same && !found.only_the_defense && !found.same_shift,
            "{a:?} and {b:?}"
        );
        assert_eq!([setting.first.as_str(), setting.second.as_str()], shown);
        assert_eq!(found.parted_ns, None);
    };
    // The line is the same but for a comma, a space and the form of its end.
    check(
        "a: 1,\n",
        "a: 1\n",
        ["plant.ron line 1: \"a: 1,\"", "plant.ron line 1: \"a: 1\""],
    );
    check(
        "a: 1\n",
        "  a: 1\n",
        ["plant.ron line 1: \"a: 1\"", "plant.ron line 1: \"  a: 1\""],
    );
    check(
        "a: 1\n",
        "a: 1\r\n",
        [
            "plant.ron line 1: \"a: 1\"",
            "plant.ron line 1: \"a: 1\\r\"",
        ],
    );
    check(
        "a: 1",
        "a: 1\n",
        [
            "plant.ron line 2: nothing more",
            "plant.ron line 2: an empty line",
        ],
    );
    // It differs behind the first 80 characters of a long line, and is shown around that place.
    let long = |value: &str| format!("{}{value}{}", "x".repeat(200), "y".repeat(200));
    let cut = |value: &str| {
        let (before, after) = ("x".repeat(40), "y".repeat(40 - value.len()));
        format!("plant.ron line 1: …{before}{value}{after}…")
    };
    check(&long("30"), &long("60"), [&cut("30"), &cut("60")]);
}

#[test]
fn settings_when_they_differ_by_less_than_is_shown_of_times_then_they_differ() {
    let (one, mut two) = (score(), other(production(2700), production(2690)));
    two.detection.params.gap_ns += 1_000_000;
    let found = compared((&one, &facts("a")), (&two, &facts("b")));
    let setting = found.settings.iter().find(|s| s.setting == "scoring");
    let setting = setting.expect("it is there");
    assert!(!setting.same && !found.only_the_defense);
    assert_ne!(setting.first, setting.second);
}

#[test]
fn live_runs_when_their_clients_or_clocks_differ_then_more_than_the_defense_differs() {
    let (one, mut two) = (score(), other(production(2700), production(2690)));
    let live = |digest: &str| Facts {
        outside: Some(Outside {
            port: "10.20.1.254 on network cell".to_owned(),
            count: 12,
            digest: digest.repeat(32),
        }),
        ..facts("live")
    };
    let alike = compared((&one, &live("ab")), (&two, &live("ab")));
    assert!(alike.only_the_defense && alike.same_shift && alike.warnings.is_empty());
    for elsewhere in [live("cd"), facts("quiet")] {
        let found = compared((&one, &live("ab")), (&two, &elsewhere));
        assert!(!found.only_the_defense && !found.same_shift);
        assert_eq!(found.parted_ns, None);
        assert!(
            found.warnings[0].contains("First: 12 inputs through 10.20.1.254 on network cell"),
            "{:?}",
            found.warnings
        );
    }
    // The wall clock repeats nothing, so not even the same inputs make one shift of two.
    two.header.clock = Clock::Wall;
    let mut both = one.clone();
    both.header.clock = Clock::Wall;
    for first in [&one, &both] {
        let found = compared((first, &live("ab")), (&two, &live("ab")));
        assert!(!found.only_the_defense && !found.same_shift);
        let page = page((first, &live("ab")), (&two, &live("ab")));
        assert!(!page.contains("caused by"), "no cause is claimed");
        assert!(!page.contains("the same attacked shift"));
    }
}

#[test]
fn postures_when_they_differ_then_nothing_is_favoured_and_nobody_lost_less() {
    let one = score();
    let two = other(
        production(2690),
        Run::Missing("it was not attacked".to_owned()),
    );
    let quiet = Facts {
        attack: false,
        ..facts("b")
    };
    let found = compared((&one, &facts("a")), (&two, &quiet));
    let lost = figure(&found.losses, "good_parts_lost");
    assert_eq!((lost.difference.value, lost.favours), (Some(-90.0), None));
    for figure in [&found.losses, &found.production, &found.detection]
        .into_iter()
        .flatten()
    {
        assert_eq!(figure.favours, None, "{}", figure.figure);
    }
    assert_eq!(found.lost_less, LostLess::Unknown);
    let page = page((&one, &facts("a")), (&two, &quiet));
    for says in [
        "Neither can be said to: only one of the two was attacked.",
        "Neither run broke any limit that its unattacked twin keeps.",
        "<dd class=\"big\">90 less</dd>",
    ] {
        assert!(page.contains(says), "the page does not say {says:?}");
    }
}

#[test]
fn detection_times_when_other_steps_ran_then_only_those_that_both_saw_are_compared() {
    let ids = ["a", "b", "c"];
    let steps = |count: usize| {
        let ids = ids.iter().take(count).enumerate();
        ids.map(|(at, id)| step(id, 600 + 300 * at as u64, 660 + 300 * at as u64))
            .collect()
    };
    let scored = |count: usize, alerts: &[u64]| {
        let alerts: Vec<_> = alerts.iter().map(|&at| alert_on(at, "target")).collect();
        let found = detection::score(&truth(3600, steps(count)), &alerts, &Params::default());
        Score::new(header(), found, None)
    };
    // The first sees a, b and c after 5, 9 and 50 s; with the second c does not run, and a and b are seen after 6 s.
    let (one, two) = (scored(3, &[605, 909, 1250]), scored(2, &[606, 906]));
    let found = compared((&one, &facts("a")), (&two, &facts("b")));
    let own = figure(&found.detection, "time_to_detect_s");
    assert_eq!((own.first.value, own.second.value), (Some(9.0), Some(6.0)));
    assert_eq!((own.difference.value, own.favours), (None, None));
    let both = figure(&found.detection, "time_to_detect_both_s");
    assert_eq!(
        (both.first.value, both.second.value),
        (Some(7.0), Some(6.0))
    );
    assert_eq!(both.favours, Some(Which::Second));
    // Three are more than two, and say nothing for the first: the second had no third to see.
    let seen = figure(&found.detection, "steps_detected");
    assert_eq!((seen.difference.value, seen.favours), (Some(-1.0), None));
    // Each has a lane of its own in the drawings, since the attack did not go alike.
    let lanes = |second: &Score| {
        let page = page((&one, &facts("a")), (second, &facts("b")));
        let process = &page[page.find("<section id=\"process\"").expect("it is there")..];
        let process = &process[..process.find("</section>").expect("it ends")];
        process.matches(">Attack (truth)</text>").count()
    };
    assert!(lanes(&one) > 0);
    assert_eq!(lanes(&two), 2 * lanes(&one));
    let nobody = scored(2, &[]);
    let found = compared((&one, &facts("a")), (&nobody, &facts("b")));
    let both = figure(&found.detection, "time_to_detect_both_s");
    assert_eq!((both.first.value, both.favours), (None, None));
}

#[test]
fn loss_when_it_was_always_too_late_then_an_alert_is_not_called_missing() {
    let late = |score: Score| {
        let mut score = explained(score, 900, false);
        let margin = score.margin.as_mut().expect("it has one");
        let mut never = margin.losses[0].clone();
        never.id = "spill".to_owned();
        never.label = "spilled".to_owned();
        never.point_of_no_return_ns = None;
        margin.losses.push(never);
        score
    };
    let (one, two) = (score(), other(production(2700), production(2690)));
    let (one, two) = (late(one), late(two));
    let page = page((&one, &facts("a")), (&two, &facts("b")));
    for says in [
        "alert always too late; no action against it",
        "For 1 of the 2 losses even a response at the first moment is too late.",
    ] {
        assert!(page.contains(says), "the page does not say {says:?}");
    }
}

#[test]
fn losses_when_unknown_or_time_in_danger_then_said_in_their_own_words() {
    let in_danger = |good: u64, unsafe_s: f64| match production(good) {
        Run::Made(made) => Run::Made(continuity::Production { unsafe_s, ..made }),
        missing => missing,
    };
    let with = |n: Run, ad: Run| {
        let runs = FourRuns {
            n,
            a: production(2300),
            d: production(2700),
            ad,
        };
        let mut score = score();
        score.continuity = Some(continuity::score(&runs, None));
        score
    };
    let n = || in_danger(2700, 20.0);
    let (one, two) = (
        with(n(), in_danger(2700, 50.0)),
        with(n(), in_danger(2700, 8.0)),
    );
    let written = page((&one, &facts("a")), (&two, &facts("b")));
    for says in [
        ": 42\u{a0}s less in danger.",
        "lost nothing and was 30\u{a0}s longer in danger;",
        "lost nothing and was 12\u{a0}s less in danger.",
    ] {
        assert!(written.contains(says), "the page does not say {says:?}");
    }
    assert!(!written.contains("gained"), "less danger is no gain of it");

    // Equal in parts, and the other losses are not known of the second.
    let mut unknown = with(n(), in_danger(2700, 50.0));
    let found = unknown.continuity.as_mut().expect("it has runs");
    let missing = Figure::undefined("it was not counted");
    found.production_s.residual_damage = missing.clone();
    found.unsafe_s.residual_damage = missing;
    let written = page((&one, &facts("a")), (&unknown, &facts("b")));
    for says in [
        "Neither, as far as it is known: equal in good bottles. Not compared: production time and time in danger.",
        "lost nothing that is known (production time and time in danger not known).",
    ] {
        assert!(written.contains(says), "the page does not say {says:?}");
    }
    assert!(!written.contains("lost exactly the same"));
}

#[test]
fn account_when_causes_do_something_only_together_then_the_table_has_the_interaction() {
    let named = |id: &str| Named {
        id: id.to_owned(),
        label: format!("what {id} does"),
        t_ns: 600 * S,
    };
    let with = |score: Score, whole: f64| {
        let account = Account::leave_one_out(
            &[named("a"), named("b")],
            amounts(2700.0),
            amounts(whole),
            &[2600.0, 2700.0].map(amounts),
        );
        let attribution = Attribution {
            attack: Some(account),
            defense: None,
        };
        score.with_reruns(attribution, None)
    };
    let one = with(score(), 2300.0);
    let two = with(other(production(2700), production(2690)), 2290.0);
    let found = compared((&one, &facts("a")), (&two, &facts("b")));
    let pair = found.attack_account.as_ref().expect("both have one");
    let interaction = pair.interaction[0].expect("the first has one").good_parts;
    assert!(interaction != 0.0);
    let written = page((&one, &facts("a")), (&two, &facts("b")));
    let table = &written[written.find("Causes of both runs").expect("it is there")..];
    let table = &table[..table.find("</table>").expect("it ends")];
    assert!(table.contains("Interaction"), "{table}");
}
