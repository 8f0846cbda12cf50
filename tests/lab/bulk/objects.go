package bulk

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	class  = "bulk"
	driver = "bulk.csi.holdfast.dev"
	size   = "10Gi"

	sizeInBytes = 10 << 30
)

var (
	snapshotResource = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshots"}
	contentResource  = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotcontents"}
	classResource    = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotclasses"}
)

func (m *maker) makeClasses(ctx context.Context) error {
	reclaim := corev1.PersistentVolumeReclaimDelete
	binding := storagev1.VolumeBindingImmediate
	storage := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Provisioner: driver, ReclaimPolicy: &reclaim, VolumeBindingMode: &binding}
	_, err := m.builtin.StorageV1().StorageClasses().Create(ctx, storage, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	snapshots := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
		"metadata": map[string]any{"name": class}, "driver": driver, "deletionPolicy": "Delete",
	}}
	_, err = m.custom.Resource(classResource).Create(ctx, snapshots, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// newClaim looks like the n-th claim of a StatefulSet's template, after it was bound.
func newClaim(n int) *corev1.PersistentVolumeClaim {
	name, storageClass := fmt.Sprintf("data-app-%d", n%perNamespace), class
	filesystem := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespaceOf(n), Labels: labels(n),
			Annotations: map[string]string{
				"holdfast.dev/rpo":                              "24h",
				"pv.kubernetes.io/bind-completed":               "yes",
				"pv.kubernetes.io/bound-by-controller":          "yes",
				"volume.beta.kubernetes.io/storage-provisioner": driver,
				"volume.kubernetes.io/storage-provisioner":      driver,
			},
			Finalizers: []string{"kubernetes.io/pvc-protection"},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: &storageClass,
			VolumeName: volumeName(n), VolumeMode: &filesystem,
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
		},
	}
}

func labels(n int) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": "app", "app.kubernetes.io/instance": namespaceOf(n),
		"app.kubernetes.io/component": "database", "app.kubernetes.io/managed-by": "Helm",
	}
}

func volumeName(n int) string { return fmt.Sprintf("pvc-bulk-%06d", n) }

func newVolume(n int, claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        volumeName(n),
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": driver},
			Finalizers:  []string{"kubernetes.io/pv-protection"},
		},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes, StorageClassName: class, VolumeMode: claim.Spec.VolumeMode,
			Capacity:                      claim.Spec.Resources.Requests,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef: &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace,
				Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
				Driver: driver, VolumeHandle: fmt.Sprintf("vol-%06d", n), FSType: "ext4",
				VolumeAttributes: map[string]string{"storage.kubernetes.io/csiProvisionerIdentity": "1700000000000-0-" + driver},
			}},
		},
	}
}

func newSnapshot(n int, claim *corev1.PersistentVolumeClaim) *unstructured.Unstructured {
	s := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
		"spec": map[string]any{
			"volumeSnapshotClassName": class,
			"source":                  map[string]any{"persistentVolumeClaimName": claim.Name},
		},
	}}
	s.SetName(claim.Name + "-daily")
	s.SetNamespace(claim.Namespace)
	s.SetLabels(labels(n))
	s.SetFinalizers([]string{
		"snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection",
		"snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",
	})
	return s
}

func newContent(snapshot *unstructured.Unstructured, volume *corev1.PersistentVolume) *unstructured.Unstructured {
	c := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
		"spec": map[string]any{
			"deletionPolicy": "Delete", "driver": driver, "sourceVolumeMode": "Filesystem", "volumeSnapshotClassName": class,
			"source": map[string]any{"volumeHandle": volume.Spec.CSI.VolumeHandle},
			"volumeSnapshotRef": map[string]any{
				"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
				"name": snapshot.GetName(), "namespace": snapshot.GetNamespace(),
				"uid": string(snapshot.GetUID()), "resourceVersion": snapshot.GetResourceVersion(),
			},
		},
	}}
	c.SetName("snapcontent-" + string(snapshot.GetUID()))
	c.SetFinalizers([]string{"snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"})
	return c
}

func snapshotStatus(content *unstructured.Unstructured, now time.Time) map[string]any {
	return map[string]any{
		"boundVolumeSnapshotContentName": content.GetName(), "creationTime": now.UTC().Format(time.RFC3339),
		"readyToUse": true, "restoreSize": size,
	}
}

func contentStatus(snapshot *unstructured.Unstructured, now time.Time) map[string]any {
	return map[string]any{
		"snapshotHandle": "snap-" + string(snapshot.GetUID()), "creationTime": now.UnixNano(),
		"readyToUse": true, "restoreSize": int64(sizeInBytes),
	}
}
