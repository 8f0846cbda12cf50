//! `holdfast procedure`: prints a procedure for the team's wiki.

use super::{Exit, Failure, out};
use crate::runbook::manual::{MANUALS, find};
use crate::text;

pub(super) fn run(name: Option<&str>) -> Result<Exit, Failure> {
    let Some(name) = name else {
        let lines = MANUALS.iter().map(|manual| format!("{:<10} {}", manual.name, manual.title));
        lines.into_iter().try_for_each(out::line)?;
        return Ok(Exit::Fine);
    };
    let names: Vec<String> = MANUALS.iter().map(|manual| manual.name.to_owned()).collect();
    let unknown = || format!("there is no procedure {}; there are {}", text::sanitize(name), text::list(&names));
    let manual = find(name).ok_or_else(|| Failure::new(Exit::Usage, unknown()))?;
    out::print(manual.markdown())?;
    Ok(Exit::Fine)
}
