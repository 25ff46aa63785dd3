//! The ordered queue between workers and the writer: members of units that are worked on at the same time come out in
//! the order of the units.
//!
//! The unit at the head streams straight through: its worker waits for the writer alone. The others may keep members up
//! to a budget in bytes, then their workers wait. So the head always gets on, nothing deadlocks, nothing is spilled, and
//! a slow disk makes workers wait instead of memory grow.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::archive::Member;
use crate::{Error, Result};

/// Bytes of members of the head unit that may wait for the writer.
const HEAD_BYTES: usize = 4 << 20;
/// Bytes of members of all other units that may wait for their turn.
const WAITING_BYTES: usize = 12 << 20;

/// See the module.
pub(super) struct Order {
    state: Mutex<State>,
    changed: Condvar,
    stopped: CancellationToken,
}

#[derive(Default)]
struct State {
    /// Number of the unit that is being written.
    head: usize,
    /// Units from the head on, as far as they were begun.
    units: VecDeque<Waiting>,
    /// Bytes of members of all units but the head.
    waiting: usize,
    /// Nothing will be begun any more.
    all_begun: bool,
    error: Option<Error>,
    stopped: bool,
}

#[derive(Default)]
struct Waiting {
    members: VecDeque<Member>,
    bytes: usize,
    finished: bool,
}

impl Order {
    pub(super) fn new() -> Self {
        Order {
            state: Mutex::default(),
            changed: Condvar::new(),
            stopped: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not hide the state from those who clean up.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next unit out of `units` and opens its place in the order; `None` when there are no more.
    pub(super) fn begin<U>(&self, units: &Mutex<impl Iterator<Item = U>>) -> Option<(usize, U)> {
        let mut state = self.state();
        if state.stopped {
            return None;
        }
        let unit = units.lock().unwrap_or_else(PoisonError::into_inner).next();
        match unit {
            Some(unit) => {
                let number = state.head + state.units.len();
                state.units.push_back(Waiting::default());
                Some((number, unit))
            }
            None => {
                state.all_begun = true;
                self.changed.notify_all();
                None
            }
        }
    }

    /// Hands a member over; waits until there is room for it.
    pub(super) fn push(&self, number: usize, member: Member) -> Result<()> {
        let length = member.bytes.len();
        let mut state = self.state();
        loop {
            if state.stopped {
                return Err(Error::interrupted());
            }
            let at_head = number == state.head;
            let (queued, room) = if at_head {
                (state.units[0].bytes, HEAD_BYTES)
            } else {
                (state.waiting, WAITING_BYTES)
            };
            // A member larger than all the room comes in alone.
            if queued == 0 || queued + length <= room {
                if !at_head {
                    state.waiting += length;
                }
                break;
            }
            state = self.wait(state);
        }
        let head = state.head;
        let unit = &mut state.units[number - head];
        unit.bytes += length;
        unit.members.push_back(member);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until everything before the unit is written.
    pub(super) fn wait_for_head(&self, number: usize) -> Result<()> {
        let mut state = self.state();
        while number != state.head {
            if state.stopped {
                return Err(Error::interrupted());
            }
            state = self.wait(state);
        }
        Ok(())
    }

    /// The unit is complete.
    pub(super) fn finish(&self, number: usize) {
        let mut state = self.state();
        let head = state.head;
        state.units[number - head].finished = true;
        drop(state);
        self.changed.notify_all();
    }

    /// The next member in order; `None` after the last one. An error if the work was stopped.
    pub(super) fn pop(&self) -> Result<Option<Member>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return Err(Error::interrupted());
            }
            if state.units.is_empty() && state.all_begun {
                return Ok(None);
            }
            if let Some(unit) = state.units.front_mut() {
                if let Some(member) = unit.members.pop_front() {
                    unit.bytes -= member.bytes.len();
                    drop(state);
                    self.changed.notify_all();
                    return Ok(Some(member));
                }
                if unit.finished {
                    state.units.pop_front();
                    state.head += 1;
                    // What the new head keeps is not waiting any more.
                    let freed = state.units.front().map_or(0, |unit| unit.bytes);
                    state.waiting -= freed;
                    self.changed.notify_all();
                    continue;
                }
            }
            state = self.wait(state);
        }
    }

    /// Stops everything. The first reason given is the one that counts.
    pub(super) fn stop(&self, reason: Error) {
        let mut state = self.state();
        if !state.stopped {
            state.stopped = true;
            state.error = Some(reason);
        }
        drop(state);
        self.changed.notify_all();
        self.stopped.cancel();
    }

    /// Resolves when the work was stopped.
    pub(super) async fn stopped(&self) {
        self.stopped.cancelled().await;
    }

    /// Held by each thread of the work: one that panics stops all others, who would wait for its members, or for the
    /// writer to make room, for ever.
    pub(super) fn stop_on_panic(&self) -> StopOnPanic<'_> {
        StopOnPanic(self)
    }

    /// Why the work was stopped, to be told once.
    pub(super) fn take_error(&self) -> Option<Error> {
        self.state().error.take()
    }
}

/// See [`Order::stop_on_panic`].
pub(super) struct StopOnPanic<'a>(&'a Order);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(Error::failed("a worker of the dump panicked"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(unit: usize, i: usize) -> Member {
        let mut bytes = vec![0; 300_000];
        bytes[0] = unit as u8;
        bytes[1] = i as u8;
        Member {
            bytes,
            ..Member::default()
        }
    }

    /// Units of unequal length through some workers; what the writer saw.
    fn run(workers: usize) -> Vec<(u8, u8)> {
        let order = Order::new();
        let units = Mutex::new((0..40).map(|unit| if unit % 7 == 0 { 90 } else { unit % 5 }));
        let mut seen = Vec::new();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some((number, length)) = order.begin(&units) {
                        for i in 0..length {
                            order.push(number, member(number, i)).unwrap();
                        }
                        order.finish(number);
                    }
                });
            }
            while let Some(member) = order.pop().unwrap() {
                seen.push((member.bytes[0], member.bytes[1]));
                let waiting = order.state().waiting;
                assert!(waiting <= WAITING_BYTES, "{waiting} bytes wait");
            }
        });
        seen
    }

    #[test]
    fn members_come_out_in_order_whatever_the_number_of_workers() {
        let one = run(1);
        assert!(one.is_sorted());
        assert_eq!(
            one.len(),
            6 * 90 + (0..40).filter(|u| u % 7 != 0).map(|u| u % 5).sum::<usize>()
        );
        for workers in [2, 4, 8] {
            assert_eq!(run(workers), one);
        }
    }

    #[test]
    fn the_first_reason_to_stop_wins_and_wakes_everybody() {
        let order = Order::new();
        let units = Mutex::new([(), ()].into_iter());
        order.begin(&units);
        let (second, ()) = order.begin(&units).unwrap();
        std::thread::scope(|scope| {
            let full = scope.spawn(|| (0..1000).try_for_each(|i| order.push(second, member(1, i))));
            let writer = scope.spawn(|| order.pop());
            std::thread::sleep(std::time::Duration::from_millis(20));
            order.stop(Error::failed("first"));
            order.stop(Error::failed("second"));
            assert!(full.join().unwrap().is_err());
            assert!(writer.join().unwrap().is_err());
        });
        assert_eq!(order.take_error().unwrap().message(), "first");
        assert!(order.begin(&units).is_none());
    }
}
