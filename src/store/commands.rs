//! The commands that were typed into the console, so that the next session can repeat them. One line each, the oldest
//! first. Names of contexts and namespaces stand in them, never anything secret; the file is readable by its owner.

use std::fs;
use std::io::Write;

use super::{Store, StoreError, io_error};

/// Commands kept.
const KEPT: usize = 100;

impl Store {
    /// Commands of earlier sessions, the oldest first; none when there is no file or it cannot be read.
    pub fn commands(&self) -> Vec<String> {
        let text = fs::read_to_string(self.root().join("commands")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(KEPT)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// Keeps these, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_commands(&self, commands: &[String]) -> Result<(), StoreError> {
        let path = self.root().join("commands");
        let new = self.root().join(format!("commands.{}", std::process::id()));
        let kept = &commands[commands.len().saturating_sub(KEPT)..];
        let lines: String = kept.iter().map(|line| line.replace(['\n', '\r'], " ") + "\n").collect();
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&new).and_then(|mut file| file.write_all(lines.as_bytes()));
        written.and_then(|()| fs::rename(&new, &path)).map_err(io_error("write", &path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_in_order_and_only_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.commands().is_empty());
        let all: Vec<String> = (0..KEPT + 5).map(|number| format!("sort {number}\nx")).collect();
        store.keep_commands(&all).unwrap();
        let kept = store.commands();
        assert_eq!((kept.len(), kept[0].as_str()), (KEPT, "sort 5 x"));
        assert_eq!(kept.last().unwrap(), &format!("sort {} x", KEPT + 4));
        let folder = fs::read_dir(folder.path()).unwrap();
        assert_eq!(folder.filter(|entry| entry.as_ref().unwrap().path().is_file()).count(), 1, "nothing else is left");
    }
}
