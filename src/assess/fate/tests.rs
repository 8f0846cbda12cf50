//! Rules of `fate`, one case each.
