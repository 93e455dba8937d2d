package k8sgate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Certificates makes and renews the certificate that the gate serves with, and tells the API server whom to trust: its own
// authority, in a Secret that all replicas share, and its certificate in the caBundle of the webhook configurations.
//
// The gate's account needs get, update and create on the Secret, and get and patch on the configurations, by name.
type Certificates struct {
	API API
	// Namespace and Secret say where the authority is kept. The Secret is made if it does not exist.
	Namespace, Secret string
	// Names are what the API server calls the gate by: "lading-gate.lading.svc", the Service's.
	Names []string
	// Validating and Mutating are the names of the webhook configurations whose caBundle is set. One that does not exist is left out
	// until it does.
	Validating, Mutating []string
	// Now tells the time; nil means time.Now.
	Now func() time.Time

	served atomic.Pointer[tls.Certificate]
}

const (
	authorityLife   = 365 * 24 * time.Hour
	certificateLife = 30 * 24 * time.Hour
	certificateSkew = time.Hour // before the present that validity begins, for clocks that are behind
)

// secret is a Kubernetes Secret (core/v1).
type secret struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]any    `json:"metadata"`
	Type       string            `json:"type,omitempty"`
	Data       map[string][]byte `json:"data"`
}

// Members of the Secret. The authorities are the newest first; the key is of that one.
const (
	keyAuthorities = "ca.crt"
	keyAuthority   = "ca.key"
	keyCertificate = "tls.crt"
	keyPrivate     = "tls.key"
)

func (c *Certificates) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Step looks at the Secret, renews what is old, and sets the caBundles. It is called at the start and about once a minute; see
// [Certificates.Run]. A new authority is trusted first, in a step of its own, and signs afterwards, so that no replica is ever
// refused.
func (c *Certificates) Step(ctx context.Context) error {
	s, err := c.load(ctx)
	if err != nil {
		return err
	}
	bundle, err := authorities(s.Data[keyAuthorities])
	if err != nil {
		return fmt.Errorf("k8sgate: Secret %s: %s: %w", c.Secret, keyAuthorities, err)
	}
	if c.old(bundle[0]) {
		added, key, err := newAuthority(c.now())
		if err != nil {
			return err
		}
		s.Data[keyAuthority] = key
		s.Data[keyAuthorities] = append(added, c.unexpired(bundle)...)
		if err := c.save(ctx, s); err != nil { // another replica was faster: its authority counts, from the next step on
			return err
		}
		return errors.Join(c.serve(s), c.trust(ctx, s.Data[keyAuthorities], nil))
	}
	changed := false
	if err := c.trust(ctx, s.Data[keyAuthorities], &changed); err != nil {
		return errors.Join(err, c.serve(s))
	}
	pair, err := tls.X509KeyPair(s.Data[keyCertificate], s.Data[keyPrivate])
	fits := err == nil && pair.Leaf != nil && !c.old(pair.Leaf) && covers(pair.Leaf, c.Names)
	if signed := fits && pair.Leaf.CheckSignatureFrom(bundle[0]) == nil; signed || fits && changed {
		return c.serve(s)
	}
	if err := c.sign(s, bundle[0]); err != nil {
		return err
	}
	if err := c.save(ctx, s); err != nil {
		return err
	}
	return c.serve(s)
}

// Run calls Step until ctx ends, and report with what goes wrong; it is tried again.
func (c *Certificates) Run(ctx context.Context, report func(error)) {
	for ctx.Err() == nil {
		wait := time.Minute
		if err := c.Step(ctx); err != nil {
			if ctx.Err() == nil {
				report(err)
			}
			wait = 5 * time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// GetCertificate is for tls.Config.
func (c *Certificates) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if t := c.served.Load(); t != nil {
		return t, nil
	}
	return nil, errors.New("k8sgate: there is no certificate yet")
}

// Ready says why there is none to serve with.
func (c *Certificates) Ready() error {
	_, err := c.GetCertificate(nil)
	return err
}

func (c *Certificates) path() string { return "/api/v1/namespaces/" + c.Namespace + "/secrets" }

// load returns the Secret, and makes it if there is none. Of two who make it at the same time, one reads the other's.
func (c *Certificates) load(ctx context.Context) (*secret, error) {
	s := new(secret)
	err := call(ctx, c.API, http.MethodGet, c.path()+"/"+c.Secret, "", nil, s)
	if err == nil && len(s.Data[keyAuthorities]) > 0 {
		return s, nil
	}
	if err != nil && !hasStatus(err, http.StatusNotFound) {
		return nil, err
	}
	fresh := err != nil
	if fresh {
		s = &secret{
			APIVersion: "v1", Kind: "Secret", Type: "kubernetes.io/tls", Data: make(map[string][]byte),
			Metadata: map[string]any{"name": c.Secret, "namespace": c.Namespace},
		}
	} else if s.Data == nil {
		s.Data = make(map[string][]byte)
	}
	added, key, err := newAuthority(c.now())
	if err != nil {
		return nil, err
	}
	s.Data[keyAuthorities], s.Data[keyAuthority] = added, key
	bundle, err := authorities(added)
	if err != nil {
		return nil, err
	}
	if err := c.sign(s, bundle[0]); err != nil {
		return nil, err
	}
	if !fresh {
		return s, c.save(ctx, s)
	}
	err = call(ctx, c.API, http.MethodPost, c.path(), typeJSON, s, s)
	if hasStatus(err, http.StatusConflict) {
		s = new(secret)
		err = call(ctx, c.API, http.MethodGet, c.path()+"/"+c.Secret, "", nil, s)
	}
	return s, err
}

// save writes the Secret, unless somebody else did meanwhile: then theirs is read, at the next step.
func (c *Certificates) save(ctx context.Context, s *secret) error {
	return call(ctx, c.API, http.MethodPut, c.path()+"/"+c.Secret, typeJSON, s, s)
}

// serve begins to serve with what is in the Secret.
func (c *Certificates) serve(s *secret) error {
	pair, err := tls.X509KeyPair(s.Data[keyCertificate], s.Data[keyPrivate])
	if err != nil {
		return fmt.Errorf("k8sgate: Secret %s: %w", c.Secret, err)
	}
	c.served.Store(&pair)
	return nil
}

// old reports whether a third or less of a certificate's life is left.
func (c *Certificates) old(cert *x509.Certificate) bool {
	return c.now().After(cert.NotAfter.Add(-cert.NotAfter.Sub(cert.NotBefore) / 3))
}

// unexpired returns the authorities that still count, and of these the newest, as PEM.
func (c *Certificates) unexpired(bundle []*x509.Certificate) (out []byte) {
	const most = 3
	for _, cert := range bundle[:min(most, len(bundle))] {
		if c.now().Before(cert.NotAfter) {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
		}
	}
	return out
}

func covers(leaf *x509.Certificate, names []string) bool {
	for _, n := range names {
		if leaf.VerifyHostname(n) != nil {
			return false
		}
	}
	return true
}

// configuration is a webhook configuration (admissionregistration.k8s.io/v1), of either kind.
type configuration struct {
	Webhooks []struct {
		Name         string `json:"name"`
		ClientConfig struct {
			CABundle []byte `json:"caBundle"`
		} `json:"clientConfig"`
	} `json:"webhooks"`
}

// trust sets the caBundles that differ, and notes whether one did.
func (c *Certificates) trust(ctx context.Context, bundle []byte, changed *bool) error {
	var errs []error
	for resource, names := range map[string][]string{
		"validatingwebhookconfigurations": c.Validating, "mutatingwebhookconfigurations": c.Mutating,
	} {
		for _, name := range names {
			path := "/apis/admissionregistration.k8s.io/v1/" + resource + "/" + name
			var conf configuration
			err := call(ctx, c.API, http.MethodGet, path, "", nil, &conf)
			if hasStatus(err, http.StatusNotFound) {
				continue
			}
			var patch []map[string]any
			for i, hook := range conf.Webhooks {
				if bytes.Equal(hook.ClientConfig.CABundle, bundle) {
					continue
				}
				at := fmt.Sprintf("/webhooks/%d/", i)
				patch = append(patch, map[string]any{"op": "test", "path": at + "name", "value": hook.Name},
					map[string]any{"op": "add", "path": at + "clientConfig/caBundle", "value": bundle})
			}
			if err == nil && len(patch) > 0 {
				if changed != nil {
					*changed = true
				}
				err = call(ctx, c.API, http.MethodPatch, path, typeJSONPatch, patch, nil)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func serial() (*big.Int, error) { return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) }

// newAuthority returns a self-signed certificate and its key, as PEM.
func newAuthority(now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	n, err := serial()
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: n, Subject: pkix.Name{CommonName: "lading gate authority " + n.Text(16)[:8]}, IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, NotBefore: now.Add(-certificateSkew), NotAfter: now.Add(authorityLife), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	key, err = pemKey(private)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key, err
}

// sign makes a new certificate to serve with.
func (c *Certificates) sign(s *secret, authority *x509.Certificate) error {
	pair, err := tls.X509KeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}), s.Data[keyAuthority])
	if err != nil {
		return fmt.Errorf("k8sgate: Secret %s: the authority's key: %w", c.Secret, err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	n, err := serial()
	if err != nil {
		return err
	}
	end := c.now().Add(certificateLife)
	if authority.NotAfter.Before(end) {
		end = authority.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: n, Subject: pkix.Name{CommonName: "lading gate"}, DNSNames: c.Names,
		NotBefore: c.now().Add(-certificateSkew), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &private.PublicKey, pair.PrivateKey)
	if err != nil {
		return err
	}
	key, err := pemKey(private)
	if err != nil {
		return err
	}
	s.Data[keyCertificate], s.Data[keyPrivate] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key
	return nil
}

func pemKey(private *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// authorities reads certificates from PEM; none is an error.
func authorities(data []byte) (list []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	if len(list) == 0 {
		return nil, errors.New("it has no certificate")
	}
	return list, nil
}

// Files serves with a certificate in files, such as those that cert-manager keeps in a Secret that is mounted. They are read
// again when they change.
type Files struct {
	Certificate, Key string // paths of PEM files

	mu    sync.Mutex
	read  time.Time
	pair  *tls.Certificate
	stamp [2]time.Time
}

// GetCertificate is for tls.Config. Files that cannot be read now leave the certificate that was.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pair != nil && time.Since(f.read) < 10*time.Second {
		return f.pair, nil
	}
	f.read = time.Now()
	err := f.load()
	if f.pair == nil {
		return nil, fmt.Errorf("k8sgate: %w", err)
	}
	return f.pair, nil
}

func (f *Files) load() error {
	var stamp [2]time.Time
	for i, path := range []string{f.Certificate, f.Key} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		stamp[i] = info.ModTime()
	}
	if f.pair != nil && stamp == f.stamp {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return err
	}
	f.pair, f.stamp = &pair, stamp
	return nil
}

// Ready says why there is none to serve with.
func (f *Files) Ready() error {
	_, err := f.GetCertificate(nil)
	return err
}
