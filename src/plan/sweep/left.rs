//! What operations left behind, and for each whether it may go.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Lists, Options, volumes};
use crate::model::{Kind, Uid, World, annotation};
use crate::plan::lock::{Standing, standing};
use crate::plan::{Answers, Check, Guard, ListAt, Lock, ObjectAt, OperationId, Resource};
use crate::text;

/// What has no record has to be so old: an operation writes that before it makes anything.
const YOUNG: SignedDuration = SignedDuration::from_hours(1);

/// The operation that a scratch namespace is of.
pub(super) fn of_drill(namespace: &str) -> Option<&str> {
    namespace.strip_prefix("holdfast-drill-")
}

/// What sort of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// The pod that tried a restored volume.
    Trial,
    /// The claim of a restored volume that was to be tried.
    Stage,
    /// The namespace of a drill.
    Scratch,
    /// The content of a drill.
    Content,
    /// The volume of a drill.
    Restored,
    /// The volume that a claim had before an in-place restore.
    Former,
}

/// One thing that may go.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thing {
    pub sort: Sort,
    pub at: ObjectAt,
    pub uid: Uid,
    /// Why it may go.
    pub why: String,
    /// What proves that still, right before.
    pub guards: Vec<Guard>,
    /// The operation that made it.
    pub operation: String,
}

impl Thing {
    pub fn former(&self) -> bool {
        self.sort == Sort::Former
    }

    /// The rights that it takes to let it go.
    pub fn needs(&self) -> &'static [&'static str] {
        match self.sort {
            Sort::Trial | Sort::Stage | Sort::Scratch => &["get", "delete"],
            Sort::Content => &["get", "patch", "delete"],
            Sort::Restored | Sort::Former => &["get", "patch"],
        }
    }

    /// Which it is and why it goes.
    pub fn said(&self) -> String {
        format!("{}: {}", self.at, self.why)
    }

    /// What happens to it.
    pub fn change(&self) -> String {
        match self.sort {
            Sort::Trial | Sort::Stage => format!("deletes {}", self.at),
            Sort::Scratch => format!("deletes {} and all that is in it", self.at),
            Sort::Content => format!("deletes {}, only while it is Retain: the copy in storage stays", self.at),
            Sort::Restored => format!("lets its driver delete {} and the restored data in it", self.at),
            Sort::Former => format!("lets its driver delete {} and the former data in it, for good", self.at),
        }
    }
}

/// How an operation stands.
enum Over {
    /// It is over, and why; with what proves it still, and the lock that has to be taken over first.
    Yes { why: String, guards: Vec<Guard>, lock: Option<Lock> },
    /// It is not, or nobody can tell.
    No(String),
}

/// Everything that is left, sorted.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub going: Vec<Thing>,
    /// What stays, and why.
    pub staying: Vec<(ObjectAt, String)>,
    /// The locks of operations that died, to be taken over: they stop, should they still be somewhere.
    pub locks: Vec<Lock>,
    /// The volumes of staged claims, which have to be read.
    staged: Vec<ObjectAt>,
    /// The operations whose contents stay: deleting their snapshots might take the copy along.
    held: Vec<String>,
}

impl Left {
    /// What is left, from the answers.
    ///
    /// # Errors
    /// When something could not be listed or read: why, and what would clear it.
    pub fn of(
        world: &World,
        namespace: &str,
        options: Options,
        answers: &Answers,
        now: Timestamp,
    ) -> Result<Self, (String, String)> {
        let lists = Lists::of(namespace);
        let look = Look {
            world,
            namespace,
            records: by(listed(answers, &lists.records)?, "/data/operation"),
            leases: by(listed(answers, &lists.leases)?, "/spec/holderIdentity"),
            now,
        };
        let mut left = Self::default();
        for (sort, list) in [(Sort::Content, &lists.contents), (Sort::Scratch, &lists.namespaces)] {
            for object in listed(answers, list)? {
                let Some(operation) = label(object, annotation::DRILL) else { continue };
                if look.ours(object, operation) {
                    let kept = left.lost(sort, object, operation);
                    left.take(&look, sort, object, operation, kept);
                }
            }
        }
        for (step, sort, list) in [("try", Sort::Trial, &lists.pods), ("stage", Sort::Stage, &lists.claims)] {
            for object in listed(answers, list)?.iter().filter(|object| note(object, annotation::STEP) == Some(step)) {
                let Some(operation) = note(object, annotation::OPERATION) else { continue };
                let kept = if sort == Sort::Stage { left.kept(object, answers) } else { None };
                left.take(&look, sort, object, operation, kept);
            }
        }
        for at in volumes(world, namespace, options) {
            left.volume(&look, &at, answers);
        }
        left.going.sort_by(|a, b| (a.sort, &a.at).cmp(&(b.sort, &b.at)));
        left.locks.sort();
        left.locks.dedup();
        Ok(left)
    }

    pub fn volumes_of_claims(&self) -> Vec<ObjectAt> {
        self.staged.clone()
    }

    /// What stays and why, each in a sentence.
    pub fn said_staying(&self) -> Vec<String> {
        self.staying.iter().map(|(at, why)| format!("{at}: {why}")).collect()
    }

    /// Sorts one thing; `kept` is why it stays whatever became of its operation.
    fn take(&mut self, look: &Look<'_>, sort: Sort, object: &Value, operation: &str, kept: Option<String>) {
        let at = place(sort, object);
        let leaving = text_at(object, "/metadata/deletionTimestamp").map(|_| "it is being deleted already".to_owned());
        match (leaving.or(kept), look.over(operation, object)) {
            (Some(kept), _) | (None, Over::No(kept)) => {
                self.staying.push((at, kept));
                self.held.extend((sort == Sort::Content).then(|| operation.to_owned()));
            }
            (None, Over::Yes { why, guards, lock }) => {
                let uid = Uid::from(text_at(object, "/metadata/uid").unwrap_or_default());
                self.locks.extend(lock);
                self.going.push(Thing { sort, at, uid, why, guards, operation: operation.to_owned() });
            }
        }
    }

    /// Why what is of a drill stays: the copy in storage would go with it. Contents are sorted first.
    fn lost(&self, sort: Sort, object: &Value, operation: &str) -> Option<String> {
        if sort == Sort::Scratch {
            let held = self.held.iter().any(|held| held == operation);
            return held.then(|| "the content of the snapshot in it stays".to_owned());
        }
        let policy = text_at(object, "/spec/deletionPolicy").filter(|policy| *policy != "Retain")?;
        let policy = text::sanitize(policy);
        Some(format!(
            "deleting it would destroy the copy in storage, its deletionPolicy is {policy}; set it to Retain first"
        ))
    }

    /// Why the claim of a restored volume stays: once its volume outlives it, the exchange had begun.
    fn kept(&mut self, claim: &Value, answers: &Answers) -> Option<String> {
        let volume = text_at(claim, "/spec/volumeName")?;
        let at = ObjectAt::of(Kind::Pv, None, volume);
        self.staged.push(at.clone());
        match answers.objects.get(&at) {
            Some(Ok(Some(read))) if text_at(read, RECLAIM) == Some("Delete") => None,
            Some(Ok(None)) => None,
            Some(Ok(Some(_))) => Some(format!(
                "{at} would outlive it, so the exchange had begun; resume or stop the operation that made it"
            )),
            Some(Err(why)) => Some(format!("{at} could not be read: {why}")),
            None => Some(format!("{at} was not read")),
        }
    }

    /// Sorts a volume of a drill, or a former one.
    fn volume(&mut self, look: &Look<'_>, at: &ObjectAt, answers: &Answers) {
        let Some(Ok(Some(object))) = answers.objects.get(at) else { return };
        let claim = text_at(object, "/spec/claimRef/namespace").unwrap_or_default();
        if let Some(operation) = of_drill(claim) {
            // One that is in use, or goes with its claim, goes with its namespace.
            let alone =
                text_at(object, "/status/phase") == Some("Released") && text_at(object, RECLAIM) == Some("Retain");
            if alone && look.records.contains_key(operation) {
                self.take(look, Sort::Restored, object, operation, None);
                self.guard_last(object);
            }
            return;
        }
        let Some(until) = note(object, annotation::KEEP_UNTIL) else { return };
        let why = match until.parse::<Timestamp>() {
            Ok(moment) if moment <= look.now => {
                format!(
                    "the former volume of {claim}/{}, kept until {}",
                    name_in(object),
                    moment.strftime("%Y-%m-%d %H:%M UTC")
                )
            }
            Ok(moment) => return self.staying.push((at.clone(), format!("a former volume, kept until {moment}"))),
            Err(_) => return self.staying.push((at.clone(), "a former volume; until when cannot be read".to_owned())),
        };
        let uid = Uid::from(text_at(object, "/metadata/uid").unwrap_or_default());
        let operation = note(object, annotation::OPERATION).unwrap_or_default().to_owned();
        self.going.push(Thing { sort: Sort::Former, at: at.clone(), uid, why, guards: Vec::new(), operation });
        self.guard_last(object);
    }

    /// The volume that was taken last is still the one that nobody has.
    fn guard_last(&mut self, object: &Value) {
        let Some(thing) = self.going.last_mut() else { return };
        let mut checks = vec![
            Check::is("/status/phase", "Released"),
            Check::is("/spec/claimRef/uid", text_at(object, "/spec/claimRef/uid").unwrap_or_default()),
        ];
        if let Some(until) = note(object, annotation::KEEP_UNTIL) {
            checks.push(Check::is(&annotation::pointer(annotation::KEEP_UNTIL), until));
        }
        let or = "somebody has it again, or keeps it for longer; plan again".to_owned();
        thing.guards.push(Guard { at: thing.at.clone(), uid: thing.uid.clone(), checks, or });
    }
}

/// JSON pointer to what becomes of a volume whose claim goes.
pub(super) const RECLAIM: &str = "/spec/persistentVolumeReclaimPolicy";

/// What is known of the operations of a namespace.
struct Look<'a> {
    world: &'a World,
    namespace: &'a str,
    records: BTreeMap<&'a str, &'a Value>,
    leases: BTreeMap<&'a str, &'a Value>,
    now: Timestamp,
}

impl Look<'_> {
    /// Whether a thing without a namespace of its own was made for this one: it says so, or a record here does. What
    /// was made for a namespace that is gone belongs to whoever sweeps.
    fn ours(&self, object: &Value, operation: &str) -> bool {
        match note(object, annotation::HOME) {
            Some(home) => home == self.namespace || self.gone(home),
            None => self.records.contains_key(operation),
        }
    }

    fn gone(&self, namespace: &str) -> bool {
        let seen = self.world.freshness(Kind::Namespace).live();
        seen && self.world.inventory.namespaces.named(None, &namespace.into()).is_none()
    }

    /// How the operation stands that made this.
    fn over(&self, operation: &str, object: &Value) -> Over {
        let said = text::sanitize(operation).into_owned();
        let nobody = OperationId::new(Timestamp::UNIX_EPOCH, [0; 4]);
        let lease = self.leases.get(operation).copied();
        let stands = standing(lease, &nobody, self.now);
        if let Standing::Held(holder) = stands {
            return Over::No(format!("its operation is at work: {}", holder.said()));
        }
        let Some(record) = self.records.get(operation) else { return self.unrecorded(&said, object) };
        let at = ObjectAt {
            resource: Resource::config_map(),
            namespace: Some(self.namespace.to_owned()),
            name: text_at(record, "/metadata/name").unwrap_or_default().to_owned(),
        };
        let guard = |check: Check| Guard {
            at: at.clone(),
            uid: Uid::from(text_at(record, "/metadata/uid").unwrap_or_default()),
            checks: vec![check],
            or: "its operation went on meanwhile; plan again".to_owned(),
        };
        let (state, taken) = (text_at(record, "/data/state").unwrap_or_default(), text_at(record, "/data/takenOverBy"));
        match (state, taken, stands) {
            ("done" | "failed" | "stopped", ..) => Over::Yes {
                why: format!("operation {said} has ended ({state})"),
                guards: vec![guard(Check::is("/data/state", state))],
                lock: None,
            },
            (_, Some(_), _) => Over::Yes {
                why: format!("operation {said} was taken over by another"),
                guards: vec![guard(Check::present("/data/takenOverBy"))],
                lock: None,
            },
            (_, None, Standing::RunOut(holder)) => Over::Yes {
                why: format!("the console of operation {said} is gone: {}", run_out(holder.until)),
                guards: vec![guard(Check::present("/data/takenOverBy"))],
                lock: lease.and_then(|lease| self.lock(lease)),
            },
            _ => Over::No(format!(
                "whether operation {said} is at work cannot be told, it holds no lock; resume it, or stop it: holdfast \
                 operations stop {said}"
            )),
        }
    }

    fn unrecorded(&self, operation: &str, object: &Value) -> Over {
        let made = text_at(object, "/metadata/creationTimestamp").and_then(|at| at.parse::<Timestamp>().ok());
        match made {
            Some(made) if self.now.duration_since(made) > YOUNG => Over::Yes {
                why: format!("nothing is left of operation {operation}, neither record nor lock"),
                guards: Vec::new(),
                lock: None,
            },
            _ => Over::No(format!("operation {operation} has no record here yet, and it was made within the hour")),
        }
    }

    /// The lock that a Lease is.
    fn lock(&self, lease: &Value) -> Option<Lock> {
        let lineage = text_at(lease, "/metadata/name")?.strip_prefix("holdfast-")?;
        Some(Lock { namespace: self.namespace.to_owned(), lineage: lineage.into() })
    }
}

fn run_out(until: Option<Timestamp>) -> String {
    let until = until.map(|until| format!(" at {}", until.strftime("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
    format!("its lock ran out{until}")
}

/// The objects of a list.
fn listed<'a>(answers: &'a Answers, list: &ListAt) -> Result<&'a [Value], (String, String)> {
    let plural = &list.resource.plural;
    match answers.lists.get(list) {
        Some(Ok(listed)) => Ok(listed),
        Some(Err(why)) => {
            Err((format!("{plural} could not be listed: {why}"), "ask for the right to list them".to_owned()))
        }
        None => Err((format!("{plural} were not listed"), "try again".to_owned())),
    }
}

fn by<'a>(objects: &'a [Value], field: &str) -> BTreeMap<&'a str, &'a Value> {
    objects.iter().filter_map(|object| Some((text_at(object, field)?, object))).collect()
}

fn place(sort: Sort, object: &Value) -> ObjectAt {
    let kind = match sort {
        Sort::Trial => Kind::Pod,
        Sort::Stage => Kind::Pvc,
        Sort::Scratch => Kind::Namespace,
        Sort::Content => Kind::Content,
        Sort::Restored | Sort::Former => Kind::Pv,
    };
    ObjectAt::of(kind, text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name").unwrap_or_default())
}

fn name_in(volume: &Value) -> &str {
    text_at(volume, "/spec/claimRef/name").unwrap_or_default()
}

fn text_at<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.pointer(field)?.as_str().filter(|text| !text.is_empty())
}

fn note<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    text_at(object, &annotation::pointer(key))
}

fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    text_at(object, &annotation::label_pointer(key))
}
