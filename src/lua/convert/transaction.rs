//! The table of one transaction and what has been made for it; from `mail` to `outcome` it is one object.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use mlua::{IntoLua, Table, Value};

use crate::lua::convert::kit::Kit;
use crate::lua::convert::subject;
use crate::lua::convert::vars::Tables;
use crate::policy::event::Outcome;
use crate::session::envelope::Transaction;
use crate::smtp::command::{Mail, Rcpt};
use crate::smtp::params::{MailParams, RcptParams};
use crate::smtp::path::{ForwardPath, ReversePath};

/// The table of one transaction.
#[derive(Debug)]
pub(in crate::lua) struct TransactionView {
    /// Counts the session's transactions, from 1; none for one that has ended before a hook asked for it.
    pub(super) number: Option<u64>,
    pub(super) table: Table,
    pub(super) mail: Option<Table>,
    /// The recipients as they were last asked for, and their mark.
    recipients: Option<(u64, Table)>,
}

impl TransactionView {
    /// The table of the transaction of this number.
    pub(super) fn new(kit: &Kit, number: Option<u64>) -> mlua::Result<Self> {
        Ok(TransactionView { number, table: kit.transaction.call(number)?, mail: None, recipients: None })
    }

    /// The recipients of `open` that have not been refused, in order: the same table while they are the same.
    pub(super) fn recipients(&mut self, kit: &Kit, open: Option<&Transaction>) -> mlua::Result<Table> {
        let mark = open.map_or(0, mark);
        if let Some((made, table)) = &self.recipients
            && *made == mark
        {
            return Ok(table.clone());
        }
        let list = kit.lua.create_table()?;
        for recipient in open.iter().flat_map(|open| &open.recipients) {
            list.raw_push(subject::rcpt(kit, &recipient.rcpt, recipient.index)?)?;
        }
        let table = kit.view("recipients", list)?;
        self.recipients = Some((mark, table.clone()));
        Ok(table)
    }
}

/// A number that is another one when the recipients are.
fn mark(open: &Transaction) -> u64 {
    let mut hash = DefaultHasher::new();
    (open.recipients.len(), open.refused_recipients).hash(&mut hash);
    // Only policies put others in the place of some.
    if open.recipients_changed {
        open.recipients.iter().for_each(|recipient| recipient.rcpt.forward_path.as_str().hash(&mut hash));
    }
    hash.finish()
}

/// A transaction that has ended, for its `outcome` hooks: the session may have begun the next one by then.
#[derive(Debug)]
pub(in crate::lua) struct Past {
    outcome: Rc<Outcome>,
    view: RefCell<Option<TransactionView>>,
    pub(in crate::lua) vars: RefCell<Tables>,
}

impl Past {
    /// What is left of a transaction with this outcome: its table, if a hook has asked for it, and the policies' own.
    pub(super) fn new(outcome: &Rc<Outcome>, view: Option<TransactionView>, vars: Tables) -> Self {
        Past { outcome: Rc::clone(outcome), view: RefCell::new(view), vars: RefCell::new(vars) }
    }

    /// Its table.
    pub(super) fn table(&self, kit: &Kit) -> mlua::Result<Table> {
        let mut known = self.view.borrow_mut();
        match &*known {
            Some(known) => Ok(known.table.clone()),
            None => Ok(known.insert(TransactionView::new(kit, None)?).table.clone()),
        }
    }

    /// A fact of it but `vars`: as it was made before, else from the outcome.
    pub(super) fn fact(&self, kit: &Kit, key: &[u8]) -> mlua::Result<Value> {
        let known = self.view.borrow();
        let known = known.as_ref();
        let table = match key {
            b"mail" => match known.and_then(|known| known.mail.clone()) {
                Some(mail) => mail,
                None => {
                    let reverse_path = ReversePath::parse(&format!("<{}>", self.outcome.reverse_path), false);
                    let reverse_path = reverse_path.unwrap_or(ReversePath::Null);
                    subject::mail(kit, &Mail { reverse_path, params: MailParams::default() })?
                }
            },
            b"recipients" => match known.and_then(|known| known.recipients.clone()) {
                Some((_, recipients)) => recipients,
                None => self.recipients(kit)?,
            },
            b"score" => return self.outcome.score.into_lua(&kit.lua),
            _ => return Ok(Value::Nil),
        };
        Ok(Value::Table(table))
    }

    /// The recipients that were accepted.
    fn recipients(&self, kit: &Kit) -> mlua::Result<Table> {
        let list = kit.lua.create_table()?;
        let all = self.outcome.recipients.iter().enumerate();
        for (at, recipient) in all.filter(|(_, one)| one.code.is_positive()) {
            let Ok(forward_path) = ForwardPath::parse(&format!("<{}>", recipient.address), false) else {
                continue;
            };
            let rcpt = Rcpt { forward_path, params: RcptParams::default() };
            list.raw_push(subject::rcpt(kit, &rcpt, at + 1)?)?;
        }
        kit.view("recipients", list)
    }
}
