package k8sgate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

// An API is a Kubernetes API server, as far as the gate needs it: JSON over HTTP. [InCluster] is one; whoever has client-go wraps its
// REST client.
type API interface {
	// Do sends a request to a path such as "/api/v1/namespaces/lading/secrets". A status of 400 and above is no error.
	Do(ctx context.Context, method, path, contentType string, body []byte) (status int, answer []byte, err error)
}

// Media types of patches.
const (
	typeJSON      = "application/json"
	typeJSONPatch = "application/json-patch+json"
)

// An APIError is what the API server says against a request.
type APIError struct {
	Method, Path string
	Status       int
	Message      string
}

// Error says what was asked, and what the API server answered.
func (e *APIError) Error() string {
	return fmt.Sprintf("k8sgate: %s %s: HTTP %d: %s", e.Method, e.Path, e.Status, oneline.Of(e.Message))
}

// call sends and reads JSON.
func call(ctx context.Context, api API, method, path, contentType string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("k8sgate: %w", err)
		}
	}
	status, answer, err := api.Do(ctx, method, path, contentType, body)
	if err != nil {
		return fmt.Errorf("k8sgate: %s %s: %w", method, path, err)
	}
	if status >= 400 {
		var s struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(answer, &s) != nil || s.Message == "" {
			s.Message = clip(string(answer))
		}
		return &APIError{method, path, status, s.Message}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("k8sgate: %s %s: %w", method, path, err)
	}
	return nil
}

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.Status == status
}

// A Client is an API over HTTP.
type Client struct {
	URL   string                 // such as "https://10.0.0.1:443"
	Token func() (string, error) // of the bearer, asked for each request; nil: none
	HTTP  *http.Client           // nil means one that trusts the system's roots
}

// maxAnswer is how much of an answer is read: lists of a large cluster are asked for in pages.
const maxAnswer = 64 << 20

// Do sends one request and returns the status and the body, of which at most 64 MiB are read. It is the method of API.
func (c *Client) Do(ctx context.Context, method, path, contentType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", typeJSON)
	if len(body) > 0 {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Token != nil {
		token, err := c.Token()
		if err != nil {
			return 0, nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return res.StatusCode, answer, err
}

// accountDir is where the kubelet puts the service account of a pod.
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// InCluster returns the API server of the cluster that the program runs in, and the namespace of its pod, from the environment and
// the files that the kubelet provides.
func InCluster() (api *Client, namespace string, err error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, "", errors.New("k8sgate: not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
	}
	roots, err := os.ReadFile(filepath.Join(accountDir, "ca.crt"))
	if err != nil {
		return nil, "", fmt.Errorf("k8sgate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return nil, "", fmt.Errorf("k8sgate: no certificate in %s/ca.crt", accountDir)
	}
	space, err := os.ReadFile(filepath.Join(accountDir, "namespace"))
	if err != nil {
		return nil, "", fmt.Errorf("k8sgate: %w", err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}
	token := func() (string, error) { // the kubelet renews it
		t, err := os.ReadFile(filepath.Join(accountDir, "token"))
		return strings.TrimSpace(string(t)), err
	}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	return &Client{URL: "https://" + net.JoinHostPort(host, port), Token: token, HTTP: client}, strings.TrimSpace(string(space)), nil
}
