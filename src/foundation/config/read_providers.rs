//! Reading of the providers of models.

use std::path::Path;

use super::{
    config_file::{FileKey, FileProvider, FileServers, SETTINGS_PROVIDER},
    invalid::InvalidSetting,
    parse::{self, DURATION, HTTP_URL},
    per_provider::PerProvider,
    provider::{KeySource, Provider, TlsRoots},
    request_extras::{ExtraFields, ExtraHeaders},
    secret_source,
    source::{Reader, Source},
    text_file, variables as var,
};
use crate::foundation::secret::{ApiKey, ServerUrl};

/// The name of the provider of the environment and `.env`, unless the file has one of this name.
const USUAL_NAME: &str = "openai";

/// Reads the provider of the environment and `.env`, and those of the configuration file, which is `None` if it has mistakes.
pub(super) fn read_providers(
    source: &Source,
    reader: &mut Reader<'_>,
    servers: Option<&FileServers>,
) -> Option<PerProvider<Provider>> {
    let of_file = servers.map_or(&[][..], |servers| &servers.providers);
    let is_taken = of_file.iter().any(|provider| provider.name == USUAL_NAME);
    let own = read_own(reader, if is_taken { SETTINGS_PROVIDER } else { USUAL_NAME })?;
    let path = source.config_file();
    // All files are read before the first mistake counts.
    let others = of_file.iter().map(|provider| with_files(provider, &own, source, reader, &path)).collect::<Vec<_>>();
    Some(PerProvider::new(own, others.into_iter().collect::<Option<Vec<_>>>()?))
}

/// Reads the provider of the environment and `.env`.
fn read_own(reader: &mut Reader<'_>, name: &str) -> Option<Provider> {
    let base_url = reader.read(var::OPENAI_BASE_URL, HTTP_URL, parse::http_url).map(ServerUrl::from);
    let connect_timeout = reader.read(var::MODEL_CONNECT_TIMEOUT, DURATION, parse::duration);
    let first_byte_timeout = reader.read(var::MODEL_FIRST_BYTE_TIMEOUT, DURATION, parse::duration);
    let idle_timeout = reader.read(var::MODEL_IDLE_TIMEOUT, DURATION, parse::duration);
    let expected = "a JSON object of headers and texts such as {\"x-portkey-provider\":\"openai\"}, without those that each \
                    request has by itself (Authorization, Host, Content-Type, …)";
    let headers = reader.read(var::MODEL_HEADERS, expected, ExtraHeaders::parse);
    let expected = format!("a JSON object of {}", ExtraFields::EXPECTED);
    let body = reader.read(var::MODEL_BODY, &expected, ExtraFields::parse);
    Some(Provider {
        name: name.to_owned(),
        base_url: base_url?,
        key: KeySource::Settings,
        key_header: None,
        headers: headers?,
        body: body?,
        omit: Vec::new(),
        roots: None,
        connect_timeout: connect_timeout?,
        first_byte_timeout: first_byte_timeout?,
        idle_timeout: idle_timeout?,
    })
}

/// Returns a provider of the file with what its files hold. Timeouts that it does not set are those of the settings.
fn with_files(
    provider: &FileProvider,
    own: &Provider,
    source: &Source,
    reader: &mut Reader<'_>,
    path: &Path,
) -> Option<Provider> {
    let key = key_source(provider.key.as_ref(), source, path);
    let roots = read_roots(provider, path).transpose();
    let mut noted = |invalid: InvalidSetting| reader.invalid.push(invalid);
    let (key, roots) = (key.map_err(&mut noted), roots.map_err(&mut noted));
    Some(Provider {
        name: provider.name.clone(),
        base_url: provider.base_url.clone(),
        key: key.ok()?,
        key_header: provider.key_header.clone(),
        headers: provider.headers.clone(),
        body: provider.body.clone(),
        omit: provider.omit.clone(),
        roots: roots.ok()?,
        connect_timeout: provider.connect_timeout.unwrap_or(own.connect_timeout),
        first_byte_timeout: provider.first_byte_timeout.unwrap_or(own.first_byte_timeout),
        idle_timeout: provider.idle_timeout.unwrap_or(own.idle_timeout),
    })
}

fn key_source(key: Option<&FileKey>, source: &Source, path: &Path) -> Result<KeySource, InvalidSetting> {
    Ok(match key {
        None => KeySource::None,
        Some(FileKey::Papita(name)) => KeySource::Papita(name.clone()),
        Some(FileKey::Variable(name)) => {
            KeySource::Variable { name: name.clone(), key: source.other(name).and_then(ApiKey::parse) }
        }
        Some(FileKey::File(file, line)) => {
            let read = secret_source::read_key(file);
            let key = read.map_err(|error| line.expects(format!("the path of {error} as key.file"), path))?;
            KeySource::File { path: file.clone(), key }
        }
    })
}

fn read_roots(provider: &FileProvider, path: &Path) -> Option<Result<TlsRoots, InvalidSetting>> {
    let (file, line) = provider.roots.as_ref()?;
    let roots = match text_file::read_strictly(file) {
        Ok(text) => TlsRoots::parse(&text)
            .ok_or_else(|| line.expects("a PEM file with valid certificates of authorities as roots".to_owned(), path)),
        Err(error) => Err(line.expects(format!("the path of {error} as roots"), path)),
    };
    Some(roots)
}
