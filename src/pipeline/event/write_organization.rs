//! An event of an organization as one line of JSON, its keys in order.

use super::object::{Object, name};
use super::organization::{Actor, App, Class, OrganizationEvent, OrganizationUser};
use super::write::{data_stream_and_ecs, timestamp, where_from};
use super::{Envelope, Origin};
use crate::pipeline::dataset::Dataset;
use crate::pipeline::json::{Document, Value, Writer};

/// Appends an event and a line end, as [`super::write_event`] does.
pub fn write_organization_event(
    out: &mut Vec<u8>,
    event: &OrganizationEvent<'_>,
    envelope: &Envelope,
    origin: &Origin,
    offset: u64,
    original: &Document<'_>,
) {
    let dataset = Dataset::Organization;
    let fields = envelope.fields(dataset);
    let copies = 1 + usize::from(envelope.preserve_original);
    let room = copies * original.text.len() + 1024;
    let mut line = Writer::after(std::mem::take(out), room);
    let mut root = Object::open(&mut line, Some(&envelope.add_fields));
    timestamp(&mut root, name!("@timestamp"), event.timestamp);
    root.object(name!("atlassian_cloud"), |cloud| {
        cloud.object(name!("audit"), |object| audit(object, event));
    });
    data_stream_and_ecs(&mut root, envelope, dataset);
    root.object(name!("event"), |object| {
        let (kind, category, types, outcome) = class(event.class);
        object.whole(name!("action"), event.action);
        object.json(name!("category"), category);
        match event.created {
            Some(created) => timestamp(object, name!("created"), created),
            None => object.json(name!("created"), ""),
        }
        object.json(name!("dataset"), dataset.name_json());
        object.whole(name!("id"), event.id);
        object.json(name!("kind"), kind);
        object.json(name!("module"), &fields.module);
        if envelope.preserve_original {
            object.value(name!("original"), |out| {
                out.string_of_document(original);
                true
            });
        }
        object.json(name!("outcome"), outcome);
        object.json(name!("type"), types);
    });
    where_from(&mut root, origin, offset);
    root.whole(name!("message"), event.message);
    root.fragment(
        name!("observer"),
        r#"{"product":"Atlassian Cloud","type":"saas","vendor":"Atlassian"}"#,
    );
    root.object(name!("related"), |object| related(object, event));
    root.object(name!("source"), |object| source(object, event));
    root.json(name!("tags"), &fields.tags);
    root.object(name!("user"), |object| user(object, &event.user));
    root.close();
    line.byte(b'\n');
    *out = line.into_bytes();
}

/// `event.kind`, `.category`, `.type` and `.outcome` as JSON; empty ones are not there.
fn class(class: Class) -> (&'static str, &'static str, &'static str, &'static str) {
    const KIND: &str = "\"event\"";
    match class {
        Class::None => ("", "", "", ""),
        Class::Kind => (KIND, "", "", ""),
        Class::Row { row, outcome } => (KIND, row.category, row.kind, outcome),
    }
}

fn audit(object: &mut Object<'_, '_>, event: &OrganizationEvent<'_>) {
    object.object(name!("actor"), |object| actor(object, &event.actor));
    object.whole(name!("container"), event.container);
    object.whole(name!("context"), event.context);
    object.object(name!("location"), |object| {
        object.whole(name!("geo"), event.location.geo);
    });
    object.object(name!("message"), |object| {
        object.whole(name!("format"), event.message_format);
    });
}

fn actor(object: &mut Object<'_, '_>, actor: &Actor<'_>) {
    let write = |object: &mut Object<'_, '_>, app: &App<'_>| {
        object.whole(name!("attributes"), app.attributes);
        object.whole(name!("id"), app.id);
        object.whole(name!("name"), app.name);
        object.whole(name!("type"), app.kind);
    };
    match &actor.app {
        Some(app) => object.standing_object(name!("app"), |object| write(object, app)),
        None => object.object(name!("app"), |_| {}),
    }
    object.object(name!("auth"), |object| {
        object.whole(name!("auth_type"), actor.auth.kind);
        object.whole(name!("token_id"), actor.auth.token_id);
        object.whole(name!("token_label"), actor.auth.token_label);
    });
    object.object(name!("on_behalf_of"), |object| {
        user(object, &actor.on_behalf_of);
    });
}

fn user(object: &mut Object<'_, '_>, user: &OrganizationUser<'_>) {
    object.whole(name!("email"), user.email);
    object.whole(name!("id"), user.id);
    object.whole(name!("name"), user.name);
}

fn related(object: &mut Object<'_, '_>, event: &OrganizationEvent<'_>) {
    object.json(
        name!("ip"),
        event.source.map_or("", |enrichment| &enrichment.related_ip),
    );
    object.value(name!("user"), |out| {
        let behalf = &event.actor.on_behalf_of;
        let names = [event.user.name, event.user.email, behalf.name, behalf.email];
        let names = names.map(|name| name.and_then(Value::to_text));
        let mut separator = b'[';
        for (at, name) in names.iter().enumerate() {
            let Some(text) = name else { continue };
            if !names[..at].contains(name) {
                out.byte(separator);
                out.string(text);
                separator = b',';
            }
        }
        out.byte(b']');
        separator == b','
    });
}

fn source(object: &mut Object<'_, '_>, event: &OrganizationEvent<'_>) {
    let place = &event.location;
    let found = event.source;
    let is_address = found.is_some_and(|enrichment| enrichment.is_literal);
    object.whole(name!("address"), place.ip.filter(|_| !is_address));
    let of = |part: fn(&super::Enrichment) -> &str| found.map_or("", part);
    object.fragment(name!("as"), of(|enrichment| &enrichment.autonomous_system));
    object.object(name!("geo"), |geo| {
        geo.whole(name!("city_name"), place.city);
        geo.whole(name!("country_name"), place.country);
        geo.json(name!("name"), of(|enrichment| &enrichment.network));
        geo.whole(name!("region_name"), place.region);
    });
    object.json(name!("ip"), of(|enrichment| &enrichment.ip));
}
