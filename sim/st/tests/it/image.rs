//! Located variables and starts.

use crate::support::{Bench, FUEL_NS, program};
use sim_st::{Image, Machine, Trap, Value};

#[test]
fn scan_when_variables_are_located_then_copies_inputs_and_outputs() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR
            start AT %IX0.1 : BOOL; raw AT %IW3 : INT; run AT %QX1.0 : BOOL; out AT %QW2 : UINT;
            set AT %MW10 : INT; total AT %MD10 : DINT; level AT %MD6 : REAL; t AT %MD8 : TIME;
            flag AT %MX2.3 : BOOL; b AT %QB4 : BYTE;
         END_VAR
            run := start; out := INT_TO_UINT(raw + set); total := total + 70000; level := 1.0;
            t := T#70s; flag := NOT flag; b := 16#81;
         END_PROGRAM",
    );
    bench.image.ix[1] = true;
    bench.image.iw[3] = 40;
    bench.image.mw[10] = 2;
    bench.scan_ms(0);
    let image = &bench.image;
    assert!(image.qx[8] && image.mx[19]);
    assert_eq!((image.qw[2], image.mw[10]), (42, 2));
    assert_eq!(image.mw[20..22], [1, 4464]);
    assert_eq!(image.mw[12..14], [0x3F80, 0]);
    assert_eq!(image.mw[16..18], [1, 4464]);
    assert_eq!(
        image.qx[32..40],
        [true, false, false, false, false, false, false, true]
    );
    bench.image.mw[10] = u16::MAX;
    bench.scan_ms(10);
    assert_eq!((bench.image.qw[2], bench.image.mx[19]), (39, false));
    assert_eq!(bench.image.mw[20..22], [2, 8928]);
}

#[test]
fn image_when_not_located_then_is_untouched() {
    let mut bench =
        Bench::new("PROGRAM Main VAR q AT %QX0.0 : BOOL; END_VAR q := TRUE; END_PROGRAM");
    bench.image.qw[5] = 77;
    bench.image.qx[3] = true;
    bench.scan_ms(0);
    let mut expected = Image::new();
    expected.qw[5] = 77;
    expected.qx[3] = true;
    expected.qx[0] = true;
    assert_eq!(bench.image, expected);
}

#[test]
fn direct_address_when_used_without_declaration_then_works() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR known AT %MW1 : INT; END_VAR
         %QX0.0 := %IX0.0 AND NOT %IX0.1; %MW1 := known + 5; %QW0 := %IW0; END_PROGRAM",
    );
    bench.image.ix[0] = true;
    bench.image.iw[0] = 0xABCD;
    bench.scan_ms(0);
    assert!(bench.image.qx[0]);
    assert_eq!((bench.image.mw[1], bench.image.qw[0]), (5, 0xABCD));
}

#[test]
fn array_when_located_then_takes_neighbouring_places() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR v AT %MW4 : ARRAY[1..3] OF INT; lamps AT %QX0.6 : ARRAY[0..3] OF BOOL; i : INT; END_VAR
         FOR i := 1 TO 3 DO v[i] := v[i] * 2; END_FOR; lamps[3] := TRUE; END_PROGRAM",
    );
    bench.image.mw[4..7].copy_from_slice(&[1, 2, 3]);
    bench.scan_ms(0);
    assert_eq!(bench.image.mw[3..8], [0, 2, 4, 6, 0]);
    assert!(bench.image.qx[9]);
    let names: Vec<_> = bench
        .machine
        .program()
        .located()
        .iter()
        .map(|l| l.name.clone())
        .collect();
    assert_eq!(names[..3], ["v[1]", "v[2]", "v[3]"]);
}

#[test]
fn marker_when_it_has_an_initial_value_then_cold_start_writes_it() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR set AT %MW0 : INT := 250; other AT %MW1 : INT; n : INT; END_VAR n := n + set; END_PROGRAM",
    );
    bench.image.mw[0] = 9;
    bench.image.mw[1] = 9;
    bench.scan_ms(0);
    assert_eq!(bench.image.mw[..2], [250, 9]);
    bench.image.mw[0] = 3;
    bench.scan_ms(10);
    assert_eq!((bench.image.mw[0], bench.text("n").as_str()), (3, "253"));
    bench.machine.reset_cold();
    bench.scan_ms(20);
    assert_eq!((bench.image.mw[0], bench.text("n").as_str()), (250, "250"));
}

#[test]
fn outputs_when_scan_traps_then_keep_their_values() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR d AT %IW0 : INT; q AT %QW0 : INT; x : INT; END_VAR q := q + 1; x := 10 / d; END_PROGRAM",
    );
    bench.image.iw[0] = 5;
    bench.scan_ms(0);
    bench.image.iw[0] = 0;
    let report = bench.machine.scan(&mut bench.image, 10_000_000, FUEL_NS);
    assert_eq!(report.trap, Some(Trap::DivisionByZero { line: 1 }));
    assert_eq!(bench.image.qw[0], 1);
}

#[test]
fn start_when_warm_then_keeps_retained_variables_only() {
    let source = "
        FUNCTION_BLOCK Hours VAR RETAIN total : DINT; END_VAR VAR scans : DINT; END_VAR
            total := total + 1; scans := scans + 1;
        END_FUNCTION_BLOCK
        PROGRAM Main
        VAR RETAIN parts : DINT := 5; v : ARRAY[0..1] OF INT; END_VAR
        VAR n : INT; h : Hours; END_VAR
            parts := parts + 1; v[1] := v[1] + 1; n := n + 1; h();
        END_PROGRAM";
    let mut bench = Bench::new(source);
    (0..3).for_each(|scan| bench.scan_ms(scan));
    bench.machine.reset_warm();
    for (name, value) in [
        ("parts", "8"),
        ("v[1]", "3"),
        ("n", "0"),
        ("h.total", "3"),
        ("h.scans", "0"),
    ] {
        assert_eq!(bench.text(name), value, "{name}");
    }
    bench.machine.reset_cold();
    assert_eq!(bench.text("parts"), "5");
}

#[test]
fn state_when_restored_then_standby_goes_on_alike() {
    let source = "PROGRAM Main VAR t : TON; n : INT; q AT %QX0.0 : BOOL; END_VAR
        n := n + 1; t(IN := TRUE, PT := T#50ms); q := t.Q; END_PROGRAM";
    let mut first = Bench::new(source);
    (0..3).for_each(|scan| first.scan_ms(scan * 20));
    let mut standby = Machine::new(program(source));
    assert!(standby.restore_state(first.machine.state()));
    let mut image = first.image.clone();
    first.scan_ms(60);
    standby.scan(&mut image, 60_000_000, FUEL_NS);
    assert_eq!(standby.state(), first.machine.state());
    assert_eq!(image, first.image);
    assert!(image.qx[0]);
    assert!(!standby.restore_state(&[1, 2, 3]));
}

#[test]
fn variables_when_read_and_written_by_name_then_are_typed() {
    let mut bench = Bench::new(
        "PROGRAM Main VAR n : INT; r : REAL; a : ARRAY[5..6] OF BOOL; t : TON; END_VAR ; END_PROGRAM",
    );
    bench.write("N", Value::int(-3));
    bench.write("main.R", Value::Real(0.5));
    bench.write("a[6]", Value::Bool(true));
    bench.write("t.PT", Value::Time(7));
    for (name, value) in [
        ("n", "-3"),
        ("r", "0.5"),
        ("A[6]", "TRUE"),
        ("Main.t.pt", "T#0.000007ms"),
    ] {
        assert_eq!(bench.text(name), value);
    }
    for name in [
        "",
        "x",
        "a",
        "a[4]",
        "a[7]",
        "a[x]",
        "t",
        "t.X",
        "n[0]",
        "other.n",
        "a[-9223372036854775808]",
    ] {
        assert_eq!(bench.machine.read(name), None, "{name}");
    }
    assert!(bench.machine.write("n", Value::Bool(true)).is_err());
    assert!(bench.machine.write("none", Value::Bool(true)).is_err());
}
