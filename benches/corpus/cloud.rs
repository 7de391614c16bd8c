//! Cloud records, as `GET /wiki/rest/api/audit` gives them: nulls and empty strings are written.

use super::draw::{Draw, USERS, names};
use super::json::Json;
use super::tables::{CLOUD_KINDS, CloudKind, CloudShape, GROUPS, SETTINGS, SPACES};

struct Object {
    name: String,
    kind: &'static str,
}

struct Change {
    name: &'static str,
    old: String,
    new: String,
    hidden: bool,
}

/// Draws the next record and writes it.
pub fn write_record(draw: &mut Draw, out: &mut Json) {
    let kind = draw.weighted(CLOUD_KINDS, |kind| kind.weight);
    let by_system = draw.chance(8);
    out.raw("{\"author\":");
    write_author(draw, out, by_system);
    let address = if by_system {
        String::new()
    } else {
        draw.address()
    };
    out.raw(",");
    out.members(&[("remoteAddress", Some(&address))]);
    let millis = draw.tick() / 1_000_000;
    out.raw(&format!(",\"creationDate\":{millis},"));
    out.members(&[
        ("summary", Some(kind.summary)),
        ("description", Some(if draw.chance(20) { "Changed by an automation rule; see the rule's own log for the request that caused it." } else { "" })),
        ("category", Some(kind.category)),
    ]);
    out.raw(",\"sysAdmin\":false,\"superAdmin\":false,\"affectedObject\":");
    let (affected, associated) = objects(draw, kind);
    write_object(out, &affected);
    out.raw(",\"changedValues\":");
    out.list(&changed(draw, kind.shape), write_change);
    out.raw(",\"associatedObjects\":");
    out.list(&associated, write_object);
    out.raw("}");
}

fn write_author(draw: &mut Draw, out: &mut Json, by_system: bool) {
    if by_system {
        out.raw(r#"{"type":"user","displayName":"System","operations":null,"username":null,"userKey":null,"accountId":null,"accountType":"","externalCollaborator":false,"isExternalCollaborator":false,"isGuest":false,"publicName":"Unknown user"}"#);
        return;
    }
    let number = draw.below(USERS);
    let (name, account) = (names::full_name(number), account_id(number));
    let outside = number.is_multiple_of(10);
    out.raw("{");
    out.members(&[("type", Some("user")), ("displayName", Some(&name))]);
    out.raw(r#","operations":null,"username":null,"userKey":null,"#);
    out.members(&[
        ("accountId", Some(&account)),
        ("accountType", Some("atlassian")),
    ]);
    out.raw(&format!(r#","externalCollaborator":{outside},"isExternalCollaborator":{outside},"isGuest":{outside},"#));
    out.members(&[("publicName", Some(&name))]);
    out.raw("}");
}

fn account_id(number: u64) -> String {
    format!("5c3b7a{:018x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The affected object and the associated ones.
fn objects(draw: &mut Draw, kind: &CloudKind) -> (Object, Vec<Object>) {
    let nothing = || Object {
        name: String::new(),
        kind: "",
    };
    match kind.shape {
        CloudShape::Membership => {
            let members = (0..=draw.below(4).saturating_sub(1))
                .map(|_| user(draw))
                .collect();
            (group(draw), members)
        }
        CloudShape::Group => (group(draw), Vec::new()),
        CloudShape::Profile => {
            let affected = user(draw);
            // Cloud names the same user twice now and then
            let again = Object {
                name: affected.name.clone(),
                kind: affected.kind,
            };
            (
                affected,
                if draw.chance(30) {
                    vec![again]
                } else {
                    Vec::new()
                },
            )
        }
        CloudShape::SpacePermission => (space(draw), vec![group(draw), user(draw)]),
        CloudShape::GlobalPermission => (nothing(), vec![group(draw)]),
        CloudShape::Space | CloudShape::Settings => (space(draw), Vec::new()),
        CloudShape::Search => (nothing(), Vec::new()),
    }
}

fn changed(draw: &mut Draw, shape: CloudShape) -> Vec<Change> {
    let value = |name, old, new| Change {
        name,
        old,
        new,
        hidden: false,
    };
    match shape {
        CloudShape::Profile => {
            let (old, new) = (draw.below(USERS), draw.below(USERS));
            let mail = |number| format!("{}@example.com", names::username(number));
            vec![
                value("Username", String::new(), names::username(new)),
                value("Email", mail(old), mail(new)),
                value("Display name", names::full_name(old), names::full_name(new)),
            ]
        }
        CloudShape::Settings => (0..=draw.below(5))
            .map(|_| {
                let setting = draw.pick(SETTINGS);
                value(
                    setting.key,
                    draw.pick(setting.values).to_owned(),
                    draw.pick(setting.values).to_owned(),
                )
            })
            .collect(),
        CloudShape::SpacePermission | CloudShape::GlobalPermission => {
            let group = draw.pick(GROUPS).to_owned();
            let mut id = value("Group ID", String::new(), uuid(draw));
            id.hidden = true;
            vec![
                value("Type", String::new(), "VIEWSPACE".to_owned()),
                value("Group", String::new(), group),
                id,
            ]
        }
        CloudShape::Membership | CloudShape::Group | CloudShape::Space | CloudShape::Search => {
            Vec::new()
        }
    }
}

fn user(draw: &mut Draw) -> Object {
    Object {
        name: names::full_name(draw.below(USERS)),
        kind: "User",
    }
}

fn group(draw: &mut Draw) -> Object {
    Object {
        name: format!("{}:{}", draw.pick(GROUPS), uuid(draw)),
        kind: "Group",
    }
}

fn space(draw: &mut Draw) -> Object {
    Object {
        name: draw.pick(SPACES).1.to_owned(),
        kind: "Space",
    }
}

fn uuid(draw: &mut Draw) -> String {
    let number = draw.below(64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        number >> 32,
        number >> 16 & 0xffff,
        number >> 4 & 0xfff,
        number & 0xfff,
        number >> 8 & 0xffff_ffff_ffff
    )
}

fn write_object(out: &mut Json, object: &Object) {
    out.object(&[
        ("name", Some(&object.name)),
        ("objectType", Some(object.kind)),
    ]);
}

fn write_change(out: &mut Json, change: &Change) {
    if change.hidden {
        out.object_with_nulls(&[
            ("name", Some(change.name)),
            ("oldValue", None),
            ("newValue", None),
            ("hiddenOldValue", Some(&change.old)),
            ("hiddenNewValue", Some(&change.new)),
        ]);
        return;
    }
    out.object(&[
        ("name", Some(change.name)),
        ("oldValue", Some(&change.old)),
        ("newValue", Some(&change.new)),
        ("hiddenOldValue", Some("")),
        ("hiddenNewValue", Some("")),
    ]);
}
