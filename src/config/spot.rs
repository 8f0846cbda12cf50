//! Places in a file, for what people have to find there again.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    file: Arc<Path>,
    line: usize,
    column: usize,
}

impl Spot {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }
}

/// As editors and compilers write it: `FILE:LINE:COLUMN`, both from 1, columns in characters.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// A text that a file gives, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Where it begins.
    pub at: Spot,
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub at: Spot,
    /// What, and what to write instead. It may quote the file, but never a URL: that may hold a password.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// A text whose places are told by its file.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    file: Arc<Path>,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The text of a file.
    pub fn new(file: &Path, text: &'a str) -> Self {
        Self { file: file.into(), text }
    }

    /// A place by its line and column, both from 1.
    pub fn at(&self, line: usize, column: usize) -> Spot {
        Spot { file: Arc::clone(&self.file), line, column }
    }

    /// The place where a range of bytes begins.
    pub fn spot(&self, range: &Range<usize>) -> Spot {
        let before = self.text.get(..range.start.min(self.text.len())).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Spot {
            file: Arc::clone(&self.file),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}
