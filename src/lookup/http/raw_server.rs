//! For tests: a web server on loopback that says whatever it is told to, and a client to ask it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::lookup::config::Config;
use crate::lookup::dns::Resolver;
use crate::lookup::host::HostResolver;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::lookup::http::outbox::Outbox;
use crate::lookup::http::request::{Access, Permit, Request};
use crate::lookup::http::url::Url;
use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;
use crate::threads::helper::HelperHandle;

/// A server that answers each request with the octets that `answer` gives for its head.
pub(in crate::lookup) struct Raw {
    pub(in crate::lookup) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    pub(in crate::lookup) async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Raw {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&connections), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let octets = answer(&String::from_utf8_lossy(&head));
                    if octets.is_empty() {
                        return std::future::pending().await; // holds the connection and says nothing
                    }
                    let _ = stream.write_all(&octets).await;
                });
            }
        });
        Raw { address, connections }
    }

    pub(in crate::lookup) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    pub(in crate::lookup) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A client that finds hosts in `zone`, and what must live as long.
pub(in crate::lookup) async fn client_with(zone: &str, tls: &ClientConfig) -> (HttpClient, NameServer) {
    let server = NameServer::start(Zone::parse(zone).unwrap()).await.unwrap();
    let (hosts, helper) = (hosts(server.address()), HelperHandle::of_caller().unwrap());
    (HttpClient::new(hosts, Trust::Only(Box::new(tls.clone())), helper, Outbox::new()), server)
}

/// Finds hosts by asking `server`.
pub(in crate::lookup) fn hosts(server: SocketAddr) -> HostResolver {
    let config = Config { servers: vec![server], ..Config::default() };
    HostResolver::new(Resolver::new(&config, HelperHandle::of_caller().unwrap()).unwrap())
}

pub(in crate::lookup) async fn client() -> HttpClient {
    client_with("", &trusting(RootCertStore::empty())).await.0
}

pub(in crate::lookup) fn trusting(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

pub(in crate::lookup) fn anywhere() -> Permit {
    Arc::new(|_| Access::Site)
}

pub(in crate::lookup) fn get(url: Url) -> Request {
    Request::get(url, anywhere())
}
