//! The Python client in `clients/python`: its own tests, which drive the built command.
//!
//! They need nothing but Python 3.10. What needs more (Gymnasium, Polars, pandas, mypy) they skip, unless
//! `TWINRANGE_REQUIRE_TOOLS` says that it must be there; `.ci/install-defenses python-client` installs it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{is_here, repository};

/// The interpreter: that of the client's own environment, else the system's.
fn python() -> Option<PathBuf> {
    let own = repository().join("clients/python/.venv/bin/python");
    let found = [own, PathBuf::from("python3")].into_iter().find(|path| {
        let can = "import sys; sys.exit(sys.version_info < (3, 10))";
        let tried = Command::new(path).args(["-c", can]).output();
        tried.is_ok_and(|tried| tried.status.success())
    });
    is_here(found.is_some(), "Python 3.10 or later");
    found
}

#[test]
fn python_client_when_its_own_tests_are_run_then_they_pass() {
    let Some(python) = python() else {
        return;
    };
    let client = repository().join("clients/python");
    let tried = Command::new(python)
        .args(["-m", "unittest", "discover", "-s", "tests"])
        .current_dir(&client)
        .env("PYTHONPATH", client.join("src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TWINRANGE", env!("CARGO_BIN_EXE_twinrange"))
        .stdin(Stdio::null())
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success(), "{said}");
    // A discovery that finds nothing would pass too.
    let count = said
        .lines()
        .find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
    assert!(count.is_some_and(|count: u32| count >= 40), "{said}");
    // What was skipped, and why.
    eprintln!("{}", said.lines().last().unwrap_or_default());
}
