//! An organization's audit log, as `api.atlassian.com` has it: pages in the order of processing, with cursors.

use serde_json::json;
use url::form_urlencoded::Serializer;

use super::answer::{Answer, Refusal};
use super::credential::Credential;
use super::faults::Fault;
use super::http::Request;
use super::parameters::Parameters;
use super::records::Event;
use super::world::World;

/// The most events that may be asked for.
const MOST: i64 = 500;

/// What a test can set of the organization.
#[derive(Clone, Debug)]
pub struct Organization {
    pub id: String,
    pub key: String,
    /// `X-RateLimit-Limit`, requests a minute; without, ten are allowed, and nothing is said
    pub rate_limit: Option<u32>,
    /// how the next page is named
    pub next: NextCursor,
    /// whether `from` and `to` are compared with the time of the event, and not with that of its processing
    pub compares_time: bool,
    /// the most events that a page has
    pub page_maximum: usize,
    /// cursors that were given before this number of them are refused
    pub cursors_from: u64,
    /// a status and a body in place of any page behind a cursor
    pub cursor_refusal: Option<(u16, String)>,
    /// zeros that make a cursor longer
    pub cursor_zeros: usize,
    /// what cursors say
    pub cursors: Cursors,
    /// whether cursors lead back to their own page
    pub circles: bool,
    /// behind so many events, cursors lead back to the first one, and are new each time
    pub lap: Option<usize>,
    /// whether the events of a page come in the order of processing, whatever order is asked for
    pub ignores_order: bool,
    /// a status and a body in place of any page
    pub refusal: Option<(u16, String)>,
}

/// How a page names the one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCursor {
    /// `meta.next`, on the last page, too, where it can be asked for again later
    Kept,
    /// `meta.next` is null on a page that is not full
    Null,
    /// no `meta`, but `links.next`, at another origin
    Link,
    /// none at all
    None,
}

/// What a cursor says of its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursors {
    /// it is given once
    Unique,
    /// one place has one cursor, however often it is given
    Repeated,
    /// it forgets where its range ends
    WithoutEnd,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            id: "a1b2c3d4-0000-4111-8222-333344445555".to_owned(),
            key: "ATCTT3xFfGN0-organization+key/7C6D5E4F=".to_owned(),
            rate_limit: Some(60_000),
            next: NextCursor::Kept,
            compares_time: false,
            page_maximum: 500,
            cursors_from: 0,
            cursor_refusal: None,
            cursor_zeros: 0,
            cursors: Cursors::Unique,
            circles: false,
            lap: None,
            ignores_order: false,
            refusal: None,
        }
    }
}

/// The events, in the order in which they were processed.
#[derive(Default)]
pub struct Events {
    held: Vec<Event>,
    /// how many cursors were given
    given: u64,
}

impl Events {
    /// Adds an event, which is the last one that was processed.
    pub fn insert(&mut self, event: Event) {
        self.held.push(event);
    }

    /// All of them.
    pub fn held(&self) -> &[Event] {
        &self.held
    }

    /// How many cursors were given so far.
    pub fn given(&self) -> u64 {
        self.given
    }
}

/// Where a page begins, and where all of them end.
#[derive(Clone, Copy)]
struct Asked {
    position: usize,
    from: i64,
    to: i64,
    limit: usize,
    /// whether the newest come first, as nobody needs them with a cursor
    is_backwards: bool,
}

/// `GET /admin/v1/orgs/ID/events-stream`.
pub fn events_stream(
    world: &mut World,
    request: &Request,
    id: &str,
    fault: Option<&Fault>,
) -> Result<Answer, Refusal> {
    let settings = world.settings.organization.clone();
    if !Credential::of(request)?.is_bearer(&settings.key) {
        let body = error("401", "ADMIN-401-1", "Unauthorized", "Access Denied");
        return Err(Refusal::fair(Answer::json_text(401, body)));
    }
    if let Some((status, body)) = settings.refusal {
        return Err(Refusal::fair(Answer::json_text(status, body)));
    }
    if id != settings.id {
        let body = error("404", "ADMIN-404-2", "Not found", "no such organization");
        return Err(Refusal::fair(Answer::json_text(404, body)));
    }
    let sent = request.query.iter().find(|(name, _)| name == "cursor");
    let sent = sent.map(|(_, cursor)| cursor.clone());
    if let (Some(_), Some((status, body))) = (&sent, settings.cursor_refusal) {
        return Err(Refusal::fair(Answer::json_text(status, body)));
    }
    let asked = asked(world, request)?;
    let settings = &world.settings.organization;
    let is_in_range = |event: &&Event| {
        let ms = if settings.compares_time {
            event.ms
        } else {
            event.processed_ms
        };
        (asked.from..=asked.to).contains(&ms)
    };
    let limit = asked.limit.min(settings.page_maximum);
    // A page that came before, and the cursor goes on all the same.
    let start = match fault {
        Some(Fault::RepeatedPage) => asked.position.saturating_sub(limit),
        _ => asked.position,
    };
    let end = match fault {
        Some(Fault::RepeatedPage) => asked.position,
        Some(Fault::EmptyPage) => start,
        _ => world.events.held.len(),
    };
    let mut position = start;
    let mut found = Vec::new();
    for event in &world.events.held[start..end] {
        if found.len() == limit {
            break;
        }
        position += 1;
        found.extend(
            Some(event)
                .filter(is_in_range)
                .map(|event| event.raw.clone()),
        );
    }
    if asked.is_backwards && !settings.ignores_order {
        let newest = world.events.held.iter().rev().filter(is_in_range);
        let newest = newest.take(limit);
        found = newest.map(|event| event.raw.clone()).collect();
    }
    let is_last = found.len() < limit;
    if settings.lap.is_some_and(|lap| position >= lap) {
        position = 0;
    }
    let next = match (&sent, found.is_empty() || settings.circles) {
        (Some(sent), true) => sent.clone(),
        _ => cursor(world, Asked { position, ..asked }),
    };
    Ok(page(world, &found, &next, is_last))
}

fn page(world: &mut World, found: &[String], next: &str, is_last: bool) -> Answer {
    world.pages += 1;
    let settings = &world.settings.organization;
    let mut query = Serializer::new(String::new());
    query.append_pair("cursor", next);
    let link = format!("{}/x?{}&limit=7", world.settings.canonical, query.finish());
    let rest = match settings.next {
        NextCursor::Null if is_last => {
            r#""meta":{"next":null,"page_size":200,"total":9999},"links":{"self":"x"}"#.to_owned()
        }
        NextCursor::Kept | NextCursor::Null => format!(
            r#""meta":{},"links":{}"#,
            json!({"next": next, "page_size": 200}),
            json!({"next": link})
        ),
        NextCursor::None => r#""meta":{"page_size":200}"#.to_owned(),
        NextCursor::Link => format!(r#""links":{}"#, json!({"next": link})),
    };
    let body = format!(r#"{{"data":[{}],{rest}}}"#, found.join(","));
    let answer = Answer::json_text(200, body);
    match settings.rate_limit {
        Some(limit) => answer
            .with("X-RateLimit-Limit", limit.to_string())
            .with("X-RateLimit-Remaining", "9"),
        None => answer,
    }
}

fn asked(world: &World, request: &Request) -> Result<Asked, Refusal> {
    let mut parameters = Parameters::new(&request.query);
    let limit = parameters.integer("limit", 1..=MOST)?.unwrap_or(200);
    let limit = usize::try_from(limit).expect("small");
    if let Some(cursor) = parameters.take("cursor")? {
        // Whatever else it says could only contradict the cursor.
        parameters.finish()?;
        let (serial, mut asked) = read_cursor(&cursor)
            .ok_or_else(|| Refusal::bad(format!("no such cursor: {cursor:?}")))?;
        if serial < world.settings.organization.cursors_from {
            let body = error("400", "ADMIN-400-1", "Bad request", "Invalid cursor");
            return Err(Refusal::fair(Answer::json_text(400, body)));
        }
        asked.limit = limit;
        return Ok(asked);
    }
    let from = parameters.integer("from", 0..=i64::MAX)?;
    let from = from.ok_or_else(|| Refusal::bad("neither from nor cursor"))?;
    let to = parameters.integer("to", from..=i64::MAX)?;
    let order = parameters.take("sortOrder")?;
    let is_backwards = match order.as_deref() {
        Some("asc") => false,
        Some("desc") => true,
        order => return Err(Refusal::bad(format!("sortOrder is {order:?}"))),
    };
    parameters.finish()?;
    Ok(Asked {
        position: 0,
        from,
        to: to.unwrap_or(i64::MAX),
        limit,
        is_backwards,
    })
}

/// Opaque, with signs that must be encoded in a query; no two are alike, unless the settings say so.
fn cursor(world: &mut World, asked: Asked) -> String {
    let settings = &world.settings.organization;
    let serial = world.events.given;
    world.events.given += u64::from(settings.cursors != Cursors::Repeated);
    let zeros = "0".repeat(settings.cursor_zeros);
    let Asked { position, from, .. } = asked;
    let to = match settings.cursors {
        Cursors::Unique | Cursors::Repeated => asked.to,
        Cursors::WithoutEnd => i64::MAX,
    };
    format!("{zeros}{serial}+{position}+{from}+{to}==")
}

fn read_cursor(text: &str) -> Option<(u64, Asked)> {
    let mut parts = text.strip_suffix("==")?.split('+');
    let serial = parts.next()?.parse().ok()?;
    let asked = Asked {
        position: parts.next()?.parse().ok()?,
        from: parts.next()?.parse().ok()?,
        to: parts.next()?.parse().ok()?,
        limit: 0,
        is_backwards: false,
    };
    parts.next().is_none().then_some((serial, asked))
}

/// The envelope of an error.
pub fn error(status: &str, code: &str, title: &str, detail: &str) -> String {
    json!({"errors": [{"id": "e-1", "status": status, "code": code, "title": title, "detail": detail}]})
        .to_string()
}
