//! Which products an event is about, for `--product` (docs/organization.md, "Only some products").

use crate::pipeline::json::Value;

/// The names by which events are known to call products. Atlassian adds some, so others are taken, too.
pub const KNOWN: [&str; 11] = [
    "bitbucket",
    "compass",
    "confluence",
    "guard_detect",
    "jira",
    "jira-servicedesk",
    "jira-software",
    "loom",
    "opsgenie",
    "statuspage",
    "trello",
];

/// The products whose events are wanted; of none, all are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Products(Vec<String>);

impl Products {
    /// Those products, by their names in lower case.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Those whose name is none that is known.
    #[must_use]
    pub fn unknown(&self) -> Vec<&str> {
        let names = self.0.iter().map(String::as_str);
        names.filter(|name| !KNOWN.contains(name)).collect()
    }

    /// Whether an event is about one of them. What is no event is not left out: it is to be seen.
    #[must_use]
    pub fn want(&self, event: Value<'_>) -> bool {
        let Some(attributes) = event.get("attributes").and_then(Value::object) else {
            return true;
        };
        self.0.is_empty() || self.0.iter().any(|name| is_about(attributes, name))
    }
}

fn is_about(attributes: Value<'_>, product: &str) -> bool {
    let action = attributes.get("action").and_then(Value::as_str);
    action.is_some_and(|action| begins(&action, product))
        || attributes
            .get("actor")
            .is_some_and(|actor| acts(actor, product))
        || ["context", "container"].into_iter().any(|key| {
            // A list of objects; a single one counts as a list of it.
            let value = attributes.get(key);
            let objects = value.and_then(Value::array);
            let mut objects = objects.into_iter().flat_map(Value::elements);
            objects.any(|one| names(one, product)) || value.is_some_and(|one| names(one, product))
        })
}

/// `confluence_page_viewed` and, of data security policies, `upp_confluence_page_export_deny`.
fn begins(action: &str, product: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let action = action.strip_prefix("upp_").unwrap_or(&action);
    let rest = action.strip_prefix(product);
    rest.is_some_and(|rest| rest.starts_with('_'))
}

/// Whether the product itself acts, or somebody through it.
fn acts(actor: Value<'_>, product: &str) -> bool {
    let app = actor.get("app");
    let app_names = [
        app,
        app.and_then(|app| app.get("id")),
        app.and_then(|app| app.get("name")),
        attribute(app, "name"),
    ];
    is(actor.get("id"), product)
        || is_resource(actor.get("id"), product)
        || app_names
            .into_iter()
            .any(|name| is(name, product) || is_resource(name, product))
}

/// Whether an object of the event is the product, or in it: by its resource name, as
/// `ari:cloud:confluence:…`, or by its name where it is an app.
fn names(object: Value<'_>, product: &str) -> bool {
    let kind = object.get("type");
    let is_app = ["app", "apps", "product", "products"]
        .into_iter()
        .any(|name| is(kind, name));
    let is_named = || is(object.get("id"), product) || is(attribute(Some(object), "name"), product);
    is_resource(Some(object), product)
        || is_resource(object.get("id"), product)
        || is(kind, product)
        || is_app && is_named()
}

fn attribute<'a>(object: Option<Value<'a>>, name: &str) -> Option<Value<'a>> {
    object?.get("attributes")?.get(name)
}

/// Whether a text is a name, in whatever case.
fn is(value: Option<Value<'_>>, name: &str) -> bool {
    let text = value.and_then(Value::as_str);
    text.is_some_and(|text| text.eq_ignore_ascii_case(name))
}

/// Whether a text is a resource name (ARI) of a product.
fn is_resource(value: Option<Value<'_>>, product: &str) -> bool {
    let Some(text) = value.and_then(Value::as_str) else {
        return false;
    };
    let mut parts = text.split(':');
    let is_ari = parts
        .next()
        .is_some_and(|part| part.eq_ignore_ascii_case("ari"));
    let owner = parts.nth(1);
    is_ari && owner.is_some_and(|owner| owner.eq_ignore_ascii_case(product))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::json::Reader;

    fn wanted(attributes: &str, products: &[&str]) -> bool {
        let text = format!(r#"{{"attributes":{attributes}}}"#);
        let mut reader = Reader::default();
        let document = reader.read(&text).unwrap();
        let products = products.iter().map(|name| (*name).to_owned()).collect();
        Products::new(products).want(document.root())
    }

    #[test]
    fn an_event_is_about_a_product_by_its_action_its_actor_or_its_objects() {
        for attributes in [
            r#"{"action":"confluence_page_viewed"}"#,
            r#"{"action":"upp_confluence_page_export_deny"}"#,
            r#"{"actor":{"id":"confluence","email":"Atlassian app"}}"#,
            r#"{"actor":{"id":"x","app":{"id":"Confluence"}}}"#,
            r#"{"actor":{"app":{"attributes":{"name":"Confluence"}}}}"#,
            r#"{"context":[7,{"id":"ari:cloud:confluence:1:space/2","type":"x"}]}"#,
            r#"{"container":[{"id":"9","type":"apps","attributes":{"name":"Confluence"}}]}"#,
            r#"{"action":"Confluence_page_viewed"}"#,
            r#"{"context":{"id":"ari:cloud:confluence::site/1","type":"sites"}}"#,
            r#"{"container":{"id":"confluence","type":"apps"}}"#,
            r#"{"context":["ari:cloud:Confluence::site/1"]}"#,
            r#"{"actor":{"id":"ari:cloud:confluence::app/1"}}"#,
            r#"{"actor":{"app":"confluence"}}"#,
            r#"{"actor":{"app":{"id":"ari:cloud:confluence::app/1"}}}"#,
            r#"{"actor":{"app":{"id":"7","name":"Confluence"}}}"#,
        ] {
            assert!(wanted(attributes, &["confluence"]), "{attributes}");
            assert!(wanted(attributes, &["jira", "confluence"]), "{attributes}");
            assert!(!wanted(attributes, &["jira"]), "{attributes}");
            assert!(wanted(attributes, &[]), "{attributes}");
        }
        for attributes in [
            r#"{"action":"confluencer"}"#,
            r#"{"action":"jira_confluence_linked"}"#,
            r#"{"context":[{"id":"1","type":"page","attributes":{"name":"Confluence"}}]}"#,
            r#"{"context":"confluence","actor":null}"#,
        ] {
            assert!(!wanted(attributes, &["confluence"]), "{attributes}");
        }
        assert!(wanted("null", &["confluence"]), "no event");
    }
}
