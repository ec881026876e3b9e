//! Connections to the systems around the service: credential sources, model servers, the database, the session log (its
//! writer, and a reader for tools), persona files, DNS, hooks of the owner, Papita's usage endpoint, the figures of a running
//! service, and a collector of traces.

pub mod credentials;
pub mod hooks;
pub mod host_lookup;
pub mod log_files;
pub mod model;
pub mod personas;
pub mod served_figures;
pub mod session_log;
pub mod storage;
pub mod trace_export;
pub mod usage;
