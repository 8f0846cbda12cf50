//! Keystores in TLS Secrets whose password stands elsewhere: which those are, and putting in what they turned out to hold.
//!
//! Only where a password stands is known here; none ever gets into this module.

use std::sync::Arc;

use super::{ClaimKey, Format, HeldFile, Object, Touched, Uid, World};

/// Where the password of a keystore stands, in the namespace of the keystore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordAt {
    /// Under a data key of a Secret.
    Secret(Arc<str>, Box<str>),
    /// In the Certificate of this name itself.
    Certificate(Arc<str>),
}

/// A keystore that could be opened with a password that stands elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The Secret that it is in.
    pub secret: ClaimKey,
    /// The UID of that.
    pub uid: Uid,
    /// The version of that.
    pub version: Box<str>,
    /// Its data key.
    pub file: Box<str>,
    /// Its format.
    pub format: Format,
    /// Where its password stands.
    pub password: PasswordAt,
}

/// What a keystore turned out to hold, or why that is still not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The Secret that it is in.
    pub uid: Uid,
    /// The version of that for which it is so.
    pub version: Box<str>,
    /// The file in place of the former one of its data key.
    pub file: HeldFile,
}

fn locked(file: &HeldFile) -> bool {
    file.fault.as_ref().is_some_and(super::Fault::locked)
}

impl World {
    /// The keystores of a Secret that are locked, were not tried, and for which the Certificate that writes the Secret
    /// says where the password stands.
    pub fn locked(&self, secret: &ClaimKey) -> Vec<Locked> {
        let Some(held) = self.inventory.tls_secrets.named(Some(&secret.0), &secret.1) else { return Vec::new() };
        let writers = self.links.certificates_writing(secret).iter();
        let writers: Vec<_> = writers.filter_map(|uid| self.inventory.certificates.get(uid)).collect();
        let password = |format: Format| {
            writers.iter().find_map(|writer| {
                let spec = writer.keystores.iter().find(|spec| spec.format == format)?;
                Some(match &spec.password {
                    Some((name, key)) => PasswordAt::Secret(name.clone(), key.clone()),
                    None => PasswordAt::Certificate(writer.meta.name.clone()),
                })
            })
        };
        let untried = |file: &&HeldFile| locked(file) && file.fault.as_ref().is_some_and(|fault| !fault.tried);
        let closed = held.files.iter().filter(untried);
        let found = closed.filter_map(|file| {
            Some(Locked {
                secret: secret.clone(),
                uid: held.meta.uid(),
                version: held.meta.resource_version.clone(),
                file: file.key.clone(),
                format: file.format,
                password: password(file.format)?,
            })
        });
        found.collect()
    }

    /// Takes in what a keystore turned out to hold, unless there is another version of its Secret by now.
    pub(super) fn opened(&mut self, opened: Opened, touched: &mut Touched) {
        let secrets = &self.inventory.tls_secrets;
        let held = secrets.get(&opened.uid).filter(|held| held.meta.resource_version == opened.version);
        let Some(held) = held.cloned() else { return };
        let (before, mut held) = (Object::TlsSecret(held.clone()), held);
        let generation = secrets.generation(&opened.uid);
        if let Some(file) = held.files.iter_mut().find(|file| file.key == opened.file.key && locked(file)) {
            *file = opened.file;
            self.replace(Some(&before), Object::TlsSecret(held), generation, touched);
        }
    }

    /// A Secret that is seen once more: what its keystores turned out to hold stays known.
    pub(super) fn keep_opened(&self, object: Object) -> Object {
        let Object::TlsSecret(mut secret) = object else { return object };
        let known = self.inventory.tls_secrets.get(&secret.meta.uid());
        let known = known.filter(|known| known.meta.resource_version == secret.meta.resource_version);
        if let Some(known) = known {
            for file in secret.files.iter_mut().filter(|file| locked(file)) {
                if let Some(turned_out) = known.files.iter().find(|other| other.key == file.key) {
                    file.clone_from(turned_out);
                }
            }
        }
        Object::TlsSecret(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    use crate::model::{CertManagerCertificate, Delta, Fault, KeyMatch, KeystoreSpec, Meta, Place, Scope, TlsSecret};

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn put(world: &mut World, objects: impl IntoIterator<Item = Object>) {
        for object in objects {
            world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
        }
    }

    fn meta(name: &str) -> Meta {
        let uid = Some(Uid::from(format!("uid-{name}")));
        Meta { namespace: Some("shop".into()), name: name.into(), uid, ..Meta::default() }
    }

    fn key() -> ClaimKey {
        ("shop".into(), "web-tls".into())
    }

    fn keystore(key: &str, format: Format) -> HeldFile {
        let fault = Some(Fault { word: "bad_passphrase", said: "closed".into(), tried: false });
        HeldFile { key: key.into(), format, own: [].into(), trusted: [].into(), key_match: None, fault, content: 0 }
    }

    fn open(key: &str) -> HeldFile {
        HeldFile { fault: None, ..keystore(key, Format::Pkcs12) }
    }

    fn secret(version: &str) -> Object {
        let leaf = Place { key: "tls.crt".into(), chain: Err("not looked at".into()) };
        let files = [keystore("keystore.p12", Format::Pkcs12), keystore("truststore.p12", Format::Pkcs12)].into();
        let meta = Meta { resource_version: version.into(), ..meta("web-tls") };
        Object::TlsSecret(TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files })
    }

    fn certificate(format: Format, password: Option<(&str, &str)>) -> Object {
        let password = password.map(|(name, key)| (name.into(), key.into()));
        let keystores = [KeystoreSpec { format, password }].into();
        let secret = "web-tls".into();
        Object::Certificate(CertManagerCertificate { meta: meta("web"), secret, keystores, ..Default::default() })
    }

    fn opened(world: &mut World, version: &str, file: HeldFile) -> Touched {
        let uid = Uid::from("uid-web-tls");
        world.apply(Delta::Opened(Box::new(Opened { uid, version: version.into(), file })), now())
    }

    fn files(world: &World) -> Vec<bool> {
        let held = world.inventory.tls_secrets.named(Some(&key().0), &key().1).unwrap();
        held.files.iter().map(|file| file.fault.is_none()).collect()
    }

    #[test]
    fn keystores_are_known_to_be_openable_once_their_secret_and_what_names_the_password_are_seen() {
        let mut world = World::default();
        put(&mut world, [secret("1")]);
        assert_eq!(world.locked(&key()), []);
        put(&mut world, [certificate(Format::Jks, Some(("passwords", "p12")))]);
        assert_eq!(world.locked(&key()), [], "of another format");
        put(&mut world, [certificate(Format::Pkcs12, Some(("passwords", "p12")))]);
        let found = world.locked(&key());
        let at = |locked: &Locked| (locked.file.to_string(), locked.password.clone());
        let password = PasswordAt::Secret("passwords".into(), "p12".into());
        let both = [("keystore.p12".to_owned(), password.clone()), ("truststore.p12".to_owned(), password)];
        assert_eq!(found.iter().map(at).collect::<Vec<_>>(), both);
        put(&mut world, [certificate(Format::Pkcs12, None)]);
        assert_eq!(world.locked(&key())[0].password, PasswordAt::Certificate("web".into()));
    }

    #[test]
    fn what_a_keystore_holds_stays_known_as_long_as_its_secret_is_the_same() {
        let mut world = World::default();
        put(&mut world, [secret("1"), certificate(Format::Pkcs12, Some(("passwords", "p12")))]);
        let touched = opened(&mut world, "1", open("keystore.p12"));
        assert!(touched.certificates.contains(&(crate::model::Kind::TlsSecret, Uid::from("uid-web-tls"))));
        assert_eq!(files(&world), [true, false]);
        assert_eq!(world.locked(&key()).len(), 1);
        // Listed once more, as after a watch that broke.
        world.apply(Delta::Upsert(Box::new(secret("1")), Scope::All), now());
        assert_eq!(files(&world), [true, false]);
        world.apply(Delta::Upsert(Box::new(secret("2")), Scope::All), now());
        assert_eq!(files(&world), [false, false], "another version may hold another certificate");
        opened(&mut world, "1", open("keystore.p12"));
        assert_eq!(files(&world), [false, false], "an answer about the former one comes too late");
    }

    #[test]
    fn what_its_password_does_not_open_is_not_tried_again_until_its_secret_changes() {
        let mut world = World::default();
        put(&mut world, [secret("1"), certificate(Format::Pkcs12, Some(("passwords", "p12")))]);
        let closed = keystore("keystore.p12", Format::Pkcs12);
        let fault =
            closed.fault.clone().map(|fault| Fault { said: "it does not open it".into(), tried: true, ..fault });
        opened(&mut world, "1", HeldFile { fault, ..closed });
        put(&mut world, [secret("1")]);
        assert_eq!(world.locked(&key()).iter().map(|locked| &*locked.file).collect::<Vec<_>>(), ["truststore.p12"]);
        put(&mut world, [secret("2")]);
        assert_eq!(world.locked(&key()).len(), 2);
    }

    #[test]
    fn what_was_opened_goes_with_its_secret_when_a_list_does_not_see_it() {
        let mut world = World::default();
        world.apply(Delta::ListStarted(crate::model::Kind::TlsSecret, Scope::All), now());
        put(&mut world, [secret("1")]);
        opened(&mut world, "1", open("keystore.p12"));
        world.apply(Delta::ListDone(crate::model::Kind::TlsSecret, Scope::All), now());
        assert_eq!(files(&world), [true, false], "it was seen by this list");
        world.apply(Delta::ListStarted(crate::model::Kind::TlsSecret, Scope::All), now());
        world.apply(Delta::ListDone(crate::model::Kind::TlsSecret, Scope::All), now());
        assert!(world.inventory.tls_secrets.is_empty());
    }
}
