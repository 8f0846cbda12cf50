package seed

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"
	"time"

	"holdfast.test/lab/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func secret(t *testing.T, description string) *unstructured.Unstructured {
	t.Helper()
	objects, err := kube.Parse([]byte("kind: Secret\nmetadata:\n  name: s\n  annotations:\n    keep: me\n    " + tlsAnnotation + ": '" + description + "'\n"))
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	return objects[0]
}

func data(t *testing.T, object *unstructured.Unstructured, key string) []byte {
	t.Helper()
	encoded, _, err := unstructured.NestedString(object.Object, "data", key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestFillTLS(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	object := secret(t, `{"cn":"a.example","dns":["a.example","b.example"],"notBefore":-7200,"notAfter":-3600,"certKey":"one.pem","keyKey":"one.key"}`)
	if err := fillTLS(object, now); err != nil {
		t.Fatal(err)
	}
	if annotations := object.GetAnnotations(); len(annotations) != 1 || annotations["keep"] != "me" {
		t.Errorf("annotations are %v", annotations)
	}
	certPEM, keyPEM := data(t, object, "one.pem"), data(t, object, "one.key")
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Errorf("the key is not the certificate's: %v", err)
	}
	block, _ := pem.Decode(certPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != "a.example" || len(cert.DNSNames) != 2 {
		t.Errorf("names are %s, %v", cert.Subject, cert.DNSNames)
	}
	if !cert.NotBefore.Equal(now.Add(-2*time.Hour)) || !cert.NotAfter.Equal(now.Add(-time.Hour)) {
		t.Errorf("valid from %s to %s", cert.NotBefore, cert.NotAfter)
	}
}

func TestFillTLSOfABundle(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	description := `{"cn":"old-ca","ca":true,"notBefore":-7200,"notAfter":-3600}`
	objects, err := kube.Parse([]byte("kind: MutatingWebhookConfiguration\nmetadata:\n  name: w\n  annotations:\n    " +
		tlsAnnotation + ": '" + description + "'\nwebhooks: [{name: a, clientConfig: {}}, {name: b, clientConfig: {}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := fillTLS(objects[0], now); err != nil {
		t.Fatal(err)
	}
	webhooks, _, _ := unstructured.NestedSlice(objects[0].Object, "webhooks")
	for _, webhook := range webhooks {
		encoded, _, _ := unstructured.NestedString(webhook.(map[string]any), "clientConfig", "caBundle")
		raw, _ := base64.StdEncoding.DecodeString(encoded)
		block, _ := pem.Decode(raw)
		if block == nil {
			t.Fatalf("no CA in %v", webhook)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !cert.IsCA || !cert.NotBefore.Equal(now.Add(-2*time.Hour)) || !cert.NotAfter.Equal(now.Add(-time.Hour)) {
			t.Errorf("the CA is %v: %v", cert, err)
		}
	}
}

func TestFillTLSMismatch(t *testing.T) {
	object := secret(t, `{"cn":"a.example","notBefore":-60,"notAfter":3600,"mismatch":true}`)
	if err := fillTLS(object, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(data(t, object, "tls.crt"), data(t, object, "tls.key")); err == nil {
		t.Error("the key is the certificate's")
	}
}

func TestFillTLSRefusesNonsense(t *testing.T) {
	if err := fillTLS(secret(t, `{"cn":`), time.Now()); err == nil {
		t.Error("half a description was taken")
	}
}
