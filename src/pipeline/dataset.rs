//! The data sets that events belong to, as Elastic's integrations name them, and what is constant in each.

/// A data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// Confluence's own audit log (docs/mapping.md).
    #[default]
    Confluence,
    /// The audit log of an Atlassian organization (docs/org-events.md).
    Organization,
}

impl Dataset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Confluence, Self::Organization];

    /// `event.dataset` and `data_stream.dataset`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confluence => "atlassian_confluence.audit",
            Self::Organization => "atlassian_cloud.audit",
        }
    }

    /// The same as JSON: known when an event is written, so that it costs nothing to look up.
    #[must_use]
    pub const fn name_json(self) -> &'static str {
        match self {
            Self::Confluence => "\"atlassian_confluence.audit\"",
            Self::Organization => "\"atlassian_cloud.audit\"",
        }
    }

    /// `event.module`, where the mapping sets it.
    #[must_use]
    pub const fn module(self) -> Option<&'static str> {
        match self {
            Self::Confluence => None,
            Self::Organization => Some("atlassian_cloud"),
        }
    }

    /// `ecs.version`
    #[must_use]
    pub const fn ecs_version(self) -> &'static str {
        match self {
            Self::Confluence => "8.11.0",
            Self::Organization => "9.3.0",
        }
    }

    /// The default tags of its events that were fetched; of others the last one.
    #[must_use]
    pub const fn tags(self) -> &'static [&'static str; 2] {
        match self {
            Self::Confluence => &["forwarded", "confluence-audit"],
            Self::Organization => &["forwarded", "atlassian_cloud-audit"],
        }
    }

    /// Whether places are looked up in a City database; else records name them.
    #[must_use]
    pub const fn looks_up_places(self) -> bool {
        match self {
            Self::Confluence => true,
            Self::Organization => false,
        }
    }

    /// The value of `--dataset`.
    #[must_use]
    pub const fn argument(self) -> &'static str {
        match self {
            Self::Confluence => "confluence",
            Self::Organization => "org",
        }
    }

    /// The data stream of a namespace.
    #[must_use]
    pub fn stream(self, namespace: &str) -> String {
        format!("logs-{}-{namespace}", self.name())
    }

    /// Whether its events, and commands for them, name it; else it is what is meant where none is named.
    #[must_use]
    pub const fn is_named(self) -> bool {
        match self {
            Self::Confluence => false,
            Self::Organization => true,
        }
    }

    /// The data stream that the bulk action of an event names; none where the request says where most events go.
    #[must_use]
    pub fn action_stream(self, namespace: &str) -> Option<String> {
        self.is_named().then(|| self.stream(namespace))
    }

    /// The data set whose events go to a data stream, by its name, or a pattern of such names.
    #[must_use]
    pub fn of_stream(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dataset| name.starts_with(&dataset.stream("")))
    }

    /// The data set of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_that_of_the_name() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.name_json(), format!("\"{}\"", dataset.name()));
            assert_eq!(Dataset::named(dataset.name()), Some(dataset));
        }
    }
}
