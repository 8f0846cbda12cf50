// Package served runs real TLS servers for pods, which have no processes here: what a kubelet and a program in the pod
// would do together. Mounted Secrets are projected into directories and refreshed by the kubelet's own writer, and a
// PortForward object leads the pod's port to its server.
package served

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	// serves is the annotation of pods in which a server listens: "tls", or "plain" for one that knows no TLS.
	serves = "lab.holdfast.dev/serves"
	// reloads is the annotation of pods whose server reads its files when it starts and then "never" again.
	reloads = "lab.holdfast.dev/reloads"
	// defaultPort is where it listens when the pod declares no port.
	defaultPort = 8443
	// pause collects changes that come together; directories are never older than this and the work itself.
	pause = 100 * time.Millisecond
)

var forwards = schema.GroupVersionResource{Group: "kwok.x-k8s.io", Version: "v1alpha1", Resource: "portforwards"}

// Kubelet runs the servers of all pods of one cluster.
type Kubelet struct {
	root    string
	objects dynamic.Interface
	typed   kubernetes.Interface
	pods    listers.PodLister
	secrets listers.SecretLister
	changed chan struct{}
	running map[types.UID]*running
}

// running is one pod with its server.
type running struct {
	namespace, name, dir string
	source               source
	server               *server // nil until it could start
	version              string  // of the Secret in the volume
}

// New prepares a Kubelet that keeps its files in root. Nothing is sent yet.
func New(config *rest.Config, root string) (*Kubelet, error) {
	config.QPS = -1
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Kubelet{root: root, objects: objects, typed: typed, changed: make(chan struct{}, 1), running: map[types.UID]*running{}}, nil
}

// Run keeps servers as pods and Secrets are until the context ends.
func (k *Kubelet) Run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(k.typed, 0)
	pods, secrets := factory.Core().V1().Pods(), factory.Core().V1().Secrets()
	k.pods, k.secrets = pods.Lister(), secrets.Lister()
	wake := func() {
		select {
		case k.changed <- struct{}{}:
		default:
		}
	}
	events := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { wake() },
		UpdateFunc: func(any, any) { wake() },
		DeleteFunc: func(any) { wake() },
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), secrets.Informer()} {
		if _, err := informer.AddEventHandler(events); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.changed:
		case <-again.C: // what failed is tried again
		}
		k.sync(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (k *Kubelet) sync(ctx context.Context) {
	pods, err := k.pods.List(labels.Everything())
	if err != nil {
		log.Print(err)
		return
	}
	there := map[types.UID]bool{}
	for _, pod := range pods {
		if pod.Annotations[serves] == "" || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		there[pod.UID] = true
		if err := k.keep(ctx, pod); err != nil {
			log.Printf("pod %s/%s: %v", pod.Namespace, pod.Name, err)
		}
	}
	for uid, pod := range k.running {
		if !there[uid] {
			k.end(ctx, pod)
			delete(k.running, uid)
		}
	}
}

// keep starts what is not started yet and refreshes what a kubelet refreshes.
func (k *Kubelet) keep(ctx context.Context, pod *corev1.Pod) error {
	run := k.running[pod.UID]
	if run == nil {
		run = &running{namespace: pod.Namespace, name: pod.Name, dir: filepath.Join(k.root, string(pod.UID))}
		k.running[pod.UID] = run
	}
	if pod.Annotations[serves] != "tls" {
		return k.start(ctx, run, pod, plain)
	}
	found, ok := sourceOf(pod)
	if !ok {
		return fmt.Errorf("it takes no certificate from a Secret")
	}
	run.source = found
	secret, err := k.secrets.Secrets(pod.Namespace).Get(found.secret)
	if err != nil {
		return err // a kubelet does not start a pod without its Secret, and leaves volumes as they are when it goes
	}
	volume, kept := filepath.Join(run.dir, "volume"), filepath.Join(run.dir, "kept")
	if secret.ResourceVersion != run.version {
		if err := found.project(volume, secret); err != nil {
			return err
		}
		run.version = secret.ResourceVersion
	}
	return k.start(ctx, run, pod, func() (*server, error) {
		if found.live() {
			return files(volume, pod.Annotations[reloads] == "never")
		}
		if err := found.keep(volume, kept, secret); err != nil {
			return nil, err
		}
		return files(kept, true)
	})
}

// start starts the server of a pod, once, and leads its port there.
func (k *Kubelet) start(ctx context.Context, run *running, pod *corev1.Pod, listen func() (*server, error)) error {
	if run.server != nil {
		return nil
	}
	server, err := listen()
	if err != nil {
		return err
	}
	port := int64(defaultPort)
	if ports := pod.Spec.Containers[0].Ports; len(ports) > 0 {
		port = int64(ports[0].ContainerPort)
	}
	forward := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward",
		"metadata": map[string]any{"name": pod.Name, "namespace": pod.Namespace},
		"spec": map[string]any{"forwards": []any{map[string]any{
			"ports":  []any{port},
			"target": map[string]any{"address": "127.0.0.1", "port": int64(server.port())},
		}}},
	}}
	options := metav1.ApplyOptions{FieldManager: "pod-servers", Force: true}
	if _, err := k.objects.Resource(forwards).Namespace(pod.Namespace).Apply(ctx, pod.Name, forward, options); err != nil {
		server.stop()
		return err
	}
	run.server = server
	return nil
}

// end stops what ran for a pod that is gone. Another of its name may have the PortForward already.
func (k *Kubelet) end(ctx context.Context, run *running) {
	if run.server != nil {
		run.server.stop()
	}
	if err := os.RemoveAll(run.dir); err != nil {
		log.Print(err)
	}
	for _, other := range k.running {
		if other != run && other.namespace == run.namespace && other.name == run.name {
			return
		}
	}
	err := k.objects.Resource(forwards).Namespace(run.namespace).Delete(ctx, run.name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		log.Printf("pod %s/%s: %v", run.namespace, run.name, err)
	}
}
