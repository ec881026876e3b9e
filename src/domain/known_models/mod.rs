//! Properties of models by name: context window, vision, reasoning.

use std::{
    collections::{HashMap, HashSet},
    num::ParseIntError,
};

use crate::foundation::config::{self, ListedModel};

/// The context window of an unknown model, in tokens. Hardly any model has a smaller one.
const DEFAULT_WINDOW: u64 = 8192;

/// The tokens of an image for models whose own figure is unknown.
const DEFAULT_IMAGE_TOKENS: u64 = 1500;

/// The properties of a model that decide what can be sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// The context window in tokens, answer included.
    pub window: u64,
    /// The most tokens that the model reads at once; `None` if that is not known. A smaller window in the settings does not keep
    /// its server from reading more.
    pub largest_window: Option<u64>,
    /// The most tokens of an answer, with its reasoning, as published; `None` if that is not known.
    pub published_answer: Option<u64>,
    /// The tokens of an image; `None` for a model without vision.
    pub image: Option<u64>,
    /// Whether the model reasons before it answers, and the tokens of that count as tokens of the answer.
    pub reasons: bool,
    /// Whether it is one of OpenAI's models that reason: they refuse `temperature` and `max_tokens`.
    pub is_openai_reasoning: bool,
}

impl Abilities {
    /// The properties of a model of which nothing is known.
    pub const UNKNOWN: Self = Self {
        window: DEFAULT_WINDOW,
        largest_window: None,
        published_answer: None,
        image: None,
        reasons: false,
        is_openai_reasoning: false,
    };

    /// Returns the properties with what was learned of the model: its context window, and whether it was seen to reason.
    #[must_use]
    pub fn with_learned(self, window: Option<u64>, has_reasoned: bool) -> Self {
        Self {
            window: window.unwrap_or(self.window),
            largest_window: window.or(self.largest_window),
            reasons: self.reasons || has_reasoned,
            ..self
        }
    }

    /// Returns the most tokens that an answer can have, with its reasoning: as published, and never more than fit into the
    /// context window.
    #[must_use]
    pub fn longest_answer(self) -> u64 {
        let window = self.largest_window.unwrap_or(self.window);
        self.published_answer.map_or(window, |longest| longest.min(window))
    }

    /// Whether the model has vision.
    #[must_use]
    pub fn has_vision(self) -> bool {
        self.image.is_some()
    }
}

/// A table of models by name or part of a name.
#[derive(Clone, Debug)]
pub struct KnownModels {
    lines: Vec<Line>,
    windows: HashMap<String, u64>,
    vision: HashSet<String>,
    listed: HashMap<String, ListedModel>,
}

impl KnownModels {
    /// Creates the table: the built-in one, with context windows that replace its own, and further models with vision.
    #[must_use]
    pub fn new(windows: &[(String, u64)], vision: &[String]) -> Self {
        Self {
            lines: include_str!("models.csv").lines().filter_map(Line::parse).collect(),
            windows: windows.iter().cloned().collect(),
            vision: vision.iter().cloned().collect(),
            listed: HashMap::new(),
        }
    }

    /// Creates the table with the properties that the settings and the configuration file state.
    #[must_use]
    pub fn of(settings: &config::Model) -> Self {
        let listed = settings.listed.iter().map(|model| (model.name.clone(), model.clone())).collect();
        Self { listed, ..Self::new(&settings.windows, &settings.vision) }
    }

    /// Returns the properties of a model; defaults for an unknown one. A provider before the name (`openai/gpt-4o`) is ignored.
    #[must_use]
    pub fn abilities(&self, model: &str) -> Abilities {
        let published = self.line(model).map_or(Abilities::UNKNOWN, Line::abilities);
        let listed = self.listed.get(model);
        let window = self.windows.get(model).copied();
        let has_vision = match listed.and_then(|listed| listed.vision) {
            _ if self.vision.contains(model) => true,
            Some(has_vision) => has_vision,
            None => published.has_vision(),
        };
        let reasoning = listed.and_then(|listed| listed.reasoning);
        Abilities {
            window: window.unwrap_or(published.window),
            largest_window: published.largest_window.max(window),
            image: has_vision.then(|| published.image.unwrap_or(DEFAULT_IMAGE_TOKENS)),
            reasons: reasoning.unwrap_or(published.reasons),
            is_openai_reasoning: published.is_openai_reasoning && reasoning != Some(false),
            ..published
        }
    }

    /// Returns the line that describes a model: by the name that it has at its provider, or else by its own.
    fn line(&self, model: &str) -> Option<&Line> {
        let upstream = self.listed.get(model).and_then(|listed| listed.upstream_name.as_deref());
        upstream.and_then(|upstream| self.line_of_name(upstream)).or_else(|| self.line_of_name(model))
    }

    fn line_of_name(&self, model: &str) -> Option<&Line> {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        self.lines.iter().filter(|line| line.matches(&name)).max_by_key(|line| line.name.len())
    }
}

/// A line of the table, which describes one model or several with similar names.
#[derive(Clone, Debug)]
struct Line {
    name: &'static str,
    /// Whether `name` matches anywhere in a model's name, and not only at the beginning.
    matches_anywhere: bool,
    window: Option<u64>,
    answer: Option<u64>,
    image: Option<u64>,
    reasons: bool,
}

impl Line {
    fn parse(line: &'static str) -> Option<Self> {
        let [name, window, answer, image, reasons] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
        let within = name.strip_prefix('*');
        let (window, answer, image) = (number(window).ok()?, number(answer).ok()?, number(image).ok()?);
        let reasons = match reasons {
            "reasons" => true,
            "" => false,
            _ => return None,
        };
        Some(Self { name: within.unwrap_or(name), matches_anywhere: within.is_some(), window, answer, image, reasons })
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            window: self.window.unwrap_or(DEFAULT_WINDOW),
            largest_window: self.window,
            published_answer: self.answer,
            image: self.image,
            reasons: self.reasons,
            is_openai_reasoning: self.reasons,
        }
    }

    fn matches(&self, name: &str) -> bool {
        if self.matches_anywhere {
            return name.contains(self.name);
        }
        name.strip_prefix(self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Parses a field of the table: a whole number, or `None` for a blank field.
fn number(field: &str) -> Result<Option<u64>, ParseIntError> {
    if field.is_empty() { Ok(None) } else { field.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abilities(model: &str) -> (u64, bool) {
        let abilities = KnownModels::new(&[], &[]).abilities(model);
        (abilities.window, abilities.has_vision())
    }

    #[test]
    fn all_lines_of_the_table_are_parsed() {
        let models = include_str!("models.csv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(KnownModels::new(&[], &[]).lines.len(), models);
    }

    #[test]
    fn every_model_that_has_a_price_is_known() {
        let known = KnownModels::new(&[], &[]);
        for line in include_str!("../cost/openai_prices.csv").lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(',').next().unwrap();
            assert!(known.lines.iter().any(|line| line.matches(name)), "{name}");
        }
    }

    #[test]
    fn a_name_includes_its_variants_unless_listed() {
        assert_eq!(abilities("gpt-4o"), (128_000, true));
        assert_eq!(abilities("gpt-4o-2024-08-06"), (128_000, true));
        assert_eq!(abilities("openai/gpt-4o"), (128_000, true));
        assert_eq!(abilities("gpt-4o-audio-preview-2024-12-17"), (128_000, false));
        assert_eq!(abilities("gpt-4-0613"), (8192, false));
        assert_eq!(abilities("gpt-4-turbo-2024-04-09"), (128_000, true));
        assert_eq!(abilities("gpt-4.1-mini-2025-04-14"), (1_047_576, true));
        assert_eq!(abilities("o3-mini-2025-01-31"), (200_000, false));
        assert_eq!(abilities("gpt-3.5-turbo-0125"), (16_385, false));
    }

    #[test]
    fn unknown_models_have_the_defaults() {
        for model in ["", "/", "my-model", "gpt-4omni", "gpt-40", "my-gpt-4o", "o30", "llama3.2", "gemma3n:e4b", "é"] {
            assert_eq!(abilities(model), (DEFAULT_WINDOW, false), "{model}");
        }
    }

    #[test]
    fn open_models_with_vision_match_by_part_of_the_name() {
        for model in [
            "llava:7b",
            "bakllava",
            "llava-hf/llava-1.5-7b-hf",
            "Qwen/Qwen2.5-VL-7B-Instruct",
            "qwen2.5vl:7b",
            "qwen3-vl:8b",
            "meta-llama/Llama-3.2-11B-Vision-Instruct",
            "llama3.2-vision",
            "mistralai/Pixtral-12B-2409",
            "google/gemma-3-27b-it",
            "gemma3:12b",
            "hf.co/ggml-org/SmolVLM-500M-Instruct-GGUF",
        ] {
            assert_eq!(abilities(model), (DEFAULT_WINDOW, true), "{model}");
        }
        for model in ["gemma3:1b", "google/gemma-3-270m-it", "llava-hf/another-one"] {
            assert!(!abilities(model).1, "{model}");
        }
    }

    #[test]
    fn settings_replace_and_extend_the_table() {
        let known = KnownModels::new(&[("gpt-4o".into(), 30_000), ("mine".into(), 4096)], &["mine".into()]);
        let seen = |model| (known.abilities(model).window, known.abilities(model).image);
        assert_eq!(seen("gpt-4o"), (30_000, Some(1500)));
        assert_eq!(seen("mine"), (4096, Some(DEFAULT_IMAGE_TOKENS)));
        assert_eq!(known.abilities("gpt-4o-mini").window, 128_000);
    }

    #[test]
    fn the_largest_window_is_not_that_of_a_smaller_setting() {
        let windows =
            [("gpt-4o", 30_000), ("gpt-4", 1_000_000), ("mine", 4096)].map(|(name, size)| (name.into(), size));
        let known = KnownModels::new(&windows, &[]);
        let expected = [("gpt-4o", Some(128_000)), ("gpt-4", Some(1_000_000)), ("mine", Some(4096)), ("yours", None)];
        assert_eq!(expected.map(|(model, _)| (model, known.abilities(model).largest_window)), expected);
    }

    #[test]
    fn the_longest_answer_is_known_by_name() {
        let known = KnownModels::new(&[("gpt-4o-mini".into(), 1000)], &[]);
        let expected = [
            ("gpt-4o-mini", 16_384),
            ("openai/gpt-4.1-2025-04-14", 32_768),
            ("o3-mini", 100_000),
            ("gpt-4", 8192),
            ("llava:7b", DEFAULT_WINDOW),
            ("mine", DEFAULT_WINDOW),
        ];
        assert_eq!(expected.map(|(model, _)| (model, known.abilities(model).longest_answer())), expected);
    }

    #[test]
    fn what_was_learned_of_a_model_takes_precedence() {
        let known = KnownModels::new(&[], &[]).abilities("gpt-4o-mini");
        assert_eq!(known.with_learned(None, false), known);
        let learned = known.with_learned(Some(2000), true);
        assert_eq!((learned.window, learned.largest_window, learned.longest_answer()), (2000, Some(2000), 2000));
        assert!(learned.reasons && !learned.is_openai_reasoning);
    }

    #[test]
    fn the_configuration_file_states_what_names_do_not_say() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("al-chat.toml");
        let text = "[[models]]\nname = \"a\"\nupstream_name = \"gpt-4o\"\n[[models]]\nname = \"b\"\nwindow = 9000\nvision = true\n\
                    [[models]]\nname = \"o3\"\nvision = false\nreasoning = false\n[[models]]\nname = \"gpt-4o\"\nupstream_name = \"x\"\n\
                    [[models]]\nname = \"local\"\nreasoning = true\n";
        std::fs::write(&file, text).unwrap();
        let path = file.display().to_string();
        let settings = |more: &[(&'static str, &'static str)]| {
            let pairs = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let source = config::Source::of_pairs(pairs.chain([("CONFIG_FILE", path.clone())]));
            config::Config::read(&source).unwrap().model
        };
        let known = KnownModels::of(&settings(&[]));
        let facts = |known: &KnownModels, model: &str| {
            let abilities = known.abilities(model);
            (abilities.window, abilities.has_vision(), abilities.reasons)
        };
        assert_eq!(facts(&known, "a"), (128_000, true, false));
        assert_eq!(facts(&known, "b"), (9000, true, false));
        assert_eq!(facts(&known, "o3"), (200_000, false, false));
        assert_eq!(facts(&known, "gpt-4o"), (128_000, true, false), "a name that only its provider knows says nothing");
        assert_eq!(facts(&known, "local"), (DEFAULT_WINDOW, false, true));
        assert!(!known.abilities("local").is_openai_reasoning, "a local server may ignore the newer name of the limit");
        let known = KnownModels::of(&settings(&[("MODEL_WINDOWS", "b=5000"), ("VISION_MODELS", "o3")]));
        assert_eq!(facts(&known, "b"), (5000, true, false), "the environment takes precedence");
        assert_eq!(facts(&known, "o3"), (200_000, true, false));
    }

    #[test]
    fn models_that_reason_are_known() {
        let reasons = |model| KnownModels::new(&[], &[]).abilities(model).reasons;
        for model in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "openai/gpt-5.1", "gpt-5-nano"] {
            assert!(reasons(model), "{model}");
        }
        for model in ["gpt-4o-mini", "gpt-4.1", "gpt-5-chat-latest", "llama3.2", "o1x"] {
            assert!(!reasons(model), "{model}");
        }
    }
}
