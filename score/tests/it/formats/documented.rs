//! The examples of docs/alert-formats.md.

use std::path::Path;

use twinrange_score::formats::{Format, detect};

use super::read;

fn documented() -> Vec<(Format, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/alert-formats.md");
    let text = std::fs::read_to_string(path).expect("the page is there");
    let mut blocks = Vec::new();
    let mut open: Option<(Format, String)> = None;
    for line in text.lines() {
        if let Some((_, block)) = open.as_mut().filter(|_| !line.starts_with("```")) {
            block.push_str(line);
            block.push('\n');
            continue;
        }
        if let Some(done) = open.take() {
            blocks.push(done);
        } else if let Some(name) = line
            .strip_prefix("```")
            .and_then(|info| info.split_once(' '))
        {
            open = Some((Format::from_name(name.1).expect(line), String::new()));
        }
    }
    blocks
}

#[test]
fn documented_example_when_read_then_an_alert() {
    let blocks = documented();
    for format in Format::ALL {
        assert!(
            blocks.iter().any(|(of, _)| *of == format),
            "no example of {}",
            format.name()
        );
    }
    for (format, block) in blocks {
        let import = read(format, &block);
        assert!(
            import.impossible == 0 && import.anomalies.is_empty(),
            "{block}: {import:?}"
        );
        assert!(!import.alerts.is_empty(), "{block}");
        assert_eq!(detect(block.as_bytes()), Ok(format), "{block}");
    }
}
