//! Workers: threads that take cells from the board until there are none.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::board::{Board, Task};
use super::cell::{Group, compute};
use super::key::CellResult;
use super::plan::{Place, Plan};
use super::store::Store;
use crate::support::failure::Failure;

/// What a campaign has come to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) results: Vec<(Place, CellResult)>,
    /// Cells that this call computed.
    pub(crate) computed: usize,
    /// Wall-clock time of this call, s.
    pub(crate) wall_s: f64,
}

/// Runs every cell that is not there yet.
pub(crate) fn run(
    plan: &Plan,
    store: &Store,
    jobs: usize,
    interrupt: &AtomicBool,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut finished = BTreeMap::new();
    for place in plan.places() {
        if let Some(result) = store.finished(&plan.key(place).id()) {
            finished.insert(place, result);
        }
    }
    let board = Board::new(plan, finished);
    let before = board.counts().1;
    let office = Office {
        plan,
        store,
        interrupt,
        board: Mutex::new(board),
        changed: Condvar::new(),
        failure: Mutex::new(None),
        stop: AtomicBool::new(false),
        progress: Mutex::new(Progress::new(before, started)),
    };
    std::thread::scope(|threads| {
        for _ in 0..jobs {
            threads.spawn(|| office.work());
        }
    });
    if let Some(failure) = office.failure.into_inner().expect("workers have ended") {
        return Err(failure);
    }
    let board = office.board.into_inner().expect("workers have ended");
    let (_, done) = board.counts();
    office
        .progress
        .into_inner()
        .expect("workers have ended")
        .end();
    Ok(Outcome {
        results: board.into_results(),
        computed: done - before,
        wall_s: started.elapsed().as_secs_f64(),
    })
}

struct Office<'a> {
    plan: &'a Plan,
    store: &'a Store,
    interrupt: &'a AtomicBool,
    board: Mutex<Board<'a>>,
    changed: Condvar,
    failure: Mutex<Option<Failure>>,
    stop: AtomicBool,
    progress: Mutex<Progress>,
}

/// Lets the others go when a worker panics: they would wait for it for ever.
struct Alarm<'a, 'b>(&'a Office<'b>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop.store(true, Ordering::SeqCst);
            self.0.changed.notify_all();
        }
    }
}

impl<'a> Office<'a> {
    fn board(&self) -> MutexGuard<'_, Board<'a>> {
        self.board.lock().expect("a worker's panic is reported")
    }

    fn work(&self) {
        let _alarm = Alarm(self);
        while let Some(task) = self.next() {
            let done = match task {
                Task::Prepare(place) => self.prepare(place),
                Task::Compute(place, group) => self.compute(place, &group, Instant::now()),
                Task::Wait | Task::Done => unreachable!("`next` gives work or nothing"),
            };
            if let Err(failure) = done {
                // The first failure is told; the others are mostly its consequence.
                self.failure
                    .lock()
                    .expect("a worker's panic is reported")
                    .get_or_insert(failure);
                self.stop.store(true, Ordering::SeqCst);
            }
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<Task> {
        let mut board = self.board();
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return None;
            }
            if self.interrupt.load(Ordering::SeqCst) {
                self.failure
                    .lock()
                    .expect("a worker's panic is reported")
                    .get_or_insert(Failure::Interrupted);
                return None;
            }
            match board.next() {
                Task::Wait => {
                    board = self
                        .changed
                        .wait(board)
                        .expect("a worker's panic is reported");
                }
                Task::Done => return None,
                task => return Some(task),
            }
        }
    }

    fn prepare(&self, place: Place) -> Result<(), Failure> {
        let started = Instant::now();
        let group = Group::make(self.plan, place.stratum, place.seed, self.interrupt)?;
        let group = Arc::new(group);
        self.board().prepared(place, &group);
        self.changed.notify_all();
        self.compute(place, &group, started)
    }

    fn compute(&self, place: Place, group: &Group, started: Instant) -> Result<(), Failure> {
        let scratch = self.store.scratch();
        let result = compute(self.plan, place, group, &scratch, self.interrupt)?;
        let result = self.store.keep(&result, started.elapsed().as_secs_f64())?;
        let mut board = self.board();
        board.done(place, result);
        let (known, done) = board.counts();
        drop(board);
        self.progress
            .lock()
            .expect("a worker's panic is reported")
            .at(known, done);
        Ok(())
    }
}

/// How far the campaign is: a bar on a terminal, about twenty lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    before: usize,
    started: Instant,
    told_twentieth: usize,
}

impl Progress {
    fn new(before: usize, started: Instant) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let template = "{prefix:9} [{bar:32}] {pos} of {len} cells  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix("campaign");
            bar
        });
        Self {
            bar,
            before,
            started,
            told_twentieth: 0,
        }
    }

    fn at(&mut self, known: usize, done: usize) {
        let made = done.saturating_sub(self.before);
        let left_s = self.started.elapsed().as_secs_f64() / made.max(1) as f64
            * known.saturating_sub(done) as f64;
        let left = twinrange_score::report::words::duration(left_s);
        if let Some(bar) = &self.bar {
            bar.set_length(u64::try_from(known).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            bar.set_message(format!("{left} left"));
            return;
        }
        let twentieth = done * 20 / known.max(1);
        if twentieth > self.told_twentieth {
            self.told_twentieth = twentieth;
            eprintln!("{done} of {known} cells, about {left} left");
        }
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
