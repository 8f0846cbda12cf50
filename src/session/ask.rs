//! Questions to the cluster, asked aside and answered by message.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::served::AT_MOST;
use super::{Event, Message, Reviewed, Session, Ticket};
use crate::cluster::{Access, AccessQuery, Eyes, Hands, Resource, WriteError, Written};
use crate::model::{Freshness, Kind, ObjRef, Uid};
use crate::plan::{
    AccessQuestion, Act, Answers, DryRun, ObjectAt, OperationId, Plan, Questions, Refusal, Request, Target::Known,
    carry, with_condition, with_maps,
};
use crate::store::read_text;

/// Who asks, where the API server does not say.
pub(super) const NOBODY: &str = "unknown";

/// How long an answer waits for a first list to come in before it is looked at again.
const AGAIN: Duration = Duration::from_millis(200);

/// How often what came back may lead to further questions.
const ROUNDS: u32 = 8;

/// A request on its way to a plan.
#[derive(Debug)]
pub(super) struct Asking {
    ticket: Ticket,
    /// What was asked for.
    pub request: Request,
    known: Answers,
    rounds: u32,
    /// Whether the plan is to be run, not only looked at: then a refusal is kept.
    earnest: bool,
}

impl Session {
    /// Asks for the plan of a request that is to be run. The answer is [`Event::Planned`]; a refusal is kept.
    pub fn plan(&mut self, request: Request) -> Ticket {
        self.ask_for(request, true)
    }

    /// The same of a plan that is only looked at.
    pub fn preview(&mut self, request: Request) -> Ticket {
        self.ask_for(request, false)
    }

    fn ask_for(&mut self, request: Request, earnest: bool) -> Ticket {
        let ticket = self.ticket();
        self.keep_handed_over(&request);
        let who = self.desk.world.context.user.as_deref().unwrap_or_default().to_owned();
        let keeps = format!("{}:{}", crate::engine::host(), self.options.store.bundles().display());
        let known = Answers { who, keeps, ..Answers::default() };
        self.ask(Asking { ticket, request, known, rounds: 0, earnest });
        ticket
    }

    /// Keeps what is handed over until its plan begins, and lets go of what was handed over for one that did not.
    fn keep_handed_over(&mut self, request: &Request) {
        let Some(hands) = self.cluster.as_ref().and_then(crate::cluster::Cluster::hands) else { return };
        if let Some((_, fingerprint)) = self.handed.take() {
            hands.let_go(&fingerprint);
        }
        if let Some(handed) = request.handed_over() {
            self.handed = Some((request.subject().1.clone(), handed.given.fingerprint().to_owned()));
            hands.keep(handed.given.clone());
        }
    }

    /// Asks what the request still wants to know.
    fn ask(&self, asking: Asking) {
        let questions = asking.request.questions(&self.desk.world, &asking.known).without(&asking.known);
        let (eyes, post) = (self.cluster.as_ref().map(crate::cluster::Cluster::eyes), self.post());
        let secret = asking.request.served(&self.desk.world).filter(|_| asking.rounds == 0);
        let look = secret.and_then(|secret| self.look(&secret).ok());
        tokio::spawn(async move {
            let mut asking = Box::new(asking);
            asking.rounds += 1;
            if let Some(look) = look {
                // The session may have been closed meanwhile.
                let _ = post.send(Message::Shaken(None, look.shake(AT_MOST).await)).await;
            }
            if let Some(file) = asking.request.file().map(Path::to_owned) {
                asking.request = asking.request.with_file(text_of(file).await);
            }
            if let Some(eyes) = eyes {
                // The first plan of a session may be asked for before it is known who asks.
                if asking.known.who.is_empty()
                    && let Ok(Some(who)) = eyes.who_am_i().await
                {
                    asking.known.who.clone_from(&who);
                    // The session may have been closed meanwhile.
                    let _ = post.send(Message::Who(who)).await;
                }
                ask(&eyes, questions, &mut asking.known).await;
            }
            if asking.known.who.is_empty() {
                NOBODY.clone_into(&mut asking.known.who);
            }
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Answered(asking)).await;
        });
    }

    /// Reads what the bundle of a restore point says. The answer is [`Event::Exported`].
    pub fn export(&mut self, snapshot: &Uid) -> Ticket {
        let ticket = self.ticket();
        let at = self
            .desk
            .world
            .inventory
            .snapshots
            .get(snapshot)
            .map(|found| ObjectAt::of(Kind::VolumeSnapshot, found.meta.namespace.as_deref(), &found.meta.name));
        let (eyes, post) = (self.cluster.as_ref().map(crate::cluster::Cluster::eyes), self.post());
        let (snapshot, who) = (snapshot.clone(), self.who());
        tokio::spawn(async move {
            let mut known = Answers { who, ..Answers::default() };
            if let (Some(eyes), Some(at)) = (eyes, at) {
                for _ in 0..ROUNDS {
                    let questions = carry::reads(&at, &known).without(&known);
                    if questions.is_empty() {
                        break;
                    }
                    ask(&eyes, questions, &mut known).await;
                }
            }
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Carried(ticket, snapshot, Box::new(known))).await;
        });
        ticket
    }

    /// The bundle, from what came back.
    pub(super) fn carried(&self, ticket: Ticket, snapshot: &Uid, known: &Answers) -> Event {
        let bundle = carry::bundle(&self.desk.world, snapshot, known, crate::store::now());
        Event::Exported(ticket, bundle.map(Box::new))
    }

    /// Asks which of these rights are granted; the desk shows them once they are known.
    pub fn ask_rights(&self, questions: Vec<AccessQuestion>) {
        let Some(eyes) = self.cluster.as_ref().map(crate::cluster::Cluster::eyes) else { return };
        let post = self.post();
        tokio::spawn(async move {
            let mut rights = Vec::new();
            for question in questions {
                // What cannot be asked stays unknown; planning asks again and says why.
                if let Ok(access) = eyes.access(&query(&question)).await {
                    rights.push((question, matches!(access, Access::Allowed)));
                }
            }
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Rights(rights)).await;
        });
    }

    /// Reads one object for showing it as YAML. The answer is [`Event::Read`].
    pub fn read(&mut self, object: &ObjRef) -> Ticket {
        let ticket = self.ticket();
        let (eyes, post) = (self.cluster.as_ref().map(crate::cluster::Cluster::eyes), self.post());
        let object = object.clone();
        tokio::spawn(async move {
            let read = match eyes {
                Some(eyes) => yaml(&eyes, &object).await,
                None => Err("there is no connection to the cluster".to_owned()),
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Read(ticket, read)).await;
        });
        ticket
    }

    fn post(&self) -> tokio::sync::mpsc::Sender<Message> {
        self.inbox.0.clone()
    }

    /// Goes on with what came back: asks what it led to, or plans.
    pub(super) fn answered(&mut self, asking: Asking) -> Option<Event> {
        let more = asking.request.questions(&self.desk.world, &asking.known).without(&asking.known);
        if self.cluster.is_some() && !more.is_empty() && asking.rounds < ROUNDS {
            self.ask(asking);
            return None;
        }
        let Asking { ticket, request, known, earnest, .. } = asking;
        let Some(random) = random() else {
            let refusal = Refusal {
                verb: request.verb(),
                object: request.object(&self.desk.world),
                why: "this machine gives no random numbers for the operation's name".into(),
                clear: "look at the machine".into(),
            };
            return Some(self.not_planned(ticket, refusal, earnest.then_some(&request)));
        };
        let now = crate::store::now();
        match request.plan(&self.desk.world, &known, OperationId::new(now, random), now) {
            Err(refusal) => Some(self.not_planned(ticket, refusal, earnest.then_some(&request))),
            Ok(plan) => {
                if earnest {
                    self.rotate_journals();
                }
                self.dry_run(ticket, plan);
                None
            }
        }
    }

    fn not_planned(&mut self, ticket: Ticket, refusal: Refusal, earnest: Option<&Request>) -> Event {
        let refusal = match earnest {
            Some(request) => self.refuse_request(refusal, request),
            None => refusal,
        };
        Event::Planned(ticket, Err(refusal))
    }

    /// Whether a first list that planning looks at is still coming in: a refusal would blame what is only not here
    /// yet.
    pub(super) fn sees_too_little(&self, request: &Request) -> bool {
        let loading = |kind: &Kind| *self.desk.world.freshness(*kind) == Freshness::Loading;
        request.looks_at().iter().any(|kind| self.options.kinds.contains(kind) && loading(kind))
    }

    /// Takes a message again a moment later. A first list always ends: complete, denied, absent or broken.
    pub(super) fn put_off(&self, message: Message) {
        let post = self.post();
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN).await;
            // The session may have been closed meanwhile.
            let _ = post.send(message).await;
        });
    }

    fn dry_run(&self, ticket: Ticket, plan: Plan) {
        let hands = self.cluster.as_ref().and_then(|cluster| Some((cluster.eyes(), cluster.hands()?)));
        let post = self.post();
        tokio::spawn(async move {
            let dry_run = match hands {
                Some((eyes, hands)) => try_writes(&eyes, &hands, &plan).await,
                None => DryRun::NotChecked("read-only mode sends no writes, not even as a dry run".into()),
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Checked(ticket, Box::new(Reviewed { plan, dry_run }))).await;
        });
    }
}

async fn ask(eyes: &Eyes, questions: Questions, answers: &mut Answers) {
    for at in questions.objects {
        let read = eyes.get(&at.resource, at.namespace.as_deref(), &at.name).await;
        let read = read.map(|found| found.map(|fetched| fetched.value)).map_err(|error| error.to_string());
        answers.objects.insert(at, read);
    }
    for question in questions.access {
        let answer = eyes.access(&query(&question)).await;
        let answer = answer.map(|access| matches!(access, Access::Allowed)).map_err(|error| error.to_string());
        answers.access.insert(question, answer);
    }
    for at in questions.lists {
        let listed = match eyes.list(&at.resource, at.namespace.as_deref(), &at.selector).await {
            Err(error) if error.not_found() => Ok(Vec::new()),
            listed => listed.map_err(|error| error.to_string()),
        };
        answers.lists.insert(at, listed);
    }
}

/// What tells ids of one second apart; `None` where this machine gives no random numbers.
pub(super) fn random() -> Option<[u8; 4]> {
    let mut random = [0; 4];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random);
    filled.ok().map(|()| random)
}

/// The text of a file that a person named.
async fn text_of(file: PathBuf) -> Result<String, String> {
    let read = tokio::task::spawn_blocking(move || read_text(&file)).await;
    read.map_err(|error| error.to_string())?.map_err(|error| crate::text::chain(&error))
}

fn query(question: &AccessQuestion) -> AccessQuery {
    AccessQuery {
        verb: question.verb.into(),
        group: question.group.clone().into(),
        resource: question.resource.clone().into(),
        subresource: Some(question.subresource).filter(|name| !name.is_empty()).map(Into::into),
        namespace: question.namespace.clone().map(Into::into),
        name: None,
    }
}

/// Sends what the plan writes as a dry run; the first refusal is the answer. What is done to objects, or in namespaces,
/// that the plan only makes cannot be tried before they are there.
async fn try_writes(eyes: &Eyes, hands: &Hands, plan: &Plan) -> DryRun {
    let steps = plan.steps();
    let made: Vec<&str> = steps
        .iter()
        .filter_map(|step| match &step.act {
            Act::Create { at, .. } if at.resource.plural == "namespaces" => Some(at.name.as_str()),
            _ => None,
        })
        .collect();
    let in_made = |at: &ObjectAt| at.namespace.as_deref().is_some_and(|namespace| made.contains(&namespace));
    let deletes =
        |act: &Act, at: &ObjectAt| matches!(act, Act::Delete { target: Known { at: gone, .. } } if gone == at);
    let replaces = |at: &ObjectAt| steps.iter().any(|step| deletes(&step.act, at));
    let mut tried = false;
    for step in &steps {
        // What builds on what earlier steps do cannot be tried before they have run.
        let early = match &step.act {
            Act::Create { at, .. } => in_made(at) || replaces(at),
            _ => plan.closes(&step.id),
        };
        if early || step.act.depends() {
            continue;
        }
        let Some(answer) = try_write(eyes, hands, &step.act).await else { continue };
        tried = true;
        match answer {
            Ok(_) => {}
            Err(WriteError::Refused(error)) if !error.temporary() => return DryRun::Refused(error.to_string()),
            Err(WriteError::Refused(error) | WriteError::Unknown(error)) => {
                return DryRun::NotChecked(error.to_string());
            }
        }
    }
    if tried { DryRun::Accepted } else { DryRun::NotChecked("no step of it can be tried before it runs".into()) }
}

async fn try_write(eyes: &Eyes, hands: &Hands, act: &Act) -> Option<Result<Written, WriteError>> {
    Some(match act {
        Act::Create { at, manifest } => hands.create(&at.resource, at.namespace.as_deref(), manifest, true).await,
        // What a step finds is part of some patches: these are whole only when it has run.
        Act::Patch { patch, .. }
            if patch.as_array().into_iter().flatten().any(|one| one.get("valueFrom").is_some()) =>
        {
            return None;
        }
        Act::Patch { target: Known { at, uid }, patch, .. } | Act::Dismiss { target: Known { at, uid }, patch, .. } => {
            let (resource, namespace) = (&at.resource, at.namespace.as_deref());
            // What cannot be read now is not tried; planning has just read it.
            let now = eyes.get(resource, namespace, &at.name).await.ok()??;
            let same = json!({ "op": "test", "path": "/metadata/uid", "value": uid.as_str() });
            let patch = std::iter::once(same).chain(with_maps(patch, &now.value)).collect();
            hands.patch_json(resource, namespace, &at.name, &patch, true).await
        }
        Act::Condition { target: Known { at, uid }, condition, .. } => {
            let (resource, namespace) = (&at.resource, at.namespace.as_deref());
            // What cannot be read now is not tried; planning has just read it.
            let now = eyes.get(resource, namespace, &at.name).await.ok()?.filter(|now| now.uid == uid.as_str())?;
            let manifest = with_condition(&now.value, condition, crate::store::now());
            hands.put_status(resource, namespace, &at.name, &manifest, true).await
        }
        Act::Delete { target: Known { at, uid } } => {
            hands.delete(&at.resource, at.namespace.as_deref(), &at.name, Some(uid.as_str()), None, true).await
        }
        _ => return None,
    })
}

async fn yaml(eyes: &Eyes, object: &ObjRef) -> Result<String, String> {
    let resource = Resource::of(object.kind);
    let found = eyes.get(&resource, object.namespace.as_deref(), &object.name).await;
    match found.map_err(|error| error.to_string())? {
        None => Err(format!("{object} is gone")),
        Some(fetched) => to_yaml(&fetched.value).map_err(|error| format!("{object}: {error}")),
    }
}

/// An object as YAML that kubectl reads back as it was.
///
/// # Errors
/// When it cannot be written as YAML.
pub fn to_yaml(value: &Value) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}
