//! The user's theme files, as text. What they say is read by the console; this knows only where they are.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No theme needs more bytes than this.
const LARGEST: u64 = 256 * 1024;

/// A theme file of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeFile {
    /// The theme's name: that of the file, without `.toml`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it says, or why it cannot be read.
    pub text: Result<String, String>,
}

/// The user's theme files, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeFolder {
    /// Where they are.
    pub path: PathBuf,
    /// Each `*.toml` in it.
    pub files: Vec<ThemeFile>,
    /// Why the folder cannot be read; a folder that is not there is empty.
    pub unread: Option<String>,
}

impl ThemeFolder {
    /// Reads the folder `themes` beside a configuration file.
    pub fn beside(config: &Path) -> Self {
        Self::read(&config.with_file_name("themes"))
    }

    /// Reads the theme files of a folder.
    pub fn read(path: &Path) -> Self {
        let (mut files, unread) = match fs::read_dir(path) {
            Ok(entries) => (entries.flatten().filter_map(|entry| file(entry.path())).collect(), None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        files.sort_by(|a: &ThemeFile, b| a.name.cmp(&b.name));
        Self { path: path.to_owned(), files, unread }
    }
}

fn file(path: PathBuf) -> Option<ThemeFile> {
    let name = path.file_name()?.to_str()?.strip_suffix(".toml").filter(|name| !name.is_empty())?.to_owned();
    let text = text(&path);
    Some(ThemeFile { name, path, text })
}

fn text(path: &Path) -> Result<String, String> {
    // Opening a pipe would wait for its writer.
    let regular = fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if !regular {
        return Err("it is not a file".to_owned());
    }
    let mut text = String::new();
    let opened = fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match opened {
        Ok(read) if read as u64 > LARGEST => Err(format!("it is larger than {LARGEST} bytes")),
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theme_files_are_read_by_name_and_the_rest_is_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("sea.toml"), "inherits = 'dark'").unwrap();
        fs::write(folder.path().join("bad.toml"), b"\xff\xfe").unwrap();
        fs::write(folder.path().join("large.toml"), " ".repeat(300_000)).unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        fs::create_dir(folder.path().join("dir.toml")).unwrap();
        let read = ThemeFolder::read(folder.path());
        let told: Vec<_> = read.files.iter().map(|file| (file.name.as_str(), file.text.is_ok())).collect();
        assert_eq!(told, [("bad", false), ("dir", false), ("large", false), ("sea", true)]);
        assert_eq!(read.unread, None);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty_and_one_that_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let missing = ThemeFolder::read(&folder.path().join("themes"));
        assert!(missing.files.is_empty() && missing.unread.is_none());
        let not_a_folder = folder.path().join("file");
        fs::write(&not_a_folder, "").unwrap();
        assert!(ThemeFolder::read(&not_a_folder).unread.is_some());
    }

    #[test]
    fn themes_are_looked_for_beside_the_configuration_file() {
        assert_eq!(ThemeFolder::beside(Path::new("/nowhere/config.toml")).path, Path::new("/nowhere/themes"));
    }
}
