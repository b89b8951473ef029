//! Writes the seeds of all targets into `fuzz/corpus`: the programs and projects of the tests and scenarios, and their
//! containers.
//!
//! Run it in the root of the repository: `cargo run --release --manifest-path fuzz/Cargo.toml --example seeds`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use twinrange_score::formats::{Format, detect};

/// Where programs lie.
const FOLDERS: [&str; 5] = [
    "attacks/playbooks",
    "scenarios",
    "sim/plcopen/tests",
    "sim/st/tests",
    "tests/corpus",
];

/// Longest program that is a seed, bytes; what is longer only tests limits.
const MAX_LEN: usize = 20_000;

fn main() -> io::Result<()> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        collect(Path::new(folder), &mut paths)?;
    }
    paths.sort();
    let mut counts = [0; 3];
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let name = path.display().to_string().replace(['/', '.'], "-");
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("st") if text.len() <= MAX_LEN => {
                put("source", &name, text.as_bytes())?;
                counts[0] += 1;
                if let Ok(program) = sim_st::compile(&text, "seed.st") {
                    put("program", &name, text.as_bytes())?;
                    put("container", &name, &program.to_bytes())?;
                    counts[1] += 1;
                }
            }
            Some("xml") => {
                put("plcopen", &name, text.as_bytes())?;
                counts[2] += 1;
                for (number, part) in single_pous(&text).iter().enumerate() {
                    put("plcopen", &format!("{name}-{number}"), part.as_bytes())?;
                    counts[2] += 1;
                }
            }
            _ => {}
        }
    }
    let samples = alerts()?;
    let [texts, programs, projects] = counts;
    println!(
        "{texts} texts, {programs} programs and as many containers, {projects} projects, {samples} alert files"
    );
    Ok(())
}

/// The samples of all alert formats, each behind the byte that picks its format.
fn alerts() -> io::Result<u32> {
    let mut count = 0;
    let mut paths = Vec::new();
    collect(Path::new("score/tests/data/formats"), &mut paths)?;
    paths.sort();
    for path in paths {
        // What becomes of the samples lies beside them.
        if path.components().any(|part| part.as_os_str() == "expected") {
            continue;
        }
        let bytes = fs::read(&path)?;
        let Ok(format) = detect(&bytes) else { continue };
        let pick = Format::ALL.iter().position(|other| *other == format);
        let pick = pick
            .and_then(|index| u8::try_from(index).ok())
            .unwrap_or_default();
        let name = path.display().to_string().replace(['/', '.'], "-");
        put(
            "alerts",
            &format!("{name}.alerts"),
            &[&[pick], bytes.as_slice()].concat(),
        )?;
        count += 1;
    }
    Ok(count)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// The project with one of its POUs each: small seeds get further in the same time.
fn single_pous(xml: &str) -> Vec<String> {
    let (open, close) = ("<pou ", "</pou>");
    let (Some(first), Some(last)) = (xml.find(open), xml.rfind(close)) else {
        return Vec::new();
    };
    let last = last + close.len();
    let pous = xml[first..last].split_inclusive(close);
    pous.map(|pou| format!("{}{pou}{}", &xml[..first], &xml[last..]))
        .collect()
}

fn put(target: &str, name: &str, seed: &[u8]) -> io::Result<()> {
    let folder = Path::new("fuzz/corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}
