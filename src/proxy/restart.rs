//! XCLIENT: the session begins anew, as that of the client which a machine in front of us has named.

use std::rc::Rc;

use tokio::time::Instant;

use crate::net::names::ClientName;
use crate::proxy::ending::End;
use crate::proxy::identify::NameSearch;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::admit::Admitted;
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::smtp::command::{Command, Verb};
use crate::smtp::particulars::{Particulars, Value};
use crate::smtp::reply::Reply;

impl Serve {
    /// Takes an admitted XCLIENT: everything is forgotten, the `connect` policies are asked of the client that was
    /// named, and the banner, or what they say in its place, is the answer. Source: Postfix XCLIENT_README.
    pub(super) async fn take_xclient(&mut self, admitted: Admitted) -> Flow {
        let Command::Xclient(text) = admitted.command() else { return Ok(()) };
        let offered = self.session.borrow().xclient_attributes();
        let told = match Particulars::parse(text, offered) {
            Ok(told) => told,
            Err(error) => return self.say_error(Said::core(error.into()), Verb::Xclient).await,
        };
        let offer = Offer::plain(&self.context.rules);
        let ended = self.session.borrow_mut().commit(admitted, offer, Effects::default(), &Reply::OK);
        self.after_end(ended);
        // What the backend was told of was another client.
        self.link.close();
        self.session.borrow_mut().restart(&told);
        let client = self.session.borrow().identity().client.ip();
        if let Err(reply) = self.place.count(client, &self.context.rules.limits, Instant::now()) {
            return self.close_with(reply, End::limit()).await;
        }
        self.policies =
            self.context.policies.as_ref().map(|policies| policies.open(Rc::clone(&self.session)));
        self.name = match told.name {
            Value::Known(name) => NameSearch::Done(ClientName::Known(name)),
            Value::Unavailable => NameSearch::Done(ClientName::None),
            Value::TemporarilyUnavailable => NameSearch::Done(ClientName::Unknown),
            Value::Untold if self.context.listener.client_name => {
                NameSearch::start(&*self.context.names, client)
            }
            Value::Untold => NameSearch::Done(ClientName::None),
        };
        Box::pin(self.greet_client()).await
    }
}
