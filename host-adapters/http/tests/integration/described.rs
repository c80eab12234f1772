//! The description by itself, and every operation of it as it is served.

use crate::support::Service;
use crate::support::description::{DOCUMENT, assert_valid, resolved, validator};
use serde_json::{Value, json};

/// Every operation: its method, its path and what is described.
fn operations() -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap();
        let shared = methods.get("parameters").cloned().unwrap_or(json!([]));
        for (method, operation) in methods {
            if method == "parameters" {
                continue;
            }
            let mut operation = operation.clone();
            let own = operation["parameters"].take();
            let parameters: Vec<Value> = [shared.as_array(), own.as_array()]
                .into_iter()
                .flatten()
                .flatten()
                .map(|parameter| resolved(parameter).clone())
                .collect();
            operation["parameters"] = parameters.into();
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

/// The path with its examples.
fn example_path(path: &str, operation: &Value) -> String {
    let mut filled = path.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().unwrap() {
        let name = parameter["name"].as_str().unwrap();
        let example = match &parameter["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match parameter["in"].as_str().unwrap() {
            "path" => filled = filled.replace(&format!("{{{name}}}"), &example),
            "query" if parameter["required"] == true => {
                let usual = if name == "batches" { "2" } else { "files" };
                query.push(format!("{name}={usual}"));
            }
            _ => {}
        }
    }
    assert!(!filled.contains('{'), "{filled} lacks an example");
    if query.is_empty() {
        return filled;
    }
    format!("{filled}?{}", query.join("&"))
}

fn example_body(operation: &Value) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    schema.get("$ref")?;
    Some(resolved(schema)["examples"][0].clone())
}

#[test]
fn every_operation_is_served() {
    let service = Service::new();
    service.execute("ALTER TABLE files ADD COLUMN imported TEXT");
    for (method, path, operation) in operations() {
        let target = example_path(&path, &operation);
        let answer = match example_body(&operation) {
            Some(body) => service.post(&target, &body),
            None if method == "POST" => service.post(&target, &json!({})),
            None => service.get(&target),
        };
        // That it is as described is checked with every answer; no batch has the example's token.
        let name = answer.problem().1;
        assert!(
            answer.status.is_success() || name == "no-such-batch",
            "{method} {target}: {answer:?}"
        );
    }
}

#[test]
fn examples_are_what_they_are_examples_of() {
    let mut examples = 0;
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        let validator = validator(schema);
        for example in schema["examples"].as_array().into_iter().flatten() {
            assert_valid(&validator, example, name);
            examples += 1;
        }
    }
    for (_, path, operation) in operations() {
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            for content in resolved(response)["content"]
                .as_object()
                .into_iter()
                .flatten()
            {
                let (schema, example) = (&content.1["schema"], &content.1["example"]);
                if !example.is_null() {
                    assert_valid(&validator(schema), example, &format!("{path} {status}"));
                    examples += 1;
                }
            }
        }
        for parameter in operation["parameters"].as_array().unwrap() {
            if let Some(example) = parameter.get("example") {
                assert_valid(&validator(&parameter["schema"]), example, &path);
                examples += 1;
            }
        }
    }
    assert!(examples > 100, "{examples}");
}

#[test]
fn objects_that_are_sent_are_closed() {
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
}

#[test]
fn whatever_takes_a_body_bounds_it_and_whatever_writes_needs_the_token() {
    for (method, path, operation) in operations() {
        let responses = operation["responses"].as_object().unwrap();
        let takes_body = operation.get("requestBody").is_some();
        for status in ["408", "413", "415"] {
            assert_eq!(responses.contains_key(status), takes_body, "{path}");
        }
        let open = operation["security"] == json!([]);
        for status in ["401", "403"] {
            assert_eq!(responses.contains_key(status), !open, "{path}");
        }
        assert!(!open || method == "GET", "{path}");
    }
}
