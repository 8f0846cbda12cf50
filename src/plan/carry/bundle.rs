//! The bundle of a restore point: its schema, how it is written and how it is read.
//!
//! YAML, of which JSON is a part. The schema has a version; what this console does not know is refused, not guessed.
//! It holds no Secret: of parameters that name one it keeps the name, and it leaves out those that may be one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text;

/// What a bundle says it is.
pub const FORMAT: &str = "holdfast-restore-point";

/// The version of the schema that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// A bundle, as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`].
    format: String,
    /// [`VERSION`].
    version: u32,
    /// SHA-256 of `content` as JSON with sorted keys and no spaces, lower-case hex.
    sha256: String,
    /// What it says.
    content: Content,
}

/// What a bundle says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Content {
    /// When, by whom and where it was written.
    pub exported: Exported,
    /// The copy.
    pub restore_point: Point,
    /// The claim that was cut.
    pub claim: Origin,
    /// The StorageClass of its volume, where it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<Class>,
    /// The VolumeSnapshotClass of the copy, where it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_class: Option<Class>,
    /// What may surprise who restores from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// When, by whom and where a bundle was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exported {
    /// When.
    pub at: Timestamp,
    /// By whom, as the API server knew them.
    pub by: String,
    /// The kubeconfig context.
    pub context: String,
    /// The API server.
    pub server: String,
    /// UID of namespace kube-system, by which clusters are told apart; `None` where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// The copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Point {
    /// Namespace of its VolumeSnapshot.
    pub namespace: String,
    /// Name of its VolumeSnapshot.
    pub name: String,
    /// UID of its VolumeSnapshot.
    pub uid: String,
    /// CSI driver.
    pub driver: String,
    /// The name of the copy in storage.
    pub handle: String,
    /// The moment of the cut.
    pub cut: Timestamp,
    /// Bytes that a restore needs; `None` when the driver did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_size: Option<u64>,
    /// `Filesystem` or `Block`; `None` when it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mode: Option<String>,
    /// What deleting the VolumeSnapshot at its origin does to the copy.
    pub deletion_policy: String,
    /// `crash` or `application`; `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<String>,
    /// The identity of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<String>,
    /// Images that wrote the volume at the cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// What its last restore drill that succeeded found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_proven: Option<String>,
}

/// The claim that was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its name; `None` where the copy was itself imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its `spec`, without what binds it to its volume.
    pub spec: Value,
}

/// A class, with the parameters that say how volumes or copies are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Its parameters. Of Secrets the names alone; what may be a secret itself is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl Content {
    fn digest(&self) -> String {
        // A `Value` keeps its keys sorted. Strings, numbers and maps with string keys always serialise.
        let value = serde_json::to_value(self).unwrap_or_default();
        text::sha256(value.to_string().as_bytes())
    }
}

impl Bundle {
    /// A bundle that says this.
    pub fn new(content: Content) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, sha256: content.digest(), content }
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// As it stands in a file.
    ///
    /// # Errors
    /// When it cannot be written as YAML.
    pub fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }

    /// Reads what stands in a file.
    ///
    /// # Errors
    /// When it is not a bundle of this version, or was changed after it was written: `LINE:COLUMN: why`, or why
    /// alone where it is about the whole.
    pub fn parse(text: &str) -> Result<Self, String> {
        let head: Head = serde_saphyr::from_str(text).map_err(|error| said(&error))?;
        match (head.format.as_deref(), head.version) {
            (Some(FORMAT), Some(VERSION)) => {}
            (Some(FORMAT), Some(version)) => {
                return Err(format!("it is of version {version}, this console reads version {VERSION}"));
            }
            _ => return Err(format!("it is no bundle of a restore point: it does not begin with format: {FORMAT}")),
        }
        let bundle: Self = serde_saphyr::from_str(text).map_err(|error| said(&error))?;
        if bundle.sha256 != bundle.content.digest() {
            return Err("its content was changed after it was written: its sha256 is another".to_owned());
        }
        Ok(bundle)
    }
}

/// What tells whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u32>,
}

/// An error of the reader in one line, with its place in front.
fn said(error: &serde_saphyr::Error) -> String {
    let place = error.location().map(|at| format!("{}:{}: ", at.line(), at.column())).unwrap_or_default();
    let why = error.without_snippet().to_string();
    // It names the place itself, behind the words.
    let why = why.split(" at line ").next().unwrap_or_default();
    format!("{place}{}", text::sanitize(why.lines().next().unwrap_or_default()))
}

#[cfg(test)]
pub(super) mod tests;
