//! JSON objects, read as records.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A record that is read from a JSON object, and from nothing else. By itself, serde takes a list of a
/// record's fields for one as well, whatever they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

/// Reads one record.
pub(crate) fn one<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Object::deserialize(deserializer).map(|Object(record)| record)
}

/// Reads a list of records.
pub(crate) fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let objects = Vec::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(record)| record).collect())
}

#[cfg(test)]
mod tests {
    use crate::interface::{AcquireRequest, RequeueTarget};

    #[test]
    fn a_list_is_no_record() {
        assert!(serde_json::from_str::<AcquireRequest>(r#"{"columns": {}}"#).is_ok());
        assert!(serde_json::from_str::<AcquireRequest>(r#"{"columns": []}"#).is_err());
        let range = r#"{"ids": [{"id_start": 1, "id_end": 2}]}"#;
        assert!(serde_json::from_str::<RequeueTarget>(range).is_ok());
        assert!(serde_json::from_str::<RequeueTarget>(r#"{"ids": [[1, 2]]}"#).is_err());
    }
}
