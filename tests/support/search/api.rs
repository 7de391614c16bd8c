//! What is asked of a cluster, answered as the real nodes answer.

use serde_json::{Map, Value, json};

use super::wire::{Answer, Request};
use super::{Kind, World};

/// Parameters of a bulk request that real nodes know, and that are used here.
const BULK_PARAMETERS: [&str; 2] = ["filter_path", "pipeline"];

/// Answers a request; of a bulk request so many documents are taken at most.
pub fn handle(world: &mut World, request: &Request, most: usize) -> Answer {
    let answer = authenticate(world, request).unwrap_or_else(|| route(world, request, most));
    match world.kind {
        Kind::Elasticsearch => answer.with("X-elastic-product", "Elasticsearch"),
        Kind::OpenSearch2 => answer,
        Kind::OpenSearch3 => {
            let version = format!("OpenSearch/{} (opensearch)", world.version);
            answer.with("X-OpenSearch-Version", &version)
        }
    }
}

fn authenticate(world: &World, request: &Request) -> Option<Answer> {
    let credentials = world.credentials.as_ref()?;
    let given = request.header("authorization");
    let is_known = given.is_some_and(|given| credentials.iter().any(|known| known == given));
    (!is_known).then(|| {
        Answer::error(401, "security_exception", "unable to authenticate user")
            .with("WWW-Authenticate", "Basic realm=\"security\"")
    })
}

fn route(world: &mut World, request: &Request, most: usize) -> Answer {
    let path = request.path.as_str();
    match (request.method.as_str(), path) {
        ("GET", "/") => root(world),
        // A template newer than any: nothing is said of it.
        ("GET", _) if path.starts_with("/_index_template/") => {
            let newest = json!({"index_template": {"version": 1_000_000_000}});
            Answer::json(200, &json!({"index_templates": [newest]}))
        }
        ("POST", "/_mget") => mget(world, request),
        ("POST", "/_bulk") => bulk(world, request, None, most),
        ("POST", _) if path.ends_with("/_bulk") => {
            let name = path.trim_start_matches('/').trim_end_matches("/_bulk");
            bulk(world, request, Some(name), most)
        }
        ("GET", _) if path.starts_with("/_resolve/index/") => {
            let name = path.trim_start_matches("/_resolve/index/");
            let resolved = world.store.resolve(name);
            resolved.map_or_else(
                || {
                    let reason = format!("no such index [{name}]");
                    Answer::error(404, "index_not_found_exception", &reason)
                },
                |resolved| Answer::json(200, &resolved),
            )
        }
        (method, _) => {
            world.violate(format!("{method} {path}"));
            Answer::json(
                400,
                &json!({"error": format!("no handler found for uri [{path}]")}),
            )
        }
    }
}

fn root(world: &World) -> Answer {
    if world.root_status != 200 {
        return Answer::json(
            world.root_status,
            &json!({"error": "not here", "status": world.root_status}),
        );
    }
    let mut version = json!({"number": world.version});
    if world.kind != Kind::Elasticsearch {
        version["distribution"] = "opensearch".into();
    }
    Answer::json(200, &json!({"name": "stand-in", "version": version}))
}

/// What is sent as JSON says so.
fn must_be(world: &mut World, request: &Request, content_type: &str) {
    let given = request.header("content-type");
    if given != Some(content_type) {
        world.violate(format!("{}: Content-Type {given:?}", request.path));
    }
}

fn mget(world: &mut World, request: &Request) -> Answer {
    must_be(world, request, "application/json");
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        world.violate("_mget: no JSON");
        return Answer::error(400, "parsing_exception", "no JSON");
    };
    let asked = body["docs"].as_array().cloned().unwrap_or_default();
    if asked.is_empty() {
        world.violate("_mget: no documents");
        return Answer::error(400, "action_request_validation_exception", "no documents");
    }
    let mut docs = Vec::new();
    for entry in asked {
        let (index, id) = (&entry["_index"], &entry["_id"]);
        let (name, key) = (index.as_str().unwrap_or_default(), id.as_str());
        let (name, key) = (name, key.unwrap_or_default());
        if world.store.names.contains_key(name) && world.store.concrete(name).is_none() {
            world.violate(format!("_mget: {name} is no index"));
        }
        if key.is_empty() {
            world.violate("_mget: an entry without its id");
        }
        docs.push(match world.store.concrete(name) {
            Some(index) => json!({"_id": id, "found": index.documents.contains_key(key)}),
            None => json!({"_id": id, "error": {"type": "index_not_found_exception"}}),
        });
    }
    Answer::json(200, &json!({"docs": docs}))
}

fn bulk(world: &mut World, request: &Request, target: Option<&str>, most: usize) -> Answer {
    must_be(world, request, "application/x-ndjson");
    for (name, _) in &request.query {
        if !BULK_PARAMETERS.contains(&name.as_str()) {
            world.violate(format!("_bulk: parameter {name}"));
        }
    }
    let pipeline = request.parameter("pipeline").unwrap_or("_none").to_owned();
    if !request.body.ends_with(b"\n") {
        world.violate("_bulk: no newline at its end");
        let reason = "The bulk request must be terminated by a newline [\\n]";
        return Answer::error(400, "illegal_argument_exception", reason);
    }
    let refused = world.judge_whole.as_mut();
    if let Some(answer) = refused.and_then(|judge| judge(&request.body)) {
        return answer;
    }
    let mut items = Vec::new();
    let mut lines = request.body.split(|byte| *byte == b'\n');
    while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
        let action: Value = serde_json::from_slice(line).unwrap_or_default();
        let item = match (&action["create"], &action["delete"]) {
            (Value::Object(create), _) => {
                let document = lines.next().unwrap_or_default();
                if items.len() >= most {
                    break;
                }
                create_item(world, create, target, document, &pipeline)
            }
            (_, Value::Object(delete)) => delete_item(world, delete),
            _ => Err(format!("_bulk: action {action}")),
        };
        match item {
            Ok(item) => items.push(item),
            Err(problem) => {
                world.violate(problem.clone());
                return Answer::error(400, "illegal_argument_exception", &problem);
            }
        }
    }
    let errors = items
        .iter()
        .any(|item| item.to_string().contains("\"error\""));
    Answer::json(200, &json!({"errors": errors, "took": 1, "items": items}))
}

fn create_item(
    world: &mut World,
    action: &Map<String, Value>,
    target: Option<&str>,
    document: &[u8],
    pipeline: &str,
) -> Result<Value, String> {
    let id = action.get("_id").and_then(Value::as_str);
    let id = id.filter(|id| !id.is_empty() && id.len() <= 512);
    let id = id.ok_or_else(|| format!("_bulk: id of {action:?}"))?;
    if action.len() != 1 {
        return Err(format!("_bulk: action {action:?}"));
    }
    let target = target.ok_or("_bulk: no target")?;
    let value: Value = serde_json::from_slice(document).map_err(|_| "_bulk: no JSON")?;
    if value["@timestamp"].as_str().is_none() {
        return Err("_bulk: no @timestamp".to_owned());
    }
    let failed = |status: u16, kind: &str, reason: &str| {
        let error = json!({"type": kind, "reason": reason});
        json!({"create": {"_index": target, "status": status, "error": error}})
    };
    if pipeline != "_none" && !world.pipelines.iter().any(|known| known == pipeline) {
        let reason = format!("pipeline with id [{pipeline}] does not exist");
        return Ok(failed(400, "illegal_argument_exception", &reason));
    }
    let judged = world.judge.as_mut().and_then(|judge| judge(id, &value));
    if let Some((status, kind, reason)) = judged {
        if status == 400 && world.has_failure_store {
            let index = format!(".fs-{target}-2026.11.29-000001");
            let item = json!({"_index": index, "status": 201, "failure_store": "used"});
            return Ok(json!({"create": item}));
        }
        return Ok(failed(status, kind, &reason));
    }
    let Some(index) = world.store.writing(target) else {
        let reason = format!("no such index [{target}]");
        return Ok(failed(404, "index_not_found_exception", &reason));
    };
    let name = index.name.clone();
    Ok(if index.documents.contains_key(id) {
        let reason = format!("[{id}]: version conflict, document already exists");
        let error = json!({"type": "version_conflict_engine_exception", "reason": reason});
        json!({"create": {"_index": name, "status": 409, "error": error}})
    } else {
        index.documents.insert(id.to_owned(), value);
        json!({"create": {"_index": name, "status": 201}})
    })
}

fn delete_item(world: &mut World, action: &Map<String, Value>) -> Result<Value, String> {
    let text = |key| action.get(key).and_then(Value::as_str);
    let (Some(name), Some(id)) = (text("_index"), text("_id")) else {
        return Err(format!("_bulk: action {action:?}"));
    };
    let index = world.store.concrete(name);
    let index = index.ok_or_else(|| format!("_bulk: delete in {name}"))?;
    let status = match index.documents.remove(id) {
        Some(_) => 200,
        None => 404,
    };
    Ok(json!({"delete": {"_index": name, "_id": id, "status": status}}))
}
