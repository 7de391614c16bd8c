//! The keys that a table may have, read off the flags of the commands.

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::cli::Cli;

/// Flags of a single run: a service has no use for them.
const ONE_OFF: [&str; 9] = [
    "config", "help", "json", "list", "once", "status", "strict", "until", "version",
];
/// The ending of flags that name a file with a secret.
const SECRET_FILE: &str = "_file";
/// Secrets, each with a flag that names a file with it.
pub const SECRETS: [&str; 7] = [
    "api_token",
    "client_secret",
    "es_api_key",
    "es_password",
    "org_api_key",
    "pat",
    "proxy_password",
];

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Log files that are followed.
    Tail,
    /// A site that is asked.
    Fetch,
}

impl SourceKind {
    /// The name of its command, which is its `type`, too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tail => "tail",
            Self::Fetch => "fetch",
        }
    }
}

/// A table with what holds for every source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// What stands before the first table.
    Top,
    /// Where positions are kept.
    State,
    /// How records are mapped.
    Mapping,
    /// How requests are made.
    Http,
    /// Where events go.
    Output,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Top,
        Self::State,
        Self::Mapping,
        Self::Http,
        Self::Output,
    ];

    /// Its name in the file; none of the top.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Top => None,
            Self::State => Some("state"),
            Self::Mapping => Some("mapping"),
            Self::Http => Some("http"),
            Self::Output => Some("output"),
        }
    }

    /// The environment variable of one of its keys.
    #[must_use]
    pub fn variable(self, key: &str) -> String {
        let key = key.to_uppercase();
        match self.name() {
            Some(name) => format!("CONFLUENCE_ECS_{}_{key}", name.to_uppercase()),
            None => format!("CONFLUENCE_ECS_{key}"),
        }
    }
}

/// What a key is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// How often a flag is repeated.
    Count,
    /// One value.
    One(Scalar),
    /// A string, or an array of them.
    Many,
    /// A secret, by a reference to it.
    Secret,
}

/// What a single value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Text,
    /// An integer, or a string with a unit.
    Number,
    /// A string with a duration.
    Duration,
    /// A string with a time, or a duration before now.
    Time,
}

impl Kind {
    /// What is expected, for a message.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Count => "an integer from 0 to 255",
            Self::One(Scalar::Text) => "a string",
            Self::One(Scalar::Number) => "a string or an integer",
            Self::One(Scalar::Duration) => "a duration such as \"1m\"",
            Self::One(Scalar::Time) => "a time, or a duration such as \"30d\"",
            Self::Many => "a string or an array of strings",
            Self::Secret => "\"${VARIABLE}\" or \"file:PATH\"",
        }
    }
}

/// A key, and the flag that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As it stands in the file.
    pub name: String,
    /// The long flag; none of arguments without one.
    pub flag: Option<String>,
    /// What it is set to.
    pub kind: Kind,
    /// The table that sets it for all sources; none if only a source has it.
    pub table: Option<Table>,
    /// What it is where nothing sets it, if that is fixed.
    pub default: Vec<String>,
}

impl Key {
    /// Whether it says something of a cluster that events go to.
    #[must_use]
    pub fn is_of_cluster(&self) -> bool {
        self.table == Some(Table::Output) && !matches!(&*self.name, "file" | "format")
    }
}

/// The keys of a command: those of its flags that are not of a single run.
///
/// `command` is the name of a subcommand, with a space before that of one below it.
pub fn keys(command: &str) -> Vec<Key> {
    let cli = Cli::command();
    let mut found = Some(&cli);
    for name in command.split(' ') {
        found = found.and_then(|found| found.find_subcommand(name));
    }
    let arguments = found.into_iter().flat_map(Command::get_arguments);
    // What is hidden is only there to be refused with a reason.
    let arguments = arguments.filter(|argument| !argument.is_hide_set());
    arguments.flat_map(keys_of).collect()
}

/// The keys of flags that every command has.
pub fn global_keys() -> Vec<Key> {
    let cli = Cli::command();
    let global = cli
        .get_arguments()
        .filter(|argument| argument.is_global_set());
    let keys = global.flat_map(keys_of);
    keys.map(|key| Key {
        table: Some(Table::Top),
        ..key
    })
    .collect()
}

/// The keys of an argument: two if it names the file of a secret.
fn keys_of(argument: &Arg) -> Vec<Key> {
    let flag = argument.get_long().map(str::to_owned);
    let name = flag.as_deref().unwrap_or(argument.get_id().as_str());
    let name = name.replace('-', "_");
    if ONE_OFF.contains(&&*name) {
        return Vec::new();
    }
    let key = Key {
        kind: kind(argument),
        table: table(argument, &name),
        // The contract has `file`, which says in a table of its own what `--output` says on a command line.
        name: if name == "output" {
            "file".to_owned()
        } else {
            name.clone()
        },
        flag,
        default: defaults(argument),
    };
    let secret = name
        .strip_suffix(SECRET_FILE)
        .filter(|secret| SECRETS.contains(secret));
    let secret = secret.map(|secret| Key {
        name: secret.to_owned(),
        kind: Kind::Secret,
        default: Vec::new(),
        ..key.clone()
    });
    std::iter::once(key).chain(secret).collect()
}

fn kind(argument: &Arg) -> Kind {
    match argument.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => Kind::Switch,
        ArgAction::Count => Kind::Count,
        ArgAction::Append => Kind::Many,
        _ => {
            let names = argument.get_value_names().unwrap_or_default();
            Kind::One(match names.first().map(|name| &**name) {
                Some("N" | "SIZE") => Scalar::Number,
                Some("DURATION") => Scalar::Duration,
                Some(name) if name == "TIME" || name.contains("DURATION") => Scalar::Time,
                Some(_) | None => Scalar::Text,
            })
        }
    }
}

fn defaults(argument: &Arg) -> Vec<String> {
    // On a command line stdout; a service has no default output.
    let is_fixed = argument.get_action().takes_values() && argument.get_id() != "output";
    let defaults = argument.get_default_values().iter();
    let defaults = defaults.map(|value| value.to_string_lossy().into_owned());
    defaults.filter(|_| is_fixed).collect()
}

/// The headings of the help text are the tables of the file.
fn table(argument: &Arg, name: &str) -> Option<Table> {
    match (argument.get_help_heading(), name) {
        (_, "state_dir" | "metrics_file" | "metrics_listen") => Some(Table::Top),
        (_, "output" | "format") | (Some("Elasticsearch or OpenSearch"), _) => Some(Table::Output),
        (Some("Mapping"), _) => Some(Table::Mapping),
        (Some("Requests"), _) => Some(Table::Http),
        (Some(_) | None, _) => None,
    }
}

/// Of the names, the one that is most like another, if any is.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LIKE: f64 = 0.8;
    let rated = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name));
    let best = rated.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= LIKE).then_some(best.1)
}
