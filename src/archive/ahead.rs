//! Threads that decode a table's rows ahead of whoever takes them, in order, member by member.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::decode::Position;
use super::index::Rows;
use super::segment::{Cutter, Members};
use super::{Format, OpenFile};
use crate::{Error, Result};

/// Members that are decoded or wait, for each thread.
const WAITING: usize = 1;

/// The members of all segments of some rows but the last one, which holds what follows the rows, too.
pub(super) struct Ahead {
    shared: Arc<Shared>,
    /// The next member to be given.
    next: usize,
    /// Bytes of the first member's text that are before the rows.
    skip: u64,
    /// Offset in the text of what is given next.
    text: u64,
}

/// What comes next.
pub(super) enum Next {
    /// The text of a member from where the rows begin in it, and its bytes in the file.
    Text(Vec<u8>, u64),
    /// All has been given that could be decoded member by member: here is where to read on.
    ReadOn(Position),
}

struct Shared {
    /// Held while a member is numbered and cut, so that they are cut in order.
    cutter: Mutex<Cutter>,
    format: Format,
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
}

#[derive(Default)]
struct State {
    /// The next member that a thread takes.
    next: usize,
    /// The one that is wanted first.
    wanted: usize,
    done: BTreeMap<usize, Result<Decoded>>,
    /// Nobody takes any more.
    over: bool,
}

/// What has become of a member.
struct Decoded {
    /// Where it begins in the file.
    offset: u64,
    /// Its bytes there.
    stored: u64,
    /// `None`: it is not one, or cannot be decoded as a whole.
    text: Option<Vec<u8>>,
}

impl Ahead {
    pub(super) fn new(file: &OpenFile, format: Format, rows: &Rows, jobs: usize) -> Ahead {
        let mut segments = rows.segments.clone();
        segments.pop();
        let shared = Arc::new(Shared {
            cutter: Mutex::new(Cutter::new(file, format, rows.offset, segments)),
            format,
            state: Mutex::default(),
            changed: Condvar::new(),
            most: jobs * WAITING,
        });
        for _ in 0..jobs {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.work());
        }
        Ahead {
            shared,
            next: 0,
            skip: rows.skip,
            text: rows.text.saturating_sub(rows.skip),
        }
    }

    /// What comes next. Nothing comes after [`Next::ReadOn`] or an error.
    pub(super) fn next(&mut self) -> Result<Next> {
        let number = self.next;
        let mut state = self.shared.lock();
        let decoded = loop {
            match state.done.remove(&number) {
                Some(decoded) => break decoded?,
                None => state = self.shared.wait(state),
            }
        };
        state.wanted = number + 1;
        drop(state);
        self.shared.changed.notify_all();
        self.next += 1;
        let Some(mut text) = decoded.text else {
            return Ok(Next::ReadOn(Position {
                offset: decoded.offset,
                text: self.text,
            }));
        };
        self.text += text.len() as u64;
        let skip = usize::try_from(std::mem::take(&mut self.skip)).unwrap_or(usize::MAX);
        if skip > text.len() {
            return Err(Error::damaged(
                "the index speaks of rows behind the end of their member",
            ));
        }
        text.drain(..skip);
        Ok(Next::Text(text, decoded.stored))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut decoder = Members::new(self.format);
        loop {
            let mut cutter = self.cutter.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = self.lock();
            while !state.over && state.next >= state.wanted + self.most {
                state = self.wait(state);
            }
            if state.over {
                return;
            }
            let number = state.next;
            state.next += 1;
            drop(state);
            let mut promise = Promise {
                shared: self,
                number,
                decoded: None,
            };
            let cut = cutter.cut();
            let end = cutter.offset();
            drop(cutter);
            let decoded = cut.map(|cut| match cut {
                Some(cut) => Decoded {
                    offset: cut.offset,
                    stored: cut.stored.len() as u64,
                    text: decoder.decode(&cut),
                },
                None => Decoded {
                    offset: end,
                    stored: 0,
                    text: None,
                },
            });
            let goes_on = matches!(&decoded, Ok(Decoded { text: Some(_), .. }));
            promise.decoded = Some(decoded);
            drop(promise);
            if !goes_on {
                return;
            }
        }
    }
}

/// A member that a thread took: whoever waits for it is answered, even if the thread panics.
struct Promise<'a> {
    shared: &'a Shared,
    number: usize,
    decoded: Option<Result<Decoded>>,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let decoded = self.decoded.take();
        let decoded = decoded.unwrap_or_else(|| Err(Error::failed("a thread that reads the file panicked")));
        self.shared.lock().done.insert(self.number, decoded);
        self.shared.changed.notify_all();
    }
}
