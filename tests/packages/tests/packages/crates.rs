//! The crates, from a registry that has nothing but them and what they depend on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::{Value, json};

use crate::clean;
use crate::packed::{self, VERSION};

/// What may be published. Names are for good, so that another one is a decision.
const CRATES: [&str; 9] = [
    "batchintory",
    "batchintory-cli",
    "batchintory-component",
    "batchintory-database-url",
    "batchintory-http",
    "batchintory-postgres",
    "batchintory-server",
    "batchintory-synchronous",
    "batchintory-wasmtime",
];

/// The variable with a folder that has the crates and all that they depend on, as cargo takes it for a
/// registry.
const REGISTRY: &str = "BATCHINTORY_TEST_PACKAGES_REGISTRY";

/// That folder.
struct Registry {
    folder: PathBuf,
}

impl Registry {
    fn new() -> Self {
        let folder = env::var_os(REGISTRY).expect("run `cargo xtask test --packages`");
        Self {
            folder: folder.into(),
        }
    }

    /// Cargo with this registry and no other.
    fn cargo(&self, command: &str, folder: &Path) -> Command {
        let packed = format!("source.packed.directory={:?}", self.folder);
        let mut program = clean::program(cargo(), folder);
        program.arg(command).arg("--offline");
        program.args(["--config", "source.crates-io.replace-with='packed'"]);
        program.args(["--config", &packed]);
        // What was compiled for another run is of the same sources.
        program.env("CARGO_TARGET_DIR", compiled());
        program.env("CARGO_PROFILE_DEV_DEBUG", "0");
        program
    }
}

fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

fn compiled() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    target.join("packages-compiled")
}

#[test]
fn each_says_what_it_is() {
    let folder = clean::folder();
    let archives = packed::files("crates", ".crate");
    let names: Vec<String> = archives.iter().map(|path| packed::name(path)).collect();
    assert_eq!(names, CRATES.map(|name| format!("{name}-{VERSION}.crate")));
    for archive in archives {
        let crate_folder = clean::unpack(&archive, folder.path());
        let manifest = fs::read_to_string(crate_folder.join("Cargo.toml")).unwrap();
        let readme = manifest
            .lines()
            .find_map(|line| line.strip_prefix("readme = "));
        let readme = readme.unwrap_or_default().trim_matches('"');
        for file in ["LICENSE-APACHE", "LICENSE-MIT", readme] {
            let text = fs::read_to_string(crate_folder.join(file)).unwrap_or_default();
            assert!(text.len() > 100, "{file} of {archive:?}: {text:?}");
        }
        for word in [
            "categories = [",
            "description = \"",
            "keywords = [",
            "license = \"MIT OR Apache-2.0\"",
            "readme = \"",
            "repository = \"https://",
            "rust-version = \"",
        ] {
            assert!(manifest.contains(word), "{archive:?} has no {word}");
        }
    }
}

#[test]
fn the_components_are_those_that_were_built() {
    let folder = clean::folder();
    let archive = packed::file("crates", &format!("batchintory-component-{VERSION}.crate"));
    let component = clean::unpack(&archive, folder.path());
    for name in ["batchintory.wasm", "batchintory-http.wasm"] {
        let file = component.join("packed").join(name);
        assert_eq!(
            packed::digest(&file),
            packed::digest(&packed::component(name))
        );
    }
    let registry = Registry::new();
    let build = |component: &Path| {
        let mut cargo = registry.cargo("check", component);
        // Files of a packed crate have one time, whatever is in them: what was compiled is not told apart.
        cargo.env("CARGO_TARGET_DIR", folder.path().join("compiled"));
        cargo.args(["--all-features", "--quiet"]).output().unwrap()
    };
    let whole = build(&component);
    assert!(
        whole.status.success(),
        "{}",
        String::from_utf8_lossy(&whole.stderr)
    );

    let file = component.join("packed/batchintory.wasm");
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    let broken = build(&component);
    let said = String::from_utf8_lossy(&broken.stderr);
    assert!(!broken.status.success());
    assert!(
        said.contains("is not the component that was packed"),
        "{said}"
    );

    fs::remove_file(&file).unwrap();
    let empty = build(&component);
    let said = String::from_utf8_lossy(&empty.stderr);
    assert!(!empty.status.success());
    assert!(
        said.contains("must be packed by `cargo xtask package`"),
        "{said}"
    );
}

#[test]
fn the_command_is_installed_and_works() {
    let folder = clean::folder();
    let place = folder.path();
    let registry = Registry::new();
    let mut install = registry.cargo("install", place);
    install.args(["--locked", "--debug", "--quiet", "--root"]);
    clean::output(
        install
            .arg(place)
            .args(["batchintory-cli", "--version", VERSION]),
    );

    let program = place.join("bin/batchintory");
    let batchintory = |arguments: &[&str]| {
        clean::output(
            clean::program(&program, place)
                .arg("--json")
                .args(arguments),
        )
    };
    assert_eq!(
        clean::output(clean::program(&program, place).arg("--version")).trim(),
        format!("batchintory {VERSION}")
    );
    fs::create_dir(place.join("readings")).unwrap();
    for day in 1..=3 {
        fs::write(place.join(format!("readings/{day}.csv")), "1\n2\n").unwrap();
    }
    batchintory(&["register", "readings"]);
    batchintory(&["migrate"]);
    let lines = [
        "run",
        "--meta-table",
        "files",
        "--job",
        "lines",
        "--max-count",
        "2",
        "--until-done",
    ];
    let command = ["--", "sh", "-c", "xargs cat | wc -l"];
    batchintory(&[&lines[..], &command].concat());
    let attempts: Value = serde_json::from_str(&batchintory(&["history"])).unwrap();
    let of = |attempt: &Value| (attempt["count"].clone(), attempt["result_item"].clone());
    let attempts: Vec<_> = attempts.as_array().unwrap().iter().map(of).collect();
    assert_eq!(attempts, [(json!(1), json!(2)), (json!(2), json!(4))]);
    serves(&program, place);
}

/// The component of the service is within, too.
fn serves(program: &Path, place: &Path) {
    let mut serve = clean::program(program, place);
    serve.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--public-reads",
        "--json",
    ]);
    serve.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut serve = serve.spawn().unwrap();
    let output = serve.stdout.take().unwrap();
    let mut answers = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
    let found = answers.next().map(|answer| {
        let url = answer.unwrap()["url"].as_str().unwrap().to_owned();
        let mut answer = ureq::get(&format!("{url}/v1/jobs")).call().unwrap();
        answer.body_mut().read_json::<Value>().unwrap()
    });
    serve.kill().unwrap();
    serve.wait().unwrap();
    let found = found.expect("the service says where it listens");
    assert_eq!(found["jobs"][0]["job"], "lines", "{found}");
}

#[test]
fn a_program_embeds_the_library() {
    let folder = clean::folder();
    let registry = Registry::new();
    let program = folder.path().join("program");
    fs::create_dir_all(program.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n\
         batchintory-wasmtime = \"{VERSION}\"\ntempfile = \"3\"\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
    );
    fs::write(program.join("Cargo.toml"), manifest).unwrap();
    let example = registry
        .folder
        .join(format!("batchintory-wasmtime-{VERSION}/examples/embed.rs"));
    fs::copy(example, program.join("src/main.rs")).unwrap();
    let printed = clean::output(registry.cargo("run", &program).arg("--quiet"));
    assert!(printed.starts_with("ids 1 to 4: 4 items\n"), "{printed}");
    assert!(printed.contains("2 succeeded, 3 failed\n"), "{printed}");
}
