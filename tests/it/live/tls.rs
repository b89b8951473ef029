//! Controllers that speak Modbus inside TLS, with real clients and certificates made here.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use super::{Client, LEVEL_SETPOINT, Plant, SPARE, assert_captured, assert_refused, connected};
use crate::support::{scratch, words};

/// Options that name the files of [`Site::new`].
const TLS: &str = "--tls-cert door.pem --tls-key door.key --tls-clients clients.pem";

/// Object identifier of the role (MB-TCP-Security-v21).
const ROLE: [u64; 9] = [1, 3, 6, 1, 4, 1, 50_316, 802, 1];

type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

/// Somebody who signs certificates.
struct Authority {
    pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Identity {
    pem: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("there is chance");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).expect("it signs");
        Self {
            pem: certificate.pem(),
            certificate: certificate.into(),
            issuer: Issuer::new(params, key),
        }
    }

    fn issue(&self, purpose: ExtendedKeyUsagePurpose) -> Identity {
        let key = KeyPair::generate().expect("there is chance");
        let names = vec!["127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("it is an address");
        params.extended_key_usages = vec![purpose];
        // An UTF8String.
        let role = [&[0x0c, 8][..], b"operator"].concat();
        params.custom_extensions = vec![CustomExtension::from_oid_content(&ROLE, role)];
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        Identity {
            pem: certificate.pem(),
            certificate: certificate.into(),
            key,
        }
    }

    fn client(&self) -> Identity {
        self.issue(ExtendedKeyUsagePurpose::ClientAuth)
    }
}

/// The authorities of a site, whose files are in a folder.
struct Site {
    clients: Authority,
    /// Knows the doors' authority.
    trusted: RootCertStore,
}

impl Site {
    fn new(folder: &Path) -> Self {
        let plant = Authority::new("plant");
        let doors = plant.issue(ExtendedKeyUsagePurpose::ServerAuth);
        let clients = Authority::new("clients");
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("there is room");
        };
        write("door.pem", &doors.pem);
        write("door.key", &doors.key.serialize_pem());
        write("clients.pem", &clients.pem);
        let mut trusted = RootCertStore::empty();
        trusted.add(plant.certificate).expect("it is an authority");
        Self { clients, trusted }
    }

    /// Shakes hands as somebody, or as nobody.
    fn connect(
        &self,
        address: SocketAddr,
        identity: Option<&Identity>,
        version: &'static SupportedProtocolVersion,
    ) -> io::Result<TlsClient> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .expect("ring has suites for it")
            .with_root_certificates(self.trusted.clone());
        let config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
                let chain = vec![identity.certificate.clone()];
                let config = config.with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key));
                config.expect("the key is that of the certificate")
            }
        };
        let name = ServerName::from(address.ip());
        let session = ClientConnection::new(Arc::new(config), name).expect("it can begin");
        let mut stream = StreamOwned::new(session, connected(address)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Client::over(stream))
    }

    /// Whether somebody gets no answer. With TLS 1.3 a client finds out when it reads.
    fn refuses(
        &self,
        address: SocketAddr,
        identity: Option<&Identity>,
        version: &'static SupportedProtocolVersion,
    ) -> bool {
        let asked = self
            .connect(address, identity, version)
            .and_then(|mut client| {
                client.send(&[3, 4, 4, 0, 1])?;
                client.answer()
            });
        asked.is_err()
    }
}

/// Whether a client that speaks no TLS gets no answer of a controller.
fn refuses_plain_text(address: SocketAddr) -> bool {
    let mut stream = connected(address).expect("it listens");
    let read = [0, 1, 0, 0, 0, 6, 1, 3, 4, 4, 0, 1];
    stream.write_all(&read).expect("it is connected");
    let mut answer = Vec::new();
    // It may end with a reset.
    let _ = stream.read_to_end(&mut answer);
    // An alert of TLS, at most.
    answer.first().is_none_or(|kind| *kind == 21)
}

#[test]
fn live_when_a_client_speaks_tls_then_it_gets_what_a_plain_one_gets() {
    let folder = scratch();
    let site = Site::new(folder.path());
    let mut plant = Plant::start(
        folder.path(),
        &format!("bottling/calm --for 2h --speed 50 --control --out run {TLS}"),
    );
    assert_eq!(plant.tls.len(), 4);
    let door = plant.tls["plc-filler"];
    let mut plain = plant.connect("plc-filler");
    let before = plain.read_register(LEVEL_SETPOINT);
    let who = site.clients.client();
    for (version, spare) in [(&TLS12, 77), (&TLS13, 78)] {
        let mut client = site.connect(door, Some(&who), version).expect("let in");
        assert_eq!(client.read_register(LEVEL_SETPOINT), before);
        client.write_register(SPARE, spare);
        assert_eq!(plain.read_register(SPARE), spare);
        // A whole frame of the longest kind, each way.
        let [high, low] = SPARE.to_be_bytes();
        let mut write = vec![16, high, low, 0, 100, 200];
        write.extend([0, 9].repeat(100));
        assert_eq!(client.ask(&write), [16, high, low, 0, 100]);
        let read = client.ask(&[3, high, low, 0, 100]);
        assert_eq!(read[2..], write[6..]);
        for wrong in [&[3, 0xff, 0xff, 0, 2][..], &[99], &[5, 7, 200, 0x12, 0x34]] {
            assert_eq!(client.ask(wrong), plain.ask(wrong), "{wrong:?}");
        }
    }
    // Another controller has another memory.
    let other = plant.tls["plc-packaging"];
    let mut other = site.connect(other, Some(&who), &TLS13).expect("let in");
    assert_eq!(other.read_register(SPARE), 0);
    let mut client = site.connect(door, Some(&who), &TLS13).expect("let in");
    client.write_register(LEVEL_SETPOINT, before + 25);
    assert_eq!(plain.read_register(LEVEL_SETPOINT), before + 25);
    // One closes the TLS session, another only the socket below it.
    client.stream.conn.send_close_notify();
    client.stream.flush().expect("it is connected");
    let mut rest = Vec::new();
    let ended = client.stream.read_to_end(&mut rest);
    assert_eq!(ended.expect("the session is closed"), 0, "{rest:?}");
    drop(other);
    plant.say("quit");
    plant.end();
    let done = words(folder.path(), "replay run").expect_code(0);
    assert!(done.stdout.starts_with("the same: "), "{done:?}");
    // On the simulated wire it is plain.
    assert_captured(folder.path(), LEVEL_SETPOINT, before + 25);
}

#[test]
fn live_when_tls_clients_are_refused_then_the_plant_never_hears_of_them() {
    let folder = scratch();
    let site = Site::new(folder.path());
    let mut plant = Plant::start_with(
        folder.path(),
        &format!("bottling/calm --for 1h --speed 20 --control --out run {TLS}"),
        Stdio::piped(),
    );
    let door = plant.tls["plc-filler"];
    let stranger = Authority::new("clients").client();
    let server = site.clients.issue(ExtendedKeyUsagePurpose::ServerAuth);
    for version in [&TLS12, &TLS13] {
        assert!(site.refuses(door, None, version), "without a certificate");
        assert!(site.refuses(door, Some(&stranger), version), "of another");
        assert!(site.refuses(door, Some(&server), version), "a server's");
    }
    assert!(refuses_plain_text(door));
    plant.say("quit");
    let last = plant.end();
    assert_eq!(last["inputs"], 0, "{last}");
    let mut says = String::new();
    let stderr = plant.child.stderr.as_mut().expect("it is piped");
    stderr.read_to_string(&mut says).expect("it is text");
    let note = "note: 7 TLS clients were refused, the last because it did not speak TLS";
    assert!(says.contains(note), "{says}");
    words(folder.path(), "replay run").expect_code(0);
}

#[test]
fn live_when_handshakes_stall_then_others_are_served() {
    let folder = scratch();
    let site = Site::new(folder.path());
    let mut plant = Plant::start(
        folder.path(),
        &format!("bottling/calm --for 1h --speed 20 --control --out run {TLS}"),
    );
    let door = plant.tls["plc-filler"];
    let mut stalled: Vec<TcpStream> = (0..20)
        .map(|_| connected(door).expect("it listens"))
        .collect();
    for half in stalled.iter_mut().skip(10) {
        // The beginning of a greeting.
        half.write_all(&[22, 3, 1, 2, 0]).expect("it is connected");
    }
    let who = site.clients.client();
    let mut client = site.connect(door, Some(&who), &TLS13).expect("let in");
    let mut plain = plant.connect("plc-filler");
    client.write_register(SPARE, 5);
    assert_eq!(plain.read_register(SPARE), 5);
    assert!(site.refuses(door, None, &TLS13));
    assert!(refuses_plain_text(door));
    plain.write_register(SPARE, 6);
    assert_eq!(client.read_register(SPARE), 6);
    plant.say("quit");
    plant.end();
    drop(stalled);
    let done = words(folder.path(), "replay run").expect_code(0);
    assert!(done.stdout.starts_with("the same: "), "{done:?}");
}

#[test]
fn live_when_a_file_of_tls_is_wrong_then_it_is_named_before_a_run_begins() {
    let folder = scratch();
    let site = Site::new(folder.path());
    fs::write(folder.path().join("empty.pem"), "").expect("there is room");
    let other = site.clients.client().key.serialize_pem();
    fs::write(folder.path().join("other.key"), other).expect("there is room");
    let refused = |args: &str, says: &[&str]| assert_refused(folder.path(), args, says);
    refused(
        "--tls-cert gone.pem --tls-key door.key --tls-clients clients.pem",
        &["TR0607", "gone.pem", "cannot be read", "openssl"],
    );
    refused(
        "--tls-cert door.pem --tls-key other.key --tls-clients clients.pem",
        &["TR0607", "other.key", "not the key of `door.pem`"],
    );
    refused(
        "--tls-cert door.pem --tls-key door.key --tls-clients empty.pem",
        &["TR0607", "empty.pem", "no certificate"],
    );
    // All three or none.
    refused("--tls-cert door.pem", &["--tls-key"]);
    refused("--tls-key door.key", &["--tls-clients"]);
    refused("--tls-clients clients.pem", &["--tls-cert"]);
    // Four plain ones have room there, and the doors behind them have not.
    refused(&format!("--port 65532 {TLS}"), &["TR0602", "no room"]);
}
