//! Modbus inside TLS (MB-TCP-Security, port 802): who the doors are, and whom they let in.
//!
//! TLS 1.2 or 1.3, and each side shows a certificate. The session ends here, as in a security gateway in front of a
//! controller that speaks plain Modbus: what is inside goes over the simulated network as it is.
//!
//! # Source
//!
//! Modbus Organization, "MODBUS/TCP Security Protocol Specification", MB-TCP-Security-v21, 2018.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// Port of Modbus inside TLS.
pub const PORT: u16 = 802;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A file that no TLS door can be made of.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct TlsError {
    /// Which.
    pub file: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

impl TlsError {
    fn new(file: &Path, message: impl Display) -> Self {
        Self {
            file: file.to_owned(),
            message: message.to_string(),
        }
    }
}

/// A certificate to show, its key, and the authorities that a client's certificate has to come from.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads PEM files.
    ///
    /// # Arguments
    ///
    /// * `chain` — the doors' certificate, and behind it those between it and its authority.
    /// * `key` — private key of that certificate, not encrypted.
    /// * `clients` — certificates of the authorities of the clients.
    ///
    /// # Errors
    ///
    /// For the first file that cannot be read, holds nothing of the kind, or does not fit the others.
    pub fn read(chain: &Path, key: &Path, clients: &Path) -> Result<Self, TlsError> {
        let certificates = certificates(chain)?;
        let private_key = private_key(key)?;
        let mut authorities = RootCertStore::empty();
        for (at, authority) in self::certificates(clients)?.into_iter().enumerate() {
            authorities.add(authority).map_err(|error| {
                TlsError::new(
                    clients,
                    format!("certificate {} is no authority: {error}", at + 1),
                )
            })?;
        }
        let provider = Arc::new(ring::default_provider());
        provider
            .key_provider
            .load_private_key(private_key.clone_key())
            .map_err(|error| TlsError::new(key, format!("the key cannot be used: {error}")))?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone())
                .build()
                .map_err(|error| TlsError::new(clients, error))?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has suites of TLS 1.2 and 1.3")
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates, private_key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    let message = format!("it is not the key of `{}`", chain.display());
                    TlsError::new(key, message)
                }
                error => TlsError::new(chain, format!("the certificate cannot be used: {error}")),
            })?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    ///
    /// Why it is not let in, in words that go on from "because".
    pub(super) async fn greet(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        self.greet_within(HANDSHAKE, stream).await
    }

    async fn greet_within(
        &self,
        limit: Duration,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, String> {
        match tokio::time::timeout(limit, self.0.accept(stream)).await {
            Ok(greeted) => greeted.map_err(|error| why_not(&error)),
            Err(_) => Err(format!(
                "its handshake took longer than {} s",
                limit.as_secs()
            )),
        }
    }
}

/// Why a handshake has failed.
fn why_not(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::NoCertificatesPresented) => "it showed no certificate".to_owned(),
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate comes from none of the authorities".to_owned()
        }
        Some(rustls::Error::InvalidMessage(_)) => format!("it did not speak TLS: {error}"),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it left during the handshake".to_owned()
        }
        _ => error.to_string(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error| TlsError::new(file, format!("it cannot be read: {error}")))
}

/// What is wrong with a file's form; the library shows lines of it as lists of numbers.
fn no_pem(error: &pem::Error) -> String {
    let why = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a section's first line is damaged".to_owned(),
        error => error.to_string(),
    };
    format!("it is no PEM: {why}")
}

/// The certificates of a file; at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|error| TlsError::new(file, no_pem(&error)))?;
    if certificates.is_empty() {
        return Err(TlsError::new(file, "there is no certificate in it"));
    }
    Ok(certificates)
}

/// The first private key of a file.
fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(file)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let message = match error {
            pem::Error::NoItemsFound
                if String::from_utf8_lossy(&text).contains("ENCRYPTED PRIVATE KEY") =>
            {
                "its key is encrypted, and nobody is asked for a password".to_owned()
            }
            pem::Error::NoItemsFound => "there is no private key in it".to_owned(),
            error => no_pem(&error),
        };
        TlsError::new(file, message)
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use tempfile::TempDir;
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;

    use super::*;

    /// A folder with a certificate that signs itself, and its key.
    fn folder() -> TempDir {
        let folder = TempDir::new().expect("there is room");
        let key = KeyPair::generate().expect("there is chance");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
        let certificate = params.self_signed(&key).expect("it signs");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("there is room");
        };
        write("cert.pem", &certificate.pem());
        write("key.pem", &key.serialize_pem());
        write(
            "other.pem",
            &KeyPair::generate()
                .expect("there is chance")
                .serialize_pem(),
        );
        write("empty.pem", "");
        write(
            "locked.pem",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        write("cut.pem", &certificate.pem()[..60]);
        write(
            "no.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        );
        folder
    }

    #[test]
    fn files_when_one_is_wrong_then_it_is_named() {
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        for (chain, key, clients, wrong, says) in [
            (
                "gone.pem",
                "key.pem",
                "cert.pem",
                "gone.pem",
                "cannot be read",
            ),
            (
                "empty.pem",
                "key.pem",
                "cert.pem",
                "empty.pem",
                "no certificate",
            ),
            ("cut.pem", "key.pem", "cert.pem", "cut.pem", "no PEM"),
            ("no.pem", "key.pem", "cert.pem", "no.pem", "cannot be used"),
            (
                "key.pem",
                "key.pem",
                "cert.pem",
                "key.pem",
                "no certificate",
            ),
            (
                "cert.pem",
                "gone.pem",
                "cert.pem",
                "gone.pem",
                "cannot be read",
            ),
            (
                "cert.pem",
                "cert.pem",
                "cert.pem",
                "cert.pem",
                "no private key",
            ),
            (
                "cert.pem",
                "locked.pem",
                "cert.pem",
                "locked.pem",
                "encrypted",
            ),
            (
                "cert.pem",
                "other.pem",
                "cert.pem",
                "other.pem",
                "not the key of",
            ),
            (
                "cert.pem",
                "key.pem",
                "gone.pem",
                "gone.pem",
                "cannot be read",
            ),
            (
                "cert.pem",
                "key.pem",
                "empty.pem",
                "empty.pem",
                "no certificate",
            ),
            ("cert.pem", "key.pem", "no.pem", "no.pem", "certificate 1"),
        ] {
            let read = Tls::read(&path(chain), &path(key), &path(clients));
            let error = read.err().expect(says);
            assert_eq!(error.file, path(wrong), "{error}");
            assert!(error.message.contains(says), "{error}");
        }
        assert!(Tls::read(&path("cert.pem"), &path("key.pem"), &path("cert.pem")).is_ok());
    }

    #[test]
    fn handshake_when_it_stalls_then_it_ends() {
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        let tls = Tls::read(&path("cert.pem"), &path("key.pem"), &path("cert.pem"));
        let tls = tls.expect("the files are right");
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("there is a thread").block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
            let address = listener.local_addr().expect("it is bound");
            let silent = TcpStream::connect(address).await.expect("it listens");
            let (stream, _) = listener.accept().await.expect("it has connected");
            let greeted = tls.greet_within(Duration::from_millis(1), stream).await;
            let why = greeted.expect_err("nobody has said anything");
            assert!(why.contains("longer than"), "{why}");
            drop(silent);
        });
    }
}
