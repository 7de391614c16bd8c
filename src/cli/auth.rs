//! Arguments of `auth`.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use clap::{ArgAction, Args, Subcommand};

use super::values::RedirectUri;
use super::{AtlassianArgs, ClientSecretArgs, HttpArgs, StateDirArgs, values};

/// The commands of `auth`.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Ask for access in a browser, and keep the grant
    Login {
        /// Client id of the OAuth app (developer.atlassian.com)
        #[arg(long, value_name = "ID", value_parser = values::client_id)]
        client_id: String,
        /// Where the browser is sent back to, as the app's settings say
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8917/callback", value_parser = values::redirect_uri)]
        redirect_uri: RedirectUri,
        /// Read the URL that the browser was sent back to from stdin, for a machine without browser
        #[arg(long, action = ArgAction::SetTrue)]
        paste: bool,
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Say who is logged in, for which sites, and when the tokens end
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// List the sites that the grant is for, with their cloud ids
    Sites {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Get a new access token now
    Refresh {
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Remove the grant from this machine; what revokes it is "Connected apps" in the Atlassian account
    Logout {
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
}

/// Arguments of all commands of `auth`.
#[derive(Debug, Args)]
pub struct AuthArgs {
    /// Where the grant is kept.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// OAuth's client secret.
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Atlassian's servers.
    #[command(flatten)]
    pub atlassian: AtlassianArgs,
    /// How requests are made.
    #[command(flatten)]
    pub http: HttpArgs,
}
