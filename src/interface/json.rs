//! Parts of the JSON form that serde does not have by itself.

/// In JSON, what was asked for, or the error in its place.
pub(super) mod or_error {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    use crate::Error;

    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Error(Error),
        Answer(T),
    }

    pub fn serialize<T: Serialize, S: Serializer>(
        result: &Result<T, Error>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match result {
            Ok(answer) => answer.serialize(serializer),
            Err(error) => error.serialize(serializer),
        }
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<T, Error>, D::Error> {
        Ok(match Either::deserialize(deserializer)? {
            Either::Error(error) => Err(error),
            Either::Answer(answer) => Ok(answer),
        })
    }
}

/// JSON kept as text in Rust, but nested as it is in the JSON form of its record.
pub(super) mod json_text {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Error, Serialize, Serializer};

    /// To the letter, since a number may have more digits than any type here, and a string halves of characters.
    #[cfg(feature = "exact-json")]
    type Nested = Box<serde_json::value::RawValue>;

    /// Where no result has a JSON form: conditions have been understood, so that their values are those that a
    /// [`Value`](serde_json::Value) holds.
    #[cfg(not(feature = "exact-json"))]
    type Nested = serde_json::Value;

    pub fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref()
            .map(serde_json::from_str::<Nested>)
            .transpose()
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let nested = Option::<Nested>::deserialize(deserializer)?;
        Ok(nested.map(|nested| nested.to_string()))
    }
}
