//! The reference defense as a program: speaks the lock-step protocol on standard input and output.

use std::io::{self, Write as _};
use std::process::ExitCode;

use twinrange_reference::options::{self, Options};
use twinrange_reference::serve;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => run(options),
        Ok(None) => {
            // A closed output is no reason to fail.
            let _closed = io::stdout().write_all(options::USAGE.as_bytes());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}\n\n{}", options::USAGE);
            ExitCode::from(2)
        }
    }
}

fn run(options: Options) -> ExitCode {
    match serve(
        io::stdin().lock(),
        io::BufWriter::new(io::stdout().lock()),
        options,
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twinrange-reference: {error}");
            ExitCode::FAILURE
        }
    }
}
