//! Ladders and function block diagrams: what they become, and in what order.

use crate::support::{
    Bench, block, coil, contact, derived, element, input, output, project, rail, statements,
};

/// The statements of a body with these variables.
fn ladder(bools: &str, ints: &str, elements: &[String]) -> String {
    statements(&project(bools, ints, "", &body(elements)))
}

fn body(elements: &[String]) -> String {
    format!("<body><LD>{}</LD></body>", elements.concat())
}

#[test]
fn branches_when_they_meet_then_are_alternatives() {
    let text = ladder(
        "a b c m",
        "",
        &[
            rail(1),
            contact(2, (10, 0), "1", "a", ""),
            contact(3, (30, 0), "2", "b", ""),
            contact(4, (30, 20), "2", "c", "negated=\"true\""),
            coil(5, (50, 0), "3 4", "m", "negated=\"true\""),
        ],
    );
    assert_eq!(text, "m := NOT (a AND (b OR NOT c));\n");
}

#[test]
fn coils_when_they_change_what_feeds_them_then_all_get_the_same_power() {
    let text = ladder(
        "one two go",
        "",
        &[
            rail(1),
            contact(2, (10, 0), "1", "one", ""),
            contact(3, (30, 0), "2", "go", ""),
            coil(4, (50, 0), "3", "one", "storage=\"reset\""),
            coil(5, (50, 20), "3", "two", "storage=\"set\""),
        ],
    );
    let expected = "_power_3 := one AND go;\nIF _power_3 THEN\n    one := FALSE;\nEND_IF;\n\
                    IF _power_3 THEN\n    two := TRUE;\nEND_IF;\n";
    assert_eq!(text, expected);
}

#[test]
fn edges_when_drawn_then_have_instances_of_their_own() {
    let elements = [
        rail(1),
        contact(2, (10, 0), "1", "a", "edge=\"rising\""),
        coil(3, (50, 0), "2", "up", ""),
        contact(4, (10, 40), "1", "a", ""),
        coil(5, (50, 40), "4", "down", "edge=\"falling\""),
    ];
    let xml = project("up down", "", &located("a"), &body(&elements));
    let mut bench = Bench::new(&xml);
    let mut seen = Vec::new();
    for (at_ms, a) in [
        (0, false),
        (100, true),
        (200, true),
        (300, false),
        (400, false),
    ] {
        bench.image.ix[0] = a;
        bench.run_to(at_ms);
        seen.push((bench.value("up") == "TRUE", bench.value("down") == "TRUE"));
    }
    // F_TRIG is TRUE in its first call with a FALSE input (IEC 61131-3:2013, Table 44, note).
    let (none, up, down) = ((false, false), (true, false), (false, true));
    assert_eq!(seen, [down, up, none, down, none]);
}

/// A BOOL at `%IX0.0`.
fn located(name: &str) -> String {
    format!("<variable name=\"{name}\" address=\"%IX0.0\"><type><BOOL/></type></variable>")
}

#[test]
fn functions_when_read_once_then_stand_where_they_are_used() {
    let text = ladder(
        "",
        "x y z",
        &[
            input(1, (0, 0), "x"),
            input(2, (0, 20), "2"),
            block(3, (40, 0), "MUL", "", &["IN1=1", "IN2=2"], &["OUT"]),
            block(4, (80, 0), "ADD", "", &["IN1=3", "IN2=1"], &["OUT"]),
            output(5, (120, 0), "4.OUT", "y"),
        ],
    );
    assert_eq!(text, "y := ADD(MUL(x, 2), x);\n");
}

#[test]
fn functions_when_read_twice_then_are_computed_once() {
    let text = ladder(
        "",
        "x y z",
        &[
            input(1, (0, 0), "x"),
            input(2, (0, 20), "2"),
            block(3, (40, 0), "MUL", "", &["IN1=2", "IN2=1"], &["OUT"]),
            output(5, (120, 0), "3", "y"),
            output(6, (120, 40), "3", "z"),
        ],
    );
    assert_eq!(text, "_MUL_3 := MUL(2, x);\ny := _MUL_3;\nz := _MUL_3;\n");
}

#[test]
fn functions_when_enabled_then_hand_on_whether_they_ran() {
    let text = ladder(
        "go",
        "x y",
        &[
            rail(1),
            contact(2, (10, 0), "1", "go", ""),
            input(3, (10, 20), "x"),
            block(4, (40, 0), "MOVE", "", &["EN=2", "IN=3"], &["ENO", "OUT"]),
            block(
                5,
                (90, 0),
                "ADD",
                "",
                &["EN=4.ENO", "IN1=4.OUT", "IN2=3"],
                &["ENO", "OUT"],
            ),
            output(6, (140, 0), "5.OUT", "y"),
        ],
    );
    let expected = "_MOVE_4 := MOVE(EN := go, IN := x, ENO => _MOVE_4_ENO);\n\
                    _ADD_5 := ADD(EN := _MOVE_4_ENO, IN1 := _MOVE_4, IN2 := x, ENO => _ADD_5_ENO);\n\
                    IF _ADD_5_ENO THEN\n    y := _ADD_5;\nEND_IF;\n";
    assert_eq!(text, expected);
}

#[test]
fn order_when_left_to_the_drawing_then_from_top_to_bottom_and_from_left_to_right() {
    // Tops that differ by less than ten are in one row; blocks that nobody needs come last.
    let elements = [
        input(1, (0, 0), "x"),
        output(2, (80, 5), "1", "b"),
        output(3, (40, 9), "1", "a"),
        output(4, (0, 200), "1", "d"),
        output(5, (0, 100), "1", "c"),
        block(
            6,
            (0, 0),
            "CTU",
            "instanceName=\"count\"",
            &["PV=1"],
            &["Q", "CV"],
        ),
    ];
    let xml = project("", "x a b c d", &derived("count", "CTU"), &body(&elements));
    assert_eq!(
        statements(&xml),
        "a := x;\nb := x;\nc := x;\nd := x;\ncount(PV := x);\n"
    );
}

#[test]
fn order_when_numbered_then_the_numbers_decide() {
    let numbered = |id, y, order: u32, name: &str| {
        let inside = format!("<expression>{name}</expression>");
        element(
            "outVariable",
            id,
            (80, y),
            "1",
            &format!("executionOrderId=\"{order}\""),
            &inside,
        )
    };
    let text = ladder(
        "",
        "x a b c",
        &[
            input(1, (0, 0), "x"),
            output(2, (80, 0), "1", "c"),
            numbered(3, 20, 2, "b"),
            numbered(4, 40, 1, "a"),
        ],
    );
    assert_eq!(text, "a := x;\nb := x;\nc := x;\n");
}

#[test]
fn loops_when_closed_through_a_block_then_use_the_value_of_the_scan_before() {
    let elements = [
        input(1, (0, 0), "1"),
        block(2, (40, 0), "ADD", "", &["IN1=1", "IN2=2"], &["OUT"]),
        output(3, (80, 0), "2", "n"),
    ];
    let xml = project("", "n", "", &body(&elements));
    assert_eq!(
        statements(&xml),
        "_ADD_2 := ADD(1, _ADD_2);\nn := _ADD_2;\n"
    );
    let mut bench = Bench::new(&xml);
    bench.run_to(300);
    assert_eq!(bench.value("n"), "4");
}

#[test]
fn connectors_when_named_alike_then_are_one_line() {
    let text = ladder(
        "a b m",
        "",
        &[
            rail(1),
            contact(2, (10, 0), "1", "a", ""),
            element("connector", 3, (30, 0), "2", "name=\"C\"", ""),
            element("continuation", 4, (0, 90), "", "name=\"C\"", ""),
            contact(5, (20, 90), "4", "b", ""),
            coil(6, (40, 90), "5", "m", ""),
        ],
    );
    assert_eq!(text, "m := a AND b;\n");
}

#[test]
fn jumps_when_they_lead_forward_then_pass_networks_over() {
    let elements = [
        rail(1),
        contact(2, (10, 0), "1", "a", ""),
        element("jump", 3, (50, 0), "2", "label=\"Behind\"", ""),
        contact(4, (10, 50), "1", "b", ""),
        coil(5, (50, 50), "4", "m", ""),
        element("label", 6, (0, 100), "", "label=\"Behind\"", ""),
        contact(7, (10, 150), "1", "b", ""),
        coil(8, (50, 150), "7", "n", ""),
        contact(9, (10, 200), "1", "a", ""),
        element("return", 10, (50, 200), "9", "", ""),
        contact(11, (10, 250), "1", "b", ""),
        coil(12, (50, 250), "11", "o", ""),
    ];
    let text = ladder("a b m n o", "", &elements);
    let expected = "_jump_3 := FALSE;\n_jump_3 := a;\nIF NOT _jump_3 THEN\n    m := b;\nEND_IF;\n\
                    n := b;\nIF a THEN\n    RETURN;\nEND_IF;\no := b;\n";
    assert_eq!(text, expected);
}

#[test]
fn in_outs_when_drawn_on_both_sides_then_the_variable_goes_through() {
    let pou = "<pou name=\"Step\" pouType=\"functionBlock\"><interface><inOutVars>\
               <variable name=\"n\"><type><INT/></type></variable></inOutVars></interface>\
               <body><ST><xhtml:p><![CDATA[n := n + 1;]]></xhtml:p></ST></body></pou>";
    let elements = [
        input(1, (0, 0), "x"),
        block(2, (40, 0), "Step", "instanceName=\"s\"", &["n=1"], &["n"]),
        output(3, (80, 0), "2.n", "y"),
    ];
    let xml = project("", "x y", &derived("s", "Step"), &body(&elements));
    let xml = xml.replace("</pou></pous>", &format!("</pou>{pou}</pous>"));
    let mut bench = Bench::new(&xml);
    bench.run_to(100);
    assert_eq!(
        (bench.value("x"), bench.value("y")),
        ("2".into(), "2".into())
    );
}

#[test]
fn comparisons_when_of_many_then_each_with_its_neighbour() {
    let text = ladder(
        "m",
        "x y z",
        &[
            input(1, (0, 0), "x"),
            input(2, (0, 20), "y"),
            input(3, (0, 40), "z"),
            block(4, (40, 0), "LT", "", &["IN1=1", "IN2=2", "IN3=3"], &["OUT"]),
            output(5, (80, 0), "4", "m"),
        ],
    );
    assert_eq!(text, "m := LT(x, y) AND LT(y, z);\n");
}

#[test]
fn library_blocks_when_used_then_are_part_of_the_text() {
    let reals = "<variable name=\"r\"><type><REAL/></type></variable>";
    let elements = [
        input(1, (0, 0), "TRUE"),
        input(2, (0, 20), "2.0"),
        input(3, (0, 40), "T#500ms"),
        block(
            4,
            (40, 0),
            "INTEGRAL",
            "instanceName=\"i\"",
            &["RUN=1", "XIN=2", "CYCLE=3"],
            &["Q", "XOUT"],
        ),
        output(5, (90, 0), "4.XOUT", "r"),
    ];
    let more = format!("{}{reals}", derived("i", "INTEGRAL"));
    let mut bench = Bench::new(&project("", "", &more, &body(&elements)));
    // 2 per second over 0.5 s in each of three scans.
    bench.run_to(200);
    assert_eq!(bench.value("r"), "3.0");
}

#[test]
fn edges_when_at_both_sides_of_a_variable_then_each_has_its_instance() {
    let both = element(
        "inOutVariable",
        2,
        (40, 0),
        "1",
        "edgeIn=\"rising\" edgeOut=\"falling\"",
        "<expression>m</expression>",
    );
    let elements = [input(1, (0, 0), "a"), both, output(3, (80, 0), "2", "n")];
    let text = ladder("a m n", "", &elements);
    let expected = "_rise_2(CLK := a);\nm := _rise_2.Q;\n_fall_2(CLK := m);\nn := _fall_2.Q;\n";
    assert_eq!(text, expected);
}

#[test]
fn edges_when_a_block_output_is_read_twice_then_are_found_once() {
    let timer = block(2, (40, 0), "TON", "instanceName=\"t\"", &["IN=1"], &["Q"]).replace(
        "<variable formalParameter=\"Q\">",
        "<variable formalParameter=\"Q\" edge=\"rising\">",
    );
    let elements = [
        input(1, (0, 0), "a"),
        timer,
        output(3, (80, 0), "2.Q", "m"),
        output(4, (80, 40), "2.Q", "n"),
    ];
    let text = statements(&project(
        "a m n",
        "",
        &derived("t", "TON"),
        &body(&elements),
    ));
    let expected = "t(IN := a);\n_rise_2(CLK := t.Q);\nm := _rise_2.Q;\nn := _rise_2.Q;\n";
    assert_eq!(text, expected);
}

#[test]
fn edges_when_a_coil_gives_a_condition_then_are_detected() {
    let condition = format!(
        "<transitions><transition name=\"go\"><body><LD>{}{}{}</LD></body></transition></transitions>",
        rail(1),
        contact(2, (10, 0), "1", "a", ""),
        coil(3, (50, 0), "2", "go", "edge=\"rising\" negated=\"true\"")
    );
    let chart = [
        element(
            "step",
            1,
            (0, 0),
            "2",
            "name=\"One\" initialStep=\"true\"",
            "",
        ),
        element(
            "transition",
            2,
            (0, 50),
            "1",
            "",
            "<condition><reference name=\"go\"/></condition>",
        ),
    ];
    let body = format!("{condition}<body><SFC>{}</SFC></body>", chart.concat());
    let text = statements(&project("a", "", "", &body));
    assert!(text.contains("    := _rise_3.Q;\n"), "{text}");
    assert!(text.contains("_rise_3(CLK := NOT a);\n"), "{text}");
}

#[test]
fn types_when_long_then_are_known_like_the_others() {
    let long = "<variable name=\"et\"><type><LTIME/></type></variable>\
                <variable name=\"w\"><type><WCHAR/></type></variable>\
                <variable name=\"since\"><type><LDT/></type></variable>";
    let elements = [
        rail(1),
        block(
            2,
            (40, 0),
            "TON_LTIME",
            "instanceName=\"t\"",
            &["IN=1", "PT=3"],
            &["Q", "ET"],
        ),
        input(3, (0, 20), "LT#1s"),
        // What is read twice is stored, in a variable of the type that the block gives.
        block(4, (80, 20), "MOVE", "", &["IN=2.ET"], &["OUT"]),
        output(5, (120, 20), "4", "et"),
        output(6, (120, 40), "4", "et"),
        input(7, (0, 90), "since"),
        block(8, (40, 90), "SUB", "", &["IN1=7", "IN2=7"], &["OUT"]),
        output(9, (80, 90), "8", "et"),
        output(10, (80, 120), "8", "et"),
    ];
    let more = format!("{}{long}", derived("t", "TON_LTIME"));
    let xml = project("", "", &more, &body(&elements));
    assert!(statements(&xml).contains("t(IN := TRUE, PT := LT#1s);\n"));
    let import = sim_plcopen::import(&xml, "p.xml").expect("it is right");
    for declared in ["_MOVE_4 : LTIME;", "_SUB_8 : LTIME;", "w : WCHAR;"] {
        assert!(import.text().contains(declared), "{}", import.text());
    }
}

#[test]
fn comments_when_they_end_with_their_line_then_hide_nothing_behind_it() {
    let elements = [
        input(1, (0, 0), "a // é, why\n  AND b // and why"),
        output(2, (80, 0), "1", "m"),
        input(3, (0, 50), "a"),
        output(4, (80, 50), "3", "n // where"),
    ];
    let text = ladder("a b m n", "", &elements);
    // Each byte of a comment is a blank: one in front of it, ten of the comment, the line end, two behind it.
    let expected = format!("m := a{}AND b;\nn := a;\n", " ".repeat(14));
    assert_eq!(text, expected);

    let condition = "<condition><inline name=\"\"><ST><xhtml:p><![CDATA[a // why\n AND\n b]]></xhtml:p></ST></inline></condition>";
    let chart = [
        element(
            "step",
            1,
            (0, 0),
            "2",
            "name=\"One\" initialStep=\"true\"",
            "",
        ),
        element("transition", 2, (0, 50), "1", "", condition),
    ];
    let body = format!("<body><SFC>{}</SFC></body>", chart.concat());
    let text = statements(&project("a b", "", "", &body));
    assert!(text.contains("    := a         AND  b;\n"), "{text}");
}
