//! `holdfast probe`: whether the certificate of a Secret is the one that is served, pod by pod.

use super::args::{Format, Global, Probe};
use super::{Exit, Failure, open, out, verb};
use crate::assess::served::{PodServed, SHORT, State, served};
use crate::model::{CertificateFacts, ClaimKey, Kind, NotServed};
use crate::session::{Event, READ_ONLY, Session, Ticket, Unnamed, to_yaml};
use crate::text;
use crate::view::served as lines;

const KINDS: &[Kind] = &[Kind::TlsSecret, Kind::Certificate, Kind::CertificateRequest, Kind::Service, Kind::Pod];

/// How often they are asked, at most, while the certificate changes.
const TIMES: usize = 5;

pub(super) async fn run(global: &Global, probe: &Probe) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_path(&probe.secret, "a TLS Secret is named NAMESPACE/SECRET")?;
    let global = verb::within(global, &namespace, &probe.secret)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    let whole = open::warn_of_blind_spots(&session, KINDS);
    let key: ClaimKey = (namespace.as_str().into(), name.as_str().into());
    known(&session, &key)?;
    if let Some(address) = &probe.address {
        return dial(&mut session, &key, address, probe.name.as_deref()).await;
    }
    shake(&mut session, &key).await?;
    let now = crate::store::now();
    let judged = served(&session.desk().world, &key, now).value;
    if judged.is_empty() {
        let seen = if whole { "no pod uses it" } else { "no pod is seen that uses it" };
        out::say(format_args!("holdfast: Secret {namespace}/{name}: {seen}"));
        return Ok(Exit::Unknown);
    }
    print(&judged, probe.output, now)?;
    Ok(exit(&judged, whole))
}

/// Shakes hands with everybody. What was seen is of the certificate that was stored then: where another one was stored
/// meanwhile they are asked again.
async fn shake(session: &mut Session, key: &ClaimKey) -> Result<(), Failure> {
    let version = |session: &Session| {
        let secret = session.desk().world.inventory.tls_secrets.named(Some(&key.0), &key.1);
        secret.map(|secret| secret.meta.resource_version.clone())
    };
    for _ in 0..TIMES {
        let before = version(session);
        match session.probe(key) {
            Ok(ticket) => drop(wait(session, ticket).await),
            Err(READ_ONLY) => {
                out::say(format_args!("holdfast: {READ_ONLY}: what is said is inferred, not seen"));
                return Ok(());
            }
            Err(why) => return Err(Failure::new(Exit::Unknown, why)),
        }
        if version(session) == before {
            return Ok(());
        }
    }
    Ok(())
}

/// That the Secret is seen: nothing can be compared without.
fn known(session: &Session, key: &ClaimKey) -> Result<(), Failure> {
    let world = &session.desk().world;
    let path = format!("{}/{}", key.0, key.1);
    if world.inventory.tls_secrets.named(Some(&key.0), &key.1).is_some() {
        return Ok(());
    }
    if !world.freshness(Kind::TlsSecret).live() {
        return Err(Failure::new(Exit::Unknown, format!("whether there is a TLS Secret {path} cannot be seen")));
    }
    let list = format!("`holdfast get certificates -n {}` lists what there is", key.0);
    let message = format!("there is no Secret {path} of type kubernetes.io/tls on {}; {list}", world.context.name);
    Err(Failure::new(Exit::Refused, message))
}

/// Waits for the answer to a question; what a direct dial saw.
async fn wait(session: &mut Session, ticket: Ticket) -> Option<Result<Box<CertificateFacts>, NotServed>> {
    loop {
        match session.next().await {
            Event::Probed(answered) if answered == ticket => return None,
            Event::Dialed(answered, served) if answered == ticket => return Some(served),
            // Every handshake has a deadline.
            _ => {}
        }
    }
}

fn print(judged: &[PodServed], output: Format, now: jiff::Timestamp) -> Result<(), Failure> {
    match output {
        Format::Table => {
            out::print(lines::table(judged, now))?;
            let next = judged.iter().filter(|one| one.state != State::Match);
            let mut said: Vec<String> = next
                .filter_map(|one| Some(format!("{}: {}", text::sanitize(&one.pod), one.why.next.as_ref()?)))
                .collect();
            said.dedup();
            for line in &said {
                out::say(format_args!("holdfast: {line}"));
            }
            Ok(())
        }
        Format::Json => out::line(format_args!("{:#}", lines::json(judged))),
        Format::Yaml => out::print(to_yaml(&lines::json(judged)).map_err(|error| Failure::new(Exit::Unknown, error))?),
    }
}

/// 1 when one was seen to be stale, else 3 when one could not be judged.
fn exit(judged: &[PodServed], whole: bool) -> Exit {
    if judged.iter().any(|one| one.state == State::Stale) {
        Exit::Refused
    } else if whole && judged.iter().all(|one| one.state.proven()) {
        Exit::Fine
    } else {
        Exit::Unknown
    }
}

/// One address, past the API server.
async fn dial(session: &mut Session, key: &ClaimKey, address: &str, name: Option<&str>) -> Result<Exit, Failure> {
    let Some((host, _)) = address.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) else {
        let why = format!("--address is HOST:PORT, not \"{}\"", text::sanitize(address));
        return Err(Failure::new(Exit::Usage, why));
    };
    let name = name.unwrap_or_else(|| host.trim_matches(['[', ']']));
    let ticket = session.dial(address, name).map_err(|why| Failure::new(Exit::Unknown, why))?;
    let shaken = wait(session, ticket).await;
    let world = &session.desk().world;
    let stored = world.inventory.tls_secrets.named(Some(&key.0), &key.1);
    let stored = stored.and_then(|secret| secret.leaf.chain.as_ref().ok()?.first());
    let shown = text::sanitize(address);
    match (shaken, stored) {
        (Some(Ok(leaf)), Some(stored)) => {
            let short: String = leaf.fingerprint.chars().take(SHORT).collect();
            let same = leaf.fingerprint == stored.fingerprint;
            let state = if same { State::Match } else { State::Stale };
            out::line(format_args!("{shown}  {short}  until {:.0}  {}", leaf.not_after, state.word()))?;
            Ok(if same { Exit::Fine } else { Exit::Refused })
        }
        (Some(Err(not)), _) => Err(Failure::new(Exit::Unknown, format!("{shown}: {not}"))),
        (_, None) => Err(Failure::new(Exit::Unknown, "the stored certificate cannot be read")),
        (None, _) => Err(Failure::new(Exit::Unknown, format!("{shown}: no answer"))),
    }
}
