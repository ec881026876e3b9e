//! The section `[[models]]` of the configuration file.

use std::collections::HashSet;

use toml::de::DeValue;

use super::section::Section;
use crate::foundation::config::parse;

/// The fields of a model.
const MODEL_FIELDS: &[&str] =
    &["name", "provider", "upstream_name", "price", "window", "vision", "reasoning", "fallbacks"];

/// The fields of a price.
const PRICE_FIELDS: &[&str] = &["input", "output"];

/// What a price may be.
const PRICE: &str = "US dollars per million tokens such as 0.15, with at most six decimals,";

/// A model as the configuration file has it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::foundation::config) struct FileModel {
    pub(in crate::foundation::config) name: String,
    /// The name of its provider; `None` for that of the environment and `.env`.
    pub(in crate::foundation::config) provider: Option<String>,
    pub(in crate::foundation::config) upstream_name: Option<String>,
    /// Pico-dollars per token of the prompt, and of the answer.
    pub(in crate::foundation::config) price: Option<(u64, u64)>,
    pub(in crate::foundation::config) window: Option<u64>,
    pub(in crate::foundation::config) vision: Option<bool>,
    pub(in crate::foundation::config) reasoning: Option<bool>,
    pub(in crate::foundation::config) fallbacks: Option<Vec<String>>,
}

/// Reads all models, whose providers have these names. Models with mistakes are left out, and the mistakes are reported.
pub(super) fn read_models(file: &Section<'_>, providers: &HashSet<String>) -> Vec<FileModel> {
    let sections = file.tables("models", MODEL_FIELDS);
    let mut names = HashSet::new();
    let mut models = Vec::new();
    for section in &sections {
        let model = read_model(section, providers);
        if model.as_ref().is_some_and(|model| !names.insert(model.name.clone())) {
            section.report_field("name", "a name that no other model has");
        }
        models.extend(model.map(|model| (section, model)));
    }
    for (section, model) in &models {
        let mut seen = HashSet::from([&model.name]);
        let mut is_other = |name| names.contains(name) && seen.insert(name);
        if model.fallbacks.as_ref().is_some_and(|fallbacks| !fallbacks.iter().all(&mut is_other)) {
            section.report_field("fallbacks", "names of other models of the file, each once,");
        }
    }
    models.into_iter().map(|(_, model)| model).collect()
}

/// Reads everything of a model before it returns `None`, so that all mistakes are reported.
fn read_model(section: &Section<'_>, providers: &HashSet<String>) -> Option<FileModel> {
    // A comma would separate names in settings.
    let name = |text: &str| (!text.is_empty() && !text.contains([',', '='])).then(|| text.to_owned());
    let expected_name = "the name of a model, without comma and equals sign,";
    section.require("name", expected_name);
    let own_name = section.text("name", expected_name, name);
    let mut known = providers.iter().map(String::as_str).collect::<Vec<_>>();
    known.sort_unstable();
    let expected_provider = match known.as_slice() {
        [] => "no value, as the file has no [[providers]],".to_owned(),
        known => format!("one of {}, or no value for the provider of the environment,", known.join(", ")),
    };
    let provider = section.text("provider", &expected_provider, |text| providers.get(text).cloned());
    let upstream_name = section.text("upstream_name", "the name of the model at its provider", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    let price = section.table("price", PRICE_FIELDS).and_then(|price| {
        let rate = |field| {
            price.require(field, PRICE);
            price.read(field, PRICE, |value| parse::pico_per_token(number(value)?))
        };
        let (input, output) = (rate("input"), rate("output"));
        Some((input?, output?))
    });
    let window = section.read("window", "a whole number of tokens of 1 or more", |value| parse::count(number(value)?));
    let vision = section.read("vision", "true or false", DeValue::as_bool);
    let reasoning = section.read("reasoning", "true or false", DeValue::as_bool);
    let fallbacks = section.read("fallbacks", "a list of names of models", |value| {
        let names = value.as_array()?.iter().map(|entry| name(entry.get_ref().as_str()?.trim()));
        names.collect::<Option<Vec<_>>>()
    });
    Some(FileModel { name: own_name?, provider, upstream_name, price, window, vision, reasoning, fallbacks })
}

/// Returns the text of a decimal number.
fn number<'a>(value: &'a DeValue<'_>) -> Option<&'a str> {
    match value {
        DeValue::Integer(number) => Some(number.as_str()).filter(|_| number.radix() == 10),
        DeValue::Float(number) => Some(number.as_str()),
        _ => None,
    }
}
