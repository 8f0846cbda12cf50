package plane

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"holdfast.test/lab/pki"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

const (
	loopback = "127.0.0.1"
	lifetime = 30 * 24 * time.Hour
)

// The people who use a lab, and their groups. What sre and auditor may do is in manifests/rbac.yaml; a colleague may do
// what sre may; a tenant may do nothing until a namespace lets it in.
var people = map[string]string{"admin": "system:masters", "sre": "sre", "colleague": "sre", "auditor": "auditors", "tenant": "tenants"}

// parts are the processes that talk to the API server. They are all powerful, but each has a name of its
// own, so that the audit log tells them from people.
var parts = []string{"lab", "controller-manager", "scheduler", "kwok", "snapshot-controller", "csi-block", "csi-shared", "cert-manager", "pod-servers"}

// writeKeys makes the lab's authority, the certificates of its servers and the key of service accounts.
func (s *site) writeKeys() error {
	now := time.Now()
	authority, err := pki.NewAuthority("holdfast-lab", now, lifetime)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.path("pki"), 0o700); err != nil {
		return err
	}
	s.authority = authority.Cert
	if err := os.WriteFile(s.path("pki/ca.crt"), authority.Cert, 0o644); err != nil {
		return err
	}
	served := pki.Leaf{
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPs:      []net.IP{net.ParseIP(loopback), net.ParseIP("10.0.0.1")},
	}
	for name, organization := range map[string][]string{"apiserver": nil, "kubelet": nil, "kubelet-client": {"system:masters"}} {
		leaf := served
		leaf.CommonName, leaf.Organization = name, organization
		leaf.NotBefore, leaf.NotAfter = now.Add(-time.Minute), now.Add(lifetime)
		pair, err := authority.Issue(leaf)
		if err != nil {
			return err
		}
		if err := s.writePair(name, pair); err != nil {
			return err
		}
	}
	return s.writeServiceAccountKey()
}

func (s *site) writePair(name string, pair pki.Pair) error {
	if err := os.WriteFile(s.path("pki", name+".crt"), pair.Cert, 0o644); err != nil {
		return err
	}
	return os.WriteFile(s.path("pki", name+".key"), pair.Key, 0o600)
}

func (s *site) writeServiceAccountKey() error {
	key, err := pki.NewKey()
	if err != nil {
		return err
	}
	private, err := pki.EncodeKey(key)
	if err != nil {
		return err
	}
	public, err := pki.EncodePublicKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("pki/sa.pub"), public, 0o644); err != nil {
		return err
	}
	return os.WriteFile(s.path("pki/sa.key"), private, 0o600)
}

// writeUsers gives a token and a kubeconfig to everybody.
func (s *site) writeUsers() (map[string]User, error) {
	var tokens strings.Builder
	users := map[string]User{}
	for name, group := range people {
		user := User{Token: newToken(), Kubeconfig: s.path(name + ".kubeconfig"), Context: "lab-" + name}
		users[name] = user
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", user.Token, name, name, group)
		if err := s.writeKubeconfig(user.Kubeconfig, user.Context, name, user.Token); err != nil {
			return nil, err
		}
	}
	for _, part := range parts {
		token := newToken()
		fmt.Fprintf(&tokens, "%s,lab:%s,%s,%q\n", token, part, part, "system:masters")
		if err := s.writeKubeconfig(s.kubeconfig(part), "lab", part, token); err != nil {
			return nil, err
		}
	}
	return users, os.WriteFile(s.path("pki/tokens.csv"), []byte(tokens.String()), 0o600)
}

// OwnKubeconfig is the launcher's access to the lab in dir. What it does must not look like a person's
// doing in the audit log.
func OwnKubeconfig(dir string) string { return (&site{dir: dir}).kubeconfig("lab") }

func (s *site) kubeconfig(part string) string { return s.path("pki", part+".kubeconfig") }

func (s *site) writeKubeconfig(file, contextName, user, token string) error {
	config := api.NewConfig()
	config.Clusters["lab"] = &api.Cluster{Server: s.server(), CertificateAuthorityData: s.authority}
	config.AuthInfos[user] = &api.AuthInfo{Token: token}
	config.Contexts[contextName] = &api.Context{Cluster: "lab", AuthInfo: user}
	config.CurrentContext = contextName
	return clientcmd.WriteToFile(*config, file)
}

func newToken() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
