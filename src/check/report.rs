//! Steps as lines for people, or as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{CheckStep, Status, StepName};
use crate::process::json;
use crate::process::setting_names;
use crate::process::style::{BAD, FAINT, GOOD, Styled, WARNING};

/// Format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFormat {
    /// A line a step, at once: `ok    credentials     accepted: …`; a remedy on the next line. With colors.
    Text,
    /// At the end, an array of `{"source"?,"step","status","detail","remedy"?}`, where the status is `ok`,
    /// `warn`, `fail` or `skip`.
    Json,
}

/// The steps so far.
#[derive(Debug)]
pub struct CheckReport<W> {
    out: W,
    format: CheckFormat,
    steps: Vec<CheckStep>,
    /// The sources that steps are about, each with the number of steps before it.
    sources: Vec<(String, usize)>,
}

impl<W: Write> CheckReport<W> {
    /// A report that goes there.
    pub fn new(out: W, format: CheckFormat) -> Self {
        Self {
            out,
            format,
            steps: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// From here on, steps are about that source of a service.
    ///
    /// # Errors
    /// As [`Self::report_step`].
    pub fn begin_source(&mut self, name: &str) -> io::Result<()> {
        if self.format == CheckFormat::Text {
            writeln!(self.out, "\n{name}:")?;
        }
        self.sources.push((name.to_owned(), self.steps.len()));
        Ok(())
    }

    /// The steps of the present source; all, where there are no sources.
    fn present(&self) -> &[CheckStep] {
        let begin = self.sources.last().map_or(0, |(_, begin)| *begin);
        self.steps.get(begin..).unwrap_or_default()
    }

    /// Prints or collects a step.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn report_step(&mut self, mut step: CheckStep) -> io::Result<()> {
        for text in std::iter::once(&mut step.detail).chain(&mut step.remedy) {
            *text = setting_names::named(text).into_owned();
        }
        if self.format == CheckFormat::Text {
            self.out.write_all(line(&step).as_bytes())?;
            self.out.flush()?;
        }
        self.steps.push(step);
        Ok(())
    }

    /// Reports those of the steps that were not reported yet as skipped, since one failed.
    ///
    /// # Errors
    /// As [`Self::report_step`].
    pub fn skip_rest(&mut self, names: &[StepName]) -> io::Result<()> {
        let failed = self
            .present()
            .iter()
            .rev()
            .find(|step| step.status == Status::Fail);
        let why = failed.map_or("not needed".to_owned(), |failed| {
            format!("{} failed", failed.name.as_str())
        });
        for name in names {
            if self.present().iter().all(|step| step.name != *name) {
                self.report_step(CheckStep::skip(*name, why.clone()))?;
            }
        }
        Ok(())
    }

    /// Whether a step failed so far, of the present source where there are sources.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.present().iter().any(is_failed)
    }

    /// Ends the report; says whether no step failed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<bool> {
        if self.format == CheckFormat::Json {
            let source = |place: usize| {
                let begun = self.sources.iter().rev().find(|(_, begin)| *begin <= place);
                begun.map(|(name, _)| &**name)
            };
            let rows = self.steps.iter().enumerate();
            let rows: Vec<_> = rows
                .map(|(place, step)| StepRow::of(source(place), step))
                .collect();
            self.out.write_all(json::pretty(&rows)?.as_bytes())?;
        }
        self.out.flush()?;
        Ok(!self.steps.iter().any(is_failed))
    }
}

fn is_failed(step: &CheckStep) -> bool {
    step.status == Status::Fail
}

fn line(step: &CheckStep) -> String {
    let (status, style) = match step.status {
        Status::Ok => ("ok", GOOD),
        Status::Warn => ("warn", WARNING),
        Status::Fail => ("FAIL", BAD.bold()),
        Status::Skip => ("skip", FAINT),
    };
    let padding = " ".repeat(6 - status.len());
    let status = Styled(style, status);
    // File names, and what servers say, may hold anything.
    let one_line = |text: &str| text.replace(char::is_control, " ");
    let detail = one_line(&step.detail);
    let detail = match step.status {
        Status::Skip => format!("({detail})"),
        Status::Ok | Status::Warn | Status::Fail => detail,
    };
    let name = step.name.as_str();
    let remedy = step.remedy.as_deref().map(one_line);
    let remedy = remedy.map_or(String::new(), |remedy| format!("      remedy: {remedy}\n"));
    format!("{status}{padding}{name:<15} {detail}\n{remedy}")
}

/// A step as JSON has it.
#[derive(Serialize)]
struct StepRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    step: &'a str,
    status: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

impl<'a> StepRow<'a> {
    fn of(source: Option<&'a str>, step: &'a CheckStep) -> Self {
        Self {
            source,
            step: step.name.as_str(),
            status: match step.status {
                Status::Ok => "ok",
                Status::Warn => "warn",
                Status::Fail => "fail",
                Status::Skip => "skip",
            },
            detail: &step.detail,
            remedy: step.remedy.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_line_whatever_is_in_it() {
        let step = CheckStep::fail(StepName::Output, "cannot write a\nb", "do\tthis");
        let plain = anstream::adapter::strip_str(&line(&step)).to_string();
        assert_eq!(
            plain,
            "FAIL  output          cannot write a b\n      remedy: do this\n"
        );
    }

    #[test]
    fn what_was_not_told_is_skipped_by_what_failed() {
        let mut report = CheckReport::new(Vec::new(), CheckFormat::Text);
        report
            .report_step(CheckStep::ok(StepName::NameResolves, "x"))
            .unwrap();
        let failed = CheckStep::fail(StepName::Connection, "refused", "start it");
        report.report_step(failed).unwrap();
        report.skip_rest(&StepName::OF_SITE).unwrap();
        let skipped = report.steps.last().unwrap();
        assert_eq!(skipped.detail, "connection failed");
        assert_eq!(report.steps.len(), StepName::OF_SITE.len());
        assert!(!report.finish().unwrap());
    }
}
