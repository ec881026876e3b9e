//! Reading of the settings about models.

use super::{
    config_file::{FileModel, FileServers},
    parse::{self, COUNT, DURATION},
    per_provider::ProviderIndex,
    provider::ListedModel,
    settings::{AiService, Breaker, Model, ModelStream},
    source::{Reader, Source},
    variables::{self as var, Variable},
};

/// Reads the settings about models. `servers` are the providers and models of the configuration file; `None` if it has mistakes.
pub(super) fn read_model(source: &Source, reader: &mut Reader<'_>, servers: Option<&FileServers>) -> Option<Model> {
    let models = servers.map_or(&[][..], |servers| &servers.models);
    let service =
        reader.read(var::AI_SERVICE, "auto, openai or basic", |text| match text.to_ascii_lowercase().as_str() {
            "auto" => Some(AiService::Auto),
            "openai" => Some(AiService::OpenAi),
            "basic" => Some(AiService::Basic),
            _ => None,
        });
    let default = match models.first() {
        Some(first) if !source.has(var::OPENAI_MODEL) => Some(first.name.clone()),
        _ => read_names(source, reader, var::OPENAI_MODEL, models, |text| vec![text]).pop(),
    };
    let allowed = read_names(source, reader, var::ALLOWED_MODELS, models, |text| parse::list(text).collect());
    let fallbacks = read_names(source, reader, var::FALLBACK_MODELS, models, |text| parse::list(text).collect());
    let prices = reader.read(
        var::MODEL_PRICES,
        "model=input/output in US dollars per million tokens, comma-separated",
        parse::prices,
    );
    let of_file =
        models.iter().filter_map(|model| model.price.map(|(input, output)| (model.name.clone(), input, output)));
    let prices = prices.map(|own| of_file.chain(own).collect());
    let windows = reader.read(var::MODEL_WINDOWS, "model=tokens, comma-separated", parse::windows);
    let of_file = models.iter().filter_map(|model| Some((model.name.clone(), model.window?)));
    let windows = windows.map(|own| of_file.chain(own).collect());
    let vision = parse::list(reader.text(var::VISION_MODELS).unwrap_or_default()).map(str::to_owned).collect();
    let max_answer_tokens = reader.read_optional(var::MAX_ANSWER_TOKENS, COUNT, parse::count);
    let stream = reader.read(var::MODEL_STREAM, "auto or always", |text| match text.to_ascii_lowercase().as_str() {
        "auto" => Some(ModelStream::Auto),
        "always" => Some(ModelStream::Always),
        _ => None,
    });
    let response_limit = reader.read(var::MODEL_RESPONSE_LIMIT, "a size such as 8MiB", parse::bytes);
    let retries = reader
        .read(var::MODEL_RETRIES, "a whole number up to 10", |text| text.parse().ok().filter(|retries| *retries <= 10));
    let failure_rate = reader.read(var::BREAKER_FAILURE_RATE, "a percentage from 0 to 100", |text| {
        text.trim_end_matches('%').parse().ok().filter(|rate| *rate <= 100)
    });
    let pause = reader.read(var::BREAKER_PAUSE, DURATION, parse::duration);
    Some(Model {
        service: service?,
        listed: servers.map(listed).unwrap_or_default(),
        default: default?,
        allowed,
        prices: prices?,
        windows: windows?,
        vision,
        max_answer_tokens: max_answer_tokens?,
        stream: stream?,
        response_limit: response_limit?,
        fallbacks,
        retries: retries?,
        breaker: Breaker { failure_rate: failure_rate?, pause: pause? },
    })
}

/// Reads names of models. If the file lists models, the names must be among them.
fn read_names(
    source: &Source,
    reader: &mut Reader<'_>,
    variable: Variable,
    models: &[FileModel],
    split: impl Fn(&str) -> Vec<&str>,
) -> Vec<String> {
    let known = models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>();
    let expected =
        format!("names among those of [[models]] in {}: {}", source.config_file().display(), known.join(", "));
    let names = reader.read(variable, &expected, |text| {
        let names = split(text);
        let are_known = known.is_empty() || names.iter().all(|name| known.contains(name));
        are_known.then(|| names.into_iter().map(str::to_owned).collect())
    });
    names.unwrap_or_default()
}

/// Returns the models of the file, with the places of their providers.
fn listed(servers: &FileServers) -> Vec<ListedModel> {
    let place = |name: &String| servers.providers.iter().position(|provider| provider.name == *name);
    let listed = |model: &FileModel| ListedModel {
        name: model.name.clone(),
        provider: model.provider.as_ref().and_then(place).map(ProviderIndex::of_file).unwrap_or_default(),
        upstream_name: model.upstream_name.clone(),
        vision: model.vision,
        reasoning: model.reasoning,
        fallbacks: model.fallbacks.clone(),
    };
    servers.models.iter().map(listed).collect()
}
