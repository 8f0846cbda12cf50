//! Messages of results as plain text (SARIF 2.1.0 §3.11).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::json::Cursor;

/// Longer messages end in `…`; the whole one is in the details.
pub const MAX_MESSAGE: usize = 500;

/// Arguments are put in up to this size.
const MAX_FILLED: usize = 1 << 20;

/// A message as it stands in a result, a rule, a location.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    /// `text` (§3.11.8).
    pub text: Option<Cow<'a, str>>,
    /// `markdown` (§3.11.9).
    pub markdown: Option<Cow<'a, str>>,
    /// `id` (§3.11.10).
    pub id: Option<Cow<'a, str>>,
    /// `arguments` (§3.11.11); `None` when there are none, and then placeholders are text.
    pub arguments: Option<Vec<Cow<'a, str>>>,
    /// What was not as the specification wants it.
    pub odd: Option<&'static str>,
}

impl<'a> Message<'a> {
    /// Reads the message that comes next. Some tools write a bare string, or a list of strings as `text`.
    pub fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut message = Self::default();
        match cursor.peek() {
            Some(b'{') => drop(cursor.object(|cursor, key| message.member(cursor, key))),
            Some(b'"') => {
                message.text = cursor.text();
                message.odd = Some("is a string, not a message object; read as its text");
            }
            _ => {
                message.odd = Some("is not a message object; read as empty");
                cursor.skip();
            }
        }
        message
    }

    fn member(&mut self, cursor: &mut Cursor<'a>, key: &[u8]) {
        match key {
            b"text" if cursor.peek() == Some(b'[') => {
                self.odd = Some("has a list as its text; read as one text");
                let mut pieces = Vec::new();
                cursor.array(|cursor, _| pieces.extend(cursor.scalar().into_text()));
                self.text = Some(pieces.join(" ").into());
            }
            b"text" => self.text = cursor.text(),
            b"markdown" => self.markdown = cursor.text(),
            b"id" => self.id = cursor.scalar().into_text(),
            b"arguments" => {
                let mut arguments = Vec::new();
                if cursor.array(|cursor, _| arguments.push(cursor.scalar().into_text().unwrap_or_default())) {
                    self.arguments = Some(arguments);
                }
            }
            _ => cursor.skip(),
        }
    }

    /// The text it carries itself, before arguments are put in.
    pub fn own(&self) -> Option<&Cow<'a, str>> {
        self.text.as_ref().or(self.markdown.as_ref()).filter(|text| !text.is_empty())
    }

    /// The text as people read it, if it carries one itself.
    pub fn plain(&self) -> Option<Cow<'_, str>> {
        self.own().map(|text| plain(text, self.arguments.as_deref()))
    }
}

/// A text with its arguments put in and its links taken off. `{{` is a brace only where there are arguments; a
/// placeholder without an argument stays (§3.11.5).
pub fn plain<'t, S: AsRef<str>>(text: &'t str, arguments: Option<&[S]>) -> Cow<'t, str> {
    let filled = match arguments {
        Some(arguments) => Cow::Owned(filled(text, arguments)),
        None => Cow::Borrowed(text),
    };
    if memchr(b'[', filled.as_bytes()).is_none() {
        return filled;
    }
    Cow::Owned(unlinked(&filled))
}

fn filled<S: AsRef<str>>(text: &str, arguments: &[S]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            out.push_str(&rest[..1]);
            rest = &rest[2..];
            continue;
        }
        if let Some((argument, length)) =
            placeholder(rest).and_then(|(number, length)| Some((arguments.get(number)?, length)))
        {
            out.push_str(argument.as_ref());
            rest = &rest[length..];
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
        // Few bytes of placeholders can ask for any number of bytes.
        if out.len() > MAX_FILLED {
            break;
        }
    }
    out.push_str(rest);
    out
}

/// `{12}`: the number, and how long it is written.
fn placeholder(text: &str) -> Option<(usize, usize)> {
    let digits = text.strip_prefix('{')?;
    let length = digits.bytes().take(4).take_while(u8::is_ascii_digit).count();
    (digits.as_bytes().get(length) == Some(&b'}')).then_some(())?;
    Some((digits[..length].parse().ok()?, length + 2))
}

/// `[text](1)` and `[text](https://…)` become `text` (§3.11.6); what only looks like it stays.
fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'[', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (words, length) = link(rest).unwrap_or(("[", 1));
        if words.contains('\\') {
            out.push_str(&words.replace("\\[", "[").replace("\\]", "]"));
        } else {
            out.push_str(words);
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Longer than this is no link.
const MAX_LINK: usize = 512;

fn link(text: &str) -> Option<(&str, usize)> {
    let near = &text.as_bytes()[..text.len().min(MAX_LINK)];
    let close = memchr_iter(b']', near).find(|at| near[at - 1] != b'\\')?;
    let target = near.get(close + 1..)?.strip_prefix(b"(")?;
    let length = memchr(b')', target)?;
    let target = &text[close + 2..close + 2 + length];
    let numbered = !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_digit());
    (numbered || target.contains("://") || target.starts_with("sarif:")).then(|| (&text[1..close], close + length + 3))
}

/// Cut at [`MAX_MESSAGE`] bytes, with a mark.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_MESSAGE {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", head(text, MAX_MESSAGE)))
}

/// At most this many bytes, never splitting a character.
pub fn head(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain", None, "plain")]
    #[case("{0} and {{x}}", None, "{0} and {{x}}")]
    #[case("{0} and {{x}} and {9}", Some(&["a"][..]), "a and {x} and {9}")]
    #[case("{1}{0}{", Some(&["a", "b"][..]), "ba{")]
    #[case("{ 0} }", Some(&["a"][..]), "{ 0} }")]
    #[case("{0}", Some(&["{1}", "no"][..]), "{1}")]
    #[case("from [here](1) to [there](https://x.example/y)", None, "from here to there")]
    #[case("a[0](x) and [b", None, "a[0](x) and [b")]
    #[case(r"[a\]b](2)", None, "a]b")]
    #[case("größe [ü](3)", None, "größe ü")]
    fn messages_read_as_text(#[case] text: &str, #[case] arguments: Option<&[&str]>, #[case] expected: &str) {
        assert_eq!(plain(text, arguments), expected);
    }

    #[test]
    fn a_long_message_is_cut_between_characters_with_a_mark() {
        let long = format!("{}{}", "a".repeat(MAX_MESSAGE - 1), "ü".repeat(1 << 19));
        assert_eq!(cut(&long), format!("{}…", "a".repeat(MAX_MESSAGE - 1)));
    }
}
