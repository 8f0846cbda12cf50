//! What each CSI driver's parameters say about encryption. One rule per driver, from its own documentation.

use super::Encryption::{self, CustomerKey, No, ProviderDefault, Unknown, Yes};

type Parameters = [(Box<str>, Box<str>)];

/// A verdict and the evidence for it.
pub(super) struct Reading {
    /// The verdict.
    pub value: Encryption,
    /// What it stands on.
    pub evidence: String,
    /// Whether a parameter said so, and not the lack of one.
    pub said: bool,
}

fn said(value: Encryption, evidence: String) -> Reading {
    Reading { value, evidence, said: true }
}

fn unsaid(value: Encryption, evidence: &str) -> Reading {
    Reading { value, evidence: evidence.to_owned(), said: false }
}

/// Reads the parameters of a class, or the attributes of a volume, of this driver. `None` for a driver not listed.
pub(super) fn reading(driver: &str, parameters: &Parameters) -> Option<Reading> {
    let given = Given(parameters);
    Some(match driver {
        // Keys of this driver are case-insensitive; absent or false, the account's default may still encrypt.
        "ebs.csi.aws.com" => given.keyed(&["encrypted"], &["kmsKeyId"], (Unknown, EBS)),
        "efs.csi.aws.com" => unsaid(Unknown, "EFS is encrypted per file system, which a class does not show"),
        "pd.csi.storage.gke.io" => given.key_or(&["disk-encryption-kms-key"], GOOGLE),
        "disk.csi.azure.com" => given.key_or(&["diskEncryptionSetID"], AZURE),
        "file.csi.azure.com" => unsaid(ProviderDefault, AZURE),
        "driver.longhorn.io" => given.keyed(
            &["encrypted"],
            &[],
            (No, "Longhorn does not encrypt unless told to; the disks below it are not known"),
        ),
        "io.openebs.csi-mayastor" => unsaid(Unknown, "Mayastor encrypts per pool, which a class does not show"),
        "zfs.csi.openebs.io" => given.zfs(),
        "pxd.portworx.com" => given.keyed(&["secure"], &[], (Unknown, "`secure` is not set; the array may encrypt")),
        "csi.trident.netapp.io" => given.trident(),
        "csi.hpe.com" => given.stated(&["hostEncryption", "encrypted"]),
        "csi.vsphere.vmware.com" => {
            unsaid(Unknown, "a vSphere storage policy may encrypt, which a class does not show")
        }
        // The only driver here whose publish Secret can hold nothing but the LUKS pass phrase.
        "csi.hetzner.cloud" => given.hetzner(),
        "linodebs.csi.linode.com" => given.stated(&["linodebs.csi.linode.com/luks-encrypted"]),
        "csi.cloudscale.ch" => given.stated(&["csi.cloudscale.ch/luks-encrypted"]),
        "storage.csi.upcloud.com" => given.valued("encryption", "data-at-rest"),
        "vpc.block.csi.ibm.io" => given.keyed(&["encrypted"], &["encryptionKey"], (Unknown, "no parameter says so")),
        "diskplugin.csi.alibabacloud.com" => {
            given.keyed(&["encrypted"], &["kmsKeyId"], (Unknown, "no parameter says so"))
        }
        "csi.scaleway.com" => given.keyed(&["encrypted"], &[], (Unknown, "no parameter says so")),
        "blockvolume.csi.oraclecloud.com" => {
            given.key_or(&["kms-key-id"], "Oracle encrypts every block volume; no key of the customer is named")
        }
        "cinder.csi.openstack.org" => unsaid(Unknown, "Cinder encrypts per volume type, which a class does not show"),
        "dobs.csi.digitalocean.com" => unsaid(ProviderDefault, "DigitalOcean encrypts every volume"),
        // Ceph's drivers may carry a prefix; their Secrets are credentials, not keys.
        ceph if ceph == "rbd.csi.ceph.com" || ceph.ends_with(".rbd.csi.ceph.com") => given.ceph(),
        ceph if ceph == "cephfs.csi.ceph.com" || ceph.ends_with(".cephfs.csi.ceph.com") => given.ceph(),
        _ => return None,
    })
}

/// What is known of a driver's volumes whatever their class says.
pub(super) fn without_parameters(driver: &str) -> Option<Reading> {
    reading(driver, &[]).filter(|reading| reading.value == ProviderDefault)
}

const EBS: &str = "`encrypted` is not true; the account's default or the source snapshot may still encrypt";
const GOOGLE: &str = "Google encrypts every disk; no key of the customer is named";
const AZURE: &str = "Azure encrypts every disk and share; no key of the customer is named";

struct Given<'a>(&'a Parameters);

impl Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(k, _)| k.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first of these that is set, with its value.
    fn first<'k>(&self, keys: &[&'k str]) -> Option<(&'k str, &str)> {
        keys.iter().find_map(|key| Some((*key, self.get(key)?)))
    }

    /// On by a switch, with a customer's key if one is named too; else as said.
    fn keyed(&self, switches: &[&str], keys: &[&str], otherwise: (Encryption, &str)) -> Reading {
        let on = switches.iter().find(|key| self.get(key).is_some_and(truth));
        match (on, self.first(keys)) {
            (Some(on), Some((key, value))) => said(CustomerKey, format!("{on}: true, {key}: {value}")),
            (Some(on), None) => said(Yes, format!("{on}: true")),
            (None, _) => unsaid(otherwise.0, otherwise.1),
        }
    }

    /// Always on; with a customer's key if one is named.
    fn key_or(&self, keys: &[&str], otherwise: &str) -> Reading {
        match self.first(keys) {
            Some((key, value)) => said(CustomerKey, format!("{key}: {value}")),
            None => unsaid(ProviderDefault, otherwise),
        }
    }

    /// A switch that says yes, says no, or is not there.
    fn stated(&self, keys: &[&str]) -> Reading {
        if let Some(on) = keys.iter().find(|key| self.get(key).is_some_and(truth)) {
            return said(Yes, format!("{on}: true"));
        }
        match self.first(keys) {
            Some((key, value)) if value.eq_ignore_ascii_case("false") => said(No, format!("{key}: false")),
            _ => unsaid(Unknown, "no parameter says so"),
        }
    }

    fn valued(&self, key: &str, on: &str) -> Reading {
        match self.get(key) {
            Some(value) if value == on => said(Yes, format!("{key}: {value}")),
            _ => unsaid(Unknown, "no parameter says so"),
        }
    }

    fn ceph(&self) -> Reading {
        let otherwise = (Unknown, "`encrypted` is not true; the disks of the Ceph cluster may be encrypted");
        self.keyed(&["encrypted"], &["encryptionKMSID"], otherwise)
    }

    fn zfs(&self) -> Reading {
        match self.get("encryption") {
            Some(value) if !value.eq_ignore_ascii_case("off") => said(Yes, format!("encryption: {value}")),
            _ => unsaid(Unknown, "`encryption` is not on; the dataset above may be encrypted"),
        }
    }

    fn trident(&self) -> Reading {
        match self.get("selector") {
            Some(value) if value.replace(' ', "").contains("luks=true") => said(Yes, format!("selector: {value}")),
            _ => unsaid(Unknown, "no LUKS selector; the array may encrypt"),
        }
    }

    fn hetzner(&self) -> Reading {
        match self.get("csi.storage.k8s.io/node-publish-secret-name") {
            Some(_) => said(Yes, "a LUKS pass phrase Secret is named".into()),
            None => unsaid(Unknown, "no LUKS pass phrase Secret is named"),
        }
    }
}

fn truth(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}
