//! What a control is, and all of them.

use super::State;
use super::case::Look;
use super::controls::CONTROLS;
use super::evidence::Evidence;
use crate::model::Kind;

/// The requirements of catalogues that a control speaks to, by their numbers there. A catalogue that asks for nothing
/// of the kind has none.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// CIS Kubernetes Benchmark 1.10.
    pub cis: &'static [&'static str],
    /// ISO/IEC 27001:2022, Annex A.
    pub iso: &'static [&'static str],
    /// NIST SP 800-53 revision 5.
    pub nist: &'static [&'static str],
}

/// One control.
#[derive(Debug)]
pub struct Control {
    /// Its id; it stays the same for ever.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What has to be so.
    pub requirement: &'static str,
    /// What to do where it is not.
    pub remedy: &'static str,
    /// What it speaks to in catalogues.
    pub mapping: Mapping,
    /// Kinds that it is about: where the cluster does not serve one, it is [`Control::absent`].
    pub needs: &'static [Kind],
    /// Kinds that it looks at where they are served.
    pub reads: &'static [Kind],
    /// How it stands where something that it is about is not served: not applicable, or unknown.
    pub absent: State,
    /// Looks; gives a fact for each object.
    pub(super) judge: fn(&Look<'_>) -> Vec<Evidence>,
}

impl Control {
    /// Whether what it finds depends on the namespaces that are looked at. The journal is that of the machine, and
    /// reviews are of the cluster.
    pub fn scoped(&self) -> bool {
        !matches!(self.id, "journal" | "reviews")
    }

    /// Every kind that it looks at.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.needs.iter().chain(self.reads).copied()
    }
}

/// All controls, in the order of a report.
pub fn registry() -> &'static [Control] {
    CONTROLS
}

/// The control with this id.
pub fn control(id: &str) -> Option<&'static Control> {
    CONTROLS.iter().find(|control| control.id == id)
}
