//! JKS and JCEKS, as `sun.security.provider.JavaKeyStore` writes them: big-endian, certificates in the clear.
//!
//! The keyed digest at the end is not checked: it takes the password, and it is no proof of anything but that.

use super::Entries;

const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

const PRIVATE_KEY: u32 = 1;
const TRUSTED: u32 = 2;

/// The digest at the end, SHA-1.
const DIGEST: usize = 20;

pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&JKS) || bytes.starts_with(&JCEKS)
}

/// `None` when it is none, is cut off, has something after its end, or holds an entry of another kind: of a secret key
/// the length is not known.
pub(super) fn read(bytes: &[u8]) -> Option<Entries> {
    let mut rest = Rest(bytes.get(JKS.len()..)?);
    let version = rest.number()?;
    if !matches!(version, 1 | 2) {
        return None;
    }
    let mut entries = Entries::default();
    for _ in 0..rest.number()? {
        let tag = rest.number()?;
        let _alias = rest.text()?;
        let _made = rest.take(8)?;
        match tag {
            PRIVATE_KEY => {
                let _key = rest.block()?;
                let mut chain = Vec::new();
                for _ in 0..rest.number()? {
                    chain.push(rest.certificate(version)?);
                }
                entries.own.push(chain);
            }
            TRUSTED => entries.trusted.push(rest.certificate(version)?),
            _ => return None,
        }
    }
    (rest.0.len() == DIGEST).then_some(entries)
}

/// What was not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
        self.take(length.into())
    }

    fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.try_into().ok()?)
    }

    /// Version 1 does not name the type.
    fn certificate(&mut self, version: u32) -> Option<Vec<u8>> {
        if version == 2 && self.text()? != b"X.509" {
            return None;
        }
        self.block().map(<[u8]>::to_vec)
    }
}
