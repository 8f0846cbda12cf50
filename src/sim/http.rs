//! The HTTP face of the cluster: connections, paths, and one function per API verb.
//!
//! `server` owns sockets, `route` reads paths, `handle` knows who may ask, `verbs` acts on the store.
//! Nothing here decides what a write does to other objects; controllers do.

mod answer;
mod handle;
mod query;
mod route;
mod server;
mod verbs;

pub(crate) use answer::{Answer, text_stream};
pub(crate) use query::Query;
pub(crate) use server::{Port, Server};
