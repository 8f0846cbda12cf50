//! Lists: one consistent cut of a kind, whole or in pages.
//!
//! The rest of a paged list is kept until its last page is read, so all pages show the same moment,
//! as they do on etcd. Tokens of lists that are no longer kept are answered with 410.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::kinds::Kind;
use super::refusal::Refusal;
use super::selector::Selector;
use super::store::{Object, Store};

/// Unfinished paged lists kept at a time.
const KEPT: usize = 64;

/// What a list request asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListQuery {
    pub namespace: Option<String>,
    pub selector: Selector,
    pub limit: usize,
    pub continue_token: String,
    pub resource_version: String,
    pub exact_version: bool,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub objects: Vec<Arc<Object>>,
    pub revision: u64,
    pub continue_token: Option<String>,
    /// Left out by a real server when a selector is used, because it would have to count.
    pub remaining: Option<usize>,
}

#[derive(Debug)]
struct Kept {
    id: u64,
    objects: Vec<Arc<Object>>,
    revision: u64,
    counted: bool,
}

/// The unfinished lists.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<(u64, VecDeque<Arc<Kept>>)>);

impl Pages {
    pub fn list(&self, store: &Store, kind: &Kind, query: &ListQuery) -> Result<Page, Refusal> {
        if !query.continue_token.is_empty() {
            return self.next(query);
        }
        let (mut objects, revision) =
            store.with(|state| (state.list(kind.plural, query.namespace.as_deref()), state.revision()));
        check_version(query, revision)?;
        if !query.selector.is_open() {
            objects.retain(|object| query.selector.matches(&object.value));
        }
        if query.limit == 0 || objects.len() <= query.limit {
            return Ok(Page { objects, revision, continue_token: None, remaining: None });
        }
        let kept = self.keep(objects, revision, query.selector.is_open());
        Ok(cut(&kept, 0, query.limit))
    }

    /// Forgets all unfinished lists, as compaction does.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }

    fn keep(&self, objects: Vec<Arc<Object>>, revision: u64, counted: bool) -> Arc<Kept> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.0 += 1;
        let kept = Arc::new(Kept { id: pages.0, objects, revision, counted });
        if pages.1.len() == KEPT {
            pages.1.pop_front();
        }
        pages.1.push_back(Arc::clone(&kept));
        kept
    }

    fn next(&self, query: &ListQuery) -> Result<Page, Refusal> {
        if !["", "0"].contains(&query.resource_version.as_str()) {
            return Err(Refusal::bad_request("specifying resource version is not allowed when using continue"));
        }
        let bad = || Refusal::bad_request("continue key is not valid");
        let (id, from) = query.continue_token.split_once('.').ok_or_else(bad)?;
        let (id, from): (u64, usize) = (id.parse().map_err(|_| bad())?, from.parse().map_err(|_| bad())?);
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pages.1.iter().find(|kept| kept.id == id).cloned().ok_or_else(|| {
            Refusal::expired(
                "The provided continue parameter is too old to display a consistent list result. \
                 You can start a new list without the continue parameter.",
            )
        })?;
        Ok(cut(&kept, from, if query.limit == 0 { usize::MAX } else { query.limit }))
    }
}

fn cut(kept: &Kept, from: usize, limit: usize) -> Page {
    let end = from.saturating_add(limit).min(kept.objects.len());
    let rest = kept.objects.len() - end;
    Page {
        objects: kept.objects.get(from..end).unwrap_or_default().to_vec(),
        revision: kept.revision,
        continue_token: (rest > 0).then(|| format!("{}.{end}", kept.id)),
        remaining: (rest > 0 && kept.counted).then_some(rest),
    }
}

fn check_version(query: &ListQuery, current: u64) -> Result<(), Refusal> {
    let Some(wanted) = version(&query.resource_version)? else {
        return Ok(());
    };
    if wanted > current {
        return Err(Refusal::too_large_version(wanted, current));
    }
    if query.exact_version && wanted < current {
        return Err(Refusal::expired(format!(
            "The resourceVersion for the provided list is too old: {wanted} ({current})"
        )));
    }
    Ok(())
}

/// A resourceVersion parameter: `None` when it is empty or "0", which both mean "any".
pub(crate) fn version(text: &str) -> Result<Option<u64>, Refusal> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| Refusal::bad_request(format!("Invalid value: \"{text}\": resourceVersion must be a number")))
}

/// The JSON of a list.
pub(crate) fn json(kind: &Kind, page: &Page) -> Vec<u8> {
    let mut json = format!(
        r#"{{"kind":"{}List","apiVersion":"{}","metadata":{{"resourceVersion":"{}""#,
        kind.kind,
        kind.api_version(),
        page.revision
    )
    .into_bytes();
    if let Some(token) = &page.continue_token {
        json.extend_from_slice(format!(r#","continue":"{token}""#).as_bytes());
    }
    if let Some(remaining) = page.remaining {
        json.extend_from_slice(format!(r#","remainingItemCount":{remaining}"#).as_bytes());
    }
    json.extend_from_slice(br#"},"items":["#);
    for (at, object) in page.objects.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        object.write_item(&mut json);
    }
    json.extend_from_slice(b"]}");
    json
}
