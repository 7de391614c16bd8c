//! Examples of each command, for its long help text and its man page.

use clap::Command;

/// A command line, and what it is for.
pub struct Example {
    /// What it does, in a few words.
    pub what: &'static str,
    /// The command line, for a POSIX shell; over several lines if it is long.
    pub command: &'static str,
}

const fn example(what: &'static str, command: &'static str) -> Example {
    Example { what, command }
}

/// The examples of each command, by its name below the program's.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            example(
                "Map a log file",
                "confluence-ecs normalize audit.log > events.ndjson",
            ),
            example(
                "Follow the audit logs of this machine",
                "confluence-ecs tail -o /var/log/confluence-ecs/events.ndjson",
            ),
            example(
                "Read the help text of a command",
                "confluence-ecs fetch --help",
            ),
        ],
    ),
    (
        "normalize",
        &[
            example(
                "Map files, compressed ones too",
                "confluence-ecs normalize audit.log old.log.gz > events.ndjson",
            ),
            example(
                "Map a pipe, with the original texts",
                "cat audit.log | confluence-ecs normalize --preserve-original-event",
            ),
            example(
                "Map an answer of a REST API that was saved",
                "confluence-ecs normalize page.json -o events.ndjson",
            ),
            example(
                "Make the body of a bulk request of Elasticsearch",
                "confluence-ecs normalize --format bulk audit.log > bulk.ndjson",
            ),
        ],
    ),
    (
        "report",
        &[
            example(
                "See what happened in a log",
                "confluence-ecs report audit.log",
            ),
            example(
                "Everything as JSON, for a program",
                "confluence-ecs report --json audit.log > report.json",
            ),
            example(
                "The last week of all logs, as a page for a browser",
                "confluence-ecs report --since 7d --html report.html '*.log*'",
            ),
            example(
                "A table for a spreadsheet",
                "confluence-ecs report --format csv --fields event.action,user.name \\\n    audit.log > events.csv",
            ),
        ],
    ),
    (
        "explain",
        &[
            example(
                "See where each field of the events is from",
                "confluence-ecs explain audit.log",
            ),
            example(
                "Explain the record in one line of a file",
                "sed -n 12p audit.log | confluence-ecs explain",
            ),
            example(
                "The same for programs",
                "confluence-ecs explain --json audit.log",
            ),
        ],
    ),
    (
        "tail",
        &[
            example(
                "Follow the logs of a standard installation",
                "confluence-ecs tail -o /var/log/confluence-ecs/events.ndjson",
            ),
            example(
                "Send them to a cluster",
                "confluence-ecs tail --elasticsearch-url https://es.example.com:9200 \\\n    --es-api-key-file /etc/confluence-ecs/es-api-key",
            ),
            example(
                "Read what is new in some files, and exit",
                "confluence-ecs tail --once --state-dir state '*.log' -o events.ndjson",
            ),
            example(
                "See what would be followed",
                "confluence-ecs tail --list --state-dir state '*.log'",
            ),
        ],
    ),
    (
        "fetch",
        &[
            example(
                "Fetch the last 30 days of a Cloud site, later what came since",
                "confluence-ecs fetch --url https://acme.atlassian.net \\\n    --email audit@example.com --api-token-file api-token \\\n    --since 30d -o events.ndjson",
            ),
            example(
                "Fetch from a Data Center each minute, into a cluster",
                "confluence-ecs fetch --url https://wiki.example.com --pat-file pat \\\n    --interval 1m --elasticsearch-url https://es.example.com:9200",
            ),
            example(
                "Fetch Confluence's events of a whole organization",
                "confluence-ecs fetch --org-id 11223344-a1b2-3b33-c444-def123456789 \\\n    --org-api-key-file org-api-key --product confluence -o events.ndjson",
            ),
            example(
                "Write the original records",
                "confluence-ecs fetch --url https://wiki.example.com --pat-file pat --raw",
            ),
        ],
    ),
    (
        "run",
        &[
            example(
                "Run the sources of the packaged configuration",
                "confluence-ecs run",
            ),
            example(
                "Run those of another file, with diagnostics as JSON",
                "confluence-ecs run --config config.toml --log-format json",
            ),
        ],
    ),
    (
        "config check",
        &[
            example(
                "Check the packaged configuration",
                "confluence-ecs config check",
            ),
            example(
                "Also ask the sites and clusters of another file",
                "confluence-ecs config check --config config.toml --connect",
            ),
        ],
    ),
    (
        "config show",
        &[
            example(
                "See what is set, and where",
                "confluence-ecs config show --config config.toml",
            ),
            example("The same for programs", "confluence-ecs config show --json"),
        ],
    ),
    (
        "config example",
        &[
            example("Read it", "confluence-ecs config example | less"),
            example(
                "Start from it",
                "confluence-ecs config example > config.toml",
            ),
        ],
    ),
    (
        "status",
        &[
            example("See how every source is", "confluence-ecs status"),
            example(
                "Exit with 1 if one is more than five minutes behind",
                "confluence-ecs status --max-lag 5m",
            ),
        ],
    ),
    (
        "send",
        &[
            example(
                "Send events that were written earlier",
                "confluence-ecs send events.ndjson \\\n    --elasticsearch-url https://es.example.com:9200 \\\n    --es-api-key-file /etc/confluence-ecs/es-api-key",
            ),
            example(
                "Send dead letters again, when their cause is mended",
                "mv dead-letter.ndjson again.ndjson &&\nconfluence-ecs send again.ndjson \\\n    --elasticsearch-url https://es.example.com:9200",
            ),
        ],
    ),
    (
        "auth login",
        &[
            example(
                "Log in with the browser of this machine",
                "confluence-ecs auth login --client-id AbC123 --client-secret-file secret",
            ),
            example(
                "Log in with a browser elsewhere",
                "confluence-ecs auth login --client-id AbC123 \\\n    --client-secret-file secret --paste",
            ),
        ],
    ),
    (
        "auth status",
        &[
            example(
                "See who is logged in, and until when",
                "confluence-ecs auth status",
            ),
            example(
                "The same in the service's directory, for programs",
                "confluence-ecs auth status --json --state-dir /var/lib/confluence-ecs",
            ),
        ],
    ),
    (
        "auth sites",
        &[
            example(
                "List the sites of the login",
                "confluence-ecs auth sites --client-secret-file secret",
            ),
            example(
                "The same for programs",
                "confluence-ecs auth sites --client-secret-file secret --json",
            ),
        ],
    ),
    (
        "auth refresh",
        &[
            example(
                "Try whether the login still works",
                "confluence-ecs auth refresh --client-secret-file secret",
            ),
            example(
                "The same in the service's directory",
                "confluence-ecs auth refresh --client-secret-file secret \\\n    --state-dir /var/lib/confluence-ecs",
            ),
        ],
    ),
    (
        "auth logout",
        &[
            example("Delete the tokens", "confluence-ecs auth logout"),
            example(
                "Those of the service",
                "confluence-ecs auth logout --state-dir /var/lib/confluence-ecs",
            ),
        ],
    ),
    (
        "check",
        &[
            example(
                "Find out why a Cloud site gives no records",
                "confluence-ecs check --url https://acme.atlassian.net \\\n    --email audit@example.com --api-token-file api-token",
            ),
            example(
                "Check a cluster alone",
                "confluence-ecs check --elasticsearch-url https://es.example.com:9200 \\\n    --es-api-key-file /etc/confluence-ecs/es-api-key",
            ),
        ],
    ),
    (
        "state list",
        &[
            example(
                "List the positions in a directory",
                "confluence-ecs state list --state-dir state",
            ),
            example(
                "Those of the service",
                "confluence-ecs state list --state-dir /var/lib/confluence-ecs",
            ),
        ],
    ),
    (
        "state show",
        &[
            example(
                "See how far a log was read",
                "confluence-ecs state show --state-dir state audit.log",
            ),
            example(
                "See how far a site was fetched",
                "confluence-ecs state show https://acme.atlassian.net",
            ),
        ],
    ),
    (
        "state forget",
        &[
            example(
                "Read a log from its beginning again",
                "confluence-ecs state forget --state-dir state audit.log",
            ),
            example(
                "Let the next fetch start where --since says",
                "confluence-ecs state forget https://acme.atlassian.net",
            ),
        ],
    ),
    (
        "state set",
        &[
            example(
                "Fetch the last week again",
                "confluence-ecs state set https://acme.atlassian.net --since 7d",
            ),
            example(
                "Read a log from a line on",
                "confluence-ecs state set --state-dir state audit.log --offset 0",
            ),
        ],
    ),
    (
        "state rename",
        &[
            example(
                "Let a source go on where `tail` stopped",
                "confluence-ecs state rename tail wiki",
            ),
            example(
                "Keep the positions of a source that gets another name",
                "confluence-ecs state rename wiki intranet",
            ),
        ],
    ),
    (
        "fixtures check",
        &[
            example(
                "Compare the golden files below a folder",
                "confluence-ecs fixtures check golden",
            ),
            example(
                "The same in GitHub Actions, with annotations",
                "confluence-ecs fixtures check golden --format github",
            ),
        ],
    ),
    (
        "fixtures regenerate",
        &[
            example(
                "Write the golden files below a folder anew",
                "confluence-ecs fixtures regenerate golden",
            ),
            example(
                "That of one input",
                "confluence-ecs fixtures regenerate golden/audit.log",
            ),
        ],
    ),
    (
        "schema fields",
        &[
            example("See the fields", "confluence-ecs schema fields"),
            example(
                "A table for a wiki",
                "confluence-ecs schema fields --format markdown > fields.md",
            ),
        ],
    ),
    (
        "schema actions",
        &[
            example("See the actions", "confluence-ecs schema actions"),
            example(
                "Which are notable",
                "confluence-ecs schema actions --format json |\n  jq -r '.[] | select(.notable != \"no\") | .key // .text'",
            ),
            example(
                "A table for a spreadsheet",
                "confluence-ecs schema actions --format csv > actions.csv",
            ),
        ],
    ),
    (
        "schema index-template",
        &[
            example(
                "Print the template",
                "confluence-ecs schema index-template > template.json",
            ),
            example(
                "That of OpenSearch, for a data stream of your own",
                "confluence-ecs schema index-template --for opensearch --index wiki-audit",
            ),
            example(
                "Install it",
                "confluence-ecs schema index-template --install \\\n    --elasticsearch-url https://es.example.com:9200 --es-user elastic \\\n    --es-password-file password",
            ),
        ],
    ),
    (
        "schema json-schema",
        &[
            example("Print it", "confluence-ecs schema json-schema"),
            example(
                "Keep it beside the events",
                "confluence-ecs schema json-schema > event.schema.json",
            ),
        ],
    ),
    (
        "schema validate",
        &[
            example(
                "Check events in a file",
                "confluence-ecs schema validate events.ndjson",
            ),
            example(
                "Check what a log becomes",
                "confluence-ecs normalize audit.log | confluence-ecs schema validate",
            ),
        ],
    ),
    (
        "completions",
        &[
            example(
                "For bash, in this shell",
                "source <(confluence-ecs completions bash)",
            ),
            example(
                "For zsh, in a folder of $fpath",
                "confluence-ecs completions zsh > _confluence-ecs",
            ),
            example(
                "For fish, for good",
                "confluence-ecs completions fish \\\n    > ~/.config/fish/completions/confluence-ecs.fish",
            ),
        ],
    ),
    (
        "man",
        &[
            example(
                "Read the page of the program",
                "confluence-ecs man | man -l -",
            ),
            example(
                "Write a page for each command",
                "confluence-ecs man --dir man1",
            ),
        ],
    ),
];

/// The examples of a command, by its name below the program's, such as `state set`.
#[must_use]
pub fn examples(path: &str) -> &'static [Example] {
    let found = EXAMPLES.iter().find(|(command, _)| *command == path);
    found.map_or(&[], |(_, examples)| examples)
}

/// A command and those below it, with their examples in the long help texts.
pub(super) fn with_examples(command: Command, path: &str) -> Command {
    let command = command.mut_subcommands(|command| {
        let path = format!("{path} {}", command.get_name());
        with_examples(command, path.trim_start())
    });
    let text: Vec<_> = examples(path).iter().map(paragraph).collect();
    if text.is_empty() {
        return command;
    }
    let mut text = format!("Examples:\n{}", text.join("\n"));
    if let Some(help) = command.get_after_help() {
        text = format!("{help}\n\n{text}");
    }
    command.after_long_help(text)
}

fn paragraph(example: &Example) -> String {
    let command = example.command.replace('\n', "\n      ");
    format!("  {}:\n      {command}\n", example.what)
}
