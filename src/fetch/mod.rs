//! Fetching from the REST APIs: every record once, in time order (shipping.md, "REST sources"). Connecting,
//! paging, duplicates, delivery, and the loop of the runs.

pub mod asker;
pub mod connect;
pub mod dedupe;
mod delivery;
pub mod ledger;
pub mod own_searches;
pub mod page;
pub mod paging;
mod progress;
pub mod record;
pub mod refusal;
pub mod run;
pub mod site;
pub mod source;
pub mod spill;
pub mod user;
pub mod window;
mod written;
