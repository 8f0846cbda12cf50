//! The lock on the data of a volume: one Lease per lineage, so that two consoles never work on the same data at once.
//!
//! Pure: where a lock is, what a Lease says, and what is said to who comes second. Taking, renewing and giving back is
//! the engine's. A lock keeps consoles apart; it is not what makes a write safe: that are the preconditions of each.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AccessQuestion, Answers, ObjectAt, OperationId, Questions, Resource};
use crate::assess::restore_point::lineage;
use crate::model::{Pvc, Uid, World, annotation};
use crate::text::{self, names};

/// Annotations of a Lease that say who holds it.
pub mod note {
    /// Who, as the API server knows them.
    pub const ACTOR: &str = "holdfast.dev/actor";
    /// Host name of the machine that the console runs on.
    pub const MACHINE: &str = "holdfast.dev/machine";
    /// What the operation does, in a line.
    pub const TITLE: &str = "holdfast.dev/title";
    /// The operation that was at work before, when its lock had run out.
    pub const TOOK_OVER: &str = "holdfast.dev/took-over";
}

/// What has to be held while an operation runs: the data of one volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lock {
    /// The namespace of the volume.
    pub namespace: String,
    /// The identity of the data; it outlives the claim that carries it.
    pub lineage: Uid,
}

impl Lock {
    /// The lock on the data of a claim.
    pub fn of(world: &World, claim: &Pvc) -> Self {
        Self { namespace: claim.meta.namespace().to_owned(), lineage: lineage(world, claim) }
    }

    /// Where its Lease is.
    pub fn at(&self) -> ObjectAt {
        let lineage = self.lineage.as_str();
        let plain = format!("holdfast-{lineage}");
        // A lineage is read from an annotation: what is no part of a name gets one that is.
        let fits = names::validate_name(&plain).is_ok() && plain.len() <= 63;
        let name = if fits { plain } else { format!("holdfast-{}", &text::sha256(lineage.as_bytes())[..40]) };
        ObjectAt { resource: Resource::lease(), namespace: Some(self.namespace.clone()), name }
    }

    /// That it is held, as a change of the cluster in a sentence.
    pub(super) fn kept(&self) -> String {
        format!("holds {} while it runs, so that no other operation works on the same data", self.at())
    }

    /// What has to be asked before a plan that takes it can be made: the Lease, and the rights to hold it.
    pub fn questions(&self) -> Questions {
        let ask = |verb| AccessQuestion::new(verb, &Resource::lease(), Some(&self.namespace));
        Questions { objects: vec![self.at()], access: ["get", "create", "update"].map(ask).to_vec(), lists: Vec::new() }
    }
}

/// Who holds a lock, as far as its Lease tells. Texts from the cluster, made safe to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The operation.
    pub operation: String,
    /// Who confirmed it.
    pub actor: Option<String>,
    /// On which machine it runs.
    pub machine: Option<String>,
    /// What it does.
    pub title: Option<String>,
    /// When it took the lock.
    pub since: Option<Timestamp>,
    /// When the lock runs out unless it is renewed; `None` when the Lease does not tell.
    pub until: Option<Timestamp>,
    /// How long the lock holds after it was renewed.
    pub duration: SignedDuration,
}

impl Holder {
    /// `operation 2026… (back up volume shop/data) of sre on web-1`
    pub fn who(&self) -> String {
        let part = |before: &str, text: &Option<String>, after: &str| {
            text.as_ref().map(|text| format!("{before}{text}{after}")).unwrap_or_default()
        };
        let (title, actor) = (part(" (", &self.title, ")"), part(" of ", &self.actor, ""));
        format!("operation {}{title}{actor}{}", self.operation, part(" on ", &self.machine, ""))
    }

    /// The same with since when and until when.
    pub fn said(&self) -> String {
        let clock = |moment: Timestamp| moment.strftime("%Y-%m-%d %H:%M:%SZ");
        let since = self.since.map(|since| format!(", since {}", clock(since))).unwrap_or_default();
        let until = match self.until {
            Some(until) => format!("its lock holds until {} and is renewed while it runs", clock(until)),
            None => "until when its lock holds is not known".to_owned(),
        };
        format!("{}{since}; {until}", self.who())
    }

    fn of(lease: &Value) -> Option<Self> {
        let text = |field: &str| {
            let text = lease.pointer(field).and_then(Value::as_str).filter(|text| !text.is_empty())?;
            Some(text::sanitize(text).into_owned())
        };
        let note = |key: &str| text(&annotation::pointer(key));
        let moment = |field: &str| text(field)?.parse::<Timestamp>().ok();
        let seconds = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64);
        let duration = SignedDuration::from_secs(seconds.unwrap_or(0).max(0));
        let renewed = moment("/spec/renewTime").or_else(|| moment("/spec/acquireTime"));
        Some(Self {
            operation: text("/spec/holderIdentity")?,
            actor: note(note::ACTOR),
            machine: note(note::MACHINE),
            title: note(note::TITLE),
            since: moment("/spec/acquireTime"),
            until: renewed.and_then(|renewed| renewed.checked_add(duration).ok()),
            duration,
        })
    }
}

/// How a lock stands, as one operation sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody holds it.
    Free,
    /// The operation itself does.
    Own,
    /// Another operation does.
    Held(Holder),
    /// Another operation did, and has not renewed it in time by this machine's clock.
    RunOut(Holder),
}

/// What a Lease says to an operation. One whose times cannot be read counts as held.
pub fn standing(lease: Option<&Value>, operation: &OperationId, now: Timestamp) -> Standing {
    match lease.and_then(Holder::of) {
        None => Standing::Free,
        Some(holder) if holder.operation == operation.as_str() => Standing::Own,
        Some(holder) if holder.until.is_some_and(|until| until < now) => Standing::RunOut(holder),
        Some(holder) => Standing::Held(holder),
    }
}

/// Looks at the locks of a plan before it is made: what has to be said to who reads it.
///
/// # Errors
/// With why it cannot be made, and what would clear it.
pub fn look(
    locks: &[Lock],
    answers: &Answers,
    id: &OperationId,
    now: Timestamp,
) -> Result<Vec<String>, (String, String)> {
    let mut warnings = Vec::new();
    for lock in locks {
        let at = lock.at();
        let unread = |why: &str| {
            Err((format!("whether another operation works on it is not known: {why}"), "try again".to_owned()))
        };
        let lease = match answers.objects.get(&at) {
            Some(Ok(lease)) => lease.as_ref(),
            Some(Err(why)) => return unread(&format!("{at} could not be read: {why}")),
            None => return unread(&format!("{at} was not read")),
        };
        match standing(lease, id, now) {
            Standing::Free | Standing::Own => {}
            Standing::Held(holder) => {
                let why = format!("another operation works on the same data: {}", holder.said());
                return Err((why, in_the_way()));
            }
            Standing::RunOut(holder) => warnings.push(format!(
                "{} has not renewed its lock on this data; this operation takes it over, and that one stops",
                holder.who()
            )),
        }
    }
    Ok(warnings)
}

/// What to do when another operation holds the lock.
pub fn in_the_way() -> String {
    "wait for its end, or stop it on its machine; when its console is gone the lock runs out by itself, then try again"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn lock(lineage: &str) -> Lock {
        Lock { namespace: "shop".into(), lineage: Uid::from(lineage) }
    }

    fn id(last: u8) -> OperationId {
        OperationId::new(Timestamp::UNIX_EPOCH, [0, 0, 0, last])
    }

    fn lease(holder: Option<&str>, renewed: &str) -> Value {
        json!({
            "metadata": { "annotations": { note::ACTOR: "ada", note::MACHINE: "web-1\u{1b}[2J", note::TITLE: "back up" } },
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": 30,
                "acquireTime": "1970-01-01T00:00:00.000000Z", "renewTime": renewed,
            },
        })
    }

    #[rstest]
    #[case::a_uid("4f7c", "holdfast-4f7c")]
    #[case::hostile("../../x", "holdfast-9cdf6a50")]
    #[case::upper("ABC", "holdfast-b5d4045c")]
    #[case::nothing("", "holdfast-e3b0c442")]
    fn the_name_of_a_lease_is_always_a_name(#[case] lineage: &str, #[case] begins: &str) {
        let name = lock(lineage).at().name;
        assert!(name.starts_with(begins) && names::validate_name(&name).is_ok(), "{name}");
    }

    #[test]
    fn long_lineages_get_names_of_their_own() {
        let long = "a".repeat(300);
        assert_ne!(lock(&long).at().name, lock(&format!("{long}b")).at().name);
        assert!(lock(&long).at().name.len() <= 63);
    }

    #[rstest]
    #[case::none(None, "free")]
    #[case::given_back(Some(lease(None, "1970-01-01T00:00:00Z")), "free")]
    #[case::own(Some(lease(Some(id(1).as_str()), "1970-01-01T00:00:00Z")), "own")]
    #[case::fresh(Some(lease(Some(id(2).as_str()), "1970-01-01T00:09:50.000001Z")), "held")]
    #[case::at_the_last_moment(Some(lease(Some(id(2).as_str()), "1970-01-01T00:09:30Z")), "held")]
    #[case::late(Some(lease(Some(id(2).as_str()), "1970-01-01T00:09:29Z")), "run out")]
    #[case::by_a_clock_ahead(Some(lease(Some(id(2).as_str()), "1970-01-01T01:00:00Z")), "held")]
    #[case::no_time(Some(json!({ "spec": { "holderIdentity": "x" } })), "held")]
    #[case::a_strange_time(Some(json!({ "spec": { "holderIdentity": "x", "renewTime": "soon" } })), "held")]
    fn a_lease_is_read_with_care(#[case] lease: Option<Value>, #[case] expected: &str) {
        let now = Timestamp::from_second(600).unwrap();
        let word = match standing(lease.as_ref(), &id(1), now) {
            Standing::Free => "free",
            Standing::Own => "own",
            Standing::Held(_) => "held",
            Standing::RunOut(_) => "run out",
        };
        assert_eq!(word, expected);
    }

    #[rstest]
    #[case::free(Ok(None), Ok(""))]
    #[case::run_out(Ok(Some(lease(Some("other"), "1970-01-01T00:00:10Z"))), Ok("has not renewed its lock"))]
    #[case::unreadable(Err("forbidden".to_owned()), Err("is not known"))]
    #[case::held(
        Ok(Some(lease(Some("other"), "1970-01-01T00:09:50Z"))),
        Err(
            "operation other (back up) of ada on web-1␛[2J, since 1970-01-01 00:00:00Z; its lock holds until 1970-01-01 00:10:20Z"
        )
    )]
    fn who_comes_second_is_told_by_whom_and_until_when(
        #[case] answer: Result<Option<Value>, String>,
        #[case] said: Result<&str, &str>,
    ) {
        let lock = lock("u");
        let answers = Answers { objects: [(lock.at(), answer)].into(), ..Answers::default() };
        match (look(&[lock], &answers, &id(1), Timestamp::from_second(600).unwrap()), said) {
            (Ok(warnings), Ok(part)) => assert!(warnings.join("\n").contains(part), "{warnings:?}"),
            (Err((why, clear)), Err(part)) => assert!(why.contains(part) && !clear.is_empty(), "{why}"),
            (looked, _) => panic!("{looked:?}"),
        }
    }

    #[test]
    fn a_lock_nobody_looked_at_is_not_free() {
        assert!(look(&[lock("u")], &Answers::default(), &id(1), Timestamp::UNIX_EPOCH).is_err());
    }
}
