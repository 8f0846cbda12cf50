//! Whether data is encrypted on its way between nodes and where it is stored.
//!
//! Known is what an object says: the address of a backup location, the mount options of a network file system. What
//! else protects the way (a network plugin, a private link) is not seen here, so nothing is no more than Unknown.

use super::{Judgement, Reason};
use crate::model::{BackupLocation, InTree, Pv};

/// How data travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Encrypted, and the other side is checked.
    Encrypted,
    /// It does not leave the node.
    Stays,
    /// In the clear, or to whoever answers.
    Open,
    /// Not known.
    Unknown,
}

impl Transport {
    /// A word for a column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Stays => "stays on the node",
            Self::Open => "not encrypted",
            Self::Unknown => "unknown",
        }
    }
}

/// Providers whose own addresses are https, by the word of Velero's plugins.
const PROVIDERS: [&str; 3] = ["aws", "gcp", "azure"];
/// Drivers whose volumes are disks or directories of the node that mounts them.
const LOCAL: [&str; 4] = ["hostpath.csi.k8s.io", "topolvm.io", "local.csi.openebs.io", "zfs.csi.openebs.io"];
/// Versions of SMB that cannot encrypt.
const OLD_SMB: [&str; 3] = ["vers=1.0", "vers=2.0", "vers=2.1"];

/// How copies travel to a backup location.
pub fn location(location: &BackupLocation) -> Judgement<Transport> {
    let provider = location.provider.strip_prefix("velero.io/").unwrap_or(&location.provider);
    let Some(endpoint) = &location.endpoint else {
        if PROVIDERS.contains(&provider) {
            return Judgement::new(Transport::Encrypted).because(format!("https, as provider {provider} has it"));
        }
        return Judgement::new(Transport::Unknown).because(format!("provider \"{provider}\": no address is said"));
    };
    if !endpoint.to_ascii_lowercase().starts_with("https://") {
        let known = endpoint.to_ascii_lowercase().starts_with("http://");
        let reason = Reason::new(endpoint).next("give it an https address");
        return Judgement::new(if known { Transport::Open } else { Transport::Unknown }).because(reason);
    }
    if location.unchecked {
        let text = format!("{endpoint}, and insecureSkipTLSVerify: whoever answers is believed");
        let next = "put the CA of its certificate into spec.objectStorage.caCert, and turn insecureSkipTLSVerify off";
        return Judgement::new(Transport::Open).because(Reason::new(text).next(next));
    }
    Judgement::new(Transport::Encrypted).because(endpoint.to_string())
}

/// How the data of a volume travels.
pub fn volume(pv: &Pv) -> Judgement<Transport> {
    let driver = pv.csi.as_ref().map(|(driver, _)| &**driver);
    let options = Options(pv);
    match (pv.in_tree, driver) {
        (Some(InTree::Node), _) => Judgement::new(Transport::Stays).because("a disk or directory of the node"),
        (Some(InTree::Nfs), _) | (_, Some("nfs.csi.k8s.io")) => options.nfs(),
        (_, Some("smb.csi.k8s.io")) => options.smb(),
        (_, Some("efs.csi.aws.com")) => options.efs(),
        (_, Some(ceph)) if ceph == "cephfs.csi.ceph.com" || ceph.ends_with(".cephfs.csi.ceph.com") => options.ceph(),
        (_, Some(local)) if LOCAL.contains(&local) => {
            Judgement::new(Transport::Stays).because(format!("driver {local} keeps volumes on the node"))
        }
        (_, Some(driver)) => {
            Judgement::new(Transport::Unknown).because(format!("how driver {driver} sends data is not known"))
        }
        (None, None) => Judgement::new(Transport::Unknown).because("how this type of volume sends data is not known"),
    }
}

struct Options<'a>(&'a Pv);

impl Options<'_> {
    fn has(&self, option: &str) -> bool {
        self.0.mount_options.iter().flat_map(|one| one.split(',')).any(|one| one.trim() == option)
    }

    fn first(&self, options: &[&'static str]) -> Option<&'static str> {
        options.iter().copied().find(|option| self.has(option))
    }

    fn by(&self, good: &[&'static str], bad: &[&'static str], next: &str) -> Judgement<Transport> {
        if let Some(option) = self.first(good) {
            return Judgement::new(Transport::Encrypted).because(format!("mount option {option}"));
        }
        if let Some(option) = self.first(bad) {
            return Judgement::new(Transport::Open).because(Reason::new(format!("mount option {option}")).next(next));
        }
        Judgement::new(Transport::Unknown).because(Reason::new("no mount option says so").next(next))
    }

    /// nfs(5): `krb5p` encrypts, `krb5i` only signs; `xprtsec` is RPC over TLS (RFC 9289).
    fn nfs(&self) -> Judgement<Transport> {
        let good = ["xprtsec=tls", "xprtsec=mtls", "sec=krb5p"];
        self.by(&good, &["sec=sys", "sec=none", "sec=krb5", "sec=krb5i"], "mount it with sec=krb5p or xprtsec=tls")
    }

    /// mount.cifs(8): `seal` asks for encryption, which SMB has from 3.0 on. A server may ask for it by itself.
    fn smb(&self) -> Judgement<Transport> {
        self.by(&["seal"], &OLD_SMB, "mount it with seal and vers=3.0 or later")
    }

    fn efs(&self) -> Judgement<Transport> {
        let off = |(name, value): &(Box<str>, Box<str>)| {
            name.eq_ignore_ascii_case("encryptInTransit") && value.eq_ignore_ascii_case("false")
        };
        if self.0.attributes.iter().any(off) {
            let reason = Reason::new("attribute encryptInTransit: false").next("take encryptInTransit out");
            return Judgement::new(Transport::Open).because(reason);
        }
        self.by(&["tls"], &[], "mount it with tls")
    }

    /// ceph(8) of the kernel: `secure` encrypts, `crc` only checks; `prefer-secure` takes what it gets.
    fn ceph(&self) -> Judgement<Transport> {
        self.by(&["ms_mode=secure"], &["ms_mode=legacy", "ms_mode=crc"], "mount it with ms_mode=secure")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::assess::testing::{claim, said};

    #[rstest]
    #[case::https("aws", Some("https://s3.example"), false, Transport::Encrypted)]
    #[case::upper_case("aws", Some("HTTPS://s3.example"), false, Transport::Encrypted)]
    #[case::http("aws", Some("http://minio.velero:9000"), false, Transport::Open)]
    #[case::not_checked("aws", Some("https://s3.example"), true, Transport::Open)]
    #[case::no_scheme("aws", Some("://s3.example"), false, Transport::Unknown)]
    #[case::of_the_provider("velero.io/aws", None, false, Transport::Encrypted)]
    #[case::another_plugin("example.io/tape", None, false, Transport::Unknown)]
    fn a_backup_location_is_judged_by_its_address(
        #[case] provider: &str,
        #[case] endpoint: Option<&str>,
        #[case] unchecked: bool,
        #[case] transport: Transport,
    ) {
        let place = BackupLocation {
            provider: provider.into(),
            endpoint: endpoint.map(Into::into),
            unchecked,
            ..BackupLocation::default()
        };
        assert_eq!(location(&place).value, transport, "{}", said(&location(&place)));
    }

    #[rstest]
    #[case::krb5p("nfs.csi.k8s.io", &["nfsvers=4.2,sec=krb5p"], Transport::Encrypted)]
    #[case::tls("nfs.csi.k8s.io", &["hard", "xprtsec=mtls"], Transport::Encrypted)]
    #[case::signed_only("nfs.csi.k8s.io", &["sec=krb5i"], Transport::Open)]
    #[case::nothing_said("nfs.csi.k8s.io", &["hard"], Transport::Unknown)]
    #[case::seal("smb.csi.k8s.io", &["seal", "vers=3.1.1"], Transport::Encrypted)]
    #[case::old("smb.csi.k8s.io", &["vers=2.1"], Transport::Open)]
    #[case::smb_nothing_said("smb.csi.k8s.io", &[], Transport::Unknown)]
    #[case::efs("efs.csi.aws.com", &["tls"], Transport::Encrypted)]
    #[case::ceph("rook.cephfs.csi.ceph.com", &["ms_mode=secure"], Transport::Encrypted)]
    #[case::ceph_open("cephfs.csi.ceph.com", &["ms_mode=crc"], Transport::Open)]
    #[case::ceph_as_it_comes("cephfs.csi.ceph.com", &["ms_mode=prefer-secure"], Transport::Unknown)]
    #[case::local("topolvm.io", &[], Transport::Stays)]
    #[case::block("csi.example", &["sec=krb5p"], Transport::Unknown)]
    fn a_volume_is_judged_by_its_driver_and_mount_options(
        #[case] driver: &str,
        #[case] options: &[&str],
        #[case] transport: Transport,
    ) {
        let pv = Pv {
            csi: Some((driver.into(), "handle".into())),
            mount_options: options.iter().map(|one| Box::from(*one)).collect(),
            ..crate::assess::testing::volume(&claim("db", None))
        };
        assert_eq!(volume(&pv).value, transport, "{}", said(&volume(&pv)));
    }

    #[test]
    fn volumes_of_kubernetes_itself_are_told_apart() {
        let of = |in_tree| volume(&Pv { in_tree, csi: None, ..Pv::default() }).value;
        let found = [Some(InTree::Node), Some(InTree::Nfs), None].map(of);
        assert_eq!(found, [Transport::Stays, Transport::Unknown, Transport::Unknown]);
    }
}
