//! One answer of an API: its records, and what it says of more (docs/sources.md).

use std::ops::Range;

use serde::Deserialize;
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
    /// Nothing. `limit` is how many records the server gives at most, if it says at least that.
    Unsaid {
        /// The server's own limit.
        limit: Option<usize>,
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
    #[serde(default)]
    last_page: Option<bool>,
    #[serde(borrow, default)]
    next_page_offset: Option<&'a RawValue>,
    #[serde(borrow, default)]
    next_page_cursor: Option<&'a RawValue>,
}

impl Page {
    /// Reads the answer of an API.
    ///
    /// # Errors
    /// What is wrong with it: it is not what the API answers.
    pub fn read(api: Api, mut body: Vec<u8>) -> Result<Self, String> {
        let mark = body.len() - without_mark(&body).len();
        body.drain(..mark);
        let text = match String::from_utf8(body) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
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

type Read = (Vec<Range<usize>>, More);

fn cloud(text: &str) -> Result<Read, String> {
    let page: CloudPage<'_> =
        serde_json::from_str(text).map_err(|error| unexpected(text, &error))?;
    let more = match page.links {
        None => More::Unsaid {
            limit: page.limit.and_then(number),
        },
        Some(links) => match links
            .next
            .filter(|next| !matches!(next.get(), "null" | "\"\""))
        {
            None => More::None,
            Some(next) => link(next).ok_or("its _links.next is not a link")?,
        },
    };
    Ok((ranges(text, &page.results), more))
}

/// Of a link only the query counts: where it leads to is not ours to follow.
fn link(next: &RawValue) -> Option<More> {
    let link: serde_json::Value = serde_json::from_str(next.get()).ok()?;
    let link = link.as_str().or_else(|| link.get("href")?.as_str())?;
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let start = pairs.iter().find(|(key, _)| key == "start");
    Some(match start.map(|(_, start)| start.parse()) {
        Some(Ok(start)) => More::Offset(start),
        Some(Err(_)) => return None,
        None => More::Parameters(pairs),
    })
}

fn data_center(text: &str) -> Result<Read, String> {
    let page: DataCenterPage<'_> =
        serde_json::from_str(text).map_err(|error| unexpected(text, &error))?;
    let unsaid = More::Unsaid { limit: None };
    let more = page.paging.map_or(unsaid.clone(), |info| {
        if info.last_page == Some(true) {
            return More::None;
        }
        let offset = info.next_page_offset.and_then(number);
        let cursor = info.next_page_cursor.and_then(|cursor| {
            let cursor: Option<String> = serde_json::from_str(cursor.get()).ok()?;
            cursor.filter(|cursor| !cursor.is_empty())
        });
        match (cursor, offset) {
            (Some(cursor), offset) => More::Parameters(vec![
                ("pageCursor".to_owned(), cursor),
                ("offset".to_owned(), offset.unwrap_or_default().to_string()),
            ]),
            (None, Some(offset)) => More::Offset(offset as u64),
            (None, None) => unsaid,
        }
    });
    Ok((ranges(text, &page.entities), more))
}

fn number(value: &RawValue) -> Option<usize> {
    value.get().parse().ok()
}

/// Where the values stand in the text that they are parts of.
fn ranges(text: &str, values: &[&RawValue]) -> Vec<Range<usize>> {
    let start = text.as_ptr().addr();
    let range = |value: &&RawValue| {
        let at = value.get().as_ptr().addr() - start;
        at..at + value.get().len()
    };
    values.iter().map(range).collect()
}

fn unexpected(text: &str, error: &serde_json::Error) -> String {
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
        assert_eq!(more(r#","_links":{"self":"x"},"size":37"#), More::None);
        assert_eq!(more(r#","_links":{"next":null}"#), More::None);
        assert_eq!(more(r#","_links":{"next":""}"#), More::None);
        let foreign = r#","_links":{"next":"https://evil.example/x?start=2&limit=2"}"#;
        assert_eq!(more(foreign), More::Offset(2));
        let opaque = r#","_links":{"next":"/rest/api/audit?cursor=a%3Db&limit=2"}"#;
        assert_eq!(
            more(opaque),
            parameters(&[("cursor", "a=b"), ("limit", "2")])
        );
        assert_eq!(more(r#","limit":2"#), More::Unsaid { limit: Some(2) });
        assert_eq!(more(""), More::Unsaid { limit: None });
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
        assert_eq!(more("{}"), More::Unsaid { limit: None });
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
