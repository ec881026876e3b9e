//! The section `[[sites]]` of the configuration file.

use std::collections::HashSet;

use toml::de::DeValue;

use super::section::Section;
use crate::foundation::config::{limit_list::LimitList, origins::AllowedOrigin, tenant_name::TenantName};

/// The fields of a site.
const SITE_FIELDS: &[&str] = &["id", "origins", "persona", "models", "limits", "paused"];

/// The fields of a site's limits.
const LIMIT_FIELDS: &[&str] = &["visitor", "address", "site"];

/// A site whose pages embed the chat window, as the configuration file has it.
#[derive(Clone, Debug)]
pub struct SiteSettings {
    /// The line at which the site begins.
    pub line: usize,
    /// The id, which no other site has.
    pub id: TenantName,
    /// The origins of the pages that may embed the window, at least one.
    pub origins: Vec<AllowedOrigin>,
    /// The id of the only persona that answers; `None` lets requests choose.
    pub persona: Option<String>,
    /// The models that may answer, at least one; `None` for all that clients may choose.
    pub models: Option<Vec<String>>,
    /// The site's own limits.
    pub limits: SiteLimits,
    /// Whether the site may not start turns for now.
    pub paused: bool,
}

/// The limits of one site.
#[derive(Clone, Debug, Default)]
pub struct SiteLimits {
    /// Of one visitor of the site, instead of `LIMIT_VISITOR`.
    pub visitor: Option<LimitList>,
    /// Of one address at the site, instead of `LIMIT_ADDRESS`.
    pub address: Option<LimitList>,
    /// Of the site as a whole.
    pub site: LimitList,
}

/// What the id of a site may be.
const ID: &str =
    "a name of 1 to 40 lower-case letters, digits, hyphens, underscores and dots, with a letter or digit first,";

/// What an origin may be.
const ORIGINS: &str = "origins such as https://shop.example or https://*.shop.example";

/// Reads all sites. Those with mistakes are left out, and the mistakes are reported.
pub(super) fn read_sites(file: &Section<'_>) -> Vec<SiteSettings> {
    let mut ids = HashSet::new();
    let sites = file.tables("sites", SITE_FIELDS).into_iter().filter_map(|section| {
        section.require("id", ID);
        let id = section.text("id", ID, TenantName::parse);
        if id.is_some_and(|id| !ids.insert(id)) {
            section.report_field("id", "an id that no other site has");
        }
        read_site(&section, id)
    });
    sites.collect()
}

/// Reads everything of a site before it returns `None`, so that all mistakes are reported.
fn read_site(section: &Section<'_>, id: Option<TenantName>) -> Option<SiteSettings> {
    section.require("origins", ORIGINS);
    let origins = section.list("origins", ORIGINS, AllowedOrigin::parse);
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let persona = section.text("persona", "the id of a persona", named);
    let models = section.list("models", "names of models", named);
    let limits = section.table("limits", LIMIT_FIELDS).map(|limits| read_limits(&limits)).unwrap_or_default();
    let paused = section.read("paused", "true or false", DeValue::as_bool).unwrap_or_default();
    Some(SiteSettings { line: section.line(), id: id?, origins: origins?, persona, models, limits, paused })
}

fn read_limits(section: &Section<'_>) -> SiteLimits {
    let list = |field| read_limit_list(section, field);
    SiteLimits { visitor: list("visitor"), address: list("address"), site: list("site").unwrap_or_default() }
}

/// Reads a list of limits; `None` if it is missing, or invalid, which is reported.
pub(super) fn read_limit_list(section: &Section<'_>, field: &str) -> Option<LimitList> {
    let text = section.text(field, "a text with limits such as 20/minute, 300/day, or off,", Some)?;
    let parsed = LimitList::parse(text);
    if let Err(invalid) = &parsed {
        section.report_field(field, &invalid.to_string());
    }
    parsed.ok()
}
