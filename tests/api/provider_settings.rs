//! The settings of providers: what is wrong in them, and what the start says about them.

use std::fs;

use crate::{
    command_line::run,
    config_file::{with_file, write_file},
    fakes::papita::FakePapita,
    providers::{Pair, model, provider},
    support::service::TestSetup,
};

#[tokio::test]
async fn names_of_models_are_among_those_of_the_file() {
    let text = [provider("one", "http://127.0.0.1:9/v1", ""), model("small", "one", ""), model("large", "one", "")];
    let setup = || with_file(TestSetup::new(), &text.concat());
    for name in ["OPENAI_MODEL", "ALLOWED_MODELS", "FALLBACK_MODELS"] {
        let ran = run(&setup().with(name, "unlisted"), &["check"]).await;
        let words = format!("{name}: expected names among those of [[models]] in ");
        assert!(
            ran.code == Some(2) && ran.err.contains(&words) && ran.err.contains("sites.toml: small, large"),
            "{ran:?}"
        );
        assert!(!ran.err.contains("unlisted"), "{ran:?}");
    }
    let with_persona = setup();
    let folder = with_persona.path().join("personas");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("eva.md"), "+++\nname = \"Eva\"\nmodel = \"unlisted\"\n+++\n\nBe kind.\n").unwrap();
    let with_persona = with_persona.with("PERSONAS_DIR", &folder.display().to_string());
    let ran = run(&with_persona, &[]).await;
    assert!(ran.code == Some(2) && ran.err.contains("the persona eva names a model that is not among"), "{ran:?}");
    // The first model of the file is the default.
    let ran = run(&setup(), &["check"]).await;
    assert!(ran.out.contains("Model: small does not answer"), "{ran:?}");
}

#[tokio::test]
async fn mistakes_are_reported_with_lines_and_without_values() {
    let text = "[[providers]]\nname = \"Secret!\"\nbase_url = \"Secret\"\nkey = \"sk-Secret\"\n\n[[providers]]\nname = \"two\"\nbase_url = \
                \"http://a.example/v1\"\nkey = { env = \"KEY\", file = \"Secret\" }\nheaders = { Authorization = \"Bearer Secret\" }\nbody = { model = \
                \"Secret\" }\nomit = [\"Secret\"]\nfirst_byte_timeout = \"Secret\"\nunknown = \"Secret\"\n\n[[models]]\nname = \
                \"m\"\nprovider = \"three\"\nprice = { input = \"Secret\" }\nwindow = 0\nfallbacks = [\"Secret\"]\n";
    let ran = run(&with_file(TestSetup::new(), text), &[]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for (line, words) in [
        (2, "a name of 1 to 40"),
        (3, "a URL that starts with http"),
        (4, "a table as key"),
        (9, "exactly one of env, file and papita"),
        (10, "that each request has by itself"),
        (11, "fields other than model, messages"),
        (12, "stream_options, temperature, max_tokens"),
        (13, "a time such as"),
        (14, "and not unknown"),
        (18, "one of two, or no value"),
        (19, "US dollars per million tokens"),
        (20, "a whole number of tokens"),
        (21, "names of other models"),
    ] {
        let place = format!(" in line {line} of ");
        let found = ran.err.lines().any(|text| text.contains(words) && text.contains(&place));
        assert!(found, "line {line}: {words} in {}", ran.err);
    }
    assert!(!ran.err.contains("Secret"), "{}", ran.err);
}

#[tokio::test]
async fn files_that_the_file_names_are_read_at_the_start() {
    let setup = TestSetup::new();
    let (key, roots) = (setup.path().join("key"), setup.path().join("roots.pem"));
    let text = provider(
        "one",
        "http://127.0.0.1:9/v1",
        &format!("key = {{ file = \"{}\" }}\nroots = \"{}\"", key.display(), roots.display()),
    );
    let setup = with_file(setup, &text);
    let ran = run(&setup, &[]).await;
    for words in ["as key.file in line 4 of ", "as roots in line 5 of "] {
        assert!(ran.code == Some(2) && ran.err.contains(words), "{words} in {ran:?}");
    }
    fs::write(&key, "your-api-key").unwrap();
    fs::write(&roots, "Secret").unwrap();
    let ran = run(&setup, &[]).await;
    for words in ["a file with an API key", "a PEM file with valid certificates"] {
        assert!(ran.code == Some(2) && ran.err.contains(words) && !ran.err.contains("Secret"), "{words} in {ran:?}");
    }
}

#[tokio::test]
#[cfg(unix)]
async fn other_providers_in_the_file_are_used_after_the_next_start() {
    let Pair { one, two, setup } = Pair::new(&[]).await;
    let mut process = setup.start_process().await;
    let text = fs::read_to_string(setup.path().join("sites.toml")).unwrap();
    // What has only moved is the same.
    write_file(&setup, &format!("[limits]\nvisitor = \"50/day\"\n{text}"));
    process.wait_for_line("sites.toml was read again").await;
    process.signal("HUP");
    loop {
        let line = process.diagnostics.recv().await.expect("a line");
        assert!(!line.contains("after the next start"), "{line}");
        if line.contains("sites.toml was read again") {
            break;
        }
    }
    write_file(&setup, &text.replace(&one.base_url(), &two.base_url()));
    let warning = process.wait_for_line("are used after the next start").await;
    assert!(warning.contains("other providers or models in "), "{warning}");
    process.client.chat("hello").await.assert_ok();
    assert_eq!((one.call_count(), two.call_count()), (1, 0));
}

#[tokio::test]
async fn nothing_is_listed_twice() {
    let text = [
        provider("one", "http://127.0.0.1:9/v1", "headers = { \"X-A\" = \"1\", \"x-a\" = \"2\" }"),
        model("first", "one", "fallbacks = [\"second\", \"second\"]"),
        model("second", "one", ""),
    ];
    let ran = run(&with_file(TestSetup::new(), &text.concat()), &[]).await;
    for (line, words) in [(4, "none that is there already"), (8, "names of other models of the file, each once,")] {
        let place = format!(" in line {line} of ");
        let found = ran.err.lines().any(|text| text.contains(words) && text.contains(&place));
        assert!(found && ran.code == Some(2), "line {line}: {words} in {ran:?}");
    }
}

#[tokio::test]
async fn a_provider_whose_models_are_not_used_is_named() {
    let unused = [provider("three", "http://127.0.0.1:9/v1", ""), model("third", "three", "")].concat();
    let Pair { one: _one, two: _two, setup } = Pair::new(&[]).await;
    let ran = run(&setup, &["check"]).await;
    assert!(ran.code == Some(0) && !ran.out.contains("not used"), "{ran:?}");
    let text = fs::read_to_string(setup.path().join("sites.toml")).unwrap();
    write_file(&setup, &format!("{text}{unused}"));
    let ran = run(&setup, &["check"]).await;
    assert!(ran.code == Some(0) && ran.out.contains("Provider three: not used; "), "{ran:?}");
    let mut process = setup.start_process().await;
    let line = process.wait_for_line("these providers are not used").await;
    assert!(line.contains("[\"three\"]"), "{line}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_may_read_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let setup = TestSetup::new();
    let file = setup.path().join("key");
    fs::write(&file, "sk-file").unwrap();
    let text = provider("one", "http://127.0.0.1:9/v1", &format!("key = {{ file = \"{}\" }}", file.display()));
    let setup = with_file(setup, &text);
    let words = format!(
        "the key of the provider one is in a file that other users may read or change; run chmod g-w,o-rwx {}",
        file.display()
    );
    for (mode, is_named) in [(0o644, true), (0o640, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let process = setup.start_process().await;
        let lines = &process.start_lines;
        assert_eq!(lines.iter().any(|line| line.contains(&words)), is_named, "{mode:o}: {lines:?}");
    }
}

#[tokio::test]
async fn a_key_that_papita_does_not_have_is_named() {
    let papita = FakePapita::start().await;
    let text = [provider("one", "http://127.0.0.1:9/v1", "key = { papita = \"key-one\" }"), model("m", "one", "")];
    let setup = with_file(TestSetup::new(), &text.concat()).with("PAPITA_API_URL", &papita.url());
    // The key is asked for at the start.
    let mut process = setup.start_process().await;
    let words = "Papita returned no API key";
    let line = match process.start_lines.iter().find(|line| line.contains(words)) {
        Some(line) => line.clone(),
        None => process.wait_for_line(words).await,
    };
    assert!(line.contains("key-one"), "{line}");
}
