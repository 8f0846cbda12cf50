//! A restore point carried away: into another namespace, or to another cluster that reaches the same storage.
//!
//! What is carried is a bundle, a file that says where the copy is and how a volume is made of it; the copy itself
//! stays where it is. An export reads and an import is a verb like any other. Two contents stand for one copy then:
//! the import's is Retain, and neither it nor taking it back ever touches the storage.

mod bundle;
mod export;
mod import;

pub use bundle::{Bundle, Class, Content, Exported, FORMAT, Origin, Point, VERSION};
pub use export::{NotExported, bundle, reads};
pub(super) use import::undo;
pub use import::{LOOKED_AT, Options, Source, command, form, options, plan, questions};
