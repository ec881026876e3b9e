//! The `.env` file, in the forms that people and editors write.

use std::fs;

use crate::{command_line::run, fakes::model::FakeModel, support::service::TestSetup};

/// A key with all characters that are special in other `.env` parsers.
const KEY: &str = "sk-a$b$$c${d}#e=f";

fn write(setup: &TestSetup, bytes: impl AsRef<[u8]>) {
    fs::write(setup.path().join(".env"), bytes).expect("a .env file");
}

/// Runs a check with this file and returns the key that the model received.
async fn key_of(bytes: impl AsRef<[u8]>) -> String {
    let model = FakeModel::start().await;
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url());
    write(&setup, bytes);
    let ran = run(&setup, &["check"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    model.calls().pop().expect("a call").bearer.unwrap_or_default()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[tokio::test]
async fn a_key_in_the_env_file_is_read_literally() {
    for line in [
        format!("OPENAI_API_KEY={KEY}"),
        format!("OPENAI_API_KEY='{KEY}'"),
        format!("OPENAI_API_KEY=\"{KEY}\""),
        format!("export OPENAI_API_KEY = {KEY} # mine"),
    ] {
        assert_eq!(key_of(&line).await, KEY, "{line}");
    }
}

#[tokio::test]
async fn every_common_text_encoding_is_read() {
    let text = format!("# Schlüssel\r\nOPENAI_API_KEY={KEY}\r\n");
    for bytes in [
        text.clone().into_bytes(),
        [b"\xEF\xBB\xBF".to_vec(), text.clone().into_bytes()].concat(),
        [b"\xEF\xBB\xBF".to_vec(), format!("OPENAI_API_KEY={KEY}").into_bytes()].concat(),
        [b"\xFF\xFE".to_vec(), utf16(&text)].concat(),
        utf16(&text),
        // A comment in a legacy code page.
        [b"# Schl\xFCssel\n".to_vec(), format!("OPENAI_API_KEY={KEY}").into_bytes()].concat(),
    ] {
        assert_eq!(key_of(&bytes).await, KEY, "{bytes:?}");
    }
}

#[tokio::test]
async fn lines_of_other_programs_are_ignored() {
    let text = format!(
        "this is no assignment\nfoo.bar=1\n=nothing\nMY-APP=x\nGREETING=hello world\nSTRAY=\"it is\nPEM=\"-----BEGIN\n\
         OPENAI_API_KEY=wrong\nabcd==\n-----END\"\nPS1='\\u'$ \nWITH=\"quotes\" behind\nOPENAI_API_KEY={KEY}\nLAST='"
    );
    assert_eq!(key_of(&text).await, KEY);
}

#[tokio::test]
async fn a_malformed_setting_is_reported_with_its_line() {
    for (line, expected) in [
        ("OPENAI_API_KEY sk-Secret", "NAME=value in line 2, which is about OPENAI_API_KEY"),
        ("PORT: 5001", "NAME=value in line 2, which is about PORT"),
        ("OPENAI_API_KEY=\"sk-Secret", "a closing quote in line 2"),
        ("OPENAI_API_KEY='sk-Secret", "a closing quote in line 2"),
        ("OPENAI_API_KEY=\"sk-Secret\" x", "nothing but a comment behind the closing quote in line 2"),
    ] {
        let setup = TestSetup::new();
        write(&setup, format!("FOO=1\n{line}\nBAR=\"'"));
        let ran = run(&setup, &["check"]).await;
        assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
        assert!(ran.err.contains(&format!(".env: expected {expected}")), "{line}: {}", ran.err);
        assert!(!ran.err.contains("Secret"), "{}", ran.err);
    }
    let setup = TestSetup::new();
    write(&setup, b"SESSION_LOG_DIR=Protokoll-f\xFCr-alle\n");
    let ran = run(&setup, &["check"]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("expected UTF-8 (save the file in that encoding) in line 1"), "{}", ran.err);
}

#[tokio::test]
async fn an_unreadable_env_file_is_reported() {
    let folder = TestSetup::new();
    fs::create_dir(folder.path().join(".env")).unwrap();
    let (binary, large) = (TestSetup::new(), TestSetup::new());
    write(&binary, b"\x7fELF\x02\x01\x01\0\0\0");
    write(&large, "#".repeat(2 << 20));
    for (setup, words) in [(folder, "it is a folder"), (binary, "a text file in UTF-8"), (large, "at most 1 MiB")] {
        for command in [&[][..], &["check"]] {
            let ran = run(&setup, command).await;
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(ran.err.contains(".env: expected ") && ran.err.contains(words), "{}", ran.err);
        }
    }
}

#[tokio::test]
async fn an_empty_or_missing_env_file_is_accepted() {
    let (empty, dangling) = (TestSetup::new(), TestSetup::new());
    write(&empty, "");
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", dangling.path().join(".env")).unwrap();
    for setup in [empty, dangling, TestSetup::new()] {
        let ran = run(&setup, &["check"]).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    }
}
