//! Frames of a capture together with the truth about them.

use twinrange_range::evidence::capture::CapturedFrame;
use twinrange_range::evidence::frames::{FrameRow, Relation};
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::paths;

use crate::labels::Span;
use crate::log::Scope;
use crate::out::{Out, Stop};
use crate::work::Piece;

/// Frames between two looks at whether the user wants to stop.
const WATCH_FRAMES: u64 = 4_096;

/// Calls `each` with every frame of a piece of a run, in the order of time, and gives their number.
///
/// # Arguments
///
/// * `each` — gets the number in the piece, from 1, the frame, and the truth about it.
pub(crate) fn walk(
    piece: &Piece<'_>,
    span: &str,
    out: &Out<'_>,
    mut each: impl FnMut(u64, &CapturedFrame, &FrameRow) -> Result<(), Stop>,
) -> Result<u64, Stop> {
    let folder = piece.run.folder;
    let mut truth = folder
        .frames()?
        .flat_map(|batch| match batch {
            Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
        .filter(|row| row.as_ref().map_or(true, |row| row.span == span));
    let mut number = 0;
    for frame in folder.capture(span)? {
        let frame = frame?;
        let row = truth.next().transpose()?;
        let Some(row) = row.filter(|row| row.frame == frame.number) else {
            let message = format!("there is no row for frame {} of `{span}`", frame.number);
            let file = folder.locate(paths::FRAMES).display().to_string();
            return Err(Problem::new("TR0306", message).in_file(file).into());
        };
        if frame.number.is_multiple_of(WATCH_FRAMES) {
            out.go_on()?;
        }
        if piece.holds(frame.t_ns) {
            number += 1;
            each(number, &frame, &row)?;
        }
    }
    Ok(number)
}

/// The step that a frame makes an attack of: the attacker sent it, or somebody answered the attacker.
///
/// A diverted frame is an honest message on its way to the attacker. Its bytes are those of any other day, so data
/// sets of messages count it as benign.
pub(crate) fn attack_of(row: &FrameRow) -> Option<&str> {
    match row.relation {
        Relation::Sent | Relation::Reply => row.step.as_deref(),
        Relation::Diverted | Relation::Benign => None,
    }
}

/// The intervals of both scopes, asked for time after time.
pub(crate) struct Clock {
    command: Vec<Span>,
    effect: Vec<Span>,
}

impl Clock {
    pub(crate) fn of(piece: &Piece<'_>) -> Self {
        Self {
            command: piece.run.log.spans(Scope::Command),
            effect: piece.run.log.spans(Scope::Effect),
        }
    }

    /// Whether the time lies in an interval of the scope.
    pub(crate) fn is_in(&self, scope: Scope, t_ns: u64) -> bool {
        let spans = match scope {
            Scope::Command => &self.command,
            Scope::Effect => &self.effect,
        };
        let inside =
            |span: &Span| (span.start_ns..span.end_ns.max(span.start_ns + 1)).contains(&t_ns);
        spans.iter().any(inside)
    }
}
