//! One result of a scan, read again from the file that holds it.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;

use super::scans::{Hashing, hash_now};
use crate::model::ScanSource;
use crate::sarif;

/// The most bytes of one result that are read again.
const MOST: u64 = 64 << 20;

/// The bytes of a result: its range in the text of its source. The whole file is read, so that it is known to be the
/// one that the result was found in.
///
/// # Errors
/// In words: there is no such file here any more, it holds something else by now, or the result is too large.
pub fn excerpt(source: &ScanSource, range: &Range<u64>) -> Result<Vec<u8>, String> {
    if range.is_empty() {
        let why = "it stands in a file beside its source, in a ConfigMap, or in a log that was replaced";
        return Err(format!("{why}, and is not read again"));
    }
    if range.end - range.start > MOST {
        return Err(format!("it is larger than {}, and is not read again", crate::text::bytes(MOST)));
    }
    let path = Path::new(&*source.name);
    let said = |error: io::Error| format!("{} cannot be read again: {error}", path.display());
    if !fs::metadata(path).map_err(said)?.is_file() {
        return Err(format!("{} is no regular file any more", path.display()));
    }
    let mut hashing = Hashing::of(File::open(path).map_err(said)?);
    let bytes = sarif::excerpt(&mut hashing, range).map_err(said)?;
    io::copy(&mut hashing, &mut io::sink()).map_err(said)?;
    if hash_now(path, hashing.finish()) != source.bytes {
        return Err(format!("{} holds another scan by now", path.display()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sarif::{Limits, Origin};

    const LOG: &str = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[
        {"ruleId":"a","message":{"text":"one"}},{"ruleId":"b","message":{"text":"two"}}]}]}"#;

    fn source(path: &Path) -> ScanSource {
        let mut hashing = Hashing::of(File::open(path).unwrap());
        io::copy(&mut hashing, &mut io::sink()).unwrap();
        ScanSource { name: path.display().to_string().into(), bytes: hashing.finish(), trusted: true }
    }

    #[test]
    fn a_log_with_a_stamp_beside_it_is_read_again_while_neither_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("a.sarif"), folder.path().join("a.sarif.link.toml"));
        fs::write(&path, LOG).unwrap();
        fs::write(&beside, "name = \"db\"").unwrap();
        let mut scans = crate::store::Scans::new(vec![crate::config::ScanPlace { path, trusted: true }]);
        scans.look(true, jiff::Timestamp::UNIX_EPOCH);
        let taken = scans.files().next().unwrap().taken[0].clone();
        let raw = taken.scan.findings[0].raw.clone();
        assert_eq!(excerpt(&taken.source, &raw).unwrap(), br#"{"ruleId":"a","message":{"text":"one"}}"#);
        fs::write(&beside, "name = \"web\"").unwrap();
        assert!(excerpt(&taken.source, &raw).unwrap_err().contains("holds another scan by now"));
    }

    #[test]
    fn a_result_is_read_again_only_from_the_file_it_was_found_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sarif");
        fs::write(&path, LOG).unwrap();
        let log = sarif::read(LOG.as_bytes(), &Origin::default(), &Limits::default());
        let (source, range) = (source(&path), log.scans[0].findings[1].raw.clone());
        assert_eq!(excerpt(&source, &range).unwrap(), br#"{"ruleId":"b","message":{"text":"two"}}"#);
        fs::write(&path, LOG.replace("two", "six")).unwrap();
        assert!(excerpt(&source, &range).unwrap_err().contains("holds another scan by now"));
        fs::remove_file(&path).unwrap();
        assert!(excerpt(&source, &range).unwrap_err().contains("cannot be read again"));
        assert!(excerpt(&source, &(0..0)).is_err() && excerpt(&source, &(0..MOST + 1)).is_err());
    }
}
