//! Certificates as they are found in the field, good and bad.
