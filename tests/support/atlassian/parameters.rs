//! Query parameters, taken one by one: what is left over is unknown to the real server.

use std::ops::RangeInclusive;
use std::time::UNIX_EPOCH;

use super::answer::Refusal;

pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn new(query: &[(String, String)]) -> Self {
        Self(query.to_vec())
    }

    /// A parameter's value; none twice.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let mut values: Vec<_> = self.0.extract_if(.., |(key, _)| key == name).collect();
        if values.len() > 1 {
            return Err(Refusal::bad(format!("{name} is given twice")));
        }
        Ok(values.pop().map(|(_, value)| value))
    }

    /// A whole number of a range.
    pub fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        // `+5` would have come as a space, and no server reads it
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        match number {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            Some(_) => Err(Refusal::bad(format!("{name} is out of range: {text}"))),
            None => Err(Refusal::bad(format!("{name} is no whole number: {text:?}"))),
        }
    }

    /// A UTC instant with `Z`, as nanoseconds since the epoch.
    pub fn instant(&mut self, name: &str) -> Result<Option<i128>, Refusal> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        let parsed = humantime::parse_rfc3339(&text).ok();
        let since = parsed.and_then(|instant| instant.duration_since(UNIX_EPOCH).ok());
        match since {
            Some(since) => Ok(Some(since.as_nanos().cast_signed())),
            None => Err(Refusal::bad(format!("{name} is no UTC instant: {text:?}"))),
        }
    }

    /// A value that is one of few.
    pub fn exactly(&mut self, name: &str, wanted: &str) -> Result<(), Refusal> {
        match self.take(name)? {
            Some(value) if value == wanted => Ok(()),
            other => Err(Refusal::bad(format!("{name} is {other:?}, not {wanted:?}"))),
        }
    }

    /// Nothing may be left over.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.0.first() {
            Some((name, _)) => Err(Refusal::bad(format!("an unknown parameter: {name}"))),
            None => Ok(()),
        }
    }
}
