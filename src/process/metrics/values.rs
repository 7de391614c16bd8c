//! What metrics are told of: names, outcomes, files.

use std::path::PathBuf;

use crate::process::file_id::FileId;

/// What requests are made to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Api {
    /// A site, or Atlassian's gateway.
    #[default]
    Atlassian,
    /// The API of an organization.
    Organization,
    /// An OAuth server.
    OAuth,
    /// Elasticsearch or OpenSearch.
    Elasticsearch,
}

impl Api {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Atlassian => "atlassian",
            Self::Organization => "organization",
            Self::OAuth => "oauth",
            Self::Elasticsearch => "elasticsearch",
        }
    }
}

/// What became of an event that was sent to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Stored as it is.
    Created,
    /// It was there already.
    Duplicate,
    /// Stored in its plain form.
    PlainForm,
    /// In the dead letter file.
    DeadLetter,
    /// In the failure store.
    FailureStore,
    /// To be sent once more.
    Retried,
}

impl ItemOutcome {
    pub(super) const ALL: [Self; 6] = [
        Self::Created,
        Self::Duplicate,
        Self::PlainForm,
        Self::DeadLetter,
        Self::FailureStore,
        Self::Retried,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Duplicate => "duplicate",
            Self::PlainForm => "plain_form",
            Self::DeadLetter => "dead_letter",
            Self::FailureStore => "failure_store",
            Self::Retried => "retried",
        }
    }
}

/// What is known of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// A plain file, which is read as it grows.
    Followed,
    /// A compressed file.
    Compressed,
    /// It was read, and is not there any more.
    Gone,
    /// Nothing is to be read of it.
    Ignored,
}

impl FileState {
    pub(super) const ALL: [Self; 4] = [Self::Followed, Self::Compressed, Self::Gone, Self::Ignored];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::Compressed => "compressed",
            Self::Gone => "gone",
            Self::Ignored => "ignored",
        }
    }
}

/// A log file, and how much of it is at the output.
#[derive(Debug, Clone)]
pub struct FollowedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which file that is.
    pub file_id: FileId,
    /// What is known of it.
    pub state: FileState,
    /// Whether it is plain, so that its bytes tell how much there is to read.
    pub is_read: bool,
    /// How long it was when it was looked at.
    pub size: u64,
    /// How much of it is at the output.
    pub offset: u64,
}

impl FollowedFile {
    /// Bytes that are not at the output, as the file is now.
    pub(super) fn unread(&self) -> u64 {
        if !self.is_read {
            return 0;
        }
        // Where the output is blocked, nobody else looks.
        let metadata = std::fs::metadata(&self.path).ok();
        let metadata = metadata.filter(|it| FileId::of(it) == self.file_id);
        let size = metadata.map_or(self.size, |it| it.len());
        size.saturating_sub(self.offset)
    }
}
