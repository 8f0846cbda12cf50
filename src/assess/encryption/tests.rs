//! What each driver's parameters say.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, cluster_meta, now, put, said, volume, with_claim};
use crate::model::{Delta, Object, Policies, Scope};

type Given = &'static [(&'static str, &'static str)];

fn class(driver: &str, parameters: Given) -> StorageClass {
    let parameters = parameters.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    StorageClass { meta: cluster_meta("fast"), provisioner: driver.into(), parameters, ..StorageClass::default() }
}

#[rstest]
#[case("ebs.csi.aws.com", &[("encrypted", "true")], Encryption::Yes)]
#[case("ebs.csi.aws.com", &[("Encrypted", "True"), ("KMSKeyId", "arn:aws:kms:k")], Encryption::CustomerKey)]
#[case("ebs.csi.aws.com", &[("kmsKeyId", "arn:aws:kms:k")], Encryption::Unknown)]
#[case("ebs.csi.aws.com", &[("encrypted", "false")], Encryption::Unknown)]
#[case("ebs.csi.aws.com", &[], Encryption::Unknown)]
#[case("efs.csi.aws.com", &[("encrypted", "true")], Encryption::Unknown)]
#[case("pd.csi.storage.gke.io", &[("disk-encryption-kms-key", "projects/p")], Encryption::CustomerKey)]
#[case("pd.csi.storage.gke.io", &[], Encryption::ProviderDefault)]
#[case("disk.csi.azure.com", &[("diskEncryptionSetID", "/subscriptions/s")], Encryption::CustomerKey)]
#[case("disk.csi.azure.com", &[], Encryption::ProviderDefault)]
#[case("file.csi.azure.com", &[], Encryption::ProviderDefault)]
#[case("rbd.csi.ceph.com", &[("encrypted", "true")], Encryption::Yes)]
#[case("rook-ceph.rbd.csi.ceph.com", &[("encrypted", "true"), ("encryptionKMSID", "vault")], Encryption::CustomerKey)]
#[case("rbd.csi.ceph.com", &[("csi.storage.k8s.io/node-stage-secret-name", "ceph")], Encryption::Unknown)]
#[case("rook-ceph.cephfs.csi.ceph.com", &[("encrypted", "true")], Encryption::Yes)]
#[case("evil-rbd.csi.ceph.com.example", &[("encrypted", "true")], Encryption::Unknown)]
#[case("driver.longhorn.io", &[("encrypted", "true")], Encryption::Yes)]
#[case("driver.longhorn.io", &[], Encryption::No)]
#[case("io.openebs.csi-mayastor", &[("encrypted", "true")], Encryption::Unknown)]
#[case("zfs.csi.openebs.io", &[("encryption", "on")], Encryption::Yes)]
#[case("zfs.csi.openebs.io", &[("encryption", "off")], Encryption::Unknown)]
#[case("pxd.portworx.com", &[("secure", "true")], Encryption::Yes)]
#[case("pxd.portworx.com", &[("csi.storage.k8s.io/node-publish-secret-name", "token")], Encryption::Unknown)]
#[case("csi.trident.netapp.io", &[("selector", "luks = true")], Encryption::Yes)]
#[case("csi.trident.netapp.io", &[], Encryption::Unknown)]
#[case("csi.hpe.com", &[("hostEncryption", "true")], Encryption::Yes)]
#[case("csi.hpe.com", &[("encrypted", "false")], Encryption::No)]
#[case("csi.hpe.com", &[], Encryption::Unknown)]
#[case("csi.vsphere.vmware.com", &[("storagePolicyName", "Encrypted")], Encryption::Unknown)]
#[case("csi.hetzner.cloud", &[("csi.storage.k8s.io/node-publish-secret-name", "luks")], Encryption::Yes)]
#[case("csi.hetzner.cloud", &[], Encryption::Unknown)]
#[case("linodebs.csi.linode.com", &[("linodebs.csi.linode.com/luks-encrypted", "true")], Encryption::Yes)]
#[case("csi.cloudscale.ch", &[("csi.cloudscale.ch/luks-encrypted", "true")], Encryption::Yes)]
#[case("storage.csi.upcloud.com", &[("encryption", "data-at-rest")], Encryption::Yes)]
#[case("storage.csi.upcloud.com", &[("encryption", "none")], Encryption::Unknown)]
#[case("vpc.block.csi.ibm.io", &[("encrypted", "true"), ("encryptionKey", "crn:v1")], Encryption::CustomerKey)]
#[case("diskplugin.csi.alibabacloud.com", &[("encrypted", "true")], Encryption::Yes)]
#[case("csi.scaleway.com", &[("encrypted", "true")], Encryption::Yes)]
#[case("blockvolume.csi.oraclecloud.com", &[("kms-key-id", "ocid1")], Encryption::CustomerKey)]
#[case("cinder.csi.openstack.org", &[("type", "LUKS")], Encryption::Unknown)]
#[case("dobs.csi.digitalocean.com", &[], Encryption::ProviderDefault)]
#[case("k8s.io/minikube-hostpath", &[("encrypted", "true")], Encryption::Unknown)]
#[case("nfs.csi.k8s.io", &[("encrypted", "true")], Encryption::Unknown)]
fn parameters_mean_what_their_driver_says(
    #[case] driver: &str,
    #[case] parameters: Given,
    #[case] expected: Encryption,
) {
    let judged = by_class(&class(driver, parameters));
    assert_eq!(judged.value, expected);
    assert!(!judged.reasons.is_empty());
}

const EBS: &str = "ebs.csi.aws.com";

fn judge(class: Option<StorageClass>, change: impl FnOnce(&mut Pv)) -> Judgement<Encryption> {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let mut pv = volume(&claim);
    pv.csi = Some((EBS.into(), "vol-1".into()));
    change(&mut pv);
    put(&mut world, [Object::Pv(pv)]);
    put(&mut world, class.map(Object::StorageClass));
    encryption(&world, &claim, now())
}

#[test]
fn attributes_of_the_volume_come_first() {
    let attributes = |pv: &mut Pv| pv.attributes = [("encrypted".into(), "true".into())].into();
    let judged = judge(Some(class(EBS, &[("encrypted", "true"), ("kmsKeyId", "k")])), attributes);
    assert_eq!(judged.value, Encryption::Yes);
    assert_eq!(said(&judged), "attributes of volume pv-db: encrypted: true");
}

#[test]
fn attributes_that_say_nothing_leave_it_to_the_class() {
    let judged = judge(Some(class(EBS, &[("encrypted", "true"), ("kmsKeyId", "k")])), |_| {});
    assert_eq!(judged.value, Encryption::CustomerKey);
    assert_eq!(said(&judged), "StorageClass fast: encrypted: true, kmsKeyId: k");
    let longhorn = |pv: &mut Pv| pv.csi = Some(("driver.longhorn.io".into(), "v".into()));
    let judged = judge(Some(class("driver.longhorn.io", &[("encrypted", "true")])), longhorn);
    assert_eq!(judged.value, Encryption::Yes, "what a volume does not echo is no denial");
}

#[test]
fn a_class_that_was_replaced_proves_nothing() {
    let mut newer = class(EBS, &[("encrypted", "true")]);
    newer.meta.created = Some(ago(1));
    let judged = judge(Some(newer), |_| {});
    assert_eq!(judged.value, Encryption::Unknown);
    assert_eq!(said(&judged), "StorageClass fast was replaced after the volume was made");
}

#[rstest]
#[case::class_gone(None, "its StorageClass fast no longer exists")]
#[case::class_of_another_driver(Some(class("rbd.csi.ceph.com", &[("encrypted", "true")])), "class fast is of another driver, rbd.csi.ceph.com")]
fn no_class_no_knowledge(#[case] class: Option<StorageClass>, #[case] why: &str) {
    let judged = judge(class, |_| {});
    assert_eq!((judged.value, said(&judged).as_str()), (Encryption::Unknown, why));
}

#[test]
fn a_provider_that_always_encrypts_needs_no_class() {
    let judged = judge(None, |pv| pv.csi = Some(("pd.csi.storage.gke.io".into(), "v".into())));
    assert_eq!(judged.value, Encryption::ProviderDefault);
}

#[test]
fn volumes_of_other_kinds_and_unseen_ones_are_unknown() {
    assert_eq!(judge(None, |pv| pv.csi = None).value, Encryption::Unknown);
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    world.apply(Delta::Denied(Kind::StorageClass, Scope::All, "list".into()), now());
    let judged = encryption(&world, &claim, now());
    assert_eq!(said(&judged), "not allowed to list storageclasses.storage.k8s.io");
    let pending = Pvc { volume_name: None, phase: "Pending".into(), ..claim };
    assert_eq!(said(&encryption(&world, &pending, now())), "the claim is Pending, not bound to a volume");
}
