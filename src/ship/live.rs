//! The thread that tells reports what only this process knows; while the work waits, too.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::pipeline::timestamp::Timestamp;
use crate::process::service::Service;
use crate::state::live::{Live, LiveFile};

/// How often is looked whether there is news.
const INTERVAL: Duration = Duration::from_secs(1);

/// Speaks for a state that this process holds, for as long as this lives.
#[derive(Debug)]
pub struct Speaker {
    ended: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Begins to speak; a part of a service does not, since its supervisor does that.
    #[must_use]
    pub fn start(directory: &Path, name: &str, service: &Arc<Service>) -> Option<Self> {
        if service.is_part() {
            return None;
        }
        let mut file = LiveFile::beside(directory, name);
        let metrics = service.metrics().clone();
        let since = Timestamp::now();
        let (ended, end) = mpsc::channel();
        let speak = move || {
            loop {
                file.tell(&Live {
                    pid: std::process::id(),
                    since,
                    source: None,
                    retry_at: None,
                    removed_at: None,
                    known: metrics.known(),
                });
                if end.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("status".to_owned());
        let thread = thread.spawn(speak).inspect_err(|error| {
            tracing::debug!("cannot start the thread for `status`: {error}");
        });
        Some(Self {
            ended: Some(ended),
            thread: Some(thread.ok()?),
        })
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        drop(self.ended.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }
}
