//! Queries spread over sessions: each session takes the next from the list, and asks it while the rows of the one before
//! are still coming. Rows are handed on in the order of the list, whichever session is faster.
//!
//! Nobody waits for ever: a session asks in the order of the list and is answered in the order in which it asked. So
//! before the rows that are wanted next there are none on their session that nobody takes.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use futures_util::future::{join, join_all, try_join};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;

use crate::{Error, Result};

/// Rows handed on at once.
const BATCH: usize = 128;

/// Batches of a query that wait for their turn, at most. The session is held up beyond that: with tens of thousands of
/// rows, whose memory is small beside what is made of them.
const WAITING: usize = 256;

type Sender<R> = mpsc::Sender<Result<Vec<R>>>;

/// Asks every query of the list once, and gives its rows to `take`, or why there are none, in the order of the list.
///
/// `begin` sends a query to a session, by number, and says what comes back: `None` if the server has nothing to say.
///
/// # Errors
/// The first of `take`'s.
pub(super) async fn rows_in_order<Q: Copy, R, E, S, F, B, T>(
    sessions: usize,
    list: impl IntoIterator<Item = Q>,
    begin: B,
    mut take: T,
) -> Result<()>
where
    S: Stream<Item = std::result::Result<R, E>>,
    Error: From<E>,
    // Not an `AsyncFn`, whose future the compiler does not see to be `Send`.
    B: Fn(usize, Q) -> F,
    F: Future<Output = Result<Option<S>>>,
    T: FnMut(Q, Result<R>) -> Result<()>,
{
    let (mut to_ask, mut to_take) = (VecDeque::new(), Vec::new());
    for query in list {
        let (sender, receiver) = mpsc::channel(WAITING);
        to_ask.push_back((query, sender));
        to_take.push((query, receiver));
    }
    let to_ask = Mutex::new(to_ask);
    let next = || to_ask.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let asking = join_all((0..sessions).map(async |session| {
        let mut answer: Option<(Sender<R>, _)> = None;
        loop {
            let query = next();
            let begun = async {
                match query {
                    Some((query, sender)) => Some((sender, begin(session, query).await)),
                    None => None,
                }
            };
            // Together, for a query is on its way only once the rows before it are taken.
            let ((), begun) = join(pass_on(answer), begun).await;
            if begun.is_none() {
                return;
            }
            answer = begun;
        }
    }));
    let taking = async {
        for (query, mut rows) in to_take {
            while let Some(batch) = rows.recv().await {
                match batch {
                    Ok(rows) => rows.into_iter().try_for_each(|row| take(query, Ok(row)))?,
                    Err(error) => take(query, Err(error))?,
                }
            }
        }
        Ok(())
    };
    try_join(taking, asking.map(Ok)).await.map(|_| ())
}

/// Hands on what came back. Nobody listening any more means that something else has failed.
async fn pass_on<R, E, S>(answer: Option<(Sender<R>, Result<Option<S>>)>)
where
    S: Stream<Item = std::result::Result<R, E>>,
    Error: From<E>,
{
    let Some((sender, rows)) = answer else { return };
    let rows = match rows {
        Ok(Some(rows)) => rows,
        Ok(None) => return,
        Err(error) => {
            let _ = sender.send(Err(error)).await;
            return;
        }
    };
    let mut batches = pin!(rows.chunks(BATCH));
    while let Some(batch) = batches.next().await {
        let batch = batch.into_iter().collect::<std::result::Result<_, _>>();
        if sender.send(batch.map_err(Into::into)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use tokio::sync::{Semaphore, watch};

    use super::*;

    /// A session: it answers one query at a time, in the order in which they came, and no row before the last is taken.
    struct Session {
        asked: Mutex<usize>,
        done: watch::Sender<usize>,
    }

    impl Session {
        fn new() -> Session {
            Session {
                asked: Mutex::new(0),
                done: watch::Sender::new(0),
            }
        }

        async fn answer(&self, rows: usize) -> impl Stream<Item = Result<usize>> {
            let number = {
                let mut asked = self.asked.lock().unwrap();
                *asked += 1;
                *asked - 1
            };
            // The first message of an answer comes only after the answers before it.
            let mut done = self.done.subscribe();
            done.wait_for(|&done| done >= number).await.unwrap();
            let end = stream::once(async move {
                self.done.send_modify(|done| *done += 1);
                None
            });
            stream::iter((0..rows).map(|row| Some(Ok(row))))
                .chain(end)
                .filter_map(|row| async move { row })
        }
    }

    async fn taken(sessions: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
        let all: Vec<Session> = (0..sessions).map(|_| Session::new()).collect();
        let mut taken = Vec::new();
        let list = sizes.iter().copied().enumerate();
        let begin = async |session: usize, (_, rows): (usize, usize)| {
            Ok(match rows {
                0 => None,
                _ => Some(Box::pin(all[session].answer(rows).await)),
            })
        };
        let work = rows_in_order(sessions, list, begin, |(query, _), row| {
            taken.push((query, row?));
            Ok(())
        });
        tokio::time::timeout(Duration::from_secs(20), work)
            .await
            .expect("nobody waits for ever")
            .unwrap();
        taken
    }

    #[tokio::test]
    async fn rows_come_in_the_order_of_the_list_however_many_sessions_ask() {
        let more_than_wait = BATCH * WAITING + BATCH + 1;
        let sizes = [
            3,
            more_than_wait,
            1,
            0,
            2 * more_than_wait,
            0,
            5,
            more_than_wait,
            1,
            1,
        ];
        let want: Vec<(usize, usize)> = sizes
            .iter()
            .enumerate()
            .flat_map(|(query, &rows)| (0..rows).map(move |row| (query, row)))
            .collect();
        for sessions in 1..=12 {
            assert!(taken(sessions, &sizes).await == want, "{sessions} sessions");
        }
        assert_eq!(taken(3, &[]).await, []);
    }

    #[tokio::test]
    async fn another_session_goes_on_while_one_is_slow() {
        let others_are_done = Semaphore::new(0);
        let begin = async |_: usize, query: usize| {
            if query == 0 {
                let _ = others_are_done.acquire().await.unwrap();
            }
            if query == 9 {
                others_are_done.add_permits(1);
            }
            Ok(Some(Box::pin(stream::iter([Ok::<_, Error>(query)]))))
        };
        let mut rows = Vec::new();
        let work = rows_in_order(2, 0..10, begin, |_, row| {
            rows.push(row?);
            Ok(())
        });
        tokio::time::timeout(Duration::from_secs(20), work)
            .await
            .expect("the second session needs nothing of the first")
            .unwrap();
        assert_eq!(rows, Vec::from_iter(0..10));
    }

    #[tokio::test]
    async fn the_first_failure_ends_it() {
        for failing in [0, 4, 9] {
            let begin = async |_: usize, query: usize| match query == failing {
                true => Err(Error::failed("away")),
                false => Ok(Some(Box::pin(stream::iter([Ok::<_, Error>(query)])))),
            };
            let mut rows = 0;
            let done = rows_in_order(3, 0..10, begin, |query, row| {
                assert_eq!(query == failing, row.is_err());
                rows += usize::from(row.is_ok());
                row.map(drop)
            });
            assert!(done.await.unwrap_err().to_string().contains("away"));
            assert_eq!(rows, failing);
        }
    }
}
