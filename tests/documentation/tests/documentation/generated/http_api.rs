//! `docs/reference/http-api.md`, from openapi.json.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde_json::{Map, Value};

use super::{head, paragraphs};
use crate::page::{self, Page};

/// The document, with what it refers to by `$ref`.
struct Document(Value);

impl Document {
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let place = value["$ref"]
            .as_str()
            .and_then(|place| place.strip_prefix('#'));
        place.map_or(value, |place| self.0.pointer(place).unwrap())
    }

    fn object(&self, place: &str) -> &Map<String, Value> {
        self.0.pointer(place).unwrap().as_object().unwrap()
    }
}

/// A text that stands in a cell of a table.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// The name of the schema that a reference names, or a member of.
fn schema_name(value: &Value) -> Option<&str> {
    value["$ref"]
        .as_str()?
        .strip_prefix("#/components/schemas/")?
        .split('/')
        .next()
}

fn link(name: &str) -> String {
    format!("[{name}](#schema-{})", name.to_lowercase())
}

/// A type in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema_name(schema) {
        return link(name);
    }
    for member in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[member].as_array() {
            return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", word.to_string().trim_matches('"')))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any"],
    };
    let types: Vec<String> = (types.into_iter())
        .map(|name| match name {
            "array" => format!("array of {}", kind(&schema["items"])),
            _ => name.to_owned(),
        })
        .collect();
    types.join(" or ")
}

fn body(document: &Document, value: &Value) -> Option<String> {
    let content = document.resolved(value)["content"].as_object()?;
    let (media, content) = content.iter().next()?;
    let schema = schema_name(&content["schema"]).map_or_else(|| format!("`{media}`"), link);
    Some(schema)
}

fn operation(
    document: &Document,
    method: &str,
    path: &str,
    shared: &Value,
    operation: &Value,
) -> String {
    let mut page = format!("### {} {path}\n\n", method.to_uppercase());
    let sentences = format!(
        "{}. {}",
        text(operation, "summary"),
        text(operation, "description")
    );
    let _ = write!(page, "{}\n\n", paragraphs(sentences.trim()));
    let own = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<&Value> = shared
        .as_array()
        .into_iter()
        .flatten()
        .chain(own)
        .map(|value| document.resolved(value))
        .collect();
    if !parameters.is_empty() {
        page.push_str("| parameter | in | meaning |\n| --- | --- | --- |\n");
        for parameter in parameters {
            let required = if parameter["required"] == true {
                ""
            } else {
                ", optional"
            };
            let (name, place) = (text(parameter, "name"), text(parameter, "in"));
            let _ = writeln!(
                page,
                "| `{name}` | {place}{required} | {} |",
                cell(text(parameter, "description"))
            );
        }
        page.push('\n');
    }
    if let Some(schema) = body(document, &operation["requestBody"]) {
        let described = document.resolved(&operation["requestBody"]);
        let _ = write!(
            page,
            "{}\n\n",
            paragraphs(&format!(
                "Body: {schema}. {}",
                text(described, "description")
            ))
        );
    }
    page.push_str("| status | body | meaning |\n| --- | --- | --- |\n");
    for (status, response) in operation["responses"].as_object().unwrap() {
        let described = document.resolved(response);
        let body = body(document, response).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {status} | {body} | {} |",
            cell(text(described, "description"))
        );
    }
    page.push('\n');
    page
}

fn schema(name: &str, schema: &Value) -> String {
    let mut page = format!("### Schema {name}\n\n");
    let description = text(schema, "description");
    if !description.is_empty() {
        let _ = write!(page, "{}\n\n", paragraphs(description));
    }
    let Some(properties) = schema["properties"].as_object() else {
        let _ = write!(
            page,
            "{}\n\n",
            paragraphs(&format!("Type: {}.", kind(schema)))
        );
        return page;
    };
    let required: BTreeSet<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    page.push_str("| member | type | meaning |\n| --- | --- | --- |\n");
    for (member, value) in properties {
        let optional = if required.contains(member.as_str()) {
            ""
        } else {
            ", optional"
        };
        let default = (value.get("default"))
            .map_or_else(String::new, |value| format!(" Default: `{value}`."));
        let meaning = format!("{}{default}", cell(text(value, "description")));
        let _ = writeln!(
            page,
            "| `{member}` | {}{optional} | {} |",
            cell(&kind(value)),
            meaning.trim()
        );
    }
    page.push('\n');
    page
}

#[test]
fn paths_and_schemas_are_those_of_openapi() {
    let file = page::root().join("host-adapters/http/src/openapi.json");
    let document = Document(serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap());
    let mut page = head("HTTP API", "`host-adapters/http/src/openapi.json`");
    let _ = write!(
        page,
        "{}\n\n",
        paragraphs(text(&document.0["info"], "description"))
    );
    page.push_str("The service itself has this description at `/openapi.json`.\n\n## Paths\n\n");
    for (path, methods) in document.object("/paths") {
        for (method, described) in methods.as_object().unwrap() {
            if described.get("responses").is_some() {
                page.push_str(&operation(
                    &document,
                    method,
                    path,
                    &methods["parameters"],
                    described,
                ));
            }
        }
    }
    page.push_str("## Schemas\n\n");
    for (name, described) in document.object("/components/schemas") {
        page.push_str(&schema(name, described));
    }
    Page::must_be(
        "docs/reference/http-api.md",
        &format!("{}\n", page.trim_end()),
    );
}
