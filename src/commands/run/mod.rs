//! `confluence-ecs run`: every source of a configuration file in one process.

mod pause;
mod supervisor;
mod takeover;
mod told;
mod worker;

use crate::cli::RunArgs;
use crate::config::service::Configuration;
use crate::config::{self, Place, arguments};
use crate::exit::Exit;
use crate::options;
use crate::process::metrics::Metrics;
use crate::process::setting_names;
use crate::state;

use super::Error;
use supervisor::Supervisor;

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration or the state directory is unusable, or every source is at the start.
pub fn run(arguments: &RunArgs) -> Result<Exit, Error> {
    if arguments.mapping.strict {
        return Err(config::Error::Invalid {
            place: Place::Flag("strict".to_owned()),
            problem: "a service goes on after a record that cannot be mapped; leave it out"
                .to_owned(),
        }
        .into());
    }
    let path = arguments::path(arguments.mapping.config.as_deref());
    let configuration = Configuration::load(&path, &arguments.given)?;
    // All arguments, before the first source is begun: a wrong one is a wrong configuration.
    configuration.check_arguments()?;
    let given = arguments.given.iter().map(|flag| flag.name.clone());
    // Not a setting: it names the file that has the keys.
    setting_names::use_keys(given.chain(["config".to_owned()]));
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    state::make_directory(&directory)?;
    told::note_others(&directory, &configuration.sources);
    takeover::advise(&configuration);
    let metrics = Metrics::start(&options::metrics(&arguments.metrics))?;
    metrics.config_loaded(true);
    Supervisor::new(configuration, arguments.given.clone(), metrics)?.run()
}
