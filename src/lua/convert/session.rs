//! `session`, as scripts see it: facts that are made when first asked for, and what the policies remember.

use std::cell::{OnceCell, RefCell};
use std::ffi::c_void;
use std::net::IpAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use mlua::{AnyUserData, IntoLua, Table, Value};

use crate::lua::charge;
use crate::lua::convert::kit::Kit;
use crate::lua::convert::login;
use crate::lua::convert::sets::DomainSetObject;
use crate::lua::convert::subject;
use crate::lua::convert::tls;
use crate::lua::convert::transaction::{Past, TransactionView};
use crate::lua::convert::vars::Vars;
use crate::lua::slice::HookWaker;
use crate::lua::tasks::Tasks;
use crate::names::network::address_text;
use crate::policy::door::SharedSession;
use crate::policy::event::{Outcome, Stage};
use crate::session::identity::{self, Identity, ToldTls};
use crate::session::relay::RelayDomains;
use crate::smtp::command::Verb;
use crate::smtp::host::Host;
use crate::smtp::particulars::Value as Told;

/// Steps that an entry of `symbols` takes.
const SCORE: usize = 200;

/// One session in one Lua state.
#[derive(Debug)]
pub struct SessionView {
    /// What runs beside the hooks. Owned by the session: a task knows this view.
    pub(in crate::lua) tasks: Weak<Tasks>,
    pub(in crate::lua) session: SharedSession,
    pub(in crate::lua) kit: Rc<Kit>,
    pub(in crate::lua) vars: RefCell<Vars>,
    /// The subject of an `ehlo` or `mail` hook, which `session` shows before it is committed.
    pub(in crate::lua) provisional: RefCell<Option<Table>>,
    pub(super) transaction: RefCell<Option<TransactionView>>,
    /// The greeting's table, and the greeting that it shows.
    ehlo: RefCell<Option<(Verb, Host, Table)>>,
    /// The TLS's table; TLS begins once.
    tls: OnceCell<Table>,
    /// The listener's relay domains, the same object for all of its sessions.
    relay_domains: Rc<OnceCell<AnyUserData>>,
    tables: OnceCell<Tables>,
    /// On the guard's clock.
    pub(super) opened: Duration,
    /// The waker of the session's task, as hook calls need it; it rarely changes.
    pub(in crate::lua) waker: RefCell<Option<Rc<HookWaker>>>,
}

/// The tables that a session has from its first hook on.
#[derive(Debug)]
struct Tables {
    session: Table,
    /// What `session` reads as, to tell it from another session's.
    facts: *const c_void,
    client: Value,
}

impl SessionView {
    /// The view of `session`, which was `opened` at this moment of the guard's clock; nothing is made in Lua before a
    /// hook runs.
    pub fn new(
        session: SharedSession,
        kit: &Rc<Kit>,
        opened: Duration,
        relay_domains: &Rc<OnceCell<AnyUserData>>,
        tasks: Weak<Tasks>,
    ) -> Rc<SessionView> {
        Rc::new(SessionView {
            tasks,
            session,
            kit: Rc::clone(kit),
            vars: RefCell::default(),
            provisional: RefCell::default(),
            transaction: RefCell::default(),
            ehlo: RefCell::default(),
            tls: OnceCell::new(),
            relay_domains: Rc::clone(relay_domains),
            tables: OnceCell::new(),
            opened,
            waker: RefCell::default(),
        })
    }

    /// The table that hooks receive as `session`.
    pub(in crate::lua) fn table(&self) -> mlua::Result<&Table> {
        Ok(&self.tables()?.session)
    }

    fn tables(&self) -> mlua::Result<&Tables> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        let client = self.session.borrow().identity().client;
        let (session, facts, client): (Table, Table, Value) =
            self.kit.session.call((address_text(client.ip()), client.port()))?;
        Ok(self.tables.get_or_init(|| Tables { session, facts: facts.to_pointer(), client }))
    }

    /// Whether `facts` is what its `session` reads as.
    pub(super) fn reads(&self, facts: &Table) -> bool {
        self.tables.get().is_some_and(|own| own.facts == facts.to_pointer())
    }

    /// Takes the transaction that has just ended out of the session.
    pub(in crate::lua) fn end_transaction(&self, outcome: &Rc<Outcome>) -> Rc<Past> {
        let vars = self.vars.borrow_mut().end_transaction();
        Rc::new(Past::new(outcome, self.transaction.take(), vars))
    }

    /// The real client's address.
    pub(in crate::lua) fn client_address(&self) -> IpAddr {
        self.session.borrow().identity().client.ip()
    }

    /// The client's name, as far as XCLIENT has told it.
    pub(in crate::lua) fn told_name(&self) -> Told<String> {
        self.session.borrow().identity().name.clone()
    }

    /// Whether replies to this client may hold UTF-8: in a transaction with SMTPUTF8.
    pub(in crate::lua) fn takes_utf8(&self) -> bool {
        let session = self.session.borrow();
        session.transaction().is_some_and(|transaction| transaction.mail.params.smtputf8)
    }

    /// The client's table, which is also the subject of `connect`.
    pub(in crate::lua) fn client(&self) -> mlua::Result<&Value> {
        Ok(&self.tables()?.client)
    }

    /// A greeting or a MAIL is judged: what `session` shows of it is this table while it is.
    pub(in crate::lua) fn show(&self, subject: &Table) {
        self.provisional.replace(Some(subject.clone()));
    }

    /// What is forgotten when the hooks of `stage` have run.
    pub(in crate::lua) fn finish(&self, stage: Stage) {
        self.vars.borrow_mut().finish(stage);
    }

    /// The table of the login in force.
    pub(super) fn auth(&self) -> mlua::Result<Value> {
        match self.session.borrow().login() {
            Some(known) => login::auth(&self.kit, known).map(Value::Table),
            None => Ok(Value::Nil),
        }
    }

    /// The greeting's table; made anew for each greeting.
    pub(super) fn ehlo(&self) -> mlua::Result<Value> {
        let session = self.session.borrow();
        let Some(greeting) = session.greeting() else { return Ok(Value::Nil) };
        match &*self.ehlo.borrow() {
            Some((verb, name, known)) if *verb == greeting.verb && *name == greeting.name => {
                return Ok(Value::Table(known.clone()));
            }
            _ => {}
        }
        let made = subject::ehlo(&self.kit, greeting.verb, &greeting.name)?;
        self.ehlo.replace(Some((greeting.verb, greeting.name.clone(), made.clone())));
        Ok(Value::Table(made))
    }

    /// The TLS's table, or nil.
    pub(in crate::lua) fn tls(&self) -> mlua::Result<Value> {
        if let Some(known) = self.tls.get() {
            return Ok(Value::Table(known.clone()));
        }
        let session = self.session.borrow();
        let Some(tls) = session.tls() else { return Ok(Value::Nil) };
        let made = tls::table(&self.kit, tls)?;
        Ok(Value::Table(self.tls.get_or_init(|| made).clone()))
    }

    /// A fact that never changes, by its name.
    pub(super) fn lasting(&self, key: &[u8]) -> mlua::Result<Option<Value>> {
        let session = self.session.borrow();
        let (identity, rules, lua) = (session.identity(), session.rules(), &self.kit.lua);
        Ok(Some(match key {
            b"id" => identity.id.as_str().into_lua(lua)?,
            b"listener" => rules.listener.as_str().into_lua(lua)?,
            b"protocol" => rules.protocol.as_str().into_lua(lua)?,
            b"peer" => self.peer(identity)?,
            b"server" => {
                let relay_domains = match self.relay_domains.get() {
                    Some(known) => known.clone(),
                    None => {
                        let set = match &rules.relay.domains {
                            RelayDomains::Set(set) => set.clone(),
                            RelayDomains::Backend => Default::default(),
                        };
                        let made = lua.create_userdata(DomainSetObject(set.into()))?;
                        self.relay_domains.get_or_init(|| made).clone()
                    }
                };
                let ip = address_text(identity.server.ip());
                self.kit.server.call((ip, identity.server.port(), rules.hostname.as_str(), relay_domains))?
            }
            _ => return Ok(None),
        }))
    }

    /// The socket's other end, with what it told as a balancer.
    fn peer(&self, identity: &Identity) -> mlua::Result<Value> {
        let (ip, port) = (address_text(identity.peer.ip()), identity.peer.port());
        let Some(told) = identity.told.as_deref() else { return self.kit.peer.call((ip, port)) };
        let identity::Told { authority, alpn, unique_id, tls } = told.clone();
        let has_tls = tls.is_some();
        let ToldTls { version, cipher, subject, is_verified } = tls.unwrap_or_default();
        self.kit.peer.call((
            ip,
            port,
            authority,
            alpn,
            unique_id,
            has_tls,
            version,
            cipher,
            subject,
            is_verified,
        ))
    }

    /// The points so far, as an array.
    pub(super) fn symbols(&self) -> mlua::Result<Value> {
        let list = self.kit.lua.create_table()?;
        let session = self.session.borrow();
        for score in session.scores() {
            charge::steps(&self.kit.lua, SCORE)?;
            list.raw_push(subject::score(&self.kit, score)?)?;
        }
        self.kit.view("symbols", list).map(Value::Table)
    }
}
