//! Threads that decode a table's rows ahead of whoever takes them, in order.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Format;
use super::decode::Position;
use super::index::Rows;
use super::segment::Segments;
use crate::{Error, Result};

/// Segments that are decoded or wait, for each thread.
const WAITING: usize = 1;

/// All segments of some rows but the last one, which holds what follows the rows, too.
pub(super) struct Ahead {
    shared: Arc<Shared>,
    /// The next segment to be given.
    next: usize,
    /// Where the last segment begins: in the file, and in the text once all others are given.
    last: Position,
}

struct Shared {
    file: Arc<File>,
    format: Format,
    /// Offset and length in the file.
    segments: Vec<(u64, u64)>,
    /// Bytes of the first segment's text that are before the rows.
    skip: u64,
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
}

#[derive(Default)]
struct State {
    /// The next segment that a thread takes.
    next: usize,
    /// The one that is wanted first.
    wanted: usize,
    done: BTreeMap<usize, Result<Vec<u8>>>,
    /// Nobody takes any more.
    over: bool,
}

impl Ahead {
    pub(super) fn new(file: &Arc<File>, format: Format, rows: &Rows, jobs: usize) -> Ahead {
        let mut offset = rows.offset;
        let mut segments = Vec::with_capacity(rows.segments.len());
        for &length in &rows.segments {
            segments.push((offset, length));
            offset += length;
        }
        let last = segments.pop().unwrap_or((rows.offset, 0)).0;
        let jobs = jobs.min(segments.len()).max(1);
        let shared = Arc::new(Shared {
            file: Arc::clone(file),
            format,
            segments,
            skip: rows.skip,
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
            last: Position {
                offset: last,
                text: rows.text,
            },
        }
    }

    /// The text of the next segment from where the rows begin in it, and its bytes in the file.
    pub(super) fn next(&mut self) -> Result<(Vec<u8>, u64)> {
        let number = self.next;
        let mut state = self.shared.lock();
        let mut text = loop {
            match state.done.remove(&number) {
                Some(text) => break text?,
                None => state = self.shared.wait(state),
            }
        };
        state.wanted = number + 1;
        drop(state);
        self.shared.changed.notify_all();
        self.next += 1;
        if number == 0 {
            let skip = usize::try_from(self.shared.skip).unwrap_or(usize::MAX);
            if skip > text.len() {
                return Err(Error::damaged(
                    "the index speaks of rows behind the end of their member",
                ));
            }
            text.drain(..skip);
        }
        self.last.text += text.len() as u64;
        Ok((text, self.shared.segments[number].1))
    }

    /// Whether all have been given.
    pub(super) fn is_over(&self) -> bool {
        self.next == self.shared.segments.len()
    }

    /// Where to read on.
    pub(super) fn last(&self) -> Position {
        self.last
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
        let mut decoder = Segments::new(self.format);
        loop {
            let mut state = self.lock();
            while !state.over && state.next >= state.wanted + self.most {
                state = self.wait(state);
            }
            let number = state.next;
            if state.over || number == self.segments.len() {
                return;
            }
            state.next += 1;
            drop(state);
            let (offset, length) = self.segments[number];
            let mut promise = Promise {
                shared: self,
                number,
                text: None,
            };
            promise.text = Some(decoder.decode(&self.file, offset, length));
        }
    }
}

/// A segment that a thread took: whoever waits for it is answered, even if the thread panics.
struct Promise<'a> {
    shared: &'a Shared,
    number: usize,
    text: Option<Result<Vec<u8>>>,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let text = self.text.take();
        let text = text.unwrap_or_else(|| Err(Error::failed("a thread that reads the file panicked")));
        self.shared.lock().done.insert(self.number, text);
        self.shared.changed.notify_all();
    }
}
