//! A form in which a certificate and its private key are handed over: read again with each key that is pressed, and
//! the key always in its own field, where it is not shown.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Entry, Form, Purpose, Unseen};
use crate::model::{CertificateFacts, NextLink};
use crate::plan::FieldKind;
use crate::plan::rotate::{HandedOver, TYPED};
use crate::x509::{self, CertificateError, Given, GivenError};

use super::unseen::MOST;

/// What was read of what is handed over.
#[derive(Clone, Debug)]
pub struct Handing {
    /// The certificates, the leaf first: the one that the key belongs to, or until there is one the first that is no CA.
    pub chain: Result<Vec<CertificateFacts>, CertificateError>,
    /// Both, put in order, or what is wrong with them.
    pub given: Result<Arc<Given>, GivenError>,
}

/// A file that was read into another field.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// The answer that named it.
    named: String,
    /// What to say below that.
    said: Result<String, String>,
}

/// What a file held, and what to say of it.
#[derive(Clone, Debug)]
pub struct FileText {
    /// Its text.
    pub text: Unseen,
    /// That others may read it, where they may.
    pub warning: Option<String>,
}

impl Form {
    /// What was read of what is handed over; `None` in a form that asks for no certificate.
    pub fn handing(&self) -> Option<&Handing> {
        self.handing.as_ref()
    }

    /// The answer to a question of yes or no.
    pub fn says_yes(&self, id: &str) -> bool {
        self.fields().any(|(field, entry)| field.id == id && entry.text() == "yes")
    }

    fn place_of(&self, is: impl Fn(&FieldKind) -> bool) -> Option<usize> {
        self.spec.fields.iter().position(|field| is(&field.kind))
    }

    /// The field of the certificate and that of its key.
    fn places(&self) -> Option<(usize, usize)> {
        let pem = self.place_of(|kind| matches!(kind, FieldKind::Pem))?;
        Some((pem, self.place_of(|kind| matches!(kind, FieldKind::Hidden))?))
    }

    /// Reads the certificate and its key anew, and puts them into what is asked for.
    pub(super) fn read(&mut self) {
        let Some((pem, hidden)) = self.places() else { return };
        let (certificate, key) = (&self.entries[pem], &self.entries[hidden]);
        let text = certificate.text();
        let given = Given::read(text.as_bytes(), key.hidden().as_bytes()).map(Arc::new);
        let chain = match &given {
            Ok(given) => Ok(given.chain.clone()),
            Err(_) => x509::chain(text.as_bytes()).map(leaf_first),
        };
        let handed = given.as_ref().ok().map(|given| handed_over(given, certificate, key));
        if let Purpose::Plan(request) = &mut self.purpose {
            **request = (**request).clone().handing(handed);
        }
        self.handing = Some(Handing { chain, given });
    }

    /// What is wrong with what is handed over, and the field in which that is put right.
    pub(super) fn not_given(&self) -> Option<(usize, String)> {
        let (pem, hidden) = self.places()?;
        let error = self.handing.as_ref()?.given.as_ref().err()?;
        let place = match error {
            GivenError::Certificate(_) | GivenError::Strays(_) => pem,
            GivenError::NoKey
            | GivenError::SeveralKeys(_)
            | GivenError::Encrypted
            | GivenError::KeyUnreadable
            | GivenError::NotItsKey => hidden,
        };
        Some((place, error.to_string()))
    }

    /// Puts text into a field, all at once; a private key only where none is shown. What came from a file takes the
    /// place of what stood there. Says what else became of it, where that is something.
    ///
    /// # Errors
    /// Why it is not taken: nothing is changed then.
    pub(super) fn put(
        &mut self,
        place: usize,
        text: &str,
        from: Option<&str>,
    ) -> Result<Option<&'static str>, &'static str> {
        let Some(kind) = self.spec.fields.get(place).map(|field| &field.kind) else { return Ok(None) };
        if text.len() > MOST {
            return Err("it is larger than 1 MiB: it was not taken");
        }
        if !matches!(kind, FieldKind::Hidden) && x509::holds_key(text) {
            let takes_the_rest = matches!(kind, FieldKind::Pem);
            return self.put_key_apart(place, text, from, takes_the_rest).map(Some);
        }
        let (lines, chosen) = (kind.lines(), !kind.choices().is_empty());
        self.fill(place, text, from, (lines, chosen));
        self.read();
        Ok(None)
    }

    fn put_key_apart(
        &mut self,
        place: usize,
        text: &str,
        from: Option<&str>,
        rest: bool,
    ) -> Result<&'static str, &'static str> {
        let (others, keys) = x509::without_keys(text);
        let hidden = self.place_of(|kind| matches!(kind, FieldKind::Hidden));
        let Some(hidden) = hidden.filter(|_| !keys.is_empty() && !x509::holds_key(&others)) else {
            return Err("it holds a private key, which would be shown here: it was not taken");
        };
        self.entries[hidden].set("");
        self.fill(hidden, &keys, from, (true, false));
        if rest && !others.trim().is_empty() {
            self.fill(place, &others, from, (true, false));
        }
        self.read();
        Ok("the private key among it went into its own field, where it is not shown")
    }

    fn fill(&mut self, place: usize, text: &str, from: Option<&str>, (lines, chosen): (bool, bool)) {
        let entry = &mut self.entries[place];
        if from.is_some() {
            entry.set("");
        }
        entry.paste(text, lines, chosen);
        entry.from = from.map(str::to_owned);
    }

    /// A private key that begins where the certificate is typed goes on in its own field: without bracketed paste a
    /// terminal types what is pasted.
    pub(super) fn turn_to_key(&mut self) {
        let Some((pem, hidden)) = self.places().filter(|(pem, _)| *pem == self.focus) else { return };
        let text = self.entries[pem].text();
        let (rest, keys) = x509::without_keys(&text);
        if !keys.is_empty() {
            self.entries[pem].set(&rest);
            self.entries[hidden].paste(&keys, true, false);
            self.focus = hidden;
        }
    }

    /// Files that are named and not read yet, each with the place of the field that names it.
    pub fn unread(&self) -> Vec<(usize, PathBuf)> {
        let named = self.fields().enumerate().filter_map(|(place, (field, entry))| {
            let text = entry.text();
            let named = matches!(field.kind, FieldKind::File { .. }) && !text.trim().is_empty();
            let read = self.loaded.get(&place).is_some_and(|loaded| loaded.named == text);
            (named && !read).then(|| (place, PathBuf::from(text.trim())))
        });
        named.collect()
    }

    /// Lets the file be read once more that the field with the keys names: it may be another one by now.
    pub fn read_again(&mut self) {
        self.loaded.remove(&self.focus);
    }

    /// Takes what a file held that the field at this place names, instead of what stood where it goes.
    pub fn load(&mut self, place: usize, read: Result<FileText, String>) {
        let Some((field, entry)) = self.spec.fields.get(place).zip(self.entries.get(place)) else { return };
        let FieldKind::File { into } = field.kind else { return };
        let named = entry.text();
        let target = self.spec.fields.iter().position(|field| field.id == into).unwrap_or(place);
        let said = read.and_then(|file| {
            let said = self.put(target, file.text.text(), Some(&named)).map_err(str::to_owned)?;
            let with_key = matches!(self.spec.fields[target].kind, FieldKind::Hidden) || said.is_some();
            let warning = file.warning.filter(|_| with_key);
            Ok(warning.unwrap_or_else(|| said.unwrap_or("read into the field above").to_owned()))
        });
        self.loaded.insert(place, Loaded { named, said });
    }

    /// What is said below the name of a file that was read: what became of it, or why it cannot be read.
    pub fn loaded(&self, place: usize) -> Option<Result<&str, &str>> {
        let loaded = self.loaded.get(&place).filter(|loaded| loaded.named == self.entries[place].text())?;
        Some(loaded.said.as_deref().map_err(String::as_str))
    }
}

/// Before the key is there, nothing says in which order they belong: how each hangs on the next is left out.
fn leaf_first(mut chain: Vec<CertificateFacts>) -> Vec<CertificateFacts> {
    for one in &mut chain {
        one.next = NextLink::Last;
    }
    chain.sort_by_key(|one| one.ca);
    chain
}

/// With the files that both came from, where they did.
fn handed_over(given: &Arc<Given>, certificate: &Entry, key: &Entry) -> HandedOver {
    let file = |entry: &Entry| entry.from.as_deref().map_or(TYPED, str::trim).into();
    let together = certificate.from.is_some() && certificate.from == key.from;
    HandedOver {
        given: given.clone(),
        certificate: file(certificate),
        key: (!together).then(|| file(key)),
        other_names: false,
    }
}
