//! References as results write them: to rules, components, artifacts; and their suppressions.

use std::borrow::Cow;

use super::json::{Cursor, Scalar};

/// How a result names its rule (§3.27.5 to §3.27.7, §3.52).
#[derive(Clone, Debug, Default, Hash)]
pub struct RuleUse<'a> {
    /// `ruleId`, else `rule.id`.
    pub id: Option<Cow<'a, str>>,
    /// `rule.index`, else `ruleIndex`; negative when unset.
    pub index: Option<i64>,
    /// `rule.guid`.
    pub guid: Option<Cow<'a, str>>,
    /// `rule.toolComponent` (§3.54).
    pub component: ComponentUse<'a>,
}

/// A reference to a component of a tool (§3.54).
#[derive(Clone, Debug, Default, Hash)]
pub struct ComponentUse<'a> {
    /// `index`.
    pub index: Option<i64>,
    /// `guid`.
    pub guid: Option<Cow<'a, str>>,
    /// `name`; a hint only.
    pub name: Option<Cow<'a, str>>,
}

impl<'a> ComponentUse<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut component = Self::default();
        cursor.object(|cursor, key| match key {
            b"index" => component.index = integer(&cursor.scalar()),
            b"guid" => component.guid = cursor.text(),
            b"name" => component.name = cursor.text(),
            _ => cursor.skip(),
        });
        component
    }
}

impl<'a> RuleUse<'a> {
    /// Whether it says nothing at all.
    pub fn is_silent(&self) -> bool {
        self.id.as_deref().is_none_or(str::is_empty) && self.index.is_none_or(|index| index < 0) && self.guid.is_none()
    }

    /// Reads the reference that comes next over what is known.
    pub fn read(&mut self, cursor: &mut Cursor<'a>) {
        cursor.object(|cursor, key| match key {
            b"id" => {
                let id = cursor.scalar().into_text();
                if self.id.is_none() {
                    self.id = id;
                }
            }
            b"index" => self.index = integer(&cursor.scalar()),
            b"guid" => self.guid = cursor.text(),
            b"toolComponent" => self.component = ComponentUse::read(cursor),
            _ => cursor.skip(),
        });
    }
}

/// Where an artifact is said to lie (§3.4).
#[derive(Clone, Debug, Default, Hash)]
pub struct PlaceUse<'a> {
    /// `uri`.
    pub uri: Option<Cow<'a, str>>,
    /// `uriBaseId`.
    pub base: Option<Cow<'a, str>>,
    /// `index` into `run.artifacts`.
    pub index: Option<i64>,
}

impl<'a> PlaceUse<'a> {
    /// Reads the artifact location that comes next. Some tools write a bare string.
    pub fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut place = Self::default();
        if cursor.peek() == Some(b'"') {
            place.uri = cursor.text();
            return place;
        }
        cursor.object(|cursor, key| match key {
            b"uri" => place.uri = cursor.text(),
            b"uriBaseId" => place.base = cursor.text(),
            b"index" => place.index = integer(&cursor.scalar()),
            _ => cursor.skip(),
        });
        place
    }

    /// Whether there is a path in it.
    pub fn says_something(&self) -> bool {
        self.uri.is_some() || self.index.is_some_and(|index| index >= 0)
    }
}

/// See [`crate::model::Suppression`].
#[derive(Clone, Debug, Default)]
pub struct SuppressionUse<'a> {
    /// `kind`.
    pub kind: Option<Cow<'a, str>>,
    /// `status`.
    pub status: Option<Cow<'a, str>>,
    /// `justification`.
    pub justification: Option<Cow<'a, str>>,
    /// `properties.expiryUtc`.
    pub expiry: Option<Cow<'a, str>>,
}

/// A whole number, also written as text or with a fraction of zero.
pub fn integer(scalar: &Scalar) -> Option<i64> {
    if let Scalar::Number(number) = scalar
        && let Ok(number) = number.parse()
    {
        return Some(number);
    }
    let number = scalar.as_number()?;
    format!("{number:.0}").parse().ok().filter(|_| number.fract() == 0.0)
}
