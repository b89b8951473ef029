//! Whatever the input, there is an answer.

use proptest::prelude::*;

use crate::support::{FILLING, STARTER};

/// Asks for everything that an import can tell.
fn exercise(xml: &str) {
    if let Ok(import) = sim_plcopen::import(xml, "p.xml") {
        for line in 1..=u32::try_from(import.text().lines().count()).unwrap_or(1) {
            let (row, column) = import.origin_of_line(line);
            assert!(row > 0 && column > 0);
        }
    }
    if let Err(found) = sim_plcopen::compile_all(&[(xml, "p.xml")]) {
        assert!(!found.is_empty());
        for report in found {
            let span = report.span.start as usize..report.span.end as usize;
            assert!(
                report.file != "p.xml" || xml.get(span).is_some(),
                "{report}"
            );
        }
    }
}

/// The parts of a project between its tags and texts, to be moved about.
fn pieces(xml: &str) -> Vec<&str> {
    xml.split_inclusive('>').collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn import_when_given_any_text_then_does_not_panic(text in "[<>/a-z \"=&;!\\[\\]é]{0,200}") {
        exercise(&text);
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
        exercise(&all.concat());
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
        exercise(&parts.join("\""));
    }

    #[test]
    fn import_when_cut_off_then_does_not_panic(chart in any::<bool>(), at in any::<prop::sample::Index>()) {
        let xml = if chart { FILLING } else { STARTER };
        exercise(&xml[..xml.floor_char_boundary(at.index(xml.len()))]);
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
    assert!(sim_plcopen::compile_all(&[(&xml, "p.xml")]).is_ok());
}
