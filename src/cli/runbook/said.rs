//! What happens in a run, in lines of text.

use crate::journal::Entry;
use crate::runbook::history::Body;
use crate::runbook::turn::Ask;
use crate::text;
use crate::view::happened;

/// One entry, with its time.
pub(super) fn entry(entry: &Entry<Body>) -> String {
    let at = entry.at.strftime("%H:%M:%SZ");
    format!("{at}  {}", happened(&entry.body).1)
}

/// What a person is asked.
pub(super) fn question(ask: &Ask) -> Vec<String> {
    let clean = |text: &str| text.lines().map(|line| format!("  {}", text::sanitize(line))).collect::<Vec<_>>();
    match ask {
        Ask::Do(what) | Ask::Attest(what) => clean(what),
        Ask::Approve(what) => [vec!["  a second person has to agree:".to_owned()], clean(what)].concat(),
        Ask::Choose(offers) => {
            let line = |(place, offer): (usize, &crate::runbook::turn::Offer)| {
                let mark = if offer.recommended { "  (recommended)" } else { "" };
                format!("  {}  {}  {}{mark}", place + 1, text::sanitize(&offer.value), offer.says)
            };
            offers.iter().enumerate().map(line).collect()
        }
        Ask::Failed(why, fails) => {
            [vec![format!("  failed: {}", text::sanitize(why))], vec!["  what to do:".to_owned()], clean(fails)]
                .concat()
        }
    }
}
