//! Texts out of a fixed list, which the contract shows as an enum of its own.
//!
//! For lists that are made elsewhere: by another layer, or by all who may fail. Where the list is made here, an enum
//! that derives `Enum` does the same.

use std::{borrow::Cow, fmt, marker::PhantomData};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A list of words, as the contract names it.
pub(super) trait WordList: Send + Sync + 'static {
    /// The schema's name.
    const NAME: &'static str;

    /// The schema's description.
    const DESCRIPTION: &'static str;

    /// All words, in the contract's order.
    fn words() -> Vec<&'static str>;
}

/// One word of a list. That it is on the list is checked where the tests validate each answer against the contract.
pub(super) struct Word<L>(&'static str, PhantomData<L>);

impl<L> Word<L> {
    pub(super) const fn new(word: &'static str) -> Self {
        Self(word, PhantomData)
    }

    pub(super) const fn as_str(&self) -> &'static str {
        self.0
    }
}

impl<L> Clone for Word<L> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<L> fmt::Debug for Word<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<L> Serialize for Word<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<L: WordList> Type for Word<L> {
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

impl<L: WordList> ToJSON for Word<L> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.into())
    }
}

impl<L: WordList> ParseFromJSON for Word<L> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let word = L::words().into_iter().find(|word| value.as_ref().is_some_and(|value| value == word));
        word.map(Self::new).ok_or_else(|| ParseError::custom("not on the list"))
    }
}
