package served

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"holdfast.test/lab/pki"
	corev1 "k8s.io/api/core/v1"
)

func secret(t *testing.T) *corev1.Secret {
	t.Helper()
	authority, err := pki.NewAuthority("ca", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pki.Leaf{CommonName: "web", DNSNames: []string{"web.shop.svc"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour)}
	pair, err := authority.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{Data: map[string][]byte{corev1.TLSCertKey: pair.Cert, corev1.TLSPrivateKeyKey: pair.Key}}
}

func shown(t *testing.T, s *server) string {
	t.Helper()
	connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port()), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	return fmt.Sprintf("%x", sha256.Sum256(connection.ConnectionState().PeerCertificates[0].Raw))
}

func TestOnlyALiveMountFollowsItsSecret(t *testing.T) {
	dir := t.TempDir()
	volume, kept := filepath.Join(dir, "volume"), filepath.Join(dir, "kept")
	mounted, first, second := source{secret: "web-tls"}, secret(t), secret(t)
	if err := mounted.project(volume, first); err != nil {
		t.Fatal(err)
	}
	if err := mounted.keep(volume, kept, first); err != nil {
		t.Fatal(err)
	}
	var servers []*server
	for _, start := range []func() (*server, error){
		func() (*server, error) { return files(volume, false) },
		func() (*server, error) { return files(volume, true) },
		func() (*server, error) { return files(kept, false) },
	} {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop()
		servers = append(servers, s)
	}
	former := shown(t, servers[0])
	if err := mounted.project(volume, second); err != nil {
		t.Fatal(err)
	}
	if shown(t, servers[0]) == former {
		t.Error("a server that reloads shows the former certificate")
	}
	for i, what := range map[int]string{1: "one that reads at its start only", 2: "one with a copy"} {
		if shown(t, servers[i]) != former {
			t.Errorf("%s shows the new certificate", what)
		}
	}
}

func TestAStoppedServerTakesItsConnectionsWithIt(t *testing.T) {
	s, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port()))
	if err != nil {
		t.Fatal(err)
	}
	greeting := make([]byte, 64)
	if n, err := connection.Read(greeting); err != nil || string(greeting[:n]) != "220 ready\r\n" {
		t.Fatal(n, err)
	}
	s.stop()
	if _, err := connection.Read(greeting); err == nil {
		t.Error("it goes on")
	}
}
