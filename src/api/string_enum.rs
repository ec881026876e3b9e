//! Strings of a fixed list, which the contract shows as an enum with a name.
//!
//! For lists that are defined in another layer, such as the error codes. Lists of the API itself are Rust enums that derive
//! `Enum`.

use std::{borrow::Cow, fmt, marker::PhantomData};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A list of strings, with its name in the contract.
pub(super) trait StringEnumValues: Send + Sync + 'static {
    /// The name of the schema.
    const NAME: &'static str;

    /// The description of the schema.
    const DESCRIPTION: &'static str;

    /// Returns all strings, in the order of the contract.
    fn words() -> Vec<&'static str>;
}

/// A string of a list. The tests check that it is on the list, as they validate each response against the contract.
pub(super) struct StringEnum<L>(&'static str, PhantomData<L>);

impl<L> StringEnum<L> {
    pub(super) const fn new(word: &'static str) -> Self {
        Self(word, PhantomData)
    }

    pub(super) const fn as_str(&self) -> &'static str {
        self.0
    }
}

impl<L> Clone for StringEnum<L> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<L> fmt::Debug for StringEnum<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<L> Serialize for StringEnum<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<L: StringEnumValues> Type for StringEnum<L> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;

    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        L::NAME.into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(L::NAME.to_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>(L::NAME.to_owned(), |_| MetaSchema {
            description: Some(L::DESCRIPTION),
            enum_items: L::words().into_iter().map(Value::from).collect(),
            ..MetaSchema::new("string")
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<L: StringEnumValues> ToJSON for StringEnum<L> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.into())
    }
}

impl<L: StringEnumValues> ParseFromJSON for StringEnum<L> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let word = L::words().into_iter().find(|word| value.as_ref().is_some_and(|value| value == word));
        word.map(Self::new).ok_or_else(|| ParseError::custom("not on the list"))
    }
}
