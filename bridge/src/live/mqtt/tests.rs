use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::*;
use crate::live::{PlantTag, ValueKind};

fn broker(text: &str) -> Broker {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn plant(name: &str, tags: &[&str]) -> PlantTags {
    let tag = |name: &&str| PlantTag {
        name: (*name).to_owned(),
        device: "plc".to_owned(),
        kind: ValueKind::Double,
        unit: "mm".to_owned(),
        description: String::new(),
    };
    PlantTags {
        plant: name.to_owned(),
        epoch_unix_ns: 1_767_592_800_000_000_000,
        tags: tags.iter().map(tag).collect(),
    }
}

fn sample(t_ns: u64, value: f64, quality: Quality) -> SeenTag {
    SeenTag {
        tag: 0,
        t_ns,
        value,
        quality,
    }
}

#[test]
fn brokers_when_written_right_then_are_read() {
    for (text, shown) in [
        ("mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:1883/twinrange"),
        ("mqtt://[::1]:1883/", "mqtt://[::1]:1883/twinrange"),
        (
            "mqtt://broker-1.site.example:8883/site/area 5",
            "mqtt://broker-1.site.example:8883/site/area 5",
        ),
        ("mqtt://plant@b:1/x", "mqtt://plant@b:1/x"),
    ] {
        assert_eq!(broker(text).to_string(), shown);
    }
}

#[test]
fn brokers_when_written_wrong_then_it_is_said_why() {
    for (text, says) in [
        ("127.0.0.1:1883", "write mqtt://"),
        ("mqtt://127.0.0.1", "write mqtt://"),
        ("mqtt://127.0.0.1:0", "write mqtt://"),
        ("mqtt://:1883", "write mqtt://"),
        ("mqtt://::1:1883", "write mqtt://"),
        ("mqtt://[b]:1883", "write mqtt://"),
        ("mqtts://127.0.0.1:8883", "write mqtt://"),
        ("", "write mqtt://"),
        ("mqtt://a:b@c:1", "TWINRANGE_MQTT_PASSWORD"),
        ("mqtt://b:1/$SYS", "the broker's own"),
        ("mqtt://b:1/site//area", "a level is empty"),
        ("mqtt://b:1/site/", "a level is empty"),
        ("mqtt://b:1/site/+", "`+` has a meaning"),
        ("mqtt://b:1/#", "`#` has a meaning"),
        ("mqtt://b:1/a\0", "`\\0` has a meaning"),
    ] {
        let error = text.parse::<Broker>().expect_err(text);
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn topics_when_made_then_name_plant_and_tag() {
    let at = broker("mqtt://b:1/site/area");
    let topics = Topics::of(&at, &plant("bottling", &["LT20", "line/CT 10"])).expect("legal");
    assert_eq!(topics.session, "site/area/bottling/session");
    let names: Vec<&str> = topics.tags.iter().map(|(topic, _)| &**topic).collect();
    assert_eq!(
        names,
        [
            "site/area/bottling/tags/LT20",
            "site/area/bottling/tags/line/CT 10"
        ]
    );
    for (name, tag, says) in [
        ("a+b", "x", "plant `a+b`"),
        ("p", "FT#1", "tag `FT#1`"),
        ("p", "nul\0", "tag `nul\\0`"),
    ] {
        let error = Topics::of(&at, &plant(name, &[tag])).expect_err(tag);
        assert!(error.to_string().contains(says), "{error}");
    }
    let long = "x".repeat(TOPIC_BYTES_MAX);
    assert!(Topics::of(&at, &plant("p", &[&long])).is_err());
}

#[test]
fn samples_when_written_then_are_json_with_the_plants_time() {
    let topics = Topics::of(&broker("mqtt://b:1"), &plant("p", &["LT20"])).expect("legal");
    let written = |sample| {
        let (topic, payload) = topics.written(&Message::Sample(sample));
        assert_eq!(topic, "twinrange/p/tags/LT20");
        String::from_utf8(payload).expect("text")
    };
    assert_eq!(
        written(sample(1_500_000_001, 351.25, Quality::Good)),
        r#"{"t_ns":1500000001,"time":"2026-01-05T06:00:01.500000001Z","value":351.25,"quality":"good","unit":"mm"}"#
    );
    let bad: Value = serde_json::from_str(&written(sample(0, f64::NAN, Quality::Bad))).expect("it");
    assert_eq!(
        (&bad["value"], &bad["quality"]),
        (&json!(null), &json!("bad"))
    );
}

#[test]
fn connections_when_new_then_begin_with_what_is_left_over() {
    let message = |t_ns| Message::Sample(sample(t_ns, 0.0, Quality::Good));
    let mut left = VecDeque::from([
        (Some(7), Message::Session("running")),
        (Some(8), message(1)),
        (Some(1), message(2)),
        (None, message(3)),
    ]);
    let again = begin_anew(&mut left);
    let times: Vec<Option<u64>> = again
        .iter()
        .map(|message| match message {
            Message::Sample(sample) => Some(sample.t_ns),
            Message::Session(state) => {
                assert_eq!(*state, "running");
                None
            }
        })
        .collect();
    assert_eq!(times, [None, Some(1), Some(2), Some(3)]);
    // It is given up only when the new connection has acknowledged it, too.
    assert_eq!(left.len(), 4);
    assert!(left.iter().all(|(id, _)| id.is_none()));
}

/// A broker that consents and then does nothing any more.
fn deaf() -> (Broker, thread::JoinHandle<std::net::TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let mut head = [0; 16];
        stream.read_exact(&mut head).expect("a CONNECT packet");
        stream
            .write_all(&[0x20, 2, 0, 0])
            .expect("a CONNACK packet");
        stream
    });
    (broker(&format!("mqtt://{address}")), thread)
}

#[test]
fn samples_when_the_broker_is_deaf_then_are_lost_and_counted() {
    let (broker, thread) = deaf();
    let patience = Duration::from_millis(50);
    let mut out = MqttOut::open_with(&broker, &plant("p", &["LT20"]), None, patience)
        .expect("it has consented");
    let _open = thread.join().expect("it has consented");
    let given = WAITING_MAX + 5_000;
    for t_ns in 0..given {
        out.send(sample(t_ns as u64, 0.0, Quality::Good));
    }
    assert_eq!(out.finish().lost, given as u64);
}

#[test]
fn samples_when_the_broker_goes_away_then_it_is_said_why() {
    let (broker, thread) = deaf();
    let patience = Duration::from_secs(2);
    let mut out = MqttOut::open_with(&broker, &plant("p", &["LT20"]), None, patience)
        .expect("it has consented");
    drop(thread.join());
    out.send(sample(0, 0.0, Quality::Good));
    let published = out.finish();
    assert_eq!(published.lost, 1);
    assert!(published.trouble.is_some());
}

#[test]
fn brokers_when_nobody_listens_then_it_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let nobody = broker(&format!("mqtt://{address}"));
    let error = MqttOut::open(&nobody, &plant("p", &[]), None).expect_err("nobody is there");
    assert!(matches!(error, MqttError::Broker(_)), "{error}");
}
