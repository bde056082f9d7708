//! A command beside the way of mail, which policies may answer: VRFY, EXPN, ETRN, HELP, a verb that nobody knows.

use crate::policy::event::Event;
use crate::policy::verdict::Verdict;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::admit::Admitted;
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::smtp::command::Verb;
use crate::smtp::reply::Reply;

impl Serve {
    /// Takes the command `text`, about which policies are asked whether or not it was admitted.
    ///
    /// Without a verdict the listener's own answer stands. With one a bad command is still a bad one, and is counted.
    pub(super) async fn take_aside(
        &mut self,
        admitted: Result<Admitted, Reply>,
        verb: Verb,
        text: &str,
    ) -> Flow {
        let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
        let word = word.to_ascii_uppercase();
        let mut decision = self.decide(Event::Command { verb: &word, argument: argument.trim() }).await;
        let delay = decision.delay();
        let effects = decision.take_effects();
        let own = match &admitted {
            Ok(admitted) => self.session.borrow().answer(admitted),
            Err(refusal) => refusal.clone(),
        };
        let said = match decision.verdict {
            Verdict::Refuse(reply) => {
                self.note_refusal("command", &reply, decision.policy.as_ref());
                Said::policy(reply, decision.policy)
            }
            Verdict::Accept | Verdict::Discard { .. } => Said::core(own.clone()),
        };
        let said = said.answering(verb, text).after(delay);
        self.session.borrow_mut().commit_asides(effects);
        match admitted {
            Ok(admitted) => {
                let offer = Offer::plain(&self.context.rules);
                self.session.borrow_mut().commit(admitted, offer, Effects::default(), &said.reply);
                self.say(said).await
            }
            Err(_) => {
                self.context.counters.command_errors.increase();
                let excess = self.session.borrow_mut().commit_error(verb, &own);
                self.say(excess.map_or(said, Said::core)).await
            }
        }
    }
}

/// Whether policies are asked about a command with this verb.
pub(super) fn is_aside(verb: Verb) -> bool {
    matches!(verb, Verb::Vrfy | Verb::Expn | Verb::Etrn | Verb::Help | Verb::Unknown)
}
