//! Connections to the systems around the service: credential sources, model servers, the database, the session log (its
//! writer, and a reader for tools), persona files, DNS, and Papita's usage endpoint.

pub mod credentials;
pub mod host_lookup;
pub mod log_files;
pub mod model;
pub mod personas;
pub mod session_log;
pub mod storage;
pub mod usage;
