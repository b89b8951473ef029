//! `twinrange metrics`: the metrics of the literature over any labelled series, without our plant.

mod case;
mod labels;
mod print;

use std::path::PathBuf;

use serde_json::json;
use twinrange_range::problem::Problem;
use twinrange_score::metrics::{Scores, Series, baseline};

use crate::Outcome;
use labels::{Labels, Meaning};

/// Arguments of `metrics`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What was attacked: CSV, Parquet or JSON lines with a label per sample (IPAL's too), a CSV of ranges with a
    /// head of `first,last`, or IPAL's attacks.json. `.gz` is read as well.
    #[arg(
        long,
        value_name = "FILE",
        requires = "alarms",
        required_unless_present = "case"
    )]
    truth: Option<PathBuf>,
    /// Where the detector was in alarm, in one of the same forms. May be the file of the truth.
    #[arg(long, value_name = "FILE", requires = "truth")]
    alarms: Option<PathBuf>,
    /// Column or field of the truth; found by itself when it has a common name.
    #[arg(long, value_name = "NAME")]
    truth_column: Option<String>,
    /// Column or field of the alarms; found by itself when it has a common name.
    #[arg(long, value_name = "NAME")]
    alarms_column: Option<String>,
    /// The value that means attack or alarm, where it is none of 1, true, yes, attack, anomaly, malicious; every other
    /// value is then normal, in both files. A label named as WADI's is needs none: its name says that it is -1.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    attack_value: Option<String>,
    /// Number of samples, where both files hold ranges.
    #[arg(long, value_name = "N")]
    samples: Option<u64>,
    /// One case (`id`, `n`, `truth`, `pred` with ranges of samples, both ends included), a list of cases, or a file
    /// with `cases`. Prints for each the keys that `expected` has in the reference vectors: one object for one
    /// case, else a list in the order of the file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["truth", "alarms"])]
    case: Option<PathBuf>,
    /// Print all figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if let Some(path) = &args.case {
        let cases = case::read(path)?;
        return case::print(&cases, args.json);
    }
    let (Some(truth), Some(alarms)) = (&args.truth, &args.alarms) else {
        unreachable!("the command line has both or a case")
    };
    let value = args.attack_value.as_deref();
    let truth = labels::read(truth, args.truth_column.as_deref(), value, Meaning::Truth)?;
    let alarms = labels::read(
        alarms,
        args.alarms_column.as_deref(),
        value,
        Meaning::Alarms,
    )?;
    let series = together(&truth, &alarms, args.samples)?;
    let scores = Scores::of(&series);
    let chance = baseline(&series);
    if args.json {
        let all = json!({
            "n": series.n(),
            "scores": scores,
            "baseline": chance,
        });
        let text = serde_json::to_string_pretty(&all).expect("figures encode");
        say!("{text}");
    } else {
        print::table(&series, &scores, chance.as_ref());
    }
    Ok(())
}

/// Brings truth and alarms onto one axis of samples.
fn together(truth: &Labels, alarms: &Labels, samples: Option<u64>) -> Result<Series, Problem> {
    let length = match (truth.samples(), alarms.samples(), samples) {
        (Some(a), Some(b), _) if a != b => {
            let message = format!(
                "`{}` has {a} samples and `{}` has {b}",
                truth.file, alarms.file
            );
            let hint = "both need one label for each of the same samples; cut or fill the shorter one first";
            return Err(Problem::new("TR0342", message).hint(hint));
        }
        (Some(a), Some(_) | None, given) | (None, Some(a), given) => {
            if let Some(given) = given.filter(|given| *given != a) {
                let message = format!("the files have {a} samples, and `--samples` says {given}");
                return Err(Problem::new("TR0342", message));
            }
            a
        }
        (None, None, Some(given)) => given,
        (None, None, None) => {
            let message = "both files hold ranges, so that nothing says how long the series is";
            let hint = "give `--samples N`";
            return Err(Problem::new("TR0342", message).hint(hint));
        }
    };
    labels::same_times(truth, alarms)?;
    let axis = truth.times().or_else(|| alarms.times());
    let ranges = [truth.ranges(axis, length)?, alarms.ranges(axis, length)?];
    Series::new(length, &ranges[0], &ranges[1])
        .map_err(|error| Problem::new("TR0341", error.to_string()))
}
