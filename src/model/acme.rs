//! Orders and Challenges of cert-manager's ACME issuers: how a certificate is asked for at a public CA, and how it is
//! proved that a name is ours (RFC 8555). Tokens and keys of challenges never reach this module.

use std::sync::Arc;

use jiff::Timestamp;

use super::tls::issuer_ref;
use super::{CertificateRequest, Kind, Meta, ObjRef, Uid, World};

/// An Order: one certificate asked for at an ACME server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    /// Metadata. Its owner is the CertificateRequest.
    pub meta: Meta,
    /// The Certificate it is for, by annotation.
    pub certificate: Option<Arc<str>>,
    /// `spec.issuerRef`: kind and name.
    pub issuer: (Box<str>, Arc<str>),
    /// `spec.dnsNames` and `spec.ipAddresses`; `spec.commonName` where there are none. Untrusted text.
    pub names: Box<[Box<str>]>,
    /// `status.state`; empty until cert-manager has taken it up.
    pub state: Box<str>,
    /// `status.reason`. Untrusted text.
    pub reason: Box<str>,
    /// `status.failureTime`.
    pub failed: Option<Timestamp>,
}

impl Order {
    /// The issuer that it names; `None` when that is of a kind that is not watched.
    pub fn issuer_ref(&self) -> Option<ObjRef> {
        issuer_ref(&self.issuer, &self.meta)
    }
}

/// A Challenge: the proof of one name that an Order waits for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Challenge {
    /// Metadata. Its owner is the Order.
    pub meta: Meta,
    /// `spec.type`: `HTTP-01` or `DNS-01`.
    pub method: Box<str>,
    /// `spec.dnsName`, without the `*.` of a wildcard. Untrusted text.
    pub name: Box<str>,
    /// `spec.wildcard`: it is for every name below that one.
    pub wildcard: bool,
    /// `spec.issuerRef`: kind and name.
    pub issuer: (Box<str>, Arc<str>),
    /// `status.state`; empty until cert-manager has taken it up.
    pub state: Box<str>,
    /// `status.reason`. Untrusted text.
    pub reason: Box<str>,
    /// `status.presented`: the answer was put where the CA looks for it.
    pub presented: bool,
    /// `status.processing`: cert-manager works on it. Only so many are worked on at a time.
    pub processing: bool,
}

impl Challenge {
    /// The issuer that it names; `None` when that is of a kind that is not watched.
    pub fn issuer_ref(&self) -> Option<ObjRef> {
        issuer_ref(&self.issuer, &self.meta)
    }

    /// The name that is to be proved, with the `*.` of a wildcard.
    pub fn subject(&self) -> String {
        if self.wildcard { format!("*.{}", self.name) } else { self.name.to_string() }
    }
}

impl World {
    /// The request that an Order was made for, by owner.
    pub fn request_of(&self, order: &Order) -> Option<&CertificateRequest> {
        order.meta.owners.iter().find_map(|owner| self.inventory.certificate_requests.get(&owner.uid))
    }

    /// The Order that waits for a Challenge, by owner.
    pub fn order_of(&self, challenge: &Challenge) -> Option<&Order> {
        challenge.meta.owners.iter().find_map(|owner| self.inventory.orders.get(&owner.uid))
    }

    /// The Orders of a request, by owner, in the order of their names.
    pub fn orders_of(&self, request: &Uid) -> Vec<&Order> {
        let uids = self.links.children(request).iter().filter(|(kind, _)| *kind == Kind::Order);
        let mut orders: Vec<&Order> = uids.filter_map(|(_, uid)| self.inventory.orders.get(uid)).collect();
        orders.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        orders
    }

    /// The Challenges of an Order, by owner, in the order of their names.
    pub fn challenges_of(&self, order: &Uid) -> Vec<&Challenge> {
        let uids = self.links.children(order).iter().filter(|(kind, _)| *kind == Kind::Challenge);
        let mut challenges: Vec<&Challenge> = uids.filter_map(|(_, uid)| self.inventory.challenges.get(uid)).collect();
        challenges.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        challenges
    }
}
