//! What the range tells a lock-step defense. The shapes are those of `docs/defense-protocol.md`,
//! protocol version 1; field order on the wire is the order of the fields here.
//!
//! **Invariant:** nothing in here can carry the seed, the playbook or any other truth.

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

use crate::answer::Verb;

/// Protocol versions that this range speaks, ascending.
pub const VERSIONS: &[u32] = &[1];
/// Longest line that a tool may write, bytes without the line end.
pub const ANSWER_LINE_LIMIT_BYTES: usize = 1 << 20;
/// Longest line that the range writes, bytes. Frames beyond it are dropped and counted.
pub const INTERVAL_LINE_LIMIT_BYTES: usize = 64 << 20;
/// Most bytes that the frames of one interval take, counted as JSON whatever the feed: so the same frames
/// come, and the same are dropped, by either feed.
pub const FRAMES_LIMIT_BYTES: usize = INTERVAL_LINE_LIMIT_BYTES / 2;
/// Bytes in front of a frame's own in the binary feed.
pub const RECORD_HEAD_BYTES: usize = 24;
/// Most alerts in one interval.
pub const ALERTS_PER_INTERVAL: usize = 1_000;
/// Most alerts in one run.
pub const ALERTS_PER_RUN: usize = 100_000;
/// Most actions in one interval.
pub const ACTIONS_PER_INTERVAL: usize = 16;
/// Most `answer` lines in one interval.
pub const ANSWER_LINES_PER_INTERVAL: usize = 1_000;
/// Longest time that a verdict may hold a frame back, simulated ns.
pub const VERDICT_DELAY_LIMIT_NS: u64 = 10_000_000_000;

/// All that a defense is told before the first interval.
#[derive(Clone, Debug, Serialize)]
pub struct Hello {
    /// Version of the range, for the tool's log.
    pub range_version: String,
    /// Name of the plant, such as `bottling`. Never the playbook.
    pub plant: String,
    /// Wall-like time of simulated time zero, ns since 1970-01-01T00:00:00Z.
    pub epoch_unix_ns: u64,
    /// Simulated length of one interval, ns.
    pub interval_ns: u64,
    /// Simulated length of the whole run, ns.
    pub duration_ns: u64,
    /// Clean period at the start that the tool may learn from, ns; 0 where there is none.
    pub learn_ns: u64,
    /// The mirror ports whose frames may come.
    pub spans: Vec<Span>,
    /// The inventory, as in `evidence/assets.json`.
    pub assets: Vec<Asset>,
    /// The historian's tags.
    pub tags: Vec<TagInfo>,
    /// The action words that this run accepts; empty when the defense may only watch.
    pub actions: Vec<Verb>,
    /// The cables in which the defense stands; absent where it only watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<InlineInfo>,
}

/// The cables in which a defense stands.
#[derive(Clone, Debug, Serialize)]
pub struct InlineInfo {
    /// Names of the hosts, each at the end of a cable.
    pub hosts: Vec<String>,
    /// Simulated time that every frame takes to go through the device, ns.
    pub latency_ns: u64,
}

/// A mirror port.
#[derive(Clone, Debug, Serialize)]
pub struct Span {
    /// Name, as in `evidence/span-<name>.pcapng`.
    pub name: String,
    /// Link type of its frames in the pcap registry; 1 is Ethernet.
    pub link_type: u32,
}

/// One line of the plant's inventory, as in `evidence/assets.json`. Absent where unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Name of the host, such as `plc-filler`; target of `contain` and `restore`.
    pub name: String,
    /// Role, such as `plc`, `hmi`, `historian`, `engineering-workstation`, `laptop`.
    pub role: String,
    /// Zone (IEC 62443), such as `cell`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Level of the Purdue model, such as 1 for controllers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purdue_level: Option<u8>,
    /// IPv4 address in dotted form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Hardware address, lower-case hex with colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Switch that the host is plugged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
    /// Port on that switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// Maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Model or product code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Version of its firmware or software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
}

/// One tag of the historian.
#[derive(Clone, Debug, Serialize)]
pub struct TagInfo {
    /// Name, as in the samples.
    pub name: String,
    /// Unit of the values, such as `ml`; empty for a switch or a count.
    pub unit: String,
    /// What it measures, for people.
    pub description: String,
}

/// What a tool asked to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Frames of all mirror ports.
    pub frames: bool,
    /// Samples of the historian.
    pub tags: bool,
    /// Lines of the syslog.
    pub logs: bool,
}

/// How frames come to a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameFeed {
    /// As objects in the `interval` line, bytes in base64.
    #[default]
    Json,
    /// As records behind the `interval` line, bytes as they are.
    Binary,
}

impl FrameFeed {
    /// All of them, in the order of `hello`.
    pub const ALL: [Self; 2] = [Self::Json, Self::Binary];

    /// The word of the protocol.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Binary => "binary",
        }
    }

    /// The feed with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.word() == word)
    }
}

/// What the sensors saw in one interval: from `from_ns` on, up to and not including `to_ns`; the last
/// interval of a run includes its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interval<'a> {
    /// End of the interval before; 0 for the first.
    pub from_ns: u64,
    /// Simulated now.
    pub to_ns: u64,
    /// Mirrored frames, by time.
    pub frames: &'a [Frame<'a>],
    /// Tag samples, by time.
    pub tags: &'a [TagSample<'a>],
    /// Log lines, by time.
    pub logs: &'a [LogLine<'a>],
    /// What became of the actions of earlier intervals.
    pub action_results: &'a [ActionResult],
}

/// One mirrored frame.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Frame<'a> {
    /// Name of the mirror port.
    pub span: &'a str,
    /// 1-based frame number in that mirror port's capture file.
    pub n: u64,
    /// Simulated time of the last bit on the mirror port, ns.
    pub t_ns: u64,
    /// Length on the wire, bytes, without the frame check sequence.
    pub len: u32,
    /// Bytes from the destination address on.
    #[serde(serialize_with = "as_base64")]
    pub data: &'a [u8],
}

/// One sample of the historian.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TagSample<'a> {
    /// Simulated time of the sample, ns.
    pub t_ns: u64,
    /// Name of the tag.
    pub tag: &'a str,
    /// Value in the tag's unit, switches as 0 or 1; `null` on the wire when not finite.
    #[serde(serialize_with = "finite_or_null")]
    pub value: f64,
    /// How far the value can be trusted.
    pub quality: Quality,
}

/// Quality of a sample, in OPC's three classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Fresh and valid.
    Good,
    /// Old or doubtful.
    Uncertain,
    /// Not to be used.
    Bad,
}

/// One line of the syslog.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LogLine<'a> {
    /// Simulated time at which the collector received it, ns.
    pub t_ns: u64,
    /// The RFC 5424 message without a line end.
    pub line: &'a str,
}

/// A frame that has reached the defense in a cable, and that waits for its verdict.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct InlineFrame<'a> {
    /// Number of the frame at the device, from 1 over all its cables. Not that of a mirror port.
    pub n: u64,
    /// Simulated time at which it reached the device, ns.
    pub t_ns: u64,
    /// Name of the host in whose cable it is.
    pub host: &'a str,
    /// Where it goes: `switch` or `host`.
    pub towards: &'a str,
    /// Length on the wire, bytes, without the frame check sequence.
    pub len: u32,
    /// Bytes from the destination address on.
    #[serde(serialize_with = "as_base64")]
    pub data: &'a [u8],
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionResult {
    /// The tool's own number for the command.
    pub command_id: String,
    /// Whether it will be carried out.
    pub status: ActionStatus,
    /// Simulated time at which the decision was made, ns.
    pub t_ns: u64,
    /// When it takes effect, ns; absent when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_ns: Option<u64>,
    /// When the effect ends, at the latest with the run, ns; absent when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ns: Option<u64>,
    /// Why it was refused; absent when accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Decision about an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionStatus {
    /// It will take effect at `effective_ns`.
    Accepted,
    /// It will not be carried out.
    Refused,
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&base64::display::Base64Display::new(bytes, &STANDARD))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn finite_or_null<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.serialize_none()
    }
}

#[derive(Serialize)]
struct Limits {
    answer_line_bytes: usize,
    interval_line_bytes: usize,
    frames_as_json_bytes: usize,
    alerts_per_interval: usize,
    alerts_per_run: usize,
    actions_per_interval: usize,
    answer_lines_per_interval: usize,
    verdict_delay_ns: u64,
}

/// The `hello` line, without its line end.
pub(crate) fn hello_line(hello: &Hello) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        r#type: &'static str,
        versions: &'static [u32],
        #[serde(flatten)]
        hello: &'a Hello,
        frames_as: [&'static str; 2],
        limits: Limits,
    }
    encode(&Message {
        r#type: "hello",
        versions: VERSIONS,
        hello,
        frames_as: FrameFeed::ALL.map(FrameFeed::word),
        limits: Limits {
            answer_line_bytes: ANSWER_LINE_LIMIT_BYTES,
            interval_line_bytes: INTERVAL_LINE_LIMIT_BYTES,
            frames_as_json_bytes: FRAMES_LIMIT_BYTES,
            alerts_per_interval: ALERTS_PER_INTERVAL,
            alerts_per_run: ALERTS_PER_RUN,
            actions_per_interval: ACTIONS_PER_INTERVAL,
            answer_lines_per_interval: ANSWER_LINES_PER_INTERVAL,
            verdict_delay_ns: VERDICT_DELAY_LIMIT_NS,
        },
    })
}

/// The `interval` message: its line with its line end, and behind it the frames as records if the feed is
/// binary, holding only what the tool wants.
///
/// # Arguments
///
/// * `spans` — names of the mirror ports in the order of `hello`.
///
/// # Panics
///
/// If a frame comes from none of `spans`; that is our bug.
pub(crate) fn interval_message(
    seq: u64,
    interval: &Interval<'_>,
    wants: Wants,
    feed: FrameFeed,
    spans: &[String],
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        r#type: &'static str,
        seq: u64,
        from_ns: u64,
        to_ns: u64,
        frames: &'a [Frame<'a>],
        frames_dropped: usize,
        #[serde(flatten)]
        records: Option<Records>,
        tags: &'a [TagSample<'a>],
        logs: &'a [LogLine<'a>],
        action_results: &'a [ActionResult],
    }
    /// What follows the line; absent from the JSON feed.
    #[derive(Serialize)]
    struct Records {
        frames_count: usize,
        frames_bytes: usize,
    }
    let frames = if wants.frames { interval.frames } else { &[] };
    let kept = &frames[..frames_that_fit(frames, FRAMES_LIMIT_BYTES)];
    let (in_line, behind) = match feed {
        FrameFeed::Json => (kept, None),
        FrameFeed::Binary => (&[][..], Some(records(kept, spans))),
    };
    let mut message = encode(&Message {
        r#type: "interval",
        seq,
        from_ns: interval.from_ns,
        to_ns: interval.to_ns,
        frames: in_line,
        frames_dropped: frames.len() - kept.len(),
        records: behind.as_ref().map(|bytes| Records {
            frames_count: kept.len(),
            frames_bytes: bytes.len(),
        }),
        tags: if wants.tags { interval.tags } else { &[] },
        logs: if wants.logs { interval.logs } else { &[] },
        action_results: interval.action_results,
    });
    message.push(b'\n');
    message.extend(behind.into_iter().flatten());
    message
}

/// Frames as records of the binary feed: little-endian length, span, zero, number and time, then the bytes.
fn records(frames: &[Frame<'_>], spans: &[String]) -> Vec<u8> {
    let bytes = frames
        .iter()
        .map(|frame| RECORD_HEAD_BYTES + frame.data.len());
    let mut out = Vec::with_capacity(bytes.sum());
    for frame in frames {
        let length = u32::try_from(frame.data.len()).expect("frames are short");
        let span = spans.iter().position(|name| name == frame.span);
        let span = span
            .and_then(|index| u16::try_from(index).ok())
            .expect("a frame comes from a span of hello");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&span.to_le_bytes());
        out.extend_from_slice(&0_u16.to_le_bytes());
        out.extend_from_slice(&frame.n.to_le_bytes());
        out.extend_from_slice(&frame.t_ns.to_le_bytes());
        out.extend_from_slice(frame.data);
    }
    out
}

/// The `end` line, without its line end.
pub(crate) fn end_line(seq: u64, at_ns: u64, action_results: &[ActionResult]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        r#type: &'static str,
        seq: u64,
        at_ns: u64,
        action_results: &'a [ActionResult],
    }
    encode(&Message {
        r#type: "end",
        seq,
        at_ns,
        action_results,
    })
}

/// The `frame` line, without its line end.
pub(crate) fn frame_line(frame: &InlineFrame<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        frame: &'a InlineFrame<'a>,
    }
    encode(&Message {
        r#type: "frame",
        frame,
    })
}

/// How many leading frames fit into `budget_bytes` of JSON, by a bound from above.
fn frames_that_fit(frames: &[Frame<'_>], budget_bytes: usize) -> usize {
    const FIELDS_BYTES: usize = 96;
    let mut used_bytes = 0;
    for (index, frame) in frames.iter().enumerate() {
        used_bytes += FIELDS_BYTES + frame.span.len() + frame.data.len().div_ceil(3) * 4;
        if used_bytes > budget_bytes {
            return index;
        }
    }
    frames.len()
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("these shapes always encode: string keys, finite numbers")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(line: &[u8]) -> Value {
        assert!(!line.contains(&b'\n'), "one message is one line");
        serde_json::from_slice(line).expect("our own lines are JSON")
    }

    #[test]
    fn interval_when_only_tags_are_wanted_then_other_lists_are_empty() {
        let interval = Interval {
            from_ns: 0,
            to_ns: 10,
            frames: &[Frame {
                span: "cell",
                n: 1,
                t_ns: 5,
                len: 3,
                data: &[1, 2, 250],
            }],
            tags: &[TagSample {
                t_ns: 7,
                tag: "level",
                value: f64::NAN,
                quality: Quality::Bad,
            }],
            logs: &[LogLine { t_ns: 8, line: "x" }],
            action_results: &[],
        };
        let all = Wants {
            frames: true,
            tags: true,
            logs: true,
        };
        let line = |wants| {
            let mut message = interval_message(1, &interval, wants, FrameFeed::Json, &[]);
            assert_eq!(message.pop(), Some(b'\n'));
            parse(&message)
        };
        let message = line(all);
        assert!(message.get("frames_bytes").is_none(), "{message}");
        assert_eq!(
            message["frames"],
            json!([{"span":"cell","n":1,"t_ns":5,"len":3,"data":"AQL6"}])
        );
        assert_eq!(
            message["tags"],
            json!([{"t_ns":7,"tag":"level","value":null,"quality":"bad"}])
        );
        let message = line(Wants {
            tags: true,
            ..Wants::default()
        });
        assert_eq!(message["frames"], json!([]));
        assert_eq!(message["logs"], json!([]));
        assert_eq!(message["tags"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn frames_when_over_budget_then_the_tail_is_dropped() {
        let data = [0u8; 300];
        let frame = Frame {
            span: "cell",
            n: u64::MAX,
            t_ns: u64::MAX,
            len: 300,
            data: &data,
        };
        let one = serde_json::to_vec(&frame).expect("encodes").len() + 1;
        assert!(one <= 96 + 4 + 400, "the bound must be from above: {one}");
        assert_eq!(frames_that_fit(&[frame; 10], 1600), 3);
        assert_eq!(frames_that_fit(&[frame; 3], 1600), 3);
    }

    #[test]
    fn frames_when_the_feed_is_binary_then_they_follow_the_line_to_the_byte() {
        let frame = |span, n, data| Frame {
            span,
            n,
            t_ns: n + 0x0102,
            len: 3,
            data,
        };
        let frames = [frame("cell", 7, &[b'\n', 0, 255]), frame("dmz", 8, &[9; 3])];
        let mut interval = Interval {
            from_ns: 0,
            to_ns: 10,
            frames: &frames,
            tags: &[],
            logs: &[],
            action_results: &[],
        };
        let wants = Wants {
            frames: true,
            ..Wants::default()
        };
        let spans = ["cell".to_owned(), "dmz".to_owned()];
        let split = |interval: &Interval<'_>, wants| {
            let message = interval_message(1, interval, wants, FrameFeed::Binary, &spans);
            let end = message.iter().position(|&byte| byte == b'\n');
            let end = end.expect("the line has an end");
            (parse(&message[..end]), message[end + 1..].to_vec())
        };
        let (line, bytes) = split(&interval, wants);
        assert_eq!(line["frames"], json!([]));
        assert_eq!(line["frames_count"], 2);
        assert_eq!(line["frames_bytes"], 54);
        let expect = [
            &[3, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0][..],
            &[9, 1, 0, 0, 0, 0, 0, 0, b'\n', 0, 255],
            &[3, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0],
            &[10, 1, 0, 0, 0, 0, 0, 0, 9, 9, 9],
        ];
        assert_eq!(bytes, expect.concat());
        let (line, bytes) = split(&interval, Wants::default());
        assert_eq!((&line["frames_bytes"], bytes.len()), (&json!(0), 0));
        // The same frames are dropped whatever the feed, though the records would be smaller.
        let data = vec![0; 1514];
        let many = vec![frame("cell", 1, &data); 20_000];
        interval.frames = &many;
        let json = interval_message(1, &interval, wants, FrameFeed::Json, &spans);
        let json = parse(&json[..json.len() - 1]);
        let (line, bytes) = split(&interval, wants);
        assert!(line["frames_dropped"].as_u64() > Some(0), "{line}");
        assert_eq!(line["frames_dropped"], json["frames_dropped"]);
        let count = json["frames"].as_array().map(Vec::len);
        assert_eq!(line["frames_count"], json!(count));
        assert_eq!(Some(bytes.len() / (RECORD_HEAD_BYTES + 1514)), count);
        assert!(bytes.len() < FRAMES_LIMIT_BYTES);
    }
}
