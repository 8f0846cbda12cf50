//! The user's own runbooks: every `*.yaml` of the folder that the configuration names.
//!
//! One with mistakes stays in the list with them, and hides no other. A name that a runbook of the program has stays the
//! program's: what is begun by such a name is the same on every machine, whoever's folder is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{RunbookError, load};
use crate::runbook::book::Book;
use crate::runbook::shipped::shipped;
use crate::text;

/// No runbook needs more bytes than this.
const LARGEST: u64 = 1 << 20;

/// A file of the folder.
#[derive(Debug)]
pub struct OwnBook {
    /// Where it is.
    pub path: PathBuf,
    /// What it says, or what is wrong with it.
    pub book: Result<Book, RunbookError>,
}

/// The user's own runbooks.
#[derive(Debug, Default)]
pub struct BookFolder {
    /// Where they are.
    pub path: PathBuf,
    /// Each `*.yaml` in it, by file name.
    pub books: Vec<OwnBook>,
    /// Why the folder cannot be read.
    pub unread: Option<String>,
}

/// Why a file of the folder cannot be begun by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shadowed {
    /// A runbook that comes with the program has it.
    Shipped,
    /// Other files of the folder have it too: these.
    Others(Vec<PathBuf>),
}

impl OwnBook {
    /// Its name: what it says itself, or where that cannot be read, that of its file.
    pub fn name(&self) -> String {
        match &self.book {
            Ok(book) => book.name.clone(),
            Err(_) => self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
        }
    }
}

impl BookFolder {
    /// Reads the folder. It has to be there: somebody named it.
    pub fn read(path: &Path) -> Self {
        let (mut books, unread) = match fs::read_dir(path) {
            Ok(entries) => (entries.flatten().filter_map(|entry| own(entry.path())).collect(), None),
            Err(error) => {
                (Vec::new(), Some(format!("the folder of runbooks {} cannot be read: {error}", path.display())))
            }
        };
        books.sort_by(|a: &OwnBook, b| a.path.cmp(&b.path));
        Self { path: path.to_owned(), books, unread }
    }

    /// The files that have a name.
    pub fn named(&self, name: &str) -> Vec<&OwnBook> {
        self.books.iter().filter(|own| own.name() == name).collect()
    }

    /// Why a file of it cannot be begun by its name; `None` where it can.
    pub fn shadowed(&self, own: &OwnBook) -> Option<Shadowed> {
        let name = own.name();
        if shipped(&name).is_some() {
            return Some(Shadowed::Shipped);
        }
        let others: Vec<PathBuf> = self
            .named(&name)
            .into_iter()
            .filter(|other| other.path != own.path)
            .map(|other| other.path.clone())
            .collect();
        (!others.is_empty()).then_some(Shadowed::Others(others))
    }
}

impl std::fmt::Display for Shadowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shipped => write!(
                f,
                "a runbook that comes with the program has this name and is what it begins, on every machine; \
                 give this one another name, or begin it by its file"
            ),
            Self::Others(paths) => {
                let files: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "{} has this name too; give each its own, or begin it by its file", text::list(&files))
            }
        }
    }
}

fn own(path: PathBuf) -> Option<OwnBook> {
    let name = path.file_name()?.to_str()?;
    // What editors leave beside a file while they write it is none.
    if path.extension().is_none_or(|extension| extension != "yaml") || name.starts_with('.') {
        return None;
    }
    let book = regular(&path).and_then(|()| load(&path));
    Some(OwnBook { path, book })
}

/// Whether it is a file that can be read whole: opening a pipe would wait for its writer.
fn regular(path: &Path) -> Result<(), RunbookError> {
    let refused = |source| RunbookError::Read { path: path.to_owned(), source };
    let meta = fs::metadata(path).map_err(refused)?;
    if !meta.is_file() {
        return Err(refused(io::Error::other("it is not a file")));
    }
    if meta.len() > LARGEST {
        return Err(refused(io::Error::other(format!("it is larger than {LARGEST} bytes"))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = "holdfast: runbook/v1\nname: NAME\ntitle: Look\nabout: For tests.\nsteps:\n- id: look\n  title: Look\n  \
                        why: It is due.\n  fails: Look again.\n  manual: Look at it.\n";

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, BookFolder) {
        let home = tempfile::tempdir().unwrap();
        for (file, text) in files {
            fs::write(home.path().join(file), text).unwrap();
        }
        let read = BookFolder::read(home.path());
        (home, read)
    }

    fn named(name: &str) -> String {
        BOOK.replace("NAME", name)
    }

    #[test]
    fn a_broken_one_is_listed_with_its_place_and_hides_no_other() {
        let wrong = named("wrong").replace("manual:", "manul:");
        let (_home, read) = folder(&[
            ("a.yaml", &wrong),
            ("b.yaml", &named("evening")),
            ("notes.txt", "not one"),
            (".b.yaml.swp.yaml", "half"),
        ]);
        let names: Vec<String> = read.books.iter().map(OwnBook::name).collect();
        assert_eq!(names, ["a", "evening"]);
        let said = read.books[0].book.as_ref().unwrap_err().to_string();
        assert!(said.contains("a.yaml:10:3"), "{said}");
        assert!(read.books[1].book.is_ok() && read.unread.is_none());
        assert_eq!(read.shadowed(&read.books[1]), None);
    }

    #[test]
    fn a_name_that_something_else_has_begins_no_file_in_silence() {
        let (home, read) =
            folder(&[("a.yaml", &named("volume-lost")), ("b.yaml", &named("twice")), ("c.yaml", &named("twice"))]);
        assert_eq!(read.shadowed(&read.books[0]), Some(Shadowed::Shipped));
        assert_eq!(read.shadowed(&read.books[1]), Some(Shadowed::Others(vec![home.path().join("c.yaml")])));
        assert_eq!(read.named("twice").len(), 2);
    }

    #[test]
    fn what_is_no_folder_or_no_file_is_said() {
        let home = tempfile::tempdir().unwrap();
        let read = BookFolder::read(&home.path().join("none"));
        assert!(read.unread.is_some_and(|why| why.contains("cannot be read")));
        fs::create_dir(home.path().join("d.yaml")).unwrap();
        let read = BookFolder::read(home.path());
        let said = text::chain(read.books[0].book.as_ref().unwrap_err());
        assert!(said.contains("it is not a file"), "{said}");
    }
}
