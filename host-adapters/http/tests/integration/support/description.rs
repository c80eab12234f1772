//! The API's description, held against what the service answers.

use std::collections::HashMap;
use std::sync::LazyLock;

use batchintory_http::OPENAPI;
use http::Response;
use http::header::CONTENT_TYPE;
use jsonschema::{Draft, Validator};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// What is described.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(OPENAPI).unwrap());

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(operations);

static PROBLEM: LazyLock<Validator> =
    LazyLock::new(|| validator(&json!({"$ref": "#/components/schemas/Problem"})));

/// A path's method.
struct Operation {
    method: String,
    path: String,
    responses: HashMap<u16, Option<Content>>,
}

struct Content {
    media_type: String,
    schema: Validator,
}

/// Panics unless the response is as described.
pub fn check(method: &str, path: &str, response: &Response<Vec<u8>>) {
    let method = if method == "HEAD" { "GET" } else { method };
    let status = response.status().as_u16();
    let about = || {
        let body = String::from_utf8_lossy(response.body());
        format!("{method} {path}: {status} {body}")
    };
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.method == method && operation.is_at(path));
    // What any path may answer, and what is no part of the API: the dashboard, and what is not there.
    let anywhere = [400, 404, 405, 421].contains(&status);
    let Some(operation) = operation else {
        assert!(anywhere || !path.starts_with("/v1"), "{}", about());
        return;
    };
    let Some(content) = operation.responses.get(&status) else {
        assert!(anywhere, "not described: {}", about());
        return;
    };
    let media_type = response.headers().get(CONTENT_TYPE);
    let media_type = media_type.map_or("", |it| it.to_str().unwrap());
    let Some(content) = content else {
        assert!(media_type.is_empty() && response.body().is_empty());
        return;
    };
    assert!(media_type.starts_with(&content.media_type), "{}", about());
    if response.body().is_empty() {
        return; // of HEAD
    }
    let body = serde_json::from_slice::<Value>(response.body());
    if body.is_err() && serde_json::from_slice::<IgnoredAny>(response.body()).is_ok() {
        return; // JSON that a `Value` cannot hold.
    }
    let body = body.unwrap_or_else(|_| String::from_utf8_lossy(response.body()).into());
    assert_valid(&content.schema, &body, &about());
}

/// Panics unless the body is a problem as described.
pub fn check_problem(body: &Value) {
    assert_valid(&PROBLEM, body, "a problem");
}

/// A schema within the document, to which its references lead.
pub fn validator(schema: &Value) -> Validator {
    let mut schema: Map<String, Value> = schema.as_object().unwrap().clone();
    schema.insert("components".into(), DOCUMENT["components"].clone());
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&Value::Object(schema))
        .unwrap()
}

pub fn assert_valid(schema: &Validator, value: &Value, about: &str) {
    let errors: Vec<_> = (schema.iter_errors(value))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{about}: {errors:#?}");
}

impl Operation {
    fn is_at(&self, path: &str) -> bool {
        let expected: Vec<_> = self.path.split('/').collect();
        let parts: Vec<_> = path.split('/').collect();
        expected.len() == parts.len()
            && (expected.iter().zip(&parts))
                .all(|(expected, part)| expected.starts_with('{') || expected == part)
    }
}

fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let responses = operation["responses"].as_object().unwrap();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                responses: responses
                    .iter()
                    .map(|(status, response)| (status.parse().unwrap(), content(response)))
                    .collect(),
            });
        }
    }
    operations
}

fn content(response: &Value) -> Option<Content> {
    let (media_type, content) = (resolved(response).get("content")?.as_object())
        .unwrap()
        .iter()
        .next()
        .unwrap();
    Some(Content {
        media_type: media_type.clone(),
        schema: validator(&content["schema"]),
    })
}

/// What a reference leads to.
pub fn resolved(value: &Value) -> &Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => DOCUMENT.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}
