//! `twinrange st`: programs without a plant.

use std::fs;

use crate::support::{repository, scratch, words};

const DOUBLE: &str = "FUNCTION Double : INT
VAR_INPUT x : INT; END_VAR
Double := 2 * x;
END_FUNCTION
";

const COUNT: &str = "PROGRAM Count
VAR n : INT; twice : INT; END_VAR
n := n + 1;
twice := Double(n);
END_PROGRAM
";

#[test]
fn st_run_when_two_files_then_prints_the_variables_of_each_scan() {
    let folder = scratch();
    fs::write(folder.path().join("double.st"), DOUBLE).expect("writes");
    fs::write(folder.path().join("count.st"), COUNT).expect("writes");
    let args = "st run double.st count.st --scans 3 --period-ms 50 --trace n,twice --json";
    let done = words(folder.path(), args).expect_code(0);
    let rows: Vec<serde_json::Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            let value = |name: &str| row["values"][name].as_str().expect("a text").to_owned();
            (row["time_ms"].as_u64(), value("n"), value("twice"))
        })
        .collect();
    let expected = [(0, "1", "2"), (50, "2", "4"), (100, "3", "6")];
    let expected = expected.map(|(ms, n, twice)| (Some(ms), n.to_owned(), twice.to_owned()));
    assert_eq!(shown, expected);
}

#[test]
fn st_check_when_the_second_file_is_wrong_then_names_its_place() {
    let folder = scratch();
    fs::write(folder.path().join("double.st"), DOUBLE).expect("writes");
    let wrong = COUNT.replace("twice := Double(n);", "twice := Duoble(n);");
    fs::write(folder.path().join("count.st"), wrong).expect("writes");
    words(folder.path(), "st check double.st count.st")
        .expect_code(2)
        .expect_says(&["count.st:4:10", "Duoble"]);
}

#[test]
fn st_run_when_the_program_traps_then_says_where() {
    let folder = scratch();
    let text = "PROGRAM P\nVAR a, b : INT; END_VAR\na := 1 / b;\nEND_PROGRAM\n";
    fs::write(folder.path().join("p.st"), text).expect("writes");
    words(folder.path(), "st run p.st")
        .expect_code(2)
        .expect_says(&["ST9001", "p.st:3"]);
    words(folder.path(), "st run p.st --trace c")
        .expect_code(2)
        .expect_says(&["TR0112", "`c`"]);
    words(folder.path(), "st run q.st")
        .expect_code(2)
        .expect_says(&["TR0108", "q.st"]);
}

#[test]
fn st_when_given_the_plant_s_programs_then_takes_them() {
    for program in ["filler", "conveyor", "packaging"] {
        let file = format!("scenarios/bottling/{program}.st");
        words(repository(), &format!("st check {file}")).expect_code(0);
        let listing = words(repository(), &format!("st disasm {file}")).expect_code(0);
        assert!(listing.stdout.contains("PROGRAM "), "{}", listing.stdout);
        words(repository(), &format!("st run {file} --scans 5")).expect_code(0);
    }
}

const LATCH: &str = "PROGRAM Latch
VAR
    Start AT %IX0.0 : BOOL;
    Speed AT %IW2 : INT;
    Running : BOOL;
    Total : DINT;
    Gain : REAL;
END_VAR
    Running := Running OR Start;
    IF Running THEN
        Total := Total + Speed;
    END_IF;
END_PROGRAM
";

#[test]
fn st_run_when_given_inputs_then_each_row_holds_from_its_time() {
    let folder = scratch();
    fs::write(folder.path().join("latch.st"), LATCH).expect("writes");
    let inputs = "time_ms, start, %IW2, Gain\n# nothing yet\n0,,5,2\n30,1,,\n50,FALSE,-2,1.5\n";
    fs::write(folder.path().join("in.csv"), inputs).expect("writes");
    let args =
        "st run latch.st --scans 5 --inputs in.csv --trace Total,Gain --json --out t.parquet";
    let done = words(folder.path(), args).expect_code(0);
    let totals: Vec<String> = done
        .stdout
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
            format!("{} {}", row["values"]["Total"], row["values"]["Gain"])
        })
        .collect();
    let expected = [
        ("0", "2.0"),
        ("0", "2.0"),
        ("5", "2.0"),
        ("3", "1.5"),
        ("1", "1.5"),
    ];
    let expected = expected.map(|(total, gain)| format!("\"{total}\" \"{gain}\""));
    assert_eq!(totals, expected);
    let table = fs::read(folder.path().join("t.parquet")).expect("was written");
    assert!(table.starts_with(b"PAR1") && table.ends_with(b"PAR1"));
}

#[test]
fn st_run_when_inputs_are_wrong_then_names_each_cell() {
    let folder = scratch();
    fs::write(folder.path().join("latch.st"), LATCH).expect("writes");
    for (inputs, says) in [
        ("t,Start\n0,1\n", "in.csv:1:1: TR0318"),
        ("time_ms,Strat\n0,1\n", "did you mean `Start`?"),
        ("time_ms,%IX9.8\n0,1\n", "in.csv:1:9: TR0318"),
        (
            "time_ms,Start,Speed\n0,1,1\n20,1,40000\n",
            "in.csv:3:6: TR0318",
        ),
        ("time_ms,Start\n20,1\n10,0\n", "in.csv:3:1: TR0318"),
        (
            "time_ms,Start\n0,1,1\n",
            "the row has 3 cells, and the first has 2",
        ),
        ("time_ms,Start\n-1,1\n", "in.csv:2:1: TR0318"),
        ("", "in.csv:1:1: TR0318"),
    ] {
        fs::write(folder.path().join("in.csv"), inputs).expect("writes");
        words(folder.path(), "st run latch.st --inputs in.csv")
            .expect_code(2)
            .expect_says(&[says]);
    }
}

#[test]
fn st_fmt_when_layout_differs_then_check_says_so_and_fmt_sets_it() {
    let folder = scratch();
    let path = folder.path().join("latch.st");
    fs::write(&path, LATCH).expect("writes");
    words(folder.path(), "st fmt --check latch.st").expect_code(0);
    let flat = LATCH.replace("    ", "").replace("END_IF", "end_if");
    fs::write(&path, &flat).expect("writes");
    words(folder.path(), "st fmt --check latch.st")
        .expect_code(2)
        .expect_says(&["latch.st:3:1: TR0317"]);
    assert_eq!(fs::read_to_string(&path).expect("is there"), flat);
    words(folder.path(), "st fmt latch.st").expect_code(0);
    assert_eq!(fs::read_to_string(&path).expect("is there"), LATCH);
    let broken = LATCH.replace("THEN", "");
    fs::write(&path, &broken).expect("writes");
    words(folder.path(), "st fmt latch.st")
        .expect_code(2)
        .expect_says(&["latch.st:10:"]);
    assert_eq!(fs::read_to_string(&path).expect("is there"), broken);
}

#[test]
fn st_run_when_the_program_traps_then_what_was_traced_is_whole() {
    let folder = scratch();
    let text =
        "PROGRAM P\nVAR n : INT := 3; q : INT; END_VAR\nn := n - 1;\nq := 6 / n;\nEND_PROGRAM\n";
    fs::write(folder.path().join("p.st"), text).expect("writes");
    words(folder.path(), "st run p.st --trace n,q --out t.parquet")
        .expect_code(2)
        .expect_says(&["ST9001", "scan 3"]);
    let table = fs::read(folder.path().join("t.parquet")).expect("was written");
    assert!(table.ends_with(b"PAR1"), "it has its footer");
}

#[test]
fn st_when_given_a_plcopen_project_then_takes_it_like_a_program() {
    let folder = scratch();
    let projects = repository().join("sim/plcopen/tests/projects");
    for name in ["starter", "filling"] {
        let file = format!("{name}.xml");
        fs::copy(projects.join(&file), folder.path().join(&file)).expect("copies");
        let done = words(folder.path(), &format!("st check {file}")).expect_code(0);
        assert!(done.stdout.contains("no mistakes"), "{}", done.stdout);
        words(folder.path(), &format!("st disasm {file}")).expect_code(0);
        words(folder.path(), &format!("st fmt {file}"))
            .expect_code(2)
            .expect_says(&["TR0111", "st import"]);
        words(folder.path(), &format!("check {file}")).expect_code(0);

        // The text that it becomes is a program of its own.
        words(folder.path(), &format!("st import {file} --out {name}.st")).expect_code(0);
        let args = "--scans 3 --period-ms 100 --json";
        let drawn = words(folder.path(), &format!("st run {file} {args}")).expect_code(0);
        let written = words(folder.path(), &format!("st run {name}.st {args}")).expect_code(0);
        assert_eq!(drawn.stdout, written.stdout);
        words(folder.path(), &format!("st import {file} --out {name}.st"))
            .expect_code(2)
            .expect_says(&["TR0307"]);
    }
}

#[test]
fn st_when_plcopen_projects_need_each_other_then_warns_of_both() {
    let folder = scratch();
    let project = |types: &str, pou: &str| {
        format!(
            "<project xmlns=\"http://www.plcopen.org/xml/tc6_0201\" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\
             <types><dataTypes>{types}</dataTypes><pous>{pou}</pous></types><instances><configurations/></instances>\
             </project>"
        )
    };
    let pair = "<dataType name=\"Pair\"><baseType><struct><variable name=\"m3\"><type><INT/></type></variable>\
                <variable name=\"m4\"><type><INT/></type></variable></struct></baseType></dataType>";
    let pin =
        |name: &str, end: &str| format!("<variable formalParameter=\"{name}\">{end}</variable>");
    let read = |id: u32| {
        format!(
            "<outVariable localId=\"{id}\"><connectionPointIn><connection refLocalId=\"2\"/></connectionPointIn>\
             <expression>x.m{id}</expression></outVariable>"
        )
    };
    // What `Own` gives is stored, and only the other project says with what type.
    let main = format!(
        "<pou name=\"Main\" pouType=\"program\"><interface><localVars><variable name=\"x\"><type>\
         <derived name=\"Pair\"/></type></variable></localVars></interface><body><FBD><inVariable localId=\"1\"><expression>1</expression></inVariable>\
         <inVariable localId=\"9\"><expression>7</expression></inVariable>\
         <block localId=\"2\" typeName=\"Own\"><inputVariables>{}</inputVariables><inOutVariables/><outputVariables>{}{}\
         </outputVariables></block>{}{}</FBD></body></pou>",
        pin(
            "n",
            "<connectionPointIn><connection refLocalId=\"1\"/></connectionPointIn>"
        ),
        pin("OUT", "<connectionPointOut/>"),
        pin("ENO", "<connectionPointOut/>"),
        read(3),
        read(4)
    );
    let own = "<pou name=\"Own\" pouType=\"function\"><interface><returnType><INT/></returnType><inputVars>\
               <variable name=\"n\"><type><INT/></type></variable></inputVars></interface><body><ST>\
               <xhtml:p>Own := n;</xhtml:p></ST></body></pou>";
    fs::write(folder.path().join("a.xml"), project("", &main)).expect("writes");
    fs::write(folder.path().join("b.xml"), project(pair, own)).expect("writes");
    for verb in ["check", "run"] {
        words(folder.path(), &format!("st {verb} a.xml b.xml"))
            .expect_code(0)
            .expect_says(&["PX0902", "a.xml:1:", "inVariable 9"]);
    }
}

#[test]
fn st_when_a_plcopen_project_is_wrong_then_names_the_drawing() {
    let folder = scratch();
    let path = repository().join("sim/plcopen/tests/projects/starter.xml");
    let text = fs::read_to_string(path).expect("reads");
    let wrong = text.replace("<variable>star</variable>", "<variable>stra</variable>");
    let line = wrong[..wrong.find("stra<").expect("is there")]
        .matches('\n')
        .count()
        + 1;
    fs::write(folder.path().join("p.xml"), wrong).expect("writes");
    words(folder.path(), "st check p.xml")
        .expect_code(2)
        .expect_says(&[&format!("p.xml:{line}:"), "ST0301", "POU `Starter`"]);

    // A division by zero in the function block diagram: 4000 counts are both ends of the range. The place is
    // that of the statement's beginning, what is assigned.
    let traps = text.replace(
        "<expression>20000</expression>",
        "<expression>4000</expression>",
    );
    let traps = traps.replace("INT_TO_REAL", "MOVE").replace("100.0", "100");
    let traps = traps.replace("<REAL/>", "<INT/>").replace("80.0", "80");
    let line = traps[..traps.find("<expression>ToPercent<").expect("is there")]
        .matches('\n')
        .count()
        + 1;
    fs::write(folder.path().join("p.xml"), traps).expect("writes");
    words(folder.path(), "st run p.xml")
        .expect_code(2)
        .expect_says(&["ST9001", &format!("p.xml:{line}:")]);
}
