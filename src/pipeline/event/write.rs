//! An event as one line of JSON, its keys in order.

use std::borrow::Cow;
use std::collections::HashSet;

use super::object::{Object, name};
use super::{Audit, AuditType, Envelope, Event, Group, Hosts, Objects, Origin, Scalar, User};
use crate::pipeline::dataset::Dataset;
use crate::pipeline::json::{Document, Writer};
use crate::pipeline::timestamp::Timestamp;

/// Appends an event and a line end. `original` is the record's text; `offset` is where in the stream
/// its line begins.
pub fn write_event(
    out: &mut Vec<u8>,
    event: &Event<'_>,
    envelope: &Envelope,
    origin: &Origin,
    offset: u64,
    original: &Document<'_>,
) {
    // What most events need: as much as the record, the original again if it is kept, and the rest.
    let copies = 1 + usize::from(envelope.preserve_original);
    let room = copies * original.text.len() + 512;
    let dataset = Dataset::Confluence;
    let fields = envelope.fields(dataset);
    let mut line = Writer::after(std::mem::take(out), room);
    let mut root = Object::open(&mut line, Some(&envelope.add_fields));
    timestamp(&mut root, name!("@timestamp"), event.timestamp);
    root.object(name!("confluence"), |confluence| {
        confluence.object(name!("audit"), |object| audit(object, &event.audit));
    });
    data_stream_and_ecs(&mut root, envelope, dataset);
    root.object(name!("event"), |object| {
        scalar(object, name!("action"), event.action.as_ref());
        object.json(name!("category"), event.row.category);
        object.json(name!("created"), &origin.created);
        object.json(name!("dataset"), dataset.name_json());
        object.json(name!("kind"), "\"event\"");
        if envelope.preserve_original {
            object.value(name!("original"), |out| {
                out.string_of_document(original);
                true
            });
        }
        object.json(name!("outcome"), event.row.outcome);
        object.json(name!("type"), event.row.kind);
    });
    root.object(name!("group"), |object| group(object, &event.group));
    where_from(&mut root, origin, offset);
    root.object(name!("related"), |object| related(object, event));
    root.object(name!("service"), |service| {
        service.optional(name!("address"), event.service_address);
    });
    root.object(name!("source"), |object| source(object, event));
    root.json(name!("tags"), &fields.tags);
    root.object(name!("user"), |object| users(object, event));
    root.close();
    line.byte(b'\n');
    *out = line.into_bytes();
}

/// Appends the event of something that could not be mapped (docs/mapping.md 10), and a line end.
pub fn write_pipeline_error(
    out: &mut Vec<u8>,
    message: &str,
    envelope: &Envelope,
    dataset: Dataset,
    origin: &Origin,
    offset: u64,
    original: &[u8],
) {
    let fields = envelope.fields(dataset);
    let mut line = Writer::after(std::mem::take(out), 2 * original.len() + 1024);
    let mut root = Object::open(&mut line, Some(&envelope.error_add_fields));
    timestamp(&mut root, name!("@timestamp"), Timestamp::now());
    data_stream_and_ecs(&mut root, envelope, dataset);
    root.object(name!("error"), |error| {
        error.value(name!("message"), |out| {
            out.string(message);
            true
        });
    });
    root.object(name!("event"), |event| {
        event.json(name!("created"), &origin.created);
        event.json(name!("dataset"), dataset.name_json());
        event.json(name!("kind"), "\"pipeline_error\"");
        event.json(name!("module"), &fields.module);
        event.value(name!("original"), |out| {
            out.string(&String::from_utf8_lossy(original));
            !original.is_empty()
        });
    });
    where_from(&mut root, origin, offset);
    root.json(name!("tags"), &fields.error_tags);
    root.close();
    line.byte(b'\n');
    *out = line.into_bytes();
}

#[inline(always)]
pub(super) fn timestamp(object: &mut Object<'_, '_>, name: &'static str, timestamp: Timestamp) {
    object.value(name, |out| {
        out.text(&timestamp.json());
        true
    });
}

pub(super) fn data_stream_and_ecs(
    root: &mut Object<'_, '_>,
    envelope: &Envelope,
    dataset: Dataset,
) {
    let fields = envelope.fields(dataset);
    if root.joined(&fields.joined, |_| {}) {
        return;
    }
    root.object(name!("data_stream"), |object| {
        object.json(name!("dataset"), dataset.name_json());
        object.json(name!("namespace"), &envelope.namespace);
        object.json(name!("type"), "\"logs\"");
    });
    root.object(name!("ecs"), |ecs| {
        ecs.json(name!("version"), &fields.ecs_version);
    });
}

pub(super) fn where_from(root: &mut Object<'_, '_>, origin: &Origin, offset: u64) {
    let joined = root.joined(&origin.joined, |out| {
        // With a path the text ends in the middle of `log`.
        if origin.path.is_some() {
            out.number(offset);
            out.byte(b'}');
        }
    });
    if joined {
        return;
    }
    root.object(name!("input"), |input| {
        input.json(name!("type"), origin.input);
    });
    root.object(name!("log"), |log| {
        let Some(path) = &origin.path else { return };
        log.object(name!("file"), |file| file.json(name!("path"), path));
        log.value(name!("offset"), |out| {
            out.number(offset);
            true
        });
    });
}

#[inline(always)]
fn scalar(object: &mut Object<'_, '_>, name: &'static str, scalar: Option<&Scalar<'_>>) {
    match scalar {
        None => object.optional(name, None),
        Some(Scalar::Json(value)) => object.optional(name, Some(*value)),
        Some(Scalar::Text(text)) => object.value(name, |out| {
            out.string(text);
            !text.is_empty()
        }),
    }
}

fn audit(object: &mut Object<'_, '_>, audit: &Audit<'_>) {
    objects(object, name!("affected_objects"), audit.affected_objects);
    objects(object, name!("changed_values"), audit.changed_values);
    object.optional(name!("external_collaborator"), audit.external_collaborator);
    objects(object, name!("extra_attributes"), audit.extra_attributes);
    object.optional(name!("method"), audit.method);
    match audit.kind {
        AuditType::Object(value) => object.copy(name!("type"), value),
        AuditType::Absent => object.object(name!("type"), |_| {}),
        AuditType::Cloud { category, action } => object.object(name!("type"), |object| {
            object.optional(name!("action"), action);
            object.optional(name!("category"), category);
        }),
    }
}

#[inline(always)]
fn objects(object: &mut Object<'_, '_>, name: &'static str, objects: Objects<'_>) {
    match objects.single() {
        Some(single) => object.copy(name, single),
        None => object.value(name, |out| objects.write(out)),
    }
}

fn group(object: &mut Object<'_, '_>, group: &Group<'_>) {
    scalar(object, name!("id"), group.id.as_ref());
    scalar(object, name!("name"), group.name.as_ref());
}

fn users(object: &mut Object<'_, '_>, event: &Event<'_>) {
    object.object(name!("changes"), |object| user(object, &event.changes));
    scalar(object, name!("full_name"), event.user.full_name.as_ref());
    scalar(object, name!("id"), event.user.id.as_ref());
    scalar(object, name!("name"), event.user.name.as_ref());
    object.object(name!("target"), |object| user(object, &event.target));
}

fn user(object: &mut Object<'_, '_>, user: &User<'_>) {
    scalar(object, name!("email"), user.email.as_ref());
    scalar(object, name!("full_name"), user.full_name.as_ref());
    object.object(name!("group"), |object| group(object, &user.group));
    scalar(object, name!("id"), user.id.as_ref());
    scalar(object, name!("name"), user.name.as_ref());
}

/// `related.hosts`, `.ip` and `.user`; each user name once, as text (docs/mapping.md 7).
fn related(object: &mut Object<'_, '_>, event: &Event<'_>) {
    object.value(name!("hosts"), |out| match &event.related_hosts {
        Hosts::None => false,
        Hosts::One(host) => {
            out.byte(b'[');
            out.string(host);
            out.byte(b']');
            true
        }
        Hosts::Several(hosts) => write_texts(out, hosts),
    });
    object.json(
        name!("ip"),
        event.source.map_or("", |enrichment| &enrichment.related_ip),
    );
    object.value(name!("user"), |out| {
        let names = [&event.user.name, &event.target.name, &event.changes.name];
        if names
            .iter()
            .any(|name| name.as_ref().is_some_and(Scalar::is_list))
        {
            return write_texts(out, &names_in_lists(names));
        }
        let text_of = |at: usize| names[at].as_ref().and_then(Scalar::text);
        let mut separator = b'[';
        for at in 0..names.len() {
            let Some(text) = text_of(at) else { continue };
            if !(0..at).any(|earlier| text_of(earlier).is_some_and(|earlier| earlier == text)) {
                out.byte(separator);
                out.string(&text);
                separator = b',';
            }
        }
        out.byte(b']');
        separator == b','
    });
}

/// The names where any is a list: its strings and numbers are names.
#[cold]
fn names_in_lists<'e>(names: [&'e Option<Scalar<'_>>; 3]) -> Vec<Cow<'e, str>> {
    let names = names.into_iter().flatten();
    names
        .flat_map(|name| name.text().into_iter().chain(name.texts_of_list()))
        .collect()
}

/// Appends a list of texts, each once; false, and nothing, if there are none.
#[cold]
fn write_texts(out: &mut Writer, texts: &[Cow<'_, str>]) -> bool {
    let mut seen = HashSet::new();
    let mut separator = b'[';
    for text in texts {
        if seen.insert(text) {
            out.byte(separator);
            out.string(text);
            separator = b',';
        }
    }
    out.byte(b']');
    !texts.is_empty()
}

/// Appends the `source` of an event, without constants.
pub fn write_source(out: &mut Vec<u8>, event: &Event<'_>) {
    let mut text = Writer::after(std::mem::take(out), 512);
    let mut object = Object::open(&mut text, None);
    source(&mut object, event);
    object.close();
    *out = text.into_bytes();
}

fn source(object: &mut Object<'_, '_>, event: &Event<'_>) {
    object.optional(name!("address"), event.source_address);
    let Some(enrichment) = event.source else {
        return;
    };
    object.fragment(name!("as"), &enrichment.autonomous_system);
    object.fragment(name!("geo"), &enrichment.geo);
    object.fragment(name!("ip"), &enrichment.ip);
}
