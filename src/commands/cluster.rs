//! A cluster as the output of a command that ends with its input, and keeps no state.

use crate::cluster::settle::Tally;
use crate::cluster::sink::ClusterSink;
use crate::process::patience::Patience;
use crate::process::stop::Stop;
use crate::sink;

/// A cluster.
pub struct ClusterOutput(Box<ClusterSink>);

impl ClusterOutput {
    /// Sends to that cluster.
    pub fn new(sink: ClusterSink) -> Self {
        Self(Box::new(sink))
    }

    /// Takes events with their `_id`, waiting for room.
    ///
    /// # Errors
    /// When it is time to end, or there is no cluster.
    pub fn write(&mut self, body: &[u8], stop: &Stop) -> Result<(), sink::Error> {
        let patience = Patience::new(stop, self.0.patience());
        if self.0.prepare(body, &|| patience.is_over())? {
            // There is no state to save first.
            self.0.sync(&|| patience.is_over())?;
        }
        Ok(self.0.write(body, &|| patience.is_over())?)
    }

    /// Waits until every event is settled.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(&mut self, stop: &Stop) -> Result<(), sink::Error> {
        let patience = Patience::new(stop, self.0.patience());
        self.0.sync(&|| patience.is_over())?;
        Ok(())
    }

    /// What became of the events so far.
    pub fn tally(&self) -> &Tally {
        self.0.tally()
    }
}
