//! Which product answers: Elasticsearch and OpenSearch are told apart, anything else is no cluster
//! (docs/elasticsearch.md, "Products").

use std::fmt;

use serde::Deserialize;

use crate::http::Answer;
use crate::schema::template::Product;

/// A product and its version, where it says that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognized {
    /// Which of the two.
    pub product: Product,
    /// Such as `9.5.0`.
    pub version: Option<String>,
}

/// Versions that are supported.
fn majors(product: Product) -> [&'static str; 2] {
    match product {
        Product::Elasticsearch => ["8", "9"],
        Product::OpenSearch => ["2", "3"],
    }
}

impl fmt::Display for Recognized {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.product.name())?;
        match &self.version {
            Some(version) => write!(formatter, " {version}"),
            None => Ok(()),
        }
    }
}

/// What the answer to `GET /` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A cluster that is supported.
    Cluster(Recognized),
    /// It does not say yet: the credentials come first, or it is not up.
    Unclear,
    /// It is something else: the rest of a sentence about the address.
    Another(String),
}

#[derive(Deserialize)]
struct Root {
    #[serde(default)]
    version: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    distribution: Option<String>,
    #[serde(default)]
    number: Option<String>,
}

/// Recognizes a product by its answer to `GET /`.
#[must_use]
pub fn recognize(answer: &Answer) -> Finding {
    let version = serde_json::from_slice::<Root>(&answer.body)
        .ok()
        .and_then(|root| root.version);
    let distribution = version
        .as_ref()
        .and_then(|version| version.distribution.as_deref());
    let product = if answer.header("x-elastic-product") == Some("Elasticsearch") {
        Product::Elasticsearch
    } else if distribution == Some("opensearch") || answer.header("x-opensearch-version").is_some()
    {
        Product::OpenSearch
    } else {
        return match answer.status {
            401 | 403 | 407 | 408 | 429 | 500..=599 => Finding::Unclear,
            status => Finding::Another(another(answer, status)),
        };
    };
    let version = version.and_then(|version| version.number).or_else(|| {
        // `OpenSearch/3.8.0 (opensearch)`
        let header = answer.header("x-opensearch-version")?;
        let version = header.strip_prefix("OpenSearch/")?;
        Some(version.split(' ').next()?.to_owned())
    });
    if answers_elsewhere(answer) {
        return Finding::Another(format!(
            "is {}, but no address of a cluster (status {}): leave out the path of the URL, unless a proxy needs it",
            product.name(),
            answer.status
        ));
    }
    let recognized = Recognized { product, version };
    let major = recognized
        .version
        .as_deref()
        .and_then(|version| version.split('.').next());
    if major.is_some_and(|major| !majors(product).contains(&major)) {
        let [first, second] = majors(product);
        let name = product.name();
        return Finding::Another(format!(
            "is {recognized}: supported are {name} {first} and {second}"
        ));
    }
    Finding::Cluster(recognized)
}

/// Whether a node answers at a path below its own address: `_bulk` or the name of an index, for example. Some
/// builds answer 405 to `GET /` itself.
fn answers_elsewhere(answer: &Answer) -> bool {
    let has_path = answer.url.path() != "/";
    has_path && matches!(answer.status, 400 | 404 | 405)
}

fn another(answer: &Answer, status: u16) -> String {
    let page = if answer.is_html() {
        "an HTML page, "
    } else {
        ""
    };
    let server = answer.header("server");
    let server = server.map_or_else(String::new, |server| format!(", server {server:?}"));
    format!(
        "is neither Elasticsearch nor OpenSearch, by its answer ({page}status {status}{server}): check the URL"
    )
}
