//! A strict little OAuth server: authorization codes and refresh tokens work once, and every access
//! token that is used must be on disk already. What it does not like it keeps, and tells at its end.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up may panic"
)]
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

pub const CLIENT_ID: &str = "the-app";
pub const CLIENT_SECRET: &str = "s3cret-of-the-app";
pub const ACCOUNT: &str = "557058:0a1b";

/// What happens to a request for tokens.
#[derive(Debug, Clone)]
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

/// What it knows, and what it is to do.
#[derive(Debug, Default)]
pub struct World {
    /// The directory that tokens must be in before they are used.
    pub state_dir: PathBuf,
    /// How long new access tokens last, in seconds.
    pub lifetime: u64,
    /// What happens to the next requests for tokens.
    pub plan: VecDeque<Plan>,
    /// Requests for tokens wait.
    pub is_held: bool,
    /// What the sites are.
    pub sites: Value,
    /// Access tokens that work.
    pub access: BTreeSet<String>,
    /// The refresh token that works.
    pub refresh: Option<String>,
    /// The `grant_type` of every request for tokens.
    pub asked: Vec<String>,
    /// Everything that nobody may see.
    pub secrets: Vec<String>,
    codes: BTreeMap<String, String>,
    issued: usize,
    problems: Vec<String>,
}

pub struct OauthServer {
    pub base: Url,
    shared: Arc<(Mutex<World>, Condvar)>,
}

struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl OauthServer {
    pub fn start(state_dir: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let world = World {
            state_dir: state_dir.to_owned(),
            lifetime: 3600,
            secrets: vec![CLIENT_SECRET.to_owned()],
            sites: json!([
                {"id": "11-22", "url": "https://acme.atlassian.net", "name": "acme", "avatarUrl": "x",
                 "scopes": ["read:audit-log:confluence"]},
                {"id": "33-44", "url": "https://other.atlassian.net", "name": "other", "scopes": []},
            ]),
            ..World::default()
        };
        let shared = Arc::new((Mutex::new(world), Condvar::new()));
        let server = Self {
            base: Url::parse(&base).unwrap(),
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // A client that breaks off is its own affair.
                    let _ = serve(stream, &shared);
                });
            }
        });
        server
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.0.lock().unwrap()
    }

    /// Lets the requests for tokens go on.
    pub fn let_go(&self) {
        self.world().is_held = false;
        self.shared.1.notify_all();
    }

    /// What happens to the next requests for tokens.
    pub fn plan(&self, plan: impl IntoIterator<Item = Plan>) {
        self.world().plan.extend(plan);
    }

    /// What a browser does with the authorization URL: the user allows it, and is sent back.
    pub fn allow(&self, url: &Url) -> Url {
        let parameters: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let parameter = |name: &str| parameters[name].as_str();
        assert_eq!(url.origin(), self.base.origin());
        assert_eq!(url.path(), "/authorize");
        assert_eq!(parameters.len(), 7, "{url}");
        assert_eq!(parameter("audience"), "api.atlassian.com");
        assert_eq!(parameter("client_id"), CLIENT_ID);
        assert_eq!(parameter("response_type"), "code");
        assert_eq!(parameter("prompt"), "consent");
        assert_eq!(
            parameter("scope"),
            "read:audit-log:confluence offline_access"
        );
        assert!(parameter("state").len() >= 22, "128 bits");
        let mut world = self.world();
        let code = world.secret("code");
        let redirect = parameter("redirect_uri");
        world.codes.insert(code.clone(), redirect.to_owned());
        let mut back = Url::parse(redirect).unwrap();
        back.query_pairs_mut()
            .append_pair("state", parameter("state"))
            .append_pair("code", &code);
        back
    }
}

impl Drop for OauthServer {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(self.world().problems, [""; 0]);
        }
    }
}

impl World {
    fn secret(&mut self, what: &str) -> String {
        self.issued += 1;
        let secret = format!("{what}-{:04}-{:x}", self.issued, 0x5eed_0000 + self.issued);
        self.secrets.push(secret.clone());
        secret
    }

    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Issues tokens; the refresh token before is dead, unless it is to be kept.
    fn issue(&mut self, keep: bool) -> String {
        let id = self.secret("access");
        let claims = URL_SAFE_NO_PAD.encode(json!({"sub": ACCOUNT, "jti": id}).to_string());
        let access = format!("eyJhbGciOiJub25lIn0.{claims}.signature");
        self.secrets.push(access.clone());
        self.access.insert(access.clone());
        let mut answer = json!({
            "access_token": access,
            "expires_in": self.lifetime,
            "scope": "read:audit-log:confluence offline_access",
            "token_type": "Bearer",
        });
        if !keep {
            let refresh = self.secret("refresh");
            answer["refresh_token"] = refresh.clone().into();
            self.refresh = Some(refresh);
        }
        answer.to_string()
    }

    fn token(&mut self, body: &Value, plan: Option<&Plan>) -> (u16, String) {
        let invalid = |what| {
            (
                403,
                json!({"error": "invalid_grant", "error_description": what}),
            )
        };
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let answer = if text("client_id") != CLIENT_ID || text("client_secret") != CLIENT_SECRET {
            let said = json!({"error": "access_denied", "error_description": "Unauthorized"});
            (401, said)
        } else if text("grant_type") == "authorization_code" {
            match self.codes.remove(&text("code")) {
                Some(redirect) if redirect == text("redirect_uri") => {
                    return (200, self.issue(false));
                }
                _ => invalid("Invalid authorization code"),
            }
        } else if self.refresh.is_some() && self.refresh == Some(text("refresh_token")) {
            return (
                200,
                self.issue(matches!(plan, Some(Plan::KeepRefreshToken))),
            );
        } else {
            invalid("Unknown or invalid refresh token.")
        };
        (answer.0, answer.1.to_string())
    }
}

fn serve(mut stream: TcpStream, shared: &(Mutex<World>, Condvar)) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        let Some((status, body)) = answer(&request, shared) else {
            return Ok(());
        };
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        line: line.trim().to_owned(),
        headers,
        body,
    }))
}

/// None: the connection breaks.
fn answer(request: &Request, shared: &(Mutex<World>, Condvar)) -> Option<(u16, String)> {
    let (world, let_go) = shared;
    let mut world = world.lock().unwrap();
    match request.line.as_str() {
        "POST /oauth/token HTTP/1.1" => {
            if request.headers.get("content-type").map(String::as_str) != Some("application/json") {
                world.problem(format!(
                    "a body of {:?}",
                    request.headers.get("content-type")
                ));
            }
            if request.headers.contains_key("authorization") {
                world.problem("credentials for the OAuth server".to_owned());
            }
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let kind = body["grant_type"].as_str().unwrap().to_owned();
            world.asked.push(kind.clone());
            check_keys(&mut world, &kind, &body);
            world = let_go.wait_while(world, |world| world.is_held).unwrap();
            let plan = world.plan.pop_front();
            if let Some(Plan::Answer(status, body)) = plan {
                return Some((status, body.to_owned()));
            }
            if let Some(Plan::Fill(path)) = &plan {
                fill(path);
            }
            let answer = world.token(&body, plan.as_ref());
            (!matches!(plan, Some(Plan::Lose))).then_some(answer)
        }
        "GET /oauth/token/accessible-resources HTTP/1.1" => {
            let given = request.headers.get("authorization").map(String::as_str);
            let token = given.and_then(|value| value.strip_prefix("Bearer "));
            let token = token.unwrap_or_default().to_owned();
            if !world.access.contains(&token) {
                return Some((401, r#"{"code":401,"message":"Unauthorized"}"#.to_owned()));
            }
            let kept = fs::read_to_string(world.state_dir.join("oauth.json")).unwrap_or_default();
            let refresh = world.refresh.clone().unwrap_or_default();
            if !kept.contains(&token) || !kept.contains(&refresh) {
                world.problem("tokens are used before they are on disk".to_owned());
            }
            Some((200, world.sites.to_string()))
        }
        other => {
            world.problem(format!("unexpected: {other}"));
            Some((404, String::new()))
        }
    }
}

fn check_keys(world: &mut World, kind: &str, body: &Value) {
    let expected: &[&str] = match kind {
        "authorization_code" => &[
            "client_id",
            "client_secret",
            "code",
            "grant_type",
            "redirect_uri",
        ],
        _ => &["client_id", "client_secret", "grant_type", "refresh_token"],
    };
    let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    keys.sort();
    if keys != expected {
        world.problem(format!("{kind} with {keys:?}"));
    }
}

/// Leaves no byte free on a small disk.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}
