//! Hands events to the sinks of their data streams: most go to the same one.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::body::pairs;
use super::client::Setback;
use super::settle::{Settler, Tally};
use super::stream_sink::{StreamCheckpoint, StreamSink};

pub use super::stream_sink::SAVE_BYTES;

/// Data streams of other data sets that are remembered from earlier runs, at most.
const MOST_LEFT: usize = 16;

/// What is recorded of a cluster: where events may be that were sent after this was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCheckpoint {
    /// Where most events go.
    #[serde(flatten)]
    first: StreamCheckpoint,
    /// Data streams of other data sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<StreamCheckpoint>,
}

impl ClusterCheckpoint {
    /// Where most events go: a data stream, alias or index.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.first.target
    }

    /// The same of a program that ends, or goes on. Of one that ended, other data streams are recorded only if
    /// something is in doubt there.
    #[must_use]
    pub fn finally(mut self, is_final: bool) -> Self {
        self.others
            .retain(|stream| !is_final || stream.in_doubt > 0);
        for stream in std::iter::once(&mut self.first).chain(&mut self.others) {
            stream.is_final = is_final;
        }
        self
    }
}

/// What may be in the cluster already of all that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// What an earlier run recorded.
    Recorded,
    /// Anything.
    Stored,
    /// Anything, but nothing is recorded of earlier runs.
    EarlierRuns,
}

/// A sink for events with their `_id`, as bodies for `_bulk`.
#[derive(Debug)]
pub struct ClusterSink {
    settler: Settler,
    concurrency: NonZeroUsize,
    patience: Duration,
    /// All events go to the first sink, whatever data stream they are for.
    is_single: bool,
    /// Where most events go.
    first: StreamSink,
    /// Data streams of other data sets, opened when the first event is for them.
    others: Vec<StreamSink>,
    /// What an earlier run recorded of others, for which no event came yet.
    left: Vec<StreamCheckpoint>,
    expected: Expected,
    is_next_new: bool,
}

impl ClusterSink {
    /// Begins to connect, with so many requests in flight later for each data stream. `patience` is how
    /// long to wait for answers when it is time to end. `is_single`: all events go to the settler's
    /// target; else those whose action names an index go there.
    #[must_use]
    pub fn open(
        settler: Settler,
        concurrency: NonZeroUsize,
        patience: Duration,
        is_single: bool,
    ) -> Self {
        let target = settler.target.clone();
        Self {
            first: StreamSink::open(settler.toward(&target), concurrency),
            settler,
            concurrency,
            patience,
            is_single,
            others: Vec::new(),
            left: Vec::new(),
            expected: Expected::Recorded,
            is_next_new: false,
        }
    }

    /// Where most events go: a data stream, alias or index.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.settler.target
    }

    fn all(&mut self) -> impl Iterator<Item = &mut StreamSink> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// The sink of events for an index; none: where most events go.
    fn sink_for(&mut self, index: Option<&str>) -> &mut StreamSink {
        let index = index.filter(|index| !self.is_single && *index != self.settler.target);
        let Some(index) = index else {
            return &mut self.first;
        };
        let known = self.others.iter().position(|sink| sink.target() == index);
        let place = known.unwrap_or_else(|| {
            let settler = self.settler.toward(index);
            let mut sink = StreamSink::open(settler, self.concurrency);
            let is_its_own = |left: &mut StreamCheckpoint| left.target == index;
            for left in self.left.extract_if(.., is_its_own) {
                sink.resume(left, false);
            }
            expect(&mut sink, self.expected);
            sink.expect_new(self.is_next_new);
            self.others.push(sink);
            self.others.len() - 1
        });
        &mut self.others[place]
    }

    /// Takes over what an earlier run recorded, before anything is written. `is_past_doubt`: nothing is
    /// left to be read that it may have sent.
    pub fn resume(&mut self, recorded: Option<ClusterCheckpoint>, is_past_doubt: bool) {
        let Some(recorded) = recorded else { return };
        self.first.resume(recorded.first, is_past_doubt);
        for other in recorded.others {
            if self.is_single {
                self.first.leave(&other, is_past_doubt);
            } else if other.target == self.first.target() {
                self.first.resume(other, is_past_doubt);
            } else {
                self.left.extend(other.left_over(is_past_doubt));
            }
        }
        let excess = self.left.len().saturating_sub(MOST_LEFT);
        for dropped in self.left.drain(..excess) {
            tracing::warn!(
                "the events that an earlier run sent last will not be checked for duplicates in {}, as those of more \
                 than {MOST_LEFT} data streams are in doubt: if they are sent again, they are there twice",
                dropped.target
            );
        }
    }

    /// Whether what is written next was not there to be sent before.
    pub fn expect_new(&mut self, is_new: bool) {
        self.is_next_new = is_new;
        self.all().for_each(|sink| sink.expect_new(is_new));
    }

    /// All that an earlier run may have sent was written: with the next [`Self::sync`], nothing is in doubt.
    pub fn end_doubt(&mut self) {
        self.all().for_each(StreamSink::end_doubt);
        self.left.clear();
    }

    /// From here on, any event may be in the cluster already, in any index behind its target.
    pub fn expect_stored(&mut self) {
        self.expect(Expected::Stored);
    }

    /// The same, but where there is one index behind the target, its answers are enough.
    pub fn expect_earlier_runs(&mut self) {
        self.expect(Expected::EarlierRuns);
    }

    fn expect(&mut self, expected: Expected) {
        self.expected = expected;
        self.all().for_each(|sink| expect(sink, expected));
    }

    /// How long to wait for answers when it is time to end.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Waits until the cluster was reached for the first time for each data stream that events of a body
    /// go to. Whether that was now: then the state is to be saved before they are written.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn prepare(&mut self, body: &[u8], give_up: &dyn Fn() -> bool) -> Result<bool, Setback> {
        for pair in pairs(body).filter(|pair| pair.index.is_some()) {
            self.sink_for(pair.index);
        }
        let mut is_news = false;
        for sink in self.all() {
            is_news |= sink.prepare(give_up)?;
        }
        Ok(is_news)
    }

    /// Takes events, waiting for room; of data streams that [`Self::prepare`] knows.
    ///
    /// # Errors
    /// When `give_up` says so, or there is no cluster.
    pub fn write(&mut self, body: &[u8], give_up: &dyn Fn() -> bool) -> Result<(), Setback> {
        if self.is_single || pairs(body).all(|pair| pair.index.is_none()) {
            return self.first.write(body, give_up);
        }
        for pair in pairs(body) {
            self.sink_for(pair.index).write(pair.text, give_up)?;
        }
        Ok(())
    }

    /// Waits until every event is settled. What is to be recorded then; nothing while the cluster was
    /// never reached.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn sync(
        &mut self,
        give_up: &dyn Fn() -> bool,
    ) -> Result<Option<ClusterCheckpoint>, Setback> {
        let first = self.first.sync(give_up)?;
        let mut others = self.left.clone();
        for sink in &mut self.others {
            others.extend(sink.sync(give_up)?);
        }
        Ok(first.map(|first| ClusterCheckpoint { first, others }))
    }

    /// What became of the events so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.settler.tally
    }
}

fn expect(sink: &mut StreamSink, expected: Expected) {
    match expected {
        Expected::Recorded => {}
        Expected::Stored => sink.expect_stored(),
        Expected::EarlierRuns => sink.expect_earlier_runs(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream_sink::tests::settler;
    use super::*;

    fn stream(number: usize, in_doubt: u64) -> StreamCheckpoint {
        StreamCheckpoint {
            target: format!("stream-{number}"),
            since: None,
            in_doubt,
            is_final: true,
        }
    }

    #[test]
    fn data_streams_of_earlier_runs_are_remembered_while_in_doubt_and_not_without_end() {
        let mut sink = ClusterSink::open(settler(), NonZeroUsize::MIN, Duration::ZERO, false);
        let others = (1..40).map(|number| stream(number, number as u64 % 2));
        let recorded = ClusterCheckpoint {
            first: stream(0, 0),
            others: others.collect(),
        };
        sink.resume(Some(recorded), false);
        let saved = |sink: &mut ClusterSink| sink.sync(&|| false).unwrap().unwrap().finally(true);
        let others: Vec<_> = (9..40).step_by(2).map(|number| stream(number, 1)).collect();
        assert_eq!(saved(&mut sink).others, others);
        sink.end_doubt();
        assert_eq!(saved(&mut sink).others, []);
    }
}
