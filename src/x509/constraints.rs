//! Name constraints of CAs: reading them, and finding the names below a CA for which it may not vouch.
//!
//! By RFC 5280 4.2.1.10 and 6.1.4, and as Go, OpenSSL and rustls do it where they agree; where they differ, as the one
//! that refuses does. Pure: nothing is said here about how much it matters.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, GeneralSubtree};

use super::facts::address;
use crate::model::{CertificateFacts, NameConstraints, OtherName, Subtree};

/// The constraints of a CA; `None` where it has none, or they cannot be read.
pub(super) fn of(certificate: &X509Certificate<'_>) -> Option<Box<NameConstraints>> {
    let said = certificate.name_constraints().ok().flatten()?.value;
    let read =
        |trees: &Option<Vec<GeneralSubtree<'_>>>| trees.iter().flatten().map(|tree| subtree(&tree.base)).collect();
    Some(Box::new(NameConstraints {
        permitted: read(&said.permitted_subtrees),
        excluded: read(&said.excluded_subtrees),
    }))
}

fn subtree(base: &GeneralName<'_>) -> Subtree {
    match base {
        GeneralName::DNSName(base) => Subtree::Dns((*base).into()),
        GeneralName::URI(base) => Subtree::Uri((*base).into()),
        GeneralName::RFC822Name(base) => Subtree::Mail((*base).into()),
        GeneralName::DirectoryName(base) => Subtree::Directory(base.to_string().into()),
        GeneralName::IPAddress(bytes) => {
            let half = bytes.split_at_checked(bytes.len() / 2);
            let network = half.and_then(|(own, mask)| Some(Subtree::Network(address(own)?, address(mask)?)));
            network.unwrap_or_else(|| Subtree::Other("IP network that cannot be read".into()))
        }
        other => Subtree::Other(form(other).into()),
    }
}

/// The names that a certificate has beside those that are listed of every one.
pub(super) fn other_names(certificate: &X509Certificate<'_>) -> Box<[OtherName]> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| names.value.general_names.iter());
    let mut found: Vec<OtherName> = names.filter_map(other_name).collect();
    if !found.iter().any(|name| matches!(name, OtherName::Mail(_))) {
        let mails = certificate.subject().iter_email().filter_map(|mail| mail.as_str().ok());
        found.extend(mails.map(|mail| OtherName::Mail(mail.into())));
    }
    found.into()
}

fn other_name(name: &GeneralName<'_>) -> Option<OtherName> {
    match name {
        GeneralName::DNSName(_) | GeneralName::URI(_) | GeneralName::IPAddress(_) => None,
        GeneralName::RFC822Name(mail) => Some(OtherName::Mail((*mail).into())),
        GeneralName::DirectoryName(name) => Some(OtherName::Directory(name.to_string().into())),
        other => Some(OtherName::Form(form(other).into())),
    }
}

fn form(name: &GeneralName<'_>) -> &'static str {
    match name {
        GeneralName::OtherName(..) => "otherName",
        GeneralName::X400Address(_) => "x400Address",
        GeneralName::EDIPartyName(_) => "ediPartyName",
        GeneralName::RegisteredID(_) => "registeredID",
        _ => "name that cannot be read",
    }
}

/// Names of one certificate for which a CA above it may not vouch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside<'a> {
    /// Whose names they are.
    pub whose: &'a CertificateFacts,
    /// The CA that says so.
    pub ca: &'a CertificateFacts,
    /// The names. Untrusted text.
    pub names: Vec<&'a str>,
    /// What keeps the first of them out: the subtree that excludes it, or those that are permitted.
    pub rule: Rule<'a>,
}

/// Why a name is outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    /// It is within what is excluded.
    Excluded(&'a Subtree),
    /// It is in none of those of its form that are permitted.
    NotPermitted(Vec<&'a Subtree>),
    /// Names of its form are constrained, and it cannot be compared here.
    Unknown(&'a Subtree),
}

impl Outside<'_> {
    /// What is so, as part of a sentence.
    pub fn said(&self) -> String {
        let mut names: Vec<&str> = self.names.clone();
        names.truncate(3);
        let more = self.names.len() - names.len();
        let names = names.join(", ");
        let names = if more > 0 { format!("{names} and {more} more") } else { names };
        let ca = &self.ca.subject;
        match &self.rule {
            Rule::Excluded(tree) => format!("CA {ca} may not vouch for {names}: its name constraints exclude {tree}"),
            Rule::NotPermitted(trees) => {
                let trees: Vec<String> = trees.iter().map(ToString::to_string).collect();
                let only = trees.join(", ");
                format!("CA {ca} may not vouch for {names}: its name constraints permit only {only}")
            }
            Rule::Unknown(tree) => {
                format!("whether CA {ca} may vouch for {names} is not known: its name constraints speak of {tree}")
            }
        }
    }
}

/// Every name in a path of certificates, each issued by the next, for which a CA above it may not vouch.
pub fn outside<'a>(path: &[&'a CertificateFacts]) -> Vec<Outside<'a>> {
    let mut found = Vec::new();
    for (at, ca) in path.iter().enumerate() {
        let Some(constraints) = ca.constraints.as_deref().filter(|_| ca.ca) else { continue };
        for (below, member) in path[..at].iter().enumerate() {
            // One that only carries a key of the same CA over is passed by, unless it is what is shown (6.1.4 b).
            if below > 0 && member.subject == member.issuer {
                continue;
            }
            found.extend(of_member(constraints, ca, member));
        }
    }
    found
}

fn of_member<'a>(
    constraints: &'a NameConstraints,
    ca: &'a CertificateFacts,
    whose: &'a CertificateFacts,
) -> Vec<Outside<'a>> {
    let mut found: Vec<Outside<'a>> = Vec::new();
    for name in names(whose) {
        let Some(rule) = judge(constraints, &name) else { continue };
        match found.iter_mut().find(|outside| outside.rule == rule) {
            Some(outside) => outside.names.push(name.text()),
            None => found.push(Outside { whose, ca, names: vec![name.text()], rule }),
        }
    }
    found
}

/// A name by its form.
#[derive(Clone, Copy)]
enum Name<'a> {
    Dns(&'a str),
    Address(IpAddr, &'a str),
    Uri(&'a str),
    Mail(&'a str),
    Directory(&'a str),
    Form(&'a str),
}

impl<'a> Name<'a> {
    fn text(self) -> &'a str {
        let (Self::Dns(text)
        | Self::Address(_, text)
        | Self::Uri(text)
        | Self::Mail(text)
        | Self::Directory(text)
        | Self::Form(text)) = self;
        text
    }
}

/// Everything in a certificate that constraints speak of.
fn names(facts: &CertificateFacts) -> Vec<Name<'_>> {
    let subject = Some(Name::Directory(&facts.subject)).filter(|_| !facts.subject.is_empty());
    let listed = facts.names.iter().map(|name| listed(facts, name));
    let others = facts.other_names.iter().map(|name| match name {
        OtherName::Mail(mail) => Name::Mail(mail),
        OtherName::Directory(name) => Name::Directory(name),
        OtherName::Form(form) => Name::Form(form),
    });
    listed.chain(others).chain(subject).collect()
}

/// A URI always has a colon, a DNS name never; an address that was written as a DNS name was noted.
fn listed<'a>(facts: &CertificateFacts, name: &'a str) -> Name<'a> {
    use crate::model::Oddity;
    let noted = || facts.oddities.iter().any(|odd| matches!(odd, Oddity::AddressAsName(other) if **other == *name));
    match name.parse() {
        Ok(address) if !noted() => Name::Address(address, name),
        Err(_) if name.contains(':') => Name::Uri(name),
        _ => Name::Dns(name),
    }
}

fn judge<'a>(constraints: &'a NameConstraints, name: &Name<'_>) -> Option<Rule<'a>> {
    for tree in &constraints.excluded {
        match compare(tree, name, true) {
            Within::Yes => return Some(Rule::Excluded(tree)),
            Within::Unknown => return Some(Rule::Unknown(tree)),
            Within::No | Within::OtherForm => {}
        }
    }
    let mut permitted = Vec::new();
    for tree in &constraints.permitted {
        match compare(tree, name, false) {
            Within::Yes => return None,
            Within::Unknown => return Some(Rule::Unknown(tree)),
            Within::No => permitted.push(tree),
            Within::OtherForm => {}
        }
    }
    (!permitted.is_empty()).then_some(Rule::NotPermitted(permitted))
}

#[derive(Clone, Copy)]
enum Within {
    Yes,
    No,
    /// The name is of another form, and not spoken of.
    OtherForm,
    /// It cannot be told.
    Unknown,
}

impl From<bool> for Within {
    fn from(within: bool) -> Self {
        if within { Self::Yes } else { Self::No }
    }
}

/// `any`: whether one of the names that a wildcard stands for is enough.
fn compare(tree: &Subtree, name: &Name<'_>, any: bool) -> Within {
    match (tree, *name) {
        (Subtree::Dns(base), Name::Dns(name)) => (below(name, base) || (any && touches(name, base))).into(),
        (Subtree::Network(network, mask), Name::Address(address, _)) => network_has(*network, *mask, address).into(),
        (Subtree::Uri(base), Name::Uri(uri)) => host(uri).map_or(Within::Unknown, |host| at_host(host, base).into()),
        (Subtree::Mail(base), Name::Mail(mail)) => mailbox(mail, base),
        (Subtree::Directory(base), Name::Directory(name)) => begins_with(name, base).into(),
        (Subtree::Other(tree), Name::Form(form)) if **tree == *form => Within::Unknown,
        _ => Within::OtherForm,
    }
}

/// A DNS name is within one that it ends in. The star of a wildcard is a label like others.
fn below(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    match name.strip_suffix(&base) {
        Some("") => !base.starts_with('.'),
        Some(left) => base.is_empty() || base.starts_with('.') || left.ends_with('.'),
        None => false,
    }
}

/// A wildcard stands for names with one label in place of the star: `*.shop.svc` for `db.shop.svc` too.
fn touches(name: &str, base: &str) -> bool {
    let (Some(rest), Some((label, parent))) = (name.strip_prefix("*."), base.split_once('.')) else { return false };
    !label.is_empty() && parent.eq_ignore_ascii_case(rest)
}

fn network_has(network: IpAddr, mask: IpAddr, address: IpAddr) -> bool {
    match (network, mask, address) {
        (IpAddr::V4(network), IpAddr::V4(mask), IpAddr::V4(address)) => network & mask == address & mask,
        (IpAddr::V6(network), IpAddr::V6(mask), IpAddr::V6(address)) => network & mask == address & mask,
        _ => false,
    }
}

/// The host of a URI, where it has one by name (RFC 3986 3.2).
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?;
    let named = !host.is_empty() && !host.starts_with('[') && host.parse::<IpAddr>().is_err();
    named.then_some(host)
}

/// Exactly this host; below it, where a dot stands before it.
fn at_host(host: &str, base: &str) -> bool {
    let deeper = base.starts_with('.') && below(host, base);
    base.is_empty() || deeper || host.eq_ignore_ascii_case(base)
}

fn mailbox(mail: &str, base: &str) -> Within {
    let Some((own, host)) = mail.rsplit_once('@') else { return Within::Unknown };
    match base.rsplit_once('@') {
        Some((local, at)) => (own == local && host.eq_ignore_ascii_case(at)).into(),
        None => at_host(host, base).into(),
    }
}

/// By relative names, without regard to case and runs of white space (RFC 5280 7.1). What follows must be another
/// relative name: `O=Shop, Inc.` does not begin with `O=Shop`.
fn begins_with(name: &str, base: &str) -> bool {
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (name, base) = (folded(name), folded(base));
    let attribute = |rest: &str| {
        let key = rest.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'))
    };
    match name.strip_prefix(&base) {
        Some("") => true,
        Some(_) if base.is_empty() => true,
        Some(rest) => rest.strip_prefix(", ").is_some_and(attribute),
        None => false,
    }
}

#[cfg(test)]
mod tests;
