//! Spin's manifest, version 2, as far as an application of one HTTP component needs it: after the
//! [manifest reference](https://spinframework.dev/v3/manifest-reference). What is not known is refused.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// A manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Must be 2.
    pub spin_manifest_version: u32,
    /// The application.
    pub application: Application,
    /// Its variables, by name.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// What starts its components.
    pub trigger: Triggers,
    /// Its components, by name.
    pub component: BTreeMap<String, Component>,
}

/// The application.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Letters, digits, hyphens and underscores.
    pub name: String,
    /// Of the form major.minor.patch.
    pub version: String,
    /// For people.
    pub description: Option<String>,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<String>,
}

/// A variable, which has a default value or is required.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its value where the user sets none.
    pub default: Option<String>,
    /// Whether the user must set it.
    #[serde(default)]
    pub required: bool,
    /// Whether it must not be shown.
    #[serde(default)]
    pub secret: bool,
}

/// What starts components.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// HTTP requests.
    pub http: Vec<HttpTrigger>,
}

/// HTTP requests at a route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// `/...` is all paths.
    pub route: String,
    /// The component's name.
    pub component: String,
}

/// A component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its file, from the manifest's folder.
    pub source: String,
    /// For people.
    pub description: Option<String>,
    /// Where it may connect to; variables stand in double braces.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Which of Spin's SQLite databases it may open.
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    /// The variables that it sees, with values in which variables stand in double braces.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How it is built.
    pub build: Option<Build>,
}

/// How a component is built.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// A command of the shell.
    pub command: String,
    /// Where it runs, from the manifest's folder.
    pub workdir: Option<String>,
    /// Patterns of the files that it is built from.
    #[serde(default)]
    pub watch: Vec<String>,
}

impl Manifest {
    /// Reads a manifest and checks what its form alone does not tell.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a manifest", path.display()))
    }

    /// Reads a manifest from its text.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        ensure!(manifest.spin_manifest_version == 2, "the version must be 2");
        for (name, variable) in &manifest.variables {
            let is_name = |name: &str| {
                name.starts_with(|first: char| first.is_ascii_lowercase())
                    && (name.chars())
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            };
            ensure!(is_name(name), "{name} is not a variable's name");
            ensure!(
                variable.required != variable.default.is_some(),
                "the variable {name} must have a default value or be required"
            );
        }
        for trigger in &manifest.trigger.http {
            ensure!(
                manifest.component.contains_key(&trigger.component),
                "there is no component {}",
                trigger.component
            );
        }
        let defaults = HashMap::new();
        for component in manifest.component.values() {
            manifest.component_variables(component, &defaults)?;
            manifest.allowed_hosts(component, &defaults)?;
        }
        Ok(manifest)
    }

    /// The component, where there is but one.
    pub fn only_component(&self) -> Result<&Component> {
        let mut components = self.component.values();
        match (components.next(), components.next()) {
            (Some(component), None) => Ok(component),
            _ => bail!("there must be one component"),
        }
    }

    /// The variables that a component sees.
    pub fn component_variables(
        &self,
        component: &Component,
        set: &HashMap<String, String>,
    ) -> Result<HashMap<String, String>> {
        (component.variables.iter())
            .map(|(name, value)| Ok((name.clone(), self.resolve(value, set)?)))
            .collect()
    }

    /// Where a component may connect to.
    pub fn allowed_hosts(
        &self,
        component: &Component,
        set: &HashMap<String, String>,
    ) -> Result<Vec<String>> {
        (component.allowed_outbound_hosts.iter())
            .map(|host| self.resolve(host, set))
            .collect()
    }

    /// Puts variables into a text in which they stand in double braces.
    fn resolve(&self, text: &str, set: &HashMap<String, String>) -> Result<String> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, from_name)) = rest.split_once("{{") {
            let (name, after) = from_name
                .split_once("}}")
                .context("braces are not closed")?;
            let name = name.trim();
            let variable = (self.variables.get(name))
                .with_context(|| format!("there is no variable {name}"))?;
            let value = set.get(name).or(variable.default.as_ref());
            resolved += before;
            resolved += value.with_context(|| format!("the variable {name} must be set"))?;
            rest = after;
        }
        Ok(resolved + rest)
    }
}
