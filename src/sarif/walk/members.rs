//! The members of a run, of its tool, and of what stands in place of them in external files (SARIF 2.1.0 §3.14,
//! §3.18, §3.19, §4).

use std::io::Read;

use super::super::around::{Automation, Taxonomy, invocations, provenance};
use super::super::element::Element;
use super::super::external::{External, Reference, guid, name, references};
use super::super::json::Cursor;
use super::super::place::Place;
use super::super::rules::strings;
use super::super::run::Run;
use super::super::uses::PlaceUse;
use super::super::window::{Fault, Window};
use super::{Decoded, MAX_KEY, Step, Walk};

/// Where the members come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// The run itself.
    Log,
    /// External properties, which add to it.
    Elsewhere,
}

impl Walk<'_> {
    /// One element of `runs`.
    pub(super) fn run<R: Read>(&mut self, window: &mut Window<R>) -> Step {
        let index = self.runs.len();
        if index >= self.limits.runs {
            let text = "there are more runs than are read; left out";
            self.shared.notes.lost("too-many-runs", || format!("runs[{index}]"), || text.into());
            return window.skip();
        }
        if window.peek() != Some(b'{') {
            self.shared.notes.lost("bad-run", || format!("runs[{index}]"), || "is not an object; left out".into());
            self.runs.push(Run { index, lost: 1, ..Run::default() });
            return window.skip();
        }
        self.runs.push(Run { index, ..Run::default() });
        self.object(window, &format!("runs[{index}]"), |walk, window, key| walk.member(window, index, key, From::Log))
    }

    fn member<R: Read>(&mut self, window: &mut Window<R>, run: usize, key: &str, from: From) -> Step {
        let at = format!("runs[{run}].{key}");
        match key {
            "results" => {
                self.runs[run].has_results |= window.peek() == Some(b'[');
                self.array(window, &at, |walk, window, index| walk.result(window, run, index, from))
            }
            "tool" if from == From::Log => self.object(window, &at, |walk, window, key| match key {
                "driver" => walk.component(window, run, 0),
                "extensions" => walk.extensions(window, run),
                _ => window.skip(),
            }),
            "driver" if from == From::Elsewhere => self.component(window, run, 0),
            "extensions" if from == From::Elsewhere => self.extensions(window, run),
            "artifacts" => self.array(window, &at, |walk, window, _| walk.artifact(window, run)),
            "taxonomies" => self.array(window, &at, |walk, window, _| {
                let taken = window.take(walk.limits.element)?;
                walk.runs[run].taxonomies.push(Taxonomy::read(&mut Cursor::new(taken.bytes)));
                Ok(())
            }),
            "invocations"
            | "versionControlProvenance"
            | "automationDetails"
            | "originalUriBaseIds"
            | "properties"
            | "externalPropertyFileReferences" => {
                let taken = window.take(self.limits.element)?;
                around(&mut self.runs[run], &mut self.shared, key, &mut Cursor::new(taken.bytes));
                Ok(())
            }
            _ => window.skip(),
        }
    }

    fn result<R: Read>(&mut self, window: &mut Window<R>, run: usize, index: usize, from: From) -> Step {
        if self.results >= self.limits.results {
            self.runs[run].lost += 1;
            let text = format!("there are more than {} results; the rest was left out", self.limits.results);
            self.shared.notes.lost("too-many-results", || format!("runs[{run}].results[{index}]"), || text);
            return window.skip();
        }
        self.results += 1;
        let start = (from == From::Log).then_some(window.position());
        // Nearly always the whole result is there, and as it should be: then one look at its bytes is enough.
        let ready = window.ready();
        let mut cursor = Cursor::new(ready);
        let mut element = Element::default();
        let object = element.read(&mut cursor);
        let length = cursor.position();
        if object && !cursor.odd && length <= self.limits.element {
            self.runs[run].result(Some(&element), length, start, &mut self.shared);
            window.pass(length);
            return Ok(());
        }
        let taken = match window.take(self.limits.element) {
            Ok(taken) => taken,
            Err(fault) => {
                self.runs[run].seen += usize::from(fault.passed());
                return Err(fault);
            }
        };
        if taken.mended {
            let text = "has brackets that do not match; read as if they did";
            self.shared.notes.odd("bad-json", || format!("runs[{run}].results[{index}]"), || text.into());
        }
        let start = (from == From::Log).then_some(taken.start);
        let mut element = Element::default();
        let object = element.read(&mut Cursor::new(taken.bytes));
        self.runs[run].result(object.then_some(&element), taken.bytes.len(), start, &mut self.shared);
        Ok(())
    }

    fn extensions<R: Read>(&mut self, window: &mut Window<R>, run: usize) -> Step {
        let at = format!("runs[{run}].tool.extensions");
        self.array(window, &at, |walk, window, index| walk.component(window, run, index + 1))
    }

    /// A tool component (§3.19): the driver is number 0.
    fn component<R: Read>(&mut self, window: &mut Window<R>, run: usize, number: usize) -> Step {
        self.runs[run].component(number);
        let at = match number.checked_sub(1) {
            None => format!("runs[{run}].tool.driver"),
            Some(index) => format!("runs[{run}].tool.extensions[{index}]"),
        };
        self.object(window, &at, |walk, window, key| match key {
            "rules" => {
                let rules = format!("{at}.rules");
                walk.array(window, &rules, |walk, window, index| walk.rule(window, run, number, &rules, index))
            }
            "name" | "version" | "semanticVersion" | "guid" => {
                let text = Cursor::new(window.take(MAX_KEY)?.bytes).scalar().into_text();
                let text = walk.shared.texts.maybe(text.as_deref());
                let component = walk.runs[run].component(number);
                match key {
                    "name" => component.name = text.unwrap_or_default(),
                    "guid" => component.guid = text,
                    "semanticVersion" => component.version = text.or(component.version.take()),
                    _ => component.version = component.version.take().or(text),
                }
                Ok(())
            }
            "globalMessageStrings" => {
                let taken = window.take(walk.limits.element)?;
                let all = strings(&mut Cursor::new(taken.bytes));
                let texts = &mut walk.shared.texts;
                let all = all.iter().map(|(id, text)| (texts.get(id), texts.get(text))).collect();
                walk.runs[run].component(number).strings = all;
                Ok(())
            }
            _ => window.skip(),
        })
    }

    fn rule<R: Read>(&mut self, window: &mut Window<R>, run: usize, number: usize, at: &str, index: usize) -> Step {
        if self.rules >= self.limits.rules {
            self.runs[run].lost += 1;
            let text = format!("there are more than {} rules; the rest was left out", self.limits.rules);
            self.shared.notes.lost("too-many-rules", || format!("{at}[{index}]"), || text);
            return window.skip();
        }
        self.rules += 1;
        let (bytes, fault) = match window.take(self.limits.element) {
            Ok(taken) => (taken.bytes, None),
            // It still takes its index.
            Err(fault) if fault.passed() => (&b"null"[..], Some(fault)),
            Err(fault) => return Err(fault),
        };
        let good = self.runs[run].component(number).add(bytes, &mut self.shared.texts);
        if !good && fault.is_none() {
            let text = "is not an object; results that name it have no rule";
            self.shared.notes.odd("bad-rule", || format!("{at}[{index}]"), || text.into());
        }
        fault.map_or(Ok(()), Err)
    }

    fn artifact<R: Read>(&mut self, window: &mut Window<R>, run: usize) -> Step {
        let mut place = PlaceUse::default();
        let taken = window.take(self.limits.element);
        if let Ok(taken) = &taken {
            Cursor::new(taken.bytes).object(|cursor, key| match key {
                b"location" => place = PlaceUse::read(cursor),
                _ => cursor.skip(),
            });
        }
        // One artifact of another is named by its own path; it has no other index.
        let place = Place { index: None, ..Place::of(&place, &mut self.shared.texts) };
        let result = taken.map(|_| ());
        if self.runs[run].places.artifacts.len() < self.limits.results {
            self.runs[run].places.artifacts.push(place);
        }
        result
    }

    /// Adds external properties (§4) to a run.
    pub(super) fn merge(&mut self, run: usize, bytes: &[u8]) {
        let mut window = Window::new(bytes, self.limits.bytes);
        let at = format!("external properties of runs[{run}]");
        let step = self.object(&mut window, &at, |walk, window, key| walk.member(window, run, key, From::Elsewhere));
        if let Err(fault) = step {
            let path = self.fault_at.take().unwrap_or(at);
            let text = if fault == Fault::Cut { "ends in the middle of it" } else { "is not JSON" };
            self.shared.notes.lost("bad-external", || path, || text.into());
            self.runs[run].lost += 1;
        }
    }

    /// Adds the files that were given, and says which are wanted.
    pub(super) fn merge_beside(&mut self, wanted: &mut Vec<External>) {
        let own = self.origin.name().to_owned();
        for run in 0..self.runs.len() {
            for reference in std::mem::take(&mut self.runs[run].external) {
                match self.beside(&reference, &own, wanted) {
                    Ok(bytes) => self.merge(run, &bytes),
                    Err((code, text)) => {
                        let path = || format!("runs[{run}].externalPropertyFileReferences");
                        if reference.results {
                            self.runs[run].lost += 1;
                            self.shared.notes.lost(code, path, || text);
                        } else {
                            self.shared.notes.odd(code, path, || text);
                        }
                    }
                }
            }
        }
    }

    /// The text of a file, if it was given and is the one that is meant.
    fn beside(
        &self,
        reference: &Reference,
        own: &str,
        wanted: &mut Vec<External>,
    ) -> Result<Vec<u8>, (&'static str, String)> {
        let refused = |text: String| ("external-refused", text + "; not read");
        let name = name(&reference.uri, own).map_err(|why| refused(format!("`{}` {why}", reference.uri)))?;
        let Some(bytes) = self.origin.beside.get(&name) else {
            let text = format!("`{name}` was not given; not read");
            wanted.push(External { name, guid: reference.guid.as_deref().map(Into::into) });
            return Err(("external-missing", text));
        };
        let mut text = Vec::new();
        let limit = u64::try_from(4 * self.limits.element).unwrap_or(u64::MAX);
        let read = Decoded::new(&bytes[..]).and_then(|decoded| decoded.take(limit).read_to_end(&mut text));
        read.map_err(|error| refused(format!("`{name}` cannot be unpacked: {error}")))?;
        match (reference.guid.as_deref(), guid(&text)) {
            (Some(meant), Some(said)) if !meant.eq_ignore_ascii_case(&said) => {
                Err(refused(format!("`{name}` has the guid {said}, where {meant} is wanted")))
            }
            _ => Ok(text),
        }
    }
}

/// Members of a run that are read as they stand.
fn around(run: &mut Run, shared: &mut super::Shared, key: &str, cursor: &mut Cursor) {
    let texts = &mut shared.texts;
    match key {
        "invocations" => drop(invocations(cursor, texts, &mut run.invocations)),
        "versionControlProvenance" => provenance(cursor, texts, &mut run.provenance),
        "automationDetails" => run.automation = Automation::read(cursor, texts),
        "originalUriBaseIds" => run.places.bases(cursor, texts),
        "properties" => run.told.properties(cursor, texts, run.index, &mut shared.notes),
        _ => references(cursor, texts, &mut run.external),
    }
}
