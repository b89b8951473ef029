//! The same build, scenario and seed give the same bytes, wherever and however the run is made.

use std::fs;
use std::path::Path;

use crate::support::{assert_same_run, copy_shipped, files, manifest, repository, scratch, words};

/// Long enough for the attack to have begun and frames to be under way in all directions.
const ATTACKED: &str = "43min";

#[test]
fn run_when_made_elsewhere_then_same_bytes_and_replay_agrees() {
    let (here, there) = (scratch(), scratch());
    words(
        here.path(),
        &format!("run bottling/overflow --duration {ATTACKED} --out one"),
    )
    .expect_code(0);
    let far = there.path().join("a folder/with a name");
    fs::create_dir_all(&far).expect("the folder can be made");
    words(
        &far,
        &format!("run bottling/overflow --duration {ATTACKED} --out ../other/two"),
    )
    .expect_code(0);
    let (one, two) = (
        here.path().join("one"),
        there.path().join("a folder/other/two"),
    );
    assert_same_run(&one, &two);
    let counts = manifest(&one)["counts"].clone();
    assert!(
        counts["attack_frames"].as_u64() > Some(0),
        "nothing attacked: {counts}"
    );
    let done = words(there.path(), &format!("replay {}", one.display())).expect_code(0);
    assert!(done.stdout.starts_with("the same: "), "{done:?}");
}

/// The built-in scenarios are the shipped files.
#[test]
fn run_when_made_from_files_then_same_bytes_as_built_in() {
    let folder = scratch();
    let file = repository().join("scenarios/bottling/calm.ron");
    words(
        folder.path(),
        "run bottling/calm --duration 2min --out built-in",
    )
    .expect_code(0);
    let args = [
        "run",
        &file.display().to_string(),
        "--duration",
        "120s",
        "--out",
        "file",
    ];
    crate::support::twinrange(folder.path(), &args).expect_code(0);
    assert_same_run(&folder.path().join("built-in"), &folder.path().join("file"));
}

#[test]
fn run_when_plant_lists_things_in_another_order_then_same_bytes() {
    let folder = scratch();
    copy_shipped(folder.path());
    let scenario = format!("run scenarios/bottling/overflow.ron --duration {ATTACKED}");
    words(folder.path(), &format!("{scenario} --out one")).expect_code(0);
    let plant = folder.path().join("scenarios/bottling/plant.ron");
    let text = fs::read_to_string(&plant).expect("the plant is text");
    let turned = [
        "inputs",
        "outputs",
        "hosts",
        "controllers",
        "tags",
        "alarms",
        "procedures",
    ]
    .iter()
    .fold(text.clone(), |text, list| reversed(&text, list));
    assert_ne!(text, turned);
    fs::write(&plant, turned).expect("the copy can be written");
    words(folder.path(), &format!("{scenario} --out two")).expect_code(0);
    assert_same_run(&folder.path().join("one"), &folder.path().join("two"));
}

#[test]
fn run_when_seed_differs_then_other_bytes() {
    let folder = scratch();
    words(
        folder.path(),
        "run bottling/calm --duration 2min --seed 1 --out one",
    )
    .expect_code(0);
    words(
        folder.path(),
        "run bottling/calm --duration 2min --seed 2 --out two",
    )
    .expect_code(0);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    assert_ne!(
        manifest(&one)["trace_digest"],
        manifest(&two)["trace_digest"]
    );
    let (one, two) = (files(&one), files(&two));
    for name in [
        "evidence/span-cell.pcapng",
        "evidence/tags.parquet",
        "truth/process.parquet",
    ] {
        let name = Path::new(name);
        assert!(one[name] != two[name], "{} is the same", name.display());
    }
}

/// A way to spoil a file, and the exit code of `replay` after it.
struct Tamper {
    file: &'static str,
    change: fn(&mut Vec<u8>),
    code: i32,
    says: &'static [&'static str],
}

const TAMPERS: [Tamper; 7] = [
    Tamper {
        file: "evidence/tags.parquet",
        change: cut,
        code: 2,
        says: &["TR0306", "tags.parquet", "cut off"],
    },
    Tamper {
        file: "evidence/syslog.log",
        change: lengthen,
        code: 2,
        says: &["TR0306", "syslog.log"],
    },
    Tamper {
        file: "truth/digests.parquet",
        change: cut,
        code: 2,
        says: &["TR0306", "digests.parquet"],
    },
    Tamper {
        file: "inputs.jsonl",
        change: lengthen,
        code: 2,
        says: &["TR0306", "inputs.jsonl"],
    },
    Tamper {
        file: "run.json",
        change: cut,
        code: 2,
        says: &["TR0303", "run.json:"],
    },
    Tamper {
        file: "run.json",
        change: other_seed,
        code: 4,
        says: &["diverged", "00:00:01"],
    },
    Tamper {
        file: "run.json",
        change: |bytes| other_digest(bytes),
        code: 4,
        says: &["diverged", "digest"],
    },
];

fn cut(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() / 2);
}

fn lengthen(bytes: &mut Vec<u8>) {
    bytes.extend(b"{\"t_ns\":1}\n");
}

fn replace(bytes: &mut Vec<u8>, find: &str, with: &str) {
    let text = std::str::from_utf8(bytes).expect("run.json is text");
    assert!(text.contains(find), "`{find}` is not in run.json");
    *bytes = text.replacen(find, with, 1).into_bytes();
}

fn other_seed(bytes: &mut Vec<u8>) {
    replace(bytes, "\n  \"seed\": 1,", "\n  \"seed\": 3,");
}

fn other_digest(bytes: &mut [u8]) {
    let text = std::str::from_utf8(bytes).expect("run.json is text");
    let start = text
        .find("\"trace_digest\": \"")
        .expect("there is a digest")
        + "\"trace_digest\": \"".len();
    bytes[start] = if bytes[start] == b'0' { b'1' } else { b'0' };
}

#[test]
fn replay_when_folder_was_changed_then_told() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 2min --out run").expect_code(0);
    let run = folder.path().join("run");
    for tamper in TAMPERS {
        let path = run.join(tamper.file);
        let whole = fs::read(&path).expect("the file is there");
        let mut bytes = whole.clone();
        (tamper.change)(&mut bytes);
        assert_ne!(bytes, whole, "{} was not changed", tamper.file);
        fs::write(&path, bytes).expect("the file can be written");
        words(folder.path(), "replay run")
            .expect_code(tamper.code)
            .expect_says(tamper.says);
        fs::write(&path, whole).expect("the file can be written");
    }
    fs::remove_file(run.join("truth/process.parquet")).expect("the file is there");
    words(folder.path(), "replay run")
        .expect_code(2)
        .expect_says(&["TR0305", "process.parquet"]);
}

/// Evidence of the same length is no proof: somebody may have edited it.
#[test]
fn replay_when_one_byte_was_changed_then_told() {
    let folder = scratch();
    words(folder.path(), "run bottling/calm --duration 1min --out run").expect_code(0);
    for file in [
        "evidence/span-cell.pcapng",
        "evidence/syslog.log",
        "truth/process.parquet",
    ] {
        let path = folder.path().join("run").join(file);
        let whole = fs::read(&path).expect("the file is there");
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x01;
        fs::write(&path, bytes).expect("the file can be written");
        let name = file.rsplit('/').next().unwrap_or(file);
        words(folder.path(), "replay run")
            .expect_code(2)
            .expect_says(&["TR0306", name]);
        fs::write(&path, whole).expect("the file can be written");
    }
}

#[test]
fn run_when_folder_is_somebody_elses_then_nothing_is_overwritten() {
    let folder = scratch();
    let mine = folder.path().join("mine");
    fs::create_dir_all(&mine).expect("the folder can be made");
    fs::write(mine.join("thesis.txt"), "the only copy").expect("the file can be written");
    words(folder.path(), "run bottling/calm --duration 1s --out mine")
        .expect_code(2)
        .expect_says(&["TR0301", "mine"]);
    assert_eq!(files(&mine).len(), 1);
}

/// A RON text in which every list of this name has its elements the other way round. Comments travel with the
/// element that they precede.
fn reversed(text: &str, list: &str) -> String {
    let opening = format!(" {list}: [");
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&opening) {
        let (before, inside) = rest.split_at(at + opening.len());
        let (elements, length) = elements(inside);
        out.push_str(before);
        for element in elements.iter().rev() {
            out.push_str(element);
            // A comment may end the element; the comma must not become part of it.
            out.push_str("\n,");
        }
        rest = &inside[length..];
    }
    out + rest
}

/// The elements of a list whose text begins after its opening bracket, and where its closing bracket is.
fn elements(text: &str) -> (Vec<&str>, usize) {
    let mut found = Vec::new();
    let (mut depth, mut start, mut at) = (0_u32, 0, 0);
    let bytes = text.as_bytes();
    loop {
        match bytes[at] {
            b'"' => at += 1 + text[at + 1..].find('"').expect("a text ends"),
            b'/' if bytes[at + 1] == b'/' => at += text[at..].find('\n').expect("a line ends"),
            b'(' | b'[' | b'{' => depth += 1,
            b']' if depth == 0 => {
                if !text[start..at].trim().is_empty() {
                    found.push(&text[start..at]);
                }
                return (found, at);
            }
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
}

#[test]
fn list_when_reversed_then_elements_are_whole() {
    let text =
        "( hosts: [ (name: \"a, ]\"), // one, two\n (name: \"b\", tags: [1, 2]) ], other: [1, 2] )";
    let turned = reversed(text, "hosts");
    let (a, b) = (
        turned.find("\"a, ]\"").expect("kept"),
        turned.find("\"b\"").expect("kept"),
    );
    assert!(b < a, "{turned}");
    assert!(
        turned.contains("tags: [1, 2]") && turned.ends_with("], other: [1, 2] )"),
        "{turned}"
    );
}
