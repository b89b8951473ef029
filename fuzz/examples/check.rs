//! Runs the checks of a target on files, without libFuzzer: `check FILE...`, the target by the name's ending
//! (`.st`, `.xml`, `.alerts`, anything else is a container).

use std::time::Instant;

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let begin = Instant::now();
        if path.ends_with(".alerts") {
            twinrange_fuzz::check_alerts(&bytes);
            println!("{path}: {} ms", begin.elapsed().as_millis());
            continue;
        }
        match String::from_utf8(bytes) {
            Ok(text) if path.ends_with(".xml") => twinrange_fuzz::check_project(&text),
            Ok(text) if path.ends_with(".st") => twinrange_fuzz::check_text(&text),
            Ok(text) => twinrange_fuzz::check_container(text.as_bytes()),
            Err(bytes) => twinrange_fuzz::check_container(bytes.as_bytes()),
        }
        println!("{path}: {} ms", begin.elapsed().as_millis());
    }
    Ok(())
}
