//! The gates of a CA rotation, in order: each is passed or says what has not converged. Nobody goes on before all the
//! gates before are passed, and each is judged anew whenever it is looked at, so one that was passed may close again.

use jiff::Timestamp;

use super::{Before, Ca, Leaf, Noted, Store, before, issuers, leaves, mark, noted, stores};
use crate::assess::sight::Sight;
use crate::model::{Issuer, Kind, World};
use crate::text;

/// Kinds in which a CA is trusted, and of those who use them. What is not seen of them, a person has to answer for.
pub const LOOKED_AT: &[Kind] = &[
    Kind::TlsSecret,
    Kind::OtherSecret,
    Kind::ConfigMap,
    Kind::Certificate,
    Kind::Issuer,
    Kind::ClusterIssuer,
    Kind::MutatingWebhook,
    Kind::ValidatingWebhook,
    Kind::ApiService,
    Kind::Crd,
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
];

/// Kinds without which nothing can be said at all.
const NEEDED: &[Kind] = &[Kind::TlsSecret, Kind::Pod];

/// A gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A new CA is there beside the former one.
    Make,
    /// Both are trusted wherever that can be written.
    Trust,
    /// Both are trusted wherever it cannot, or somebody answers for it.
    Stores,
    /// Whoever trusts has started since.
    Start,
    /// Issuers sign with the new one.
    Switch,
    /// What the former one signed is issued anew.
    Reissue,
    /// What is issued anew is served.
    Prove,
    /// It was, for long enough.
    Soak,
    /// Holders of trust outside of the cluster have the new one.
    Outside,
    /// The former one is trusted nowhere.
    Drop,
    /// Its key is gone.
    Retire,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Make,
        Self::Trust,
        Self::Stores,
        Self::Start,
        Self::Switch,
        Self::Reissue,
        Self::Prove,
        Self::Soak,
        Self::Outside,
        Self::Drop,
        Self::Retire,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Trust => "trust",
            Self::Stores => "stores",
            Self::Start => "start",
            Self::Switch => "switch",
            Self::Reissue => "reissue",
            Self::Prove => "prove",
            Self::Soak => "soak",
            Self::Outside => "outside",
            Self::Drop => "drop",
            Self::Retire => "retire",
        }
    }

    /// What holds once it is passed.
    pub fn says(self) -> &'static str {
        match self {
            Self::Make => "a new CA is there beside the former one",
            Self::Trust => "both are trusted wherever the former one is",
            Self::Stores => "both are trusted where Holdfast cannot write that, or somebody answers for it",
            Self::Start => "every pod that trusts has started since",
            Self::Switch => "issuers sign with the new one",
            Self::Reissue => "every certificate of the former one is issued anew",
            Self::Prove => "the new certificates were seen to be served",
            Self::Soak => "they were for long enough: nothing that knew the former ones is left",
            Self::Outside => "somebody answers for those outside of the cluster who trust the former one",
            Self::Drop => "the former one is trusted nowhere any more",
            Self::Retire => "its key is gone",
        }
    }
}

/// A gate, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which.
    pub phase: Phase,
    /// Whether it is passed.
    pub passed: bool,
    /// What has not converged, or who answered for it; safe to draw.
    pub left: Vec<String>,
    /// When time alone opens it.
    pub until: Option<Timestamp>,
}

/// All that is known of a CA rotation.
#[derive(Clone, Debug)]
pub struct Sights<'w> {
    /// The former CA.
    pub former: Ca<'w>,
    /// The one that takes its place.
    pub successor: Option<Ca<'w>>,
    /// What is noted of it.
    pub noted: Noted,
    /// Where one of them is trusted.
    pub stores: Vec<Store>,
    /// Pods that trust and are from before.
    pub before: Vec<Before>,
    /// Issuers that sign with the former one.
    pub issuers: Vec<(Kind, &'w Issuer)>,
    /// What the former one has signed.
    pub below: Vec<Leaf>,
    /// What cannot be seen; safe to draw.
    pub unseen: Vec<String>,
    now: Timestamp,
}

/// Looks at all of it.
///
/// # Errors
/// When what nothing can be said without is not seen now: why.
pub fn look<'w>(
    world: &'w World,
    former: Ca<'w>,
    successor: Option<Ca<'w>>,
    now: Timestamp,
) -> Result<Sights<'w>, String> {
    let blind: Vec<(Kind, String)> = LOOKED_AT
        .iter()
        .filter_map(|kind| Some((*kind, Sight::all(world, *kind, now).blind()?.text.clone())))
        .collect();
    if let Some((_, why)) = blind.iter().find(|(kind, _)| NEEDED.contains(kind)) {
        return Err(why.clone());
    }
    let elsewhere = (!world.everywhere(Kind::TlsSecret)).then(|| {
        let seen: Vec<String> = world.context.namespaces.iter().map(|name| text::sanitize(name).into_owned()).collect();
        format!("namespaces other than {}", text::list(&seen))
    });
    let noted = successor.map(noted).unwrap_or_default();
    let stores = stores(world, former, successor);
    Ok(Sights {
        before: before(world, &stores, &noted),
        issuers: issuers(world, &former.key()),
        below: leaves(world, former),
        unseen: blind.into_iter().map(|(_, why)| why).chain(elsewhere).collect(),
        former,
        successor,
        noted,
        stores,
        now,
    })
}

impl Sights<'_> {
    /// Every gate, in order.
    pub fn gates(&self) -> Vec<Gate> {
        Phase::ALL.into_iter().map(|phase| self.gate(phase)).collect()
    }

    /// The first that is not passed; `None` when all are.
    pub fn next(&self) -> Option<Gate> {
        self.gates().into_iter().find(|gate| !gate.passed)
    }

    /// Stores that lack the new CA and can be written.
    pub fn lacking(&self) -> impl Iterator<Item = &Store> {
        self.stores.iter().filter(|store| store.to_write())
    }

    /// Stores that lack it and cannot.
    pub fn out_of_reach(&self) -> impl Iterator<Item = &Store> {
        self.stores.iter().filter(|store| store.out_of_reach())
    }

    /// Places that cannot be written or seen here, each for people and by what it is told from others.
    fn for_somebody(&self) -> impl Iterator<Item = (String, String)> {
        let stores = self.out_of_reach().map(|store| (store.said(), mark(&format!("{} {}", store.at, store.uid))));
        stores.chain(self.unseen.iter().map(|what| (format!("cannot be seen: {what}"), mark(what))))
    }

    /// Those of them that nobody has answered for yet.
    pub fn unanswered(&self) -> Vec<String> {
        let open = self.for_somebody().filter(|(_, mark)| !self.noted.about.contains(mark));
        open.map(|(said, _)| said).collect()
    }

    /// The marks of all of them, for an answer.
    pub fn marks(&self) -> Vec<String> {
        self.for_somebody().map(|(_, mark)| mark).collect()
    }

    fn gate(&self, phase: Phase) -> Gate {
        let noted = &self.noted;
        let said = |store: &Store| store.said();
        let (passed, left, until) = match phase {
            Phase::Make => (self.successor.is_some(), Vec::new(), None),
            Phase::Trust => {
                let left: Vec<String> = self.lacking().map(said).collect();
                (left.is_empty() && noted.trusted.is_some(), left, None)
            }
            Phase::Stores => {
                let left = self.unanswered();
                let passed = left.is_empty();
                let who = answered(noted.stores.as_deref()).filter(|_| passed);
                (passed, left.into_iter().chain(who).collect(), None)
            }
            Phase::Start => {
                let left: Vec<String> = self.before.iter().map(|pod| pod.said.clone()).collect();
                (left.is_empty(), left, None)
            }
            Phase::Switch => {
                let of = |(kind, issuer): &(Kind, &Issuer)| {
                    text::sanitize(&issuer.meta.reference(*kind).to_string()).into_owned()
                };
                let left: Vec<String> = self.issuers.iter().map(of).collect();
                (left.is_empty(), left, None)
            }
            Phase::Reissue => {
                let left: Vec<String> = self.below.iter().map(Leaf::said).collect();
                (left.is_empty(), left, None)
            }
            Phase::Prove => (noted.proven.is_some(), Vec::new(), None),
            Phase::Soak => {
                let end = noted.proven.and_then(|since| since.saturating_add(noted.soak).ok());
                let passed = end.is_some_and(|end| end <= self.now);
                let left = end.filter(|_| !passed).map(|end| format!("until {end:.0}"));
                (passed, left.into_iter().collect(), end.filter(|_| !passed))
            }
            Phase::Outside => (noted.outside.is_some(), answered(noted.outside.as_deref()).into_iter().collect(), None),
            Phase::Drop => {
                let left: Vec<String> = self.stores.iter().filter(|store| store.former).map(said).collect();
                (left.is_empty(), left, None)
            }
            Phase::Retire => (false, vec![secret(self.former)], None),
        };
        Gate { phase, passed, left, until }
    }
}

/// Who answered; safe to draw.
fn answered(noted: Option<&str>) -> Option<String> {
    noted.map(|who| text::sanitize(who).into_owned())
}

/// `Secret shop/shop-ca`; safe to draw.
fn secret(ca: Ca<'_>) -> String {
    text::sanitize(&ca.secret.meta.reference(Kind::TlsSecret).to_string()).into_owned()
}
