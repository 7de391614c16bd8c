//! `confluence-ecs tail`: follow logs, or report on what is followed.

pub(crate) mod report;
