//! What cannot be translated is named with its place.

use std::fs;
use std::path::Path;

use crate::support::{block, coil, contact, derived, element, input, output, project, rail};

/// Every report on a project, one a line.
fn reports(xml: &str) -> String {
    match sim_plcopen::compile_for(sim_st::Purpose::Run, &[(xml, "p.xml")]) {
        Ok(_) => String::new(),
        Err(found) => found.iter().map(|d| format!("{d}\n")).collect(),
    }
}

/// Checks that a report has a code and stands at the last place of a text in the file.
fn check(xml: &str, code: &str, at: &str) {
    let found = reports(xml);
    let before = &xml[..xml
        .rfind(at)
        .unwrap_or_else(|| panic!("{at} is in the file"))];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().count()
        - before
            .rfind('\n')
            .map_or(0, |end| before[..=end].chars().count())
        + 1;
    let wanted = format!("p.xml:{line}:{column}: {code}: ");
    assert!(
        found.lines().any(|report| report.starts_with(&wanted)),
        "{wanted}\n{found}"
    );
}

fn ladder(elements: &[String]) -> String {
    let body = format!("<body><LD>{}</LD></body>", elements.concat());
    project("a b m", "x y", &derived("t", "TON"), &body)
}

fn chart(elements: &[String]) -> String {
    let body = format!("<body><SFC>{}</SFC></body>", elements.concat());
    project("a b m", "x y", "", &body)
}

fn step(id: u32, from: &str, name: &str, attributes: &str) -> String {
    element(
        "step",
        id,
        (0, 0),
        from,
        &format!("name=\"{name}\" {attributes}"),
        "",
    )
}

fn transition(id: u32, from: &str, condition: &str) -> String {
    element(
        "transition",
        id,
        (0, 0),
        from,
        "",
        &format!("<condition>{condition}</condition>"),
    )
}

const TRUE: &str = "<inline name=\"\"><ST><xhtml:p>TRUE</xhtml:p></ST></inline>";

#[test]
fn files_when_they_are_no_project_then_say_so() {
    check("<project><types></project>", "PX0001", "</project>");
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><project/>";
    assert!(reports(bomb).contains("PX0001"), "{}", reports(bomb));
    check("<html/>", "PX0002", "<html");
    check("<project xmlns=\"urn:other\"/>", "PX0002", "<project");
    let deep = format!(
        "<project>{}{}</project>",
        "<a>".repeat(200),
        "</a>".repeat(200)
    );
    assert!(reports(&deep).contains("PX0003"));
}

#[test]
fn elements_when_unknown_or_unsupported_then_are_named() {
    let ok = contact(2, (0, 0), "1", "a", "");
    for (element, code, at) in [
        (
            element("vendorElement", 7, (0, 0), "", "", ""),
            "PX0201",
            "<vendorElement",
        ),
        (element("motor", 7, (0, 0), "", "", ""), "PX0102", "<motor"),
        (
            contact(7, (0, 0), "1", "b", "edge=\"both\""),
            "PX0103",
            "both",
        ),
        (coil(2, (0, 0), "1", "m", ""), "PX0305", "<coil"),
        (
            contact(7, (0, 0), "", "b", "") + &coil(8, (0, 0), "7", "m", ""),
            "PX0302",
            "<contact localId=\"7\"",
        ),
        (coil(8, (0, 0), "99", "m", ""), "PX0301", "<connection "),
        (
            element("jump", 8, (0, 0), "2", "label=\"L\"", ""),
            "PX0306",
            "<jump",
        ),
        (
            element("continuation", 8, (0, 0), "", "name=\"C\"", "")
                + &coil(9, (9, 0), "8", "m", ""),
            "PX0305",
            "<continuation",
        ),
        (
            contact(8, (0, 0), "8", "b", "") + &coil(9, (9, 0), "8", "m", ""),
            "PX0303",
            "<contact localId=\"8\"",
        ),
        (
            block(8, (0, 0), "TON", "instanceName=\"t\"", &["IN=2"], &["Q"])
                + &coil(9, (9, 0), "8.QQ", "m", ""),
            "PX0301",
            "<connection ",
        ),
        (
            block(8, (0, 0), "TON", "", &["IN=2"], &["Q"]),
            "PX0101",
            "<block",
        ),
    ] {
        check(&ladder(&[rail(1), ok.clone(), element]), code, at);
    }
}

#[test]
fn types_when_they_do_not_exist_here_then_are_named() {
    let ok = "<body><ST><xhtml:p>m := a;</xhtml:p></ST></body>";
    for (ty, code, at) in [
        (
            "<pointer><baseType><INT/></baseType></pointer>",
            "PX0201",
            "<pointer",
        ),
        ("<ANY/>", "PX0201", "<ANY"),
        ("<derived name=\"HMI_INT\"/>", "PX0201", "HMI_INT"),
        ("<derived name=\"Nothing\"/>", "ST0202", "Nothing"),
    ] {
        let more = format!("<variable name=\"v\"><type>{ty}</type></variable>");
        check(&project("a m", "", &more, ok), code, at);
    }
    let address = "<variable name=\"v\" address=\"%IW0.1.2\"><type><INT/></type></variable>";
    check(&project("a m", "", address, ok), "PX0201", "%IW0.1.2");
}

#[test]
fn native_code_when_in_a_body_then_is_no_comment() {
    let body = "<body><ST><xhtml:p><![CDATA[m := a;\n  {printf(\"x\");}\n]]></xhtml:p></ST></body>";
    check(&project("a m", "", "", body), "PX0202", "{printf");
}

#[test]
fn native_code_when_the_compiler_would_skip_it_then_is_found_wherever_it_stands() {
    let st = |text: &str| {
        project(
            "a m",
            "",
            "",
            &format!("<body><ST><xhtml:p><![CDATA[{text}]]></xhtml:p></ST></body>"),
        )
    };
    // A `$'` does not end a text, and comments nest: what follows is code again.
    let wide = "<variable name=\"w\"><type><string/></type></variable>";
    let quoted = st("w := 'it$'s'; {printf();} m := a;")
        .replace("</localVars>", &format!("{wide}</localVars>"));
    check(&quoted, "PX0202", "{printf");
    check(&st("(* (* *) *) {printf();} m := a;"), "PX0202", "{printf");
    let commented = reports(&st("(* (* *) {printf();} *) m := a; // {x}"));
    assert_eq!(commented, "");
    let fbd = [input(4, (0, 50), "{x} a"), output(5, (0, 50), "4", "m")];
    check(&ladder(&fbd), "PX0202", "{x}");
    check(
        &ladder(&[rail(1), coil(2, (0, 0), "1", "{y} m", "")]),
        "PX0202",
        "{y}",
    );
    assert_eq!(reports(&st("{enable code generation} m := a;")), "");
}

#[test]
fn native_code_when_there_is_much_of_it_then_the_reports_are_bounded() {
    let text = "{x}".repeat(100_000);
    let body = format!("<body><ST><xhtml:p>{text}</xhtml:p></ST></body>");
    let found = reports(&project("a m", "", "", &body));
    assert_eq!(found.matches("PX0202").count(), 50);
}

#[test]
fn vendor_data_when_it_is_part_of_the_program_then_is_refused() {
    let data = |uri: &str| {
        format!(
            "<body><ST><xhtml:p>m := a;</xhtml:p></ST></body><addData><data name=\"{uri}\" handleUnknown=\"implementation\"><x/></data></addData>"
        )
    };
    check(
        &project("a m", "", "", &data("http://vendor/plcopenxml/method")),
        "PX0203",
        "<data",
    );
    let import = sim_plcopen::import(
        &project("a m", "", "", &data("http://vendor/note")),
        "p.xml",
    );
    let warnings = import.expect("it is right").warnings().to_vec();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, "PX0901");
}

#[test]
fn charts_when_they_break_the_rules_then_say_where() {
    let begin = step(1, "3", "First", "initialStep=\"true\"");
    let end = transition(3, "1", TRUE);
    assert_eq!(reports(&chart(&[begin.clone(), end.clone()])), "");
    for (elements, code, at) in [
        (
            vec![step(1, "3", "First", ""), end.clone()],
            "PX0401",
            "<pou ",
        ),
        (
            vec![
                begin.clone(),
                end.clone(),
                step(4, "", "Second", "initialStep=\"true\""),
            ],
            "PX0401",
            "<step",
        ),
        (
            vec![begin.clone(), end.clone(), transition(5, "3", TRUE)],
            "PX0401",
            "<transition",
        ),
        (
            vec![begin.clone(), end.clone(), transition(5, "1", TRUE)],
            "PX0401",
            "<transition",
        ),
        (
            vec![
                begin.clone(),
                transition(3, "1", "<reference name=\"None\"/>"),
            ],
            "PX0402",
            "None",
        ),
        (
            vec![
                begin.clone(),
                end.clone(),
                transition(5, "1", TRUE),
                element("jumpStep", 6, (0, 0), "5", "targetName=\"Z\"", ""),
            ],
            "PX0402",
            "Z",
        ),
        (
            vec![
                begin.clone(),
                end.clone(),
                element("macroStep", 6, (0, 0), "3", "name=\"M\"", ""),
            ],
            "PX0201",
            "<macroStep",
        ),
    ] {
        check(&chart(&elements), code, at);
    }
    let action = "<action localId=\"0\" qualifier=\"X\"><reference name=\"m\"/></action>\
                  <action localId=\"0\"><reference name=\"nobody\"/></action>";
    let block = element("actionBlock", 5, (0, 0), "1", "", action);
    check(
        &chart(&[begin.clone(), end.clone(), block.clone()]),
        "PX0103",
        "X",
    );
    check(&chart(&[begin, end, block]), "PX0402", "nobody");
}

#[test]
fn mistakes_when_the_compiler_finds_them_then_stand_at_the_drawing() {
    let elements = [
        rail(1),
        contact(2, (0, 0), "1", "a", ""),
        coil(3, (0, 0), "2", "nosuch", ""),
        input(4, (0, 50), "x"),
        output(5, (0, 50), "4", "m"),
    ];
    let xml = ladder(&elements);
    check(&xml, "ST0301", "nosuch");
    assert!(
        reports(&xml).contains("(the coil 3 of POU `Main`)"),
        "{}",
        reports(&xml)
    );
    assert!(
        reports(&xml).contains("ST0401"),
        "all mistakes in one go: {}",
        reports(&xml)
    );
    let body = "<body><ST><xhtml:p><![CDATA[m := a;\nIF a < THEN\nEND_IF;]]></xhtml:p></ST></body>";
    assert!(
        reports(&project("a m", "", "", body)).contains("p.xml:5:"),
        "the second line of the body"
    );
}

#[test]
fn mistakes_when_in_two_pous_then_both_are_reported() {
    let xml = ladder(&[rail(1), element("motor", 2, (0, 0), "", "", "")]);
    let other = "<pou name=\"F\" pouType=\"functionBlock\"><interface/><body><ST><xhtml:p>q := 1;</xhtml:p></ST></body></pou>";
    let xml = xml.replace("</pous>", &format!("{other}</pous>"));
    let found = reports(&xml);
    assert!(
        found.contains("PX0102") && found.contains("ST0301"),
        "{found}"
    );
}

#[test]
fn parts_when_they_do_nothing_then_are_warned_of() {
    let xml = ladder(&[
        rail(1),
        contact(2, (0, 0), "1", "a", ""),
        coil(3, (50, 0), "", "m", ""),
        block(4, (0, 90), "ADD", "", &["IN1="], &["OUT"]),
    ]);
    let import = sim_plcopen::import(&xml, "p.xml").expect("it is right");
    let codes: Vec<_> = import
        .warnings()
        .iter()
        .map(|w| (w.code, w.message.split(':').next().unwrap_or("")))
        .collect();
    let expected = [
        "the coil 3 `m` does nothing",
        "the block 4 `ADD` does nothing",
        "the contact 2 `a` does nothing",
    ];
    assert_eq!(codes, expected.map(|text| ("PX0902", text)));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads the pages that it checks"
)]
fn problem_codes_when_listed_then_have_a_page() {
    for (code, _) in sim_plcopen::problems::all() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/problems/{code}.md"));
        let page = fs::read_to_string(path).unwrap_or_default();
        assert!(page.starts_with(&format!("# {code}\n")), "{code}");
    }
}

#[test]
fn in_outs_when_negated_or_with_an_edge_then_are_refused() {
    let pou = "<pou name=\"Step\" pouType=\"functionBlock\"><interface><inOutVars>\
               <variable name=\"n\"><type><BOOL/></type></variable></inOutVars></interface>\
               <body><ST><xhtml:p>n := TRUE;</xhtml:p></ST></body></pou>";
    let plain = block(2, (40, 0), "Step", "instanceName=\"s\"", &["n=1"], &["n"]);
    let xml = |block: &str| {
        let elements = [input(1, (0, 0), "a"), block.to_owned()];
        let body = format!("<body><FBD>{}</FBD></body>", elements.concat());
        let xml = project("a", "", &derived("s", "Step"), &body);
        xml.replace("</pou></pous>", &format!("</pou>{pou}</pous>"))
    };
    assert_eq!(reports(&xml(&plain)), "");
    let variable = "<variable formalParameter=\"n\"";
    for (from, to) in [
        ("negated=\"false\"", "negated=\"true\""),
        ("negated=\"false\"", "edge=\"rising\""),
        ("negated=\"false\"", "storage=\"set\""),
    ] {
        let changed = xml(&plain.replace(from, to));
        let found = reports(&changed);
        assert!(
            found.contains("PX0201: the VAR_IN_OUT `n`"),
            "{to}: {found}"
        );
    }
    // The same at the right side.
    let right = plain.replace(
        &format!("{variable}><connectionPointOut/>"),
        &format!("{variable} negated=\"true\"><connectionPointOut/>"),
    );
    assert_ne!(right, plain);
    check(&xml(&right), "PX0201", variable);
}

#[test]
fn parts_of_charts_when_in_another_body_then_are_named() {
    let ok = contact(2, (0, 0), "1", "a", "") + &coil(3, (50, 0), "2", "m", "");
    let lost = step(7, "", "Lost", "");
    check(
        &ladder(&[rail(1), ok.clone(), lost.clone()]),
        "PX0201",
        "<step",
    );
    // The same where jumps are.
    let label = element("label", 8, (0, 90), "", "label=\"L\"", "");
    check(&ladder(&[rail(1), ok, lost, label]), "PX0201", "<step");
}

#[test]
fn jumps_when_in_a_condition_or_beside_a_chart_then_are_named() {
    for (tag, attributes) in [
        ("jump", "label=\"L\""),
        ("return", ""),
        ("label", "label=\"L\""),
    ] {
        let jump = element(tag, 4, (50, 40), "", attributes, "");
        let transition = transition(2, "1", "<reference name=\"go\"/>");
        let elements = [step(1, "2", "One", "initialStep=\"true\""), transition];
        let condition = |more: &str| {
            format!(
                "<transitions><transition name=\"go\"><body><LD>{}{}{}{more}</LD></body></transition></transitions>",
                rail(1),
                contact(2, (10, 0), "1", "a", ""),
                coil(3, (50, 0), "2", "go", "")
            )
        };
        let xml = |inside: &str, beside: &str| {
            let body = format!(
                "{}<body><SFC>{}{beside}</SFC></body>",
                condition(inside),
                elements.concat()
            );
            project("a", "", "", &body)
        };
        assert_eq!(reports(&xml("", "")), "");
        check(&xml(&jump, ""), "PX0201", &format!("<{tag} "));
        check(&xml("", &jump), "PX0201", &format!("<{tag} "));
    }
}
