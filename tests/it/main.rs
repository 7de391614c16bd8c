//! All tests through the library and the binary but the long ones of `tests/crash`: one program, so that
//! the library is linked once.
//!
//! The tests run as threads of one process. One that needs an environment, signals or a file system of its
//! own runs itself in a process of its own (`support::again`).

#[path = "../support"]
mod support {
    pub mod again;
    pub mod atlassian;
    pub mod binary;
    pub mod configured;
    pub mod events;
    pub mod fetching;
    pub mod follow;
    pub mod geoip_db;
    pub mod metrics;
    pub mod numbered;
    pub mod oracle;
    pub mod outcome;
    pub mod place;
    pub mod program;
    pub mod proxy;
    pub mod random;
    pub mod records;
    pub mod search;
    pub mod told;
    pub mod wire;
}

mod actions;
mod auth;
mod check;
mod cli;
mod cluster;
mod colors;
mod completions;
mod config;
mod config_keys;
mod config_shown;
mod corpus;
mod detections;
mod event_format;
mod event_ids;
mod fetch;
mod fixtures;
mod fixtures_config;
mod fixtures_found;
mod frames;
mod frames_broken;
mod geoip;
mod golden;
mod host;
mod input;
mod install;
mod json;
mod json_schema;
mod layers;
mod manual;
mod mapping;
mod metrics;
mod notable;
mod oracle;
mod organization;
mod output;
mod output_again;
mod output_known;
mod output_refusals;
mod output_replaced;
mod packaging;
mod quiet;
mod readme;
mod rules;
mod run;
mod schema;
mod schema_documents;
mod schema_validate;
mod security;
mod send;
mod sentences;
mod service;
mod sink;
mod stand_in;
mod state;
mod status;
mod streams;
mod tail;
mod tail_backups;
mod tail_content;
mod tail_damaged;
mod tail_links;
mod tail_lost;
mod tail_names;
mod tail_nuls;
mod tail_paths;
mod tail_process;
mod tail_reached;
mod tail_rotation;
mod tail_start;
mod tail_state;
mod tail_unfinished;
mod tail_unread;
mod terminal;
