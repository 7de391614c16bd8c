//! Records of an organization's audit log (docs/org-events.md 3).

use crate::pipeline::dialect::{Dialect, Record};
use crate::pipeline::event::{
    Actor, App, Auth, Class, Location, OrganizationEvent, OrganizationUser,
};
use crate::pipeline::json::{Kind, Value};
use crate::pipeline::timestamp::{TimeMode, Timestamp};

use super::Unmappable;

/// Maps a record. One without a time happens when it was processed by Atlassian, or else now.
///
/// # Errors
/// Where the record has a time that cannot be read.
pub fn map<'a>(root: Value<'a>, record: &Record<'a>) -> Result<OrganizationEvent<'a>, Unmappable> {
    let time = record.time(Dialect::Organization, TimeMode::Exact)?;
    let [processed, action, actor, location, context, container] = inner(
        record.attributes,
        [
            "processedAt",
            "action",
            "actor",
            "location",
            "context",
            "container",
        ],
    );
    let [id, message] = root.pick_whole(["id", "message"]);
    let [content, format] = inner(message, ["content", "format"]);
    let actor = actor.and_then(Value::object);
    let (user, app) = actor.map(user_and_app).unwrap_or_default();
    Ok(OrganizationEvent {
        timestamp: time.unwrap_or_else(Timestamp::now),
        created: processed.and_then(Timestamp::from_organization),
        id: scalar(id),
        action: scalar(action),
        class: match action {
            Some(action) if !action.is_null() => Class::Kind,
            _ => Class::None,
        },
        message: scalar(content),
        message_format: scalar(format),
        context,
        container,
        location: self::location(location),
        source: None,
        actor: Actor {
            app,
            auth: auth(actor),
            on_behalf_of: on_behalf_of(actor),
        },
        user,
    })
}

/// The members of what may be an object, empty ones too.
fn inner<'a, const N: usize>(
    object: Option<Value<'a>>,
    names: [&str; N],
) -> [Option<Value<'a>>; N] {
    object.map_or([None; N], |object| object.pick_whole(names))
}

/// What stands where a scalar belongs: null is one, a list or an object is not.
fn scalar(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !matches!(value.kind(), Kind::Array | Kind::Object))
}

/// A scalar that sets something.
fn set(value: Option<Value<'_>>) -> Option<Value<'_>> {
    scalar(value).filter(|value| !value.is_null())
}

/// An empty text in `location` stands for nothing there.
fn location(location: Option<Value<'_>>) -> Location<'_> {
    let found = inner(location, ["ip", "geo", "countryName", "regionName", "city"]);
    let [ip, geo, country, region, city] =
        found.map(|value| scalar(value).filter(|value| !value.is_str("")));
    Location {
        ip: set(ip),
        geo,
        country,
        region,
        city,
    }
}

fn auth(actor: Option<Value<'_>>) -> Auth<'_> {
    let [auth] = inner(actor, ["auth"]);
    let found = inner(auth, ["authType", "tokenId", "tokenLabel"]);
    let [kind, token_id, token_label] = found.map(scalar);
    Auth {
        kind,
        token_id,
        token_label,
    }
}

fn on_behalf_of(actor: Option<Value<'_>>) -> OrganizationUser<'_> {
    let [user] = inner(actor, ["onBehalfOf"]);
    let [email, id, name] = inner(user, ["email", "id", "name"]).map(scalar);
    OrganizationUser { email, id, name }
}

/// An actor is a user by its email address or by the form of its id; else it is an app.
fn user_and_app(actor: Value<'_>) -> (OrganizationUser<'_>, Option<App<'_>>) {
    let [id, name, email, app] = actor.pick_whole(["id", "name", "email", "app"]);
    let [attributes, app_id, kind] = inner(app, ["attributes", "id", "type"]);
    let app = App {
        attributes,
        id: scalar(app_id),
        name: None,
        kind: scalar(kind),
    };
    let (id, name) = (set(id), set(name));
    let email = email.filter(|email| email.as_str().is_some_and(|text| text.contains('@')));
    if email.is_some() || id.is_some_and(is_account) {
        let has_app = app.attributes.or(app.id).or(app.kind).is_some();
        return (OrganizationUser { email, id, name }, has_app.then_some(app));
    }
    let app = App {
        id: id.or(app.id),
        name,
        ..app
    };
    (OrganizationUser::default(), Some(app))
}

/// Whether an id is that of an Atlassian account: with a colon, or a UUID. Older ones are not known from
/// the ids of apps.
fn is_account(id: Value<'_>) -> bool {
    id.as_str()
        .is_some_and(|id| id.contains(':') || is_uuid(&id))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
