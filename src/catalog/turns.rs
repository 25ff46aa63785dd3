//! Which session runs which query, and the order in which a session begins them.
//!
//! A session answers in the order in which it was asked, and rows are taken in the order of the registry. A session
//! that began a later query before an earlier one would keep the earlier one's rows behind rows which nobody takes yet,
//! and both would wait for ever. So a session begins its queries in the order in which they took their turns.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Hands out the sessions, by number.
pub(super) struct Turns(Mutex<State>);

struct State {
    /// Sessions that can take another query, the one that has been free for longest first; several times each.
    free: VecDeque<usize>,
    /// Of each session: told when the query that took its turn last has begun.
    begun: Vec<Option<oneshot::Receiver<()>>>,
}

/// A query's turn, until it has begun, which is when this is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    /// The session that runs it.
    pub(super) session: usize,
    before: Option<oneshot::Receiver<()>>,
    _begun: oneshot::Sender<()>,
}

impl Turns {
    /// Turns on this many sessions, each with so many queries at once between its turn and its beginning.
    pub(super) fn new(sessions: usize, at_once: usize) -> Turns {
        Turns(Mutex::new(State {
            free: (0..sessions * at_once).map(|n| n % sessions).collect(),
            begun: (0..sessions).map(|_| None).collect(),
        }))
    }

    /// The next turn. If there are more than there is room for, the first session takes it.
    pub(super) fn take(&self) -> Turn<'_> {
        let mut state = self.state();
        let session = state.free.pop_front().unwrap_or(0);
        let (tell, begun) = oneshot::channel();
        Turn {
            turns: self,
            session,
            before: state.begun[session].replace(begun),
            _begun: tell,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Waits until the session has begun all queries that took their turns before this one.
    pub(super) async fn come(&mut self) {
        if let Some(before) = &mut self.before {
            // Nothing is ever sent: the other end is dropped.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.state().free.push_back(self.session);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_session_begins_its_queries_in_order_whoever_asks_first() {
        let turns = Turns::new(1, 3);
        let (first, mut second, mut third) = (turns.take(), turns.take(), turns.take());
        assert!(third.come().now_or_never().is_none());
        assert!(second.come().now_or_never().is_none());
        drop(first);
        assert!(third.come().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_query_that_failed_to_begin_holds_up_nobody() {
        let turns = Turns::new(2, 2);
        let (first, other, mut second) = (turns.take(), turns.take(), turns.take());
        assert_eq!((first.session, other.session, second.session), (0, 1, 0));
        drop(first);
        second.come().await;
        // The session that has been free for longest is next: 1 had room all the time.
        assert_eq!(turns.take().session, 1);
        assert_eq!(turns.take().session, 0);
    }
}
