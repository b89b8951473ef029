//! Formats with a row per period.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;
use twinrange_range::run_folder::RunFolder;

use super::{
    CLEAN, EPOCH_S, LENGTH, command_seconds, csv, deviations, export, runs, seconds, steps, unix,
};
use crate::support::{read_json, scratch, twinrange, words};

/// JSON lines of a compressed file.
fn lines(path: &Path) -> Vec<Value> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let parsed = lines.map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"));
    parsed.collect()
}

/// What `ipal-evaluate` demands of attacks: keys, order, no overlap. They are `(id, start, end)`.
fn attacks(path: &Path) -> Vec<(String, f64, f64)> {
    let attacks = read_json(path);
    let attacks: Vec<_> = attacks
        .as_array()
        .expect("a list")
        .iter()
        .map(|attack| {
            assert!(attack["attack_point"].is_array() && attack["description"].is_string());
            let id = attack["id"].as_str().expect("a text").to_owned();
            let time = |key: &str| attack[key].as_f64().expect("a time");
            (id, time("start"), time("end"))
        })
        .collect();
    for pair in attacks.windows(2) {
        assert!(pair[0].2 < pair[1].1, "sorted and apart: {pair:?}");
    }
    attacks
}

#[test]
fn ipal_states_when_read_as_ipal_does_then_labels_are_the_attacks() {
    let (_folder, out) = export("run", "--format ipal");
    for scope in ["command", "effect"] {
        let attacks = attacks(&out.join(scope).join("attacks.json"));
        assert!(!attacks.is_empty());
        let test = lines(&out.join(scope).join("test.state.gz"));
        assert_eq!(test.len(), LENGTH - CLEAN);
        let names: Vec<&String> = test[0]["state"]
            .as_object()
            .expect("values")
            .keys()
            .collect();
        for (row, at) in test.iter().zip((EPOCH_S + 60)..) {
            assert_eq!(row["timestamp"], at, "whole seconds without a point");
            // IPAL's get_attack: `start <= timestamp and timestamp <= end`.
            let time = row["timestamp"].as_f64().expect("a time");
            let attack = attacks
                .iter()
                .find(|(_, start, end)| *start <= time && time <= *end);
            let expect = attack.map_or(Value::Bool(false), |(id, _, _)| id.as_str().into());
            assert_eq!(row["malicious"], expect, "{time}");
            let state = row["state"].as_object().expect("values");
            assert_eq!(state.keys().collect::<Vec<_>>(), names);
            assert!(state.values().all(Value::is_number));
        }
        let train = lines(&out.join(scope).join("train.state.gz"));
        assert_eq!(train.len(), CLEAN);
        assert!(train.iter().all(|row| row["malicious"] == false));
    }
    let one_by_one = read_json(&out.join("command/attacks-steps.json"));
    let ids: Vec<&str> = one_by_one
        .as_array()
        .expect("a list")
        .iter()
        .map(|attack| attack["id"].as_str().expect("a text"))
        .collect();
    let expect: Vec<String> = steps().into_iter().map(|(id, _, _)| id).collect();
    assert_eq!(ids, expect);
}

#[test]
fn ipal_messages_when_read_as_ipal_does_then_they_are_in_order_and_answers_find_their_requests() {
    let (_folder, out) = export("run", "--format ipal --labels command");
    let known: BTreeSet<String> = steps().into_iter().map(|(id, _, _)| id).collect();
    let mut malicious = BTreeMap::<String, u64>::new();
    for part in ["train", "test"] {
        let messages = lines(&out.join(format!("command/{part}.ipal.gz")));
        let mut answered = 0;
        let mut before = 0.0;
        for (number, message) in (0_u64..).zip(&messages) {
            assert_eq!(message["id"], number);
            assert_eq!(message["protocol"], "modbus");
            let time = message["timestamp"].as_f64().expect("a time");
            assert!(time >= before, "in the order of time");
            before = time;
            let activity = message["activity"].as_str().expect("a word");
            // IPAL: Activity.from_str.
            assert!(["interrogate", "inform", "command", "action"].contains(&activity));
            let is_answer = matches!(activity, "inform" | "action");
            let controller = message[if is_answer { "src" } else { "dest" }].as_str();
            let parts: Vec<&str> = controller.expect("an address").split(':').collect();
            assert!(parts.len() == 3 && parts[1] == "502", "{parts:?}");
            for request in message["responds to"].as_array().expect("a list") {
                let request =
                    &messages[usize::try_from(request.as_u64().expect("an id")).expect("small")];
                assert!(request["id"].as_u64() < Some(number));
                assert_eq!(request["dest"], message["src"]);
                let names = |message: &Value| {
                    let data = message["data"].as_object().expect("values");
                    data.keys().cloned().collect::<Vec<_>>()
                };
                if message["type"] == request["type"] && message["type"] != 43 {
                    assert_eq!(names(request), names(message), "{message}");
                }
                answered += 1;
            }
            match &message["malicious"] {
                Value::Bool(false) => {}
                Value::String(step) if known.contains(step) && part == "test" => {
                    *malicious.entry(step.clone()).or_default() += 1;
                }
                other => panic!("{other} in {part}"),
            }
        }
        assert!(
            answered * 3 > messages.len(),
            "{answered} of {}",
            messages.len()
        );
    }
    assert!(
        malicious["fill-by-volume"] >= 2,
        "request and answer: {malicious:?}"
    );
    assert!(malicious["open-valve"] >= 4, "{malicious:?}");
}

#[test]
fn swat_when_read_with_stripped_heads_then_times_labels_and_values() {
    for (args, is_blank) in [
        ("--format swat", false),
        ("--format swat --blank-heads", true),
    ] {
        let (_folder, out) = export("run", args);
        let expect = [
            ("command", command_seconds()),
            ("effect", seconds(deviations())),
        ];
        for (scope, flags) in expect {
            let rows = csv(&out.join(scope).join("SWaT_Dataset_Attack_v0.csv"));
            assert_eq!(rows[0][0].starts_with(' '), is_blank);
            let head: Vec<&str> = rows[0].iter().map(|name| name.trim()).collect();
            assert_eq!(
                (head[0], *head.last().expect("a label")),
                ("Timestamp", "Normal/Attack")
            );
            let labels: Vec<bool> = rows[1..]
                .iter()
                .map(|row| match row.last().expect("a label").as_str() {
                    "Normal" => false,
                    "Attack" => true,
                    other => panic!("`{other}`"),
                })
                .collect();
            assert_eq!(labels, flags[CLEAN..], "{scope}");
            for (row, at) in rows[1..].iter().zip((EPOCH_S + 60)..) {
                assert_eq!(swat_time(row[0].trim()), at);
            }
            let train = csv(&out.join(scope).join("SWaT_Dataset_Normal_v1.csv"));
            assert_eq!(train[0], rows[0]);
            assert_eq!(train.len(), CLEAN + 1);
            assert!(
                train[1..]
                    .iter()
                    .all(|row| row.last().is_some_and(|label| label == "Normal"))
            );
        }
    }
}

/// `%d/%m/%Y %I:%M:%S %p`.
fn swat_time(text: &str) -> i64 {
    let parts: Vec<&str> = text.split(['/', ' ', ':']).collect();
    let [day, month, year, hour, minute, second, half] = parts[..] else {
        panic!("`{text}`")
    };
    let number = |text: &str| -> i64 { text.parse().expect("a number") };
    let hour = number(hour) % 12 + if half == "PM" { 12 } else { 0 };
    unix([
        number(year),
        number(month),
        number(day),
        hour,
        number(minute),
        number(second),
    ])
}

#[test]
fn values_when_of_the_historian_then_forged_and_when_of_the_truth_then_not() {
    let run = RunFolder::open(&runs().join("run")).expect("it is whole");
    let process = run.process().expect("can be read");
    let level = process.column("bowl_level_m").expect("it is there");
    let last = level.last().expect("there are rows");
    let column = |args: &str, name: &str| -> Vec<f64> {
        let (_folder, out) = export("run", args);
        let rows = csv(&out.join("command/SWaT_Dataset_Attack_v0.csv"));
        let at = rows[0]
            .iter()
            .position(|head| head == name)
            .expect("it has a column");
        rows[1..]
            .iter()
            .map(|row| row[at].parse().expect("a number"))
            .collect()
    };
    let told = column("--format swat --labels command", "FIL_BowlLevel");
    let true_level = column(
        "--format swat --labels command --values truth",
        "bowl_level_m",
    );
    assert_eq!(true_level.last(), Some(last));
    assert!(*last > 0.35, "the bowl fills up: {last}");
    assert!(
        told.last() < Some(&0.32),
        "the historian was told otherwise: {:?}",
        told.last()
    );
}

#[test]
fn rows_when_compared_with_the_samples_then_the_last_before_the_end_of_each() {
    let (_folder, out) = export(
        "run",
        "--format swat --period 10s --train calm --labels command",
    );
    let rows = csv(&out.join("command/SWaT_Dataset_Attack_v0.csv"));
    assert_eq!(
        rows.len(),
        LENGTH / 10 + 1,
        "with another run to learn from the whole is tested on"
    );
    assert_eq!(
        csv(&out.join("command/SWaT_Dataset_Normal_v1.csv")).len(),
        LENGTH / 10 + 1
    );
    let run = RunFolder::open(&runs().join("run")).expect("it is whole");
    let mut samples = Vec::new();
    for batch in run.tags().expect("can be read") {
        samples.extend(batch.expect("can be read"));
    }
    for (at, name) in rows[0].iter().enumerate().skip(1).take(rows[0].len() - 2) {
        let own: Vec<_> = samples
            .iter()
            .filter(|sample| sample.tag == *name)
            .collect();
        for (row, end) in rows[1..]
            .iter()
            .zip((1_u64..).map(|row| row * 10_000_000_000))
        {
            let is_last = end == LENGTH as u64 * 1_000_000_000;
            let before = own
                .iter()
                .rfind(|s| s.t_ns < end || (is_last && s.t_ns == end));
            let expect = before.expect("ten seconds have a sample").value;
            assert_eq!(row[at].parse(), Ok(expect), "{name} before {end}");
        }
    }
}

#[test]
fn hai_when_read_in_both_versions_then_the_last_four_columns_and_the_labels_apart_agree() {
    let (_folder, out) = export("run", "--format hai");
    let home = out.join("command");
    let test = csv(&home.join("hai-21.03/test1.csv"));
    let width = test[0].len();
    // IPAL's HAI reader takes columns 1 to -4 for values and -4 for the label.
    assert_eq!(
        test[0][width - 4..],
        ["attack", "attack_P1", "attack_P2", "attack_P3"]
    );
    assert_eq!(test[0][0], "time");
    let flags = command_seconds();
    for (row, second) in test[1..].iter().zip(CLEAN..) {
        let label = |back: usize| row[width - back] == "1";
        assert_eq!(label(4), flags[second], "{second}");
        assert!(label(4) || !(label(3) || label(2) || label(1)));
    }
    let about = |part: usize| {
        test[1..]
            .iter()
            .filter(|row| row[width - part] == "1")
            .count()
    };
    assert!(
        about(3) > about(2),
        "the filler is attacked for longer than the conveyor"
    );
    assert_eq!(
        about(2),
        22,
        "the scan is about all of them, 21.1 s in 22 rows"
    );
    let labels = csv(&home.join("hai-23.05/label-test1.csv"));
    assert_eq!(labels[0], ["timestamp", "label"]);
    let apart: Vec<_> = labels[1..].iter().map(|row| row[1].clone()).collect();
    let beside: Vec<_> = test[1..].iter().map(|row| row[width - 4].clone()).collect();
    assert_eq!(apart, beside);
    let values = csv(&home.join("hai-23.05/hai-test1.csv"));
    assert_eq!(values[0].len(), width - 4, "values alone");
    assert_eq!(values[1][0], labels[1][0]);
    assert_eq!(values[1][0], "2026-01-05 06:01:00");
    let train = csv(&home.join("hai-21.03/train1.csv"));
    assert_eq!(train[0], test[0]);
    assert!(
        train[1..]
            .iter()
            .all(|row| row[width - 4..].iter().all(|label| label == "0"))
    );
}

/// eTaPR's `load_stream_file`: where -1 begins and ends; a range goes on to the last line.
fn stream(path: &Path) -> (usize, Vec<(usize, usize)>) {
    let text = std::fs::read_to_string(path).expect("it is there");
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let mut before = -2;
    for (number, line) in text.lines().enumerate() {
        let label: i64 = line.trim().parse().expect("a label");
        assert!(label == 1 || label == -1, "{line}");
        match ranges.last_mut() {
            Some((_, last)) if label == -1 && before == -1 => *last = number,
            _ if label == -1 => ranges.push((number, number)),
            _ => {}
        }
        before = label;
    }
    (text.lines().count(), ranges)
}

/// eTaPR's `load_range_file`: split at commas, whole numbers unless a form of time is named; ranges that touch the one
/// before end the program.
fn ranges(path: &Path, read: fn(&str) -> usize) -> Vec<(usize, usize, String)> {
    let text = std::fs::read_to_string(path).expect("it is there");
    let lines = text.lines().map(|line| {
        let parts: Vec<&str> = line.trim().split(',').collect();
        assert_eq!(parts.len(), 3, "{line}");
        (read(parts[0]), read(parts[1]), parts[2].to_owned())
    });
    let ranges: Vec<_> = lines.collect();
    for range in &ranges {
        assert!(range.0 <= range.1, "{range:?}");
    }
    for pair in ranges.windows(2) {
        assert!(pair[1].0 > pair[0].1, "overlapped: {pair:?}");
    }
    ranges
}

/// `%Y-%m-%d %H:%M:%S`, as a line of the part to be tested on.
fn line_at(text: &str) -> usize {
    let parts: Vec<i64> = text
        .split(['-', ' ', ':'])
        .map(|part| part.parse().expect("a number"))
        .collect();
    let second = unix(parts.try_into().expect("six parts")) - EPOCH_S;
    usize::try_from(second).expect("after the epoch") - CLEAN
}

#[test]
fn etapr_when_read_as_the_tool_does_then_the_rows_of_hai_that_are_labelled() {
    let (_folder, out) = export("run", "--format etapr");
    let (_other, hai) = export("run", "--format hai");
    let expect = [
        ("command", command_seconds()),
        ("effect", seconds(deviations())),
    ];
    for (scope, flags) in expect {
        let home = out.join(scope);
        let (lines, streamed) = stream(&home.join("anomalies-stream.csv"));
        assert_eq!(lines, LENGTH - CLEAN);
        for (line, flag) in flags[CLEAN..].iter().enumerate() {
            let inside = streamed.iter().any(|(a, b)| (*a..=*b).contains(&line));
            assert_eq!(inside, *flag, "{scope} {line}");
        }
        let named = ranges(&home.join("anomalies-range.csv"), |text| {
            text.parse().expect("a whole number")
        });
        let plain: Vec<_> = named
            .iter()
            .map(|(first, last, _)| (*first, *last))
            .collect();
        assert_eq!(plain, streamed, "{scope}");
        assert_eq!(ranges(&home.join("anomalies-times.csv"), line_at), named);
        let table = csv(&hai.join(scope).join("hai-21.03/test1.csv"));
        let label = table[0].len() - 4;
        let labels = table[1..].iter().map(|row| row[label] == "1");
        assert!(labels.eq(flags[CLEAN..].iter().copied()), "{scope}");
    }
    let named = ranges(&out.join("command/anomalies-range.csv"), |text| {
        text.parse().expect("a whole number")
    });
    let names: BTreeSet<&str> = named
        .iter()
        .flat_map(|(.., name)| name.split('+'))
        .collect();
    let all = steps();
    let expect: BTreeSet<&str> = all.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(names, expect, "every step is in a range");
    // Longer rows and another part to be tested on: lines are those of the whole run.
    let (_folder, longer) = export(
        "run",
        "--format etapr --period 10s --train calm --labels command",
    );
    let (lines, streamed) = stream(&longer.join("command/anomalies-stream.csv"));
    assert_eq!(lines, LENGTH / 10);
    for (line, flags) in command_seconds().chunks(10).enumerate() {
        let inside = streamed.iter().any(|(a, b)| (*a..=*b).contains(&line));
        assert_eq!(inside, flags.contains(&true), "{line}");
    }
    let note = read_json(&out.join("labels.json"));
    assert_eq!(
        (&note["period_ns"], &note["values"]),
        (&1_000_000_000.into(), &Value::Null)
    );
    let (_folder, calm) = export("calm", "--format etapr");
    let empty = std::fs::read_to_string(calm.join("command/anomalies-range.csv"));
    assert_eq!(empty.expect("it is there"), "");
    let note = read_json(&calm.join("labels.json"));
    let remarks = note["remarks"].to_string();
    assert!(
        remarks.contains("no anomaly in the set `command`"),
        "{remarks}"
    );
}

#[test]
fn batadal_when_read_then_hours_blanks_and_flags() {
    let (_folder, out) = export("run", "--format batadal --period 10s --undisclosed");
    let home = out.join("command");
    let rows = csv(&home.join("BATADAL_dataset04.csv"));
    assert!(rows[0][1].starts_with(' ') && rows[0].last().is_some_and(|name| name == " ATT_FLAG"));
    let flags = command_seconds();
    for (number, row) in (6..).zip(&rows[1..]) {
        // `%d/%m/%y %H`: an hour for every row.
        let text = &row[0];
        let parts: Vec<i64> = text
            .split(['/', ' '])
            .map(|part| part.parse().expect("a number"))
            .collect();
        let time = unix([2000 + parts[2], parts[1], parts[0], parts[3], 0, 0]);
        assert_eq!(time, EPOCH_S + 3_600 * number, "{text}");
        let first = usize::try_from(number).expect("small") * 10;
        let is_attack = flags[first..first + 10].contains(&true);
        let expect = if is_attack { "1" } else { "-999" };
        assert_eq!(row.last().map(String::as_str), Some(expect), "{text}");
        // IPAL's BATADAL reader: a value with a point is a float, any other an int.
        for value in &row[1..row.len() - 1] {
            assert!(
                value.contains('.') || value.parse::<i64>().is_ok(),
                "{value}"
            );
        }
    }
    let plain = csv(&home.join("BATADAL_test_dataset.csv"));
    assert_eq!(plain[0].len() + 1, rows[0].len(), "no ATT_FLAG");
    assert!(plain[0].iter().all(|name| name.trim() == name));
    assert_eq!(plain[1], rows[1][..rows[1].len() - 1]);
    let train = csv(&home.join("BATADAL_dataset03.csv"));
    assert_eq!(train.len(), 7);
    assert!(
        train[1..]
            .iter()
            .all(|row| row.last().is_some_and(|flag| flag == "0"))
    );
    let note = read_json(&out.join("labels.json"));
    assert_eq!(note["period_ns"], 10_000_000_000_u64);
    assert_eq!(note["stamp_period_ns"], 3_600_000_000_000_u64);
}

#[test]
fn wadi_when_read_then_a_line_to_skip_and_minus_one_is_attack() {
    let (_folder, out) = export("run", "--format wadi");
    let rows = csv(&out.join("command/WADI_attackdataLABLE.csv"));
    assert!(rows[0].iter().all(String::is_empty));
    let (head, rows) = (&rows[1], &rows[2..]);
    assert_eq!(head[..3], ["Row", "Date", "Time"]);
    assert_eq!(
        head.last().map(String::as_str),
        Some("Attack LABLE (1:No Attack, -1:Attack)")
    );
    let flags = command_seconds();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row[0], (number + 1).to_string());
        let expect = if flags[CLEAN + number] { "-1" } else { "1" };
        assert_eq!(row.last().map(String::as_str), Some(expect));
    }
    let train = csv(&out.join("command/WADI_14days_new.csv"));
    assert_eq!(
        train[0],
        head[..head.len() - 1],
        "no label, no line to skip"
    );
    assert_eq!(train.len(), CLEAN + 1);
}

#[test]
fn wadi_when_metrics_read_it_then_the_row_above_the_head_is_skipped_and_its_label_known() {
    const LABEL: &str = "Attack LABLE (1:No Attack, -1:Attack)";
    let (_folder, out) = export("run", "--format wadi --labels command");
    let folder = out.join("command");
    let file = "WADI_attackdataLABLE.csv";
    let metrics = |truth: &str, args: &[&str]| {
        let all = [&["metrics", "--json", "--truth", truth], args].concat();
        twinrange(&folder, &all)
    };
    let mut predicted = "pred\n".to_owned();
    for flag in &command_seconds()[CLEAN..] {
        predicted += if *flag { "1\n" } else { "0\n" };
    }
    std::fs::write(folder.join("pred.csv"), predicted).expect("it can be written");
    let own: &[&str] = &["--alarms", file, "--alarms-column", LABEL];
    for args in [
        own,
        &[own, &["--attack-value", "-1"]].concat(),
        &[own, &["--attack-value", "-1", "--truth-column", LABEL]].concat(),
        // The value of the one file is not that of the other.
        &["--alarms", "pred.csv"],
    ] {
        let done = metrics(file, args).expect_code(0);
        let found: Value = serde_json::from_str(&done.stdout).expect("JSON");
        assert_eq!(found["n"], LENGTH - CLEAN, "{args:?}");
        assert_eq!(found["scores"]["pointwise"]["f1"], 1.0, "{args:?}");
        assert_eq!(found["scores"]["pointwise"]["specificity"], 1.0, "{args:?}");
    }
    metrics(file, &["--alarms", file])
        .expect_code(2)
        .expect_says(&["TR0341", "known for alarms: Row, Date", "--alarms-column"]);

    let text = std::fs::read_to_string(folder.join(file)).expect("it is there");
    let check = |change: &dyn Fn(&mut Vec<String>), says: &[&str]| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        std::fs::write(folder.join("bad.csv"), lines.join("\n")).expect("it can be written");
        let done = metrics("bad.csv", &["--alarms", "pred.csv"]);
        if says.is_empty() {
            done.expect_code(0);
        } else {
            done.expect_code(2)
                .expect_says(&[&["TR0341"], says].concat());
        }
    };
    // The head is line 2, so that line 5 is the third row.
    let relabel = |lines: &mut Vec<String>| {
        let (values, _) = lines[4].rsplit_once(',').expect("a label");
        lines[4] = format!("{values},0");
    };
    check(&relabel, &["bad.csv:5:", "is `0`", "--attack-value"]);
    check(&|lines| lines[4].push_str(",1"), &["bad.csv:5:", "cells"]);
    check(
        &|lines| lines[4] = lines[0].clone(),
        &["bad.csv:5:", "no values"],
    );
    check(&|lines| lines[0] = ",".to_owned(), &[]);
    check(&|lines| lines.push(lines[0].clone()), &[]);
}

#[test]
fn metrics_when_computed_over_the_export_then_those_of_the_score() {
    let folder = scratch();
    let home = folder.path();
    crate::support::copy(&runs().join("run"), &home.join("run"));
    words(home, "score run --quick").expect_code(0);
    let score = read_json(&home.join("run/score/score.json"));
    let own = &score["series"];
    let alarms = score["detection"]["alarms"].as_array().expect("a list");
    let mut ranges = "first,last\n".to_owned();
    for alarm in alarms {
        let second = |key: &str| alarm[key].as_u64().expect("a time") / 1_000_000_000;
        let last = second("last_ns").min(LENGTH as u64 - 1);
        ranges.push_str(&format!("{},{last}\n", second("first_ns")));
    }
    assert!(!alarms.is_empty(), "the reference defense alerts");
    std::fs::write(home.join("alarms.csv"), ranges).expect("it can be written");
    let (_out, out) = export("run", "--format swat --train calm --labels command");
    std::fs::copy(
        out.join("command/SWaT_Dataset_Attack_v0.csv"),
        home.join("truth.csv"),
    )
    .expect("it can be copied");
    let done = words(
        home,
        "metrics --truth truth.csv --truth-column Normal/Attack --alarms alarms.csv --json",
    );
    let found: Value = serde_json::from_str(&done.expect_code(0).stdout).expect("JSON");
    assert_eq!(found["n"], own["samples"]);
    let etapr = &found["scores"]["etapr"][0];
    for (ours, theirs) in [
        (&own["etap"], &etapr["eTaP"]),
        (&own["etar"], &etapr["eTaR"]),
        (&own["etapr_f1"], &etapr["f1"]),
        (&own["batadal_s"], &found["scores"]["batadal"]["S"]),
        (&own["mcc"], &found["scores"]["pointwise"]["mcc"]),
    ] {
        assert!(ours.as_f64().is_some_and(|value| value != 0.0), "{own}");
        assert_eq!(ours, theirs, "{etapr}");
    }
}
