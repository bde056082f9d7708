//! The policies in the binary, each on the real engine, with a zone on loopback to ask.

mod access;
mod dnsbl;
mod helo;
mod page;
mod relay_networks;
mod reverse_path_domain;
mod size;

use std::future::Future;

use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;
use crate::lua::config::{OptionData, OptionEntry, OptionValue};
use crate::lua::tests::support::{Setup, option, said, span};

/// One client that comes, gives its name, and names one sender and one recipient.
#[derive(Clone, Copy)]
struct Visit<'a> {
    from: &'a str,
    helo: &'a str,
    mail: &'a str,
    rcpt: &'a str,
}

/// A client about whom there is nothing to say.
const VISIT: Visit<'_> = Visit {
    from: "192.0.2.7",
    helo: "mail.client.example",
    mail: "<ann@a.example>",
    rcpt: "<bob@ours.example>",
};

impl Visit<'_> {
    /// The stage and the text of the first refusal, or "accept".
    async fn heard(self, setup: &Setup) -> String {
        let client = setup.client_at(self.from);
        let mut all = vec![("connect", client.connect().await)];
        if said(&all[0].1) == "accept" {
            all.push(("ehlo", client.ehlo(self.helo).await));
            all.push(("mail", client.mail(self.mail).await));
            if said(&all[2].1) == "accept" {
                all.push(("rcpt", client.rcpt(self.rcpt).await));
            }
        }
        let first =
            all.iter().map(|(stage, decision)| (stage, said(decision))).find(|(_, said)| said != "accept");
        first.map_or("accept".to_owned(), |(stage, said)| format!("{stage} {said}"))
    }
}

/// Runs `test` on the real clock, with a name server for the lines of `zone`.
fn served<F: Future>(zone: &str, test: impl FnOnce(NameServer) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = NameServer::start(Zone::parse(zone).unwrap()).await.unwrap();
        test(server).await;
    });
}

/// Runs `test` where no name is to be asked.
fn unserved<F: Future>(test: impl FnOnce(NameServer) -> F) {
    served("", test);
}

fn text(key: &str, value: &str) -> OptionEntry {
    option(key, 0, OptionData::String(value.into()))
}

fn texts(key: &str, values: &[&str]) -> OptionEntry {
    let item = |value: &&str| OptionValue { data: OptionData::String((*value).into()), span: span(0) };
    option(key, 0, OptionData::List(values.iter().map(item).collect()))
}

fn number(key: &str, value: i64) -> OptionEntry {
    option(key, 0, OptionData::Integer(value))
}

fn truth(key: &str, value: bool) -> OptionEntry {
    option(key, 0, OptionData::Boolean(value))
}

/// A policy behind the one under test: whom it refuses, that one has not allowed.
const STRICT: &str = "return { rcpt = function() return reject('strict') end }";
