//! `twinrange explain`: what a problem code means.

use twinrange_range::formats::explain_program;
use twinrange_range::problem::{Problem, explain};

use crate::Outcome;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, such as TR0103, ST0203, PX0201 or DF0004.
    code: String,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if let Some(info) = explain(&args.code) {
        say!("{}: {}\n\n{}", info.code, info.title, info.text);
        return Ok(());
    }
    if let Some(text) = explain_program(&args.code) {
        say!("{}\n\n{text}", args.code.to_uppercase());
        return Ok(());
    }
    if let Some((title, text)) = twinrange_bridge::explain(&args.code) {
        say!("{}: {title}\n\n{text}", args.code.to_uppercase());
        return Ok(());
    }
    let message = format!("there is no problem code `{}`", args.code);
    Err(Problem::new("TR0112", message)
        .hint("codes look like TR0103, ST0203, PX0201, DF0004 or DS0002")
        .into())
}
