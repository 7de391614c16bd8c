//! `corpus KIND COUNT SEED`: writes a corpus to stdout. KIND is the name of one of the generators.
#![forbid(unsafe_code)]

use std::io::Write;

#[path = "../benches/corpus.rs"]
mod corpus;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let count = args[2].parse().expect("a count");
    let seed = args[3].parse().expect("a seed");
    let bytes = match args[1].as_str() {
        "dc_file" => corpus::dc_file(count, seed),
        "dc_api" => corpus::dc_api(count, seed),
        "cloud" => corpus::cloud(count, seed),
        "organization" => corpus::organization(count, seed),
        "cloud_page" => corpus::cloud_page(count, seed),
        "dc_page" => corpus::dc_page(count, seed),
        other => panic!("unknown kind {other}"),
    };
    std::io::stdout().write_all(&bytes).expect("written");
}
