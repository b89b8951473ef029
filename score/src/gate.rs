//! Gates: conditions on a score that decide the exit code of a build.
//!
//! `recall >= 0.8 and false_alarms_per_day <= 1`: a figure's name, a comparison, a number; several
//! joined by `and` or a comma. All must hold. A gate on an undefined figure fails and says why: what
//! is not known has not been shown.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::continuity::{Comparison, Continuity};
use crate::figure::Figure;
use crate::formats::count_u64;
use crate::margin::Margin;
use crate::metrics::{AlarmLoad, SeriesFigures};
use crate::safety::Safety;
use crate::score::Score;

/// A figure that gates can ask for.
pub struct Name {
    /// The word in the expression.
    pub name: &'static str,
    /// The unit: `share` is 0 to 1 (protection may be negative).
    pub unit: &'static str,
    /// What it is, one line.
    pub description: &'static str,
    get: fn(&Score) -> Figure,
}

impl Name {
    /// The figure in a score.
    #[must_use]
    pub fn figure(&self, score: &Score) -> Figure {
        (self.get)(score)
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Name")
            .field("name", &self.name)
            .field("unit", &self.unit)
            .finish()
    }
}

fn count(value: u64) -> Figure {
    Figure::of(value as f64)
}

fn continuity(
    score: &Score,
    pick: fn(&Continuity) -> &Comparison,
    get: fn(&Comparison) -> &Figure,
) -> Figure {
    match &score.continuity {
        Some(continuity) => get(pick(continuity)).clone(),
        None => Figure::undefined("no counterfactual runs were made"),
    }
}

fn limit(score: &Score, low: bool, of: fn(&Score) -> Option<crate::figure::Interval>) -> Figure {
    match of(score) {
        Some(interval) => Figure::of(if low { interval.low } else { interval.high }),
        None => Figure::undefined("nothing was observed"),
    }
}

/// The figures that are defined only where runs were made with the response moved.
pub const OF_MARGIN: [&str; 2] = ["alert_margin_s", "action_margin_s"];

macro_rules! names {
    ($($name:literal, $unit:literal, $description:literal, $get:expr;)*) => {
        /// Every figure that gates can ask for, as `docs/scoring.md` lists them.
        pub const NAMES: &[Name] =
            &[$(Name { name: $name, unit: $unit, description: $description, get: $get }),*];
    };
}

names! {
    "recall", "share", "detected steps over steps that ran", |s| s.detection.recall.clone();
    "recall_low", "share", "lower Wilson 95 % limit of recall", |s| limit(s, true, |s| s.detection.recall_interval);
    "steps_detected", "steps", "detected steps", |s| count(s.detection.steps_detected);
    "steps_missed", "steps", "steps that ran and were not detected",
        |s| count(s.detection.steps_total - s.detection.steps_detected);
    "time_to_detect_s", "s", "median time to detect, misses censored", |s| s.detection.time_to_detect.median_s.clone();
    "time_to_detect_p90_s", "s", "90th percentile of the time to detect", |s| s.detection.time_to_detect.p90_s.clone();
    "time_to_detect_max_s", "s", "longest time to detect; undefined with a miss", |s| s.detection.time_to_detect.max_s.clone();
    "time_to_detect_normalised", "share", "time to detect over time to impact, a miss as 1",
        |s| s.detection.time_to_detect.normalised.clone();
    "detected_before_impact", "share", "steps with impact that were detected before it",
        |s| s.detection.detected_before_impact.clone();
    "false_alarms", "alarms", "alarms that meet no attack interval", |s| count(s.detection.alarms_false);
    "false_alarms_per_day", "1/day", "false alarms per attack-free day", |s| s.detection.false_alarms_per_day.clone();
    "false_alarms_per_day_high", "1/day", "upper exact Poisson 95 % limit of the same",
        |s| limit(s, false, |s| s.detection.false_alarms_per_day_interval);
    "alarm_precision", "share", "true alarms over alarms", |s| s.detection.alarm_precision.clone();
    "alert_precision", "share", "attributed alerts over alerts", |s| s.detection.alert_precision.clone();
    "alarm_time_percent", "%", "attack-free time spent in alarm", |s| s.detection.alarm_time_percent.clone();
    "visibility", "share", "steps with at least telemetry", |s| s.detection.visibility.clone();
    "analytic_coverage", "share", "steps with at least a general alert", |s| s.detection.analytic_coverage.clone();
    "technique_coverage", "share", "steps whose technique was named", technique_coverage;
    "etapr_f1", "share", "eTaPR over samples of 1 s (0.5, 0.1, 0)", |s| series(s, |f| Some(f.etapr_f1));
    "composite_f1", "share", "F1 of the precision over samples and the recall over steps", |s| series(s, |f| Some(f.composite_f1));
    "affiliation_f1", "share", "affiliation; chance alone has about 0.67", |s| series(s, |f| f.affiliation_f1);
    "alarms_per_10_min", "1/10 min", "alarms of the tool on average (ISA-18.2: 1, at most 2)",
        |s| load(s, |l| l.per_10_min);
    "alarm_flood_percent", "%", "time in a flood of the tool's alarms (ISA-18.2: below 1)", |s| load(s, |l| l.flood_percent);
    "attack_damage_parts", "parts", "good parts that the attack takes without defense",
        |s| continuity(s, |c| &c.good_parts, |x| &x.attack_damage);
    "residual_damage_parts", "parts", "good parts still lost with the defense",
        |s| continuity(s, |c| &c.good_parts, |x| &x.residual_damage);
    "uptime_tax_parts", "parts", "good parts that the defense takes in peace",
        |s| continuity(s, |c| &c.good_parts, |x| &x.uptime_tax);
    "uptime_tax_percent", "%", "the same as percent of the run without attack and defense",
        |s| continuity(s, |c| &c.good_parts, |x| &x.uptime_tax_percent);
    "uptime_tax_oee", "share", "OEE that the defense takes in peace", |s| continuity(s, |c| &c.oee, |x| &x.uptime_tax);
    "protection", "share", "part of the lost good parts that the defense saved",
        |s| continuity(s, |c| &c.good_parts, |x| &x.protection);
    "protection_oee", "share", "the same for OEE", |s| continuity(s, |c| &c.oee, |x| &x.protection);
    "protection_money", "share", "the same for money", |s| continuity(s, |c| &c.money, |x| &x.protection);
    "residual_damage_money", "currency", "money still lost with the defense",
        |s| continuity(s, |c| &c.money, |x| &x.residual_damage);
    "residual_unsafe_s", "s", "unsafe seconds above those of the quiet run, with the defense",
        |s| continuity(s, |c| &c.unsafe_s, |x| &x.residual_damage);
    "alert_margin_s", "s", "first point of no return less the first alert", |s| margin(s, |m| m.first_alert_ns, "nothing was detected");
    "action_margin_s", "s", "first point of no return less the first action of the defense",
        |s| margin(s, |m| m.first_action_ns, "the defense did nothing");
    "sif_demands", "demands", "demands on safety functions, with attack and defense", |s| safety(s, |f| count(f.demands()));
    "sif_missed", "demands", "demands that no safety function answered in time, with both", |s| safety(s, |f| count(f.missed()));
    "sif_bypass_s", "s", "time with a safety function bypassed, with both", |s| safety(s, |f| count(f.bypass_s));
    "sif_impaired_s", "s", "time with a safety controller not as commissioned, with both",
        |s| safety(s, |f| count(f.impaired_s));
}

fn series(score: &Score, get: fn(&SeriesFigures) -> Option<f64>) -> Figure {
    let figures = score.series.as_ref();
    match figures.and_then(get) {
        Some(value) => Figure::of(value),
        None => Figure::undefined("nothing attacked"),
    }
}

fn load(score: &Score, get: fn(&AlarmLoad) -> f64) -> Figure {
    match &score.alarm_load {
        Some(load) => Figure::of(get(load)),
        None => Figure::undefined("no alarms were counted"),
    }
}

fn margin(score: &Score, get: fn(&Margin) -> Option<u64>, without: &str) -> Figure {
    let Some(margin) = &score.margin else {
        return Figure::undefined("no runs were made for the margin");
    };
    if margin.losses.is_empty() {
        return Figure::undefined("the attack violates no constraint");
    }
    match (margin.first_point_of_no_return_ns(), get(margin)) {
        (None, _) => Figure::undefined("a loss cannot be prevented"),
        (_, None) => Figure::undefined(without),
        (Some(last), Some(at)) => Figure::of((last as f64 - at as f64) / 1e9),
    }
}

fn safety(score: &Score, get: fn(&Safety) -> Figure) -> Figure {
    let Some(continuity) = &score.continuity else {
        return Figure::undefined("no counterfactual runs were made");
    };
    let run = continuity.runs.iter().find(|run| run.run == "AD");
    match run.and_then(|run| run.production.as_ref()) {
        None => Figure::undefined("run AD is missing"),
        Some(production) => match &production.safety {
            None => Figure::undefined("the plant has no safety controller"),
            Some(safety) => get(safety),
        },
    }
}

fn technique_coverage(score: &Score) -> Figure {
    let detection = &score.detection;
    let named = detection
        .grades
        .iter()
        .filter(|count| count.grade == crate::detection::Grade::Technique)
        .map(|count| count.steps)
        .sum::<u64>();
    Figure::ratio(
        named as f64,
        detection.steps_total as f64,
        "no attack step ran",
    )
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparator {
    GreaterOrEqual,
    LessOrEqual,
    Greater,
    Less,
    Equal,
}

impl Comparator {
    const ALL: [(&str, Self); 5] = [
        // Longer first: `>=` begins with `>`.
        (">=", Self::GreaterOrEqual),
        ("<=", Self::LessOrEqual),
        ("==", Self::Equal),
        (">", Self::Greater),
        ("<", Self::Less),
    ];

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::GreaterOrEqual => left >= right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::Less => left < right,
            Self::Equal => left == right,
        }
    }
}

/// One condition.
#[derive(Clone, Debug)]
pub struct Gate {
    name: &'static Name,
    comparator: Comparator,
    threshold: f64,
    text: String,
}

/// What came of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// The condition in normal form.
    pub gate: String,
    /// Whether it holds.
    pub passed: bool,
    /// The figure, if it is defined.
    pub actual: Option<f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A mistake in a gate expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("column {column}: {message}")]
pub struct GateError {
    /// 1-based column in characters.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Gate {
    /// Parses an expression into its conditions.
    ///
    /// # Errors
    ///
    /// [`GateError`] with the column of the first mistake.
    ///
    /// # Examples
    ///
    /// ```
    /// use twinrange_score::gate::Gate;
    /// assert_eq!(Gate::parse("recall >= 0.8 and false_alarms_per_day <= 1")?.len(), 2);
    /// let error = Gate::parse("recal >= 0.8").expect_err("mistyped");
    /// assert_eq!(error.hint.as_deref(), Some("did you mean `recall`?"));
    /// # Ok::<(), twinrange_score::gate::GateError>(())
    /// ```
    pub fn parse(expression: &str) -> Result<Vec<Self>, GateError> {
        let mut parser = Parser {
            text: expression,
            at: 0,
        };
        let mut gates = vec![parser.condition()?];
        while parser.separator()? {
            gates.push(parser.condition()?);
        }
        Ok(gates)
    }

    /// The condition in normal form.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it asks for one of [`OF_MARGIN`].
    #[must_use]
    pub fn needs_margin(&self) -> bool {
        OF_MARGIN.contains(&self.name.name)
    }

    /// Asks the score.
    #[must_use]
    pub fn evaluate(&self, score: &Score) -> GateResult {
        let figure = self.name.figure(score);
        let (passed, reason) = match figure.value {
            Some(value) if self.comparator.holds(value, self.threshold) => (true, None),
            Some(value) => (
                false,
                Some(format!("{} is {}", self.name.name, short(value))),
            ),
            None => (
                false,
                Some(format!(
                    "{} is undefined: {}",
                    self.name.name,
                    figure.undefined.as_deref().unwrap_or("no reason given")
                )),
            ),
        };
        GateResult {
            gate: self.text.clone(),
            passed,
            actual: figure.value,
            reason,
        }
    }
}

/// A number with at most six decimals and no trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Parser<'a> {
    text: &'a str,
    /// Byte position, always on a character boundary.
    at: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, at: usize, message: impl Into<String>, hint: Option<String>) -> GateError {
        let column = count_u64(self.text[..at].chars().count() + 1);
        GateError {
            column,
            message: message.into(),
            hint,
        }
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes the longest prefix of characters that `accept` takes.
    fn take(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn condition(&mut self) -> Result<Gate, GateError> {
        self.skip_spaces();
        let start = self.at;
        let word = self.take(|c| c.is_alphanumeric() || c == '_');
        if word.is_empty() {
            let hint = "a gate is such as `recall >= 0.8`".to_owned();
            return Err(self.error(start, "expected the name of a figure", Some(hint)));
        }
        let Some(name) = NAMES.iter().find(|name| name.name == word) else {
            let hint = match crate::suggest::nearest(word, NAMES.iter().map(|name| name.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "known names: {}",
                    NAMES.iter().map(|n| n.name).collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(self.error(start, format!("unknown figure `{word}`"), Some(hint)));
        };
        self.skip_spaces();
        let comparator = self.comparator()?;
        self.skip_spaces();
        let (symbol, comparator) = comparator;
        let threshold = self.number(name)?;
        Ok(Gate {
            name,
            comparator,
            threshold,
            text: format!("{} {symbol} {}", name.name, short(threshold)),
        })
    }

    fn comparator(&mut self) -> Result<(&'static str, Comparator), GateError> {
        let rest = &self.text[self.at..];
        if let Some(&(symbol, comparator)) = Comparator::ALL
            .iter()
            .find(|(symbol, _)| rest.starts_with(symbol))
        {
            self.at += symbol.len();
            return Ok((symbol, comparator));
        }
        let hint = match rest.chars().next() {
            Some('=') if rest.starts_with("=>") => "write `>=`",
            Some('=') if rest.starts_with("=<") => "write `<=`",
            Some('=') => "write `==`",
            Some('≥') => "write `>=`",
            Some('≤') => "write `<=`",
            _ => "one of >=, <=, >, <, ==",
        };
        Err(self.error(self.at, "expected a comparison", Some(hint.to_owned())))
    }

    fn number(&mut self, name: &Name) -> Result<f64, GateError> {
        let start = self.at;
        let text = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '%'));
        let share_hint =
            |value: f64| format!("{} is a share: write {}", name.name, short(value / 100.0));
        if let Some(percent) = text.strip_suffix('%') {
            let hint = match percent.parse::<f64>() {
                Ok(value) if name.unit == "share" => share_hint(value),
                _ => "write the number alone; the unit belongs to the figure's name".to_owned(),
            };
            return Err(self.error(start, "a threshold has no `%`", Some(hint)));
        }
        let value = text
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or_else(|| {
                let found = if text.is_empty() {
                    "nothing".to_owned()
                } else {
                    format!("`{text}`")
                };
                self.error(start, format!("expected a number, found {found}"), None)
            })?;
        if name.unit == "share" && value > 1.0 {
            return Err(self.error(
                start,
                format!("{} is a share and never above 1", name.name),
                Some(share_hint(value)),
            ));
        }
        Ok(value)
    }

    /// True when another condition follows.
    fn separator(&mut self) -> Result<bool, GateError> {
        self.skip_spaces();
        let start = self.at;
        if self.at == self.text.len() {
            return Ok(false);
        }
        if self.text[self.at..].starts_with(',') {
            self.at += 1;
            return Ok(true);
        }
        let word = self.take(char::is_alphanumeric);
        if word.eq_ignore_ascii_case("and") {
            return Ok(true);
        }
        let hint = if word.eq_ignore_ascii_case("or") {
            "all gates must hold; `or` is not offered".to_owned()
        } else {
            "join conditions by `and` or a comma".to_owned()
        };
        Err(self.error(start, "expected `and`, a comma or the end", Some(hint)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_when_well_formed_then_normal_form() {
        let check = |text: &str, expect: &[&str]| {
            let gates = Gate::parse(text).expect("well formed");
            assert_eq!(
                gates.iter().map(Gate::text).collect::<Vec<_>>(),
                expect,
                "{text}"
            );
        };
        check("recall >= 0.8", &["recall >= 0.8"]);
        check(
            "recall>=0.80,false_alarms_per_day<=1",
            &["recall >= 0.8", "false_alarms_per_day <= 1"],
        );
        check(
            "  protection > -0.5 AND uptime_tax_percent<0.5 ",
            &["protection > -0.5", "uptime_tax_percent < 0.5"],
        );
        check("steps_missed == 0", &["steps_missed == 0"]);
    }

    #[test]
    fn parse_when_wrong_then_column_and_hint() {
        let check = |text: &str, column: u64, hint: &str| {
            let error = Gate::parse(text).expect_err(text);
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(
                error.hint.clone().unwrap_or_default().contains(hint),
                "{text}: {error:?}"
            );
        };
        check("", 1, "recall >= 0.8");
        check("recal >= 0.8", 1, "did you mean `recall`?");
        check("recall => 0.8", 8, "write `>=`");
        check("recall =< 0.8", 8, "write `<=`");
        check("recall = 0.8", 8, "write `==`");
        check("recall ≥ 0.8", 8, "write `>=`");
        check("recall >= 80", 11, "write 0.8");
        check("recall >= 80%", 11, "write 0.8");
        check("uptime_tax_percent <= 0.5%", 23, "number alone");
        check(
            "recall >= 0.8 or protection >= 0.5",
            15,
            "`or` is not offered",
        );
        check("recall >= 0.8,", 15, "recall >= 0.8");
        check("recall >= nan", 11, "");
        check("recall >= 0.8 é", 15, "comma");
        check("qqqqqqqqqqq >= 1", 1, "known names");
    }

    #[test]
    fn names_when_listed_then_unique_and_documented() {
        let guide = include_str!("../../docs/scoring.md");
        for (index, name) in NAMES.iter().enumerate() {
            assert!(
                NAMES[..index].iter().all(|other| other.name != name.name),
                "{}",
                name.name
            );
            let row = format!("| `{}` | {} | {} |", name.name, name.unit, name.description);
            assert!(guide.contains(&row), "docs/scoring.md lacks the row: {row}");
        }
    }
}
