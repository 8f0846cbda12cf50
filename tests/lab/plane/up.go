package plane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"holdfast.test/lab/kube"
	"holdfast.test/lab/process"
	"holdfast.test/lab/seed"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Options of Up.
type Options struct {
	Dir    string        // the lab's directory; made when missing
	Bin    string        // directory of the programs
	Module string        // directory of this Go module, to find custom resource definitions
	Seed   string        // manifests to start from; none when empty
	Limit  time.Duration // how long it may take
	Steps  io.Writer     // told what is done, and how long it took
}

// socketLimit is what the kernel allows for the path of a unix socket.
const socketLimit = 107

// Up starts a lab in a directory. When it fails, nothing runs and the logs remain.
func Up(ctx context.Context, o Options) (lab *Lab, err error) {
	began := time.Now()
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := process.Claim(o.Dir); err != nil {
		return nil, err
	}
	book, err := process.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	defer book.Close()
	for _, p := range book.Processes {
		if p.Running() {
			return nil, fmt.Errorf("a lab runs already in %s (%s is process %d); lab down stops it", o.Dir, p.Name, p.PID)
		}
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, fmt.Errorf("the lab is not up after %s", o.Limit))
	defer cancel()
	s, lab, err := prepare(o)
	if err != nil {
		return nil, err
	}
	// Deferred after cancel, so it runs first: processes that end from here on end because we stop them.
	defer func() {
		if err != nil {
			cancel()
			err = errors.Join(err, book.StopAll())
		}
	}()
	start := starter{ctx: ctx, site: s, book: book, fail: fail, steps: o.Steps, began: began}
	if err := start.everything(o); err != nil {
		// A process that died, or the deadline, explains more than the request that ended with it.
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (during: %w)", cause, err)
		}
		return nil, err
	}
	lab.Seconds = time.Since(began).Round(100 * time.Millisecond).Seconds()
	return lab, lab.write()
}

// prepare clears what an earlier lab left, chooses ports and writes keys and configuration.
func prepare(o Options) (*site, *Lab, error) {
	for _, old := range []string{"lab.json", "processes.json", "audit.log", "etcd", "pki", "config", "csi", "pods", "log"} {
		if err := os.RemoveAll(filepath.Join(o.Dir, old)); err != nil {
			return nil, nil, err
		}
	}
	bin, err := filepath.Abs(o.Bin)
	if err != nil {
		return nil, nil, err
	}
	ports, err := freePorts(4)
	if err != nil {
		return nil, nil, err
	}
	s := &site{dir: o.Dir, bin: bin, etcdPort: ports[0], peerPort: ports[1], apiPort: ports[2], kubeletPort: ports[3]}
	if err := s.writeKeys(); err != nil {
		return nil, nil, err
	}
	users, err := s.writeUsers()
	if err != nil {
		return nil, nil, err
	}
	if err := s.writeConfig(); err != nil {
		return nil, nil, err
	}
	lab := &Lab{Dir: o.Dir, Server: s.server(), CA: s.path("pki/ca.crt"), Users: users,
		AuditLog: s.path("audit.log"), Logs: s.path("log"), Bin: bin, Drivers: map[string]Driver{}}
	for _, st := range storages {
		if path := s.socket(st); len(path) > socketLimit {
			return nil, nil, fmt.Errorf("%s is too long for a unix socket; take a directory with a shorter path", path)
		}
		root := s.root(st)
		if err := os.MkdirAll(root, 0o755); err != nil {
			return nil, nil, err
		}
		lab.Drivers[st.driver] = Driver{Volumes: root + "/volumes", Snapshots: root + "/snapshots", Faults: root + "/faults", Writers: root + "/writers"}
	}
	return s, lab, nil
}

// starter brings the processes up in order.
type starter struct {
	ctx   context.Context
	site  *site
	book  *process.Book
	fail  context.CancelCauseFunc // ends ctx with the reason
	steps io.Writer
	began time.Time
}

func (st *starter) step(what string) {
	fmt.Fprintf(st.steps, "%6.1fs  %s\n", time.Since(st.began).Seconds(), what)
}

func (st *starter) launch(specs []process.Spec) error {
	for _, spec := range specs {
		if err := st.book.Launch(st.ctx, spec, st.fail); err != nil {
			return err
		}
	}
	return nil
}

func (st *starter) everything(o Options) error {
	if err := st.launch(st.site.base()); err != nil {
		return err
	}
	client, err := kube.Connect(st.site.kubeconfig("lab"))
	if err != nil {
		return err
	}
	crds, err := definitions(st.ctx, o.Module)
	if err != nil {
		return err
	}
	if err := waitReady(st.ctx, client); err != nil {
		return err
	}
	st.step("etcd and the API server serve")
	if err := st.launch(st.site.drivers()); err != nil {
		return err
	}
	if err := install(st.ctx, client, crds); err != nil {
		return err
	}
	st.step("custom resources are served")
	if err := st.launch(st.site.nodes()); err != nil {
		return err
	}
	if err := st.launch(st.site.controllers()); err != nil {
		return err
	}
	if o.Seed == "" {
		return nil
	}
	objects, err := seed.Load(o.Seed, time.Now())
	if err != nil {
		return err
	}
	if objects, err = st.site.asKubelet(objects); err != nil {
		return err
	}
	if err := seed.Apply(st.ctx, client, objects); err != nil {
		return err
	}
	st.step("the seed is as it should be")
	return nil
}

func waitReady(ctx context.Context, client *kube.Client) error {
	return kube.Wait(ctx, func(ctx context.Context) (string, error) {
		if client.Ready(ctx) {
			return "", nil
		}
		return "the API server should be ready", nil
	})
}

// asKubelet adds what a kubelet and the drivers' node parts write for each node: the annotation that lets
// the controller manager attach volumes, a CSINode object, and the drivers' own note of the node.
func (s *site) asKubelet(objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, object := range objects {
		all = append(all, object)
		if object.GetKind() != "Node" {
			continue
		}
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["volumes.kubernetes.io/controller-managed-attach-detach"] = "true"
		object.SetAnnotations(annotations)
		var drivers []any
		for _, st := range storages {
			drivers = append(drivers, map[string]any{"name": st.driver, "nodeID": object.GetName()})
			nodes := filepath.Join(s.root(st), "nodes")
			if err := os.MkdirAll(nodes, 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(filepath.Join(nodes, object.GetName()), nil, 0o644); err != nil {
				return nil, err
			}
		}
		all = append(all, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
			"metadata": map[string]any{"name": object.GetName()},
			"spec":     map[string]any{"drivers": drivers},
		}})
	}
	return all, nil
}
