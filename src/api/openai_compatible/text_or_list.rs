//! Fields of requests in OpenAI's form that hold a text or a list.

use std::{borrow::Cow, fmt, marker::PhantomData};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, SeqAccess, Visitor},
};
use serde_json::Value;

/// The most items of a list.
const MOST_ITEMS: usize = 1000;

/// A text, or a list.
#[derive(Clone, Debug)]
pub(super) enum TextOrList<T> {
    Text(String),
    List(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOrList<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(EitherForm(PhantomData))
    }
}

struct EitherForm<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EitherForm<T> {
    type Value = TextOrList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TextOrList::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(TextOrList::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MOST_ITEMS {
                return Err(A::Error::custom(format_args!("expected a list of at most {MOST_ITEMS} items")));
            }
            items.push(item);
        }
        Ok(TextOrList::List(items))
    }
}

impl<T: Type> Type for TextOrList<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;

    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("TextOrListOf{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let text = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
        let list = MetaSchema { items: Some(Box::new(T::schema_ref())), ..MetaSchema::new("array") };
        let one_of = vec![text, MetaSchemaRef::Inline(Box::new(list))];
        MetaSchemaRef::Inline(Box::new(MetaSchema { one_of, ..MetaSchema::ANY }))
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: ToJSON> ToJSON for TextOrList<T> {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Text(text) => text.to_json(),
            Self::List(items) => items.to_json(),
        }
    }
}

impl<T: Type + DeserializeOwned> ParseFromJSON for TextOrList<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
    }
}
