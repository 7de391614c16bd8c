//! What a reader would look for in an event of an organization, in the order of docs/org-events.md 3.

use super::{Found, first_ip};
use crate::explain::Absent;
use crate::explain::leaves::EventLeaf;
use crate::pipeline::event::{Class, OrganizationEvent};
use crate::pipeline::json::{Kind, Value};
use crate::pipeline::normalize::Options;

/// What an event was made of, and what came of it.
pub(in crate::explain) struct Seen<'a> {
    pub root: Value<'a>,
    /// As the mapping makes it of the record, without what is looked up.
    pub event: &'a OrganizationEvent<'a>,
    pub fields: &'a [EventLeaf],
    pub options: &'a Options,
}

/// The fields with their reasons, as they are found.
struct Reasons<'a> {
    seen: &'a Seen<'a>,
    attributes: Option<Value<'a>>,
    found: Found<'a>,
}

impl Seen<'_> {
    /// The fields that are absent.
    pub fn absent(&self) -> Vec<Absent> {
        let mut reasons = Reasons {
            seen: self,
            attributes: member(Some(self.root), "attributes"),
            found: Found::new(self.fields),
        };
        reasons.event();
        reasons.source();
        reasons.user();
        reasons.found.original();
        reasons.found.absent
    }
}

impl Reasons<'_> {
    fn event(&mut self) {
        let (root, attributes) = (Some(self.seen.root), self.attributes);
        let processed = member(attributes, "processedAt").filter(|value| !value.is_null());
        let why = match processed {
            None => "the record has no `attributes.processedAt`",
            Some(_) => "`attributes.processedAt` cannot be read as a time",
        };
        self.found.add("event.created", why);
        let content = member(member(root, "message"), "content");
        for (field, raw, value) in [
            ("event.id", "id", member(root, "id")),
            (
                "event.action",
                "attributes.action",
                member(attributes, "action"),
            ),
            ("message", "message.content", content),
        ] {
            self.found.add(field, why_no_scalar(raw, value));
        }
        let why = match self.seen.event.class {
            Class::None => "the event has no action",
            Class::Kind => "the action is no text",
            // Every text is in the table: its last row fits all.
            Class::Row { .. } => return,
        };
        self.found.add("event.category", why);
    }

    fn source(&mut self) {
        let location = member(self.attributes, "location");
        self.place_names(location);
        let raw = "attributes.location.ip";
        let address = self.seen.event.location.ip;
        let Some(address) = address else {
            let why = why_nothing(raw, member(location, "ip"));
            return self.found.add("source.ip", why);
        };
        let enricher = &self.seen.options.enricher;
        let known = address.as_str().map(|address| enricher.enrich(&address));
        let Some(ip) = known.and_then(|known| first_ip(&known.ip)) else {
            let why = format!("there is no IP address in `{raw}`");
            return self.found.add("source.ip", why);
        };
        self.found.autonomous_system(ip, &enricher.databases);
    }

    /// The names of places are those of the record; no database has a say in them.
    fn place_names(&mut self, location: Option<Value<'_>>) {
        if self.found.below("source.geo").all(|name| name == "name") {
            let why = "the record names no country, region or city (`attributes.location`); \
                       --geoip-city is for Confluence's own events only";
            let field = if self.found.has("source.geo") {
                "source.geo.country_name"
            } else {
                "source.geo"
            };
            return self.found.add(field, why);
        }
        for (field, raw, name) in [
            (
                "source.geo.country_name",
                "attributes.location.countryName",
                "countryName",
            ),
            (
                "source.geo.region_name",
                "attributes.location.regionName",
                "regionName",
            ),
            ("source.geo.city_name", "attributes.location.city", "city"),
        ] {
            self.found
                .add(field, why_nothing(raw, member(location, name)));
        }
    }

    fn user(&mut self) {
        let actor = member(self.attributes, "actor");
        let Some(actor) = actor.and_then(Value::object) else {
            return self
                .found
                .add("user", why_nothing("attributes.actor", actor));
        };
        // Every user has one of them.
        if self
            .seen
            .event
            .user
            .id
            .or(self.seen.event.user.email)
            .is_none()
        {
            let why = "the actor counts as an app: no e-mail address with an `@`, and an id that has no `:` and \
                       is no UUID";
            return self.found.add("user", why);
        }
        let of = |name| member(Some(actor), name);
        self.found
            .add("user.id", why_nothing("attributes.actor.id", of("id")));
        self.found.add(
            "user.name",
            why_nothing("attributes.actor.name", of("name")),
        );
        let email = of("email");
        let why = match email.and_then(Value::as_str) {
            Some(_) => "`attributes.actor.email` has no `@`".to_owned(),
            None => why_nothing("attributes.actor.email", email),
        };
        self.found.add("user.email", why);
    }
}

fn member<'a>(object: Option<Value<'a>>, name: &str) -> Option<Value<'a>> {
    let [found] = object?.pick_whole([name]);
    found
}

/// Why a value of the record sets nothing, where an empty one sets nothing either.
fn why_nothing(raw: &str, value: Option<Value<'_>>) -> String {
    match value {
        Some(value) if value.is_empty() => format!("`{raw}` is empty"),
        value => why_no_scalar(raw, value),
    }
}

/// Why a value of the record gives no scalar; a list is none.
fn why_no_scalar(raw: &str, value: Option<Value<'_>>) -> String {
    match value.map(Value::kind) {
        None => format!("the record has no `{raw}`"),
        Some(Kind::Array | Kind::Object) => {
            format!("`{raw}` is neither a text, a number nor a boolean")
        }
        Some(Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float | Kind::String) => {
            format!("`{raw}` does not take effect")
        }
    }
}
