//! Confluence Cloud's audit log, at the site and at the gateway; and the old Server's, which has the
//! same shape.

use serde_json::json;
use url::form_urlencoded::Serializer;

use super::answer::{Answer, Refusal};
use super::credential::{Credential, gateway_unauthorized};
use super::http::Request;
use super::parameters::Parameters;
use super::settings::{NextLink, Permission};
use super::store::{Page, Position, Query};
use super::world::World;

/// The scope that the audit log needs.
pub const AUDIT_SCOPE: &str = "read:audit-log:confluence";

/// Where the API stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Site,
    Gateway,
    OldServer,
}

/// Whether a credential is accepted there.
pub fn authorize(world: &World, request: &Request, place: Place) -> Result<(), Refusal> {
    let credential = Credential::of(request)?;
    let settings = &world.settings;
    match place {
        Place::Gateway => {
            let scope = match &credential {
                Credential::Bearer(token) => world.tokens.scope_of_access(token),
                _ if credential.is_basic(&settings.email, &settings.scoped_token) => {
                    Some(settings.scoped_token_scope.as_str())
                }
                _ => None,
            };
            let scope = scope.ok_or_else(|| gateway_unauthorized("Unauthorized"))?;
            if !scope.split(' ').any(|one| one == AUDIT_SCOPE) {
                return Err(gateway_unauthorized("Unauthorized; scope does not match"));
            }
        }
        // an access token is refused at the site's own domain, and so is a scoped token
        Place::Site if credential.is_basic(&settings.email, &settings.api_token) => {}
        Place::OldServer if credential.is_basic(&settings.username, &settings.password) => {}
        Place::Site | Place::OldServer => {
            let body = json!({"statusCode": 401, "message": "Client must be authenticated to access this resource."});
            let answer = Answer::json(401, &body).with("WWW-Authenticate", "OAuth realm=\"\"");
            return Err(Refusal::fair(answer));
        }
    }
    if settings.permission == Permission::Forbidden {
        let body = json!({"statusCode": 403, "data": {"authorized": false}, "message": "com.atlassian.confluence.api.service.exceptions.PermissionException: Only administrators can read the audit log"});
        return Err(Refusal::fair(Answer::json(403, &body)));
    }
    Ok(())
}

/// `GET /audit/retention`.
pub fn retention(request: &Request) -> Result<Answer, Refusal> {
    Parameters::new(&request.query).finish()?;
    let body = json!({"number": 1, "units": "YEARS"});
    Ok(Answer::json(200, &body))
}

/// `GET /_edge/tenant_info`.
pub fn tenant_info(world: &World, request: &Request) -> Result<Answer, Refusal> {
    Credential::none_belongs_here(request)?;
    Parameters::new(&request.query).finish()?;
    if world.settings.hides_cloud_id {
        return Err(Refusal::fair(Answer::html(404, "Not found")));
    }
    let body = json!({"cloudId": world.settings.cloud_id});
    Ok(Answer::json(200, &body))
}

/// What was asked for.
struct Asked {
    start_date: Option<i64>,
    end_date: Option<i64>,
    search: Option<String>,
    start: u64,
    limit: u64,
    after: Option<Position>,
}

fn asked(world: &World, request: &Request) -> Result<Asked, Refusal> {
    let mut parameters = Parameters::new(&request.query);
    let start_date = parameters.integer("startDate", 0..=i64::MAX)?;
    let end_date = parameters.integer("endDate", 0..=i64::MAX)?;
    if start_date
        .zip(end_date)
        .is_some_and(|(start, end)| start > end)
    {
        return Err(Refusal::bad("startDate is after endDate"));
    }
    let start = parameters.integer("start", 0..=i64::from(i32::MAX))?;
    let limit = parameters.integer("limit", 1..=i64::from(i32::MAX))?;
    let mut after = None;
    if world.settings.next_link == NextLink::Cursor {
        if let Some(text) = parameters.take("cursor")? {
            let cursor = read_cursor(&text);
            after = Some(cursor.ok_or_else(|| Refusal::bad(format!("no such cursor: {text:?}")))?);
            parameters.exactly("next", "true")?;
        }
        // `start` is good without it, too: what links say is one thing, what is accepted another
        if after.is_some() && start.is_some() {
            return Err(Refusal::bad("start beside a cursor"));
        }
    }
    let search = parameters.take("searchString")?;
    parameters.finish()?;
    let limit = limit.map_or(1000, i64::cast_unsigned);
    Ok(Asked {
        start_date,
        end_date,
        search: search.filter(|text| !text.is_empty()),
        start: start.map_or(0, i64::cast_unsigned),
        limit: limit.min(world.settings.page_maximum),
        after,
    })
}

/// `GET /audit`.
pub fn audit(
    world: &mut World,
    request: &Request,
    place: Place,
    repeated: bool,
) -> Result<Answer, Refusal> {
    let mut asked = asked(world, request)?;
    if repeated {
        (asked.start, asked.after) = (0, None);
    }
    let is_in_range = |_: &i64| !world.settings.ignores_range;
    let query = Query {
        from: asked.start_date.filter(is_in_range),
        to: asked.end_date.filter(is_in_range),
        search: asked.search.clone(),
        after: asked.after,
        offset: asked.start,
        limit: asked.limit,
    };
    let page = world.page(&query);
    let size = if world.settings.size_is_total {
        page.total
    } else {
        page.records.len() as u64
    };
    let links = links(world, request, place, &asked, &page);
    let body = format!(
        r#"{{"results":[{}],"start":{},"limit":{},"size":{size}{links}}}"#,
        page.records.join(","),
        asked.start,
        asked.limit
    );
    Ok(Answer::json_text(200, body))
}

/// `,"_links":{…}`, or nothing.
fn links(world: &World, request: &Request, place: Place, asked: &Asked, page: &Page) -> String {
    const PATH: &str = "/rest/api/audit";
    let context = match place {
        Place::Site | Place::Gateway => "/wiki",
        Place::OldServer => world.context.as_str(),
    };
    let base = format!("{}{context}", world.settings.canonical);
    let query = request
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let mut links = json!({
        "base": base,
        "context": context,
        "self": format!("{base}{PATH}?{query}"),
    });
    let style = world.settings.next_link;
    if style == NextLink::Nothing {
        return String::new();
    }
    if style != NextLink::Never && (page.more || style == NextLink::Always) {
        let mut next = Serializer::new(String::new());
        if let (NextLink::Cursor, Some(last)) = (style, page.last) {
            next.append_pair("next", "true");
            next.append_pair("cursor", &write_cursor(last));
        } else {
            let start = asked.start + page.records.len() as u64;
            next.append_pair("start", &start.to_string());
        }
        next.append_pair("limit", &asked.limit.to_string());
        for (name, date) in [("startDate", asked.start_date), ("endDate", asked.end_date)] {
            if let Some(date) = date {
                next.append_pair(name, &date.to_string());
            }
        }
        if let Some(search) = &asked.search {
            next.append_pair("searchString", search);
        }
        let origin = if style == NextLink::Url { &base } else { "" };
        links["next"] = format!("{origin}{PATH}?{}", next.finish()).into();
    }
    format!(r#","_links":{links}"#)
}

/// Opaque, and with signs that must be encoded in a query.
fn write_cursor((ms, id): Position) -> String {
    format!("_f_{ms:x}+{id:x}==_sa_")
}

fn read_cursor(text: &str) -> Option<Position> {
    let text = text.strip_prefix("_f_")?.strip_suffix("==_sa_")?;
    let (ms, id) = text.split_once('+')?;
    let ms = i64::from_str_radix(ms, 16).ok()?;
    Some((ms, u64::from_str_radix(id, 16).ok()?))
}
