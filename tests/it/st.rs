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
