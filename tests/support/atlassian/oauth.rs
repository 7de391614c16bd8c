//! Atlassian's OAuth 2.0 (3LO): consent, tokens that rotate, and the sites of a grant.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use url::Url;

use super::answer::{Answer, Delivery, Refusal};
use super::cloud::AUDIT_SCOPE;
use super::credential::{Credential, gateway_unauthorized};
use super::http::Request;
use super::parameters::Parameters;
use super::settings::Settings;
use super::world::World;

/// What happens to a request for tokens.
#[derive(Clone, Debug)]
pub enum Plan {
    /// It is answered with this, and nothing is done.
    Answer(u16, &'static str),
    /// It is done, but the connection breaks before the answer.
    Lose,
    /// The answer has no new refresh token: the old one goes on.
    KeepRefreshToken,
    /// The disk that the tokens are to be kept on is filled before the answer.
    Fill(PathBuf),
}

/// What was issued.
#[derive(Default)]
pub struct Tokens {
    /// codes that nobody has used yet, the scopes that they stand for, and where they were sent to
    codes: BTreeMap<String, (String, String)>,
    /// what happens to the next requests for tokens
    pub plan: VecDeque<Plan>,
    /// the `grant_type` of every request for tokens, those that are held too
    pub asked: Vec<String>,
    /// the refresh token that was issued last
    last_refresh: String,
    /// refresh tokens that are good, and their scopes
    refresh: BTreeMap<String, String>,
    disabled: BTreeSet<String>,
    access: BTreeMap<String, Access>,
    count: u64,
    /// how often tokens were refreshed
    pub refreshes: u64,
    /// how often a refresh token came that had been used already
    pub reuses: u64,
    /// everything that was ever issued
    pub secrets: Vec<String>,
}

struct Access {
    scope: String,
    until: Instant,
}

/// The tokens of a grant.
#[derive(Clone, Debug)]
pub struct Grant {
    pub access_token: String,
    pub refresh_token: String,
}

impl Tokens {
    /// An access token's scope while it is good.
    pub fn scope_of_access(&self, token: &str) -> Option<&str> {
        let access = self.access.get(token)?;
        (Instant::now() < access.until).then_some(access.scope.as_str())
    }

    /// The refresh tokens that are good.
    pub fn good_refresh_tokens(&self) -> Vec<String> {
        self.refresh.keys().cloned().collect()
    }

    /// Takes note of a request for tokens that has come.
    pub fn note(&mut self, request: &Request) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let grant_type = body["grant_type"].as_str().unwrap_or_default();
        self.asked.push(grant_type.to_owned());
    }

    /// From here on an access token is good that a test made up.
    pub fn accept(&mut self, token: &str, settings: &Settings) {
        let access = Access {
            scope: settings.granted_scope.clone(),
            until: Instant::now() + settings.access_token_life,
        };
        self.access.insert(token.to_owned(), access);
    }

    /// Ends all access tokens.
    pub fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Ends all refresh tokens, as a user does who revokes the grant.
    pub fn revoke(&mut self) {
        let tokens = std::mem::take(&mut self.refresh);
        self.disabled.extend(tokens.into_keys());
        self.access.clear();
    }

    fn new_secret(&mut self, kind: &str) -> String {
        self.count += 1;
        let noise = self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let secret = format!("eyJraWQi.{kind}-{:04}-{noise:016x}", self.count);
        self.secrets.push(secret.clone());
        secret
    }

    fn new_access(&mut self, scope: &str, settings: &Settings) -> String {
        let mut token = self.new_secret("access");
        if let Some(account) = &settings.account {
            let claims = json!({"sub": account, "jti": token}).to_string();
            let claims = URL_SAFE_NO_PAD.encode(claims);
            token = format!("eyJhbGciOiJub25lIn0.{claims}.signature");
            self.secrets.push(token.clone());
        }
        let access = Access {
            scope: scope.to_owned(),
            until: Instant::now() + settings.access_token_life,
        };
        self.access.insert(token.clone(), access);
        token
    }

    fn new_refresh(&mut self, scope: &str) -> String {
        let token = self.new_secret("refresh");
        self.refresh.insert(token.clone(), scope.to_owned());
        self.last_refresh.clone_from(&token);
        token
    }

    /// A grant that was given some time ago.
    pub fn grant(&mut self, settings: &Settings) -> Grant {
        let scope = &settings.granted_scope;
        Grant {
            access_token: self.new_access(scope, settings),
            refresh_token: self.new_refresh(scope),
        }
    }
}

/// `GET /authorize`, which a browser asks for.
pub fn consent(world: &mut World, request: &Request) -> Result<Answer, Refusal> {
    Credential::none_belongs_here(request)?;
    let settings = &world.settings;
    let mut parameters = Parameters::new(&request.query);
    parameters.exactly("audience", "api.atlassian.com")?;
    parameters.exactly("client_id", &settings.client_id)?;
    let redirect_uri = parameters.take("redirect_uri")?.unwrap_or_default();
    if settings
        .redirect_uri
        .as_ref()
        .is_some_and(|own| *own != redirect_uri)
    {
        return Err(Refusal::bad("redirect_uri is not the app's"));
    }
    parameters.exactly("response_type", "code")?;
    parameters.exactly("prompt", "consent")?;
    let scope = parameters.take("scope")?.unwrap_or_default();
    let state = parameters.take("state")?.unwrap_or_default();
    parameters.finish()?;
    let mut scopes: Vec<_> = scope.split(' ').collect();
    scopes.sort_unstable();
    if scopes != ["offline_access", AUDIT_SCOPE] {
        return Err(Refusal::bad(format!("other scopes: {scope:?}")));
    }
    // 128 bits: fewer can be guessed
    if state.len() < 22 {
        return Err(Refusal::bad("no state that cannot be guessed"));
    }
    let mut location =
        Url::parse(&redirect_uri).map_err(|_| Refusal::bad("redirect_uri is no absolute URL"))?;
    if settings.denies_consent {
        let pairs = [
            ("error", "access_denied"),
            (
                "error_description",
                "User did not authorize the request: no",
            ),
        ];
        location.query_pairs_mut().extend_pairs(pairs);
    } else {
        let granted = settings.granted_scope.clone();
        let code = world.tokens.new_secret("code");
        location.query_pairs_mut().append_pair("code", &code);
        world.tokens.codes.insert(code, (granted, redirect_uri));
    }
    location.query_pairs_mut().append_pair("state", &state);
    Ok(Answer::redirect(302, location.as_str()))
}

/// `POST /oauth/token`.
pub fn token(world: &mut World, request: &Request) -> Result<Answer, Refusal> {
    let plan = world.tokens.plan.pop_front();
    if let Some(Plan::Answer(status, body)) = plan {
        return Ok(Answer::json_text(status, body.to_owned()));
    }
    if let Some(Plan::Fill(path)) = &plan {
        fill(path);
    }
    let omits = world.settings.omits_refresh_token;
    world.settings.omits_refresh_token |= matches!(plan, Some(Plan::KeepRefreshToken));
    let mut answer = tokens(world, request);
    world.settings.omits_refresh_token = omits;
    if let (Some(Plan::Lose), Ok(answer)) = (&plan, &mut answer) {
        answer.delivery = Delivery::Nothing;
    }
    answer
}

/// Leaves no byte free on a small disk.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("a file on the small disk");
    for size in [4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

fn tokens(world: &mut World, request: &Request) -> Result<Answer, Refusal> {
    Credential::none_belongs_here(request)?;
    Parameters::new(&request.query).finish()?;
    if !request.header_holds("content-type", "application/json") {
        return Err(Refusal::violation(415, "a token request that is not JSON"));
    }
    let body: Map<String, Value> = serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::bad(format!("a token request that is not JSON: {error}")))?;
    let mut body = Fields(body);
    let grant_type = body.take("grant_type")?;
    let client = (body.take("client_id")?, body.take("client_secret")?);
    let settings = &world.settings;
    if client != (settings.client_id.clone(), settings.client_secret.clone()) {
        return Err(error(401, "access_denied", "Unauthorized"));
    }
    match grant_type.as_str() {
        "authorization_code" => {
            let (code, redirect_uri) = (body.take("code")?, body.take("redirect_uri")?);
            body.finish()?;
            exchange(world, &code, &redirect_uri)
        }
        "refresh_token" => {
            let token = body.take("refresh_token")?;
            body.finish()?;
            refresh(world, &token)
        }
        other => Err(Refusal::bad(format!("an unknown grant_type: {other}"))),
    }
}

fn exchange(world: &mut World, code: &str, redirect_uri: &str) -> Result<Answer, Refusal> {
    let own = world.settings.redirect_uri.as_ref();
    if own.is_some_and(|own| own != redirect_uri) {
        return Err(Refusal::bad("redirect_uri is not the app's"));
    }
    let consent = world.tokens.codes.remove(code);
    let invalid = || error(403, "invalid_grant", "Invalid authorization code");
    let (scope, redirect) = consent.ok_or_else(invalid)?;
    if redirect_uri != redirect {
        return Err(Refusal::bad("redirect_uri is not the one of the consent"));
    }
    let refresh = scope
        .split(' ')
        .any(|one| one == "offline_access")
        .then(|| world.tokens.new_refresh(&scope));
    Ok(granted(world, &scope, refresh))
}

fn refresh(world: &mut World, token: &str) -> Result<Answer, Refusal> {
    let tokens = &mut world.tokens;
    let Some(scope) = tokens.refresh.get(token).cloned() else {
        tokens.reuses += u64::from(tokens.disabled.contains(token));
        let reason = "Unknown or invalid refresh token.";
        return Err(error(403, "invalid_grant", reason));
    };
    tokens.refreshes += 1;
    let mut next = None;
    if !world.settings.omits_refresh_token {
        tokens.refresh.remove(token);
        tokens.disabled.insert(token.to_owned());
        next = Some(tokens.new_refresh(&scope));
    }
    Ok(granted(world, &scope, next))
}

fn granted(world: &mut World, scope: &str, refresh_token: Option<String>) -> Answer {
    let mut body = json!({
        "access_token": world.tokens.new_access(scope, &world.settings),
        "expires_in": world.settings.expires_in,
        "token_type": "Bearer",
        "scope": scope,
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = refresh_token.into();
    }
    Answer::json(200, &body).with("Cache-Control", "no-store")
}

fn error(status: u16, error: &str, description: &str) -> Refusal {
    let body = json!({"error": error, "error_description": description});
    Refusal::fair(Answer::json(status, &body))
}

/// The fields of a JSON body, taken one by one.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Result<String, Refusal> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            other => Err(Refusal::bad(format!("{name} is {other:?}, not a string"))),
        }
    }

    fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            Some(name) => Err(Refusal::bad(format!("an unknown field: {name}"))),
            None => Ok(()),
        }
    }
}

/// `GET /oauth/token/accessible-resources`.
pub fn sites(world: &World, request: &Request) -> Result<Answer, Refusal> {
    Parameters::new(&request.query).finish()?;
    let token = match Credential::of(request)? {
        Credential::Bearer(token) => token,
        Credential::Nothing | Credential::Basic(..) => String::new(),
    };
    let scope = world.tokens.scope_of_access(&token);
    let scope = scope.ok_or_else(|| gateway_unauthorized("Unauthorized"))?;
    if let Some(state_dir) = &world.settings.state_dir {
        let kept = fs::read_to_string(state_dir.join("oauth.json")).unwrap_or_default();
        if !kept.contains(&token) || !kept.contains(&world.tokens.last_refresh) {
            return Err(Refusal::bad("tokens are used before they are on disk"));
        }
    }
    if let Some(sites) = &world.settings.sites {
        return Ok(Answer::json(200, sites));
    }
    let scopes: Vec<_> = scope
        .split(' ')
        .filter(|one| *one != "offline_access")
        .collect();
    let mut sites = vec![json!({
        "id": world.settings.cloud_id,
        "url": world.addresses.site,
        "name": "acme",
        "scopes": scopes,
        "avatarUrl": "https://site-admin-avatar-cdn.prod.public.atl-paas.net/avatars/240/rocket.png",
    })];
    for (id, name, scopes) in &world.settings.more_sites {
        let url = format!("https://{name}.atlassian.net");
        sites.push(json!({"id": id, "url": url, "name": name, "scopes": scopes}));
    }
    Ok(Answer::json(200, &sites.into()))
}
