//! The world of one policy test, played: clients, names, time and the backend; nothing of it leaves the process.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::app::build::{Ground, Outside, Played};
use crate::config::Config;
use crate::lookup::answer::RecordKind;
use crate::lookup::dns::Resolver;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::outbox::Outbox;
use crate::lookup::http::played::Web;
use crate::lookup::map::played::{Stub, Stubs};
use crate::lookup::zone::Zone;
use crate::lua::clock::{Clock, Wall};
use crate::lua::parking::Parking;
use crate::lua::trial::world::{
    Answer, Asked, Heard, Later, Page, Place, Records, Said, Taken, Visit, World,
};
use crate::names::network::reverse_name;
use crate::observe::counters::Counters;
use crate::proxy::drain::Drain;
use crate::session::identity::{Identity, SessionId};
use crate::threads::helper::HelperHandle;
use crate::threads::storage::StoragePool;
use crate::trial::backend::Backend;
use crate::trial::journal::Journal;
use crate::trial::place::{Built, Home, STATES};
use crate::trial::shelf::Shelf;
use crate::trial::visitor::Visitor;

/// The world of one test.
pub(super) struct Scene {
    home: Rc<Home>,
    ground: Ground,
    _drain: Drain,
    wall: Wall,
    zone: Zone,
    web: Web,
    maps: Stubs,
    shelf: Shelf,
    backend: Backend,
    journal: Journal,
    /// What `set_up` has said.
    configured: RefCell<Option<Rc<Built>>>,
    /// What was described so far.
    described: RefCell<Vec<(Place, Rc<Built>)>>,
    visitors: RefCell<BTreeMap<usize, Rc<Visitor>>>,
    count: Cell<usize>,
    panics: Cell<usize>,
}

/// When tests begin: 2026-01-01 00:00:00 UTC, a Thursday.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

impl Scene {
    /// A world in which nothing has happened yet. Belongs to the caller's runtime, whose clock stands still.
    ///
    /// *Errors*: there is no runtime.
    pub(super) fn new(home: &Rc<Home>, journal: &Journal) -> Result<Rc<Scene>, String> {
        let drain = Drain::new();
        let ground = Ground {
            pool: StoragePool::here(),
            hashing: StoragePool::here(),
            failures: Arc::default(),
            helper: HelperHandle::of_caller().ok_or("no runtime")?,
            counters: (0..STATES).map(|_| Arc::new(Counters::default())).collect(),
            policies: Arc::default(),
            policy_metrics: Arc::default(),
            waiting: Arc::default(),
            parking: Parking::default(),
            outbox: Outbox::new(),
            draining: drain.watch(),
        };
        journal.clear();
        Ok(Rc::new(Scene {
            home: Rc::clone(home),
            ground,
            _drain: drain,
            wall: Wall::from(BEGINNING),
            zone: Zone::new(),
            web: Web::default(),
            maps: Stubs::default(),
            shelf: Shelf::new(BEGINNING),
            backend: Backend::start(),
            journal: journal.clone(),
            configured: RefCell::default(),
            described: RefCell::default(),
            visitors: RefCell::default(),
            count: Cell::default(),
            panics: Cell::default(),
        }))
    }

    /// Lets everybody go; what went wrong that no reply has told.
    pub(super) async fn end(&self) -> Vec<String> {
        self.dismiss().await;
        let panics =
            (0..self.panics.get()).map(|_| "a session panicked: this is a mistake in gatepost".to_owned());
        let errors = self.journal.take_errors().into_iter().map(|error| format!("a policy failed: {error}"));
        panics.chain(errors).collect()
    }

    /// The dialogues, each with its title.
    pub(super) fn dialogues(&self) -> Vec<(String, Vec<String>)> {
        let visitors = self.visitors.borrow();
        visitors.values().map(|visitor| (visitor.title.clone(), visitor.dialogue())).collect()
    }

    /// Lets all clients go. They can be asked for what was said until they are forgotten.
    async fn dismiss(&self) {
        let visitors: Vec<Rc<Visitor>> = self.visitors.borrow().values().cloned().collect();
        for visitor in visitors {
            if !visitor.leave().await {
                self.panics.set(self.panics.get() + 1);
            }
        }
    }

    /// What a client comes to that says `place` of it.
    fn built(&self, place: &Place) -> Result<Rc<Built>, String> {
        match (&*self.configured.borrow(), place.is_unsaid()) {
            (Some(built), true) => return Ok(Rc::clone(built)),
            (Some(_), false) => {
                return Err(
                    "set_up says what clients come to; session { … } then takes ip, port, tls and listener"
                        .into(),
                );
            }
            (None, _) => {}
        }
        let known = self
            .described
            .borrow()
            .iter()
            .find(|(known, _)| known == place)
            .map(|(_, built)| Rc::clone(built));
        if let Some(built) = known {
            return Ok(built);
        }
        let built = self.build(self.home.described(place)?)?;
        self.described.borrow_mut().push((place.clone(), Rc::clone(&built)));
        Ok(built)
    }

    fn build(&self, config: Config) -> Result<Rc<Built>, String> {
        let helper = self.ground.helper.clone();
        let doors = self.backend.doors();
        let played: Played = Arc::new(move |name| Backend::dial(&doors, name));
        let outside = Outside {
            resolver: Resolver::of_zone(&self.zone, &config.dns, helper.clone()),
            http: HttpClient::of_web(&self.web, helper, Arc::clone(&self.ground.outbox)),
            store: self.shelf.store(&config.store.prefix, config.store.timeout),
            wall: self.wall,
            clock: Clock::played,
            played: Some(played),
            stubs: Some(self.maps.clone()),
            coverage: self.home.coverage.clone(),
            chunks: self.home.chunks.clone(),
        };
        Built::new(config, &self.ground, outside)
    }

    async fn open(&self, visit: Visit) -> Result<(usize, Heard), String> {
        let built = self.built(&visit.place)?;
        let number = self.count.get() + 1;
        let context = built.listener(visit.listener.as_deref(), number % STATES, &self.ground)?;
        self.count.set(number);
        let server = context.listener.bind.first().copied().ok_or("the listener has no address")?;
        let peer = SocketAddr::new(visit.ip, visit.port);
        let id = SessionId::new(u128::try_from(number).unwrap_or_default());
        let title = format!("client {number}, {}", visit.ip);
        let visitor = Visitor::come(title, &context, Identity::direct(id, peer, server), visit.tls);
        self.visitors.borrow_mut().insert(number, Rc::clone(&visitor));
        Ok((number, visitor.hear().await?))
    }

    fn visitor(&self, number: usize) -> Result<Rc<Visitor>, String> {
        let visitor = self.visitors.borrow().get(&number).cloned();
        visitor.ok_or_else(|| "this client is of another test, or of another case of for_all".to_owned())
    }
}

impl World for Scene {
    fn set_up(&self, file: &str) -> Result<(), String> {
        let built = self.build(self.home.configured(file)?)?;
        self.configured.replace(Some(built));
        Ok(())
    }

    fn connect(self: Rc<Self>, visit: Visit) -> Later<Result<(usize, Heard), String>> {
        Box::pin(async move { self.open(visit).await })
    }

    fn say(self: Rc<Self>, client: usize, said: Said) -> Later<Result<Heard, String>> {
        Box::pin(async move { self.visitor(client)?.say(said).await })
    }

    fn leave(self: Rc<Self>, client: usize) -> Later<()> {
        Box::pin(async move {
            if let Ok(visitor) = self.visitor(client) {
                visitor.note("C: (goes)".to_owned());
                if !visitor.leave().await {
                    self.panics.set(self.panics.get() + 1);
                }
            }
        })
    }

    fn advance(self: Rc<Self>, time: Duration) -> Later<()> {
        Box::pin(async move {
            for visitor in self.visitors.borrow().values() {
                visitor.note(format!("   ({time:?} pass)"));
            }
            // From timer to timer, each at its moment.
            tokio::time::sleep(time).await;
            crate::trial::visitor::settle().await;
        })
    }

    fn now(&self) -> Duration {
        self.wall.now()
    }

    fn stub_name(&self, name: &str, records: &Records) -> Result<(), String> {
        let name = &*zone_name(name);
        self.zone.remove(name);
        let add =
            |line: String| self.zone.add(&line).map_err(|_| format!("dns.stub: \"{line}\" is no record"));
        match records {
            Records::Known(records) => {
                records.iter().try_for_each(|(kind, value)| add(format!("{name} {kind} {value}")))
            }
            Records::Trouble(word) => match word.as_str() {
                "none" => Ok(()),
                "timeout" => add(format!("{name} DROP")),
                "servfail" => add(format!("{name} SERVFAIL")),
                "refused" => add(format!("{name} REFUSE")),
                _ => Err(format!("dns.stub: '{word}' is none of none, timeout, servfail, refused")),
            },
        }
    }

    fn times_asked(&self, name: &str, kind: &str) -> Result<usize, String> {
        let kind: RecordKind = kind.parse().map_err(|_| format!("dns.asked: '{kind}' is no record type"))?;
        Ok(self.zone.asked(&zone_name(name), kind))
    }

    fn stub_url(&self, url: &str, page: Page) -> Result<(), String> {
        self.web.put(url, page).map_err(|error| format!("http.stub: {error}"))
    }

    fn stub_map(&self, name: &str, stub: Stub) {
        self.maps.put(name, stub);
    }

    fn web_requests(&self) -> Vec<Asked> {
        self.web.asked()
    }

    fn fail_store(&self, kind: Option<&str>) -> Result<(), String> {
        self.shelf.fail(kind)
    }

    fn answer(&self, verb: &str, part: &str, answer: Option<Answer>) -> Result<(), String> {
        self.backend.answer(verb, part, answer)
    }

    fn messages(&self) -> Vec<Taken> {
        self.backend.messages()
    }

    fn commands(&self) -> Vec<String> {
        self.backend.commands()
    }

    fn logged(&self, text: &str) -> Option<String> {
        self.journal.find(text)
    }

    fn take_errors(&self) -> Vec<String> {
        self.journal.take_errors()
    }

    fn print(&self, text: &str) {
        eprintln!("{text}");
    }

    fn begin_case(self: Rc<Self>) -> Later<()> {
        Box::pin(async move {
            self.dismiss().await;
            self.visitors.borrow_mut().clear();
            self.backend.forget();
            self.web.forget();
            self.shelf.clear();
            self.journal.clear();
        })
    }
}

/// The name under which the DNS knows `name`: that of the reverse zone for an address.
fn zone_name(name: &str) -> String {
    name.parse::<IpAddr>().map_or_else(|_| name.to_owned(), reverse_name)
}
