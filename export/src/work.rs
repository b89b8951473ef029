//! What is to be exported, how it is split, and the way from a run folder to a whole folder of files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::RunFolder;

use crate::labels::Axis;
use crate::log::{RunLog, Scope};
use crate::note::note;
use crate::options::Choice;
use crate::out::{Out, Stop, Written};
use crate::table::{Column, Table};
use crate::tabular::{Sheet, Sheets};
use crate::{
    attack_flow, batadal, cic, etapr, hai, ics_flow, ipal, navigator, pcap, stix, swat, wadi,
};

/// A second, ns.
const SECOND_NS: u64 = 1_000_000_000;

/// Most rows of one table, a month of seconds; more would not fit into memory.
const ROWS_MAX: u64 = 3_000_000;

/// Most rows that are an hour apart by their stamps, whatever their period: readers take two digits of the year.
const STAMPED_HOURS_MAX: u64 = 300_000;

/// Name of the file that says what the labels mean.
const NOTE: &str = "labels.json";

/// A convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// IPAL states, messages and attacks.
    Ipal,
    /// SWaT's CSV.
    Swat,
    /// WADI's CSV.
    Wadi,
    /// HAI's CSV, versions 21.03 and 23.05.
    Hai,
    /// Files of eTaPR and TaPR.
    Etapr,
    /// BATADAL's CSV.
    Batadal,
    /// CIC Modbus 2023: captures and an attack log.
    CicModbus,
    /// Classic pcap and a row per frame.
    PcapLabels,
    /// ICS-Flow's CSV: a row per flow.
    IcsFlow,
    /// Attack Flow 2.0.
    AttackFlow,
    /// An ATT&CK Navigator layer.
    Navigator,
    /// STIX 2.1 sightings.
    Stix,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ipal,
        Self::Swat,
        Self::Wadi,
        Self::Hai,
        Self::Etapr,
        Self::Batadal,
        Self::CicModbus,
        Self::PcapLabels,
        Self::IcsFlow,
        Self::AttackFlow,
        Self::Navigator,
        Self::Stix,
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipal => "ipal",
            Self::Swat => "swat",
            Self::Wadi => "wadi",
            Self::Hai => "hai",
            Self::Etapr => "etapr",
            Self::Batadal => "batadal",
            Self::CicModbus => "cic-modbus",
            Self::PcapLabels => "pcap-labels",
            Self::IcsFlow => "ics-flow",
            Self::AttackFlow => "attack-flow",
            Self::Navigator => "navigator",
            Self::Stix => "stix",
        }
    }

    /// The period of rows where none is asked for, or the interval of flows, ns; `None` for a format that has neither.
    #[must_use]
    pub const fn period_ns(self) -> Option<u64> {
        match self {
            Self::Ipal | Self::Swat | Self::Wadi | Self::Hai | Self::Etapr => Some(SECOND_NS),
            Self::Batadal => Some(60 * SECOND_NS),
            Self::IcsFlow => Some(ics_flow::INTERVAL_NS),
            Self::CicModbus
            | Self::PcapLabels
            | Self::AttackFlow
            | Self::Navigator
            | Self::Stix => None,
        }
    }

    /// Whether it has a row per period.
    #[must_use]
    pub const fn has_rows(self) -> bool {
        self.has_values() || matches!(self, Self::Etapr)
    }

    /// Whether its rows have the values of their time.
    #[must_use]
    pub const fn has_values(self) -> bool {
        matches!(
            self,
            Self::Ipal | Self::Swat | Self::Wadi | Self::Hai | Self::Batadal
        )
    }

    /// Whether there is a part to learn from and one to be tested on.
    #[must_use]
    pub const fn is_split(self) -> bool {
        !matches!(self, Self::AttackFlow | Self::Navigator | Self::Stix)
    }
}

/// Where values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// What the historians recorded: what a detector would get, forged values and all.
    #[default]
    Historian,
    /// The physical truth.
    Truth,
}

/// How fine the stamps of a capture are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// Nanoseconds, magic number 0xa1b23c4d.
    #[default]
    Nano,
    /// Microseconds, magic number 0xa1b2c3d4, for tools that know nothing else.
    Micro,
}

/// A run and its log.
#[derive(Debug)]
pub struct Run<'a> {
    /// The folder.
    pub folder: &'a RunFolder,
    /// What it says.
    pub log: RunLog,
}

/// What is to be exported.
#[derive(Debug)]
pub struct Order<'a> {
    /// The run.
    pub run: &'a Run<'a>,
    /// An unattacked run to learn from, instead of the run's own clean period.
    pub train: Option<&'a Run<'a>>,
    /// The convention.
    pub format: Format,
    /// What labels are about; a set of files for each.
    pub scopes: Vec<Scope>,
    /// Where values come from.
    pub values: Values,
    /// Time between two rows, or the interval of flows, ns; the format's own when left out.
    pub period_ns: Option<u64>,
    /// BATADAL: -999 for rows that are no attack, as the published file has it for all that it does not disclose.
    pub undisclosed: bool,
    /// SWaT: blanks in front of the names in the head, as the published file has them.
    pub blank_heads: bool,
    /// `pcap-labels`: how fine the captures' stamps are.
    pub stamps: Stamps,
}

/// What an export left.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The folder.
    pub folder: PathBuf,
    /// The convention.
    pub format: &'static str,
    /// Its files, by path.
    pub files: BTreeMap<String, Written>,
    /// What a reader should know.
    pub remarks: Vec<String>,
}

/// A part of a run, by time.
pub(crate) struct Piece<'a> {
    pub(crate) run: &'a Run<'a>,
    /// From, simulated ns.
    pub(crate) from_ns: u64,
    /// Up to and not including; `None`: to the end of the run, and with it.
    pub(crate) to_ns: Option<u64>,
}

impl Piece<'_> {
    pub(crate) fn holds(&self, t_ns: u64) -> bool {
        t_ns >= self.from_ns && self.to_ns.is_none_or(|to| t_ns < to)
    }
}

/// The part to learn from, and the part to be tested on.
pub(crate) struct Split<'a> {
    pub(crate) train: Option<Piece<'a>>,
    pub(crate) test: Piece<'a>,
}

/// An export under way.
pub(crate) struct Work<'a> {
    pub(crate) order: &'a Order<'a>,
    pub(crate) out: &'a Out<'a>,
    pub(crate) split: Split<'a>,
    /// Time between two rows, or the interval of flows, ns, for formats that have them.
    pub(crate) period_ns: Option<u64>,
    remarks: RefCell<Vec<String>>,
}

impl<'a> Work<'a> {
    /// The parts of the split with their names.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&Piece<'a>, &'static str)> {
        let train = self.split.train.iter().map(|piece| (piece, "train"));
        train.chain([(&self.split.test, "test")])
    }

    /// Says something that a reader should know.
    pub(crate) fn remark(&self, text: String) {
        self.remarks.borrow_mut().push(text);
    }

    pub(crate) fn remarks(&self) -> Vec<String> {
        self.remarks.borrow().clone()
    }
}

/// Exports a run.
///
/// # Arguments
///
/// * `wanted` — the folder; it must not exist or be empty.
///
/// # Errors
///
/// `TR0350` to `TR0353` for what cannot be done, `TR0305`, `TR0306` and `TR0308` for files of the run, `TR0307` for
/// what cannot be written; [`Stop::Interrupted`] once `interrupt` is set. Nothing is left at `wanted` then.
pub fn export(order: &Order<'_>, wanted: &Path, interrupt: &AtomicBool) -> Result<Summary, Stop> {
    let period_ns = period(order)?;
    let split = split(order, period_ns)?;
    let runs = [Some(&order.run), order.train.as_ref()];
    let runs: Vec<&Path> = runs.iter().flatten().map(|run| run.folder.path()).collect();
    let out = Out::new(wanted, &runs, interrupt)?;
    let work = Work {
        order,
        out: &out,
        split,
        period_ns,
        remarks: RefCell::default(),
    };
    if work.split.train.is_none() && order.format.is_split() {
        work.remark(
            "There is no part to learn from: the scenario has no clean period of at least a row, and no other run was \
             named."
                .to_owned(),
        );
    }
    let columns = write(&work)?;
    let files = out.files();
    out.json(NOTE, &note(&work, &columns, &files), 1)?;
    let (files, remarks) = (out.files(), work.remarks());
    drop(work);
    out.finish()?;
    Ok(Summary {
        folder: wanted.to_path_buf(),
        format: order.format.name(),
        files,
        remarks,
    })
}

/// Writes the files of a format, and gives its columns if it has values.
fn write(work: &Work<'_>) -> Result<Vec<Column>, Stop> {
    let period_ns = || work.period_ns.expect("the format has a period");
    match work.order.format {
        Format::Ipal => return tabular(work, period_ns(), ipal::write),
        Format::Swat => return tabular(work, period_ns(), swat::write),
        Format::Wadi => return tabular(work, period_ns(), wadi::write),
        Format::Hai => return tabular(work, period_ns(), hai::write),
        Format::Batadal => return tabular(work, period_ns(), batadal::write),
        Format::Etapr => etapr::write(work, period_ns())?,
        Format::IcsFlow => ics_flow::write(work, period_ns())?,
        Format::CicModbus => cic::write(work)?,
        Format::PcapLabels => pcap::write(work)?,
        Format::AttackFlow => attack_flow::write(work)?,
        Format::Navigator => navigator::write(work)?,
        Format::Stix => stix::write(work)?,
    }
    Ok(Vec::new())
}

/// Writes a format whose rows have values, and gives its columns.
///
/// # Arguments
///
/// * `write` — writes the rows in the format's own form.
fn tabular(
    work: &Work<'_>,
    period_ns: u64,
    write: fn(&Work<'_>, &Sheets<'_>) -> Result<(), Stop>,
) -> Result<Vec<Column>, Stop> {
    let order = work.order;
    let read = |run: &Run<'_>| {
        let axis = Axis::new(period_ns, run.log.duration_ns);
        match order.values {
            Values::Historian => Table::historian(run.folder, &run.log, axis),
            Values::Truth => Table::truth(run.folder, axis),
        }
    };
    let table = read(order.run)?;
    let other = order.train.map(read).transpose()?;
    if let Some(other) = &other {
        same_columns(&table, other)?;
    }
    let sheet = |piece: &Piece<'_>, table| {
        let table: &Table = table;
        Sheet {
            table,
            log: &order.run.log,
            from: piece.from_ns / period_ns,
            to: piece.to_ns.map_or(table.axis.rows, |to| to / period_ns),
        }
    };
    let sheets = Sheets {
        train: work
            .split
            .train
            .as_ref()
            .map(|piece| sheet(piece, other.as_ref().unwrap_or(&table))),
        test: sheet(&work.split.test, &table),
    };
    write(work, &sheets)?;
    Ok(table.columns)
}

/// The period of the rows, if it is one that the format can have.
fn period(order: &Order<'_>) -> Result<Option<u64>, Problem> {
    let Some(own) = order.format.period_ns() else {
        if order.period_ns.is_some() {
            Choice::Period.check(order.format)?;
        }
        return Ok(None);
    };
    let period_ns = order.period_ns.unwrap_or(own);
    let problem = |message: String, hint: &str| Err(Problem::new("TR0351", message).hint(hint));
    if period_ns == 0 {
        let what = if order.format.has_rows() {
            "rows"
        } else {
            "flows"
        };
        return problem(format!("{what} need a period above 0"), "write it like 1s");
    }
    if !order.format.has_rows() {
        return Ok(Some(period_ns));
    }
    let writes_seconds = matches!(
        order.format,
        Format::Swat | Format::Wadi | Format::Hai | Format::Etapr
    );
    if writes_seconds && !period_ns.is_multiple_of(SECOND_NS) {
        let message = format!("the times of `{}` are whole seconds", order.format.name());
        return problem(
            message,
            "write the period like 1s; `ipal` has rows of any period",
        );
    }
    if period_ns > batadal::HOUR_NS
        && order.format == Format::Batadal
        && !batadal::is_true_to_time(period_ns)
    {
        let hint = "write the period like 1min or 1h";
        return problem("the times of `batadal` are whole hours".to_owned(), hint);
    }
    let rows = order.run.log.duration_ns.div_ceil(period_ns);
    if rows > ROWS_MAX {
        let message = format!("a run of this length has {rows} rows of that period");
        return problem(
            message,
            "at most 3 million fit into memory: take a longer period",
        );
    }
    if order.format == Format::Batadal
        && !batadal::is_true_to_time(period_ns)
        && rows > STAMPED_HOURS_MAX
    {
        let message = format!("{rows} rows that are stamped an hour apart leave the century");
        return problem(
            message,
            "take a longer period; 1min is what is taken when none is asked for",
        );
    }
    Ok(Some(period_ns))
}

/// The part to learn from and the part to be tested on. Their border lies between two rows, at or before the end of
/// the clean period, so that nothing of the attack is in the first.
fn split<'a>(order: &'a Order<'a>, period_ns: Option<u64>) -> Result<Split<'a>, Problem> {
    let log = &order.run.log;
    let whole = |run| Piece {
        run,
        from_ns: 0,
        to_ns: None,
    };
    if let Some(train) = order.train {
        if train.log.steps.iter().any(|step| step.interval.is_some()) {
            let message = "the run to learn from was attacked";
            let file = train.folder.path().display().to_string();
            return Err(Problem::new("TR0352", message)
                .in_file(file)
                .hint("make one with `run SCENARIO --no-attack --seed N`"));
        }
        return Ok(Split {
            train: Some(whole(train)),
            test: whole(order.run),
        });
    }
    if !order.format.is_split() {
        return Ok(Split {
            train: None,
            test: whole(order.run),
        });
    }
    if log.clean_ns >= log.duration_ns {
        let message = format!(
            "the run ends after {} s, within its clean period of {} s: there is nothing to be tested on",
            log.duration_ns / SECOND_NS,
            log.clean_ns / SECOND_NS
        );
        let hint = "name an unattacked run with `--train`; the whole of this one is then tested on";
        return Err(Problem::new("TR0353", message).hint(hint));
    }
    let border_ns = period_ns.map_or(log.clean_ns, |period| log.clean_ns / period * period);
    if border_ns == 0 {
        return Ok(Split {
            train: None,
            test: whole(order.run),
        });
    }
    Ok(Split {
        train: Some(Piece {
            run: order.run,
            from_ns: 0,
            to_ns: Some(border_ns),
        }),
        test: Piece {
            run: order.run,
            from_ns: border_ns,
            to_ns: None,
        },
    })
}

/// Detectors learn columns by their place, so both parts must have the same ones.
fn same_columns(table: &Table, other: &Table) -> Result<(), Problem> {
    let names = |table: &Table| -> Vec<String> {
        table
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect()
    };
    let (own, other) = (names(table), names(other));
    let odd = own
        .iter()
        .find(|name| !other.contains(name))
        .or_else(|| other.iter().find(|name| !own.contains(name)));
    match odd {
        None if own == other => Ok(()),
        None => Err(Problem::new(
            "TR0352",
            "the two runs have their tags in another order",
        )),
        Some(odd) => {
            let message = format!("only one of the two runs has the tag `{odd}`");
            Err(Problem::new("TR0352", message).hint("both must be runs of one plant"))
        }
    }
}
