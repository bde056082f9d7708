//! The scopes that are open at a place of a script, and the names that they declare.

use crate::lua::types::class::Class;

/// What is known of a local: its class, if it is one of ours.
pub(in crate::lua) type Holds = Option<&'static Class>;

/// What opened a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opener {
    /// The whole file.
    File,
    Function,
    /// `do`, `then`, `else`.
    Block,
    /// `for`, whose names are not yet visible.
    For,
    Repeat,
    /// A table; whether it is the one that the file returns.
    Table {
        is_policy: bool,
    },
    /// `(` or `[`.
    Bracket,
}

#[derive(Debug)]
struct Scope<'a> {
    opener: Opener,
    names: Vec<(&'a [u8], Holds)>,
}

/// Open scopes, the innermost last.
#[derive(Debug)]
pub(in crate::lua) struct Scopes<'a>(Vec<Scope<'a>>);

impl<'a> Scopes<'a> {
    /// Those at the beginning of a file.
    pub(super) fn new() -> Self {
        Scopes(vec![Scope { opener: Opener::File, names: Vec::new() }])
    }

    /// What the visible local `name` holds; nothing if there is no such local.
    pub(super) fn find(&self, name: &[u8]) -> Option<Holds> {
        let visible = self.0.iter().rev().filter(|scope| scope.opener != Opener::For);
        let mut names = visible.flat_map(|scope| scope.names.iter().rev());
        names.find(|(known, _)| *known == name).map(|(_, holds)| *holds)
    }

    /// The names of all visible locals.
    pub(in crate::lua) fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        let visible = self.0.iter().filter(|scope| scope.opener != Opener::For);
        visible.flat_map(|scope| scope.names.iter().map(|(name, _)| *name))
    }

    /// What opened the innermost scope.
    pub(super) fn opener(&self) -> Opener {
        self.0.last().map_or(Opener::File, |scope| scope.opener)
    }

    /// Whether no function is open.
    pub(super) fn is_top_level(&self) -> bool {
        self.0.iter().all(|scope| scope.opener != Opener::Function)
    }

    /// A new innermost scope.
    pub(super) fn open(&mut self, opener: Opener) {
        self.0.push(Scope { opener, names: Vec::new() });
    }

    /// A new local of the innermost scope.
    pub(super) fn declare(&mut self, name: &'a [u8], holds: Holds) {
        if let Some(scope) = self.0.last_mut() {
            scope.names.push((name, holds));
        }
    }

    /// The local `name` gets another value.
    pub(super) fn forget(&mut self, name: &[u8]) {
        let mut names = self.0.iter_mut().rev().flat_map(|scope| scope.names.iter_mut().rev());
        if let Some((_, holds)) = names.find(|(known, _)| *known == name) {
            *holds = None;
        }
    }

    /// `do`: the body of the loop that is being declared, or a block.
    pub(super) fn open_body(&mut self) {
        match self.0.last_mut() {
            Some(scope) if scope.opener == Opener::For => scope.opener = Opener::Block,
            _ => self.open(Opener::Block),
        }
    }

    /// `end`: closes the innermost function or block.
    pub(super) fn close_block(&mut self) {
        self.close(|opener| matches!(opener, Opener::Function | Opener::Block | Opener::For));
    }

    /// `)`, `]` or `}`.
    pub(super) fn close_bracket(&mut self) {
        if matches!(self.opener(), Opener::Table { .. } | Opener::Bracket) {
            self.0.pop();
        }
    }

    /// `until`: its condition still sees the locals of the body.
    pub(super) fn close_repeat(&mut self) {
        if let Some(closed) = self.close(|opener| opener == Opener::Repeat)
            && let Some(scope) = self.0.last_mut()
        {
            scope.names.extend(closed.names);
        }
    }

    /// Closes scopes up to the innermost that `is_it`; none if there is no such.
    fn close(&mut self, is_it: impl Fn(Opener) -> bool) -> Option<Scope<'a>> {
        let at = self.0.iter().rposition(|scope| is_it(scope.opener))?;
        let mut closed = self.0.drain(at..);
        closed.next()
    }
}
