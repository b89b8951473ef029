//! Tags of a live session over a real broker, with a real subscriber.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use rumqttc::{Client, Event, MqttOptions, Packet, Publish, QoS};
use serde_json::Value;
use twinrange_range::evidence::tags::{Quality, TagRow};
use twinrange_range::run_folder::RunFolder;

use super::{Plant, assert_refused};
use crate::support::{Mosquitto, is_here, manifest, scratch, words};

/// Somebody who takes every message below `twinrange/` until one is the last.
struct Subscriber(JoinHandle<Vec<Publish>>);

impl Subscriber {
    /// Subscribes, and comes back when the broker knows it.
    fn until(port: u16, mut is_last: impl FnMut(&Publish) -> bool + Send + 'static) -> Self {
        let options = MqttOptions::new("", "127.0.0.1", port);
        let (client, mut connection) = Client::new(options, 10);
        let (subscribed, is_subscribed) = sync_channel(1);
        let thread = thread::spawn(move || {
            client
                .subscribe("twinrange/#", QoS::AtLeastOnce)
                .expect("it is a filter");
            let mut messages = Vec::new();
            for event in connection.iter() {
                match event.expect("the broker is there") {
                    Event::Incoming(Packet::SubAck(_)) => {
                        subscribed.send(()).expect("somebody waits");
                    }
                    Event::Incoming(Packet::Publish(message)) => {
                        let ends = is_last(&message);
                        messages.push(message);
                        if ends {
                            break;
                        }
                    }
                    _ => {}
                }
            }
            messages
        });
        is_subscribed.recv().expect("the broker answers");
        Self(thread)
    }

    /// Takes all until the session is in a state.
    fn until_session(port: u16, state: &'static str) -> Self {
        Self::until(port, move |message| {
            message.topic.ends_with("/session") && json_of(message)["state"] == state
        })
    }

    fn messages(self) -> Vec<Publish> {
        self.0.join().expect("it has not failed")
    }
}

fn json_of(message: &Publish) -> Value {
    serde_json::from_slice(&message.payload).expect("messages are JSON")
}

/// The value of a sample to its last bit, which the reader of JSON does not promise.
fn exact_value(message: &Publish) -> f64 {
    let text = std::str::from_utf8(&message.payload).expect("JSON is text");
    let value = text.split_once("\"value\":").expect("it has a value").1;
    let value = value.split(',').next().expect("it has an end");
    value.parse().expect("a number")
}

/// States of the session, and of each tag the samples: time, value, quality.
type Told = (Vec<String>, BTreeMap<String, Vec<(u64, f64, String)>>);

fn told(messages: &[Publish]) -> Told {
    let (mut states, mut samples) = Told::default();
    for message in messages {
        let value = json_of(message);
        let Some(tag) = message.topic.strip_prefix("twinrange/bottling/tags/") else {
            assert_eq!(message.topic, "twinrange/bottling/session");
            states.push(value["state"].as_str().expect("a state").to_owned());
            continue;
        };
        let sample = (
            value["t_ns"].as_u64().expect("a time"),
            exact_value(message),
            value["quality"].as_str().expect("a word").to_owned(),
        );
        samples.entry(tag.to_owned()).or_default().push(sample);
    }
    (states, samples)
}

/// What the run folder has of each tag.
fn recorded(run: &Path) -> BTreeMap<String, Vec<(u64, f64, String)>> {
    let folder = RunFolder::open(run).expect("it is a run folder");
    let mut samples: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for rows in folder.tags().expect("they can be read") {
        for row in rows.expect("they can be read") {
            let TagRow {
                t_ns,
                tag,
                value,
                quality,
            } = row;
            let quality = match quality {
                Quality::Good => "good",
                Quality::Uncertain => "uncertain",
                Quality::Bad => "bad",
            };
            let sample = (t_ns, value, quality.to_owned());
            samples.entry(tag).or_default().push(sample);
        }
    }
    samples
}

/// What the session says on standard error, when it has ended.
pub(super) fn notes(plant: &mut Plant) -> String {
    let mut text = String::new();
    let stderr = plant.child.stderr.as_mut().expect("it is piped");
    stderr.read_to_string(&mut text).expect("it is text");
    text
}

pub(super) fn digest(run: &Path) -> Value {
    manifest(run)["trace_digest"].clone()
}

#[test]
fn mqtt_when_subscribed_then_every_sample_comes_and_nothing_changes() {
    let folder = scratch();
    let Some(broker) = Mosquitto::start(folder.path(), "allow_anonymous true") else {
        return;
    };
    let subscriber = Subscriber::until_session(broker.port, "over");
    let args = format!(
        "bottling/overflow --for 60s --speed 20 --mqtt mqtt://127.0.0.1:{} --out live",
        broker.port
    );
    let mut plant = Plant::start_with(folder.path(), &args, Stdio::piped());
    plant.end();
    let noted = notes(&mut plant);
    assert!(!noted.contains("broker"), "{noted}");
    let live = folder.path().join("live");
    let messages = subscriber.messages();
    let (states, samples) = told(&messages);
    assert_eq!(states, ["running", "over"]);
    let recorded = recorded(&live);
    assert!(recorded.values().flatten().count() > 5_000);
    assert_eq!(samples, recorded);
    assert!(messages.iter().all(|message| !message.retain));
    words(
        folder.path(),
        "run bottling/overflow --duration 60s --out run",
    )
    .expect_code(0);
    assert_eq!(digest(&live), digest(&folder.path().join("run")));
    // Who comes late sees how it stands, and the last value of each tag with its unit.
    let mut left = samples.len() + 1;
    let late = Subscriber::until(broker.port, move |message| {
        assert!(message.retain, "{message:?}");
        left -= 1;
        left == 0
    });
    let late = late.messages();
    let (states, last) = told(&late);
    assert_eq!(states, ["over"]);
    for (tag, samples) in &samples {
        assert_eq!(last[tag], samples[samples.len() - 1..], "{tag}");
    }
    let level = late
        .iter()
        .find(|message| message.topic.ends_with("/FIL_BowlLevel"))
        .map(json_of)
        .expect("it is a tag of the plant");
    assert_eq!(level["unit"], "m");
    assert_eq!(
        level["time"].as_str().map(|time| &time[..17]),
        Some("2026-01-05T06:00:"),
        "{level}"
    );
}

/// A quiet shift in `live` whose time stands, with a broker at a port of this machine; what it notes is kept.
fn paused(folder: &Path, port: u16) -> Plant {
    let args =
        format!("bottling/calm --control --paused --mqtt mqtt://127.0.0.1:{port} --out live");
    Plant::start_with(folder, &args, Stdio::piped())
}

/// The plant goes on as if there were a broker, and what the broker missed is said.
#[test]
fn mqtt_when_the_broker_dies_then_the_plant_goes_on_and_it_is_said() {
    let folder = scratch();
    let Some(broker) = Mosquitto::start(folder.path(), "allow_anonymous true") else {
        return;
    };
    let mut plant = paused(folder.path(), broker.port);
    plant.command("step 5");
    drop(broker);
    assert_eq!(plant.command("step 10"), 15_000_000_000);
    plant.say("quit");
    plant.end();
    let live = folder.path().join("live");
    let noted = notes(&mut plant);
    let lost = noted
        .split_once("the MQTT broker did not take ")
        .and_then(|(_, rest)| rest.split_once(" samples: "))
        .and_then(|(lost, _)| lost.parse::<usize>().ok())
        .unwrap_or_else(|| panic!("{noted}"));
    let all = recorded(&live);
    let all: Vec<_> = all.values().flatten().collect();
    let late = all.iter().filter(|(t_ns, ..)| *t_ns > 5_000_000_000);
    assert!((late.count()..=all.len()).contains(&lost), "{noted}");
    words(folder.path(), "run bottling/calm --duration 15s --out run").expect_code(0);
    assert_eq!(digest(&live), digest(&folder.path().join("run")));
}

/// A broker that is restarted and has forgotten everything gets what it missed.
#[test]
fn mqtt_when_the_broker_comes_back_then_nothing_is_lost() {
    let folder = scratch();
    let Some(broker) = Mosquitto::start(folder.path(), "allow_anonymous true") else {
        return;
    };
    let port = broker.port;
    let mut plant = paused(folder.path(), port);
    plant.command("step 5");
    drop(broker);
    plant.command("step 5");
    let broker = Mosquitto::start_again(folder.path(), port);
    // It has come back for the session, too.
    let again = Subscriber::until_session(broker.port, "running").messages();
    assert!(!again.is_empty());
    let subscriber = Subscriber::until_session(broker.port, "over");
    plant.command("step 5");
    plant.say("quit");
    plant.end();
    let noted = notes(&mut plant);
    assert!(!noted.contains("broker"), "{noted}");
    let (states, samples) = told(&subscriber.messages());
    assert_eq!(states.last().map(String::as_str), Some("over"));
    let recorded = recorded(&folder.path().join("live"));
    for (tag, rows) in &recorded {
        let times = |samples: &[(u64, f64, String)]| -> Vec<u64> {
            samples.iter().map(|(t_ns, ..)| *t_ns).collect()
        };
        let times_told = times(&samples[tag]);
        assert!(times_told.is_sorted(), "{tag}: {times_told:?}");
        // What came when the broker was there again, after the subscriber.
        let late = times(rows)
            .into_iter()
            .filter(|t_ns| *t_ns > 10_000_000_000);
        assert!(
            late.into_iter().all(|t_ns| times_told.contains(&t_ns)),
            "{tag}"
        );
    }
}

#[test]
fn mqtt_when_the_session_is_killed_then_the_broker_says_that_it_is_lost() {
    let folder = scratch();
    let Some(broker) = Mosquitto::start(folder.path(), "allow_anonymous true") else {
        return;
    };
    let mut plant = paused(folder.path(), broker.port);
    plant.command("step 2");
    let subscriber = Subscriber::until_session(broker.port, "lost");
    plant.child.kill().expect("it runs");
    let (states, _) = told(&subscriber.messages());
    assert_eq!(states.last().map(String::as_str), Some("lost"));
}

#[test]
fn mqtt_when_the_broker_wants_a_password_then_it_is_given() {
    let folder = scratch();
    let tool = "mosquitto_passwd";
    let added = Command::new(tool)
        .args(["-c", "-b", "passwords", "plant", "secret-of-the-plant"])
        .current_dir(folder.path())
        .output();
    if !is_here(added.is_ok_and(|done| done.status.success()), tool) {
        return;
    }
    let access = "allow_anonymous false\npassword_file passwords";
    let Some(broker) = Mosquitto::start(folder.path(), access) else {
        return;
    };
    let address = format!("mqtt://plant@127.0.0.1:{}", broker.port);
    let live = |password: &str| {
        crate::support::command(folder.path())
            .args(["live", "bottling/calm", "--for", "1s", "--out", "live"])
            .args(["--speed", "100", "--mqtt", &address])
            .env("TWINRANGE_MQTT_PASSWORD", password)
            .output()
            .expect("the command starts")
    };
    let refused = live("something-else");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        says.contains("TR0602") && says.contains("NotAuthorized"),
        "{says}"
    );
    let done = live("secret-of-the-plant");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
}

#[test]
fn mqtt_when_there_is_no_broker_then_it_is_said() {
    let folder = scratch();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = free.local_addr().expect("it is bound");
    drop(free);
    let refused = |broker: &str, says: &[&str]| {
        assert_refused(folder.path(), &format!("--for 1s --mqtt {broker}"), says);
    };
    let address = format!("mqtt://{address}");
    refused(
        &address,
        &["TR0602", &address, "refused", "start the broker"],
    );
    refused("mqtt://127.0.0.1:1883/a/#", &["cannot stand in a topic"]);
    refused("127.0.0.1:1883", &["write mqtt://"]);
}
