//! What the plant's sensors see, on its way to those who listen.
//!
//! **Invariant:** whoever listens slowly, or not at all, costs the plant nothing: it misses batches, and is told how many.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::message::{Frame, LogLine, Quality, TagSample};

/// Batches that wait for a listener.
const WAITING_MAX: usize = 4_096;

/// What has been seen and done between two moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The later of the two moments, simulated ns.
    pub t_ns: u64,
    /// Mirrored frames, by time.
    pub frames: Vec<SeenFrame>,
    /// Samples of the historian, by time.
    pub tags: Vec<SeenTag>,
    /// Log lines (RFC 5424) and their times, ns.
    pub logs: Vec<(u64, String)>,
    /// Alerts that were taken, in the normal form.
    pub alerts: Vec<Value>,
    /// Actions and what became of them.
    pub actions: Vec<Value>,
    /// Whether nothing comes after it: the session is over.
    pub(super) is_last: bool,
}

/// One mirrored frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFrame {
    /// Its SPAN port, as an index into the session's.
    pub span: usize,
    /// 1-based number in that port's capture.
    pub n: u64,
    /// Simulated time, ns.
    pub t_ns: u64,
    /// From the destination address on.
    pub data: Box<[u8]>,
}

/// One sample of the historian.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenTag {
    /// The tag, as an index into the session's.
    pub tag: usize,
    /// Simulated time, ns.
    pub t_ns: u64,
    /// In the tag's unit.
    pub value: f64,
    /// How far it can be trusted.
    pub quality: Quality,
}

impl Batch {
    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
            && self.tags.is_empty()
            && self.logs.is_empty()
            && self.alerts.is_empty()
            && self.actions.is_empty()
    }
}

/// Gives batches to everybody who listens.
#[derive(Clone, Debug)]
pub(crate) struct Hub(broadcast::Sender<Arc<Batch>>);

impl Hub {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(WAITING_MAX))
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(crate) fn listeners(&self) -> usize {
        self.0.receiver_count()
    }

    pub(crate) fn give(&self, batch: Batch) {
        // Nobody may be listening.
        let _ = self.0.send(Arc::new(batch));
    }

    /// Tells everybody who listens that the session is over.
    pub(crate) fn end(&self) {
        self.give(Batch {
            is_last: true,
            ..Batch::default()
        });
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.0.subscribe()
    }
}

/// What a listener wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topics {
    frames: bool,
    tags: bool,
    logs: bool,
    alerts: bool,
    actions: bool,
    clock: bool,
}

impl Topics {
    /// The words, in the order of the documentation.
    pub(crate) const WORDS: &str = "frames, tags, logs, alerts, actions, clock";

    /// Reads a list such as `tags,logs`; all but frames and clock when left out.
    pub(crate) fn parse(list: Option<&str>) -> Result<Self, String> {
        let Some(list) = list else {
            return Ok(Self {
                tags: true,
                logs: true,
                alerts: true,
                actions: true,
                ..Self::default()
            });
        };
        let mut topics = Self::default();
        for word in list.split(',') {
            let topic = match word {
                "frames" => &mut topics.frames,
                "tags" => &mut topics.tags,
                "logs" => &mut topics.logs,
                "alerts" => &mut topics.alerts,
                "actions" => &mut topics.actions,
                "clock" => &mut topics.clock,
                _ => {
                    return Err(format!(
                        "`{}` is nothing to listen to; there are {}",
                        word.escape_default(),
                        Self::WORDS
                    ));
                }
            };
            *topic = true;
        }
        Ok(topics)
    }
}

/// One thing that a listener is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The word for it.
    pub(crate) kind: &'static str,
    /// A JSON object, its `type` the word.
    pub(crate) text: String,
}

/// An object as JSON that says what it is: `type` stands first.
///
/// # Panics
///
/// If it is no object, or cannot be encoded; that is our bug.
#[must_use]
pub fn typed(kind: &str, what: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Line<'a, T> {
        r#type: &'a str,
        #[serde(flatten)]
        what: &'a T,
    }
    let line = Line { r#type: kind, what };
    serde_json::to_string(&line).expect("these shapes always encode")
}

impl Told {
    pub(crate) fn of(kind: &'static str, what: &impl Serialize) -> Self {
        let text = typed(kind, what);
        Self { kind, text }
    }

    /// Tells of batches that a listener was too slow for.
    pub(crate) fn missed(batches: u64) -> Self {
        Self::of("missed", &json!({"batches": batches}))
    }
}

/// What a batch has for a listener, by topic.
pub(crate) fn told(batch: &Batch, topics: Topics, spans: &[String], tags: &[String]) -> Vec<Told> {
    let mut all = Vec::new();
    if topics.frames {
        all.extend(batch.frames.iter().map(|frame| {
            let frame = Frame {
                span: &spans[frame.span],
                n: frame.n,
                t_ns: frame.t_ns,
                len: u32::try_from(frame.data.len()).expect("frames are short"),
                data: &frame.data,
            };
            Told::of("frame", &frame)
        }));
    }
    if topics.tags {
        all.extend(batch.tags.iter().map(|sample| {
            let sample = TagSample {
                t_ns: sample.t_ns,
                tag: &tags[sample.tag],
                value: sample.value,
                quality: sample.quality,
            };
            Told::of("tag", &sample)
        }));
    }
    if topics.logs {
        let lines = batch.logs.iter();
        all.extend(lines.map(|(t_ns, line)| Told::of("log", &LogLine { t_ns: *t_ns, line })));
    }
    if topics.alerts {
        // An alert has no key `type`: the normal form refuses it.
        all.extend(batch.alerts.iter().map(|alert| Told::of("alert", alert)));
    }
    if topics.actions {
        let actions = batch.actions.iter();
        all.extend(actions.map(|action| Told::of("action", action)));
    }
    if topics.clock {
        all.push(Told::of("clock", &json!({"t_ns": batch.t_ns})));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_when_named_then_only_those_are_told() {
        let batch = Batch {
            t_ns: 7,
            frames: vec![SeenFrame {
                span: 0,
                n: 3,
                t_ns: 5,
                data: Box::new([1, 2, 250]),
            }],
            tags: vec![SeenTag {
                tag: 0,
                t_ns: 6,
                value: f64::NAN,
                quality: Quality::Bad,
            }],
            logs: vec![(6, "<1>x".to_owned())],
            alerts: vec![json!({"t_ns": 1, "sig_id": "s"})],
            actions: vec![json!({"action": {}})],
            is_last: false,
        };
        let (spans, tags) = (["cell".to_owned()], ["level".to_owned()]);
        let of = |list| {
            let topics = Topics::parse(list).expect("known words");
            let told = told(&batch, topics, &spans, &tags);
            told.into_iter().map(|told| told.text).collect::<Vec<_>>()
        };
        assert_eq!(
            of(Some("clock,frames")),
            [
                r#"{"type":"frame","span":"cell","n":3,"t_ns":5,"len":3,"data":"AQL6"}"#,
                r#"{"type":"clock","t_ns":7}"#
            ]
        );
        assert_eq!(
            of(None),
            [
                r#"{"type":"tag","t_ns":6,"tag":"level","value":null,"quality":"bad"}"#,
                r#"{"type":"log","t_ns":6,"line":"<1>x"}"#,
                r#"{"type":"alert","sig_id":"s","t_ns":1}"#,
                r#"{"type":"action","action":{}}"#,
            ]
        );
        assert!(Topics::parse(Some("tags,truth")).is_err());
    }

    #[test]
    fn listeners_when_too_slow_then_they_learn_what_they_missed() {
        let hub = Hub::new();
        let mut slow = hub.listen();
        for t_ns in 0..WAITING_MAX as u64 + 5 {
            hub.give(Batch {
                t_ns,
                ..Batch::default()
            });
        }
        let missed = slow.try_recv().expect_err("some are gone");
        assert_eq!(missed, broadcast::error::TryRecvError::Lagged(5));
        assert_eq!(slow.try_recv().expect("the next").t_ns, 5);
    }
}
