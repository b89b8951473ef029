//! Cases in the form of the reference vectors.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use twinrange_range::problem::Problem;
use twinrange_score::metrics::{Range, Scores, Series, baseline};

use super::print;
use crate::Outcome;

/// One case; what else it holds is ignored.
#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    id: Option<String>,
    n: u64,
    truth: Vec<(u64, u64)>,
    pred: Vec<(u64, u64)>,
}

/// The cases of a file, and whether it held more than one.
#[derive(Debug)]
pub(super) struct Cases {
    list: Vec<(String, Series)>,
    several: bool,
}

/// Reads a case, a list of cases, or an object with `cases`.
pub(super) fn read(path: &Path) -> Result<Cases, Problem> {
    let file = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problem::new("TR0108", format!("`{file}` cannot be read: {error}")))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let place = format!("{}:{}", error.line(), error.column());
        Problem::new("TR0340", format!("{file}:{place}: {error}"))
    })?;
    let (values, several) = match value {
        Value::Object(mut object) if object.contains_key("cases") => match object.remove("cases") {
            Some(Value::Array(cases)) => (cases, true),
            _ => {
                let message = format!("{file}: `cases` is not a list");
                return Err(Problem::new("TR0340", message));
            }
        },
        Value::Array(cases) => (cases, true),
        one => (vec![one], false),
    };
    let mut list = Vec::new();
    for (number, value) in values.into_iter().enumerate() {
        let place = || format!("{file}: case {} of the file", number + 1);
        let case: Case = serde_json::from_value(value).map_err(|error| {
            Problem::new("TR0340", format!("{}: {error}", place())).hint(
                "a case has `n` (samples), `truth` and `pred` (lists of [first, last], from 0, both included)",
            )
        })?;
        let name = case.id.unwrap_or_else(|| format!("case {}", number + 1));
        let range = |&(first, last): &(u64, u64)| Range { first, last };
        let [truth, pred] =
            [&case.truth, &case.pred].map(|list| list.iter().map(range).collect::<Vec<_>>());
        let series = Series::new(case.n, &truth, &pred)
            .map_err(|error| Problem::new("TR0341", format!("{}, `{name}`: {error}", place())))?;
        list.push((name, series));
    }
    Ok(Cases { list, several })
}

/// Prints the scores of each case.
pub(super) fn print(cases: &Cases, as_json: bool) -> Outcome {
    let scores = cases.list.iter().map(|(_, series)| Scores::of(series));
    if !as_json {
        for ((name, series), scores) in cases.list.iter().zip(scores) {
            if cases.several {
                say!("{name}");
            }
            print::table(series, &scores, baseline(series).as_ref());
        }
        return Ok(());
    }
    let scores: Vec<Scores> = scores.collect();
    let text = match scores.as_slice() {
        [one] if !cases.several => serde_json::to_string_pretty(one),
        all => serde_json::to_string_pretty(all),
    };
    say!("{}", text.expect("figures encode"));
    Ok(())
}
