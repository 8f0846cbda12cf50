//! All themes: the built-in ones and the user's, joined with those they inherit from. Reads no file itself, and
//! knows how many colours the terminal has, so that what it gives can be drawn as it is.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Style};

use super::depth::Depth;
use super::file::{At, Fault, Look, Written, colour, not_a_colour};
use super::{Meaning, Theme, ThemeError};
use crate::config::{self, Mistake, ThemeFolder};
use crate::text;

const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("blue-orange", include_str!("../../../themes/blue-orange.toml")),
    ("ansi", include_str!("../../../themes/ansi.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// Names of the built-in themes.
pub(super) fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// All themes that there are.
#[derive(Clone, Debug, Default)]
pub struct Themes {
    depth: Depth,
    folder: Option<ThemeFolder>,
}

/// The text of a theme and where it is from.
#[derive(Clone, Copy, Debug)]
struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    users: bool,
}

/// A theme's own text and those it inherits from, itself first.
type Chain<'a> = Vec<(Source<'a>, Written)>;

impl Themes {
    /// The built-in themes and those of a folder, as far as a terminal of this depth can show them.
    pub fn new(depth: Depth, folder: ThemeFolder) -> Self {
        Self { depth, folder: Some(folder) }
    }

    /// The folder of the user's themes, where one is known.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(|folder| folder.path.as_path())
    }

    /// Replaces the user's themes by what their folder holds now.
    pub fn renew(&mut self, folder: ThemeFolder) {
        self.folder = Some(folder);
    }

    /// Every name that [`Themes::load`] knows: the built-in ones, then the user's own.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.folder.iter().flat_map(|folder| &folder.files).map(|file| file.name.as_str());
        BUILT_IN.iter().map(|(name, _)| *name).chain(own.filter(|name| built_in().all(|known| known != *name)))
    }

    /// The theme of this name. A file of the user's stands before a built-in theme of the same name.
    ///
    /// # Errors
    /// When there is none, or its file or one that it inherits from has a mistake.
    pub fn load(&self, name: &str) -> Result<Theme, ThemeError> {
        let chain = self.chain(name)?;
        let mut palette = BTreeMap::new();
        for (_, written) in &chain {
            for (name, colour) in &written.palette {
                palette.entry(name.as_str()).or_insert(*colour);
            }
        }
        let style = |meaning: &Meaning| {
            let found = chain.iter().find_map(|(source, written)| {
                written.looks.iter().find(|(known, _)| known == meaning).map(|(_, look)| (source, look))
            });
            let (source, look) = found.ok_or_else(|| undefined(&chain, *meaning))?;
            self.style(look, &palette).map_err(|fault| source.error(fault))
        };
        let styles = Meaning::ALL.iter().map(style).collect::<Result<_, _>>()?;
        Ok(Theme { name: name.to_owned(), styles })
    }

    /// The theme after this one, leaving out those with a mistake.
    pub(in crate::tui) fn after(&self, name: &str) -> Option<Theme> {
        let names: Vec<&str> = self.names().collect();
        let next = names.iter().position(|known| *known == name).map_or(0, |at| at + 1);
        names.iter().cycle().skip(next).take(names.len()).find_map(|name| self.load(name).ok())
    }

    fn style(&self, look: &Look, palette: &BTreeMap<&str, Color>) -> Result<Style, Fault> {
        let resolve = |name: &At<String>| {
            let found = palette.get(name.value.as_str()).copied().or_else(|| colour(&name.value));
            found
                .map(|colour| self.depth.fit(colour))
                .ok_or_else(|| Fault { byte: name.byte, message: not_a_colour(&name.value) })
        };
        Ok(Style {
            fg: look.fg.as_ref().map(resolve).transpose()?,
            bg: look.bg.as_ref().map(resolve).transpose()?,
            add_modifier: look.modifiers,
            ..Style::new()
        })
    }

    /// A theme with all that it inherits from.
    fn chain(&self, name: &str) -> Result<Chain<'_>, ThemeError> {
        let mut chain = Chain::new();
        let mut path = vec![name.to_owned()];
        let mut next = Some(self.source(name, true)?.ok_or_else(|| self.unknown(name))?);
        while let Some(source) = next {
            let written = Written::read(source.text).map_err(|fault| source.error(fault))?;
            next = None;
            if let Some(parent) = written.inherits.clone() {
                let fault = |message| source.error(Fault { byte: parent.byte, message });
                // What is built in inherits from what is built in, and so does a file that stands before it.
                let own_name = path.last().is_some_and(|name| *name == parent.value);
                let users = source.users && !(own_name && built_in().any(|known| known == parent.value));
                let found = self.source(&parent.value, users)?;
                let found = found.ok_or_else(|| fault(self.unknown(&parent.value).to_string()))?;
                path.push(parent.value.clone());
                if found.file == source.file
                    || chain.iter().any(|(earlier, _): &(Source, _)| earlier.file == found.file)
                {
                    return Err(fault(circle(&path)));
                }
                next = Some(found);
            }
            chain.push((source, written));
        }
        Ok(chain)
    }

    /// The text of a theme, if there is one of this name; the user's only where they may be meant.
    fn source(&self, name: &str, users: bool) -> Result<Option<Source<'_>>, ThemeError> {
        let mut files = self.folder.iter().filter(|_| users).flat_map(|folder| &folder.files);
        if let Some(file) = files.find(|file| file.name == name) {
            return match &file.text {
                Ok(text) => Ok(Some(Source { file: &file.path, text, users: true })),
                Err(why) => Err(ThemeError::Read { file: file.path.clone(), why: why.clone() }),
            };
        }
        let known = BUILT_IN.iter().find(|(known, _)| *known == name);
        Ok(known.map(|(name, text)| Source { file: Path::new(name), text, users: false }))
    }

    fn unknown(&self, name: &str) -> ThemeError {
        let names: Vec<&str> = self.names().collect();
        let own = match &self.folder {
            Some(ThemeFolder { path, unread: Some(why), .. }) => {
                format!("; your own were not read, because {} cannot be: {why}", path.display())
            }
            Some(folder) => format!("; your own would be {}", folder.path.join(format!("{name}.toml")).display()),
            None => String::new(),
        };
        ThemeError::NoSuch { name: name.to_owned(), known: text::list(&names), own }
    }
}

impl Source<'_> {
    fn error(&self, fault: Fault) -> ThemeError {
        let at = config::Source::new(self.file, self.text).spot(&(fault.byte..fault.byte));
        ThemeError::Wrong(Mistake { at, what: fault.message })
    }
}

fn undefined(chain: &Chain, meaning: Meaning) -> ThemeError {
    let message =
        format!("\"{}\" is not defined; define it, or begin the file with inherits = \"dark\"", meaning.name());
    let source = chain.last().map_or(Source { file: Path::new(""), text: "", users: true }, |(source, _)| *source);
    source.error(Fault { byte: 0, message })
}

fn circle(path: &[String]) -> String {
    let arrows = path.join(" -> ");
    format!("these themes inherit from one another in a circle: {arrows}; let one of them inherit from a built-in one")
}

#[cfg(test)]
mod tests;
