//! The index template for the data stream that the events go to.

use serde_json::{Map, Value, json};

use super::fields::{Field, Type, fields};
use super::tree::{Members, TreeNode, members};
use crate::pipeline::dataset::Dataset;

/// Raised with every change of what is installed, so that a cluster's template can be compared.
pub const VERSION: u64 = 1;

/// Above Elasticsearch's own template for `logs-*-*` (100) and those of Fleet's integrations (200),
/// since two templates of one priority may not match the same stream.
const PRIORITY: u32 = 250;

/// Keywords that no row of the table bounds: unknown keys (ECS's usual bound).
const IGNORE_ABOVE: u32 = 1024;

/// Values of a `flattened` field that are longer are kept but not indexed. A term may have 32,766 bytes, with
/// its path; a character at most four.
const FLATTENED_IGNORE_ABOVE: u32 = 7000;

/// How deep a `flattened` field may be nested.
const FLATTENED_DEPTH: u32 = 100;

/// What an index template is for: the two products have other types for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Elasticsearch 8 and 9.
    Elasticsearch,
    /// OpenSearch 2 and 3.
    OpenSearch,
}

impl Product {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }
}

/// The name of a template in a cluster, and the names that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateTarget {
    /// Name in the cluster.
    pub name: String,
    /// A data stream, or how their names begin, then `*`.
    pub pattern: String,
    /// Whose events go there.
    pub dataset: Dataset,
}

impl TemplateTarget {
    /// The template for the data streams of a data set.
    #[must_use]
    pub fn usual(dataset: Dataset) -> Self {
        Self {
            name: dataset.stream("").trim_end_matches('-').to_owned(),
            pattern: dataset.stream("*"),
            dataset,
        }
    }

    /// The template for a data stream, or for those whose names a pattern fits. All that the usual ones
    /// cover have those: two of one priority may not match the same stream. Of any other name `dataset`
    /// says whose events go there.
    #[must_use]
    pub fn of(pattern: &str, dataset: Dataset) -> Self {
        if let Some(dataset) = Dataset::of_stream(pattern) {
            return Self::usual(dataset);
        }
        Self {
            dataset,
            name: pattern
                .trim_end_matches('*')
                .trim_end_matches('-')
                .to_owned(),
            pattern: pattern.to_owned(),
        }
    }

    /// Whether it is for the data streams that events go to unless another is named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::usual(self.dataset)
    }
}

/// The composable index template, for `PUT _index_template/NAME`.
///
/// Dates are not guessed, so that a text which looks like one stays a keyword. Keys of
/// `confluence.audit.type` beyond the documented ones are kept in the document alone, so that no record
/// with many of them, or with another type there, is refused.
#[must_use]
pub fn index_template(product: Product, target: &TemplateTarget) -> Value {
    let table = fields(target.dataset);
    let mut template = json!({
        "mappings": {
            "date_detection": false,
            "dynamic_templates": dynamic_templates(),
            "properties": properties(&members(table), product),
        },
    });
    if product == Product::Elasticsearch {
        template["settings"] =
            json!({"index.mapping.total_fields.ignore_dynamic_beyond_limit": true});
    }
    json!({
        "_meta": {
            "description": description(target.dataset),
            "ecs_version": table.ecs_version,
            "managed_by": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
        },
        "data_stream": {},
        "index_patterns": [target.pattern],
        "priority": PRIORITY,
        "template": template,
        "version": VERSION,
    })
}

fn description(dataset: Dataset) -> &'static str {
    match dataset {
        Dataset::Confluence => "Confluence audit events, as confluence-ecs makes them",
        Dataset::Organization => {
            "Audit events of Atlassian organizations, as confluence-ecs makes them"
        }
    }
}

fn dynamic_templates() -> Value {
    let keyword = json!({"ignore_above": IGNORE_ABOVE, "type": Type::Keyword.name()});
    json!([{"strings_as_keyword": {
        "mapping": keyword,
        "match_mapping_type": "string",
    }}])
}

fn properties(members: &Members<'_>, product: Product) -> Value {
    let property =
        |(name, node): (&&str, &TreeNode<'_>)| ((*name).to_owned(), mapping(node, product));
    members.iter().map(property).collect()
}

fn mapping(node: &TreeNode<'_>, product: Product) -> Value {
    match node {
        TreeNode::Field(field) => field_mapping(field, product),
        TreeNode::Object {
            open: None,
            members,
        } => json!({"properties": properties(members, product)}),
        TreeNode::Object {
            open: Some(_),
            members,
        } => json!({
            "dynamic": false,
            "properties": properties(members, product),
            "type": "object",
        }),
        // Not among the fields of the mapping.
        TreeNode::Labels => json!({"type": "object"}),
    }
}

fn field_mapping(field: &Field, product: Product) -> Value {
    let mut mapping = Map::new();
    mapping.insert("type".to_owned(), type_name(field, product).into());
    let ignore_above = match (field.kind, product) {
        (Type::Flattened, Product::Elasticsearch) => {
            mapping.insert("depth_limit".to_owned(), FLATTENED_DEPTH.into());
            Some(FLATTENED_IGNORE_ABOVE)
        }
        (Type::ConstantKeyword, Product::OpenSearch) if field.value.is_none() => Some(IGNORE_ABOVE),
        _ => field.ignore_above,
    };
    if let Some(ignore_above) = ignore_above {
        mapping.insert("ignore_above".to_owned(), ignore_above.into());
    }
    if field.unindexed {
        mapping.insert("index".to_owned(), false.into());
        mapping.insert("doc_values".to_owned(), false.into());
    }
    if let Some(value) = &field.value {
        mapping.insert("value".to_owned(), value.as_str().into());
    }
    if !field.multi_fields.is_empty() {
        let multi_fields: Map<_, _> = field
            .multi_fields
            .iter()
            .map(|multi| (multi.name.clone(), json!({"type": multi.kind.name()})))
            .collect();
        mapping.insert("fields".to_owned(), multi_fields.into());
    }
    mapping.into()
}

fn type_name(field: &Field, product: Product) -> &'static str {
    match (field.kind, product) {
        (Type::Flattened, Product::OpenSearch) => "flat_object",
        // Without a value OpenSearch knows no such type.
        (Type::ConstantKeyword, Product::OpenSearch) if field.value.is_none() => "keyword",
        (kind, _) => kind.name(),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// The versions so far, with the beginnings of the hashes of what each installs, for each data set.
    const VERSIONS: [(u64, [&str; 2]); 1] = [(1, ["d48dd81008da7fb8", "e21c5de458d6a313"])];

    fn hash_of(dataset: Dataset) -> String {
        let mut hash = Sha256::new();
        for product in [Product::Elasticsearch, Product::OpenSearch] {
            let mut template = index_template(product, &TemplateTarget::usual(dataset));
            // The release and the version itself are no content.
            template["_meta"]["version"].take();
            template["version"].take();
            hash.update(template.to_string());
        }
        hash.finalize()
            .iter()
            .take(8)
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn another_content_has_another_version() {
        let hashes = Dataset::ALL.map(hash_of);
        let newest = VERSIONS[VERSIONS.len() - 1];
        assert_eq!(
            (VERSION, hashes.each_ref().map(String::as_str)),
            newest,
            "the template has changed: raise VERSION, and add a row to VERSIONS"
        );
        assert!(VERSIONS.is_sorted_by(|one, next| one.0 < next.0));
    }

    #[test]
    fn the_template_of_a_name_is_the_one_that_covers_it() {
        let of = |pattern: &str| TemplateTarget::of(pattern, Dataset::Confluence);
        let name = |pattern: &str| of(pattern).name;
        for dataset in Dataset::ALL {
            let usual = TemplateTarget::usual(dataset);
            assert_eq!(of(&dataset.stream("default")), usual);
            assert_eq!(of(&dataset.stream("*")), usual);
        }
        assert_eq!(name("audit"), "audit");
        assert_eq!(name("audit-*"), "audit");
        assert_eq!(of("audit-*").pattern, "audit-*");
    }
}
