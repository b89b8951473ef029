//! `twinrange score`: scores the alerts of a run.

mod explained;

use std::path::PathBuf;

use sim_kernel::time::{SimDuration, TimeParseError};
use twinrange_range::problem::{Problem, Problems};
use twinrange_range::run_folder::RunFolder;
use twinrange_score::continuity::Continuity;
use twinrange_score::figure::Figure;
use twinrange_score::formats::{Format, zone_s};
use twinrange_score::gate::Gate;
use twinrange_score::junit::{Suite, to_xml};
use twinrange_score::navigator;
use twinrange_score::safety::{Kind, ROWS};
use twinrange_score::score::Score;

use crate::Outcome;
use crate::support::alerts::{AlertFile, format_asked};
use crate::support::failure::Failure;
use crate::support::files::cannot_write;
use crate::support::progress;
use crate::support::scoring::{Question, score};
use crate::support::technique_table::{self, TechniqueTable};

/// Arguments of `score`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run folder.
    run: PathBuf,
    /// Alerts to score, instead of those that the run's own defense raised.
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Format of the alerts, see `list formats`; `auto`, which is the default, tells it by the file.
    #[arg(long, value_name = "F")]
    format: Option<String>,
    /// Techniques of signatures whose alerts carry none: a table in RON, or in CSV under signature,techniques.
    #[arg(long, value_name = "FILE", requires = "alerts")]
    techniques: Option<PathBuf>,
    /// A further field of the alerts that holds technique identifiers. May be given more than once.
    #[arg(long, value_name = "FIELD", requires = "alerts")]
    technique_field: Vec<String>,
    /// Added to all times of the alerts, such as 1.5s or -1h: the offset of the tool's clock.
    #[arg(
        long,
        value_name = "TIME",
        requires = "alerts",
        allow_hyphen_values = true
    )]
    clock_offset: Option<String>,
    /// Which clock the tool had: the simulated one, or that of the machine on which a live run was made.
    #[arg(
        long,
        value_enum,
        default_value_t,
        requires = "alerts",
        value_name = "CLOCK"
    )]
    clock: ToolClock,
    /// Zone of times that name none, such as UTC or +01:00.
    #[arg(
        long,
        value_name = "ZONE",
        requires = "alerts",
        allow_hyphen_values = true
    )]
    zone: Option<String>,
    /// A condition on the score, such as "recall >= 0.8 and false_alarms_per_day <= 1". May be given more
    /// than once; exit code 1 if one fails.
    #[arg(long, value_name = "EXPR")]
    gate: Vec<String>,
    /// Leave out the runs without each attack step and each action, and those that tell how long there was to act.
    #[arg(long)]
    quick: bool,
    /// Print score.json on standard output.
    #[arg(long)]
    json: bool,
}

/// The clock of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ToolClock {
    /// Times are counted from the run's epoch, as in the captures.
    #[default]
    Simulated,
    /// Times are those of the wall clock while a live run went on.
    Wall,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let gates = parse_gates(&args.gate)?;
    let format = format_asked(args.format.as_deref())?;
    let folder = RunFolder::open(&args.run)?;
    folder.verify()?;
    let alerts = match &args.alerts {
        Some(path) => Some(alert_file(args, path.clone(), format)?),
        None => None,
    };
    score_folder(&folder, alerts, gates, !args.quick, args.json)
}

/// What the arguments say of the alert file.
fn alert_file(args: &Args, path: PathBuf, format: Option<Format>) -> Result<AlertFile, Failure> {
    Ok(AlertFile {
        path,
        format,
        by_wall_clock: args.clock == ToolClock::Wall,
        clock_offset_ns: args.clock_offset.as_deref().map_or(Ok(0), parse_offset)?,
        zone_s: args.zone.as_deref().map(parse_zone).transpose()?,
        techniques: match &args.techniques {
            Some(path) => technique_table::read(path)?,
            None => TechniqueTable::new(),
        },
        technique_fields: args.technique_field.clone(),
    })
}

/// A length of time with a sign.
fn parse_offset(text: &str) -> Result<i64, Problem> {
    let (sign, length) = match text.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let wrong = |why: String| {
        Problem::new(
            "TR0112",
            format!("`{text}` is not an offset of a clock: {why}"),
        )
        .hint("write it like 1.5s, -90min or +01:00:00")
    };
    let length: SimDuration = length
        .parse()
        .map_err(|why: TimeParseError| wrong(why.to_string()))?;
    let nanos = i64::try_from(length.as_nanos()).map_err(|_| wrong("it is too long".to_owned()))?;
    Ok(sign * nanos)
}

fn parse_zone(text: &str) -> Result<i32, Problem> {
    zone_s(text).ok_or_else(|| {
        Problem::new("TR0112", format!("`{text}` is not a zone")).hint("write it as UTC or +01:00")
    })
}

/// Scores a run folder, writes `score/` into it and prints the figures.
pub(crate) fn score_folder(
    folder: &RunFolder,
    alerts: Option<AlertFile>,
    gates: Vec<Gate>,
    reruns: bool,
    as_json: bool,
) -> Outcome {
    let interrupt = progress::interrupt_flag();
    let scored = score(&Question {
        folder,
        alerts,
        gates,
        reruns,
        interrupt: &interrupt,
    })?;
    if interrupt.load(std::sync::atomic::Ordering::SeqCst) {
        return Err(Failure::Interrupted);
    }
    let out = folder.path().join("score");
    std::fs::create_dir_all(&out).map_err(|error| cannot_write(&out, &error))?;
    let suite = Suite {
        name: &folder.manifest().scenario.name,
        result: Ok(&scored.score),
        time_s: folder.manifest().timing.wall_s,
    };
    for (name, text) in [
        ("score.json", scored.score.to_json()),
        ("report.html", scored.html),
        ("junit.xml", to_xml(&[suite])),
        ("navigator.json", navigator::to_json(&scored.score)),
    ] {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|error| cannot_write(&path, &error))?;
    }
    if as_json {
        say!("{}", scored.score.to_json().trim_end());
    } else {
        print_score(&scored.score);
        say!("report      {}", out.join("report.html").display());
    }
    if scored.score.passed() {
        Ok(())
    } else {
        Err(Failure::Gate)
    }
}

fn parse_gates(texts: &[String]) -> Result<Vec<Gate>, Problems> {
    let mut gates = Vec::new();
    for text in texts {
        gates.extend(Gate::parse(text).map_err(|error| {
            Problem::new("TR0314", format!("gate `{text}`, {error}")).maybe_hint(error.hint)
        })?);
    }
    Ok(gates)
}

/// Says whose alerts were scored and what became of them.
fn print_records(score: &Score) {
    let records = &score.detection.records;
    let tool = score.header.tool.as_ref();
    let tool = tool.map_or("nobody", |tool| tool.name.as_str());
    let file = score.header.alert_file.as_ref();
    let file = file.map_or(String::new(), |file| format!(" from {file}"));
    say!(
        "alerts      of {tool}{file}: {} records, {} scored",
        records.read,
        records.scored
    );
    for (reason, count) in &records.skipped {
        say!("  skipped   {count} {reason}");
    }
}

fn print_score(score: &Score) {
    print_records(score);
    let found = &score.detection;
    say!("detection");
    let interval = found.recall_interval.map_or(String::new(), |i| {
        format!(" (95 %: {:.2} to {:.2})", i.low, i.high)
    });
    say!(
        "  steps detected         {} of {}{interval}",
        found.steps_detected,
        found.steps_total
    );
    let damage_began = found.first_impact_ns();
    for step in &found.steps {
        let when = step
            .time_to_detect_s
            .map_or_else(|| "not detected".to_owned(), |s| format!("after {s:.1} s"));
        let lead = match (step.lead_time_s, damage_began) {
            (Some(s), _) => {
                let side = if s < 0.0 { "after" } else { "before" };
                format!(", {:.0} s {side} the impact", s.abs())
            }
            (None, Some(at)) if step.impact_ns.is_none() && step.start_ns >= at => {
                ", began after the impact".to_owned()
            }
            _ => String::new(),
        };
        say!(
            "    {:<22} {:<14} {when}{lead}",
            step.id,
            step.grade.label().to_lowercase()
        );
    }
    say!(
        "  median time to detect  {}",
        show(&found.time_to_detect.median_s, "s")
    );
    let noise = found
        .false_alarms_per_day_interval
        .map_or(String::new(), |i| {
            format!(" (95 %: {:.1} to {:.1})", i.low, i.high)
        });
    say!(
        "  false alarms per day   {}{noise}",
        show(&found.false_alarms_per_day, "")
    );
    if let Some(inline) = &score.inline {
        say!("inline      {}", inline.sentence());
    }
    let Some(kept) = &score.continuity else {
        return;
    };
    let currency = kept.prices.as_ref().map_or("", |p| p.currency.as_str());
    say!("continuity: N nothing, A attack, D defense, AD both");
    say!("                          N          A          D         AD");
    for (name, row, scale, digits) in [
        ("good parts".to_owned(), &kept.good_parts, 1.0, 0),
        ("OEE, %".to_owned(), &kept.oee, 100.0, 1),
        ("unsafe time, s".to_owned(), &kept.unsafe_s, 1.0, 0),
        (format!("worth, {currency}"), &kept.money, 1.0, 0),
    ] {
        let cell = |figure: &Figure| {
            figure
                .value
                .map_or_else(|| "-".to_owned(), |v| format!("{:.digits$}", v * scale))
        };
        say!(
            "  {name:<15} {:>10} {:>10} {:>10} {:>10}",
            cell(&row.n),
            cell(&row.a),
            cell(&row.d),
            cell(&row.ad)
        );
    }
    say!(
        "  uptime tax             {}",
        show_digits(&kept.good_parts.uptime_tax, "good parts", 0)
    );
    say!(
        "  residual damage        {}",
        show_digits(&kept.good_parts.residual_damage, "good parts", 0)
    );
    say!(
        "  protection, parts      {}",
        show(&kept.good_parts.protection, "")
    );
    say!(
        "  protection, worth      {}",
        show(&kept.money.protection, "")
    );
    print_safety(kept);
    explained::print(score);
    for gate in &score.gates {
        let verdict = if gate.passed { "pass" } else { "FAIL" };
        let actual = gate.actual.map_or_else(
            || gate.reason.clone().unwrap_or_default(),
            |v| format!("is {v}"),
        );
        say!("gate        {verdict}  {}  ({actual})", gate.gate);
    }
}

/// What the plant's safety functions did in the four runs, where it has any.
fn print_safety(kept: &Continuity) {
    if kept.runs.iter().all(|run| run.safety().is_none()) {
        return;
    }
    say!("safety functions");
    for (name, kind, get) in ROWS {
        let name = match kind {
            Kind::Count => name.to_lowercase(),
            Kind::Time => format!("{}, s", name.to_lowercase()),
        };
        let cells = kept.runs.iter().map(|run| match run.safety() {
            Some(safety) => format!("{:.0}", get(safety)),
            None => "-".to_owned(),
        });
        let cells: String = cells.map(|cell| format!(" {cell:>10}")).collect();
        say!("  {name:<15}{cells}");
    }
}

fn show(figure: &Figure, unit: &str) -> String {
    show_digits(figure, unit, 2)
}

fn show_digits(figure: &Figure, unit: &str, digits: usize) -> String {
    match (&figure.value, &figure.undefined) {
        (Some(value), _) => format!("{value:.digits$} {unit}").trim_end().to_owned(),
        (None, Some(reason)) => format!("undefined: {reason}"),
        (None, None) => "undefined".to_owned(),
    }
}
