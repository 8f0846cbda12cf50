//! Errors with their causes, as one text.

use std::error::Error;

/// An error with all its causes, outermost first; a cause that is already said is not said again. Not made safe for
/// a terminal: causes may hold text from outside.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
