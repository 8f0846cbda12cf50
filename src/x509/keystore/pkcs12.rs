//! PKCS#12 by the crate that reads all of its kinds of encryption, and how its contents become chains.

use p12_keystore::{CertificateBag, Pkcs12Archive, error::Error};

use super::{Entries, KeystoreError};

/// `PFX ::= SEQUENCE { version INTEGER {v3(3)}, … }`.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else { return false };
    // The length of the sequence in one octet, or in as many more as it says.
    let skipped = if *length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    skipped <= 4 && rest.get(skipped..).is_some_and(|rest| rest.starts_with(&[0x02, 0x01, 0x03, 0x30]))
}

pub(super) fn read(bytes: &[u8], passwords: &[&str]) -> Result<Entries, KeystoreError> {
    if !begins(bytes) {
        return Err(KeystoreError::BadPkcs12);
    }
    let mut locked = passwords.is_empty();
    for password in passwords {
        match Pkcs12Archive::from_pkcs12(bytes, password) {
            Ok(archive) => return Ok(entries(&archive)),
            // Without a MAC a wrong password shows only as contents that make no sense.
            Err(Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_)) => locked = true,
            Err(_) => {}
        }
    }
    Err(if locked { KeystoreError::Locked } else { KeystoreError::BadPkcs12 })
}

/// A certificate belongs to a key by its local id; what follows it is found by the issuer's name. The rest is trusted.
fn entries(archive: &Pkcs12Archive) -> Entries {
    let Pkcs12Archive { keys, certs, .. } = archive;
    let of_key = |bag: &&CertificateBag| {
        let id = bag.local_key_id.as_ref();
        id.is_some() && keys.iter().any(|key| key.local_key_id.as_ref().map(|id| &id.0) == id)
    };
    let mut used = vec![false; certs.len()];
    let mut own = Vec::new();
    let leaves: Vec<usize> = certs.iter().enumerate().filter(|(_, bag)| of_key(bag)).map(|(at, _)| at).collect();
    // One key and nothing that says whose it is: tools that write no ids write the leaf first.
    let leaves = if leaves.is_empty() && !keys.is_empty() && !certs.is_empty() { vec![0] } else { leaves };
    for leaf in leaves {
        let mut chain = vec![leaf];
        used[leaf] = true;
        while let Some(last) = chain.last().and_then(|at| certs.get(*at)) {
            let issuer = |(at, bag): &(usize, &CertificateBag)| {
                !chain.contains(at) && !bag.trusted && bag.cert.subject() == last.cert.issuer()
            };
            let Some((next, _)) = certs.iter().enumerate().find(issuer) else { break };
            used[next] = true;
            chain.push(next);
        }
        own.push(chain.iter().map(|at| certs[*at].cert.as_der().to_vec()).collect());
    }
    let rest = certs.iter().zip(used).filter(|(_, used)| !used);
    Entries { own, trusted: rest.map(|(bag, _)| bag.cert.as_der().to_vec()).collect() }
}
