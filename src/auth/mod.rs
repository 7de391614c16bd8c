//! Who asks: secrets from where they are kept, and OAuth's grant.
//!
//! A login ([`callback`], [`oauth`]) leaves a grant on disk ([`store`]); a [`Session`] makes access
//! tokens of it for as long as it lasts.

pub mod authorization;
pub mod callback;
pub mod credentials;
pub mod credstore;
pub mod error;
mod listener;
pub mod login;
pub mod oauth;
pub mod servers;
mod session;
pub mod store;

pub use error::Error;
pub use session::Session;
