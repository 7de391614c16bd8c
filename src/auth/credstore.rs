//! Credentials that systemd reads as root, and gives to the packaged service alone (`packaging/systemd`).

use std::fs;
use std::io;
use std::path::Path;

use super::credentials::Setting;
use crate::process::shown::Shown as _;

/// Where they are, with the unit's name before that of each.
const DIRECTORY: &str = "/etc/credstore";
const PREFIX: &str = "confluence-ecs.";

/// What to say of a secret that is not found outside the service: that it is given to that, or that this user cannot
/// know. None if it is not.
#[must_use]
pub fn given_to_service(setting: &Setting) -> Option<String> {
    let path = Path::new(DIRECTORY).join(format!("{PREFIX}{}", setting.credential));
    let (found, path) = (fs::symlink_metadata(&path), path.shown());
    match found {
        Ok(_) => Some(format!("systemd gives {path} to the service alone")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(format!(
            "this user cannot see whether systemd gives {path} to the service"
        )),
        Err(_) => None,
    }
}
