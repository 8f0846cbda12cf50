package served

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/volume/util"
)

// source is where the first container of a pod has a certificate from.
type source struct {
	secret string
	items  []corev1.KeyToPath
	mount  corev1.VolumeMount
	env    bool // by environment variables; mount says nothing then
}

// live tells whether a kubelet refreshes it: what is mounted by subPath and what is in the environment stays as it was
// when the container started (kubernetes#50345).
func (s source) live() bool { return !s.env && s.mount.SubPath == "" }

// sourceOf finds the first Secret that a pod's first container takes a certificate from: by a variable, else by a
// volume.
func sourceOf(pod *corev1.Pod) (source, bool) {
	container := pod.Spec.Containers[0]
	for _, variable := range container.Env {
		if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil && from.SecretKeyRef.Key == corev1.TLSCertKey {
			return source{secret: from.SecretKeyRef.Name, env: true}, true
		}
	}
	for _, mount := range container.VolumeMounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			if volume.Secret != nil {
				return source{secret: volume.Secret.SecretName, items: volume.Secret.Items, mount: mount}, true
			}
			if volume.Projected != nil {
				for _, part := range volume.Projected.Sources {
					if part.Secret != nil {
						return source{secret: part.Secret.Name, items: part.Secret.Items, mount: mount}, true
					}
				}
			}
		}
	}
	return source{}, false
}

// payload is what a volume of a Secret holds.
func (s source) payload(secret *corev1.Secret) map[string]util.FileProjection {
	files := map[string]util.FileProjection{}
	if len(s.items) == 0 {
		for key, value := range secret.Data {
			files[key] = util.FileProjection{Data: value, Mode: 0o600}
		}
	}
	for _, item := range s.items {
		if value, there := secret.Data[item.Key]; there {
			files[item.Path] = util.FileProjection{Data: value, Mode: 0o600}
		}
	}
	return files
}

// project writes a Secret into a directory as a kubelet does it: all files change at once, by one rename of ..data.
func (s source) project(dir string, secret *corev1.Secret) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	writer, err := util.NewAtomicWriter(dir, "pod-servers")
	if err != nil {
		return err
	}
	return writer.Write(s.payload(secret), nil)
}

// keep copies what a container keeps from its start on.
func (s source) keep(volume, dir string, secret *corev1.Secret) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		data := secret.Data[key]
		if !s.env {
			var err error
			// A mount of one file of the pair: the other comes by a mount like it.
			data, err = os.ReadFile(filepath.Join(volume, key))
			if errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("volume of Secret %s has no %s", s.secret, key)
			}
			if err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, key), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
