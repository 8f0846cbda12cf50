//! Name constraints: the names for which a CA, and every CA below it, may vouch (RFC 5280 4.2.1.10).
//!
//! Nouns only; [`crate::x509`] reads them, and compares names with them.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What nameConstraints of a CA say. Untrusted text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameConstraints {
    /// permittedSubtrees: a name of a form that stands here must be within one of that form.
    pub permitted: Box<[Subtree]>,
    /// excludedSubtrees: no name may be within one.
    pub excluded: Box<[Subtree]>,
}

impl fmt::Display for NameConstraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |trees: &[Subtree]| trees.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match (&*self.permitted, &*self.excluded) {
            (permitted, []) => write!(f, "of these forms only {}", list(permitted)),
            ([], excluded) => write!(f, "not {}", list(excluded)),
            (permitted, excluded) => write!(f, "of these forms only {}; not {}", list(permitted), list(excluded)),
        }
    }
}

/// A set of names of one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subtree {
    /// dNSName: this one and all below it; with a dot before it only those below.
    Dns(Box<str>),
    /// iPAddress: those that agree with the address wherever the mask has a bit. Both are of one kind.
    Network(IpAddr, IpAddr),
    /// uniformResourceIdentifier: with this host; with a dot before it those with a host below it.
    Uri(Box<str>),
    /// rfc822Name: this mailbox, all of this host, or, with a dot before it, of the hosts below it.
    Mail(Box<str>),
    /// directoryName: distinguished names that begin with this one, as subjects are said.
    Directory(Box<str>),
    /// Of a form that is not compared here, or one that cannot be read; its word.
    Other(Box<str>),
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(base) if base.is_empty() => write!(f, "every DNS name"),
            Self::Dns(base) => write!(f, "DNS {base}"),
            Self::Network(address, mask) => match length(*mask) {
                Some(length) => write!(f, "IP {address}/{length}"),
                None => write!(f, "IP {address}/{mask}"),
            },
            Self::Uri(base) if base.is_empty() => write!(f, "every URI"),
            Self::Uri(base) => write!(f, "URI host {base}"),
            Self::Mail(base) if base.is_empty() => write!(f, "every e-mail address"),
            Self::Mail(base) => write!(f, "e-mail {base}"),
            Self::Directory(base) if base.is_empty() => write!(f, "every directory name"),
            Self::Directory(base) => write!(f, "directory {base}"),
            Self::Other(form) => f.write_str(form),
        }
    }
}

/// How many bits a mask begins with, where it has no others.
fn length(mask: IpAddr) -> Option<u32> {
    let (bits, width) = match mask {
        IpAddr::V4(mask) => (u128::from(mask.to_bits()) << 96, 32),
        IpAddr::V6(mask) => (mask.to_bits(), 128),
    };
    let ones = bits.leading_ones();
    (ones == bits.count_ones()).then_some(ones.min(width))
}

/// A subject alternative name that stands not among [`super::CertificateFacts::names`]. Untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OtherName {
    /// rfc822Name; where there is none, emailAddress of the subject (4.2.1.10 has it count).
    Mail(Box<str>),
    /// directoryName, as subjects are said.
    Directory(Box<str>),
    /// Of another form, or one that cannot be read; its word.
    Form(Box<str>),
}
