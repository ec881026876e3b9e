//! The limits of the configuration file, which change while the service runs.

use crate::{
    foundation::tasks::Tasks,
    services::{sites::Sites, turn::Turns},
};

/// Starts the task that passes limits of the configuration file on to turns.
pub(super) fn follow(sites: &Sites, turns: &Turns, tasks: &Tasks) {
    let (sites, turns) = (sites.clone(), turns.clone());
    tasks.spawn("live limits", sites.follow_limits(move |limits| turns.replace_limits(limits), tasks.stopping()));
}
