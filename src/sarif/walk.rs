//! Walks through a log from front to back (SARIF 2.1.0 §3.13), one element at a time.
//!
//! Elements of long lists (results, rules, artifacts) are taken one by one, the rest of a run as it stands; what is
//! not needed is passed over. Where the text is broken beyond an element, what was read stays and the loss is told.

mod members;

use std::io::Read;

use ring::digest::{Context, SHA256};

use super::encoding::{Decoded, Encoding};
use super::external::{External, inline};
use super::finish::finish;
use super::json::Cursor;
use super::run::{Run, Shared};
use super::window::{Fault, Window};
use super::{Limits, Log, Origin};

/// A key is no longer than this.
const MAX_KEY: usize = 4096;

/// Bytes in front of the log that are looked at.
const MAX_BEFORE: usize = 1 << 16;

/// Reads a log. Never fails: what cannot be read is told in the diagnostics.
pub fn read(source: impl Read, origin: &Origin, limits: &Limits) -> Log {
    let mut walk = Walk {
        origin,
        limits,
        shared: Shared::default(),
        runs: Vec::new(),
        inline: Vec::new(),
        inline_bytes: 0,
        version: None,
        sarif: false,
        results: 0,
        rules: 0,
        fault_at: None,
    };
    let decoded = match Decoded::new(source) {
        Ok(decoded) => decoded,
        Err(error) => {
            walk.shared.notes.lost("unreadable", String::new, || format!("cannot be read: {error}"));
            return Log { diagnostics: walk.shared.notes.done(), ..Log::default() };
        }
    };
    if decoded.encoding != Encoding::Utf8 {
        walk.shared.notes.odd("utf-16", String::new, || "is UTF-16, where SARIF is UTF-8; read as such".into());
    }
    let mut window = Window::new(decoded, limits.bytes);
    walk.documents(&mut window);
    walk.done(window)
}

/// How a part of the walk ended.
type Step = Result<(), Fault>;

/// See the module.
pub(super) struct Walk<'o> {
    origin: &'o Origin,
    limits: &'o Limits,
    shared: Shared,
    runs: Vec<Run>,
    /// `inlineExternalProperties`: they may stand before the runs that want them.
    inline: Vec<Vec<u8>>,
    inline_bytes: usize,
    version: Option<String>,
    /// Whether it looks like SARIF at all.
    sarif: bool,
    results: usize,
    rules: usize,
    /// The innermost place at which the text is broken.
    fault_at: Option<String>,
}

impl Walk<'_> {
    fn documents<R: Read>(&mut self, window: &mut Window<R>) {
        if window.padding() {
            self.shared.notes.odd("nul-padding", String::new, || "begins with NUL bytes; passed over".into());
        }
        if !self.begin(window) {
            return;
        }
        loop {
            let first = self.runs.len();
            let step = self.log(window);
            self.judge_version(first);
            self.broken(step, window, first);
            if step.is_err() || window.failure.is_some() || window.beyond {
                return;
            }
            let padded = window.padding();
            match window.peek() {
                None if padded => {
                    self.shared.notes.odd("nul-padding", String::new, || "ends in NUL bytes; passed over".into());
                }
                None => {}
                Some(b'{') if self.runs.len() < self.limits.runs => {
                    let text = || "another document follows the first; its runs are read as well".into();
                    self.shared.notes.odd("concatenated", String::new, text);
                    continue;
                }
                Some(_) => {
                    let at = window.position();
                    let text = || format!("something stands behind the log, from byte {at}; passed over");
                    self.shared.notes.odd("trailing-garbage", String::new, text);
                }
            }
            return;
        }
    }

    /// Finds the first brace, past what is no JSON; false when this is no log.
    fn begin<R: Read>(&mut self, window: &mut Window<R>) -> bool {
        let first = window.peek();
        let head = window.ahead(MAX_BEFORE);
        let text = String::from_utf8_lossy(&head[..head.len().min(512)]).to_ascii_lowercase();
        let (code, words) = match first {
            Some(b'{') => return true,
            None => ("empty", "holds nothing"),
            Some(b'[') => ("not-sarif", "is a list, where a SARIF log is an object"),
            Some(b'<') if text.contains("<html") || text.contains("<!doctype html") => {
                ("html", "is an HTML page, perhaps of a login or an error; fetch the report again")
            }
            Some(b'<') => ("not-sarif", "is XML, not SARIF"),
            Some(_) if text.starts_with("version https://git-lfs") => {
                ("git-lfs-pointer", "is a pointer of Git LFS, not the file; run `git lfs pull`")
            }
            Some(_) => match head.windows(2).position(|two| two == b"\n{") {
                Some(at) => {
                    window.pass(at + 1);
                    let text = || format!("{} bytes of text stand before the log; passed over", at + 1);
                    self.shared.notes.odd("text-before", String::new, text);
                    return true;
                }
                None if text.starts_with("$ ") || text.contains("\n$ ") => {
                    ("transcript", "is a transcript of a shell, not SARIF; write the report with the tool's own option")
                }
                None => ("not-json", "is not JSON"),
            },
        };
        self.shared.notes.lost(code, String::new, || words.into());
        false
    }

    /// §3.13.
    fn log<R: Read>(&mut self, window: &mut Window<R>) -> Step {
        let mut runs = false;
        self.version = None;
        self.sarif = false;
        let base = self.runs.len();
        let step = self.object(window, "", |walk, window, key| match key {
            "version" => {
                let value = window.take(MAX_KEY)?;
                walk.version = Cursor::new(value.bytes).scalar().into_text().map(Into::into);
                Ok(())
            }
            "$schema" => {
                walk.sarif |= String::from_utf8_lossy(window.take(MAX_KEY)?.bytes).contains("sarif");
                Ok(())
            }
            "runs" => {
                runs = window.peek() == Some(b'[');
                walk.sarif |= runs;
                walk.array(window, "runs", |walk, window, _| walk.run(window))
            }
            "inlineExternalProperties" => walk.array(window, key, Walk::keep_inline),
            _ => window.skip(),
        });
        if step.is_ok() && self.runs.len() == base && (self.sarif || self.version.is_some()) {
            let text =
                if runs { "is empty: there is no scan in it" } else { "is missing or null: there is no scan in it" };
            self.shared.notes.odd("no-runs", || "runs".into(), || text.into());
        } else if step.is_ok() && !self.sarif {
            self.shared.notes.lost("not-sarif", String::new, || "is JSON, but no SARIF log: it has no runs".into());
        }
        step
    }

    fn keep_inline<R: Read>(&mut self, window: &mut Window<R>, index: usize) -> Step {
        let room = (4 * self.limits.element).saturating_sub(self.inline_bytes);
        match window.take(self.limits.element.min(room)) {
            Ok(taken) => {
                self.inline_bytes += taken.bytes.len();
                self.inline.push(taken.bytes.to_vec());
                Ok(())
            }
            Err(fault) => self.pass(fault, || format!("inlineExternalProperties[{index}]")),
        }
    }

    /// Versions before 2.1 have other names for most things.
    fn judge_version(&mut self, first: usize) {
        let path = || "version".to_owned();
        match self.version.as_deref().map(str::trim) {
            Some(version) if version.starts_with("2.1") => {}
            Some(version) if version.starts_with("1.") || version.starts_with("2.0") => {
                let text = format!(
                    "is {version}, which is not read; upgrade the log with `sarif-multitool transform --sarif-output-version Current`"
                );
                if first == 0 {
                    self.shared.notes.forget();
                }
                self.shared.notes.lost("old-version", path, || text);
                self.runs.truncate(first);
            }
            Some(version) => {
                let text = format!("is `{version}`; read as 2.1.0");
                self.shared.notes.odd("other-version", path, || text);
            }
            None if self.sarif => {
                self.shared.notes.odd("no-version", path, || "is missing; read as 2.1.0".into());
            }
            None => {}
        }
    }

    /// Tells where the text is broken; the last run is not whole then.
    fn broken<R>(&mut self, step: Step, window: &Window<R>, first: usize)
    where
        R: Read,
    {
        let path = self.fault_at.take().unwrap_or_default();
        let at = window.position();
        let text = match (step, &window.failure) {
            _ if window.beyond => (
                "too-large",
                format!("is larger than {} bytes; what comes behind them was left out", self.limits.bytes),
            ),
            (_, Some(failure)) => ("unreadable", format!("cannot be read from byte {at}: {failure}")),
            (Ok(()), None) => return,
            (Err(Fault::Cut), None) => {
                ("cut-off", format!("ends at byte {at} in the middle of it; what came before was read"))
            }
            (Err(_), None) => {
                ("malformed", format!("is not JSON at byte {at}; what came before was read, the rest was left out"))
            }
        };
        self.shared.notes.lost(text.0, || path, || text.1);
        if let Some(run) = self.runs[first..].last_mut() {
            run.lost += 1;
        }
    }

    /// A fault of one element: told, and reading goes on if it can.
    fn pass(&mut self, fault: Fault, path: impl FnOnce() -> String) -> Step {
        let (code, text) = match fault {
            Fault::TooLarge => ("too-large-element", "is larger than one element may be; left out"),
            Fault::TooDeep => ("too-deep", "is nested too deep; left out"),
            Fault::Cut | Fault::Malformed => {
                self.fault_at.get_or_insert_with(path);
                return Err(fault);
            }
        };
        self.shared.notes.lost(code, path, || text.into());
        if let Some(run) = self.runs.last_mut() {
            run.lost += 1;
        }
        Ok(())
    }

    /// Calls `each` at the value of each member. What is no object is passed over.
    fn object<R: Read>(
        &mut self,
        window: &mut Window<R>,
        at: &str,
        mut each: impl FnMut(&mut Self, &mut Window<R>, &str) -> Step,
    ) -> Step {
        if !window.eat(b'{') {
            return window.skip();
        }
        loop {
            match window.peek() {
                Some(b'"') => {
                    let key = match window.take(MAX_KEY) {
                        Ok(taken) => Cursor::new(taken.bytes).text().unwrap_or_default().into_owned(),
                        Err(fault) if fault.passed() => String::new(),
                        Err(fault) => return self.pass(fault, || at.into()),
                    };
                    if !window.eat(b':') {
                        let fault = if window.peek().is_none() { Fault::Cut } else { Fault::Malformed };
                        return self.pass(fault, || join(at, &key));
                    }
                    let step = if key.is_empty() { window.skip() } else { each(self, window, &key) };
                    if let Err(fault) = step {
                        self.pass(fault, || join(at, &key))?;
                    }
                    self.comma(window, b'}', at);
                }
                Some(b'}') => {
                    window.eat(b'}');
                    return Ok(());
                }
                None => return self.pass(Fault::Cut, || at.into()),
                Some(_) => return self.pass(Fault::Malformed, || at.into()),
            }
        }
    }

    /// Calls `each` at every element. What is no array is passed over.
    fn array<R: Read>(
        &mut self,
        window: &mut Window<R>,
        at: &str,
        mut each: impl FnMut(&mut Self, &mut Window<R>, usize) -> Step,
    ) -> Step {
        if !window.eat(b'[') {
            return window.skip();
        }
        let mut index = 0;
        if window.peek() == Some(b',') {
            while window.eat(b',') {}
            self.shared.notes.odd("commas", || at.into(), || "begins with a comma; read without it".into());
        }
        loop {
            match window.peek() {
                Some(b']') => {
                    window.eat(b']');
                    return Ok(());
                }
                None => return self.pass(Fault::Cut, || format!("{at}[{index}]")),
                Some(_) => {
                    if let Err(fault) = each(self, window, index) {
                        self.pass(fault, || format!("{at}[{index}]"))?;
                    }
                    index += 1;
                    self.comma(window, b']', at);
                }
            }
        }
    }

    /// One comma stands between elements, and none behind the last; other numbers of them are told.
    fn comma<R: Read>(&mut self, window: &mut Window<R>, end: u8, at: &str) {
        let mut commas = 0;
        while window.eat(b',') {
            commas += 1;
        }
        let next = window.peek();
        let wanted = u32::from(next != Some(end));
        if commas != wanted && next.is_some() {
            self.shared.notes.odd("commas", || at.into(), || "has a comma too many or too few; read without it".into());
        }
    }

    fn done<R: Read>(mut self, window: Window<R>) -> Log {
        let mut wanted: Vec<External> = Vec::new();
        self.merge_inline();
        self.merge_beside(&mut wanted);
        let whole = window.digest();
        let mut scans = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            let index = run.index;
            let mut scan = finish(run, self.origin, &mut self.shared);
            let mut context = Context::new(&SHA256);
            context.update(&whole);
            context.update(&u64::try_from(index).unwrap_or(u64::MAX).to_le_bytes());
            scan.digest.copy_from_slice(context.finish().as_ref());
            scans.push(scan);
        }
        Log { scans, diagnostics: self.shared.notes.done(), wanted }
    }

    /// Puts `inlineExternalProperties` (§3.13.6) into the runs they belong to.
    fn merge_inline(&mut self) {
        for (index, bytes) in std::mem::take(&mut self.inline).iter().enumerate() {
            match inline(bytes, &self.runs) {
                Some(run) => self.merge(run, bytes),
                None => self.shared.notes.odd(
                    "external-without-run",
                    || format!("inlineExternalProperties[{index}]"),
                    || "belongs to no run of this log; left out".into(),
                ),
            }
        }
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}
