//! The server as clients meet it, with the client of the same library, and as `twinrange live` starts it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use opcua::client::{ClientBuilder, DataChangeCallback, IdentityToken, Session};
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataChangeFilter, DataChangeTrigger,
    DataValue, EUInformation, ExtensionObject, LocalizedText, MessageSecurityMode,
    MonitoredItemCreateRequest, MonitoredItemCreateResult, MonitoredItemModifyRequest,
    MonitoringMode, MonitoringParameters, NodeId, ObjectId, ReadValueId, ReferenceDescription,
    StatusCode, TimestampsToReturn, UserTokenPolicy, VariableTypeId, Variant, WriteValue,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// 2026-01-05T06:00:00Z.
const EPOCH_UNIX_NS: u64 = 1_767_592_800_000_000_000;
/// Only so that a mistake shows as a failure and not as a test without an end.
const AT_MOST: Duration = Duration::from_secs(60);
const LEVEL: &str = "works/plc-1/LT20";
const VALVE: &str = "works/plc-2/XV20";

fn head() -> Value {
    let tag = |name: &str, device: &str, kind: &str, unit: &str| json!({"name": name, "device": device, "type": kind, "unit": unit, "description": format!("About {name}")});
    json!({"plant": "works", "epoch_unix_ns": EPOCH_UNIX_NS, "tags": [
        tag("LT20", "plc-1", "double", "m"),
        tag("SC20", "plc-1", "double", ""),
        tag("XV20", "plc-2", "boolean", ""),
        tag("line/CT 10", "plc-2", "double", "bottles"),
    ]})
}

/// The program under test.
struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(address: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_twinrange-opcua"))
            .arg(address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// Starts it with the tags of [`head`], and gives where it listens.
    fn listening() -> (Self, String) {
        let mut server = Self::start("127.0.0.1:0");
        server.tell(&head().to_string());
        let said = server.said();
        let url = said["listening"].as_str();
        let url = url.unwrap_or_else(|| panic!("{said}")).to_owned();
        assert!(url.starts_with("opc.tcp://127.0.0.1:"), "{url}");
        (server, url)
    }

    fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        writeln!(stdin, "{line}").expect("it listens");
    }

    fn sample(&mut self, tag: &str, t_ns: u64, value: f64, quality: &str) {
        let sample = json!({"t_ns": t_ns, "tag": tag, "value": value, "quality": quality});
        self.tell(&sample.to_string());
    }

    /// The next line on standard output.
    fn said(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it is text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"))
    }

    /// Closes standard input, waits for the end, and gives the last line and the exit code.
    fn end(mut self) -> (Value, Option<i32>) {
        drop(self.stdin.take());
        let said = self.said();
        let status = self.child.wait().expect("it ends");
        (said, status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already where the test waited for its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client with a session.
struct Client {
    session: Arc<Session>,
    /// Ends with the connection.
    events: JoinHandle<StatusCode>,
    _certificates: TempDir,
}

impl Client {
    async fn connect(url: &str) -> Self {
        let certificates = tempfile::tempdir().expect("there is room");
        let mut client = ClientBuilder::new()
            .application_name("test")
            .application_uri("urn:test")
            .pki_dir(certificates.path())
            .session_retry_limit(0)
            .client()
            .expect("it is right");
        let endpoints = client.get_server_endpoints_from_url(url).await;
        let endpoints = endpoints.expect("it says what it has");
        let modes: Vec<_> = endpoints
            .iter()
            .map(|endpoint| (endpoint.endpoint_url.to_string(), endpoint.security_mode))
            .collect();
        assert_eq!(modes, [(url.to_owned(), MessageSecurityMode::None)]);
        let (session, events) = client
            .connect_to_matching_endpoint(
                (
                    url,
                    "None",
                    MessageSecurityMode::None,
                    UserTokenPolicy::anonymous(),
                ),
                IdentityToken::Anonymous,
            )
            .await
            .expect("there is such an endpoint");
        let events = events.spawn();
        let connected = timeout(AT_MOST, session.wait_for_connection()).await;
        assert_eq!(connected, Ok(true));
        Self {
            session,
            events,
            _certificates: certificates,
        }
    }

    async fn node(&self, id: &str) -> NodeId {
        let uri = "urn:twinrange:plant:works";
        let index = self.session.get_namespace_index(uri).await;
        NodeId::new(index.expect("it has such a namespace"), id)
    }

    async fn read(&self, node: NodeId, attribute: AttributeId) -> DataValue {
        let asked = ReadValueId::new(node, attribute);
        let read = self
            .session
            .read(&[asked], TimestampsToReturn::Both, 0.0)
            .await;
        read.expect("it answers").remove(0)
    }

    /// Reads a tag until it is as expected.
    async fn read_until(&self, tag: &str, expected: impl Fn(&DataValue) -> bool) -> DataValue {
        let node = self.node(tag).await;
        let reading = async {
            loop {
                let value = self.read(node.clone(), AttributeId::Value).await;
                if expected(&value) {
                    return value;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(AT_MOST, reading).await.expect("it comes")
    }

    /// What is below a node, by the names that browsing shows.
    async fn browse(&self, node: NodeId) -> Vec<ReferenceDescription> {
        let what = BrowseDescription {
            node_id: node,
            browse_direction: BrowseDirection::Forward,
            reference_type_id: opcua::types::ReferenceTypeId::HierarchicalReferences.into(),
            include_subtypes: true,
            node_class_mask: 0,
            result_mask: 0x3f,
        };
        let found = self.session.browse(&[what], 1_000, None).await;
        let found = found.expect("it answers").remove(0);
        found.references.unwrap_or_default()
    }

    /// Monitors a tag once for each set of parameters; values come with the place of theirs, from 1: a handle of 0 is
    /// none of ours.
    /// Asks for items of a tag, and gives the subscription, what comes of it by the items' places, and the answer.
    async fn ask_to_monitor(
        &self,
        tag: &str,
        parameters: Vec<MonitoringParameters>,
    ) -> (
        u32,
        UnboundedReceiver<(u32, DataValue)>,
        Vec<MonitoredItemCreateResult>,
    ) {
        let (tell, told) = unbounded_channel();
        let callback = DataChangeCallback::new(move |value, item| {
            let _ = tell.send((item.client_handle(), value));
        });
        let every = Duration::from_millis(100);
        let subscription = self
            .session
            .create_subscription(every, 1_000, 100, 0, 0, true, callback)
            .await
            .expect("it takes subscriptions");
        let node = self.node(tag).await;
        let items = (1..)
            .zip(parameters)
            .map(|(place, parameters)| MonitoredItemCreateRequest {
                item_to_monitor: ReadValueId::new_value(node.clone()),
                monitoring_mode: MonitoringMode::Reporting,
                requested_parameters: MonitoringParameters {
                    client_handle: place,
                    queue_size: 1_000,
                    discard_oldest: true,
                    ..parameters
                },
            });
        let created = self
            .session
            .create_monitored_items(subscription, TimestampsToReturn::Both, items.collect())
            .await
            .expect("it takes items");
        let results = created.into_iter().map(|item| item.result);
        (subscription, told, results.collect())
    }

    async fn monitor(
        &self,
        tag: &str,
        parameters: Vec<MonitoringParameters>,
    ) -> (Monitored, UnboundedReceiver<(u32, DataValue)>) {
        let (subscription, told, created) = self.ask_to_monitor(tag, parameters).await;
        let items = created.iter().map(|item| {
            assert_eq!(item.status_code, StatusCode::Good);
            item.monitored_item_id
        });
        let monitored = Monitored {
            subscription,
            items: items.collect(),
        };
        (monitored, told)
    }
}

struct Monitored {
    subscription: u32,
    items: Vec<u32>,
}

/// So many values, each with the place of its item's parameters.
async fn values(
    told: &mut UnboundedReceiver<(u32, DataValue)>,
    count: usize,
) -> Vec<(u32, DataValue)> {
    let mut values = Vec::new();
    while values.len() < count {
        let value = timeout(AT_MOST, told.recv()).await;
        let value = value.unwrap_or_else(|_| panic!("only {values:?}"));
        values.push(value.expect("the session is there"));
    }
    values
}

/// Source time, ns after the plant's epoch; its clock ticks every 100 ns.
fn source_ns(value: &DataValue) -> Option<i64> {
    let time = value.source_timestamp?.as_chrono();
    let epoch = i64::try_from(EPOCH_UNIX_NS).expect("it is before 2262");
    Some(time.timestamp_nanos_opt().expect("it is before 2262") - epoch)
}

fn double(value: &DataValue) -> f64 {
    match value.value {
        Some(Variant::Double(value)) => value,
        _ => panic!("{value:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_when_browsed_then_shows_plant_devices_and_tags() {
    let (_server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let names = |found: &[ReferenceDescription]| -> Vec<String> {
        found
            .iter()
            .map(|node| node.browse_name.name.to_string())
            .collect()
    };
    let objects = client.browse(ObjectId::ObjectsFolder.into()).await;
    let plant = objects
        .iter()
        .find(|node| &*node.browse_name.name.to_string() == "works");
    let plant = plant.unwrap_or_else(|| panic!("{:?}", names(&objects)));
    assert_eq!(plant.node_id.node_id, client.node("works").await);
    let devices = client.browse(plant.node_id.node_id.clone()).await;
    // Browsing has no order.
    let found: BTreeSet<String> = names(&devices).into_iter().collect();
    assert_eq!(found, ["plc-1", "plc-2"].map(str::to_owned).into());
    let mut tags = Vec::new();
    for device in &devices {
        for tag in client.browse(device.node_id.node_id.clone()).await {
            tags.push((
                tag.browse_name.name.to_string(),
                tag.type_definition.node_id.clone(),
                names(&client.browse(tag.node_id.node_id.clone()).await),
            ));
        }
    }
    let expected = [
        (
            "LT20",
            VariableTypeId::AnalogUnitType,
            vec!["EngineeringUnits"],
        ),
        ("SC20", VariableTypeId::DataItemType, vec![]),
        ("XV20", VariableTypeId::DataItemType, vec![]),
        (
            "line/CT 10",
            VariableTypeId::AnalogUnitType,
            vec!["EngineeringUnits"],
        ),
    ];
    tags.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(tags.len(), expected.len(), "{tags:?}");
    for ((name, kind, properties), expected) in tags.iter().zip(expected) {
        let kind_expected: NodeId = expected.1.into();
        assert_eq!((&**name, kind), (expected.0, &kind_expected));
        assert_eq!(*properties, expected.2, "{name}");
    }
    let level = client.node(LEVEL).await;
    let unit = client.browse(level.clone()).await.remove(0);
    let unit = client.read(unit.node_id.node_id, AttributeId::Value).await;
    let Some(Variant::ExtensionObject(unit)) = unit.value else {
        panic!("{unit:?}");
    };
    let unit: &EUInformation = unit.inner_as().expect("it is a unit");
    assert_eq!(
        (unit.unit_id, &*unit.display_name.text.to_string()),
        (5_067_858, "m")
    );
    let about = client.read(level, AttributeId::Description).await;
    let expected = Variant::from(LocalizedText::from("About LT20"));
    assert_eq!(about.value, Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_when_read_then_are_the_last_sample() {
    let (mut server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let none = client.read_until(LEVEL, |_| true).await;
    assert_eq!(none.status, Some(StatusCode::BadWaitingForInitialData));
    assert_eq!(none.value, Some(Variant::Empty));
    server.sample("LT20", 1_500_000_123, 351.25, "good");
    server.sample("XV20", 1_500_000_002, 1.0, "good");
    let valve = client
        .read_until(VALVE, |value| value.value != Some(Variant::Empty))
        .await;
    assert_eq!(valve.value, Some(Variant::Boolean(true)));
    let level = client.read_until(LEVEL, |_| true).await;
    assert_eq!(
        (double(&level), level.status),
        (351.25, Some(StatusCode::Good))
    );
    assert_eq!(source_ns(&level), Some(1_500_000_100));
    // The last value that is known is no value while nobody knows whether it holds.
    server.sample("LT20", 2_500_000_000, 351.25, "bad");
    let bad = client
        .read_until(LEVEL, |value| value.status != Some(StatusCode::Good))
        .await;
    assert_eq!(bad.status, Some(StatusCode::BadNoCommunication));
    assert_eq!(
        (bad.value.clone(), source_ns(&bad)),
        (Some(Variant::Empty), Some(2_500_000_000))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_when_monitored_then_every_change_comes_with_its_time() {
    let (mut server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let sampled_every = |ms: f64| MonitoringParameters {
        sampling_interval: ms,
        ..MonitoringParameters::default()
    };
    let every_sample = MonitoringParameters {
        filter: ExtensionObject::from_message(DataChangeFilter {
            trigger: DataChangeTrigger::StatusValueTimestamp,
            ..DataChangeFilter::default()
        }),
        ..sampled_every(0.0)
    };
    let parameters = vec![sampled_every(0.0), sampled_every(1_000.0), every_sample];
    let (_, mut told) = client.monitor(LEVEL, parameters).await;
    for (_, value) in values(&mut told, 3).await {
        assert_eq!(value.status, Some(StatusCode::BadWaitingForInitialData));
    }
    // A millisecond less than a second apart, as a historian polls; then the same value again, and no value.
    let mut expected = Vec::new();
    for at in 1..=20_u64 {
        let t_ns = at * 999_000_000;
        server.sample("LT20", t_ns, at as f64, "good");
        expected.push((t_ns.cast_signed(), Some(at as f64)));
    }
    server.sample("LT20", 30_000_000_000, 20.0, "good");
    server.sample("LT20", 31_000_000_000, 20.0, "bad");
    let changes = [expected.clone(), vec![(31_000_000_000, None)]].concat();
    let again = vec![(30_000_000_000, Some(20.0)), (31_000_000_000, None)];
    let samples = [expected, again].concat();
    let got = values(&mut told, 2 * changes.len() + samples.len()).await;
    for (place, expected) in [(1, &changes), (2, &changes), (3, &samples)] {
        let got: Vec<_> = got
            .iter()
            .filter(|(of, _)| *of == place)
            .map(|(_, value)| {
                let known = (value.value != Some(Variant::Empty)).then(|| double(value));
                (source_ns(value).expect("it has a time"), known)
            })
            .collect();
        assert_eq!(got, *expected, "item {place}");
    }
}

/// Nobody knows a value before and after, but why is another thing.
#[tokio::test(flavor = "multi_thread")]
async fn tags_when_the_first_sample_is_a_bad_one_then_who_watches_is_told() {
    let (mut server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let parameters = MonitoringParameters::default();
    let (_, mut told) = client.monitor(LEVEL, vec![parameters]).await;
    let mut next = async || values(&mut told, 1).await.remove(0).1.status;
    assert_eq!(next().await, Some(StatusCode::BadWaitingForInitialData));
    server.sample("LT20", 1_000_000_000, 0.0, "bad");
    assert_eq!(next().await, Some(StatusCode::BadNoCommunication));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_when_they_have_no_value_then_nobody_can_watch_it() {
    let (_server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let (folder, _) = LEVEL.rsplit_once('/').expect("tags lie in folders");
    for (node, why) in [
        (format!("{LEVEL}x").as_str(), StatusCode::BadNodeIdUnknown),
        (folder, StatusCode::BadAttributeIdInvalid),
    ] {
        let parameters = vec![MonitoringParameters::default()];
        let (.., created) = client.ask_to_monitor(node, parameters).await;
        assert_eq!(created[0].status_code, why, "{node}");
    }
}

/// Where the library would move time stamps, there are none.
#[tokio::test(flavor = "multi_thread")]
async fn tags_when_sampled_by_the_library_then_come_without_a_source_time() {
    let (mut server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let parameters = |sampling_interval: f64| MonitoringParameters {
        sampling_interval,
        queue_size: 1_000,
        ..MonitoringParameters::default()
    };
    let (monitored, mut told) = client
        .monitor(LEVEL, vec![parameters(-1.0), parameters(0.0)])
        .await;
    values(&mut told, 2).await;
    let modify = |sampling_interval: f64| MonitoredItemModifyRequest {
        monitored_item_id: monitored.items[1],
        requested_parameters: MonitoringParameters {
            client_handle: 2,
            ..parameters(sampling_interval)
        },
    };
    let mut t_ns = 0;
    for (interval, has_time) in [(None, true), (Some(5_000.0), false), (Some(0.0), true)] {
        if let Some(interval) = interval {
            let modified = client
                .session
                .modify_monitored_items(
                    monitored.subscription,
                    TimestampsToReturn::Both,
                    &[modify(interval)],
                )
                .await
                .expect("it answers");
            assert_eq!(modified[0].status_code, StatusCode::Good);
        }
        for _ in 0..3 {
            t_ns += 999_000_000;
            server.sample("LT20", t_ns, t_ns as f64, "good");
        }
        for (place, value) in values(&mut told, 6).await {
            let time = (place == 2 && has_time).then(|| double(&value));
            let source = source_ns(&value).map(|ns| ns as f64);
            assert_eq!(source, time, "item {place} with {interval:?}");
            assert!(value.server_timestamp.is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_when_written_then_refuse() {
    let (mut server, url) = Server::listening();
    let client = Client::connect(&url).await;
    server.sample("LT20", 1, 1.0, "good");
    client
        .read_until(LEVEL, |value| value.value != Some(Variant::Empty))
        .await;
    let node = client.node(LEVEL).await;
    let write = |attribute: AttributeId, value: Variant| WriteValue {
        node_id: node.clone(),
        attribute_id: attribute as u32,
        index_range: opcua::types::NumericRange::None,
        value: DataValue::value_only(value),
    };
    let written = client
        .session
        .write(&[
            write(AttributeId::Value, Variant::Double(2.0)),
            write(AttributeId::AccessLevel, Variant::Byte(3)),
            write(AttributeId::DisplayName, LocalizedText::from("x").into()),
        ])
        .await
        .expect("it answers");
    let refusals = [
        StatusCode::BadUserAccessDenied,
        StatusCode::BadNotWritable,
        StatusCode::BadNotWritable,
    ];
    assert_eq!(written, refusals);
    let level = client.read(node, AttributeId::Value).await;
    assert_eq!(double(&level), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_when_samples_end_then_closes_connections() {
    let (mut server, url) = Server::listening();
    let client = Client::connect(&url).await;
    let address = url.trim_start_matches("opc.tcp://").trim_end_matches('/');
    // Somebody who says nothing keeps nobody from ending.
    let _mute = TcpStream::connect(address).expect("it listens");
    server.sample("LT20", 1, 1.0, "good");
    server.sample("SC20", 2, 1.0, "good");
    let ended = tokio::task::spawn_blocking(|| server.end()).await;
    assert_eq!(ended.expect("it ends"), (json!({"samples": 2}), Some(0)));
    let closed = timeout(AT_MOST, client.events).await;
    assert!(closed.is_ok(), "the client is still connected");
    assert!(
        TcpStream::connect(address).is_err(),
        "somebody still listens"
    );
}

#[test]
fn server_when_told_nonsense_then_says_which_line() {
    let good = head().to_string();
    let sample = r#"{"t_ns":1,"tag":"LT20","value":1.0,"quality":"good"}"#;
    for (lines, says) in [
        (vec![], "standard input ends before"),
        (vec!["nonsense"], "line 1: "),
        (vec![&*good, sample, "{}"], "line 3: missing field"),
        (vec![&*good, sample, sample, &sample[1..]], "line 4: "),
    ] {
        let mut server = Server::start("127.0.0.1:0");
        for line in &lines {
            server.tell(line);
        }
        drop(server.stdin.take());
        if lines.len() > 1 {
            assert!(server.said()["listening"].is_string());
        }
        let (said, code) = server.end();
        let error = said["error"].as_str().unwrap_or_else(|| panic!("{said}"));
        assert!(error.starts_with(says), "{lines:?}: {error}");
        assert_eq!(code, Some(2));
    }
}

#[test]
fn server_when_it_cannot_listen_then_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = taken.local_addr().expect("it is bound").to_string();
    let mut server = Server::start(&address);
    server.tell(&head().to_string());
    let (said, code) = server.end();
    let error = said["error"].as_str().unwrap_or_else(|| panic!("{said}"));
    let says = format!("cannot listen at {address}: ");
    assert!(error.starts_with(&says), "{error}");
    assert_eq!(code, Some(2));
}
