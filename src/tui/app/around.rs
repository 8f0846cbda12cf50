//! What keys do in trees and timelines, and how one comes to them and to the rotation of a CA.

use super::super::action::ActionId;
use super::super::layer::{Layer, Place};
use super::super::rotation::RotationLayer;
use super::super::timeline::{TimelineLayer, cells};
use super::super::tree::TreeLayer;
use super::App;
use crate::session::Desk;
use crate::view::{Whose, has_lanes, is_of_certificates};

impl App {
    /// Shows a tree or a timeline, or moves in the one on top.
    pub(super) fn look_around(&mut self, desk: &Desk, id: ActionId, argument: Option<&str>) {
        let (now, cells) = (desk.now, cells(self.areas(desk).body));
        match (id, self.layers.last_mut()) {
            (ActionId::Tree, _) => self.grow(desk),
            (ActionId::Timeline, _) => self.unroll(desk, argument),
            (ActionId::Fold, Some(Layer::Tree(tree))) => tree.fold(),
            (ActionId::Earlier, Some(Layer::Timeline(timeline))) => timeline.shift(now, cells, -1),
            (ActionId::Later, Some(Layer::Timeline(timeline))) => timeline.shift(now, cells, 1),
            (ActionId::PanBack, Some(Layer::Timeline(timeline))) => timeline.pan(now, cells, -1),
            (ActionId::PanOn, Some(Layer::Timeline(timeline))) => timeline.pan(now, cells, 1),
            (ActionId::ZoomIn, Some(Layer::Timeline(timeline))) => timeline.zoom(now, cells, true),
            (ActionId::ZoomOut, Some(Layer::Timeline(timeline))) => timeline.zoom(now, cells, false),
            (ActionId::Now, Some(Layer::Timeline(timeline))) => timeline.now(),
            _ => {}
        }
    }

    /// Steps into the branch of the tree on top, if there is one.
    pub(super) fn step_in(&mut self) -> bool {
        let Some(Layer::Tree(tree)) = self.layers.last_mut() else { return false };
        tree.step_in();
        true
    }

    /// Steps out of the branch of the tree on top, if there is one.
    pub(super) fn step_out(&mut self) -> bool {
        let Some(Layer::Tree(tree)) = self.layers.last_mut() else { return false };
        tree.step_out();
        true
    }

    /// Grows the tree of the selection.
    fn grow(&mut self, desk: &Desk) {
        if let Some(key) = self.target(desk) {
            self.push_view(Layer::Tree(Box::new(TreeLayer::new(key))));
        }
    }

    /// Shows how far the rotation of the selected CA has come.
    pub(super) fn show_rotation(&mut self, desk: &Desk) {
        let shown = matches!(self.layers.last(), Some(Layer::Rotation(_)));
        if let Some(standing) = self.rotation_of_ca(desk).ok().filter(|_| !shown) {
            self.push_view(Layer::Rotation(Box::new(RotationLayer::new(standing.former.clone()))));
        }
    }

    /// Shows the timeline of the selection; of the worst where the list is of problems or nothing has lanes of its own.
    fn unroll(&mut self, desk: &Desk, namespace: Option<&str>) {
        let own = self.target(desk).filter(|key| self.place() != Place::Problems && has_lanes(key));
        let certificates = match self.layers.last() {
            Some(Layer::Timeline(timeline)) if timeline.lane().is_some_and(is_of_certificates) => match &timeline.whose
            {
                Whose::Worst(within) | Whose::Certificates(within) => Some(Whose::Certificates(within.clone())),
                Whose::Object(_) => None,
            },
            _ => None,
        };
        let whose = match (namespace.filter(|name| !name.is_empty()), own) {
            (None, _) if certificates.is_some() => certificates.unwrap_or(Whose::Worst(None)),
            (Some(name), _) => Whose::Worst(Some(name.into())),
            (None, Some(key)) => Whose::Object(key),
            (None, None) => Whose::Worst(None),
        };
        self.push_view(Layer::Timeline(Box::new(TimelineLayer::new(whose))));
    }

    /// Lays a view upon the others; the last view is then what was there before.
    pub(super) fn push_view(&mut self, layer: Layer) {
        self.last = self.layers.clone();
        self.layers.push(layer);
        self.made_of = None;
    }
}
