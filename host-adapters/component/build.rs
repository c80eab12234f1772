//! Finds the components that the crate embeds: in a checkout where `cargo xtask component` builds
//! them, in the published crate beside this file.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use sha2::{Digest, Sha256};

/// A component, and how it is told to the crate.
struct Component {
    feature: &'static str,
    file: &'static str,
    /// The variable of the environment that names another file.
    chosen: &'static str,
    /// The constant that the crate's code takes its bytes from.
    constant: &'static str,
    /// The folders of a checkout that it is made of.
    sources: &'static [&'static str],
}

const COMPONENTS: [Component; 2] = [
    Component {
        feature: "CARGO_FEATURE_PLANNER",
        file: "batchintory.wasm",
        chosen: "BATCHINTORY_COMPONENT",
        constant: "FOUND_PLANNER",
        sources: &["src", "wit"],
    },
    Component {
        feature: "CARGO_FEATURE_SERVICE",
        file: "batchintory-http.wasm",
        chosen: "BATCHINTORY_HTTP_COMPONENT",
        constant: "FOUND_SERVICE",
        sources: &[
            "src",
            "wit",
            "host-adapters/http/src",
            "host-adapters/http/wit",
        ],
    },
];

fn main() {
    let is_wanted = |component: &&Component| env::var_os(component.feature).is_some();
    let mut constants = String::new();
    for component in COMPONENTS.iter().filter(is_wanted) {
        println!("cargo:rerun-if-env-changed={}", component.chosen);
        let found = match component.find() {
            Ok(Found::At(path)) => format!("Ok(include_bytes!({path:?}))"),
            Ok(Found::NotBuilt(why)) => format!("Err({why:?})"),
            Err(why) => {
                println!("cargo::error={why}");
                continue;
            }
        };
        constants += &format!(
            "const {}: Result<&[u8], &str> = {found};\n",
            component.constant
        );
    }
    let folder = env::var_os("OUT_DIR").map_or_else(PathBuf::new, PathBuf::from);
    if let Err(error) = fs::write(folder.join("found.rs"), constants) {
        println!("cargo::error=cannot write what was found: {error}");
    }
}

/// What was found of a component.
enum Found {
    At(PathBuf),
    /// Why a checkout does not have it. Cargo unites the features of a workspace, so it may be that nobody
    /// who is built embeds it: whoever does is told.
    NotBuilt(String),
}

impl Component {
    fn find(&self) -> Result<Found, String> {
        if let Some(path) = env::var_os(self.chosen) {
            let path = PathBuf::from(path);
            println!("cargo:rerun-if-changed={}", path.display());
            return if path.is_file() {
                Ok(Found::At(path))
            } else {
                Err(format!(
                    "there is no file {}, which {} names: name a component, or unset it",
                    path.display(),
                    self.chosen
                ))
            };
        }
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package.join("../..");
        if workspace.join("wit/inventory.wit").is_file() {
            Ok(self.built(&workspace))
        } else {
            self.packed(package).map(Found::At)
        }
    }

    /// In a checkout.
    fn built(&self, workspace: &Path) -> Found {
        let target = env::var_os("CARGO_TARGET_DIR");
        let target = target.map_or_else(|| workspace.join("target"), PathBuf::from);
        let component = target.join("component").join(self.file);
        println!("cargo:rerun-if-changed={}", component.display());
        let sources = || self.sources.iter().map(|folder| workspace.join(folder));
        for folder in sources() {
            println!("cargo:rerun-if-changed={}", folder.display());
        }
        let Ok(built) = fs::metadata(&component).and_then(|metadata| metadata.modified()) else {
            return Found::NotBuilt(format!(
                "the component {} is missing: run `cargo xtask component` first",
                component.display()
            ));
        };
        if sources()
            .filter_map(|folder| newest(&folder))
            .any(|changed| changed > built)
        {
            println!(
                "cargo:warning=the component {} is older than its sources: run `cargo xtask \
                 component`",
                self.file
            );
        }
        Found::At(component)
    }

    /// In the published crate: the very bytes that were packed.
    fn packed(&self, package: &Path) -> Result<PathBuf, String> {
        let path = package.join("packed").join(self.file);
        println!("cargo:rerun-if-changed={}", path.display());
        let read = |path: &Path| {
            fs::read(path).map_err(|error| {
                format!(
                    "cannot read {}: {error}. The crate must be packed by `cargo xtask package`",
                    path.display()
                )
            })
        };
        let bytes = read(&path)?;
        let expected = read(&path.with_added_extension("sha256"))?;
        let digest = Sha256::digest(&bytes);
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if String::from_utf8_lossy(&expected).trim() != found {
            return Err(format!(
                "{} is not the component that was packed: its SHA-256 is {found}. Fetch the crate \
                 again",
                path.display()
            ));
        }
        Ok(path)
    }
}

/// When anything in a folder was changed last. Snapshots of tests do not matter.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return newest(&path);
            }
            let counts = path.extension().is_some_and(|kind| {
                ["rs", "wit", "json", "css", "js"]
                    .iter()
                    .any(|known| kind == *known)
            });
            counts
                .then(|| entry.metadata().ok()?.modified().ok())
                .flatten()
        })
        .max()
}
