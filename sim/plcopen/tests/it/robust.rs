//! Whatever the input, there is an answer.

use proptest::prelude::*;

use crate::invariants::check_project;
use crate::support::{
    FILLING, STARTER, block, coil, contact, derived, element, input, output, project, rail,
    statements,
};

/// The parts of a project between its tags and texts, to be moved about.
fn pieces(xml: &str) -> Vec<&str> {
    xml.split_inclusive('>').collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn import_when_given_any_text_then_does_not_panic(text in "[<>/a-z \"=&;!\\[\\]é]{0,200}") {
        check_project(&text);
    }

    #[test]
    fn import_when_pieces_are_exchanged_then_does_not_panic(
        chart in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let xml = if chart { FILLING } else { STARTER };
        let mut all = pieces(xml);
        for (from, to) in changes {
            let (from, to) = (from.index(all.len()), to.index(all.len()));
            all.swap(from, to);
        }
        check_project(&all.concat());
    }

    #[test]
    fn import_when_values_are_exchanged_then_does_not_panic(
        chart in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
        odd in prop::sample::select(vec!["", "0", "1", "-1", "99999999999999999999", "é", "(*", "'", "true", "a b", ";", "{x}"]),
    ) {
        let xml = if chart { FILLING } else { STARTER };
        let mut parts: Vec<String> = xml.split('"').map(str::to_owned).collect();
        let values = parts.len() / 2;
        for (number, (from, to)) in changes.into_iter().enumerate() {
            let (from, to) = (from.index(values) * 2 + 1, to.index(values) * 2 + 1);
            // Every other change puts in a value that no editor writes.
            parts[to] = if number % 2 == 0 { parts[from].clone() } else { odd.to_owned() };
        }
        check_project(&parts.join("\""));
    }

    #[test]
    fn import_when_cut_off_then_does_not_panic(chart in any::<bool>(), at in any::<prop::sample::Index>()) {
        let xml = if chart { FILLING } else { STARTER };
        check_project(&xml[..xml.floor_char_boundary(at.index(xml.len()))]);
    }
}

#[test]
fn import_when_a_row_is_very_long_then_is_refused_and_not_followed() {
    let mut body = String::from("<leftPowerRail localId=\"1\"/>");
    for id in 2..3000 {
        body.push_str(&format!(
            "<contact localId=\"{id}\"><connectionPointIn><connection refLocalId=\"{}\"/></connectionPointIn>\
             <variable>a</variable></contact>",
            id - 1
        ));
    }
    body.push_str(
        "<coil localId=\"3000\"><connectionPointIn><connection refLocalId=\"2999\"/></connectionPointIn>\
         <variable>a</variable></coil>",
    );
    let xml = crate::support::project("a", "", "", &format!("<body><LD>{body}</LD></body>"));
    let found = sim_plcopen::import(&xml, "p.xml").expect_err("it is too long");
    assert_eq!(found[0].code, "PX0303");
}

#[test]
fn import_when_branches_meet_again_and_again_then_its_text_stays_short() {
    // Each stage has two branches that meet; written out, 60 stages would have 2^60 ways.
    let mut body = String::from(
        "<leftPowerRail localId=\"1\"/><contact localId=\"2\"><connectionPointIn><connection refLocalId=\"1\"/></connectionPointIn><variable>a</variable></contact><contact localId=\"3\"><connectionPointIn><connection refLocalId=\"1\"/></connectionPointIn><variable>b</variable></contact>",
    );
    for stage in 1..60 {
        let (left, right) = (2 * stage, 2 * stage + 1);
        for (id, name) in [(left + 2, "a"), (right + 2, "b")] {
            body.push_str(&format!(
                "<contact localId=\"{id}\"><connectionPointIn><connection refLocalId=\"{left}\"/>\
                 <connection refLocalId=\"{right}\"/></connectionPointIn><variable>{name}</variable></contact>"
            ));
        }
    }
    body.push_str(
        "<coil localId=\"500\"><connectionPointIn><connection refLocalId=\"120\"/></connectionPointIn>\
         <variable>m</variable></coil>",
    );
    let xml = crate::support::project("a b m", "", "", &format!("<body><LD>{body}</LD></body>"));
    let import = sim_plcopen::import(&xml, "p.xml").expect("it is right");
    assert!(import.text().len() < 40_000, "{}", import.text().len());
    assert!(sim_plcopen::compile_for(sim_st::Purpose::Run, &[(&xml, "p.xml")]).is_ok());
}

/// A chart of `levels` elements that are each connected twice to the one before, between two steps.
fn doubled(tag: &str, levels: u32) -> String {
    let condition =
        "<condition><inline name=\"\"><ST><xhtml:p>TRUE</xhtml:p></ST></inline></condition>";
    let mut body = element(
        "step",
        1,
        (0, 0),
        "900",
        "name=\"One\" initialStep=\"true\"",
        "",
    );
    for id in 2..2 + levels {
        let from = format!("{0} {0}", id - 1);
        body += &element(tag, id, (0, 0), &from, "", "");
    }
    let last = (levels + 1).to_string();
    body += &element("transition", 900, (0, 0), &last, "", condition);
    project("", "", "", &format!("<body><SFC>{body}</SFC></body>"))
}

#[test]
fn charts_when_lines_are_drawn_twice_then_each_way_counts_once() {
    // Followed line by line, 30 stages would have 2^30 ways.
    for tag in [
        "selectionConvergence",
        "selectionDivergence",
        "simultaneousConvergence",
    ] {
        let xml = doubled(tag, 30);
        let import = sim_plcopen::import(&xml, "p.xml").expect("it is right");
        let transitions = import.text().matches("TRANSITION FROM One TO One").count();
        assert_eq!(transitions, 1, "{tag}: {}", import.text());
    }
}

#[test]
fn charts_when_there_are_too_many_ways_then_are_refused() {
    // Three pairs of five branches that meet have 5 * 5 * 5 ways.
    let condition =
        "<condition><inline name=\"\"><ST><xhtml:p>TRUE</xhtml:p></ST></inline></condition>";
    let mut body = String::new();
    for id in 1..=15 {
        let name = format!("name=\"S{id}\" initialStep=\"{}\"", id == 1);
        body += &element("step", id, (0, 0), "90", &name, "");
    }
    body += &element("selectionConvergence", 31, (0, 0), "1 2 3 4 5", "", "");
    body += &element("selectionConvergence", 32, (0, 0), "6 7 8 9 10", "", "");
    body += &element("selectionConvergence", 33, (0, 0), "11 12 13 14 15", "", "");
    body += &element("simultaneousConvergence", 40, (0, 0), "31 32 33", "", "");
    body += &element("transition", 90, (0, 0), "40", "", condition);
    let xml = project("", "", "", &format!("<body><SFC>{body}</SFC></body>"));
    let found = sim_plcopen::import(&xml, "p.xml").expect_err("there are too many");
    assert_eq!(found[0].code, "PX0003", "{}", found[0]);
}

#[test]
fn charts_when_a_transition_begins_too_many_steps_then_are_refused() {
    let condition =
        "<condition><inline name=\"\"><ST><xhtml:p>TRUE</xhtml:p></ST></inline></condition>";
    let mut body = element("transition", 900, (0, 0), "1", "", condition);
    body += &element("simultaneousDivergence", 901, (0, 0), "900", "", "");
    for id in 1..=70 {
        let name = format!("name=\"S{id}\" initialStep=\"{}\"", id == 1);
        body += &element("step", id, (0, 0), "901", &name, "");
    }
    let xml = project("", "", "", &format!("<body><SFC>{body}</SFC></body>"));
    let found = sim_plcopen::import(&xml, "p.xml").expect_err("there are too many");
    assert_eq!(found[0].code, "PX0003", "{}", found[0]);
}

#[test]
fn connectors_when_read_twice_at_every_stage_then_are_followed_once() {
    // Followed line by line, 30 stages would have 2^30 ways.
    let mut body = rail(1) + &contact(2, (0, 0), "1", "a", "");
    for stage in 1..30 {
        let (connector, continuation, next) = (stage * 10, stage * 10 + 1, stage * 10 + 2);
        let from = if stage == 1 { 2 } else { (stage - 1) * 10 + 2 };
        let name = format!("name=\"C{stage}\"");
        body += &element("connector", connector, (0, 0), &from.to_string(), &name, "");
        body += &element("continuation", continuation, (0, 0), "", &name, "");
        let twice = format!("{continuation} {continuation}");
        body += &contact(next, (0, 0), &twice, "b", "");
    }
    body += &coil(900, (0, 0), "292", "m", "");
    let xml = project("a b m", "", "", &format!("<body><LD>{body}</LD></body>"));
    assert!(statements(&xml).len() < 10_000);
}

#[test]
fn connectors_when_behind_functions_then_their_value_is_computed_once() {
    let mut body = input(1, (0, 0), "x");
    for stage in 0..30 {
        let (function, connector, continuation) = (stage * 10 + 5, stage * 10 + 6, stage * 10 + 7);
        let from = if stage == 0 { 1 } else { stage * 10 - 3 };
        let name = format!("name=\"C{stage}\"");
        let pins = [format!("IN1={from}"), format!("IN2={from}")];
        let pins: Vec<&str> = pins.iter().map(String::as_str).collect();
        body += &block(function, (0, 0), "ADD", "", &pins, &["OUT"]);
        body += &element(
            "connector",
            connector,
            (0, 0),
            &function.to_string(),
            &name,
            "",
        );
        body += &element("continuation", continuation, (0, 0), "", &name, "");
    }
    body += &output(900, (0, 0), "297", "y");
    let xml = project("", "x y", "", &format!("<body><FBD>{body}</FBD></body>"));
    let text = statements(&xml);
    assert_eq!(text.matches("ADD(").count(), 30, "{text}");
    assert!(text.ends_with("y := _ADD_295;\n"), "{text}");
}

#[test]
fn expressions_when_handed_on_too_often_then_are_refused() {
    // 20 kB to each of 15,000 places would be 300 MB.
    let long = format!("a{}", " OR a".repeat(4_000));
    let mut body = input(1, (0, 0), &long);
    for id in 2..15_000 {
        body += &output(id, (0, 0), "1", "m");
    }
    let xml = project("a m", "", "", &format!("<body><FBD>{body}</FBD></body>"));
    let found = sim_plcopen::import(&xml, "p.xml").expect_err("it is too much");
    assert_eq!(found[0].code, "PX0003", "{}", found[0]);
}

#[test]
fn in_outs_when_connected_twice_then_are_refused() {
    let pou = "<pou name=\"Step\" pouType=\"functionBlock\"><interface><inOutVars>\
               <variable name=\"n\"><type><INT/></type></variable></inOutVars></interface>\
               <body><ST><xhtml:p><![CDATA[n := n + 1;]]></xhtml:p></ST></body></pou>";
    let mut body = input(1, (0, 0), "x");
    let mut more = String::new();
    for id in 2..30 {
        let instance = format!("s{id}");
        let from = if id == 2 {
            "1 1".to_owned()
        } else {
            format!("{0}.n {0}.n", id - 1)
        };
        let pin = format!("n={from}");
        let attributes = format!("instanceName=\"{instance}\"");
        body += &block(id, (0, 0), "Step", &attributes, &[&pin], &["n"]);
        more += &derived(&instance, "Step");
    }
    let xml = project("", "x", &more, &format!("<body><FBD>{body}</FBD></body>"));
    let xml = xml.replace("</pou></pous>", &format!("</pou>{pou}</pous>"));
    let found = sim_plcopen::import(&xml, "p.xml").expect_err("a variable is wanted");
    assert_eq!(found[0].code, "PX0201", "{}", found[0]);
}

/// Jumps from the tops of `count` networks to the labels `label(0)`, `label(1)` and so on, and these labels.
fn jumps(count: u32, label: impl Fn(u32) -> u32) -> String {
    let mut body = rail(1);
    for number in 0..count {
        let (id, y) = (
            10 + number * 10,
            i32::try_from(number).expect("is small") * 50,
        );
        let to = format!("label=\"L{}\"", label(number));
        body += &contact(id, (10, y), "1", "a", "");
        body += &element("jump", id + 1, (50, y), &id.to_string(), &to, "");
    }
    let labels: std::collections::BTreeSet<u32> = (0..count).map(&label).collect();
    for (y, number) in (1_000_000..).step_by(50).zip(labels) {
        let name = format!("label=\"L{number}\"");
        body += &element("label", 1_000_000 + number, (0, y), "", &name, "");
    }
    project("a m", "", "", &format!("<body><LD>{body}</LD></body>"))
}

#[test]
fn jumps_when_many_lead_to_one_label_then_share_a_variable() {
    let text = statements(&jumps(500, |_| 0));
    assert!(text.len() < 100_000, "{}", text.len());
    let begin = "_jump_11 := FALSE;\n_jump_11 := a;\nIF NOT _jump_11 THEN\n    _jump_11 := _jump_11 OR a;\nEND_IF;\n";
    assert!(text.starts_with(begin), "{text}");
}

#[test]
fn jumps_when_they_lead_to_too_many_labels_then_are_refused() {
    assert!(statements(&jumps(32, |number| number)).contains("_jump_321"));
    let found = sim_plcopen::import(&jumps(2_000, |number| number), "p.xml");
    let found = found.expect_err("they are too many");
    assert_eq!(found[0].code, "PX0003", "{}", found[0]);
}
