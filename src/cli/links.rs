//! `holdfast links`: how findings are tied to what runs.

use std::path::Path;

use super::args::{Global, Links, LinksTest};
use super::{Exit, Failure, get, open, out};
use crate::assess::linking::Chains;
use crate::config::links::load;
use crate::config::{Config, ScanPlace};
use crate::model::Linking;
use crate::session::Unnamed;
use crate::store::{self, Scans};
use crate::text;

pub(super) async fn run(global: &Global, what: &Links) -> Result<Exit, Failure> {
    match what {
        Links::Test(asked) => test(global, asked).await,
        Links::Check { file } => check(global, file.as_deref()),
    }
}

fn check(global: &Global, file: Option<&Path>) -> Result<Exit, Failure> {
    let named = match file {
        Some(path) => Some(path.to_owned()),
        None => Config::load(global.config.as_deref())?.findings.links,
    };
    let Some(path) = named else {
        let message = "no links file is named; give one, or set findings.links in the configuration";
        return Err(Failure::new(Exit::Usage, message));
    };
    let shown = text::sanitize(&path.display().to_string()).into_owned();
    match load(&path) {
        Ok(linking) => {
            let rules = text::plural(linking.rules.len(), "rule", "rules");
            let pins = text::plural(linking.pins.len(), "pin", "pins");
            out::line(format_args!("{shown}: {rules}, {pins}, nothing wrong"))?;
            Ok(Exit::Fine)
        }
        Err(error) => Err(Failure::new(Exit::Usage, error)),
    }
}

/// What operators say, by the file that the configuration names.
///
/// # Errors
/// With everything that is wrong with the file.
pub(super) fn linking(config: &Config) -> Result<Linking, Failure> {
    match &config.findings.links {
        Some(path) => load(path).map_err(|error| Failure::new(Exit::Usage, error)),
        None => Ok(Linking::default()),
    }
}

/// Tells, step by step, which containers the scans of a log are tied to, how well, and what would tie them better.
async fn test(global: &Global, asked: &LinksTest) -> Result<Exit, Failure> {
    let now = store::now();
    let mut scans = Scans::new(vec![ScanPlace { path: asked.file.clone(), trusted: asked.trusted }]);
    scans.look(true, now);
    for fault in scans.faults() {
        out::say(format_args!("holdfast: {fault}"));
    }
    let kinds = get::VOLUME_KINDS;
    let mut session = open::session(global, kinds, Unnamed::All)?;
    open::settle(&mut session, kinds).await?;
    session.look_once();
    let whole = open::warn_of_blind_spots(&session, kinds);
    let chains = Chains::of(&session.desk().world);
    let (mut scanned, mut tied) = (0, 0);
    for taken in scans.files().flat_map(|file| &file.taken) {
        scanned += 1;
        let scan = &taken.scan;
        let judged = chains.trace(scan, asked.trusted, asked.path.as_deref());
        tied += usize::from(!judged.value.is_empty());
        let when = scan.at.map(|(at, _)| format!(", {at:.0}")).unwrap_or_default();
        let count = text::plural(scan.findings.len(), "finding", "findings");
        out::line(format_args!("scan of {}{when}: {count}", text::sanitize(&scan.tool)))?;
        for reason in &judged.reasons {
            out::line(format_args!("  {}", text::sanitize(&reason.text)))?;
            if let Some(next) = &reason.next {
                out::line(format_args!("    → {}", text::sanitize(next)))?;
            }
        }
    }
    Ok(if whole && scanned > 0 && tied == scanned { Exit::Fine } else { Exit::Unknown })
}
