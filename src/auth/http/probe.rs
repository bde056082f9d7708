//! Asks a web server whether logins could be checked by it: whether it is there, under TLS if that is spoken, and speaks
//! HTTP. No user, no password and no token of ours is sent.

use std::time::Duration;

use tokio::time::timeout;

use crate::auth::http::config::Settings;
use crate::auth::http::prepare;
use crate::auth::probe::Step;
use crate::lookup::error::LookupError;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::lookup::http::request::Request;
use crate::lookup::http::url::Url;
use crate::net::names::Names;
use crate::net::stream::Stream;
use crate::net::tls::back::Back;
use crate::net::tls::config::{BackTls, Level};

/// Connects to the server of `url`, then asks by OPTIONS, which changes nothing there, what may be asked. It ends with the
/// first step that fails. `client` makes what asks, and trusts whom it is told.
pub async fn ask(
    url: &Url,
    settings: &Settings,
    names: &dyn Names,
    client: impl FnOnce(Trust) -> HttpClient,
) -> Vec<Step> {
    let reached = match timeout(settings.timeout, connect(url, settings, names)).await {
        Ok(reached) => reached,
        Err(_) => Err(down(format!("no connection within {:?}", settings.timeout))),
    };
    match reached {
        Err(step) => vec![step],
        Ok(step) => vec![step, options(url, settings, client).await],
    }
}

async fn connect(url: &Url, settings: &Settings, names: &dyn Names) -> Result<Step, Step> {
    let (host, port) = url.host_and_port();
    let addresses = names.addresses(&host, port).await.map_err(down)?;
    let mut last = format!("{host} has no address");
    let mut stream = None;
    for address in addresses.into_iter().take(MOST_ADDRESSES) {
        match timeout(settings.timeout / SHARES, Stream::connect(address)).await {
            Ok(Ok(open)) => {
                stream = Some(open);
                break;
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: it doesn't answer"),
        }
    }
    let stream = stream.ok_or_else(|| down(last))?;
    if !url.is_secure() {
        return Ok(Step::well("connection", "open, in clear text"));
    }
    let tls = BackTls { level: Level::Verified, ca: settings.ca.clone(), ..BackTls::default() };
    let refused = |why: String| {
        let step = Step::failed("connection", "http.ca", format!("TLS: {why}"));
        step.help("the certificate must have the name that `verify` says, from an authority that `ca` names")
    };
    let back = Back::new(&tls).map_err(|error| refused(error.to_string()))?;
    back.connect(stream, &host).await.map_err(refused)?;
    Ok(Step::well("connection", "open, under TLS"))
}

fn down(why: String) -> Step {
    Step::failed("connection", "verify", why)
        .help("it has to run, and listen there; `curl -v URL` asks it by hand")
}

/// What is answered to OPTIONS. Only that there is no such page means anything: many servers know no OPTIONS.
async fn options(url: &Url, settings: &Settings, client: impl FnOnce(Trust) -> HttpClient) -> Step {
    let what = "OPTIONS";
    let bare = Settings { token_file: None, ..settings.clone() };
    let prepared = match prepare(url, &bare) {
        Ok(prepared) => prepared,
        Err(error) => return Step::failed(what, "http", error.to_string()),
    };
    let mut request: Request = prepared.request;
    request.set_method(what);
    request.timeout = request.timeout.max(Duration::from_secs(1));
    match client(prepared.trust).ask(request).await {
        Ok(reply) if matches!(reply.status.as_u16(), 404 | 410) => {
            Step::odd(what, "verify", format!("it answers {}", reply.status))
                .help("there may be no such page; logins are sent by POST, which was not tried")
        }
        Ok(reply) => Step::well(what, format!("it answers {}; logins are not tried", reply.status)),
        Err(LookupError::Invalid | LookupError::Unreachable) => {
            Step::failed(what, "verify", "what it speaks is no HTTP")
                .help("`verify` names the port of a web server, http:// or https:// as it speaks")
        }
        Err(LookupError::TooLarge) => Step::well(what, "it answers much; logins are not tried"),
        Err(error) => Step::failed(what, "verify", error.to_string()),
    }
}

/// Addresses that are tried, each for its share of the time.
const MOST_ADDRESSES: usize = 4;
const SHARES: u32 = 4;
