//! What is wrong with a certificate chain as it is stored, apart from its time.
//!
//! A chain is what a server sends: its own certificate first, then each issuer in turn (RFC 8446 4.4.2). Every check is
//! a function of the chain alone; what it finds says how much it matters, what was seen and what to do. Critical is
//! what makes clients in wide use refuse the connection.

mod constraints;
mod public;

use crate::model::{CertificateFacts, NextLink, Oddity};
use crate::text;

use super::{Reason, Severity};

/// Lives of leaves that Apple's clients still take from private authorities, in days.
const LONG_LIFE: i64 = 825;

/// Something wrong with a chain.
pub type Flaw = (Severity, Reason);

type Chain<'a> = &'a [CertificateFacts];

/// What a chain is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A server shows it.
    Server,
    /// A client shows it.
    Client,
    /// That is not known: it may sign tokens or mail.
    Any,
}

type Check = fn(Chain<'_>) -> Vec<Flaw>;

/// Everything that is wrong with a chain for what it is shown for, the worst first; `beside` are the CAs that are
/// trusted with it.
pub fn flaws(chain: &[CertificateFacts], beside: &[CertificateFacts], purpose: Purpose) -> Vec<Flaw> {
    let every: [Check; 7] = [links, repeated, root, authorities, crypto, life, public::too_long];
    let own: &[Check] = match purpose {
        Purpose::Server => &[leaf_first, use_of_leaf, names],
        Purpose::Client => &[leaf_first, use_of_client],
        Purpose::Any => &[],
    };
    let mut found: Vec<Flaw> = every.iter().chain(own).flat_map(|check| check(chain)).collect();
    found.extend(constraints::kept_out(chain, beside));
    found.extend(chain.iter().flat_map(|member| member.oddities.iter().map(|oddity| odd(member, oddity))));
    found.sort_by_key(|(severity, _)| std::cmp::Reverse(severity.rank()));
    found
}

fn flaw(severity: Severity, text: impl AsRef<str>, next: &str) -> Flaw {
    (severity, Reason::new(text).next(next))
}

/// A CA that other certificates stand behind: a signing certificate with nothing behind it is kept as one.
fn leaf_first(chain: Chain<'_>) -> Vec<Flaw> {
    let [first, rest @ ..] = chain else { return Vec::new() };
    let Some(leaf) = rest.iter().find(|member| !member.ca).filter(|_| first.ca) else { return Vec::new() };
    let text = format!("a CA comes first, and {} after it: servers send, or refuse, the wrong one", leaf.subject);
    vec![flaw(Severity::Critical, text, "put the leaf first, then each issuer in turn")]
}

/// Each certificate must be followed by its issuer.
fn links(chain: Chain<'_>) -> Vec<Flaw> {
    let strangers = chain.iter().zip(chain.iter().skip(1)).filter(|(member, _)| member.next == NextLink::Stranger);
    let say = |(member, after): (&CertificateFacts, &CertificateFacts)| {
        let elsewhere =
            chain.iter().any(|other| other.subject == member.issuer && other.fingerprint != member.fingerprint);
        let text = format!("{} is followed by {}, which did not issue it", member.subject, after.subject);
        let next = if elsewhere {
            "put the chain in order: the leaf, then each issuer in turn"
        } else {
            "put its issuer's certificate after it, and take out what does not belong"
        };
        flaw(Severity::Warn, text, next)
    };
    strangers.map(say).collect()
}

fn repeated(chain: Chain<'_>) -> Vec<Flaw> {
    let again = |(at, member): (usize, &CertificateFacts)| {
        chain.iter().take(at).any(|before| before.fingerprint == member.fingerprint)
    };
    let count = chain.iter().enumerate().filter(|found| again(*found)).count();
    let text = format!("{} stored more than once", text::plural(count, "certificate is", "certificates are"));
    if count > 0 { vec![flaw(Severity::Info, text, "take the copies out")] } else { Vec::new() }
}

fn root(chain: Chain<'_>) -> Vec<Flaw> {
    let sent = chain.iter().skip(1).find(|member| member.self_signed);
    let say = |root: &CertificateFacts| {
        let text = format!("the root {} is part of the chain: clients have it, or do not trust it", root.subject);
        flaw(Severity::Info, text, "leave it out, it only makes each handshake longer")
    };
    sent.map(say).into_iter().collect()
}

/// Whoever issues must be a CA, may sign, and has no more CAs below it than it allows (RFC 5280 4.2.1.9).
fn authorities(chain: Chain<'_>) -> Vec<Flaw> {
    let mut found = Vec::new();
    for (at, issuer) in chain.iter().enumerate().skip(1) {
        if !matches!(chain[at - 1].next, NextLink::Issuer | NextLink::Unproved) {
            continue;
        }
        let name = &issuer.subject;
        if !issuer.ca {
            let text = format!("{name} issues and is no CA: every client refuses the chain");
            found.push(flaw(Severity::Critical, text, "issue it again with basicConstraints CA:TRUE"));
        } else if issuer.usage.signs == Some(false) {
            let text = format!("{name} issues and its key usage does not allow to sign certificates");
            found.push(flaw(Severity::Critical, text, "issue it again with key usage keyCertSign"));
        }
        let below = chain[..at].iter().filter(|member| member.ca && member.subject != member.issuer).count();
        if issuer.path_len.is_some_and(|most| below > most as usize) {
            let text = format!("{name} allows fewer CAs below it than the chain has: clients refuse it");
            found.push(flaw(
                Severity::Critical,
                text,
                "issue the leaf from it directly, or issue it again with a longer pathLen",
            ));
        }
    }
    found
}

/// A leaf that is marked as a CA, and one that is of no use to a server.
fn use_of_leaf(chain: Chain<'_>) -> Vec<Flaw> {
    let Some(leaf) = chain.first() else { return Vec::new() };
    let mut found = Vec::new();
    let serves = !leaf.names.is_empty() && leaf.usage.server != Some(false);
    if leaf.ca && !leaf.names.is_empty() && (leaf.usage.server == Some(true) || chain.len() > 1) && serves {
        let text = "the leaf is marked as a CA: rustls refuses it, and its key could issue others";
        found.push(flaw(Severity::Warn, text, "issue it again with basicConstraints CA:FALSE"));
    }
    match (leaf.usage.server, leaf.usage.client) {
        (Some(false), Some(true)) => {
            found.push(flaw(
                Severity::Info,
                "it is for clients only: no server can use it",
                "nothing, where it is one of a client",
            ));
        }
        (Some(false), _) => {
            let text = "its extended key usage allows neither servers nor clients";
            found.push(flaw(Severity::Warn, text, "issue it again with extended key usage serverAuth"));
        }
        _ => {}
    }
    found
}

/// A certificate by which a client shows who it is.
fn use_of_client(chain: Chain<'_>) -> Vec<Flaw> {
    let refused = chain.first().filter(|leaf| leaf.usage.client == Some(false));
    let say = |_: &CertificateFacts| {
        let text = "its extended key usage does not allow clients: API servers refuse it";
        flaw(Severity::Critical, text, "issue it again with extended key usage clientAuth")
    };
    refused.map(say).into_iter().collect()
}

/// Clients look at the subject alternative names alone (RFC 9525 2).
fn names(chain: Chain<'_>) -> Vec<Flaw> {
    let Some(leaf) = chain.first() else { return Vec::new() };
    let serves = !leaf.ca && leaf.usage.server != Some(false);
    if serves && leaf.names.is_empty() {
        let text = "it has no subject alternative name: clients refuse it whatever its common name";
        return vec![flaw(Severity::Critical, text, "issue it again with its DNS names as subject alternative names")];
    }
    Vec::new()
}

/// What is weak about the keys and signatures of a chain.
pub fn weak(chain: &[CertificateFacts]) -> Vec<Flaw> {
    crypto(chain)
}

/// Names that a server's certificate lacks.
pub fn nameless(chain: &[CertificateFacts]) -> Vec<Flaw> {
    names(chain)
}

fn crypto(chain: Chain<'_>) -> Vec<Flaw> {
    chain
        .iter()
        .enumerate()
        .flat_map(|(at, member)| [weak_key(at, member), weak_signature(member), rare(at, member)])
        .flatten()
        .collect()
}

fn called(at: usize, member: &CertificateFacts) -> String {
    if at == 0 { "its key".to_owned() } else { format!("the key of {}", member.subject) }
}

fn weak_key(at: usize, member: &CertificateFacts) -> Option<Flaw> {
    let bits: usize = member.key.strip_prefix("RSA ")?.parse().ok()?;
    let text = format!("{} has only {bits} bits of RSA: clients refuse less than 2048", called(at, member));
    (bits < 2048).then(|| flaw(Severity::Critical, text, "issue it again with a key of RSA 2048 or ECDSA P-256"))
}

/// The signature of a root proves nothing and may be of any age.
fn weak_signature(member: &CertificateFacts) -> Option<Flaw> {
    let weak = ["SHA-1", "MD5", "MD2"].iter().find(|hash| member.signature.ends_with(**hash))?;
    let text = format!("{} is signed with {weak}: clients refuse it", member.subject);
    (!member.self_signed).then(|| flaw(Severity::Critical, text, "have it issued again with SHA-256"))
}

/// Kinds that not every client can read.
fn rare(at: usize, member: &CertificateFacts) -> Option<Flaw> {
    let common = member.key.starts_with("RSA ") || ["ECDSA P-256", "ECDSA P-384"].contains(&&*member.key);
    let text = format!("{} is {}, which not every client can use", called(at, member), member.key);
    (!common).then(|| flaw(Severity::Info, text, "see that every client can, or use ECDSA P-256"))
}

fn life(chain: Chain<'_>) -> Vec<Flaw> {
    let Some(leaf) = chain.first().filter(|leaf| !leaf.ca) else { return Vec::new() };
    let days = leaf.not_after.duration_since(leaf.not_before).as_hours() / 24;
    let text =
        format!("it holds for {days} days: some clients refuse more than {LONG_LIFE}, and a leaked key stays of use");
    if days > LONG_LIFE {
        vec![flaw(Severity::Info, text, "issue it for a shorter time, and renew it by itself")]
    } else {
        Vec::new()
    }
}

fn odd(member: &CertificateFacts, oddity: &Oddity) -> Flaw {
    let name = &member.subject;
    let again = "issue it again without it";
    match oddity {
        Oddity::Serial => {
            let text = format!("the serial number of {name} is negative, zero or too long: some clients refuse it");
            flaw(Severity::Warn, text, "issue it again with a random serial number of at most 20 octets")
        }
        Oddity::Version => {
            let text = format!("{name} is of an old version of X.509: clients refuse it");
            flaw(Severity::Critical, text, "issue it again as version 3")
        }
        Oddity::AddressAsName(address) => {
            let text = format!("{address} is an IP address written as a DNS name: clients do not find it");
            flaw(Severity::Warn, text, "issue it again with the address as an IP address")
        }
        Oddity::BadName(bad) => flaw(Severity::Warn, format!("{bad} is no DNS name"), again),
        Oddity::BadAddress => flaw(Severity::Warn, "an IP address in it is of neither kind", again),
        Oddity::Critical(oid) => {
            let text = format!("{name} has critical extension {oid}: clients that do not know it refuse it");
            flaw(Severity::Warn, text, "see that every client knows it")
        }
    }
}

#[cfg(test)]
mod tests;
