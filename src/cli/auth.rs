//! Arguments of `auth`.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use clap::{ArgAction, Args, Subcommand};

use super::values::RedirectUri;
use super::{AtlassianArgs, ClientSecretArgs, HttpArgs, StateDirArgs, values};

/// The commands of `auth`.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Log in with a browser, and store the tokens
    Login {
        /// Client id of the OAuth app
        ///
        /// From https://developer.atlassian.com/console/myapps, where the app needs the scope
        /// read:audit-log:confluence.
        #[arg(long, value_name = "ID", value_parser = values::client_id)]
        client_id: String,
        /// Callback URL, as in the app's settings
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8917/callback", value_parser = values::redirect_uri)]
        redirect_uri: RedirectUri,
        /// Read the callback URL from stdin
        ///
        /// For a machine without a browser: open the printed address elsewhere, log in, and copy what the
        /// browser's address bar shows then.
        #[arg(long, action = ArgAction::SetTrue)]
        paste: bool,
        /// Arguments shared by the commands of `auth`.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Show the account, its sites, and when the tokens expire
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Which login it is about.
        #[command(flatten)]
        login: StoredLoginArgs,
    },
    /// List the sites that the login covers, with their cloud ids
    Sites {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Arguments shared by the commands of `auth`.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Refresh the access token now
    Refresh {
        /// Arguments shared by the commands of `auth`.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Delete the stored tokens; to revoke them, use "Connected apps" in the Atlassian account
    Logout {
        /// Which login it is about.
        #[command(flatten)]
        login: StoredLoginArgs,
    },
}

/// Arguments of the commands of `auth` that make no requests.
#[derive(Debug, Args)]
pub struct StoredLoginArgs {
    /// Where the grant is kept.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// Base URLs of the gateway and the OAuth server.
    #[command(flatten)]
    pub atlassian: AtlassianArgs,
}

/// Arguments of the commands of `auth` that make requests.
#[derive(Debug, Args)]
pub struct AuthArgs {
    /// Where the grant is kept.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// The client secret of the OAuth app.
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Base URLs of the gateway and the OAuth server.
    #[command(flatten)]
    pub atlassian: AtlassianArgs,
    /// How requests are made.
    #[command(flatten)]
    pub http: HttpArgs,
}
