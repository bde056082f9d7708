//! `session`, as scripts see it: facts that are made when first asked for, and what the policies remember.

use std::cell::{OnceCell, RefCell};
use std::ffi::c_void;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use mlua::{AnyUserData, Function, IntoLua, Lua, LuaString, Table, Value};

use crate::lua::call::Call;
use crate::lua::caller::raise;
use crate::lua::convert::kit::Kit;
use crate::lua::convert::sets::DomainSetObject;
use crate::lua::convert::subject;
use crate::lua::convert::transaction::{self, TransactionView};
use crate::lua::convert::vars::Vars;
use crate::lua::guard::Guard;
use crate::lua::slice::SliceWaker;
use crate::names::network::address_text;
use crate::policy::door::SharedSession;
use crate::policy::event::Stage;
use crate::session::relay::RelayDomains;
use crate::smtp::command::Verb;
use crate::smtp::host::Host;

/// One session in one Lua state.
#[derive(Debug)]
pub struct SessionView {
    pub(in crate::lua) session: SharedSession,
    pub(in crate::lua) kit: Rc<Kit>,
    pub(in crate::lua) vars: RefCell<Vars>,
    /// The subject of an `ehlo` or `mail` hook, which `session` shows before it is committed.
    pub(in crate::lua) provisional: RefCell<Option<Table>>,
    pub(super) transaction: RefCell<Option<TransactionView>>,
    /// The greeting's table, and the greeting that it shows.
    ehlo: RefCell<Option<(Verb, Host, Table)>>,
    /// The listener's relay domains, the same object for all of its sessions.
    relay_domains: Rc<OnceCell<AnyUserData>>,
    tables: OnceCell<Tables>,
    /// On the guard's clock.
    opened: Duration,
    /// The waker of the session's task, as hook calls need it; it rarely changes.
    pub(in crate::lua) waker: RefCell<Option<(Arc<SliceWaker>, Waker)>>,
    pub(in crate::lua) clock: Rc<Guard>,
}

/// The tables that a session has from its first hook on.
#[derive(Debug)]
struct Tables {
    session: Table,
    /// What `session` reads as, to tell it from another session's.
    facts: *const c_void,
    client: Table,
}

impl SessionView {
    /// The view of `session`; nothing is made in Lua before a hook runs.
    pub fn new(
        session: SharedSession,
        kit: &Rc<Kit>,
        guard: &Rc<Guard>,
        relay_domains: &Rc<OnceCell<AnyUserData>>,
    ) -> Rc<SessionView> {
        Rc::new(SessionView {
            session,
            kit: Rc::clone(kit),
            vars: RefCell::default(),
            provisional: RefCell::default(),
            transaction: RefCell::default(),
            ehlo: RefCell::default(),
            relay_domains: Rc::clone(relay_domains),
            tables: OnceCell::new(),
            opened: guard.now(),
            waker: RefCell::default(),
            clock: Rc::clone(guard),
        })
    }

    /// The table that hooks receive as `session`.
    pub(in crate::lua) fn table(&self) -> mlua::Result<Table> {
        Ok(self.tables()?.session.clone())
    }

    fn tables(&self) -> mlua::Result<&Tables> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        let client = self.session.borrow().identity().client;
        let (session, facts, client): (Table, Table, Table) =
            self.kit.session.call((address_text(client.ip()), client.port()))?;
        Ok(self.tables.get_or_init(|| Tables { session, facts: facts.to_pointer(), client }))
    }

    /// The real client's address.
    pub(in crate::lua) fn client_address(&self) -> IpAddr {
        self.session.borrow().identity().client.ip()
    }

    /// Whether replies to this client may hold UTF-8: in a transaction with SMTPUTF8.
    pub(in crate::lua) fn takes_utf8(&self) -> bool {
        let session = self.session.borrow();
        session.transaction().is_some_and(|transaction| transaction.mail.params.smtputf8)
    }

    /// The client's table, which is also the subject of `connect`.
    pub(in crate::lua) fn client(&self) -> mlua::Result<Table> {
        Ok(self.tables()?.client.clone())
    }

    /// A greeting or a MAIL is judged: what `session` shows of it is this table while it is.
    pub(in crate::lua) fn show(&self, subject: &Table) {
        self.provisional.replace(Some(subject.clone()));
    }

    /// What is forgotten when the hooks of `stage` have run.
    pub(in crate::lua) fn finish(&self, stage: Stage) {
        self.vars.borrow_mut().finish(stage);
    }

    /// The greeting's table; made anew for each greeting.
    fn ehlo(&self) -> mlua::Result<Value> {
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

    /// A fact that never changes, by its name.
    fn lasting(&self, key: &[u8]) -> mlua::Result<Option<Value>> {
        let session = self.session.borrow();
        let (identity, rules, lua) = (session.identity(), session.rules(), &self.kit.lua);
        Ok(Some(match key {
            b"id" => identity.id.as_str().into_lua(lua)?,
            b"listener" => rules.listener.as_str().into_lua(lua)?,
            b"protocol" => "smtp".into_lua(lua)?,
            b"peer" => self.kit.peer.call((address_text(identity.peer.ip()), identity.peer.port()))?,
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

    /// A fact that changes, by its name; nil for what there is not.
    fn passing(&self, call: &Call, key: &[u8]) -> mlua::Result<Value> {
        let lua = &self.kit.lua;
        match key {
            b"ehlo" => match (call.stage, &*self.provisional.borrow()) {
                (Some(Stage::Ehlo), Some(subject)) => return Ok(Value::Table(subject.clone())),
                _ => return self.ehlo(),
            },
            b"transaction" => return transaction::current(self, call),
            b"vars" => return self.vars.borrow_mut().own(&self.kit.lua, call).map(Value::Table),
            b"shared" => return self.vars.borrow_mut().shared(&self.kit.lua, call).map(Value::Table),
            b"symbols" => return self.symbols(),
            _ => {}
        }
        let session = self.session.borrow();
        let counters = session.counters();
        match key {
            b"may_relay" => session.may_relay().into_lua(lua),
            b"talked_early" => counters.talked_early.into_lua(lua),
            b"pipelining_violations" => counters.pipelining_violations.into_lua(lua),
            b"command_errors" => counters.command_errors.into_lua(lua),
            b"recipients_refused" => counters.recipients_refused.into_lua(lua),
            b"refused_by_backend" => counters.refused_by_backend.into_lua(lua),
            // There is no AUTH in this version.
            b"auth_failures" => 0.into_lua(lua),
            b"messages" => counters.messages.into_lua(lua),
            b"octets" => counters.octets.into_lua(lua),
            b"commands" => counters.commands.into_lua(lua),
            b"seconds" => self.clock.now().saturating_sub(self.opened).as_secs_f64().into_lua(lua),
            b"score" => (session.score() + points(call)).into_lua(lua),
            _ => Ok(Value::Nil),
        }
    }

    /// The points so far, as an array.
    fn symbols(&self) -> mlua::Result<Value> {
        let list = self.kit.lua.create_table()?;
        let session = self.session.borrow();
        for score in session.scores() {
            list.raw_push(subject::score(&self.kit, score)?)?;
        }
        self.kit.view("symbols", list).map(Value::Table)
    }
}

/// The points that the running hook has given itself.
pub(super) fn points(call: &Call) -> f64 {
    let effects = call.effects.borrow();
    effects.iter().flat_map(|effects| &effects.scores).fold(0.0, |sum, score| sum + score.points)
}

/// The function behind `session`: makes a fact when it is first asked for, and keeps it if it lasts.
pub(super) fn lazy(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Function> {
    let guard = Rc::clone(guard);
    lua.create_function(move |lua, (facts, key): (Table, Value)| {
        let Value::String(key) = key else { return Ok(Value::Nil) };
        let call = guard.call();
        let Some((call, view)) = call.as_ref().and_then(|call| Some((call, call.session.as_ref()?))) else {
            return Err(raise(lua, "session is gone"));
        };
        if view.tables.get().is_none_or(|own| own.facts != facts.to_pointer()) {
            return Err(raise(lua, "this session is not the one that the hook was called for"));
        }
        fact(view, call, &facts, &key)
    })
}

fn fact(view: &SessionView, call: &Call, facts: &Table, key: &LuaString) -> mlua::Result<Value> {
    let name = key.as_bytes();
    match view.lasting(&name)? {
        Some(value) => {
            facts.raw_set(key, &value)?;
            Ok(value)
        }
        None => view.passing(call, &name),
    }
}
