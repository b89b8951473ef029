//! The server: one endpoint without security for anybody, and its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use opcua::server::{
    ANONYMOUS_USER_TOKEN_ID, ServerBuilder, ServerEndpoint, ServerHandle,
    node_manager::memory::InMemoryNodeManagerBuilder,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::feed::{Plant, Sample};
use crate::space::{Space, SpaceBuilder, show};

/// How long connections may take to be closed at the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Values of a tag that wait for a client's next request, if it asks for so many: more than a minute at plant speed, so that
/// who asks for all of them misses none.
const QUEUE_MAX: usize = 1_000;
/// Messages that wait for a client's acknowledgement.
const MESSAGES_MAX: usize = 100;

/// A server that clients may connect to.
pub(crate) struct Server {
    endpoint: String,
    handle: ServerHandle,
    space: Arc<Space>,
    serving: JoinHandle<()>,
    runtime: Runtime,
    /// Where the library looks for certificates; there are none.
    _certificates: TempDir,
}

impl Server {
    /// Listens at an address, with the tags of a plant.
    ///
    /// # Errors
    ///
    /// If nobody can listen there.
    pub(crate) fn open(address: SocketAddr, plant: &Arc<Plant>) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("cannot listen at {address}: {error}");
        let listener = TcpListener::bind(address).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        let (host, port) = (host_of(bound), bound.port());
        let endpoint = format!("opc.tcp://{host}:{port}/");
        let certificates = tempfile::tempdir()
            .map_err(|error| format!("there is no room for temporary files: {error}"))?;
        let everybody = [ANONYMOUS_USER_TOKEN_ID.to_owned()];
        let mut builder = ServerBuilder::new()
            .application_name(format!("Twinrange: {}", plant.name))
            .application_uri("urn:twinrange:opcua")
            .product_uri("urn:twinrange")
            .host(host)
            .port(port)
            .discovery_urls(vec![endpoint.clone()])
            .pki_dir(certificates.path())
            .add_endpoint("none", ServerEndpoint::new_none("/", &everybody))
            .with_node_manager(InMemoryNodeManagerBuilder::new(SpaceBuilder {
                plant: Arc::clone(plant),
            }));
        let subscriptions = &mut builder.limits_mut().subscriptions;
        subscriptions.min_sampling_interval_ms = 0.0;
        subscriptions.max_monitored_item_queue_size = QUEUE_MAX;
        subscriptions.max_queued_notifications = MESSAGES_MAX;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(cannot)?;
        // The library starts its own tasks while it is built.
        let inside = runtime.enter();
        let (server, handle) = builder.build()?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(cannot)?;
        drop(inside);
        let space = handle.node_managers().get_of_type::<Space>();
        let space = space.ok_or("the server has no room for tags")?;
        let serving = runtime.spawn(async move {
            // It ends with an error only before it has begun, over a listener that is none.
            if let Err(error) = server.run_with(listener).await {
                eprintln!("twinrange-opcua: {error}");
            }
        });
        Ok(Self {
            endpoint,
            handle,
            space,
            serving,
            runtime,
            _certificates: certificates,
        })
    }

    /// Where clients find it.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Shows a sample to everybody who reads or watches its tag.
    pub(crate) fn show(&self, sample: &Sample) {
        show(&self.space, self.handle.subscriptions(), sample);
    }

    /// Closes all connections, as far as that can be done in time.
    pub(crate) fn close(self) {
        self.handle.cancel();
        // Who does not let go in time is cut off by the end of the process.
        let _late = self
            .runtime
            .block_on(async { timeout(FAREWELL, self.serving).await });
        self.runtime.shutdown_background();
    }
}

/// How an address stands in a URL. One that means all of them is no place to connect to, and this machine's name is.
fn host_of(bound: SocketAddr) -> String {
    match bound {
        _ if bound.ip().is_unspecified() => {
            let names = opcua::crypto::X509Data::computer_hostnames();
            names
                .into_iter()
                .next()
                .unwrap_or_else(|| "localhost".to_owned())
        }
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}
