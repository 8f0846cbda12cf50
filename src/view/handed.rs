//! What a person is told of a certificate while it is handed over: what would break somebody first, then what to know,
//! then what was read.
//!
//! Whether it is taken is judged by `plan::rotate` alone; this puts it into lines.

use jiff::Timestamp;

use super::Level;
use crate::model::{CertificateFacts, Uid, World};
use crate::plan::rotate::{Look, look};
use crate::text;

/// Lines about certificates that are handed over for a Secret, the leaf first, the worst first. Safe to draw.
pub fn handed(
    world: &World,
    secret: &Uid,
    chain: &[CertificateFacts],
    other_names: bool,
    now: Timestamp,
) -> Vec<(Level, String)> {
    let Some(look) = look(world, secret, chain, other_names, now) else {
        return vec![(Level::Critical, "the Secret is gone, or no certificate was read".to_owned())];
    };
    let mut lines: Vec<(Level, String)> = Vec::new();
    lines.extend(look.problems.iter().map(|(why, clear)| (Level::Critical, format!("{why}: {clear}"))));
    lines.extend(look.warnings.iter().map(|warning| (Level::Warn, warning.clone())));
    lines.extend(chain.first().map(|leaf| (Level::Ok, read(leaf, chain.len()))));
    lines.push(names(&look, chain));
    lines
}

/// `read: CN=web, ECDSA P-256, issued by CN=shop CA, until 2027-01-01T00:00:00Z, with 1 certificate above it`
fn read(leaf: &CertificateFacts, count: usize) -> String {
    let above = match count.saturating_sub(1) {
        0 if leaf.self_signed => "it signs itself".to_owned(),
        0 => "nothing above it".to_owned(),
        above => format!("with {} above it", text::plural(above, "certificate", "certificates")),
    };
    let by = if leaf.self_signed { "itself".to_owned() } else { leaf.issuer.to_string() };
    let said = format!("read: {}, {}, issued by {by}, until {}, {above}", leaf.subject, leaf.key, leaf.not_after);
    text::sanitize(&said).into_owned()
}

/// The names beside those of the present one.
fn names(look: &Look, chain: &[CertificateFacts]) -> (Level, String) {
    let own: Vec<&str> = chain.iter().take(1).flat_map(|leaf| leaf.names.iter().map(|name| &**name)).collect();
    let part = |what: &str, names: &[String]| {
        if names.is_empty() { String::new() } else { format!("; {what}: {}", names.join(", ")) }
    };
    let level = if look.lost.is_empty() { Level::Ok } else { Level::Warn };
    let as_now = if look.lost.is_empty() && look.more.is_empty() { ", as now" } else { "" };
    let own = if own.is_empty() { "none".to_owned() } else { text::sanitize(&own.join(", ")).into_owned() };
    (level, format!("names: {own}{as_now}{}{}", part("no longer", &look.lost), part("new", &look.more)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{live, meta, now, put, x509};
    use crate::model::{Front, FrontTls, KeyMatch, Meta, Object, Place, TlsSecret};

    fn world() -> World {
        let mut world = live();
        let present = x509("web", "ca", 100, 100);
        put(
            &mut world,
            [Object::TlsSecret(TlsSecret {
                meta: Meta { uid: Some(Uid::from("web")), ..meta("web-tls") },
                leaf: Place { key: "tls.crt".into(), chain: Ok([present].into()) },
                ca: None,
                key: KeyMatch::Match,
                files: Box::default(),
            })],
        );
        world
    }

    fn said(new: CertificateFacts, other_names: bool) -> Vec<String> {
        let lines = handed(&world(), &Uid::from("web"), &[new], other_names, now());
        lines.into_iter().map(|(level, text)| format!("{} {text}", level.glyph())).collect()
    }

    fn new() -> CertificateFacts {
        CertificateFacts { fingerprint: "new".into(), ..x509("web", "ca", 1, 1000) }
    }

    #[test]
    fn one_that_is_as_good_says_what_was_read_and_nothing_else() {
        let said = said(new(), false);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("✓ read: web") && said[0].contains("issued by ca"), "{said:?}");
        assert_eq!(said[1], "✓ names: web, as now");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_and_first() {
        let worst = CertificateFacts {
            key: "RSA 1024".into(),
            not_after: now(),
            names: ["other".into()].into(),
            issuer: "their\u{202e} CA".into(),
            ..new()
        };
        let said = said(worst.clone(), false);
        for (line, begins) in said.iter().zip([
            "✗ it expired at",
            "✗ its key is too short: RSA 1024: have it issued",
            "✗ names of the present one are missing: web: have it issued with these names, or say",
            "▲ another CA signed it than before (their<U+202E> CA instead of ca)",
            "✓ read: web",
            "▲ names: other; no longer: web; new: other",
        ]) {
            assert!(line.starts_with(begins), "{begins} is not how {line} begins");
        }
        let taken = self::said(worst, true);
        assert!(!taken.iter().any(|line| line.contains("missing")), "{taken:?}");
    }

    #[test]
    fn hosts_that_are_served_with_the_secret_and_that_it_is_not_for_are_named() {
        let mut world = world();
        let secret = Some(("shop".into(), "web-tls".into()));
        let tls = [FrontTls { secret, hosts: ["www.shop.example".into()].into() }].into();
        put(&mut world, [Object::Ingress(Front { meta: meta("front"), tls, refused: Box::default() })]);
        let lines = handed(&world, &Uid::from("web"), &[new()], false, now());
        let (level, text) = &lines[0];
        assert_eq!(*level, Level::Warn, "{lines:?}");
        assert!(text.contains("shop/front serves www.shop.example with it, and it is not for that name"), "{text}");
    }
}
