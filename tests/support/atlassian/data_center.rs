//! Confluence Data Center's audit log.

use serde_json::json;

use super::answer::{Answer, Refusal};
use super::credential::Credential;
use super::http::Request;
use super::parameters::Parameters;
use super::records::{Author, search_record};
use super::settings::{Paging, Permission};
use super::store::{Page, Position, Query};
use super::world::World;

const SEARCH_CHARACTERS: usize = 100;
const DEFAULT_LIMIT: u64 = 200;

/// Whether a credential is accepted.
pub fn authorize(world: &World, request: &Request) -> Result<(), Refusal> {
    let credential = Credential::of(request)?;
    let settings = &world.settings;
    if !credential.is_bearer(&settings.pat)
        && !credential.is_basic(&settings.username, &settings.password)
    {
        if settings.login_page {
            let location = format!("{}/login.action?permissionViolation=true", world.context);
            return Err(Refusal::fair(Answer::redirect(302, location)));
        }
        let body = json!({"message": "Client must be authenticated to access this resource.", "status-code": 401});
        return Err(Refusal::fair(
            Answer::json(401, &body).with("WWW-Authenticate", "OAuth realm=\"confluence\""),
        ));
    }
    Ok(())
}

/// The page that those who are not logged in are sent to.
pub fn login_page(world: &World) -> Answer {
    let page = Answer::html(200, "Log In - Confluence");
    match world.settings.captcha {
        Some((name, value)) => page.with(name, value.to_owned()),
        None => page,
    }
}

/// `GET /rest/api/user/current`.
pub fn current_user(world: &World, request: &Request) -> Result<Answer, Refusal> {
    Parameters::new(&request.query).finish()?;
    let settings = &world.settings;
    if Credential::of(request)? == Credential::Nothing {
        let body = json!({"type": "anonymous", "displayName": "Anonymous"});
        return Ok(Answer::json(200, &body));
    }
    authorize(world, request)?;
    let body = json!({
        "type": "known",
        "username": settings.username,
        "userKey": settings.user_key,
        "displayName": settings.display_name,
    });
    Ok(Answer::json(200, &body))
}

struct Asked {
    query: Query,
    offset: u64,
    limit: u64,
}

fn asked(world: &World, request: &Request) -> Result<Asked, Refusal> {
    const NANOS: i128 = 1_000_000;
    let mut parameters = Parameters::new(&request.query);
    let from = parameters.instant("from")?;
    let to = parameters.instant("to")?;
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Refusal::bad("from is after to"));
    }
    let limit = parameters.integer("limit", 1..=100_000)?;
    let offset = parameters.integer("offset", 0..=i64::from(i32::MAX))?;
    let after = match world.settings.paging {
        Paging::Cursor | Paging::Link => parameters.take("pageCursor")?,
        Paging::Offset | Paging::Unnamed | Paging::Text(_) => None,
    };
    let after = after.map(|text| {
        read_cursor(&text).ok_or_else(|| Refusal::bad(format!("no such pageCursor: {text:?}")))
    });
    let search = parameters.take("search")?;
    if let Some(search) = &search
        && search.chars().count() > SEARCH_CHARACTERS
    {
        return Err(Refusal::bad("search is longer than 100 characters"));
    }
    parameters.integer("scanLimit", 1..=i64::MAX)?;
    for filter in ["categories", "actions", "userIds", "affectedObject"] {
        // a stand-in that let it pass would seem to have filtered
        if parameters.take(filter)?.is_some() {
            return Err(Refusal::violation(
                501,
                format!("{filter} is not stood in for"),
            ));
        }
    }
    parameters.finish()?;
    let limit = limit.map_or(DEFAULT_LIMIT, i64::cast_unsigned);
    let offset = offset.map_or(0, i64::cast_unsigned);
    let millis = |nanos: i128| i64::try_from(nanos).expect("a time");
    Ok(Asked {
        query: Query {
            from: from.map(|nanos| millis(-(-nanos).div_euclid(NANOS))),
            to: to.map(|nanos| millis(nanos.div_euclid(NANOS))),
            search: search.filter(|text| !text.is_empty()),
            after: after.transpose()?,
            offset,
            limit: limit.min(world.settings.scan_maximum),
        },
        offset,
        limit,
    })
}

/// `GET /rest/auditing/1.0/events`.
pub fn events(world: &mut World, request: &Request, repeated: bool) -> Result<Answer, Refusal> {
    if world.settings.permission == Permission::Forbidden {
        let body =
            json!({"message": "User is not permitted to view audit events", "status-code": 403});
        return Err(Refusal::fair(Answer::json(403, &body)));
    }
    let mut asked = asked(world, request)?;
    if repeated {
        (asked.query.after, asked.query.offset, asked.offset) = (None, 0, 0);
    }
    if world.settings.ignores_range {
        (asked.query.from, asked.query.to) = (None, None);
    }
    let page = world.page(&asked.query);
    let body = format!(
        r#"{{"entities":[{}],"pagingInfo":{}}}"#,
        page.records.join(","),
        paging_info(world, &asked, &page)
    );
    if world.settings.records_searches {
        let settings = &world.settings;
        let author = Author {
            name: settings.display_name.clone(),
            username: settings.username.clone(),
            key: settings.user_key.clone(),
        };
        let record = search_record(world.now_ms(), &author, page.records.len());
        world.store.insert(record);
    }
    Ok(Answer::json_text(200, body))
}

fn paging_info(world: &World, asked: &Asked, page: &Page) -> serde_json::Value {
    let size = page.records.len();
    if let Paging::Text(text) = world.settings.paging {
        return serde_json::from_str(text).expect("JSON");
    }
    let Some((ms, id)) = page.last.filter(|_| page.more) else {
        return json!({"lastPage": true, "size": size});
    };
    let base = format!(
        "{}{}/rest/auditing/1.0/events",
        world.settings.canonical, world.context
    );
    let limit = asked.limit;
    match world.settings.paging {
        Paging::Cursor => json!({
            "lastPage": false,
            "size": size,
            "nextPageOffset": 0,
            "nextPageCursor": format!("{ms},{id}"),
            "nextPageLink": format!("{base}?offset=0&limit={limit}&pageCursor={ms},{id}"),
        }),
        Paging::Offset => {
            let offset = asked.offset + size as u64;
            json!({
                "lastPage": false,
                "size": size,
                "nextPageOffset": offset,
                "nextPageLink": format!("{base}?offset={offset}&limit={limit}"),
            })
        }
        Paging::Link => json!({
            "lastPage": false,
            "size": size,
            "nextPageLink": format!("{base}?offset=0&limit={limit}&pageCursor={ms},{id}"),
        }),
        Paging::Unnamed | Paging::Text(_) => json!({"lastPage": false, "size": size}),
    }
}

fn read_cursor(text: &str) -> Option<Position> {
    let (ms, id) = text.split_once(',')?;
    Some((ms.parse().ok()?, id.parse().ok()?))
}
