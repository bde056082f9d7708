//! Asking a source once for all who want to know: fresh answers from the store, one question on its way, stale answers
//! while it is.

use std::time::Duration;

use crate::store::calls::Store;
use crate::store::flight::{Asker, Boarding, Landing};
use crate::store::key::Key;
use crate::store::operation::Recalled;
use crate::store::value::Encoded;

/// How long an answer is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// A value.
    pub fresh: Duration,
    /// That there is none; `None`: it is not remembered.
    pub negative: Option<Duration>,
    /// A value, past `fresh`, while the source is asked, and if it doesn't answer.
    pub stale: Duration,
}

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// It is known, or somebody else has asked.
    Told(Landing),
    /// The caller's, who has to ask and then to [`Store::settle`].
    Ask(Question),
    /// Nobody's: the caller is asking this very question already.
    Own,
}

/// A question that the caller asks for all. Dropped, the next of those who wait asks it.
#[derive(Debug)]
pub struct Question {
    asker: Asker,
    terms: Terms,
    /// What was known before, and still is better than nothing.
    stale: Option<Option<Encoded>>,
}

/// What the source said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// This, or that there is none.
    Known(Option<Encoded>),
    /// Nothing, for a reason of this kind.
    NotKnown(String),
}

impl Question {
    /// What it is told apart by from all others of the process.
    pub fn number(&self) -> u64 {
        self.asker.number()
    }
}

impl Store {
    /// What is known of `key`, or the turn to ask. `asks` are the questions that the caller is asking already.
    ///
    /// Waits for who asks, unless there is a stale answer meanwhile. A store that fails remembers nothing, but still no
    /// two ask at once.
    pub async fn inquire(&self, key: &Key, terms: Terms, asks: &[u64]) -> Turn {
        loop {
            let asker = match (self.known(key).await, self.board(key)) {
                (Some(Recalled { value, is_fresh: true }), _) => return Turn::Told(Landing::Known(value)),
                (_, Boarding::Ask(asker)) => asker,
                (_, Boarding::Wait(waiter)) if asks.contains(&waiter.asker()) => return Turn::Own,
                (Some(stale), Boarding::Wait(_)) => return Turn::Told(Landing::Stale(stale.value)),
                (None, Boarding::Wait(waiter)) => match waiter.landing().await {
                    Some(landing) => return Turn::Told(landing),
                    None => continue,
                },
            };
            // Who asked before may have remembered it since.
            return match self.known(key).await {
                Some(Recalled { value, is_fresh: true }) => {
                    asker.land(Landing::Known(value.clone()));
                    Turn::Told(Landing::Known(value))
                }
                stale => Turn::Ask(Question { asker, terms, stale: stale.map(|stale| stale.value) }),
            };
        }
    }

    async fn known(&self, key: &Key) -> Option<Recalled> {
        self.recall(key.clone()).await.ok().flatten()
    }

    /// Remembers what the source said, and tells it to those who wait: the same as to the caller.
    pub async fn settle(&self, question: Question, heard: Heard) -> Landing {
        let Question { asker, terms, stale } = question;
        let key = asker.key().clone();
        let landing = match (heard, stale) {
            (Heard::Known(value), _) => {
                // A store that fails: asked again the next time.
                let _ = match (&value, terms.negative) {
                    (Some(value), _) => {
                        self.remember(key, Some(value.clone()), terms.fresh, terms.stale).await
                    }
                    (None, Some(negative)) => self.remember(key, None, negative, Duration::ZERO).await,
                    // What was known before isn't true any more.
                    (None, None) => self.delete(key).await,
                };
                Landing::Known(value)
            }
            (Heard::NotKnown(_), Some(stale)) => Landing::Stale(stale),
            (Heard::NotKnown(kind), None) => Landing::NotKnown(kind),
        };
        asker.land(landing.clone());
        landing
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::poll;

    use super::*;
    use crate::store::clock::Clock;
    use crate::store::key::Space;
    use crate::store::memory::{MEMORY, Memory};
    use crate::store::value::Value;

    const TERMS: Terms = Terms {
        fresh: Duration::from_secs(60),
        negative: Some(Duration::from_secs(10)),
        stale: Duration::from_secs(600),
    };

    fn store() -> (Store, Clock, Key) {
        let clock = Clock::standing();
        let keeper = Memory::new(MEMORY, clock.clone());
        let store = Store::new(Arc::new(keeper), "", Duration::from_secs(1));
        let key = store.key(Space::Policy("p"), b"k").unwrap();
        (store, clock, key)
    }

    fn value(number: i64) -> Option<Encoded> {
        Some(Value::Integer(number).encode().unwrap())
    }

    async fn question(store: &Store, key: &Key) -> Question {
        match store.inquire(key, TERMS, &[]).await {
            Turn::Ask(question) => question,
            other => panic!("{other:?}"),
        }
    }

    async fn told(store: &Store, key: &Key) -> Landing {
        match store.inquire(key, TERMS, &[]).await {
            Turn::Told(landing) => landing,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn one_asks_for_all_and_the_answer_lasts() {
        let (store, clock, key) = store();
        let first = question(&store, &key).await;
        let mut second = Box::pin(store.inquire(&key, TERMS, &[]));
        assert!(poll!(&mut second).is_pending());
        store.settle(first, Heard::Known(value(1))).await;
        assert!(matches!(second.await, Turn::Told(Landing::Known(known)) if known == value(1)));
        clock.advance(Duration::from_secs(59));
        assert_eq!(told(&store, &key).await, Landing::Known(value(1)));
        clock.advance(Duration::from_secs(1));
        question(&store, &key).await;
    }

    #[tokio::test]
    async fn that_there_is_none_lasts_as_long_as_said() {
        let (store, clock, key) = store();
        let first = question(&store, &key).await;
        store.settle(first, Heard::Known(None)).await;
        assert_eq!(told(&store, &key).await, Landing::Known(None));
        clock.advance(Duration::from_secs(10));
        question(&store, &key).await;
    }

    #[tokio::test]
    async fn while_one_asks_the_others_have_the_stale_answer() {
        let (store, clock, key) = store();
        let first = question(&store, &key).await;
        store.settle(first, Heard::Known(value(1))).await;
        clock.advance(Duration::from_secs(61));
        let asked = question(&store, &key).await;
        assert_eq!(told(&store, &key).await, Landing::Stale(value(1)), "at once");
        let landing = store.settle(asked, Heard::NotKnown("timeout".into())).await;
        assert_eq!(landing, Landing::Stale(value(1)), "and who asked has it too");
        clock.advance(Duration::from_secs(600));
        let asked = question(&store, &key).await;
        let landing = store.settle(asked, Heard::NotKnown("timeout".into())).await;
        assert_eq!(landing, Landing::NotKnown("timeout".into()), "past its bound it is none");
    }

    #[tokio::test]
    async fn who_leaves_makes_way_and_nobody_waits_for_himself() {
        let (store, _, key) = store();
        let first = question(&store, &key).await;
        let asks = [first.number()];
        assert!(matches!(store.inquire(&key, TERMS, &asks).await, Turn::Own));
        let mut second = Box::pin(store.inquire(&key, TERMS, &[]));
        assert!(poll!(&mut second).is_pending());
        drop(first);
        assert!(matches!(second.await, Turn::Ask(_)));
    }

    #[tokio::test]
    async fn a_thousand_on_many_threads_ask_once() {
        let (store, _, key) = store();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (store, key) = (store.clone(), key.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(async {
                        let mut asked = 0;
                        let all = (0..250).map(|_| store.inquire(&key, TERMS, &[]));
                        for turn in futures_util::future::join_all(all.map(|inquiry| async {
                            match inquiry.await {
                                Turn::Ask(question) => {
                                    tokio::task::yield_now().await;
                                    store.settle(question, Heard::Known(value(7))).await;
                                    1
                                }
                                Turn::Told(Landing::Known(known)) if known == value(7) => 0,
                                other => panic!("{other:?}"),
                            }
                        }))
                        .await
                        {
                            asked += turn;
                        }
                        asked
                    })
                })
            })
            .collect();
        let asked: i32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(asked, 1);
    }
}
