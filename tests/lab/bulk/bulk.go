// Package bulk fills a lab with many volumes and snapshots, for measurements of size. The objects look
// like those of a real cluster: bound claims with their volumes, ready snapshots with their contents,
// with the labels, annotations and finalizers that controllers leave. No driver serves their class and
// there are no bytes behind them.
package bulk

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"holdfast.test/lab/plane"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// inFlight is how many volumes are made at the same time.
	inFlight = 48
	// perNamespace claims share a namespace bulk-NNN.
	perNamespace = 250
)

// pausedProcesses watch what bulk makes. The first two would write to it while it is half done; all of
// them would be told of each change. When they come back they find nothing to do.
var pausedProcesses = []string{
	"controller-manager", "snapshot-controller", "scheduler",
	"csi-block-provisioner", "csi-block-snapshotter", "csi-block-attacher",
	"csi-shared-provisioner", "csi-shared-snapshotter",
}

// Add makes count claims with volumes and one snapshot of each in the lab of dir.
func Add(ctx context.Context, dir string, count int) (err error) {
	if _, err := plane.Read(dir); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", plane.OwnKubeconfig(dir))
	if err != nil {
		return err
	}
	m, err := connect(config)
	if err != nil {
		return err
	}
	for _, name := range pausedProcesses {
		if err := plane.Stop(dir, name); err != nil {
			return err
		}
		defer func() {
			if again := plane.Start(ctx, dir, name); err == nil {
				err = again
			}
		}()
	}
	return m.makeAll(ctx, count)
}

// maker makes objects. Built-in kinds go as protobuf, which is cheaper for the server.
type maker struct {
	builtin *kubernetes.Clientset
	custom  dynamic.Interface
}

func connect(config *rest.Config) (*maker, error) {
	config.QPS = -1
	config.UserAgent = "holdfast-lab-bulk"
	custom, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	compact := rest.CopyConfig(config)
	compact.ContentType = "application/vnd.kubernetes.protobuf"
	builtin, err := kubernetes.NewForConfig(compact)
	return &maker{builtin, custom}, err
}

func (m *maker) makeAll(ctx context.Context, count int) error {
	if err := m.makeClasses(ctx); err != nil {
		return err
	}
	for n := 0; n < count; n += perNamespace {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceOf(n), Labels: map[string]string{"team": "bulk"}}}
		_, err := m.builtin.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(inFlight)
	for n := range count {
		if ctx.Err() != nil {
			break
		}
		all.Go(func() error {
			if err := m.makeOne(ctx, n); err != nil {
				return fmt.Errorf("volume %d: %w", n, err)
			}
			return nil
		})
	}
	return all.Wait()
}

func namespaceOf(n int) string { return fmt.Sprintf("bulk-%03d", n/perNamespace) }

// makeOne makes a claim, its volume, a snapshot and its content. What exists already, from an earlier and
// smaller bulk, is left as it is.
func (m *maker) makeOne(ctx context.Context, n int) error {
	claim, err := m.builtin.CoreV1().PersistentVolumeClaims(namespaceOf(n)).Create(ctx, newClaim(n), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		return err
	}
	volume, err := m.builtin.CoreV1().PersistentVolumes().Create(ctx, newVolume(n, claim), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	snapshot, err := m.custom.Resource(snapshotResource).Namespace(claim.Namespace).Create(ctx, newSnapshot(n, claim), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	content, err := m.custom.Resource(contentResource).Create(ctx, newContent(snapshot, volume), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return m.setStatus(ctx, claim, volume, snapshot, content, time.Now())
}

// setStatus writes what the controllers would report. Nobody else writes to these objects, so they are
// put as a whole, which costs the server less than a patch.
func (m *maker) setStatus(ctx context.Context, claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume, snapshot, content *unstructured.Unstructured, now time.Time) error {
	claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, AccessModes: claim.Spec.AccessModes, Capacity: claim.Spec.Resources.Requests}
	if _, err := m.builtin.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return err
	}
	volume.Status.Phase = corev1.VolumeBound
	if _, err := m.builtin.CoreV1().PersistentVolumes().UpdateStatus(ctx, volume, metav1.UpdateOptions{}); err != nil {
		return err
	}
	content.Object["status"] = contentStatus(snapshot, now)
	if _, err := m.custom.Resource(contentResource).UpdateStatus(ctx, content, metav1.UpdateOptions{}); err != nil {
		return err
	}
	snapshot.Object["status"] = snapshotStatus(content, now)
	_, err := m.custom.Resource(snapshotResource).Namespace(snapshot.GetNamespace()).UpdateStatus(ctx, snapshot, metav1.UpdateOptions{})
	return err
}
