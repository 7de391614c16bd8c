//! `auth` through the binary, against a strict OAuth server: logging in, and the life of a grant.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

mod grant;
mod login;
mod refusals;
mod world;
