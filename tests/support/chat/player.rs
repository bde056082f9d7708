//! Plays a chat: both ends of the proxy's wires say what the chat says, and the proxy has to say the rest.

use std::time::Duration;

use gatepost::lookup::name_server::NameServer;
use gatepost::lookup::zone::Zone;
use gatepost::proxy::drain::Phase;

use super::octets::shown;
use super::script::{Act, Chat, Ending, Scram, Side, Step};
use super::transcript::Transcript;
use super::wires::Wires;
use crate::support::backend::Backend;
use crate::support::floor::{Proxy, on_still_clock, settle};
use crate::support::log::{Log, fits};
use crate::support::peer::{NoLine, Peer};
use crate::support::scram;
use crate::support::tls::Manner;

/// Plays `chat` with octets sent in pieces of `cut`, or in one if that is 0.
///
/// *Errors*: what went otherwise than the chat says. That nothing happens at all is for the caller to see.
pub fn play(chat: &Chat, cut: usize, transcript: &Transcript) -> Result<(), String> {
    on_still_clock(async {
        let mut player = Player::start(chat, cut, transcript).await?;
        for step in &chat.steps {
            transcript.wait_for(&format!("{}  [{}]", step.text, step.place));
            player.step(step).await?;
        }
        transcript.wait_for("the end");
        player.finish().await
    })
}

struct Player<'a> {
    cut: usize,
    transcript: &'a Transcript,
    log: Log,
    proxy: Proxy,
    backends: Vec<Backend>,
    clients: Wires,
    talks: Wires,
    _names: Option<NameServer>,
    _folder: tempfile::TempDir,
}

impl<'a> Player<'a> {
    async fn start(chat: &Chat, cut: usize, transcript: &'a Transcript) -> Result<Player<'a>, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut backends = Vec::new();
        for _ in 0..chat.setup.backends {
            backends.push(Backend::start().await);
        }
        let zone = Some(&chat.setup.zone).filter(|zone| !zone.is_empty());
        let names = match zone {
            Some(zone) => {
                let zone = Zone::parse(zone).map_err(|error| format!("zone: {error:?}"))?;
                Some(NameServer::start(zone).await.unwrap())
            }
            None => None,
        };
        let addresses: Vec<_> = backends.iter().map(Backend::address).collect();
        let name_server = names.as_ref().map(NameServer::address);
        let log = Log::start();
        let proxy = Proxy::start(&chat.setup.toml(&addresses, name_server, folder.path()), folder.path())?;
        Ok(Player {
            cut,
            transcript,
            log,
            proxy,
            backends,
            clients: Wires::default(),
            talks: Wires::default(),
            _names: names,
            _folder: folder,
        })
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        if !matches!(step.act, Act::Say(Side::Client, _)) {
            self.flush(Side::Client).await?;
        }
        if !matches!(step.act, Act::Say(Side::Backend, _)) {
            self.flush(Side::Backend).await?;
        }
        match &step.act {
            Act::Say(side, octets) => self.wires(*side).waiting.extend_from_slice(octets),
            Act::Hear(side, want) => return self.hear(*side, want).await,
            Act::Log(fields) => return self.find_in_log(fields).await,
            Act::NoLog(fields) => self.expect_unlogged(fields).await?,
            Act::Switch(side, name, place) => self.wires(*side).switch(name, place.clone()),
            Act::End(side, ending) => self.end(*side, *ending).await?,
            Act::Tls(side, manner, fails) => self.secure(*side, manner, *fails).await?,
            Act::Scram(scram) => self.log_in(scram).await?,
            Act::Closed(side) => self.expect_end(*side).await?,
            Act::Silent(side) => self.expect_silence(*side).await?,
            Act::Unasked => self.expect_unasked().await?,
            Act::Listen(number, true) => self.backend(*number)?.restart(),
            Act::Listen(number, false) => self.backend(*number)?.stop(),
            Act::Clock(time) => self.pass(*time).await,
            Act::Learn => self.proxy.learn(),
            Act::Knows(number, lines) => {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                self.proxy.knows(number - 1, &lines);
            }
            Act::Drain => self.end_service(Phase::Draining).await,
            Act::EndService => self.end_service(Phase::Ending).await,
        }
        self.transcript.note(&step.text);
        Ok(())
    }

    fn wires(&mut self, side: Side) -> &mut Wires {
        match side {
            Side::Client => &mut self.clients,
            Side::Backend => &mut self.talks,
        }
    }

    fn backend(&mut self, number: usize) -> Result<&mut Backend, String> {
        self.backends.get_mut(number - 1).ok_or_else(|| format!("there is no backend {number}"))
    }

    /// Makes the connection that is meant, if it was not made yet.
    async fn connect(&mut self, side: Side) -> Result<(), String> {
        if !self.wires(side).is_new() {
            return Ok(());
        }
        let place = self.wires(side).place.take();
        let peer = match side {
            Side::Client => {
                let address = place.unwrap_or_else(|| CLIENT.to_owned());
                let address = address.parse().map_err(|_| format!("{address} is no address"))?;
                Peer::new(self.proxy.connect(address).await)
            }
            Side::Backend => {
                let number = place.map_or(Ok(1), |place| place.parse()).map_err(|_| "no number")?;
                self.backend(number)?.accept().await
            }
        };
        self.wires(side).put(peer);
        Ok(())
    }

    /// Says what waits to be said.
    async fn flush(&mut self, side: Side) -> Result<(), String> {
        let octets = std::mem::take(&mut self.wires(side).waiting);
        if octets.is_empty() {
            return Ok(());
        }
        self.connect(side).await?;
        let cut = if self.cut == 0 || octets.len() > LONG { octets.len() } else { self.cut };
        for piece in octets.chunks(cut) {
            self.wires(side).peer()?.send(piece).await;
            if piece.len() < octets.len() {
                for _ in 0..TURNS_BETWEEN_PIECES {
                    tokio::task::yield_now().await;
                }
            }
        }
        Ok(())
    }

    async fn hear(&mut self, side: Side, want: &str) -> Result<(), String> {
        self.connect(side).await?;
        let letter = if side == Side::Client { "S" } else { "P" };
        let line = match self.wires(side).peer()?.line().await {
            Ok(line) => line,
            Err(NoLine::End(octets)) => {
                return Err(format!("the proxy closed the connection after {:?}", shown(&octets)));
            }
            Err(NoLine::Reset) => return Err("the proxy reset the connection".to_owned()),
        };
        let heard = match line.strip_suffix(b"\r\n") {
            Some(line) => shown(line),
            None => shown(&line),
        };
        if !fits(want, &heard) {
            return Err(format!("heard\n    {letter}: {heard}"));
        }
        self.transcript.note(format!("{letter}: {heard}"));
        Ok(())
    }

    async fn find_in_log(&mut self, fields: &[(String, String)]) -> Result<(), String> {
        settle().await;
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        match self.log.take(&fields) {
            Some(line) => self.transcript.note(format!("L: {line:?}")),
            None => return Err(format!("no such line in the log:\n{:#?}", self.log.lines())),
        }
        Ok(())
    }

    async fn expect_unlogged(&self, fields: &[(String, String)]) -> Result<(), String> {
        settle().await;
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        match self.log.lines().into_iter().find(|line| line.has(&fields)) {
            Some(line) => Err(format!("the log has {line:?}")),
            None => Ok(()),
        }
    }

    async fn end(&mut self, side: Side, ending: Ending) -> Result<(), String> {
        self.connect(side).await?;
        match ending {
            Ending::Close => drop(self.wires(side).take()?),
            Ending::Reset => self.wires(side).take()?.reset(),
            Ending::HalfClose => self.wires(side).peer()?.half_close().await,
        }
        settle().await;
        Ok(())
    }

    /// Begins TLS on this side.
    async fn secure(&mut self, side: Side, manner: &Manner, fails: bool) -> Result<(), String> {
        self.connect(side).await?;
        let peer = self.wires(side).peer()?;
        let outcome = match side {
            Side::Client => peer.connect_tls(manner).await,
            Side::Backend => peer.accept_tls(manner).await,
        };
        match (outcome, fails) {
            (Err(error), false) => Err(format!("no TLS: {error}")),
            (Ok(()), true) => Err("the handshake did not fail".to_owned()),
            _ => Ok(()),
        }
    }

    /// Says AUTH and leads the exchange as long as the proxy has challenges; its last reply is left to be heard.
    async fn log_in(&mut self, scram: &Scram) -> Result<(), String> {
        self.connect(Side::Client).await?;
        let channel = |kind| self.clients.peer().and_then(|peer| peer.channel(kind));
        let mut binding = scram.bound.as_deref().map_or(Ok(Vec::new()), channel)?;
        if let Some(octet) = binding.first_mut().filter(|_| scram.is_elsewhere) {
            *octet ^= 1;
        }
        let header = match &scram.bound {
            Some(kind) => format!("p={kind},,"),
            None if scram.believes_unbound => "y,,".to_owned(),
            None => "n,,".to_owned(),
        };
        let plus = if scram.bound.is_some() { "-PLUS" } else { "" };
        let client = scram::Client::new(&scram.user, &scram.password, &header, binding);
        let first = format!("AUTH SCRAM-SHA-256{plus} {}", client.first());
        let Some(challenge) = self.challenge(&first).await? else { return Ok(()) };
        let (last, due) = client.last(&challenge)?;
        let Some(said) = self.challenge(&last).await? else { return Ok(()) };
        if said != due {
            return Err("the proxy doesn't know the password".to_owned());
        }
        self.challenge("").await.map(drop)
    }

    /// Says `line`; the challenge that follows, none if it is another reply.
    async fn challenge(&mut self, line: &str) -> Result<Option<String>, String> {
        self.clients.waiting.extend_from_slice(format!("{line}\r\n").as_bytes());
        self.flush(Side::Client).await?;
        let peer = self.clients.peer()?;
        let heard = peer.line().await.map_err(|end| format!("instead of a challenge there was {end:?}"))?;
        let text = std::str::from_utf8(&heard).ok().and_then(|text| text.strip_prefix("334 "));
        match text.map(|text| text.trim_end().to_owned()) {
            None => peer.give_back(&heard),
            found => return Ok(found),
        }
        Ok(None)
    }

    async fn expect_end(&mut self, side: Side) -> Result<(), String> {
        self.connect(side).await?;
        match self.wires(side).peer()?.end().await {
            Ok(octets) if octets.is_empty() => Ok(()),
            Ok(octets) => Err(format!("the proxy said {:?} before it closed", shown(&octets))),
            Err(error) => Err(format!("the proxy has reset the connection: {error}")),
        }
    }

    async fn expect_silence(&mut self, side: Side) -> Result<(), String> {
        self.connect(side).await?;
        settle().await;
        match self.wires(side).peer()?.unread() {
            octets if octets.is_empty() => Ok(()),
            octets => Err(format!("the proxy said {:?}", shown(&octets))),
        }
    }

    async fn expect_unasked(&mut self) -> Result<(), String> {
        settle().await;
        for backend in &self.backends {
            if backend.is_asked().await {
                return Err("the proxy has connected to the backend".to_owned());
            }
        }
        Ok(())
    }

    async fn pass(&mut self, time: Duration) {
        settle().await;
        tokio::time::advance(time).await;
        settle().await;
    }

    async fn end_service(&self, phase: Phase) {
        settle().await;
        self.proxy.advance(phase);
        settle().await;
    }

    /// Nothing is left unheard, no session is left when both sides have gone, and the ledger is even.
    async fn finish(mut self) -> Result<(), String> {
        self.flush(Side::Client).await?;
        self.flush(Side::Backend).await?;
        settle().await;
        for (name, peer) in self.clients.all() {
            let octets = peer.unread();
            if !octets.is_empty() {
                return Err(format!("client {name} was told {:?} as well", shown(&octets)));
            }
        }
        for (name, peer) in self.talks.all() {
            let octets = peer.unread();
            if !octets.is_empty() && octets != b"QUIT\r\n" {
                return Err(format!("backend {name} was told {:?} as well", shown(&octets)));
            }
        }
        self.expect_unasked().await?;
        self.clients = Wires::default();
        self.talks = Wires::default();
        self.transcript.wait_for("the end of all sessions");
        settle().await;
        for _ in 0..8 {
            // What was held back by a policy may still go on.
            if self.proxy.sessions() > 0 {
                self.pass(Duration::from_secs(600)).await;
            }
        }
        self.proxy.emptied().await;
        let told = self.proxy.counters.acknowledgements_told.get();
        let sources = ["backend", "stored", "discarded"];
        let taken: u64 = sources.iter().map(|source| self.proxy.counters.acknowledged(source).get()).sum();
        if told != taken {
            return Err(format!("{told} acknowledgements were told, {taken} were had"));
        }
        match self.log.take(&[("level", "error")]) {
            Some(line) => Err(format!("the log has an error: {line:?}")),
            None => Ok(()),
        }
    }
}

/// Where clients come from unless the chat says otherwise.
const CLIENT: &str = "203.0.113.9:4711";
/// What is longer is not cut: nothing is learned from the ten thousandth octet that is not learned from the tenth.
const LONG: usize = 4096;
/// Turns in which the proxy can read one piece before the next comes.
const TURNS_BETWEEN_PIECES: usize = 3;
