// Package inspector scans SBOMs with Amazon Inspector: the operation ScanSbom, for SBOMs of any size.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	report, err := inspector.New(cfg).Scan(ctx, doc)
//
// The caller needs the permission inspector-scan:ScanSbom; nothing is stored at AWS. Programs use package sbom/vuln for what the
// report says, and for the reports of other scanners.
//
// # What is sent
//
// Of each component its type, group, name, version, package URL, CPE name and Amazon Inspector's own properties, in CycloneDX
// 1.5, nested as in the SBOM. Other formats are converted; the Report's notes say what that lost. Epochs and source packages
// of deb and rpm are written as inspector-sbomgen writes them.
//
// # Limits
//
// The service takes 5,000 components a request and answers with at most 10 MB. A larger SBOM is sent in parts: each has the
// operating system and the parents of what it holds, and a part whose answer is too large is halved and asked again. Answers are
// united; a finding that several give is there once. What the service did not assess is in Report.Skipped.
package inspector

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ladingdev/lading/internal/awserror"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

// Errors of this package, for errors.Is, with what the service said beneath.
var (
	ErrDenied    = errors.New("the caller may not scan with Amazon Inspector: it needs inspector-scan:ScanSbom")
	ErrThrottled = errors.New("too many calls for Amazon Inspector")
	ErrRefused   = errors.New("the SBOM was refused by Amazon Inspector")
	ErrReply     = errors.New("something other than a report came from Amazon Inspector")
)

// The output formats of ScanSbom that are read. INSPECTOR has what CYCLONE_DX_1_5 leaves out: secrets in Dockerfiles, and the
// severity that the service counts.
const (
	Inspector = "INSPECTOR"
	CycloneDX = "CYCLONE_DX_1_5"
)

// A Scanner calls the service of one account and region. [New] makes it. It is safe for concurrent use.
type Scanner struct {
	Format        string           // of the answer: Inspector or CycloneDX; empty means Inspector
	MaxComponents int              // of one request; 0 means 4,999, which leaves one for what the SBOM is about
	Progress      func(Progress)   // is called after each answer; nil means nobody is told
	Now           func() time.Time // nil means time.Now

	config aws.Config
}

// Progress says how far a scan is.
type Progress struct {
	Done, Total int // components that were asked about, and all; those that several parts repeat count once
	Requests    int // that were answered, refusals for size among them
	Findings    int // so far, before they are united
}

var _ vuln.Scanner = (*Scanner)(nil)

// New returns a Scanner for a configuration of the SDK, of which it uses Region, Credentials, BaseEndpoint, HTTPClient and
// Retryer. Without a Retryer a call is tried eight times. No call is made.
func New(cfg aws.Config) *Scanner { return &Scanner{config: cfg} }

// Scan asks the service about every component of the document. Errors are [ErrDenied], [ErrThrottled], [ErrRefused], [ErrReply],
// those of the client, and of [sbom.Convert]; with an error there is no report, because part of one looks like a clean one.
func (s *Scanner) Scan(ctx context.Context, doc *sbom.Document) (*vuln.Report, error) {
	started := s.now()
	request, notes, err := prepare(doc)
	if err != nil {
		return nil, fmt.Errorf("inspector: %w", err)
	}
	run := &run{scanner: s, request: request, progress: Progress{Total: len(request.nodes)}}
	limit := s.MaxComponents
	if limit <= 0 {
		limit = 4999
	}
	for _, part := range request.split(limit) {
		if err := run.ask(ctx, part); err != nil {
			return nil, fmt.Errorf("inspector: %w", err)
		}
	}
	report := vuln.Union(run.reports...)
	report.Tool = vuln.Tool{Name: "Amazon Inspector", URI: "https://aws.amazon.com/inspector/"}
	for _, r := range run.reports {
		report.Tool.Version = cmp.Or(report.Tool.Version, r.Tool.Version) // of CycloneDX only
	}
	report.Databases = []vuln.Database{{Name: "Amazon Inspector", URI: "https://" + s.host(), Version: report.Tool.Version}}
	report.Notes = append(report.Notes, "Amazon Inspector does not say how old its data is: it was asked when the scan was made")
	report.Started, report.Finished, report.Components = started, s.now(), len(request.nodes)
	report.Skipped = append(report.Skipped, run.skipped...)
	report.Notes = append(report.Notes, notes...)
	request.restore(report)
	of := subject(doc)
	of.Provider, of.Registry = report.Subject.Provider, report.Subject.Registry
	report.Subject = of
	report.Locate(doc)
	slices.SortFunc(report.Findings, func(a, b vuln.Finding) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind)) })
	slices.SortFunc(report.Skipped, func(a, b vuln.Skipped) int {
		return cmp.Or(cmp.Compare(a.Component.PURL, b.Component.PURL), cmp.Compare(a.Component.Name, b.Component.Name),
			cmp.Compare(a.Reason, b.Reason))
	})
	for i := range report.Findings {
		slices.SortFunc(report.Findings[i].Affects, func(a, b vuln.Affected) int {
			return cmp.Or(cmp.Compare(a.Component.PURL, b.Component.PURL), cmp.Compare(a.Component.Name, b.Component.Name),
				cmp.Compare(a.File, b.File), cmp.Compare(a.Lines, b.Lines))
		})
	}
	return report, nil
}

func (s *Scanner) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

// subject is what the document is about.
func subject(doc *sbom.Document) (out vuln.Subject) {
	for _, ref := range doc.Roots() {
		c := doc.Component(ref)
		out.Name = cmp.Or(out.Name, c.Name)
		if c.PURL != "" {
			out.IDs = append(out.IDs, c.PURL)
		}
		if strings.HasPrefix(c.Version, "sha256:") {
			out.Digest = cmp.Or(out.Digest, c.Version)
		}
	}
	return out
}

// A run is one scan.
type run struct {
	scanner  *Scanner
	request  *request
	reports  []*vuln.Report
	skipped  []vuln.Skipped
	progress Progress
}

// ask sends one part, and halves it if it, or its answer, is too large.
func (r *run) ask(ctx context.Context, part []int) error {
	body, err := r.request.body(part, cmp.Or(r.scanner.Format, Inspector))
	if err != nil {
		return err
	}
	answer, err := r.scanner.call(ctx, body)
	r.progress.Requests++
	switch {
	case err != nil && tooLarge(err) && len(part) > 1:
		half := len(part) / 2
		if err := r.ask(ctx, part[:half]); err != nil {
			return err
		}
		return r.ask(ctx, part[half:])
	case err != nil && tooLarge(err) && len(part) == 1:
		c := &r.request.nodes[part[0]]
		r.skipped = append(r.skipped, vuln.Skipped{Component: vuln.Component{Name: c.Name, Version: c.Version, PURL: c.PURL},
			Reason: "the answer about it alone is too large: " + awserrorText(err)})
	case err != nil:
		return err
	default:
		report, err := vuln.Parse(bytes.NewReader(answer))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrReply, err)
		}
		if !strings.HasPrefix(report.Format, "inspector") {
			return fmt.Errorf("%w, but %s", ErrReply, report.Format)
		}
		r.reports = append(r.reports, report)
		r.progress.Findings += len(report.Findings)
	}
	r.progress.Done += len(part)
	if r.scanner.Progress != nil {
		r.scanner.Progress(r.progress)
	}
	return nil
}

func awserrorText(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorMessage()
	}
	return err.Error()
}

// errSize says that an answer is over the limit here.
var errSize = errors.New("the answer is over 64 MB")

// tooLarge reports whether a smaller part may be answered. The service has no code of its own for that: the API reference gives
// ValidationException for components, and none for an answer that is too large.
func tooLarge(err error) bool {
	if errors.Is(err, errSize) {
		return true
	}
	var status int
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = e.HTTPStatusCode()
	}
	if status == http.StatusRequestEntityTooLarge {
		return true
	}
	text := strings.ToLower(awserrorText(err))
	words := []string{"size", "too large", "too many", "components", "limit", "exceed"}
	return awserror.Code(err) == "ValidationException" &&
		slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

func (s *Scanner) host() string {
	return "inspector-scan." + s.config.Region + "." + suffix(s.config.Region)
}

// suffix is the domain of a region's partition.
func suffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// call makes one request, again as the Retryer says, and returns the answer.
func (s *Scanner) call(ctx context.Context, body []byte) ([]byte, error) {
	if s.config.Region == "" || s.config.Credentials == nil {
		return nil, errors.New("the configuration has no region or no credentials: see config.LoadDefaultConfig of the AWS SDK")
	}
	var retryer aws.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 8 })
	if s.config.Retryer != nil {
		retryer = s.config.Retryer()
	}
	for attempt := 1; ; attempt++ {
		answer, err := s.once(ctx, body)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if attempt >= retryer.MaxAttempts() && retryer.MaxAttempts() > 0 || !retryer.IsErrorRetryable(err) {
			return nil, kind(err)
		}
		delay, e := retryer.RetryDelay(attempt, err)
		if e != nil {
			return nil, kind(err)
		}
		wait := time.NewTimer(delay)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, ctx.Err()
		}
	}
}

func kind(err error) error {
	switch {
	case awserror.Throttled(err):
		return fmt.Errorf("%w: %w", ErrThrottled, err)
	case awserror.Denied(err):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case awserror.Code(err) == "ValidationException":
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

const maxAnswer = 64 << 20

func (s *Scanner) once(ctx context.Context, body []byte) ([]byte, error) {
	url := "https://" + s.host()
	if s.config.BaseEndpoint != nil {
		url = strings.TrimSuffix(*s.config.BaseEndpoint, "/")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/scan/sbom", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	credentials, err := s.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDenied, err)
	}
	sum := sha256.Sum256(body)
	// The clock is the machine's, not Now: a signature is good for minutes.
	err = v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "inspector-scan", s.config.Region, time.Now())
	if err != nil {
		return nil, err
	}
	var client aws.HTTPClient = http.DefaultClient
	if s.config.HTTPClient != nil {
		client = s.config.HTTPClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &smithyhttp.RequestSendError{Err: err} // cut off: worth another try
	case resp.StatusCode != http.StatusOK:
		return nil, &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: apiError(resp, answer)}
	case len(answer) > maxAnswer:
		return nil, errSize
	}
	return answer, nil
}

// apiError reads an error as REST-JSON has it: the code in a header or in the body.
func apiError(resp *http.Response, body []byte) error {
	var in struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	json.Unmarshal(body, &in) //nolint:errcheck // a proxy's page is no JSON: then the status tells
	code, _, _ := strings.Cut(cmp.Or(resp.Header.Get("X-Amzn-Errortype"), in.Type, in.Code), ":")
	code = code[strings.LastIndexByte(code, '#')+1:]
	if code == "" {
		code = resp.Status
	}
	return &smithy.GenericAPIError{Code: code, Message: in.Message}
}
