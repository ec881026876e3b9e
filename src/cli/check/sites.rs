//! The check of the sites in the configuration file.

use super::super::output::{print, print_error};
use crate::{
    adapters::personas::Personas,
    foundation::config::{Config, LimitList, SiteSettings},
    services::sites::CheckedSites,
};

/// Prints the sites. Returns whether there are the personas and models that they name.
pub(super) fn check_sites(config: &Config, personas: &Personas) -> bool {
    let path = &config.config_file.path;
    if config.sites.is_empty() {
        let state = if path.exists() { "has no sites" } else { "is not there, and there are no sites" };
        print(&format!("Sites: {} {state}; every page may ask.\n", path.display()));
    }
    for site in &config.sites {
        print(&format!("Site {}: {}.\n", site.id, described(site)));
    }
    match CheckedSites::new(config, personas.clone()) {
        Ok(_) => true,
        Err(failure) => {
            print_error(&failure);
            false
        }
    }
}

/// Returns what is set for a site.
fn described(site: &SiteSettings) -> String {
    let SiteSettings { origins, persona, models, limits, paused, .. } = site;
    let origins = origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let limit = |scope: &str, list: &LimitList| format!("at most {list} for {scope}");
    let whole = Some(&limits.site).filter(|list| !list.is_off());
    let parts = [
        persona.as_ref().map(|persona| format!("persona {persona}")),
        models.as_ref().map(|models| format!("models {}", models.join(", "))),
        limits.visitor.as_ref().map(|list| limit("a visitor", list)),
        limits.address.as_ref().map(|list| limit("an address", list)),
        whole.map(|list| limit("the site", list)),
        paused.then(|| "paused".to_owned()),
    ];
    [origins].into_iter().chain(parts.into_iter().flatten()).collect::<Vec<_>>().join("; ")
}
