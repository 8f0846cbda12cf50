//! What screens and the command line show: rows, columns, filters, sort orders, problems and detail sheets.
//!
//! Pure, and one for both: `holdfast get` prints the rows that the panes draw. Judgements come from `assess`;
//! this floor only puts them into words and order. It knows no terminal.

mod agenda;
mod board;
mod boards;
pub mod bulk;
mod cell;
mod coded;
mod columns;
mod detail;
mod exposed;
mod filter;
mod findings;
pub mod findings_text;
mod handed;
mod level;
mod listing;
mod lists;
mod login;
mod logs;
mod metrics;
mod namespaces;
mod notices;
mod operation;
pub mod output;
mod pane_list;
mod problems;
pub mod procedure;
mod query;
pub mod rbac;
pub mod review;
pub mod rotation;
mod row;
mod rows;
mod run;
pub mod served;
mod sight;
mod timeline;
mod tree;
mod trusts;

pub use board::{Board, News};
pub use boards::Boards;
pub use cell::Cell;
pub use columns::{Align, Column, Fitted, Measure, Pane, fit};
pub use detail::{Block, Detail, Fact, Fill, Link, Told, detail, of_finding};
pub use exposed::{Cut, Exposed, Exposure};
pub use filter::{Bound, Fault, Filter, Subject};
pub use findings::{
    FindingLine, FindingList, FindingRow, FindingTable, Group, GroupBy, Risks, findings, json_of as finding_json,
    level as level_of_band, trend,
};
pub use handed::handed;
pub use level::Level;
pub use listing::Listing;
pub use lists::Lists;
pub use login::login;
pub use logs::{LineFilter, LogBuffer, LogSource, LogSources, has_logs, log_sources};
pub use metrics::{Mishap, Outcome, metrics};
pub use namespaces::{NamespaceView, namespaces};
pub use notices::{Notice, Notices};
pub use operation::{Held, Made, OperationState, OperationView, StepState, StepView, Unclosed, WaitView};
pub use pane_list::{PaneLine, PaneList, Says};
pub use problems::{Problem, Rank, Sieve, exposures, gather, problems};
pub use query::{Query, Sort};
pub use row::{Remedy, Row};
pub use run::{Happened, RunState, RunStep, RunView, Whom, happened, run_view};
pub use sight::{Sight, blind_spot, connection, sight};
pub use timeline::{Chart, Lane, Mark, Span, Tick, TimeCell, Whose, Window, has_lanes, is_of_certificates, timeline};
pub use tree::{Tree, TreeLine, grows, tree};

#[cfg(test)]
mod tests;
