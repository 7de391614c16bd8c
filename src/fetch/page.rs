//! One answer of an API: its records, and what it says of more (docs/sources.md).

use std::ops::Range;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::record::{self, Entry};
use super::site::Api;
use crate::pipeline::frame::without_mark;
use crate::pipeline::json::Reader;

/// A page of records of an audit API.
#[derive(Debug)]
pub struct Page {
    /// Whose answer it is.
    pub api: Api,
    /// Body of the response, as text.
    pub text: String,
    /// The records in it, newest first.
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub more: More,
}

/// What a page says of those behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum More {
    /// This is the last page.
    None,
    /// They begin at that offset.
    Offset(u64),
    /// They are found with these parameters.
    Parameters(Vec<(String, String)>),
    /// There are more, but it does not say where.
    Unnamed,
    /// Nothing: it has no link to a next page.
    Unsaid {
        /// How many records the page has at most, if it says so. 0 if what it says is no number, and of a
        /// Data Center: no length makes a page the last.
        limit: Option<u64>,
        /// Whether it has other links.
        has_links: bool,
    },
}

#[derive(Deserialize)]
struct CloudPage<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    limit: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_links")]
    links: Option<Links<'a>>,
}

#[derive(Deserialize)]
struct Links<'a> {
    #[serde(borrow, default)]
    next: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct DataCenterPage<'a> {
    #[serde(borrow)]
    entities: Vec<&'a RawValue>,
    #[serde(borrow, default, rename = "pagingInfo")]
    paging: Option<PagingInfo<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PagingInfo<'a> {
    #[serde(default, deserialize_with = "boolean")]
    last_page: Option<bool>,
    #[serde(borrow, default)]
    next_page_offset: Option<&'a RawValue>,
    #[serde(borrow, default)]
    next_page_cursor: Option<&'a RawValue>,
    #[serde(borrow, default)]
    next_page_link: Option<&'a RawValue>,
}

impl Page {
    /// Reads the answer of an API.
    ///
    /// # Errors
    /// What is wrong with it: it is not what the API answers.
    pub fn read(api: Api, body: Vec<u8>) -> Result<Self, String> {
        let text = text_of(body);
        let (ranges, more) = match api {
            Api::Cloud | Api::Server => cloud(&text)?,
            Api::DataCenter => data_center(&text)?,
        };
        let mut reader = Reader::default();
        let entry = |range| record::read(&mut reader, &text, range);
        Ok(Self {
            api,
            entries: ranges.into_iter().map(entry).collect(),
            more,
            text,
        })
    }
}

/// The text of an answer, without a byte order mark.
#[must_use]
pub fn text_of(mut body: Vec<u8>) -> String {
    let mark = body.len() - without_mark(&body).len();
    body.drain(..mark);
    match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

type Read = (Vec<Range<usize>>, More);

fn cloud(text: &str) -> Result<Read, String> {
    let page: CloudPage<'_> =
        serde_json::from_str(text).map_err(|error| unexpected(text, &error))?;
    let has_links = page.links.is_some();
    let next = page.links.and_then(|links| links.next);
    let more = match next.filter(|next| next.get() != "\"\"") {
        Some(next) => next_link(next).ok_or("its _links.next is not a link")?,
        None => More::Unsaid {
            limit: page.limit.map(|limit| number(limit).unwrap_or(0)),
            has_links,
        },
    };
    Ok((ranges(text, &page.results), more))
}

fn next_link(next: &RawValue) -> Option<More> {
    let pairs = query(next)?;
    // A cursor may come with a `start` that means nothing by itself.
    if pairs.iter().any(|(key, _)| key == "cursor") {
        return Some(More::Parameters(pairs));
    }
    let start = pairs.iter().find(|(key, _)| key == "start");
    Some(match start.map(|(_, start)| start.parse()) {
        Some(Ok(start)) => More::Offset(start),
        Some(Err(_)) => return None,
        None => More::Parameters(pairs),
    })
}

/// Of a link only the query counts: where it leads to is not ours to follow.
fn query(link: &RawValue) -> Option<Vec<(String, String)>> {
    let link: serde_json::Value = serde_json::from_str(link.get()).ok()?;
    let link = link.as_str().or_else(|| link.get("href")?.as_str())?;
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    Some(pairs.into_owned().collect())
}

fn data_center(text: &str) -> Result<Read, String> {
    let page: DataCenterPage<'_> =
        serde_json::from_str(text).map_err(|error| unexpected(text, &error))?;
    // The last page says that it is: a short one that does not may be short for any reason.
    let unsaid = More::Unsaid {
        limit: Some(0),
        has_links: false,
    };
    let more = page.paging.map_or(unsaid.clone(), |info| {
        let is_last = info.last_page;
        match (is_last, next_page(&info)) {
            (Some(true), _) => More::None,
            (_, Some(next)) => next,
            (Some(false), None) => More::Unnamed,
            (None, None) => unsaid,
        }
    });
    Ok((ranges(text, &page.entities), more))
}

/// Where the next page is, by the first of cursor, offset and link that can be used.
fn next_page(info: &PagingInfo<'_>) -> Option<More> {
    let by_cursor = |cursor: String, offset: Option<u64>| {
        More::Parameters(vec![
            ("pageCursor".to_owned(), cursor),
            ("offset".to_owned(), offset.unwrap_or_default().to_string()),
        ])
    };
    let offset = info.next_page_offset.and_then(number);
    let cursor = info.next_page_cursor.and_then(|cursor| {
        let cursor: Option<String> = serde_json::from_str(cursor.get()).ok()?;
        cursor.filter(|cursor| !cursor.is_empty())
    });
    if let Some(cursor) = cursor {
        return Some(by_cursor(cursor, offset));
    }
    let link = info.next_page_link.and_then(query).unwrap_or_default();
    let linked = |name: &str| {
        let value = link
            .iter()
            .find(|(key, value)| key == name && !value.is_empty());
        value.map(|(_, value)| value.clone())
    };
    let linked_offset = linked("offset").and_then(|offset| offset.parse().ok());
    match linked("pageCursor") {
        Some(cursor) => Some(by_cursor(cursor, linked_offset)),
        None => offset.or(linked_offset).map(More::Offset),
    }
}

/// A whole number, or a text of one.
fn number(value: &RawValue) -> Option<u64> {
    value.get().trim_matches('"').parse().ok()
}

/// A truth value, or a text of one.
fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    match value.as_str().unwrap_or(&value.to_string()) {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "null" => Ok(None),
        _ => Err(D::Error::custom("no truth value")),
    }
}

/// Where the values stand in the text that they are parts of.
#[must_use]
pub fn ranges(text: &str, values: &[&RawValue]) -> Vec<Range<usize>> {
    let start = text.as_ptr().addr();
    let range = |value: &&RawValue| {
        let at = value.get().as_ptr().addr() - start;
        at..at + value.get().len()
    };
    values.iter().map(range).collect()
}

/// Why a text is no page, without quoting it.
#[must_use]
pub fn unexpected(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start();
    // Its words may quote the answer, which may say again what was sent.
    let place = format!("at line {}, column {}", error.line(), error.column());
    if start.is_empty() {
        return "the response is empty".to_owned();
    }
    if start.starts_with('<') {
        return "the response is an HTML page (of a login, a proxy, or an outage), not the JSON of the \
                audit API"
            .to_owned();
    }
    let what = match error.classify() {
        Category::Eof => "it breaks off",
        Category::Syntax | Category::Io => "it is no JSON",
        Category::Data => "missing or invalid list of records",
    };
    format!("the response is not the JSON of the audit API: {what} {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(api: Api, text: &str) -> Result<(usize, More), String> {
        let page = Page::read(api, text.as_bytes().to_vec())?;
        Ok((page.entries.len(), page.more))
    }

    fn parameters(pairs: &[(&str, &str)]) -> More {
        let owned = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        More::Parameters(pairs.iter().map(owned).collect())
    }

    #[test]
    fn cloud_says_by_its_next_link_whether_there_is_more() {
        let more = |rest: &str| {
            read(Api::Cloud, &format!(r#"{{"results":[{{}}]{rest}}}"#))
                .unwrap()
                .1
        };
        let unsaid = |limit, has_links| More::Unsaid { limit, has_links };
        let links = r#","_links":{"self":"x"},"size":37"#;
        assert_eq!(more(links), unsaid(None, true));
        assert_eq!(more(r#","_links":{"next":null}"#), unsaid(None, true));
        assert_eq!(more(r#","_links":{"next":""}"#), unsaid(None, true));
        assert_eq!(more(r#","_links":null"#), unsaid(None, false));
        let foreign = r#","_links":{"next":"https://evil.example/x?start=2&limit=2"}"#;
        assert_eq!(more(foreign), More::Offset(2));
        let opaque = r#","_links":{"next":"/rest/api/audit?cursor=a%3Db&limit=2"}"#;
        assert_eq!(
            more(opaque),
            parameters(&[("cursor", "a=b"), ("limit", "2")])
        );
        let both = r#","_links":{"next":"/x?cursor=a&start=2"}"#;
        assert_eq!(more(both), parameters(&[("cursor", "a"), ("start", "2")]));
        for (limit, read) in [
            (r#","limit":2"#, Some(2)),
            (r#","limit":"2""#, Some(2)),
            (r#","limit":null"#, None),
            (r#","limit":-1"#, Some(0)),
            (r#","limit":"all""#, Some(0)),
            ("", None),
        ] {
            assert_eq!(more(limit), unsaid(read, false), "{limit}");
        }
    }

    #[test]
    fn data_center_says_by_its_paging_info() {
        let more = |info: &str| {
            let text = format!(r#"{{"entities":[{{}},{{}}],"pagingInfo":{info}}}"#);
            read(Api::DataCenter, &text).unwrap().1
        };
        assert_eq!(more(r#"{"lastPage":true,"size":2}"#), More::None);
        let cursor = r#"{"lastPage":false,"nextPageOffset":0,"nextPageCursor":"163,179",
            "nextPageLink":"http://canonical/x"}"#;
        let expected = parameters(&[("pageCursor", "163,179"), ("offset", "0")]);
        assert_eq!(more(cursor), expected);
        assert_eq!(
            more(r#"{"lastPage":false,"nextPageOffset":2}"#),
            More::Offset(2)
        );
        let by_cursor = parameters(&[("pageCursor", "1,2"), ("offset", "0")]);
        for (info, expected) in [
            (r#"{"nextPageOffset":"2"}"#, More::Offset(2)),
            (
                r#"{"nextPageLink":"http://x/y?pageCursor=1%2C2&limit=3"}"#,
                by_cursor,
            ),
            (r#"{"nextPageLink":"/y?offset=7"}"#, More::Offset(7)),
            (r#"{"lastPage":true,"nextPageOffset":2}"#, More::None),
            (r#"{"lastPage":false,"nextPageCursor":""}"#, More::Unnamed),
            (r#"{"lastPage":false,"nextPageLink":"/y"}"#, More::Unnamed),
        ] {
            assert_eq!(more(info), expected, "{info}");
        }
        let unsaid = More::Unsaid {
            limit: Some(0),
            has_links: false,
        };
        for info in [r#"{"size":5}"#, r#"{"lastPage":null}"#] {
            assert_eq!(more(info), unsaid, "{info}");
        }
        assert_eq!(more(r#"{"lastPage":"false"}"#), More::Unnamed);
        assert_eq!(more(r#"{"lastPage":"true"}"#), More::None);
        assert_eq!(more("{}"), unsaid);
        assert_eq!(more("null"), unsaid);
    }

    #[test]
    fn what_the_api_does_not_answer_is_refused() {
        for (text, problem) in [
            ("", "empty"),
            (" <!DOCTYPE html>", "HTML"),
            (r#"{"results":[{"a":1}"#, "not the JSON"),
            (r#"{"message":"x"}"#, "list of records"),
            ("[]", "not the JSON"),
        ] {
            let error = read(Api::Cloud, text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        assert!(read(Api::DataCenter, r#"{"results":[]}"#).is_err());
    }
}
