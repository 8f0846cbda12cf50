//! Rules of `encryption`, one case each.
