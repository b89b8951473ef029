//! Samples of the historian's tags to an MQTT broker outside, as they are taken.
//!
//! MQTT 3.1.1 over TCP. A sample is one retained message with quality of service 1, `PREFIX/PLANT/tags/TAG`, and
//! `PREFIX/PLANT/session` says whether the session runs, is over or was lost (the last will). What a broker has not
//! acknowledged when a connection ends is sent again over the next one, so it may come twice, and never out of order.
//!
//! **Invariant:** a broker that is slow, deaf or gone costs samples, which are counted, and a few seconds at the end of
//! the session at most.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions,
    Outgoing, Packet, QoS,
};
use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep};

use crate::api::SeenTag;
use crate::live::{PATIENCES_MAX, PlantTags};
use crate::message::Quality;

/// Environment variable with the password for a broker that wants one.
pub const PASSWORD: &str = "TWINRANGE_MQTT_PASSWORD";
/// First level of topics where the address names none.
const PREFIX: &str = "twinrange";
/// Longest topic, bytes; MQTT 3.1.1, 1.5.3.
const TOPIC_BYTES_MAX: usize = 65_535;
/// Samples that wait for a broker: a quarter of an hour of a hundred tags at plant speed, so that a broker may be
/// restarted.
const WAITING_MAX: usize = 100_000;
/// Time between two tries to reach a broker that has gone away.
const RETRY: Duration = Duration::from_millis(500);
/// Idle time after which a broker is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a broker may take for a connection, s.
const CONNECT_S: u64 = 5;
/// How long the end of a session waits for a broker that acknowledges nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest packets that a broker may send to us, and we to it, bytes; MQTT 3.1.1, 2.2.3 for the latter.
const PACKET_BYTES_MAX: (usize, usize) = (4_096, 268_435_455);

/// A broker, and where in its tree of topics the plant is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    user: Option<String>,
    host: String,
    port: u16,
    prefix: String,
}

impl std::str::FromStr for Broker {
    type Err = String;

    /// Reads `mqtt://127.0.0.1:1883` or `mqtt://user@broker:1883/site/area`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no broker: write mqtt://[USER@]ADDRESS:PORT[/PREFIX]");
        let rest = text.strip_prefix("mqtt://").ok_or_else(wrong)?;
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user.to_owned()), address),
            None => (None, authority),
        };
        if user.as_deref().is_some_and(|user| user.contains(':')) {
            return Err(format!(
                "everybody on this machine sees the password of a command: set {PASSWORD} to it"
            ));
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let in_brackets = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let is_host = match in_brackets {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
                !host.is_empty() && host.chars().all(is_plain)
            }
        };
        let port = port.parse().ok().filter(|port| *port != 0 && is_host);
        let port = port.ok_or_else(wrong)?;
        let prefix = if prefix.is_empty() { PREFIX } else { prefix };
        if prefix.starts_with('$') {
            return Err(format!(
                "`{prefix}` cannot be a prefix: topics with `$` are the broker's own"
            ));
        }
        if prefix.split('/').any(str::is_empty) {
            return Err(format!("`{prefix}` cannot be a prefix: a level is empty"));
        }
        check_name("prefix", prefix)?;
        Ok(Self {
            user,
            host: host.to_owned(),
            port,
            prefix: prefix.to_owned(),
        })
    }
}

impl std::fmt::Display for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.user.as_ref();
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        write!(
            f,
            "mqtt://{user}{}:{}/{}",
            self.host, self.port, self.prefix
        )
    }
}

/// A name that may stand in a topic (MQTT 3.1.1, 4.7).
fn check_name(kind: &str, name: &str) -> Result<(), String> {
    match name
        .chars()
        .find(|&c| matches!(c, '+' | '#') || c.is_control())
    {
        None => Ok(()),
        Some(wrong) => Err(format!(
            "{kind} `{}` cannot stand in a topic: `{}` has a meaning of its own there",
            name.escape_debug(),
            wrong.escape_debug()
        )),
    }
}

/// Where messages go.
#[derive(Debug)]
struct Topics {
    session: String,
    /// Topic and unit of each tag.
    tags: Vec<(String, String)>,
    epoch_unix_ns: u64,
}

impl Topics {
    fn of(broker: &Broker, plant: &PlantTags) -> Result<Self, String> {
        check_name("plant", &plant.plant)?;
        let root = format!("{}/{}", broker.prefix, plant.plant);
        let mut tags = Vec::new();
        for tag in &plant.tags {
            check_name("tag", &tag.name)?;
            let topic = format!("{root}/tags/{}", tag.name);
            if topic.len() > TOPIC_BYTES_MAX {
                return Err(format!("a topic of {} bytes is too long", topic.len()));
            }
            tags.push((topic, tag.unit.clone()));
        }
        Ok(Self {
            session: format!("{root}/session"),
            tags,
            epoch_unix_ns: plant.epoch_unix_ns,
        })
    }

    /// Topic and payload of a message.
    fn written(&self, message: &Message) -> (&str, Vec<u8>) {
        match message {
            Message::Session(state) => (&self.session, session_payload(state)),
            Message::Sample(sample) => {
                let (topic, unit) = &self.tags[sample.tag];
                let unix_ns = self.epoch_unix_ns + sample.t_ns;
                let time = DateTime::from_timestamp_nanos(unix_ns.cast_signed());
                let payload = Payload {
                    t_ns: sample.t_ns,
                    time: time.to_rfc3339_opts(SecondsFormat::Nanos, true),
                    value: sample.value,
                    quality: sample.quality,
                    unit,
                };
                (topic, serde_json::to_vec(&payload).expect("it encodes"))
            }
        }
    }
}

/// A sample as subscribers get it.
#[derive(Debug, Serialize)]
struct Payload<'a> {
    t_ns: u64,
    time: String,
    /// `null` where it is not finite.
    value: f64,
    quality: Quality,
    unit: &'a str,
}

fn session_payload(state: &str) -> Vec<u8> {
    serde_json::json!({ "state": state })
        .to_string()
        .into_bytes()
}

/// A message on its way.
#[derive(Clone, Debug)]
enum Message {
    Sample(SeenTag),
    /// How the session stands.
    Session(&'static str),
}

/// Why a session publishes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MqttError {
    /// The broker is not there, or does not want the session.
    #[error("{0}")]
    Broker(String),
    /// A name of the plant cannot stand in a topic.
    #[error("{0}")]
    Name(String),
}

/// What became of samples at the end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Samples that the broker has not acknowledged.
    pub lost: u64,
    /// Why the last connection ended, or did not begin.
    pub trouble: Option<String>,
}

/// Samples on their way to a broker.
#[derive(Debug)]
pub struct MqttOut {
    // Before the samples: whoever drops this ends without a word, and the broker publishes the last will.
    end: oneshot::Sender<()>,
    samples: mpsc::Sender<SeenTag>,
    given: u64,
    acknowledged: Arc<AtomicU64>,
    thread: JoinHandle<Option<String>>,
}

impl MqttOut {
    /// Connects and begins to publish.
    ///
    /// # Arguments
    ///
    /// * `plant` — names the topics.
    /// * `password` — of the broker's user, if the address names one.
    ///
    /// # Errors
    ///
    /// If the broker does not take the session, or a name of the plant cannot stand in a topic.
    pub fn open(
        broker: &Broker,
        plant: &PlantTags,
        password: Option<&str>,
    ) -> Result<Self, MqttError> {
        Self::open_with(broker, plant, password, PATIENCE)
    }

    fn open_with(
        broker: &Broker,
        plant: &PlantTags,
        password: Option<&str>,
        patience: Duration,
    ) -> Result<Self, MqttError> {
        let topics = Topics::of(broker, plant).map_err(MqttError::Name)?;
        let (end, ended) = oneshot::channel();
        let (samples, waiting) = mpsc::channel(WAITING_MAX);
        let acknowledged = Arc::<AtomicU64>::default();
        let mut outbox = Outbox {
            options: options(broker, &topics, password),
            topics,
            waiting,
            unacknowledged: RefCell::default(),
            settled: Notify::new(),
            acknowledged: Arc::clone(&acknowledged),
            trouble: None,
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| MqttError::Broker(error.to_string()))?;
        let (opened, opens) = sync_channel(1);
        let counted = Arc::clone(&acknowledged);
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // What is dropped is not to be taken for what is over.
                    biased;
                    () = out_of_patience(ended, &counted, patience) => {}
                    () = outbox.deliver(&opened) => {}
                }
            });
            // Not by waiting for the resolver of names, whom nobody can interrupt.
            runtime.shutdown_background();
            outbox.trouble
        });
        let opens = opens.recv().expect("the thread says how it went");
        opens.map_err(MqttError::Broker)?;
        Ok(Self {
            end,
            samples,
            given: 0,
            acknowledged,
            thread,
        })
    }

    /// Hands over a sample.
    ///
    /// # Panics
    ///
    /// The thread that sends panics if the plant has no such tag.
    pub fn send(&mut self, sample: SeenTag) {
        self.given += 1;
        // One for which there is no room is never acknowledged, and that is how the lost ones are counted.
        let _ = self.samples.try_send(sample);
    }

    /// Says that the session is over, waits until the broker has acknowledged everything, and says what was lost.
    #[must_use]
    pub fn finish(self) -> Published {
        // The thread may have ended because of a panic, which is reported where it happens.
        let _ = self.end.send(());
        drop(self.samples);
        let trouble = self.thread.join().ok().flatten();
        Published {
            lost: self.given - self.acknowledged.load(Ordering::Relaxed),
            trouble,
        }
    }
}

/// How the broker is met.
fn options(broker: &Broker, topics: &Topics, password: Option<&str>) -> MqttOptions {
    // A name that no other session has, of the letters and the length that every broker takes (MQTT 3.1.1, 3.1.3.1).
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let unique = now.map_or(0, |now| now.as_nanos()) & 0xFFFF_FFFF_FFFF;
    let id = format!("twinrange{unique:012x}");
    let mut options = MqttOptions::new(id, broker.host.clone(), broker.port);
    let will = session_payload("lost");
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_max_packet_size(PACKET_BYTES_MAX.0, PACKET_BYTES_MAX.1)
        .set_last_will(LastWill::new(&topics.session, will, QoS::AtLeastOnce, true));
    if let Some(user) = &broker.user {
        options.set_credentials(user, password.unwrap_or_default());
    }
    options
}

/// Comes back when the end of a session has waited long enough, or nobody waits for it.
async fn out_of_patience(ended: oneshot::Receiver<()>, counted: &AtomicU64, patience: Duration) {
    if ended.await.is_err() {
        return;
    }
    let mut before = counted.load(Ordering::Relaxed);
    for _ in 0..PATIENCES_MAX {
        sleep(patience).await;
        let now = counted.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

/// The thread's side.
struct Outbox {
    options: MqttOptions,
    topics: Topics,
    waiting: mpsc::Receiver<SeenTag>,
    /// What was sent and is not acknowledged, oldest first, each with the packet identifier once it has one.
    unacknowledged: RefCell<VecDeque<(Option<u16>, Message)>>,
    /// Rings when the last of it is acknowledged.
    settled: Notify,
    /// Samples that the broker has.
    acknowledged: Arc<AtomicU64>,
    trouble: Option<String>,
}

impl Outbox {
    /// Delivers until the session is over, over as many connections as that takes.
    ///
    /// # Arguments
    ///
    /// * `opened` — is told how the first try to connect went. If it went wrong, it is the last.
    async fn deliver(&mut self, opened: &SyncSender<Result<(), String>>) {
        let mut has_opened = false;
        loop {
            let began = Instant::now();
            // A new link for each connection: an old one forgets what it had when a broker does not know it any more.
            let (client, mut link) = AsyncClient::new(self.options.clone(), 1);
            let mut network = NetworkOptions::new();
            network.set_tcp_nodelay(true);
            network.set_connection_timeout(CONNECT_S);
            link.set_network_options(network);
            // The first event of a link is the broker's consent.
            let ended = match link.poll().await {
                Ok(_) => {
                    if !has_opened {
                        has_opened = true;
                        // Nobody waits for it if the session was given up meanwhile.
                        let _ = opened.send(Ok(()));
                    }
                    self.carry(&client, &mut link).await
                }
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => return,
                Err(error) if !has_opened => {
                    let _ = opened.send(Err(error.to_string()));
                    return;
                }
                Err(error) => self.trouble = Some(error.to_string()),
            }
            sleep(RETRY.saturating_sub(began.elapsed())).await;
        }
    }

    /// Delivers over one connection. Comes back without an error when everything is acknowledged and leave is taken.
    async fn carry(
        &mut self,
        client: &AsyncClient,
        link: &mut EventLoop,
    ) -> Result<(), ConnectionError> {
        let Self {
            topics,
            waiting,
            unacknowledged,
            settled,
            acknowledged,
            ..
        } = self;
        let again = begin_anew(&mut unacknowledged.borrow_mut());
        let publish = async |message: &Message| {
            let (topic, payload) = topics.written(message);
            let handed = client.publish(topic, QoS::AtLeastOnce, true, payload).await;
            handed.expect("the link is there, and names were checked");
        };
        let hand = async |message: Message| {
            unacknowledged
                .borrow_mut()
                .push_back((None, message.clone()));
            publish(&message).await;
        };
        let all_acknowledged = async || {
            while !unacknowledged.borrow().is_empty() {
                settled.notified().await;
            }
        };
        let feed = async {
            for message in &again {
                publish(message).await;
            }
            while let Some(sample) = waiting.recv().await {
                hand(Message::Sample(sample)).await;
            }
            // Who hears that it is over has all of it.
            all_acknowledged().await;
            hand(Message::Session("over")).await;
            all_acknowledged().await;
            let left = client.disconnect().await;
            left.expect("the link is there");
            // The link says when that has gone out.
            future::pending::<Infallible>().await
        };
        tokio::select! {
            ended = listen(link, unacknowledged, settled, acknowledged) => ended,
            never = feed => match never {},
        }
    }
}

/// Keeps a link going and notes what was sent and acknowledged, until leave is taken.
async fn listen(
    link: &mut EventLoop,
    unacknowledged: &RefCell<VecDeque<(Option<u16>, Message)>>,
    settled: &Notify,
    acknowledged: &AtomicU64,
) -> Result<(), ConnectionError> {
    loop {
        match link.poll().await? {
            Event::Outgoing(Outgoing::Publish(id)) => {
                let mut sent = unacknowledged.borrow_mut();
                let next = sent.iter_mut().find(|(known, _)| known.is_none());
                next.expect("it was handed over").0 = Some(id);
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                let mut sent = unacknowledged.borrow_mut();
                let at = sent.iter().position(|(id, _)| *id == Some(ack.pkid));
                if let Some((_, Message::Sample(_))) = at.and_then(|at| sent.remove(at)) {
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                if sent.is_empty() {
                    settled.notify_one();
                }
            }
            Event::Outgoing(Outgoing::Disconnect) => return Ok(()),
            _ => {}
        }
    }
}

/// What is to be sent first over a new connection, in its order: that the session runs, and the samples that the old
/// connection has left over.
fn begin_anew(unacknowledged: &mut VecDeque<(Option<u16>, Message)>) -> Vec<Message> {
    unacknowledged.retain(|(_, message)| matches!(message, Message::Sample(_)));
    unacknowledged.push_front((None, Message::Session("running")));
    let again = unacknowledged.iter_mut().map(|(id, message)| {
        *id = None;
        message.clone()
    });
    again.collect()
}

#[cfg(test)]
mod tests;
