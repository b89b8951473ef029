//! Two projects as Beremiz and OpenPLC Editor save them, valid by the schema of TC6 2.01.
//!
//! What they must do is worked out from the drawings: rungs from top to bottom, timers by IEC
//! 61131-3:2013, Figure 15, charts by 6.7.5.

use crate::support::{Bench, FILLING, STARTER};

#[test]
fn starter_when_started_then_seals_in_and_changes_over() {
    let mut bench = Bench::new(STARTER);
    // Stop is wired normally closed. The lamp says that no service is due.
    bench.image.ix[1] = true;
    bench.run_to(0);
    assert_eq!(bench.outputs(), [3]);
    bench.image.ix[0] = true;
    bench.run_to(100);
    assert_eq!(bench.outputs(), [0, 1, 3], "contactor and star");
    bench.image.ix[0] = false;
    // The timer runs from 100 ms on for 2 s.
    bench.run_to(2000);
    assert_eq!(bench.outputs(), [0, 1, 3]);
    bench.run_to(2100);
    assert_eq!(bench.outputs(), [0, 2, 3], "contactor and delta");
    bench.image.ix[1] = false;
    bench.run_to(2200);
    assert_eq!(bench.outputs(), [3]);
    assert_eq!(bench.value("pump.starts"), "1");
}

#[test]
fn starter_when_it_trips_then_only_an_acknowledgement_lets_it_start() {
    let mut bench = Bench::new(STARTER);
    bench.image.ix[..2].fill(true);
    bench.run_to(0);
    // The rung of the trip stands below that of the contactor, which opens a scan later.
    bench.image.ix[2] = true;
    bench.run_to(100);
    assert_eq!(bench.outputs(), [0, 1, 3]);
    bench.run_to(200);
    assert_eq!(bench.outputs(), [3]);
    // While the relay is still hot, the acknowledgement does not reset.
    bench.image.ix[3] = true;
    bench.run_to(300);
    bench.image.ix[3] = false;
    bench.image.ix[2] = false;
    bench.run_to(500);
    assert_eq!(bench.outputs(), [3]);
    bench.image.ix[3] = true;
    bench.run_to(600);
    bench.run_to(700);
    assert_eq!(bench.outputs(), [0, 1, 3], "start is still pressed");
}

#[test]
fn starter_when_started_three_times_then_the_lamp_goes_out() {
    let mut bench = Bench::new(STARTER);
    for start in 0..3 {
        bench.image.ix[..2].fill(true);
        bench.run_to(start * 200);
        assert_eq!(bench.value("pump.starts"), (start + 1).to_string());
        assert_eq!(
            bench.image.qx[3],
            start < 2,
            "service is due at the third start"
        );
        bench.image.ix[..2].fill(false);
        bench.run_to(start * 200 + 100);
    }
}

#[test]
fn starter_when_the_pump_stands_then_the_comparison_keeps_its_result() {
    let mut bench = Bench::new(STARTER);
    bench.image.ix[1] = true;
    // (18400 - 4000) / (20000 - 4000) is 90 percent, above the limit of 80.
    bench.image.iw[1] = 18_400;
    bench.run_to(0);
    assert_eq!(bench.value("level_percent"), "90.0");
    assert_eq!(
        (bench.value("level_high"), bench.value("level_watched")),
        ("FALSE".into(), "FALSE".into())
    );
    bench.image.ix[0] = true;
    bench.run_to(100);
    assert_eq!(
        (bench.value("level_high"), bench.value("level_watched")),
        ("TRUE".into(), "TRUE".into())
    );
    bench.image.ix[..2].fill(false);
    bench.image.iw[1] = 12_000;
    bench.run_to(200);
    assert_eq!(bench.value("level_percent"), "50.0");
    assert_eq!(
        (bench.value("level_high"), bench.value("level_watched")),
        ("TRUE".into(), "FALSE".into())
    );
}

/// Inputs of the filling: start, level low, level high, temperature low, fault; and the temperature, °C.
fn set(bench: &mut Bench, inputs: [bool; 5], temperature: f32) {
    bench.image.ix[..5].copy_from_slice(&inputs);
    // %ID1 lies over the registers 2 and 3; the lower one holds the upper half.
    let [a, b, c, d] = temperature.to_be_bytes();
    bench.image.iw[2] = u16::from_be_bytes([a, b]);
    bench.image.iw[3] = u16::from_be_bytes([c, d]);
}

/// Runs a batch up to the beginning of its mixing, at 500 ms.
fn to_mixing() -> Bench {
    let (inlet, heater) = (0, 1);
    let mut bench = Bench::new(FILLING);
    set(&mut bench, [false, true, false, true, false], 20.0);
    bench.run_to(0);
    assert_eq!(bench.outputs(), []);
    // Both branches begin at once.
    set(&mut bench, [true, true, false, true, false], 20.0);
    bench.run_to(100);
    assert_eq!(bench.outputs(), [inlet, heater]);
    // The full tank waits for the warm one.
    set(&mut bench, [false, false, true, true, false], 20.0);
    bench.run_to(200);
    assert_eq!(bench.outputs(), [heater]);
    set(&mut bench, [false, false, true, false, false], 55.0);
    bench.run_to(300);
    assert_eq!(bench.outputs(), []);
    set(&mut bench, [false, false, true, false, false], 60.0);
    bench.run_to(400);
    assert_eq!(bench.value("batches"), "0");
    bench
}

#[test]
fn filling_when_both_branches_end_then_mixes_and_drains() {
    let (mixer, sample, lamp, outlet) = (2, 3, 4, 6);
    let mut bench = to_mixing();
    bench.run_to(500);
    assert_eq!(bench.outputs(), [mixer, lamp]);
    // The sample is delayed by 200 ms, the mixer limited to 300 ms.
    bench.run_to(600);
    assert_eq!(bench.outputs(), [mixer, lamp]);
    bench.run_to(700);
    assert_eq!(bench.outputs(), [mixer, sample, lamp]);
    bench.run_to(800);
    assert_eq!(bench.outputs(), [sample, lamp]);
    // The timer beside the chart ends in the scan at 1000 ms; its transition is tested in the next.
    bench.run_to(1000);
    assert_eq!(bench.outputs(), [sample, lamp]);
    bench.run_to(1100);
    assert_eq!(bench.outputs(), [lamp, outlet]);
    assert_eq!(
        (bench.value("batches"), bench.value("drained")),
        ("1".into(), "0".into())
    );
    // The tank is empty at once, but the step lasts 200 ms at least.
    set(&mut bench, [false, true, false, false, false], 60.0);
    bench.run_to(1200);
    assert_eq!(bench.outputs(), [lamp, outlet]);
    bench.run_to(1400);
    assert_eq!(bench.outputs(), [lamp]);
    assert_eq!(
        (bench.value("batches"), bench.value("drained")),
        ("1".into(), "1".into())
    );
}

#[test]
fn filling_when_a_fault_meets_the_end_of_mixing_then_its_priority_decides() {
    let (lamp, reject) = (4, 5);
    let mut bench = to_mixing();
    bench.run_to(1000);
    set(&mut bench, [false, false, true, false, true], 60.0);
    bench.run_to(1100);
    assert_eq!(bench.outputs(), [reject], "the lamp, {lamp}, is reset");
    set(&mut bench, [true, true, false, true, false], 20.0);
    bench.run_to(1200);
    assert_eq!(bench.outputs(), [], "the jump leads to the initial step");
    bench.run_to(1300);
    assert_eq!(bench.outputs(), [0, 1], "the next batch");
    assert_eq!(bench.value("drained"), "0");
}

#[test]
fn projects_when_imported_then_every_line_has_its_place() {
    for (xml, expected) in [
        (
            STARTER,
            ("star := motor AND NOT delta;", "<variable>star</variable>"),
        ),
        (FILLING, ("    := level_high;", "<![CDATA[level_high]]>")),
    ] {
        let import = sim_plcopen::import(xml, "p.xml").expect("it is right");
        assert_eq!(import.warnings(), []);
        let line = import.text().lines().position(|line| line == expected.0);
        let line = u32::try_from(line.expect("the line is there") + 1).expect("small");
        let (row, _) = import.origin_of_line(line);
        let found = xml.lines().nth(row as usize - 1).expect("the row is there");
        let wanted = expected.1;
        let near: Vec<&str> = xml.lines().skip(row as usize - 1).take(20).collect();
        assert!(near.join("\n").contains(wanted), "{found}");
    }
}

#[test]
fn projects_when_they_need_each_other_then_warnings_and_places_are_those_of_all_together() {
    let [first, second] = crate::support::two_projects(0);
    let sources = [
        (first.as_str(), "first.xml"),
        (second.as_str(), "second.xml"),
    ];
    // Alone, the first cannot tell what type `Half` gives.
    assert!(sim_plcopen::import(&first, "first.xml").is_err());
    let compiled =
        sim_plcopen::compile_for(sim_st::Purpose::Run, &sources).expect("both are right");
    let warnings: Vec<_> = compiled.warnings.iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        (warnings[0].code, warnings[0].file.as_str()),
        ("PX0902", "first.xml")
    );

    let mut machine = sim_st::Machine::new(std::sync::Arc::new(compiled.program));
    let report = machine.scan(&mut sim_st::Image::new(), 0, 100_000_000);
    let record = machine.fault_record(&report).expect("it divides by zero");
    let line = second[..second.find("Half := ").expect("is there")]
        .matches('\n')
        .count()
        + 1;
    let line = u32::try_from(line).expect("is small");
    let place = compiled.projects.origin_of_line(&record.file, record.line);
    assert_eq!(place, Some(("second.xml", line, 1)));
}
