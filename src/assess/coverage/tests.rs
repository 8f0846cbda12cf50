//! Rules of `coverage`, one case each.
