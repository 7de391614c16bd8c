//! What goes wrong between here and there.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::{Compress, Compression, FlushCompress};

use super::answer::{Answer, Delivery};
use super::http::Request;

/// One request's misfortune. Where the request was *not processed* it has no effect at the server: no
/// token is rotated, no search recorded. Where it was, the effect is there and the answer is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A status with an HTML page; not processed.
    Status(u16),
    /// 429 or 503 with the time to wait; not processed. Coming back too soon is a violation.
    Wait(u16, Wait),
    /// The connection is closed without an answer; not processed.
    Close,
    /// The connection is reset without an answer; not processed.
    Reset,
    /// Processed, but the connection is closed without an answer.
    LostAnswer,
    /// The connection is closed after the headers; processed.
    CloseAfterHead,
    /// The connection is closed after half of the body; processed.
    CloseInBody,
    /// Half of the JSON, with the length of that half; processed.
    TruncatedJson,
    /// 200 with an HTML page; not processed.
    Html,
    /// 200 without a body; not processed.
    Empty,
    /// 200 with that JSON; not processed.
    Json(String),
    /// The body comes in so many pieces, each after a pause; processed.
    Slow { pieces: usize, pause: Duration },
    /// The answer waits until [`release`](super::Atlassian::release); processed.
    Hold,
    /// `start`, `cursor` and `pageCursor` are ignored: the first page again.
    RepeatedPage,
    /// A page without records, though there are some. Of an organization only.
    EmptyPage,
    /// The answer says that it was the last one that the rate limit allows, for so many seconds.
    UsedUp(u64),
    /// A status with the same headers; not processed.
    UsedUpBy(u16, u64),
    /// status 429, no requests are left for so many seconds, and `Retry-After` says less
    TwoWaits { reset: u64, retry_after: u64 },
    /// 302 to the foreign host; not processed.
    RedirectForeign,
    /// 302 to a page of the foreign host; not processed.
    RedirectPage,
    /// 302 to the same request, which is then processed.
    RedirectSameOrigin,
    /// 1 GiB in a compressed megabyte; not processed.
    GzipBomb,
    /// A Content-Length of 1 TiB, and blanks that follow; not processed.
    HugeContentLength,
    /// Keys that nobody knows around the records; processed.
    ExtraKeys,
}

/// How long to wait, in seconds, and how it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// `Retry-After: 2`
    Seconds(u64),
    /// `Retry-After: Wed, 21 Oct 2026 07:28:00 GMT`
    Date(u64),
    /// `X-RateLimit-Reset: 2026-10-21T07:28:00Z`
    Reset(u64),
    /// `X-RateLimit-Reset: 1792567680`
    ResetEpoch(u64),
}

/// What the faults have to know of the world.
pub struct Scene<'a> {
    pub foreign: &'a str,
    /// the server's clock
    pub now: SystemTime,
}

impl Fault {
    /// The answer when the request is not processed.
    pub fn instead(&self, request: &Request, scene: &Scene<'_>) -> Option<Answer> {
        let answer = match self {
            Self::Status(status) => Answer::html(*status, "Something went wrong"),
            Self::Wait(status, wait) => {
                let (name, value) = wait.header(scene.now);
                Answer::html(*status, "Too many requests").with(name, value)
            }
            Self::UsedUpBy(status, seconds) => {
                let (name, reset) = Wait::Reset(*seconds).header(scene.now);
                let answer = Answer::html(*status, "Something went wrong").with(name, reset);
                answer.with("X-RateLimit-Remaining", "0")
            }
            Self::TwoWaits { reset, retry_after } => {
                let (name, reset) = Wait::Reset(*reset).header(scene.now);
                let answer = Answer::html(429, "Too many requests").with(name, reset);
                let (name, retry_after) = Wait::Seconds(*retry_after).header(scene.now);
                let answer = answer.with(name, retry_after);
                answer.with("X-RateLimit-Remaining", "0")
            }
            Self::Close => nothing(Delivery::Nothing),
            Self::Reset => nothing(Delivery::Reset),
            Self::Html => Answer::html(200, "Log in with Atlassian account"),
            Self::Empty => Answer::json_text(200, String::new()),
            Self::Json(text) => Answer::json_text(200, text.clone()),
            Self::RedirectForeign => {
                Answer::redirect(302, format!("{}{}", scene.foreign, request.target))
            }
            Self::RedirectPage => Answer::redirect(302, format!("{}/portal", scene.foreign)),
            Self::RedirectSameOrigin => Answer::redirect(302, request.target.clone()),
            Self::GzipBomb => bomb(),
            Self::HugeContentLength => {
                let mut answer = nothing(Delivery::Endless);
                answer.status = 200;
                answer
            }
            Self::LostAnswer
            | Self::CloseAfterHead
            | Self::CloseInBody
            | Self::TruncatedJson
            | Self::Slow { .. }
            | Self::Hold
            | Self::RepeatedPage
            | Self::EmptyPage
            | Self::UsedUp(_)
            | Self::ExtraKeys => return None,
        };
        Some(answer)
    }

    /// Bends the answer of a request that was processed.
    pub fn bend(&self, answer: &mut Answer, now: SystemTime) {
        match self {
            Self::LostAnswer => answer.delivery = Delivery::Nothing,
            Self::CloseAfterHead => answer.delivery = Delivery::Head,
            Self::CloseInBody => answer.delivery = Delivery::HalfBody,
            Self::TruncatedJson => answer.body.truncate(answer.body.len() / 2),
            Self::Slow { pieces, pause } => {
                answer.delivery = Delivery::Slow {
                    pieces: *pieces,
                    pause: *pause,
                };
            }
            Self::Hold => answer.is_held = true,
            Self::ExtraKeys => {
                if answer.body.first() == Some(&b'{') {
                    let more = br#""futureKey":{"nested":[1,{"results":[]}]},"entitiesV2":null,"#;
                    answer.body.splice(1..1, more.iter().copied());
                }
            }
            Self::UsedUp(seconds) => {
                let (name, reset) = Wait::Reset(*seconds).header(now);
                answer
                    .headers
                    .retain(|(name, _)| *name != "X-RateLimit-Remaining");
                answer
                    .headers
                    .push(("X-RateLimit-Remaining", "0".to_owned()));
                answer.headers.push((name, reset));
            }
            Self::RepeatedPage
            | Self::EmptyPage
            | Self::Status(_)
            | Self::Wait(..)
            | Self::UsedUpBy(..)
            | Self::TwoWaits { .. }
            | Self::Close
            | Self::Reset
            | Self::Html
            | Self::Empty
            | Self::Json(_)
            | Self::RedirectForeign
            | Self::RedirectPage
            | Self::RedirectSameOrigin
            | Self::GzipBomb
            | Self::HugeContentLength => {}
        }
    }

    /// How long nobody may come back.
    pub fn wait(&self, now: SystemTime) -> Option<Duration> {
        match self {
            Self::Wait(_, wait) => wait.duration(now),
            Self::UsedUp(seconds) | Self::UsedUpBy(_, seconds) => {
                Wait::Reset(*seconds).duration(now)
            }
            Self::TwoWaits { reset, .. } => Wait::Reset(*reset).duration(now),
            _ => None,
        }
    }
}

impl Wait {
    /// The instant in whole seconds, never too soon.
    fn instant(seconds: u64, now: SystemTime) -> u64 {
        let now = now.duration_since(UNIX_EPOCH).expect("after 1970");
        now.as_secs() + u64::from(now.subsec_nanos() > 0) + seconds
    }

    fn header(self, now: SystemTime) -> (&'static str, String) {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(Self::instant(seconds, now));
        match self {
            Self::Seconds(seconds) => ("Retry-After", seconds.to_string()),
            Self::Date(seconds) => ("Retry-After", httpdate::fmt_http_date(at(seconds))),
            Self::Reset(seconds) => (
                "X-RateLimit-Reset",
                humantime::format_rfc3339_seconds(at(seconds)).to_string(),
            ),
            Self::ResetEpoch(seconds) => {
                ("X-RateLimit-Reset", Self::instant(seconds, now).to_string())
            }
        }
    }

    fn duration(self, now: SystemTime) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Self::Date(seconds) | Self::Reset(seconds) | Self::ResetEpoch(seconds) => {
                let until = UNIX_EPOCH + Duration::from_secs(Self::instant(seconds, now));
                until.duration_since(now).ok()
            }
        }
    }
}

fn nothing(delivery: Delivery) -> Answer {
    let mut answer = Answer::json_text(500, String::new());
    answer.delivery = delivery;
    answer
}

/// 1 GiB of blanks. A piece that ends with a full flush stands for itself, so it is repeated.
fn bomb() -> Answer {
    const PIECE: usize = 1 << 20;
    const PIECES: u64 = 1 << 10;
    let blanks = vec![b' '; PIECE];
    let mut piece = Vec::with_capacity(PIECE);
    let mut compress = Compress::new(Compression::best(), false);
    compress
        .compress_vec(&blanks, &mut piece, FlushCompress::Full)
        .expect("compressed");
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&blanks);
    let one = checksum.clone();
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for index in 0..PIECES {
        body.extend_from_slice(&piece);
        if index > 0 {
            checksum.combine(&one);
        }
    }
    // an empty last block
    body.extend_from_slice(&[0x03, 0x00]);
    body.extend_from_slice(&checksum.finalize().to_le_bytes());
    let length = u32::try_from(PIECE as u64 * PIECES).expect("1 GiB");
    body.extend_from_slice(&length.to_le_bytes());
    let mut answer = Answer::json_text(200, String::new()).with("Content-Encoding", "gzip");
    answer.body = body;
    answer.is_encoded = true;
    answer
}

/// The faults to come: those that were ordered, then those that are drawn.
#[derive(Default)]
pub struct Faults {
    ordered: VecDeque<Fault>,
    flaky: Option<Flaky>,
    /// those that happened
    pub happened: Vec<Fault>,
}

struct Flaky {
    state: u64,
    rate: f64,
    in_a_row: u32,
}

impl Faults {
    pub fn order(&mut self, fault: Fault) {
        self.ordered.push_back(fault);
    }

    pub fn draw_from(&mut self, seed: u64, rate: f64) {
        self.flaky = (rate > 0.0).then_some(Flaky {
            state: seed,
            rate,
            in_a_row: 0,
        });
    }

    pub fn left(&self) -> usize {
        self.ordered.len()
    }

    /// The next request's fault. A token request that is answered into the void ends a rotating
    /// grant for good, so none of those is drawn.
    pub fn next(&mut self, is_token_request: bool) -> Option<Fault> {
        let ordered = self.ordered.pop_front();
        let fault = ordered.or_else(|| self.flaky.as_mut()?.draw(is_token_request))?;
        self.happened.push(fault.clone());
        Some(fault)
    }
}

impl Flaky {
    fn draw(&mut self, is_token_request: bool) -> Option<Fault> {
        const MOST_IN_A_ROW: u32 = 3;
        let wanted = self.in_a_row < MOST_IN_A_ROW && self.fraction() < self.rate;
        if !wanted {
            self.in_a_row = 0;
            return None;
        }
        self.in_a_row += 1;
        let faults = [
            Fault::Status(500),
            Fault::Status(502),
            Fault::Status(503),
            Fault::Status(504),
            Fault::Wait(429, Wait::Seconds(0)),
            Fault::Wait(503, Wait::Seconds(0)),
            Fault::Close,
            Fault::Reset,
            Fault::Html,
            Fault::Empty,
            Fault::LostAnswer,
            Fault::CloseAfterHead,
            Fault::CloseInBody,
            Fault::TruncatedJson,
            Fault::ExtraKeys,
        ];
        // up to `Empty`, nothing was processed
        let count = if is_token_request { 10 } else { faults.len() };
        let index = usize::try_from(self.draw_number() >> 33).expect("31 bits") % count;
        faults.get(index).cloned()
    }

    /// splitmix64
    fn draw_number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.state;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }

    fn fraction(&mut self) -> f64 {
        let bits = u32::try_from(self.draw_number() >> 32).expect("32 bits");
        f64::from(bits) / 2f64.powi(32)
    }
}
