//! One decision as a line: JSON with its members in one order, so that a diff shows what was decided and nothing else.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{About, Decided, Flaw};
use crate::model::{Decision, FindingId, TriageState, Undecidable};
use crate::text;

/// The most that one line may hold, in bytes.
const MOST: usize = 64 << 10;

/// Lines of one file that are named because they are no decisions; of more it is said that there are.
const NAMED: usize = 100;

/// What git writes into a file that two people changed.
const MARKS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    finding: String,
    #[serde(default)]
    rule: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default)]
    tool: String,
    at: Timestamp,
    state: String,
    author: String,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// A decision as a line, with its end.
pub(super) fn written(one: &Decided) -> String {
    let (about, decision) = (&one.about, &one.decision);
    let line = Written {
        finding: one.finding.to_string(),
        rule: about.rule.to_string(),
        path: about.path.to_string(),
        line: Some(about.line).filter(|line| *line > 0),
        tool: about.tool.to_string(),
        at: decision.at,
        state: decision.state.word().to_owned(),
        author: decision.author.trim().to_owned(),
        reason: decision.reason.trim().to_owned(),
        until: decision.until,
    };
    // Strings, numbers and times: they always serialise.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// What a file says. What is no decision is named with its line.
pub(super) fn read(text: &[u8], path: &Path) -> (Vec<Decided>, Vec<Flaw>) {
    let (mut decided, mut flaws) = (Vec::new(), Vec::new());
    let shown = text::sanitize(&path.display().to_string()).into_owned();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if flaws.len() > NAMED {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut flaw = |what: String, lost: bool| {
            let place = format!("{shown}:{number}");
            let what = if flaws.len() == NAMED {
                format!("is one of more than {NAMED} lines that are no decisions; nothing after it is read")
            } else {
                text::sanitize(&what).into_owned()
            };
            flaws.push(Flaw { place, what, lost: lost || flaws.len() == NAMED });
        };
        match one(line) {
            Ok(one) => {
                if one.decision.check() == Err(Undecidable::Endless) {
                    flaw(format!("{}; it does not count", Undecidable::Endless), false);
                }
                decided.push(one);
            }
            Err(Wrong { what, lost }) => flaw(what, lost),
        }
    }
    (decided, flaws)
}

struct Wrong {
    what: String,
    lost: bool,
}

fn one(line: &[u8]) -> Result<Decided, Wrong> {
    let lost = |what: String| Wrong { what, lost: true };
    if line.len() > MOST {
        return Err(lost(format!("is longer than {} KiB and is not read", MOST >> 10)));
    }
    if MARKS.iter().any(|mark| line.starts_with(mark.as_bytes())) {
        let what = "is a mark of git for a conflict; the lines of both sides count, and the mark can go".to_owned();
        return Err(Wrong { what, lost: false });
    }
    let line: Written = serde_json::from_slice(line).map_err(|error| {
        if error.is_eof() {
            // Nobody was told that this was decided: writing it had not returned.
            let what = "is cut short: it was never decided, and the line can go".to_owned();
            return Wrong { what, lost: false };
        }
        lost(format!("is no decision: {error}"))
    })?;
    let hex = line.finding.len() == 32 && line.finding.bytes().all(|byte| byte.is_ascii_hexdigit());
    let finding = u128::from_str_radix(&line.finding, 16).ok().filter(|_| hex);
    let finding = finding.ok_or_else(|| lost("is no decision: its finding is not 32 hexadecimal digits".to_owned()))?;
    let state = TriageState::parse(&line.state).ok_or_else(|| {
        let words = text::list(&TriageState::ALL.map(TriageState::word));
        lost(format!("is no decision: there is no state \"{}\"; there are {words}", line.state))
    })?;
    Ok(Decided {
        finding: FindingId(finding),
        about: About {
            rule: line.rule.into(),
            path: line.path.into(),
            line: line.line.unwrap_or(0),
            tool: line.tool.into(),
        },
        decision: Decision {
            at: line.at,
            state,
            author: line.author.into(),
            reason: line.reason.into(),
            until: line.until,
        },
    })
}
