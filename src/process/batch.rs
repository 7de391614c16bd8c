//! Work on several threads, its results in order, with no more in memory than a piece a thread.
//!
//! The threads, of a rayon pool, are all alike: each takes its turn to read a piece, works on it beside the others, and
//! waits for its turn to write. One thread does the same, alone.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// As many threads as there are cores.
#[must_use]
pub fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

struct Reading<Read> {
    read: Read,
    next: u64,
    ended: bool,
}

struct Writing<Write> {
    write: Write,
    next: u64,
    ended: bool,
}

/// Reads pieces until `read` says there is none, gives each to a worker, and writes the results in
/// the order of the pieces until `write` says that it is enough. Pieces and results are used again.
pub fn in_order<Piece, Outcome, Work>(
    threads: NonZeroUsize,
    read: impl FnMut(&mut Piece) -> bool + Send,
    worker: impl Fn() -> Work + Sync,
    write: impl FnMut(&mut Outcome) -> bool + Send,
) where
    Piece: Default,
    Outcome: Default,
    Work: FnMut(&mut Piece, &mut Outcome),
{
    let reading = Mutex::new(Reading {
        read,
        next: 0,
        ended: false,
    });
    let writing = Mutex::new(Writing {
        write,
        next: 0,
        ended: false,
    });
    let written = Condvar::new();
    let run = || {
        let (mut piece, mut outcome) = (Piece::default(), Outcome::default());
        let mut work = worker();
        while let Some(turn) = read_piece(&reading, &mut piece) {
            work(&mut piece, &mut outcome);
            if !write_outcome(&writing, &written, turn, &mut outcome) {
                lock(&reading).ended = true;
            }
        }
    };
    match pool(threads) {
        Some(pool) => {
            // What it logs is of whoever began it.
            let span = tracing::Span::current();
            pool.broadcast(|_| span.in_scope(run));
        }
        None => run(),
    }
}

/// A pool of that many threads; none for a single one, and where the system gives no more.
fn pool(threads: NonZeroUsize) -> Option<ThreadPool> {
    if threads.get() == 1 {
        return None;
    }
    let builder = ThreadPoolBuilder::new().num_threads(threads.get());
    match builder
        .thread_name(|index| format!("worker-{index}"))
        .build()
    {
        Ok(pool) => Some(pool),
        Err(error) => {
            tracing::warn!("cannot start {threads} threads, going on with one: {error}");
            None
        }
    }
}

/// Reads the next piece and returns its number.
fn read_piece<Piece>(
    reading: &Mutex<Reading<impl FnMut(&mut Piece) -> bool>>,
    piece: &mut Piece,
) -> Option<u64> {
    let mut reading = lock(reading);
    if reading.ended || !(reading.read)(piece) {
        reading.ended = true;
        return None;
    }
    reading.next += 1;
    Some(reading.next - 1)
}

/// Writes an outcome when its turn has come; false if nothing is to be written any more.
fn write_outcome<Outcome>(
    writing: &Mutex<Writing<impl FnMut(&mut Outcome) -> bool>>,
    written: &Condvar,
    turn: u64,
    outcome: &mut Outcome,
) -> bool {
    let mut writing = written
        .wait_while(lock(writing), |writing| {
            writing.next != turn && !writing.ended
        })
        .unwrap_or_else(PoisonError::into_inner);
    if !writing.ended {
        writing.ended = !(writing.write)(outcome);
        writing.next += 1;
    }
    written.notify_all();
    !writing.ended
}

/// A thread that panicked has ended the program's use already; its lock is no further harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: usize, pieces: u64, enough: u64) -> Vec<u64> {
        let mut read = 0;
        let mut squares = Vec::new();
        in_order(
            NonZeroUsize::new(threads).unwrap(),
            |piece: &mut u64| {
                *piece = read;
                read += 1;
                read <= pieces
            },
            || |piece: &mut u64, outcome: &mut u64| *outcome = *piece * *piece,
            |outcome: &mut u64| {
                squares.push(*outcome);
                squares.len() as u64 != enough
            },
        );
        squares
    }

    #[test]
    fn any_number_of_threads_keeps_the_order() {
        let expected: Vec<_> = (0..1000).map(|number| number * number).collect();
        for threads in [1, 2, 7] {
            assert_eq!(squares(threads, 1000, u64::MAX), expected);
        }
    }

    #[test]
    fn nothing_is_written_after_enough() {
        for threads in [1, 2, 7] {
            assert_eq!(squares(threads, 1_000_000, 3), [0, 1, 4]);
        }
    }

    #[test]
    fn nothing_to_read() {
        assert!(squares(2, 0, u64::MAX).is_empty());
    }
}
