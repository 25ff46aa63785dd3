//! The text that makes an object, and the parts of it that may come as statements of their own.

use std::borrow::Cow;
use std::fmt::Debug;

use super::drop::Drop;
use super::id::ObjectId;
use super::object::Rank;

/// What the text of an object depends on besides the object: which of its parts were split off to break a loop, and
/// what the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<'a> {
    /// Parts that come as statements of their own later.
    pub split: &'a [ObjectId],
}

impl Form<'_> {
    /// Whether a part comes later.
    pub fn is_split(&self, part: ObjectId) -> bool {
        self.split.contains(&part)
    }
}

/// The text that makes an object.
pub trait Definition: Debug + Send + Sync {
    /// `CREATE ...` and what must follow at once: whole statements, ending in a newline.
    fn create(&self, form: &Form<'_>) -> String;

    /// Statements for a part that was split off; never called for an object without parts.
    fn create_part(&self, part: ObjectId) -> PartText {
        unreachable!("{part:?} is not a part of this object: {self:?}")
    }
}

/// An object's text: most have one form only, and of those a database can have very many.
#[derive(Debug)]
pub enum Text {
    /// Whole statements, ending in a newline.
    Fixed(Box<str>),
    /// An object with parts.
    Formed(Box<dyn Definition>),
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text::Fixed(text.into_boxed_str())
    }
}

impl<D: Definition + 'static> From<D> for Text {
    fn from(definition: D) -> Self {
        Text::Formed(Box::new(definition))
    }
}

impl Text {
    /// As [`Definition::create`].
    pub fn create(&self, form: &Form<'_>) -> Cow<'_, str> {
        match self {
            Text::Fixed(text) => Cow::Borrowed(text),
            Text::Formed(definition) => Cow::Owned(definition.create(form)),
        }
    }

    /// As [`Definition::create_part`].
    pub fn create_part(&self, part: ObjectId) -> PartText {
        match self {
            Text::Fixed(text) => unreachable!("{part:?} is not a part of this object: {text}"),
            Text::Formed(definition) => definition.create_part(part),
        }
    }
}

/// A split-off part as an object of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartText {
    /// The word in the header: `CHECK CONSTRAINT`, `DEFAULT`, `VIEW`.
    pub type_name: &'static str,
    /// Name in the header.
    pub tag: String,
    /// The statements.
    pub create: String,
    /// How it is dropped.
    pub drop: Drop,
}

/// Something written inside another object's statement which depends on things of its own: a column's default, a
/// check, a view's query. When it closes a loop it is split off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its own catalog row.
    pub id: ObjectId,
    /// Its place when split off; `None`: it cannot be split.
    pub rank: Option<Rank>,
    /// Split from the start (NOT VALID checks).
    pub split: bool,
}
