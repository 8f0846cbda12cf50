package seed

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"holdfast.test/lab/pki"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// tlsAnnotation describes the certificate a Secret shall hold, or the CA in every caBundle of another object.
const tlsAnnotation = "seed.holdfast.dev/tls"

// certificate is the value of tlsAnnotation.
type certificate struct {
	CommonName string   `json:"cn"`
	DNSNames   []string `json:"dns"`
	NotBefore  int64    `json:"notBefore"` // seconds from the moment of loading
	NotAfter   int64    `json:"notAfter"`
	Mismatch   bool     `json:"mismatch"` // the key is not the certificate's
	CertKey    string   `json:"certKey"`
	KeyKey     string   `json:"keyKey"`
	CA         bool     `json:"ca"`
}

// fillTLS makes what an object's annotation describes and drops the annotation. Objects without one are left alone.
func fillTLS(object *unstructured.Unstructured, now time.Time) error {
	annotations := object.GetAnnotations()
	description, described := annotations[tlsAnnotation]
	if !described {
		return nil
	}
	wanted := certificate{CertKey: "tls.crt", KeyKey: "tls.key"}
	if err := json.Unmarshal([]byte(description), &wanted); err != nil {
		return fmt.Errorf("annotation %s: %w", tlsAnnotation, err)
	}
	pair, err := wanted.make(now)
	if err != nil {
		return err
	}
	delete(annotations, tlsAnnotation)
	object.SetAnnotations(annotations)
	if object.GetKind() != "Secret" {
		return fillBundles(object, base64.StdEncoding.EncodeToString(pair.Cert))
	}
	data := map[string]any{
		wanted.CertKey: base64.StdEncoding.EncodeToString(pair.Cert),
		wanted.KeyKey:  base64.StdEncoding.EncodeToString(pair.Key),
	}
	return unstructured.SetNestedMap(object.Object, data, "data")
}

// fillBundles puts a CA, base64, into every caBundle of a webhook configuration.
func fillBundles(object *unstructured.Unstructured, authority string) error {
	webhooks, _, err := unstructured.NestedSlice(object.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, webhook := range webhooks {
		fields, _ := webhook.(map[string]any)
		if err := unstructured.SetNestedField(fields, authority, "clientConfig", "caBundle"); err != nil {
			return err
		}
	}
	return unstructured.SetNestedSlice(object.Object, webhooks, "webhooks")
}

func (c certificate) make(now time.Time) (pki.Pair, error) {
	if c.CA {
		// An authority begins a minute before the time that it is made at.
		begin := now.Add(time.Duration(c.NotBefore)*time.Second + time.Minute)
		authority, err := pki.NewAuthority(c.CommonName, begin, now.Add(time.Duration(c.NotAfter)*time.Second).Sub(begin))
		if err != nil {
			return pki.Pair{}, err
		}
		return authority.Pair, nil
	}
	issuer, err := pki.NewAuthority("seed-ca", now, 10*365*24*time.Hour)
	if err != nil {
		return pki.Pair{}, err
	}
	pair, err := issuer.Issue(pki.Leaf{
		CommonName: c.CommonName, DNSNames: c.DNSNames,
		NotBefore: now.Add(time.Duration(c.NotBefore) * time.Second),
		NotAfter:  now.Add(time.Duration(c.NotAfter) * time.Second),
	})
	if err != nil || !c.Mismatch {
		return pair, err
	}
	other, err := pki.NewKey()
	if err != nil {
		return pair, err
	}
	pair.Key, err = pki.EncodeKey(other)
	return pair, err
}
