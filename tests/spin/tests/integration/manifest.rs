//! `spin.toml`: whether it is a manifest, and all that it names is there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use batchintory_spin_host::manifest::Manifest;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text() -> String {
    std::fs::read_to_string(root().join("spin.toml")).unwrap()
}

#[test]
fn it_is_a_manifest_of_version_2_and_names_the_version_of_the_crates() {
    let manifest = Manifest::parse(&text()).unwrap();
    assert_eq!(manifest.application.version, env!("CARGO_PKG_VERSION"));
    let [trigger] = manifest.trigger.http.as_slice() else {
        panic!("one route takes all requests");
    };
    assert_eq!(trigger.route, "/...");
}

#[test]
fn the_file_that_it_names_is_the_one_that_the_build_makes() {
    let manifest = Manifest::parse(&text()).unwrap();
    let component = manifest.only_component().unwrap();
    assert!(
        root().join(&component.source).is_file(),
        "{}",
        component.source
    );
    let build = component.build.as_ref().unwrap();
    assert_eq!(build.command, "cargo xtask component");
    for pattern in &build.watch {
        let folder = pattern.split("/**").next().unwrap();
        assert!(root().join(folder).is_dir(), "{pattern}");
    }
}

#[test]
fn the_component_sees_the_variables_that_it_asks_for_and_secrets_are_marked() {
    let manifest = Manifest::parse(&text()).unwrap();
    let component = manifest.only_component().unwrap();
    let given: Vec<&str> = component.variables.keys().map(String::as_str).collect();
    let mut asked = batchintory_spin::NAMES.to_vec();
    asked.sort_unstable();
    assert_eq!(given, asked);
    for (name, variable) in &manifest.variables {
        let ends = ["inventory_url", "meta_url", "_token", "_tokens"];
        let holds_a_secret = ends.iter().any(|end| name.ends_with(end));
        assert_eq!(variable.secret, holds_a_secret, "{name}");
    }
}

#[test]
fn it_may_reach_the_hosts_of_its_variables_and_no_other_and_unless_they_are_set_none() {
    let manifest = Manifest::parse(&text()).unwrap();
    let component = manifest.only_component().unwrap();
    assert_eq!(component.sqlite_databases, ["default"]);
    let set = [("inventory_host", "one:1"), ("meta_host", "two:2")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let hosts = manifest.allowed_hosts(component, &set.into()).unwrap();
    assert_eq!(hosts, ["postgres://one:1", "postgres://two:2"]);
    for host in manifest.allowed_hosts(component, &HashMap::new()).unwrap() {
        // A port, since Spin refuses a manifest whose hosts it does not understand.
        assert!(host.ends_with(".invalid:5432"), "{host}");
    }
}

#[test]
fn what_is_wrong_with_a_manifest_is_found() {
    let text = text();
    for (right, wrong) in [
        ("spin_manifest_version = 2", "spin_manifest_version = 1"),
        ("sqlite_databases", "sqlite_database"),
        ("{{ meta_host }}", "{{ nowhere }}"),
        ("component = \"batchintory\"", "component = \"another\""),
        (
            "api_token = { default = \"\", secret",
            "api_token = { secret",
        ),
    ] {
        assert!(text.contains(right), "{right}");
        assert!(
            Manifest::parse(&text.replacen(right, wrong, 1)).is_err(),
            "{wrong}"
        );
    }
}
