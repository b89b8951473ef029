//! `twinrange compare`: two scored runs beside each other.

mod print;
mod side;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use twinrange_range::problem::Problem;
use twinrange_range::twin;
use twinrange_score::compare::{Incomparable, TwoRuns};
use twinrange_score::report::compare::{CompareData, html};

use crate::Outcome;
use crate::support::files::{cannot_write, write_whole};
use side::Scored;

/// What a page begins with.
const PAGE_BEGINS: [u8; 15] = *b"<!DOCTYPE html>";

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run folder that was scored.
    first: PathBuf,
    /// Another run of the same scenario and length that was scored; differences are this one less the first.
    second: PathBuf,
    /// The page; score/compare-NAME.html in the second folder when left out, with the name of the first.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the comparison as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let first = Scored::open(&args.first)?;
    let second = Scored::open(&args.second)?;
    let parted_ns = twin::parted_ns(first.truth(), second.truth());
    let two = TwoRuns::of(first.as_side(), second.as_side(), parted_ns).map_err(refused)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => default_out(&args.first, &args.second),
    };
    check_out(&out, [&args.first, &args.second])?;
    let page = html(&CompareData {
        two: &two,
        first: first.report(),
        second: second.report(),
        totals: first.total()?.zip(second.total()?).map(|(a, b)| [a, b]),
    });
    write_whole(&out, page.as_bytes())?;
    if args.json {
        say!("{}", two.to_json().trim_end());
    } else {
        print::print(&two, first.items());
        say!("report      {}", out.display());
    }
    Ok(())
}

fn refused(why: Incomparable) -> Problem {
    let hint = match &why {
        Incomparable::Scenario { .. } => {
            "compare runs of one scenario; `campaign` shows several scenarios beside each other"
        }
        Incomparable::Length { .. } => {
            "make both equally long with `run --duration`; a run that was interrupted or whose defense failed is shorter"
        }
    };
    Problem::new("TR0362", format!("these runs cannot be compared: {why}")).hint(hint)
}

/// Refuses a page in the place of anything but a page, and in a run folder outside of `score/`.
fn check_out(out: &Path, runs: [&Path; 2]) -> Result<(), Problem> {
    let cannot = |why: &str| cannot_write(out, &std::io::Error::other(why.to_owned()));
    let folder = out.parent().and_then(|folder| folder.canonicalize().ok());
    for run in runs.iter().filter_map(|run| run.canonicalize().ok()) {
        let is_inside = |folder: &PathBuf| folder.starts_with(&run) && *folder != run.join("score");
        if folder.as_ref().is_some_and(is_inside) {
            let why = "a run folder is changed in `score/` alone";
            return Err(cannot(why).hint("leave `--out` out, or name a place outside of the run"));
        }
    }
    let mut begins = Vec::new();
    let most = PAGE_BEGINS.len() as u64;
    let read = File::open(out).and_then(|file| file.take(most).read_to_end(&mut begins));
    let is_other = read.is_ok() && !begins.is_empty() && begins != PAGE_BEGINS;
    if is_other {
        let why = "it is no page, and nothing else is overwritten";
        return Err(cannot(why).hint("name another file with `--out`"));
    }
    Ok(())
}

/// In the second folder, under the name of the first, so that a run can be compared with several.
fn default_out(first: &Path, second: &Path) -> PathBuf {
    let absolute = first.canonicalize();
    let first = absolute.as_deref().unwrap_or(first);
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    second.join("score").join(format!("compare-{name}.html"))
}
