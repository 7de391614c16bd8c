//! An organization, and how a question to its API reads (docs/organization.md).

use url::Url;

use crate::http::address::below;
use crate::pipeline::timestamp::Timestamp;

/// The most events that a page can have.
pub const MOST_EVENTS: usize = 500;

/// An organization, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Base URL of Atlassian's gateway.
    pub api_base: Url,
    /// Its id, in lower case.
    pub id: String,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// Where a page before it says.
    Cursor(String),
    /// At a time, up to the end or to another time.
    Time {
        /// The earliest time.
        from: Timestamp,
        /// The latest time.
        to: Option<Timestamp>,
    },
    /// At the newest event of a range, backwards.
    Newest {
        /// The earliest time.
        from: Timestamp,
        /// The latest time.
        to: Option<Timestamp>,
    },
}

impl Organization {
    /// An organization at a gateway.
    #[must_use]
    pub fn new(api_base: Url, id: &str) -> Self {
        Self {
            api_base,
            id: id.to_ascii_lowercase(),
        }
    }

    /// The URL that asks for a page. A cursor knows its range and order: whatever else is said beside it could
    /// only contradict it.
    #[must_use]
    pub fn question(&self, start: &PageStart, page_size: usize) -> Url {
        let path = format!("admin/v1/orgs/{}/events-stream", self.id);
        let mut url = below(&self.api_base, &path);
        let limit = page_size.min(MOST_EVENTS).to_string();
        let mut query = url.query_pairs_mut();
        match start {
            PageStart::Cursor(cursor) => {
                query.append_pair("cursor", cursor);
            }
            PageStart::Time { from, to } | PageStart::Newest { from, to } => {
                query.append_pair("from", &from.millis().to_string());
                if let Some(to) = to {
                    query.append_pair("to", &to.millis().to_string());
                }
                let is_newest = matches!(start, PageStart::Newest { .. });
                query.append_pair("sortOrder", if is_newest { "desc" } else { "asc" });
            }
        }
        query.append_pair("limit", &limit);
        drop(query);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_asked_for_alone() {
        let base = Url::parse("https://api.atlassian.com").unwrap();
        let organization = Organization::new(base, "AB-1");
        let asked = |start: &PageStart, size| String::from(organization.question(start, size));
        let url = "https://api.atlassian.com/admin/v1/orgs/ab-1/events-stream";
        let cursor = PageStart::Cursor("a b&c".to_owned());
        assert_eq!(
            asked(&cursor, 1000),
            format!("{url}?cursor=a+b%26c&limit=500")
        );
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let time = |to| PageStart::Time { from: at(1500), to };
        assert_eq!(
            asked(&time(None), 7),
            format!("{url}?from=1500&sortOrder=asc&limit=7")
        );
        assert_eq!(
            asked(&time(Some(at(2000))), 7),
            format!("{url}?from=1500&to=2000&sortOrder=asc&limit=7")
        );
    }
}
