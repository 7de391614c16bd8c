//! Fetching from the REST APIs: every record once, in time order (shipping.md, "REST sources").

pub mod asker;
pub mod dedupe;
pub mod ledger;
pub mod own_searches;
pub mod page;
pub mod paging;
pub mod record;
pub mod refusal;
pub mod site;
pub mod source;
pub mod spill;
pub mod user;
pub mod window;
