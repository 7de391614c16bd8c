//! `confluence-ecs man`: manual pages of section 1.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::Error;
use crate::cli;
use crate::exit::Exit;

/// How help texts begin what is a section of its own in a page.
const EXIT_CODES: &str = "Exit codes: ";

/// Prints the page of the program, or writes one for it and for each command into a directory.
pub fn run(directory: Option<PathBuf>) -> Result<Exit, Error> {
    let mut program = cli::definitions().disable_help_subcommand(true);
    program.build();
    let Some(directory) = directory else {
        let page = page(&program).map_err(Error::Report)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&page).map_err(Error::Report)?;
        stdout.flush().map_err(Error::Report)?;
        return Ok(Exit::Done);
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    fs::create_dir_all(&directory).map_err(failed(&directory))?;
    for command in all(&program) {
        let path = directory.join(format!("{}.1", name(command)));
        let page = page(command).map_err(failed(&path))?;
        fs::write(&path, page).map_err(failed(&path))?;
    }
    Ok(Exit::Done)
}

/// A command, and those below it.
fn all(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(all);
    std::iter::once(command).chain(below).collect()
}

/// The name of its page, such as `confluence-ecs-state-set`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

/// The page of a command. It has no date: the same version has the same pages, whenever they are made.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let version = command.get_version().unwrap_or_default();
    let mut page = Vec::new();
    // Not by the library, which drops an empty date, so that what follows takes its place.
    writeln!(
        page,
        ".TH {} 1 \"\" \"{} {version}\" \"User Commands\"",
        name(command),
        cli::NAME
    )?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::default();
    if let Some(help) = command.get_after_help() {
        let help = help.to_string();
        rest.control("SH", ["EXIT STATUS"]);
        rest.text([roman(help.strip_prefix(EXIT_CODES).unwrap_or(&help))]);
    }
    add_examples(command, &mut rest);
    add_related(command, &mut rest);
    rest.to_writer(&mut page)?;
    Ok(page)
}

fn add_examples(command: &Command, page: &mut Roff) {
    let path = command.get_bin_name().unwrap_or_default();
    let path = path.strip_prefix(cli::NAME).unwrap_or_default();
    let examples = cli::examples(path.trim_start());
    if examples.is_empty() {
        return;
    }
    page.control("SH", ["EXAMPLES"]);
    for example in examples {
        page.control("TP", []);
        page.text([roman(example.what)]);
        page.control("nf", []);
        for line in example.command.lines() {
            page.text([roman(line)]);
        }
        page.control("fi", []);
    }
}

/// The pages of the commands around it.
fn add_related(command: &Command, page: &mut Roff) {
    let own = name(command);
    let above = own.rsplit_once('-').map(|(above, _)| above);
    let above = above.filter(|above| above.starts_with(cli::NAME));
    let below = command.get_subcommands().map(name);
    let pages = above.into_iter().chain(below);
    let pages: Vec<_> = pages.map(|page| format!("{page}(1)")).collect();
    if !pages.is_empty() {
        page.control("SH", ["SEE ALSO"]);
        page.text([roman(pages.join(", "))]);
    }
}
