package plane

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"holdfast.test/lab/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kwokcrd "sigs.k8s.io/kwok/kustomize/crd"
	podstages "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

var (
	//go:embed manifests/audit.yaml
	auditPolicy []byte
	//go:embed manifests/node-stage.yaml
	nodeStage string
	//go:embed manifests/cluster.yaml
	clusterManifest []byte
	//go:embed manifests/rbac.yaml
	rbacManifest []byte
)

// writeConfig writes the files that processes read at their start.
func (s *site) writeConfig() error {
	if err := os.MkdirAll(s.path("config"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("config/audit.yaml"), auditPolicy, 0o644); err != nil {
		return err
	}
	stages := []string{strings.ReplaceAll(nodeStage, "KUBELET_PORT", strconv.Itoa(s.kubeletPort))}
	for _, stage := range []string{podstages.DefaultPodReady, podstages.DefaultPodComplete, podstages.DefaultPodDelete} {
		left, err := leavePodsOfTests(stage)
		if err != nil {
			return err
		}
		stages = append(stages, left)
	}
	return os.WriteFile(s.path("config/kwok.yaml"), []byte(strings.Join(stages, "\n---\n")), 0o644)
}

// runByTest is the label of pods that a test runs itself, as a kubelet would: something real is in them, so that it,
// and not kwok, says when they are ready and when they are gone.
const runByTest = "lab.holdfast.dev/run-by-test"

// leavePodsOfTests lets a stage of kwok pass over the pods that a test runs.
func leavePodsOfTests(stage string) (string, error) {
	const conditions = "matchExpressions:\n"
	if strings.Count(stage, conditions) != 1 {
		return "", fmt.Errorf("a stage of kwok does not have exactly one list of matchExpressions:\n%s", stage)
	}
	passOver := "    - {key: '.metadata.labels[\"" + runByTest + "\"]', operator: DoesNotExist}\n"
	return strings.Replace(stage, conditions, conditions+passOver, 1), nil
}

// definitions are the custom resources of the controllers: from the packages they are part of where
// these carry them, else from the module cache.
func definitions(ctx context.Context, module string) ([]*unstructured.Unstructured, error) {
	files := [][]byte{kwokcrd.Exec, kwokcrd.ClusterExec, kwokcrd.PortForward, kwokcrd.ClusterPortForward}
	sources := map[string]string{
		"github.com/kubernetes-csi/external-snapshotter/client/v8": "config/crd/*snapshot*.yaml",
		"github.com/cert-manager/cert-manager":                     "deploy/crds/*.yaml",
	}
	for source, pattern := range sources {
		command := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", source)
		command.Dir = module
		command.Stderr = os.Stderr
		dir, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("find module %s from %s: %w", source, module, err)
		}
		found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), pattern))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("module %s has no %s (%v)", source, pattern, err)
		}
		for _, file := range found {
			raw, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			files = append(files, raw)
		}
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		parsed, err := kube.Parse(file)
		if err != nil {
			return nil, err
		}
		objects = append(objects, parsed...)
	}
	return objects, nil
}

// install applies the custom resource definitions, waits until they are served, and applies the rest.
func install(ctx context.Context, client *kube.Client, definitions []*unstructured.Unstructured) error {
	var all errgroup.Group
	for _, definition := range definitions {
		all.Go(func() error { return client.Apply(ctx, definition) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	// A kind is unknown for a moment after its definition was made.
	err := kube.Wait(ctx, func(context.Context) (string, error) { return notServed(client, definitions) })
	if err != nil {
		return err
	}
	for _, manifest := range [][]byte{rbacManifest, clusterManifest} {
		objects, err := kube.Parse(manifest)
		if err != nil {
			return err
		}
		for _, object := range objects {
			// The server may still be making its own roles and namespaces.
			err := kube.Wait(ctx, func(ctx context.Context) (string, error) { return "", client.Apply(ctx, object) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// notServed names the kinds of the definitions that the server does not serve yet.
func notServed(client *kube.Client, definitions []*unstructured.Unstructured) (string, error) {
	var missing []string
	for _, definition := range definitions {
		kind, err := definedKind(definition)
		if err != nil {
			return "", err
		}
		served, err := client.Serves(kind)
		if err != nil {
			return "", err
		}
		if !served {
			missing = append(missing, kind.String())
		}
	}
	if len(missing) == 0 {
		return "", nil
	}
	return "not served yet: " + strings.Join(missing, ", "), nil
}

// definedKind is the kind that a custom resource definition defines.
func definedKind(definition *unstructured.Unstructured) (schema.GroupKind, error) {
	group, _, err := unstructured.NestedString(definition.Object, "spec", "group")
	if err != nil {
		return schema.GroupKind{}, fmt.Errorf("%s: %w", kube.Title(definition), err)
	}
	kind, _, err := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	if err != nil {
		return schema.GroupKind{}, fmt.Errorf("%s: %w", kube.Title(definition), err)
	}
	return schema.GroupKind{Group: group, Kind: kind}, nil
}
