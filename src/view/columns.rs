//! The columns of every pane, as one registry: headings, widths, sorting, filters and JSON names come from it.

use std::collections::BTreeSet;

use crate::model::Kind;

/// A list of rows of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// Volumes: one row per PersistentVolumeClaim.
    Volumes,
    /// Restore points: snapshots and Velero items.
    RestorePoints,
    /// Certificates: TLS Secrets, cert-manager Certificates whose Secret is not visible, what signs certificates and
    /// asks for them, what API servers trust, and each data key of other Secrets and of ConfigMaps with certificates.
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
            Kind::TlsSecret
            | Kind::Certificate
            | Kind::CertificateRequest
            | Kind::Issuer
            | Kind::ClusterIssuer
            | Kind::MutatingWebhook
            | Kind::ValidatingWebhook
            | Kind::ApiService
            | Kind::Crd
            | Kind::SigningRequest
            | Kind::Order
            | Kind::Challenge
            | Kind::OtherSecret
            | Kind::ConfigMap
            | Kind::Ingress
            | Kind::Gateway => Some(Self::Certificates),
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
            Self::Findings => FINDINGS,
        }
    }
}

impl Pane {
    /// The place of the column that a name stands for: its id, its heading, or the beginning of one id only.
    ///
    /// # Errors
    /// When there is none, or more than one; the words say which are near.
    pub fn column(self, name: &str) -> Result<usize, String> {
        super::filter::column(name, self.columns())
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

/// What the values of a column are, and so what `>` and `<` compare them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Words; they are not compared.
    Words,
    /// Counts.
    Number,
    /// Bytes.
    Bytes,
    /// Used space: bytes, or per cent of what there is.
    Used,
    /// Spans of time.
    Span,
    /// Moments in the past, compared by how long ago they were.
    Past,
    /// Moments to come, compared by how long it is until then.
    Future,
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
    /// What its values are.
    pub measure: Measure,
    /// What goes first when there is no room: the highest number. Zero never goes.
    pub drop: u8,
}

impl Column {
    /// Whether it stays where it is while the others are scrolled, and cannot be taken off the screen.
    pub fn sticky(&self) -> bool {
        matches!(self.id, "state" | "name")
    }
}

macro_rules! columns {
    ($($id:literal $title:literal $min:literal..$max:literal $align:ident $measure:ident $drop:literal $doc:literal;)*) => {
        &[$(Column {
            id: $id, title: $title, doc: $doc, min: $min, max: $max, align: Align::$align,
            measure: Measure::$measure, drop: $drop,
        },)*]
    };
}

const VOLUMES: &[Column] = columns! {
    "state"       "State"       13..13 Left  Words  0 "Coverage: is there a good copy that is young enough";
    "namespace"   "Namespace"    9..16 Left  Words  1 "Namespace of the claim";
    "name"        "Name"        16..32 Left  Words  0 "Name of the claim";
    "lastGood"    "Last good"    9..9  Right Past   0 "Age of the last good restore point";
    "rpo"         "RPO"          5..7  Right Span   2 "How old the last good copy may be";
    "nextRun"     "Next run"     8..9  Right Future 10 "When the next backup is expected: by its policy or Velero's schedules, or at last by its objective";
    "fate"        "Fate"        14..14 Left  Words  4 "What would delete the data or its copies";
    "copies"      "Copies"       6..14 Right Number 5 "Restore points: good ones, and those that are not";
    "encrypted"   "Encrypted"    10..10 Left  Words  6 "Whether there is evidence that the data is encrypted at rest";
    "capacity"    "Size"         6..8  Right Bytes  3 "Capacity of the volume";
    "used"        "Used"        10..11 Right Used   8 "How much of it is used, as its kubelet measured it";
    "class"       "Class"        8..16 Left  Words  9 "StorageClass";
    "usedBy"      "Used by"     10..32 Left  Words  7 "Workload or pods that mount it";
};

const RESTORE_POINTS: &[Column] = columns! {
    "state"       "State"       12..12 Left  Words  0 "Whether one can restore from it";
    "namespace"   "Namespace"    9..16 Left  Words  2 "Namespace of the snapshot";
    "name"        "Name"        22..40 Left  Words  0 "Name of the snapshot or Velero item";
    "cut"         "Cut"          5..6  Right Past   0 "How long ago it was cut";
    "volume"      "Volume"      14..28 Left  Words  1 "Claim whose data it holds, by driver and volume handle";
    "size"        "Size"         6..8  Right Bytes  4 "Size that a restore needs";
    "trust"       "Trust"       16..16 Left  Words  3 "Whether it was cut before code with a finding of concern could write the data";
    "proven"      "Proven"       6..8  Right Past   5 "How long ago a restore drill last proved it; no when the last one failed";
    "deletion"    "On delete"    9..9  Left  Words  6 "What deleting the snapshot object does to the copy";
    "heldUntil"   "Held until"  12..12 Left  Words  7 "Whether it is held, so that nothing here deletes it, and until when";
    "class"       "Class"        8..24 Left  Words  8 "VolumeSnapshotClass or Velero kind";
};

const FINDINGS: &[Column] = columns! {
    "state"       "State"       14..16 Left  Words  0 "Whether it counts: open, acknowledged, not seen by a newer scan that proves nothing; or gone with proof, suppressed by its scanner, or decided upon";
    "band"        "Band"         8..8  Left  Words  0 "How bad it is";
    "from"        "From"         5..8  Left  Words  8 "What its band was read from: an override, a score, CVSS, a word or the level";
    "rule"        "Rule"        16..32 Left  Words  0 "Id of the rule";
    "path"        "Path"        18..40 Left  Words  1 "File, below the root of the sources";
    "line"        "Line"         4..6  Right Number 3 "Line in the file";
    "workload"    "Runs in"     12..28 Left  Words  2 "Workloads whose programs a scan that has it is linked to";
    "priority"    "Prio"         4..5  Right Number 4 "How urgent it is: how bad, times how sure it is that it runs here, times the data at risk";
    "tool"        "Tool"         8..16 Left  Words  6 "Scanner";
    "first"       "First seen"  10..10 Right Past   7 "How long ago a scan first had it; its code may have run before";
    "last"        "Last seen"    9..9  Right Past   5 "How long ago a scan last had it";
    "cwe"         "CWE"          8..16 Left  Words  9 "Weaknesses (CWE) of the rule and the finding";
    "message"     "Message"     20..60 Left  Words  5 "What it says";
};

const CERTIFICATES: &[Column] = columns! {
    "state"       "State"       14..14 Left  Words  0 "Whether TLS with it works, and for how long; of issuers and requests, how they stand";
    "namespace"   "Namespace"    9..16 Left  Words  1 "Namespace";
    "name"        "Name"        18..28 Left  Words  0 "Name of the Secret or ConfigMap, of the Certificate where its Secret is not visible, or of another object of TLS";
    "expires"     "Expires"     10..12 Right Future 0 "When the earliest certificate of the chain ends; of a trust bundle, the last CA that serves";
    "place"       "Place"       14..16 Left  Words  6 "Where the certificate is kept, with its data key, and whether it is a CA; or what kind of object it is";
    "names"       "Names"       18..32 Left  Words  2 "Names the certificate is for; of a trust bundle, who is called";
    "managedBy"   "Managed by"  20..28 Left  Words  3 "What renews it";
    "issuer"      "Issuer"      16..28 Left  Words  5 "Who signed it or is to sign; of a trust bundle, its CA";
    "users"       "Users"       12..28 Left  Words  4 "What uses it: workloads, pods, Certificates or API servers";
};

/// The columns of the list of problems, for filters.
pub(super) const PROBLEMS: &[Column] = columns! {
    "state"       "State"       16..16 Left  Words  0 "What is wrong, in a word";
    "kind"        "Kind"        10..24 Left  Words  3 "Kind of the object";
    "namespace"   "Namespace"    9..16 Left  Words  2 "Namespace of the object";
    "name"        "Name"        16..44 Left  Words  0 "Name of the object, or what the operation does";
    "why"         "Why"         20..80 Left  Words  1 "Why it is a problem";
    "next"        "Next"        20..80 Left  Words  4 "What to do next";
    "since"       "Since"        5..6  Right Past   5 "Since when, where that is known";
};

/// Which columns are on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Each with its place in the registry and the cells it gets, from left to right.
    pub columns: Vec<(usize, u16)>,
    /// How many were scrolled away to the left.
    pub before: usize,
    /// How many there are to the right.
    pub after: usize,
}

/// From this width on, columns that never go get more than their least before others get any.
const ROOMY: u16 = 100;

/// Which columns fit a width, when some are taken off and the first `skip` that move are scrolled away. Separators
/// are one cell.
///
/// Nothing scrolled shows the best of what fits, in reading order. What did not fit follows to the right, so that
/// scrolling reaches every column; those that are [sticky](Column::sticky) stay on the left.
pub fn fit(columns: &[Column], off: &BTreeSet<usize>, width: u16, skip: usize) -> Fitted {
    let least = |i: usize| {
        let column = &columns[i];
        let comfortable = width >= ROOMY && column.drop == 0;
        if comfortable { u16::midpoint(column.min, column.max) } else { column.min }
    };
    let needed = |kept: &[usize]| kept.iter().map(|i| least(*i) + 1).sum::<u16>().saturating_sub(1);
    let on: Vec<usize> = (0..columns.len()).filter(|i| columns[*i].sticky() || !off.contains(i)).collect();
    let mut best = on.clone();
    while needed(&best) > width {
        let last = best.iter().copied().filter(|i| columns[*i].drop > 0).max_by_key(|i| columns[*i].drop);
        let Some(last) = last else { break };
        best.retain(|i| *i != last);
    }
    let left_out: Vec<usize> = on.iter().copied().filter(|i| !best.contains(i)).collect();
    let moving: Vec<usize> = best.iter().chain(&left_out).copied().filter(|i| !columns[*i].sticky()).collect();
    let sticky: Vec<usize> = on.iter().copied().filter(|i| columns[*i].sticky()).collect();
    // How many of those from a place on fit beside the sticky ones. One is shown even if it must be cut.
    let room = |from: usize| {
        let fits = |count: &usize| needed(&[&sticky[..], &moving[from..from + count]].concat()) <= width;
        (1..=moving.len() - from).rev().find(fits).unwrap_or(1)
    };
    let most = (0..moving.len()).find(|from| left_out.is_empty() || from + room(*from) == moving.len());
    let skip = skip.min(most.unwrap_or_else(|| moving.len().saturating_sub(1)));
    if skip == 0 {
        let after = left_out.len();
        return Fitted {
            columns: share(columns, best.iter().map(|i| (*i, least(*i))).collect(), width),
            before: 0,
            after,
        };
    }
    let count = room(skip);
    let beside = width.saturating_sub(needed(&sticky) + 1);
    let moved = moving[skip..skip + count].iter().map(|i| (*i, least(*i).min(beside)));
    let shown = sticky.iter().map(|i| (*i, least(*i))).chain(moved).collect();
    Fitted { columns: share(columns, shown, width), before: skip, after: moving.len() - skip - count }
}

/// Shares out the width that is left. What never goes is filled first: the name of a row is worth more than a wide
/// column beside it.
fn share(columns: &[Column], mut fitted: Vec<(usize, u16)>, width: u16) -> Vec<(usize, u16)> {
    let used = fitted.iter().map(|(_, width)| width + 1).sum::<u16>().saturating_sub(1);
    let mut spare = width.saturating_sub(used);
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

    fn ids(fitted: &Fitted) -> Vec<&'static str> {
        fitted.columns.iter().map(|(i, _)| VOLUMES[*i].id).collect()
    }

    fn fitted(width: u16, skip: usize) -> Fitted {
        fit(VOLUMES, &BTreeSet::new(), width, skip)
    }

    #[test]
    fn narrow_panes_keep_what_matters_and_wide_ones_fill() {
        assert_eq!(ids(&fitted(44, 0)), ["state", "name", "lastGood"]);
        assert_eq!(ids(&fitted(200, 0)).len(), VOLUMES.len());
        for (width, skip) in [45, 58, 78, 118, 198].into_iter().flat_map(|width| (0..14).map(move |skip| (width, skip)))
        {
            let used: u16 = fitted(width, skip).columns.iter().map(|(_, w)| w + 1).sum::<u16>() - 1;
            assert!(used <= width, "{used} of {width}");
        }
    }

    #[test]
    fn scrolling_reaches_every_column_and_counts_those_on_either_side() {
        for width in [44, 58, 78, 118] {
            let mut seen = BTreeSet::new();
            let mut last = None;
            for skip in 0..=VOLUMES.len() {
                let now = fitted(width, skip);
                assert_eq!(ids(&now).iter().filter(|id| ["state", "name"].contains(id)).count(), 2, "{width} {skip}");
                assert_eq!(now.before + now.columns.len() + now.after, VOLUMES.len(), "{width} {skip}");
                seen.extend(ids(&now));
                last = Some(now);
            }
            assert_eq!(seen.len(), VOLUMES.len(), "{width}");
            assert_eq!(last.unwrap().after, 0, "the end is reached and not passed");
        }
        assert_eq!(fitted(200, 5), fitted(200, 0), "where all fit there is nothing to scroll");
    }

    #[test]
    fn columns_taken_off_make_room_and_sticky_ones_stay() {
        let off: BTreeSet<usize> = (0..VOLUMES.len() - 1).collect();
        let fitted = fit(VOLUMES, &off, 58, 0);
        assert_eq!(ids(&fitted), ["state", "name", "usedBy"]);
        assert_eq!((fitted.before, fitted.after), (0, 0));
    }
}
