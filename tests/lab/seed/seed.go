// Package seed brings a file of manifests into a cluster and waits until the controllers have done their
// part: claims bound, volumes attached, pods running, snapshots ready, certificates issued.
package seed

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"holdfast.test/lab/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	claimsResource       = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	volumesResource      = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}
	secretsResource      = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	podsResource         = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	statefulSetsResource = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
	deploymentsResource  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	csiDriversResource   = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "csidrivers"}
	attachmentsResource  = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "volumeattachments"}
	snapshotsResource    = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshots"}
	certificatesResource = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}
)

// Load reads the manifests and makes the certificates they describe, dated from now.
func Load(file string, now time.Time) ([]*unstructured.Unstructured, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := kube.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, object := range objects {
		if err := fillTLS(object, now); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, kube.Title(object), err)
		}
	}
	return objects, nil
}

// Apply creates the objects in their order, except that snapshots wait until their claims are bound, and
// returns when everything in their namespaces is as it should be.
func Apply(ctx context.Context, client *kube.Client, objects []*unstructured.Unstructured) error {
	var later, trusting []*unstructured.Unstructured
	var namespaces []string
	for _, object := range objects {
		switch object.GetKind() {
		case "VolumeSnapshot", "VolumeGroupSnapshot":
			later = append(later, object)
			continue
		case "Namespace":
			namespaces = append(namespaces, object.GetName())
		}
		if object.GetAnnotations()[injectAnnotation] != "" {
			trusting = append(trusting, object)
			continue
		}
		if err := client.Apply(ctx, object); err != nil {
			return err
		}
	}
	if err := waitAll(ctx, client, namespaces, claimsBound); err != nil {
		return err
	}
	for _, object := range later {
		if err := client.Apply(ctx, object); err != nil {
			return err
		}
	}
	if err := waitAll(ctx, client, namespaces, workloadsReady, podsRunning, snapshotsReady, certificatesReady, claimsBound, volumesAttached); err != nil {
		return err
	}
	for _, object := range trusting {
		if err := inject(ctx, client, object); err != nil {
			return fmt.Errorf("%s: %w", kube.Title(object), err)
		}
		if err := client.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// injectAnnotation names the Certificate whose CA an object wants, NAMESPACE/NAME.
const injectAnnotation = "cert-manager.io/inject-ca-from"

// inject does once what cert-manager's CA injector, which the lab does not run, would do all the time.
func inject(ctx context.Context, client *kube.Client, object *unstructured.Unstructured) error {
	namespace, name, _ := strings.Cut(object.GetAnnotations()[injectAnnotation], "/")
	certificates, err := client.List(ctx, certificatesResource, namespace)
	if err != nil {
		return err
	}
	secrets, err := client.List(ctx, secretsResource, namespace)
	if err != nil {
		return err
	}
	for _, certificate := range certificates {
		for _, secret := range secrets {
			if certificate.GetName() == name && secret.GetName() == text(certificate, "spec", "secretName") {
				return fillBundles(object, text(secret, "data", "ca.crt"))
			}
		}
	}
	return fmt.Errorf("Certificate %s/%s or its Secret does not exist", namespace, name)
}

// check names what is not yet as it should be in a namespace.
type check func(ctx context.Context, client *kube.Client, namespace string) (missing []string, err error)

func waitAll(ctx context.Context, client *kube.Client, namespaces []string, checks ...check) error {
	for _, namespace := range namespaces {
		for _, check := range checks {
			err := kube.Wait(ctx, func(ctx context.Context) (string, error) {
				missing, err := check(ctx, client, namespace)
				return strings.Join(missing, ", "), err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// each lists a resource and names the objects that are not good.
func each(ctx context.Context, client *kube.Client, resource schema.GroupVersionResource, namespace, should string, good func(unstructured.Unstructured) bool) ([]string, error) {
	objects, err := client.List(ctx, resource, namespace)
	var missing []string
	for _, object := range objects {
		if !good(object) {
			missing = append(missing, kube.Title(&object)+" should be "+should)
		}
	}
	return missing, err
}

func claimsBound(ctx context.Context, client *kube.Client, namespace string) ([]string, error) {
	return each(ctx, client, claimsResource, namespace, "bound", func(claim unstructured.Unstructured) bool {
		return text(claim, "status", "phase") == "Bound"
	})
}

func podsRunning(ctx context.Context, client *kube.Client, namespace string) ([]string, error) {
	return each(ctx, client, podsResource, namespace, "running", func(pod unstructured.Unstructured) bool {
		return text(pod, "status", "phase") == "Running"
	})
}

func workloadsReady(ctx context.Context, client *kube.Client, namespace string) ([]string, error) {
	allReady := func(workload unstructured.Unstructured) bool {
		wanted, _, _ := unstructured.NestedInt64(workload.Object, "spec", "replicas")
		ready, _, _ := unstructured.NestedInt64(workload.Object, "status", "readyReplicas")
		return ready == wanted
	}
	sets, err := each(ctx, client, statefulSetsResource, namespace, "ready", allReady)
	if err != nil {
		return nil, err
	}
	deployments, err := each(ctx, client, deploymentsResource, namespace, "ready", allReady)
	return append(sets, deployments...), err
}

func snapshotsReady(ctx context.Context, client *kube.Client, namespace string) ([]string, error) {
	return each(ctx, client, snapshotsResource, namespace, "ready to use", func(snapshot unstructured.Unstructured) bool {
		ready, _, _ := unstructured.NestedBool(snapshot.Object, "status", "readyToUse")
		return ready
	})
}

func certificatesReady(ctx context.Context, client *kube.Client, namespace string) ([]string, error) {
	return each(ctx, client, certificatesResource, namespace, "ready", func(certificate unstructured.Unstructured) bool {
		conditions, _, _ := unstructured.NestedSlice(certificate.Object, "status", "conditions")
		return slices.ContainsFunc(conditions, func(condition any) bool {
			fields, _ := condition.(map[string]any)
			return fields["type"] == "Ready" && fields["status"] == "True"
		})
	})
}

// volumesAttached looks for an attachment of each volume that a pod of the namespace uses, where the
// volume's driver wants one.
func volumesAttached(ctx context.Context, client *kube.Client, namespace string) ([]string, error) {
	attaching, err := names(ctx, client, csiDriversResource, "", func(driver unstructured.Unstructured) (string, bool) {
		required, _, _ := unstructured.NestedBool(driver.Object, "spec", "attachRequired")
		return driver.GetName(), required
	})
	if err != nil {
		return nil, err
	}
	attached, err := names(ctx, client, attachmentsResource, "", func(attachment unstructured.Unstructured) (string, bool) {
		done, _, _ := unstructured.NestedBool(attachment.Object, "status", "attached")
		return text(attachment, "spec", "source", "persistentVolumeName"), done
	})
	if err != nil {
		return nil, err
	}
	used, err := usedClaims(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	return each(ctx, client, volumesResource, "", "attached", func(volume unstructured.Unstructured) bool {
		wanted := text(volume, "spec", "claimRef", "namespace") == namespace &&
			used[text(volume, "spec", "claimRef", "name")] && attaching[text(volume, "spec", "csi", "driver")]
		return !wanted || attached[volume.GetName()]
	})
}

func usedClaims(ctx context.Context, client *kube.Client, namespace string) (map[string]bool, error) {
	pods, err := client.List(ctx, podsResource, namespace)
	used := map[string]bool{}
	for _, pod := range pods {
		volumes, _, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes")
		for _, volume := range volumes {
			fields, _ := volume.(map[string]any)
			claim, _, _ := unstructured.NestedString(fields, "persistentVolumeClaim", "claimName")
			used[claim] = true
		}
	}
	return used, err
}

func names(ctx context.Context, client *kube.Client, resource schema.GroupVersionResource, namespace string, pick func(unstructured.Unstructured) (string, bool)) (map[string]bool, error) {
	objects, err := client.List(ctx, resource, namespace)
	picked := map[string]bool{}
	for _, object := range objects {
		if name, ok := pick(object); ok {
			picked[name] = true
		}
	}
	return picked, err
}

func text(object unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(object.Object, path...)
	return value
}
