//! `holdfast known-good`: which copy of a volume's data can be trusted, and why.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Format, Global, KnownGood};
use super::{Exit, Failure, get, open, out, verb};
use crate::assess::known_good::{Points, Recommendation, points, recommend};
use crate::assess::linking::Chains;
use crate::assess::{Judgement, Reason};
use crate::model::{Band, FindingId, World};
use crate::session::{Unnamed, to_yaml};
use crate::text::{self, quantity};
use crate::view::output;

pub(super) async fn run(global: &Global, asked: &KnownGood) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_path(&asked.volume, "a volume is named NAMESPACE/PVC")?;
    let global = verb::within(global, &namespace, &asked.volume)?;
    let kinds = get::VOLUME_KINDS;
    let mut session = open::session(&global, kinds, Unnamed::All)?;
    let settings = &session.config().findings;
    if !settings.any() {
        let message = "no source of findings is configured, so nothing is known of any copy; set findings.sources";
        return Err(Failure::new(Exit::Usage, message));
    }
    open::settle(&mut session, kinds).await?;
    session.tick();
    session.keep_what_ran();
    let whole = open::warn_of_blind_spots(&session, kinds);
    let (desk, now) = (session.desk(), crate::store::now());
    let world = &desk.world;
    let Some(claim) = world.claim(&(namespace.as_str().into(), name.as_str().into())) else {
        return Err(Failure::new(Exit::Refused, format!("there is no claim {namespace}/{name} to be seen")));
    };
    let least = asked.concern.unwrap_or(session.config().findings.concern);
    let chains = Chains::of(world);
    let judged = points(world, &chains, claim, least, now);
    let advice = recommend(world, &chains, claim, least, now);
    let shown = Shown { world, least, points: &judged, advice: &advice, now };
    match asked.output {
        Format::Table => out::print(shown.text())?,
        Format::Json => out::line(format_args!("{:#}", shown.json()))?,
        Format::Yaml => out::print(to_yaml(&shown.json()).map_err(|error| Failure::new(Exit::Unknown, error))?)?,
    }
    // Only a proof is an answer.
    Ok(if whole && advice.value.point.is_some() { Exit::Fine } else { Exit::Unknown })
}

struct Shown<'a> {
    world: &'a World,
    least: Band,
    points: &'a Judgement<Points>,
    advice: &'a Judgement<Recommendation>,
    now: Timestamp,
}

impl Shown<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        match (&self.advice.value.point, self.advice.value.lost) {
            (Some((object, _, cut)), Some(lost)) => line(&format!(
                "{}: known-good, cut {cut}; restoring it loses the writes of {}",
                text::sanitize(&object.path()),
                quantity::span(lost)
            )),
            _ => line("no copy is known to be good"),
        }
        if let Some((object, _, cut)) = &self.advice.value.may_be {
            line(&format!("{}: may be, cut {cut}; nothing proves it", text::sanitize(&object.path())));
        }
        for reason in &self.advice.reasons {
            line(&format!("  {}", said(reason)));
        }
        if !self.points.value.points.is_empty() {
            line("");
            let heading = ["CUT", "TRUST", "RESTORE POINT", "FINDING"].map(str::to_owned).to_vec();
            let rows = self.points.value.points.iter().map(|point| {
                let level = crate::view::Level::from(point.trust.severity());
                vec![
                    text::age(self.now.duration_since(point.cut)),
                    format!("{} {}", level.glyph(), point.trust.word()),
                    text::sanitize(&point.copy.object.path()).into_owned(),
                    point.by.map_or_else(|| "-".to_owned(), |id| self.finding(id)),
                ]
            });
            out.push_str(&output::plain_table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
        }
        out
    }

    /// `sqli src/db.rs:7`
    fn finding(&self, id: FindingId) -> String {
        let Some(finding) = self.world.findings.latest(id) else { return id.to_string() };
        text::sanitize(&format!("{} {}:{}", finding.rule.id, finding.path, finding.line)).into_owned()
    }

    fn json(&self) -> Value {
        let points = self.points.value.points.iter().map(|point| {
            json!({
                "namespace": point.copy.object.namespace.as_deref(),
                "name": &*point.copy.object.name,
                "uid": point.copy.uid.as_str(),
                "cut": point.cut.to_string(),
                "trust": point.trust.word(),
                "finding": point.by.map(|id| id.to_string()),
                "reasons": point.why.iter().map(said).collect::<Vec<_>>(),
            })
        });
        let named = |object: &Option<(crate::model::ObjRef, crate::model::Uid, Timestamp)>| {
            object
                .as_ref()
                .map(|(object, uid, cut)| json!({ "name": object.path(), "uid": uid.as_str(), "cut": cut.to_string() }))
        };
        let reasons = |reasons: &[Reason]| reasons.iter().map(said).collect::<Vec<_>>();
        let ids =
            self.points.value.concerns.iter().map(|id| json!({ "id": id.to_string(), "said": self.finding(*id) }));
        json!({
            "knownGood": named(&self.advice.value.point),
            "mayBe": named(&self.advice.value.may_be),
            "lostSeconds": self.advice.value.lost.map(|lost| lost.as_secs()),
            "concern": self.least.word(),
            "findings": ids.collect::<Vec<_>>(),
            "reasons": reasons(&self.advice.reasons),
            "points": points.collect::<Vec<_>>(),
        })
    }
}

fn said(reason: &Reason) -> String {
    let next = reason.next.as_ref().map(|next| format!(" → {next}")).unwrap_or_default();
    text::sanitize(&format!("{}{next}", reason.text)).into_owned()
}
