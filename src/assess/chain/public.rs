//! How long certificates of public authorities may hold: clients refuse longer ones by the day of issue (CA/Browser
//! Forum, Baseline Requirements 6.3.2 with ballot SC-081v3). Private authorities are free.

use jiff::Timestamp;

use super::{Chain, Flaw, Severity, flaw};

/// From which day of issue on (seconds since 1970), and how many days a certificate may hold at most; the latest first.
const LIMITS: [(i64, i64); 4] = [
    (1_868_227_200, 47),  // 2029-03-15
    (1_805_068_800, 100), // 2027-03-15
    (1_773_532_800, 200), // 2026-03-15
    (1_598_918_400, 398), // 2020-09-01
];

/// Organisations of authorities that browsers trust and that issue for servers, as their certificates name them.
const PUBLIC: [&str; 14] = [
    "Let's Encrypt",
    "Google Trust Services",
    "Google Trust Services LLC",
    "DigiCert Inc",
    "DigiCert",
    "Sectigo Limited",
    "GlobalSign nv-sa",
    "Amazon",
    "ZeroSSL",
    "SSL Corporation",
    "GoDaddy.com",
    "Entrust",
    "IdenTrust",
    "Buypass AS-983163327",
];

/// Whether an issuer is known to be a public authority.
fn public(issuer: &str) -> bool {
    let organisations = issuer.split(", ").filter_map(|part| part.strip_prefix("O="));
    organisations.into_iter().any(|organisation| PUBLIC.contains(&organisation))
}

/// A certificate of a public authority that holds longer than it may.
pub(super) fn too_long(chain: Chain<'_>) -> Vec<Flaw> {
    let Some(leaf) = chain.first().filter(|leaf| !leaf.ca && public(&leaf.issuer)) else { return Vec::new() };
    let issued = |from: i64| Timestamp::from_second(from).is_ok_and(|from| leaf.not_before >= from);
    let days = leaf.not_after.duration_since(leaf.not_before).as_hours() / 24;
    let limit = LIMITS.iter().find(|(from, _)| issued(*from)).map(|(_, days)| *days);
    let Some(limit) = limit.filter(|limit| days > *limit) else { return Vec::new() };
    let text =
        format!("it holds for {days} days: clients refuse certificates of public CAs issued then beyond {limit}");
    vec![flaw(Severity::Warn, text, "have it issued again, for a shorter time")]
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rstest::rstest;

    use super::*;
    use crate::assess::testing::x509;
    use crate::model::CertificateFacts;

    #[rstest]
    #[case::before_the_rules("2020-08-31", 825, "C=US, O=Let's Encrypt, CN=R3", false)]
    #[case::within_398("2026-03-14", 398, "C=US, O=Let's Encrypt, CN=R3", false)]
    #[case::beyond_398("2026-03-14", 399, "C=US, O=Let's Encrypt, CN=R3", true)]
    #[case::within_200("2026-03-15", 200, "O=DigiCert Inc, CN=x", false)]
    #[case::beyond_200("2026-03-15", 201, "O=DigiCert Inc, CN=x", true)]
    #[case::beyond_100("2027-03-15", 101, "C=US, O=GoDaddy.com, Inc., CN=x", true)]
    #[case::within_100("2029-03-14", 100, "O=Amazon, CN=x", false)]
    #[case::beyond_47("2029-03-15", 48, "O=Amazon, CN=x", true)]
    #[case::of_a_private_one("2029-03-15", 825, "O=Amazonas Trading, CN=x", false)]
    #[case::that_only_says_so("2029-03-15", 825, "CN=O=Amazon", false)]
    fn public_authorities_have_limits_by_the_day_of_issue(
        #[case] day: &str,
        #[case] days: i64,
        #[case] issuer: &str,
        #[case] flawed: bool,
    ) {
        let not_before: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
        let not_after = not_before + SignedDuration::from_hours(days * 24);
        let leaf = CertificateFacts { not_before, not_after, ..x509("CN=web", issuer, 0, 0) };
        assert_eq!(!too_long(&[leaf]).is_empty(), flawed);
    }
}
