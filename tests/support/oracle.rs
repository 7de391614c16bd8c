//! The oracle: docs/mapping.md written down a second time, slowly and in the open, to hold the production mapper against.
//! It shares no code with the product. Trees all the way, one section of docs/mapping.md after the other.
//!
//! Pages and arrays of records (§1, last paragraph) and the `pipeline_error` event (§10) are not here:
//! [`map`] takes one record and says with `Err` that it cannot be mapped.

mod address;
pub mod categories;
mod organization;
mod time;
pub mod uri;
mod users;

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use categories::Categories;

/// The raw shapes of §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Cloud,
    DcFile,
    DcApi,
    /// docs/org-events.md
    Organization,
}

/// Where the record was read, for §9.
#[derive(Clone, Debug)]
pub enum Input {
    Stdin,
    File { path: String, offset: u64 },
}

/// An address and a prefix length: `10.0.0.0/8`.
pub type Cidr = (IpAddr, u8);

/// A database as §5 sees it: an address in, the object for `source.geo` or `source.as` out.
pub type Lookup = Box<dyn Fn(IpAddr) -> Option<Value>>;

/// Everything but the record that the event depends on. `Default` is what the spec gives as defaults, with the
/// original not preserved and no databases.
pub struct Options {
    /// `None`: decided per record; else forced by a flag or told by the source.
    pub dialect: Option<Dialect>,
    /// `--timestamps elastic`: reproduce the fault of §3.
    pub elastic_timestamps: bool,
    pub categories: Categories,
    pub preserve_original: bool,
    /// `--no-default-tags` leaves out the tag of the data set.
    pub default_tags: bool,
    /// The `--tag`s.
    pub tags: Vec<String>,
    pub namespace: String,
    pub input: Input,
    /// `--trusted-proxy`.
    pub trusted: Vec<Cidr>,
    /// `--network CIDR=NAME`.
    pub networks: Vec<(Cidr, String)>,
    /// `--add-fields`: an object.
    pub add_fields: Value,
    /// The City database: the value of `source.geo`.
    pub geo: Lookup,
    /// The ASN database: the value of `source.as`.
    pub asn: Lookup,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            dialect: None,
            elastic_timestamps: false,
            categories: Categories::Elastic,
            preserve_original: false,
            default_tags: true,
            tags: Vec::new(),
            namespace: "default".to_owned(),
            input: Input::Stdin,
            trusted: address::private_ranges(),
            networks: Vec::new(),
            add_fields: json!({}),
            geo: Box::new(|_| None),
            asn: Box::new(|_| None),
        }
    }
}

/// What the oracle gives for a time of processing (§10).
pub const NOW: &str = "the time of processing";

/// One record's text → the event as a tree, or why the record cannot be mapped (§10).
pub fn map(line: &str, options: &Options) -> Result<Value, String> {
    let record: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let Value::Object(record) = record else {
        return Err("not an object".to_owned());
    };
    let is_organization = organization::is_one(&record);
    let whole = record.clone();
    // "Before anything is read" (§2).
    let record: Map<String, Value> = record
        .into_iter()
        .filter_map(|(key, value)| Some((key, clean(value)?)))
        .collect();
    let dialect = match options.dialect {
        Some(forced) => forced,
        // "After the three others."
        None => match detect(&record) {
            Err(_) if is_organization => Dialect::Organization,
            detected => detected?,
        },
    };
    if dialect == Dialect::Organization {
        let mut event = organization::map(&whole, line, options)?;
        envelope(&mut event, &ORGANIZATION, options);
        if let Some(constants) = clean(options.add_fields.clone()) {
            merge(&mut event, &constants);
        }
        return Ok(event);
    }

    let mut event = json!({});
    constants(&mut event, line, options);
    match dialect {
        Dialect::Cloud => cloud(&mut event, &record)?,
        Dialect::DcFile => self_hosted(&mut event, &record, ["auditType", "type"], options)?,
        Dialect::DcApi => self_hosted(&mut event, &record, ["type", "auditType"], options)?,
        Dialect::Organization => unreachable!("mapped above"),
    }
    address::source(&mut event, options);
    categories::categorise(&mut event, options.categories);
    users::users_and_groups(&mut event, dialect);
    envelope(&mut event, &CONFLUENCE, options);
    merge(&mut event, &options.add_fields);
    Ok(clean(event).expect("event.kind is always there"))
}

// ---------------------------------------------------------------- §1 dialects

/// "`auto` decides per record, in this order".
fn detect(record: &Map<String, Value>) -> Result<Dialect, String> {
    let timestamp = record.get("timestamp");
    if record.contains_key("creationDate") {
        Ok(Dialect::Cloud)
    } else if record.contains_key("auditType") || timestamp.is_some_and(Value::is_object) {
        Ok(Dialect::DcFile)
    } else if timestamp.is_some_and(Value::is_string) {
        Ok(Dialect::DcApi)
    } else {
        Err("no time".to_owned())
    }
}

// ---------------------------------------------------------------- §2 every event

fn constants(event: &mut Value, line: &str, options: &Options) {
    put(event, "ecs.version", Some(json!("8.11.0")));
    put(event, "event.kind", Some(json!("event")));
    put(event, "event.type", Some(json!(["info"])));
    if options.preserve_original {
        put(event, "event.original", Some(json!(line)));
    }
}

// ---------------------------------------------------------------- §3 self-hosted

/// `type_keys`: the dialect's own key first, should a record have both.
fn self_hosted(
    event: &mut Value,
    record: &Map<String, Value>,
    type_keys: [&str; 2],
    options: &Options,
) -> Result<(), String> {
    let time = time::self_hosted(record.get("timestamp"), options.elastic_timestamps)?;
    put(event, "@timestamp", Some(json!(time)));

    put(event, "source.address", scalar(record.get("source")));

    let author = record.get("author");
    put(event, "user.id", scalar(member(author, "id")));
    put(event, "user.full_name", scalar(member(author, "name")));
    let name = username(member(author, "uri")).map(|name| json!(name));
    put(event, "user.name", name);

    let kind = type_keys
        .into_iter()
        .filter_map(|key| record.get(key))
        .find(|kind| kind.is_object());
    put(event, "confluence.audit.type", kind.cloned());
    let method = scalar(record.get("method"));
    put(event, "confluence.audit.method", method);

    let system = scalar(record.get("system"));
    let hosts: Vec<String> = texts(system.as_ref())
        .iter()
        .filter_map(|system| uri::host(system))
        .collect();
    put(event, "related.hosts", Some(without_repeats(hosts)));
    put(event, "service.address", system);

    for (target, from) in [
        ("confluence.audit.extra_attributes", "extraAttributes"),
        ("confluence.audit.changed_values", "changedValues"),
        ("confluence.audit.affected_objects", "affectedObjects"),
    ] {
        put(event, target, objects(record.get(from)));
    }

    put(event, "event.action", scalar(member(kind, "actionI18nKey")));
    Ok(())
}

/// NAME of a URI that ends in `?username=NAME` (§3, `user.name`).
fn username(uri: Option<&Value>) -> Option<String> {
    let (_, name) = uri?.as_str()?.rsplit_once("?username=")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!name.is_empty() && name.chars().all(allowed)).then(|| name.to_owned())
}

// ---------------------------------------------------------------- §4 cloud

fn cloud(event: &mut Value, record: &Map<String, Value>) -> Result<(), String> {
    // Without one: "mapped whole, with the time of processing" (§10). In `auto` it is there.
    let time = match record.get("creationDate") {
        Some(date) => time::creation_date(date)?,
        None => NOW.to_owned(),
    };
    put(event, "@timestamp", Some(json!(time)));

    let address = scalar(record.get("remoteAddress"));
    put(event, "source.address", address);

    let author = record.get("author");
    put(event, "user.id", scalar(member(author, "accountId")));
    let full_name = scalar(member(author, "displayName"));
    put(event, "user.full_name", full_name);
    let external = scalar(member(author, "externalCollaborator"));
    put(event, "confluence.audit.external_collaborator", external);

    let category = scalar(record.get("category"));
    put(event, "confluence.audit.type.category", category);
    let summary = scalar(record.get("summary"));
    put(event, "confluence.audit.type.action", summary.clone());
    put(event, "event.action", summary);

    let affected = affected_objects(record);
    put(event, "confluence.audit.affected_objects", Some(affected));

    let changed = match objects(record.get("changedValues")) {
        Some(Value::Array(values)) => Some(values.into_iter().map(changed_value).collect()),
        single => single,
    };
    put(event, "confluence.audit.changed_values", changed);
    Ok(())
}

/// `associatedObjects`, then `affectedObject`, then the renaming in each.
fn affected_objects(record: &Map<String, Value>) -> Value {
    let affected = record.get("affectedObject");
    let mut objects = match objects(record.get("associatedObjects")) {
        Some(Value::Array(elements)) => elements,
        // "A single object stays as it is", unless another comes to it.
        Some(single) if affected.is_none_or(|affected| *affected == single) => return single,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    if let Some(affected) = affected
        // Numbers compare by their text, members regardless of their order.
        && !objects.contains(affected)
    {
        objects.push(affected.clone());
    }
    for object in &mut objects {
        rename(object, "objectType", &["type"]);
    }
    Value::Array(objects)
}

fn changed_value(mut value: Value) -> Value {
    rename(&mut value, "name", &["i18nKey", "key"]);
    rename(&mut value, "newValue", &["to"]);
    rename(&mut value, "oldValue", &["from"]);
    value
}

/// Moves a member to each of the new names; what is no object stays as it is.
fn rename(value: &mut Value, from: &str, to: &[&str]) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    let Some(moved) = object.remove(from) else {
        return;
    };
    for name in to {
        object.insert((*name).to_owned(), moved.clone());
    }
}

// ---------------------------------------------------------------- actions

/// `event.action`, if it is text.
fn action(event: &Value) -> Option<String> {
    Some(event.pointer("/event/action")?.as_str()?.to_owned())
}

/// `S.` stands for `audit.logging.summary.`.
fn full(name: &str) -> String {
    match name.strip_prefix("S.") {
        Some(rest) => format!("audit.logging.summary.{rest}"),
        None => name.to_owned(),
    }
}

// ---------------------------------------------------------------- §8 clean-up

/// Null, `""`, `{}` and `[]` go, from the leaves up; `None` if nothing is left.
fn clean(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(elements) => {
            let rest: Vec<Value> = elements.into_iter().filter_map(clean).collect();
            (!rest.is_empty()).then_some(Value::Array(rest))
        }
        Value::Object(members) => {
            let rest: Map<String, Value> = members
                .into_iter()
                .filter_map(|(key, value)| Some((key, clean(value)?)))
                .collect();
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value),
    }
}

// ---------------------------------------------------------------- §9 envelope

/// What is constant in a data set's envelope.
struct Names {
    dataset: &'static str,
    module: Option<&'static str>,
    tag: &'static str,
}

const CONFLUENCE: Names = Names {
    dataset: "atlassian_confluence.audit",
    module: None,
    tag: "confluence-audit",
};
const ORGANIZATION: Names = Names {
    dataset: "atlassian_cloud.audit",
    module: Some("atlassian_cloud"),
    tag: "atlassian_cloud-audit",
};

fn envelope(event: &mut Value, names: &Names, options: &Options) {
    let dataset = json!(names.dataset);
    put(
        event,
        "event.module",
        names.module.map(|module| json!(module)),
    );
    put(event, "data_stream.type", Some(json!("logs")));
    put(event, "data_stream.dataset", Some(dataset.clone()));
    let namespace = json!(options.namespace);
    put(event, "data_stream.namespace", Some(namespace));
    put(event, "event.dataset", Some(dataset));
    match &options.input {
        Input::Stdin => put(event, "input.type", Some(json!("stdin"))),
        Input::File { path, offset } => {
            put(event, "input.type", Some(json!("log")));
            put(event, "log.file.path", Some(json!(path)));
            put(event, "log.offset", Some(json!(offset)));
        }
    }
    let mut tags = Vec::new();
    if options.preserve_original {
        tags.push("preserve_original_event".to_owned());
    }
    if options.default_tags {
        tags.push(names.tag.to_owned());
    }
    tags.extend(options.tags.iter().cloned());
    if !tags.is_empty() {
        put(event, "tags", Some(json!(tags)));
    }
}

/// `--add-fields`: objects merge, anything else is replaced by the constant.
fn merge(event: &mut Value, constants: &Value) {
    match (event, constants) {
        (Value::Object(event), Value::Object(constants)) => {
            for (key, constant) in constants {
                merge(event.entry(key.clone()).or_insert(Value::Null), constant);
            }
        }
        (event, constant) => *event = constant.clone(),
    }
}

// ---------------------------------------------------------------- trees

/// Sets a dotted path, or removes what stands there.
fn put(event: &mut Value, path: &str, value: Option<Value>) {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = event;
    for key in parents.split('.').filter(|key| !key.is_empty()) {
        place = place
            .as_object_mut()
            .expect("the parents of a field are objects")
            .entry(key.to_owned())
            .or_insert_with(|| json!({}));
    }
    let object = place
        .as_object_mut()
        .expect("the parent of a field is an object");
    match value {
        Some(value) => object.insert(last.to_owned(), value),
        None => object.remove(last),
    };
}

/// "Scalars are copied as they are"; "a list of scalars where a scalar belongs stays a list"; "an object, or a list with
/// objects or lists in it, is left out there".
fn scalar(value: Option<&Value>) -> Option<Value> {
    let is_scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    let value = value?;
    let fits = match value {
        Value::Array(elements) => elements.iter().all(is_scalar),
        other => is_scalar(other),
    };
    fits.then(|| value.clone())
}

/// "Where a list of objects belongs a single object stays as it is, and a scalar is left out."
fn objects(value: Option<&Value>) -> Option<Value> {
    value
        .filter(|value| value.is_array() || value.is_object())
        .cloned()
}

/// The text of a scalar, or the strings of a list of them.
fn texts(value: Option<&Value>) -> Vec<String> {
    let elements = match value {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    let texts = elements.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// A list of texts, each once.
fn without_repeats(texts: Vec<String>) -> Value {
    let mut once: Vec<String> = Vec::new();
    for text in texts {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    json!(once)
}

/// A member of what may be an object.
fn member<'a>(object: Option<&'a Value>, key: &str) -> Option<&'a Value> {
    object?.as_object()?.get(key)
}
