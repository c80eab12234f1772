//! Passwords and tokens, which nobody is told.

use std::fs;
use std::net::TcpListener;

use crate::workplace::{Workplace, ok, text};
use serde_json::Value;

#[test]
fn a_password_is_never_told() {
    let workplace = Workplace::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://me:hunter2@{free}/lake");
    fs::write(
        workplace.path("settings.env"),
        format!("BATCHINTORY_META_CONN={url}\n= hunter2\n"),
    )
    .unwrap();
    for arguments in [
        &["status", "--inventory", &url][..],
        &["status", "--inventory", &url, "--json"],
        &["register", "data", "--meta", &url],
        &["status", "--help", "--inventory", &url],
        &["status", "--env-file", "settings.env"],
    ] {
        let mut command = workplace.command(arguments);
        let output = command
            .env("RUST_LOG", "trace")
            .env("BATCHINTORY_META_CONN", &url)
            .output()
            .unwrap();
        for shown in [text(&output.stdout), text(&output.stderr)] {
            assert!(!shown.contains("hunter2"), "{arguments:?}: {shown}");
        }
        if !arguments.contains(&"--help") {
            assert_ne!(output.status.code(), Some(0));
        }
    }
}

/// The cases of `tests/urls/passwords.json`, wherever a URL may stand on the command line.
#[test]
fn no_piece_of_a_password_is_told_whatever_the_url() {
    let workplace = Workplace::new();
    let table: Value =
        serde_json::from_str(include_str!("../../../../tests/urls/passwords.json")).unwrap();
    for case in table["cases"].as_array().unwrap() {
        let url = case["url"].as_str().unwrap();
        let pieces = case["pieces"].as_array().unwrap();
        if pieces.is_empty() {
            continue;
        }
        let equal = format!("--inventory={url}");
        for (is_url, arguments) in [
            (true, &["status", "--inventory", url][..]),
            (true, &["status", equal.as_str(), "--json"]),
            (true, &["register", "data", "--meta", url]),
            (false, &["register", url]),
            (false, &["status", url]),
            (false, &["status", "--env-file", url]),
            (false, &["history", "--limit", url, "--json"]),
            (false, &["plan", "--job", "j", "--meta-table", url]),
        ] {
            let mut command = workplace.command(arguments);
            let output = command.env("RUST_LOG", "trace").output().unwrap();
            let shown = text(&output.stdout) + &text(&output.stderr);
            assert_ne!(output.status.code(), Some(0), "{arguments:?}");
            for piece in pieces {
                let piece = piece.as_str().unwrap();
                // A word alone may be anything.
                let is_told = shown.contains(piece) && (is_url || may_be_seen_as_secret(url));
                assert!(!is_told, "{arguments:?}: {shown}");
            }
            if is_url {
                let place = case["shown"].as_str().unwrap();
                assert!(shown.contains(place), "{arguments:?}: {shown}");
            }
        }
    }
}

/// Whether a word that stands where no URL is wanted is taken for one.
fn may_be_seen_as_secret(word: &str) -> bool {
    ["@", "%", "://", "passw"]
        .iter()
        .any(|mark| word.contains(mark))
}

#[test]
fn statements_are_logged_without_their_parameters() {
    let workplace = Workplace::prepared();
    let mut command =
        workplace.command(&["acquire", "--meta-table", "files", "--job", "a secret name"]);
    let output = command
        .env("RUST_LOG", "batchintory_wasmtime=debug")
        .output()
        .unwrap();
    let log = text(&output.stderr);
    assert!(
        log.contains("INSERT INTO") && log.contains("duration_us"),
        "{log}"
    );
    assert!(!log.contains("a secret name"), "{log}");
    // No colours where there is no terminal.
    assert!(!log.contains('\u{1b}'), "{log}");
}

#[test]
fn a_command_gets_no_secrets_but_those_that_are_passed() {
    let workplace = Workplace::prepared();
    let url = format!("sqlite:{}", workplace.path("batchintory.sqlite").display());
    let script = r#"cat > /dev/null
        echo "[\"${BATCHINTORY_INVENTORY_CONN:-}\", \"${BATCHINTORY_META_CONN:-}\", \"${BATCHINTORY_API_TOKEN:-}\",
        \"${PGPASSWORD:-}\", \"${MYSQL_PWD:-}\", \"${HARMLESS:-}\", \"${BATCHINTORY_CLAIM_TOKEN:+told}\"]""#;
    let run = |options: &[&str]| {
        let output = (workplace.script(&[&["--max-count", "1"], options].concat(), script))
            .env("BATCHINTORY_INVENTORY_CONN", &url)
            .env("BATCHINTORY_META_CONN", &url)
            .env("BATCHINTORY_API_TOKEN", "token")
            .env("PGPASSWORD", "password")
            .env("MYSQL_PWD", "password")
            .env("HARMLESS", "harmless")
            .output()
            .unwrap();
        ok(&output);
        workplace.json(&["history"])[0]["result_item"].clone()
    };
    let nothing = serde_json::json!(["", "", "", "", "", "harmless", "told"]);
    assert_eq!(run(&[]), nothing);
    let passed = [
        "--pass-env",
        "BATCHINTORY_META_CONN",
        "--pass-env",
        "PGPASSWORD",
    ];
    let some = serde_json::json!(["", url, "", "password", "", "harmless", "told"]);
    assert_eq!(run(&passed), some);
}
