//! The columns of every pane, as one registry: headings, widths, sorting, filters and JSON names come from it.

use crate::model::Kind;

/// A list of rows of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// Volumes: one row per PersistentVolumeClaim.
    Volumes,
    /// Restore points: snapshots and Velero items.
    RestorePoints,
    /// Certificates: TLS Secrets, and cert-manager Certificates whose Secret is not visible.
    Certificates,
    /// Findings of static analysis.
    Findings,
}

impl Pane {
    /// All panes, in the order of their number keys.
    pub const ALL: [Pane; 4] = [Pane::Volumes, Pane::RestorePoints, Pane::Certificates, Pane::Findings];

    /// The pane in which objects of a kind have rows.
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Pvc => Some(Self::Volumes),
            Kind::VolumeSnapshot | Kind::DataUpload | Kind::PodVolumeBackup => Some(Self::RestorePoints),
            Kind::TlsSecret | Kind::Certificate => Some(Self::Certificates),
            _ => None,
        }
    }

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Volumes => "Volumes",
            Self::RestorePoints => "Restore points",
            Self::Certificates => "Certificates",
            Self::Findings => "Findings",
        }
    }

    /// Its name in commands: `holdfast get NAME` and `:NAME`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Volumes => "volumes",
            Self::RestorePoints => "restore-points",
            Self::Certificates => "certificates",
            Self::Findings => "findings",
        }
    }

    /// Its place in [`Pane::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Volumes => 0,
            Self::RestorePoints => 1,
            Self::Certificates => 2,
            Self::Findings => 3,
        }
    }

    /// Its columns, in reading order.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Volumes => VOLUMES,
            Self::RestorePoints => RESTORE_POINTS,
            Self::Certificates => CERTIFICATES,
            Self::Findings => &[],
        }
    }
}

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers and ages.
    Right,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Name in filters and JSON.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// Cells it needs at least.
    pub min: u16,
    /// Cells it can use; what is above `min` is shared out.
    pub max: u16,
    /// Where its text stands.
    pub align: Align,
    /// What goes first when there is no room: the highest number. Zero never goes.
    pub drop: u8,
}

macro_rules! columns {
    ($($id:literal $title:literal $min:literal..$max:literal $align:ident $drop:literal $doc:literal;)*) => {
        &[$(Column {
            id: $id, title: $title, doc: $doc, min: $min, max: $max, align: Align::$align, drop: $drop,
        },)*]
    };
}

const VOLUMES: &[Column] = columns! {
    "state"       "State"       13..13 Left  0 "Coverage: is there a good copy that is young enough";
    "namespace"   "Namespace"    9..16 Left  1 "Namespace of the claim";
    "name"        "Name"        16..32 Left  0 "Name of the claim";
    "lastGood"    "Last good"    9..9  Right 0 "Age of the last good restore point";
    "rpo"         "RPO"          5..7  Right 2 "How old the last good copy may be";
    "fate"        "Fate"        14..14 Left  4 "What would delete the data or its copies";
    "copies"      "Copies"       6..14 Right 5 "Restore points: good ones, and those that are not";
    "encrypted"   "Encrypted"    10..10 Left  6 "Whether there is evidence that the data is encrypted at rest";
    "capacity"    "Size"         6..8  Right 3 "Capacity of the volume";
    "used"        "Used"        10..11 Right 8 "How much of it is used, as its kubelet measured it";
    "class"       "Class"        8..16 Left  9 "StorageClass";
    "usedBy"      "Used by"     10..32 Left  7 "Workload or pods that mount it";
};

const RESTORE_POINTS: &[Column] = columns! {
    "state"       "State"       12..12 Left  0 "Whether one can restore from it";
    "namespace"   "Namespace"    9..16 Left  2 "Namespace of the snapshot";
    "name"        "Name"        22..40 Left  0 "Name of the snapshot or Velero item";
    "cut"         "Cut"          5..6  Right 0 "How long ago it was cut";
    "volume"      "Volume"      14..28 Left  1 "Claim whose data it holds, by driver and volume handle";
    "size"        "Size"         6..8  Right 3 "Size that a restore needs";
    "deletion"    "On delete"    9..9  Left  4 "What deleting the snapshot object does to the copy";
    "class"       "Class"        8..24 Left  5 "VolumeSnapshotClass or Velero kind";
};

const CERTIFICATES: &[Column] = columns! {
    "state"       "State"       14..14 Left  0 "Whether TLS with it works, and for how long";
    "namespace"   "Namespace"    9..16 Left  1 "Namespace";
    "name"        "Name"        18..28 Left  0 "Name of the Secret, or of the Certificate where its Secret is not visible";
    "expires"     "Expires"     10..12 Right 0 "When the earliest certificate of the chain ends";
    "place"       "Place"       14..16 Left  6 "Where the certificate is kept";
    "names"       "Names"       18..32 Left  2 "Names the certificate is for";
    "managedBy"   "Managed by"  20..28 Left  3 "What renews it";
    "issuer"      "Issuer"      16..28 Left  5 "Who signed it";
    "users"       "Users"       12..28 Left  4 "Workloads or pods that use it";
};

/// From this width on, columns that never go get more than their least before others get any.
const ROOMY: u16 = 100;

/// Which columns fit a width, each with its place in the registry and the cells it gets. Separators are one cell.
pub fn fit(columns: &[Column], width: u16) -> Vec<(usize, u16)> {
    let least = |column: &Column| {
        let comfortable = width >= ROOMY && column.drop == 0;
        if comfortable { u16::midpoint(column.min, column.max) } else { column.min }
    };
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needed = |kept: &[usize]| kept.iter().map(|i| least(&columns[*i]) + 1).sum::<u16>().saturating_sub(1);
    while needed(&kept) > width {
        let last = kept.iter().copied().filter(|i| columns[*i].drop > 0).max_by_key(|i| columns[*i].drop);
        let Some(last) = last else { break };
        kept.retain(|i| *i != last);
    }
    let mut fitted: Vec<(usize, u16)> = kept.iter().map(|i| (*i, least(&columns[*i]))).collect();
    let mut spare = width.saturating_sub(needed(&kept));
    // What never goes is filled first: the name of a row is worth more than a wide column beside it.
    for first in [true, false] {
        loop {
            let mut widened = false;
            for (i, width) in &mut fitted {
                if spare > 0 && *width < columns[*i].max && (columns[*i].drop == 0) == first {
                    *width += 1;
                    spare -= 1;
                    widened = true;
                }
            }
            if !widened {
                break;
            }
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_named_once_documented_and_fits_its_heading() {
        for pane in Pane::ALL {
            let columns = pane.columns();
            for (i, column) in columns.iter().enumerate() {
                assert!(!column.doc.is_empty() && column.min <= column.max, "{}", column.id);
                assert!(crate::text::width(column.title) <= column.max.into(), "{}", column.id);
                assert!(columns[i + 1..].iter().all(|other| other.id != column.id), "{}", column.id);
            }
        }
    }

    #[test]
    fn narrow_panes_keep_what_matters_and_wide_ones_fill() {
        let ids = |width| -> Vec<&str> { fit(VOLUMES, width).iter().map(|(i, _)| VOLUMES[*i].id).collect() };
        assert_eq!(ids(44), ["state", "name", "lastGood"]);
        assert!(ids(200).len() == VOLUMES.len());
        for width in [45, 58, 78, 118, 198] {
            let used: u16 = fit(VOLUMES, width).iter().map(|(_, w)| w + 1).sum::<u16>() - 1;
            assert!(used <= width, "{used} of {width}");
        }
    }
}
