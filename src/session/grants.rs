//! What hooks have set and how long it stands: grants, skips, acceptances, scores, notes, a held refusal.

use crate::session::effects::{Acceptance, Effects, Grant, Held, Scope, Score, Skip};

/// What the hooks of one stage have left behind.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The first grant to relay.
    pub grant: Option<Grant>,
    /// Policies that are passed over.
    pub skips: Vec<Skip>,
    /// The policy that accepted for all others.
    pub acceptance: Option<Acceptance>,
    /// Points given.
    pub scores: Vec<Score>,
    /// Fields for the log.
    pub notes: Vec<(String, String)>,
    /// The first refusal held back.
    pub held: Option<Held>,
}

/// Notes kept at most, over all stages together a small multiple of it.
const NOTES: usize = 64;
/// Scores kept at most.
const SCORES: usize = 256;

impl Standing {
    /// Adds what `effects` set for this stage's own duration.
    pub fn take(&mut self, effects: &mut Effects) {
        self.grant = self.grant.take().or(effects.grant.take());
        self.held = self.held.take().or(effects.held.take());
        for score in effects.scores.drain(..) {
            if self.scores.len() < SCORES {
                self.scores.push(score);
            } else if let Some(last) = self.scores.last_mut() {
                last.points += score.points; // the sum stays true though the list is full
            }
        }
        self.take_notes(effects);
    }

    /// Adds the notes of `effects`, and nothing else of them.
    pub fn take_notes(&mut self, effects: &mut Effects) {
        for (key, value) in effects.notes.drain(..) {
            if let Some(note) = self.notes.iter_mut().find(|(known, _)| *known == key) {
                note.1 = value;
            } else if self.notes.len() < NOTES {
                self.notes.push((key, value));
            }
        }
    }

    /// Adds the skips and the acceptance of `effects` that last as long as `scope`.
    pub fn take_exemptions(&mut self, effects: &mut Effects, scope: Scope) {
        for skip in effects.skips.extract_if(.., |skip| skip.scope == scope) {
            if !self.skips.contains(&skip) {
                self.skips.push(skip);
            }
        }
        if effects.acceptance.as_ref().is_some_and(|acceptance| acceptance.scope == scope) {
            self.acceptance = self.acceptance.take().or(effects.acceptance.take());
        }
    }

    /// The sum of the points.
    pub fn score(&self) -> f64 {
        self.scores.iter().fold(0.0, |sum, score| sum + score.points)
    }
}

#[cfg(test)]
mod tests;
