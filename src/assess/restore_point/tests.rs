//! Rules of `restore_point`, one case each.
