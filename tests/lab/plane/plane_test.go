package plane

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast.test/lab/kube"
	"k8s.io/client-go/tools/clientcmd"
)

func newSite(t *testing.T) (*site, *Lab) {
	t.Helper()
	s, lab, err := prepare(Options{Dir: t.TempDir(), Bin: "."})
	if err != nil {
		t.Fatal(err)
	}
	return s, lab
}

func TestEachUserHasATokenAndAWorkingKubeconfig(t *testing.T) {
	s, lab := newSite(t)
	tokens, err := os.ReadFile(s.path("pki/tokens.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admin", "sre", "colleague", "auditor", "tenant"} {
		user := lab.Users[name]
		config, err := clientcmd.LoadFromFile(user.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		if config.CurrentContext != "lab-"+name || user.Context != config.CurrentContext {
			t.Errorf("%s: context %q, %q", name, config.CurrentContext, user.Context)
		}
		client, err := clientcmd.NewDefaultClientConfig(*config, nil).ClientConfig()
		if err != nil {
			t.Fatal(err)
		}
		if client.Host != lab.Server || client.BearerToken != user.Token || len(client.CAData) == 0 {
			t.Errorf("%s: server %q, token %q", name, client.Host, client.BearerToken)
		}
		if !strings.Contains(string(tokens), user.Token+","+name+","+name+",") {
			t.Errorf("%s: the server does not know the token", name)
		}
	}
}

func TestServersHaveTheirKeys(t *testing.T) {
	s, _ := newSite(t)
	for _, name := range []string{"apiserver", "kubelet", "kubelet-client"} {
		if _, err := tls.LoadX509KeyPair(s.path("pki", name+".crt"), s.path("pki", name+".key")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryProcessHasANameOfItsOwnAndItsKubeconfig(t *testing.T) {
	s, _ := newSite(t)
	specs := append(append(append(s.base(), s.nodes()...), s.drivers()...), s.controllers()...)
	seen := map[string]bool{}
	for _, spec := range specs {
		if seen[spec.Name] {
			t.Errorf("two processes are called %s", spec.Name)
		}
		seen[spec.Name] = true
		for _, argument := range spec.Args {
			if file, isFile := strings.CutPrefix(argument, "--kubeconfig="); isFile {
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s: %v", spec.Name, err)
				}
			}
		}
	}
}

func TestPortsDiffer(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] || port < lowestPort || port > highestPort {
			t.Errorf("port %d among %v", port, ports)
		}
		seen[port] = true
	}
}

func TestDirectoryTooDeepForASocketIsRefused(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := prepare(Options{Dir: deep, Bin: "."})
	if err == nil || !strings.Contains(err.Error(), "unix socket") {
		t.Errorf("got %v", err)
	}
}

func TestNodesGetWhatAKubeletWrites(t *testing.T) {
	s, lab := newSite(t)
	objects, err := kube.Parse([]byte("kind: Node\nmetadata: {name: node-x}\n---\nkind: Pod\nmetadata: {name: p}\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.asKubelet(objects)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 || all[1].GetKind() != "CSINode" || all[0].GetAnnotations()["volumes.kubernetes.io/controller-managed-attach-detach"] != "true" {
		t.Errorf("objects are %v", all)
	}
	for name, driver := range lab.Drivers {
		if _, err := os.Stat(filepath.Join(filepath.Dir(driver.Volumes), "nodes", "node-x")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKwokPassesOverThePodsThatTestsRun(t *testing.T) {
	s, _ := newSite(t)
	if err := s.writeConfig(); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(s.path("config/kwok.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stages, passed := strings.Count(string(config), "kind: Pod\n"), strings.Count(string(config), runByTest)
	if stages == 0 || passed != stages {
		t.Errorf("%d of %d stages of pods pass over them", passed, stages)
	}
}
