//! The doctor: what keeps fetch from getting records, or a cluster events, step by step (docs/check.md).
//!
//! A step is plain data, told as it is found. [`network`], [`records`], [`times`], [`disk`],
//! [`databases`] and [`cluster`] look at one thing each; [`doctor`] holds their order. The site that accepts credentials and
//! gives no records is told from a healthy one by [`records::verdict`].

mod clients;
pub mod cluster;
pub mod databases;
pub mod disk;
pub mod doctor;
pub mod network;
mod organization;
pub mod records;
mod report;
mod rights;
mod target;
pub mod times;
pub mod visit;

pub use report::{CheckFormat, CheckReport};

/// What is looked at, in this order. The names in reports are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// Flags, environment and credentials are there and fit each other.
    Configuration,
    /// The log files of a source can be read.
    LogFiles,
    /// The hosts have addresses.
    NameResolves,
    /// Somebody answers there, with TLS.
    Connection,
    /// Cloud's id of the site.
    CloudId,
    /// The audit API is where it should be.
    Api,
    /// The credentials are accepted.
    Credentials,
    /// The token may read the audit log.
    Scope,
    /// So may its user: there are records.
    Permission,
    /// How old the newest record is.
    NewestRecord,
    /// How long the site keeps records.
    Retention,
    /// How far the clocks are apart.
    ClockSkew,
    /// The state can be kept.
    StateDir,
    /// The GeoIP databases can be read, and are not old.
    Databases,
    /// The output can be written.
    Output,
    /// A cluster answers, of a product and version that is supported.
    Cluster,
    /// How far its clock is from ours.
    ClusterClock,
    /// It accepts the credentials.
    ClusterLogin,
    /// A right there: a step for each.
    ClusterRight,
    /// The index template is there, in our version.
    IndexTemplate,
    /// What events go to.
    DataStream,
    /// Which pipelines run on events.
    IngestPipeline,
    /// Dead letters can be written.
    DeadLetters,
}

impl StepName {
    /// The steps that need the site to go on, in order.
    pub const OF_SITE: [Self; 9] = [
        Self::NameResolves,
        Self::Connection,
        Self::CloudId,
        Self::Api,
        Self::Credentials,
        Self::Scope,
        Self::Permission,
        Self::NewestRecord,
        Self::Retention,
    ];

    /// The steps that need the cluster to go on, in order.
    pub const OF_CLUSTER: [Self; 7] = [
        Self::Cluster,
        Self::ClusterClock,
        Self::ClusterLogin,
        Self::IndexTemplate,
        Self::DataStream,
        Self::ClusterRight,
        Self::IngestPipeline,
    ];

    /// As reports have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::LogFiles => "log-files",
            Self::NameResolves => "name-resolves",
            Self::Connection => "connection",
            Self::CloudId => "cloud-id",
            Self::Api => "api",
            Self::Credentials => "credentials",
            Self::Scope => "scope",
            Self::Permission => "permission",
            Self::NewestRecord => "newest-record",
            Self::Retention => "retention",
            Self::ClockSkew => "clock-skew",
            Self::StateDir => "state-dir",
            Self::Databases => "databases",
            Self::Output => "output",
            Self::Cluster => "cluster",
            Self::ClusterClock => "cluster-clock",
            Self::ClusterLogin => "cluster-login",
            Self::ClusterRight => "cluster-right",
            Self::IndexTemplate => "index-template",
            Self::DataStream => "data-stream",
            Self::IngestPipeline => "ingest-pipeline",
            Self::DeadLetters => "dead-letters",
        }
    }
}

/// How a step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Fetch works, but something should be seen to.
    Warn,
    /// Fetch cannot work like this.
    Fail,
    /// Not looked at, or of no concern here.
    Skip,
}

/// A step, and how it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStep {
    /// What was looked at.
    pub name: StepName,
    /// How it came out.
    pub status: Status,
    /// What was found, or why nothing was looked for.
    pub detail: String,
    /// What to do, where that is not in the detail.
    pub remedy: Option<String>,
}

impl CheckStep {
    /// A step that passed.
    #[must_use]
    pub fn ok(name: StepName, detail: impl Into<String>) -> Self {
        Self::of(name, Status::Ok, detail, None)
    }

    /// A step that passed with a warning.
    #[must_use]
    pub fn warn(name: StepName, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::of(name, Status::Warn, detail, Some(remedy.into()))
    }

    /// A step that failed, with its remedy.
    #[must_use]
    pub fn fail(name: StepName, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::of(name, Status::Fail, detail, Some(remedy.into()))
    }

    /// A step that failed with an error that contains its remedy.
    #[must_use]
    pub fn fail_by(name: StepName, error: &dyn std::error::Error) -> Self {
        Self::of(name, Status::Fail, error.to_string(), None)
    }

    /// The same, but no fault if there is a reason why this user does not see the secrets that the service has.
    #[must_use]
    pub fn fail_or_unseen(
        name: StepName,
        error: &dyn std::error::Error,
        unseen: Option<&str>,
    ) -> Self {
        match unseen {
            Some(why) => Self::warn(
                name,
                error.to_string(),
                format!(
                    "{why}; `systemctl status confluence-ecs` tells whether it works with that"
                ),
            ),
            None => Self::fail_by(name, error),
        }
    }

    /// A step that was skipped.
    #[must_use]
    pub fn skip(name: StepName, why: impl Into<String>) -> Self {
        Self::of(name, Status::Skip, why, None)
    }

    fn of(
        name: StepName,
        status: Status,
        detail: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            remedy,
        }
    }
}

/// How long something is, in the largest unit that leaves two of it or more.
#[must_use]
pub fn span(seconds: u64) -> String {
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let fits = units.iter().find(|(length, _)| seconds >= 2 * length);
    match fits {
        Some((length, unit)) => format!("{} {unit}", seconds / length),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_whole_units() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(119), "119 s");
        assert_eq!(span(120), "2 minutes");
        assert_eq!(span(86_400), "24 hours");
        assert_eq!(span(200_000), "2 days");
    }
}
