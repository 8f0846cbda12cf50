//! Rules of `expiry`, one case each.
