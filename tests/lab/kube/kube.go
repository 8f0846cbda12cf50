// Package kube is the launcher's hand in the lab's API: it applies manifests of any kind (server-side
// apply, so that a repetition changes nothing) and waits for conditions with an error that says what is
// still missing.
package kube

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const fieldManager = "holdfast-lab"

// Client talks to one API server.
type Client struct {
	server  string
	http    *http.Client
	objects dynamic.Interface
	kinds   *restmapper.DeferredDiscoveryRESTMapper
}

// Connect reads a kubeconfig; nothing is sent yet. There is no rate limit on this side.
func Connect(kubeconfig string) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.UserAgent = fieldManager
	config.WarningHandler = rest.NoWarnings{} // a seed is strange on purpose
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	discover, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	kinds := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discover))
	return &Client{server: config.Host, http: client, objects: objects, kinds: kinds}, nil
}

// Ready tells whether the server says that it is ready to serve.
func (c *Client) Ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Parse reads a YAML file of several documents.
func Parse(manifest []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return nil, fmt.Errorf("document %d: %w", len(objects)+1, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// Apply creates the object or brings it to the given state.
func (c *Client) Apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := c.resource(object)
	if err != nil {
		return fmt.Errorf("%s: %w", Title(object), err)
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("apply %s: %w", Title(object), err)
	}
	return nil
}

// Serves tells whether the server serves a kind, in the words of discovery; a kind that is new to us is looked up again.
func (c *Client) Serves(kind schema.GroupKind) (bool, error) {
	_, err := c.kinds.RESTMapping(kind)
	if meta.IsNoMatchError(err) {
		c.kinds.Reset()
		_, err = c.kinds.RESTMapping(kind)
	}
	if meta.IsNoMatchError(err) {
		return false, nil
	}
	return err == nil, err
}

// List returns all objects of a resource in a namespace, or everywhere.
func (c *Client) List(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]unstructured.Unstructured, error) {
	list, err := c.objects.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", resource.Resource, err)
	}
	return list.Items, nil
}

// resource finds the API path of an object's kind; a kind that is new to us is looked up again.
func (c *Client) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := c.kinds.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		c.kinds.Reset()
		mapping, err = c.kinds.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.objects.Resource(mapping.Resource), nil
	}
	return c.objects.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
}

// Title names an object for people.
func Title(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}

// Wait asks until nothing is missing. When ctx ends first, the error tells what was missing last, and why
// the wait ended: the deadline, or the death of a process.
func Wait(ctx context.Context, ask func(context.Context) (missing string, err error)) error {
	var missing string
	for {
		answer, err := ask(ctx)
		if err == nil && answer == "" {
			return nil
		}
		if ctx.Err() == nil {
			missing = answer
			if err != nil {
				missing = err.Error()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (while waiting: %s)", context.Cause(ctx), missing)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
