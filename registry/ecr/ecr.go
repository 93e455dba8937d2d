// Package ecr logs in to Amazon ECR, private and public, with the AWS SDK in process: no docker login, no helper program.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
//	repo, err := registry.Open("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1",
//		&registry.Options{Credential: login.Credential})
//
// One [Credentials] serves any number of repositories, in all regions and accounts that its client may use. It asks AWS
// for a token when there is none, when three quarters of the old one's lifetime are over, and when a registry turned
// the old one down; a question without an answer ends after a minute. AWS credentials need ecr:GetAuthorizationToken, and
// ecr:BatchGetImage to list referrers.
package ecr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/ladingdev/lading/internal/imagename"
	"github.com/ladingdev/lading/internal/imagename/ecrhost"
	"github.com/ladingdev/lading/registry"
)

// Client is what is needed of the AWS SDK for private registries; *ecr.Client has it.
type Client interface {
	GetAuthorizationToken(ctx context.Context, in *ecr.GetAuthorizationTokenInput,
		options ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error)
}

// PublicClient is what is needed of the AWS SDK for ECR Public; *ecrpublic.Client has it.
type PublicClient interface {
	GetAuthorizationToken(ctx context.Context, in *ecrpublic.GetAuthorizationTokenInput,
		options ...func(*ecrpublic.Options)) (*ecrpublic.GetAuthorizationTokenOutput, error)
}

// Credentials log in to ECR. The zero value is anonymous everywhere. It is safe for concurrent use.
type Credentials struct {
	// Private gives tokens for private registries, of every account that its principal has access to and in every
	// region: the region of the host name replaces the client's own. Nil means anonymous.
	Private Client
	// ForAccount returns the client for an account's registries, where a role has to be assumed; nil, or a nil answer,
	// means Private.
	ForAccount func(account string) Client
	// Public gives tokens for ECR Public, always from us-east-1; nil means anonymous, which pulls at a lower rate.
	Public PublicClient
	// Others logs in to hosts that are not ECR; nil means anonymous.
	Others func(ctx context.Context, host string) (registry.Credential, error)
	// Now tells the time; nil means time.Now.
	Now func() time.Time

	mu     sync.Mutex
	tokens map[place]*token
}

// ErrToken says that AWS answered with something that is no token.
var ErrToken = errors.New("not an authorization token")

// place is where tokens come from, and what they are good for.
type place struct {
	account string // only where ForAccount tells accounts apart
	region  string
	fips    bool
	public  bool
}

type token struct {
	busy       chan struct{} // has one element while AWS is asked, so that many who need a token cost one request
	credential registry.Credential
	renew, end time.Time
}

func isPublic(host string) bool { return host == "public.ecr.aws" || host == "ecr-public.aws.com" }

// Credential returns what to log in to a host with. It is the Credential of registry.Options.
func (c *Credentials) Credential(ctx context.Context, host string) (registry.Credential, error) {
	name := imagename.Host(host, false)
	if isPublic(name) {
		if c.Public == nil {
			return registry.Credential{}, nil
		}
		return c.get(ctx, host, place{region: "us-east-1", public: true}, c.fromPublic)
	}
	at, ok := ecrhost.Parse(name)
	if !ok {
		if c.Others == nil {
			return registry.Credential{}, nil
		}
		return c.Others(ctx, host)
	}
	p := place{region: at.Region, fips: at.FIPS}
	client := c.Private // of an endpoint too, whose name says no account
	if c.ForAccount != nil && at.Account != "" {
		if other := c.ForAccount(at.Account); other != nil {
			client, p.account = other, at.Account
		}
	}
	if client == nil {
		return registry.Credential{}, nil
	}
	return c.get(ctx, host, p, func(ctx context.Context) (*string, *time.Time, error) {
		out, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{}, func(o *ecr.Options) {
			o.Region = p.region
			if p.fips {
				o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if out == nil || len(out.AuthorizationData) == 0 {
			return nil, nil, ErrToken
		}
		return out.AuthorizationData[0].AuthorizationToken, out.AuthorizationData[0].ExpiresAt, nil
	})
}

func (c *Credentials) fromPublic(ctx context.Context) (*string, *time.Time, error) {
	out, err := c.Public.GetAuthorizationToken(ctx, &ecrpublic.GetAuthorizationTokenInput{},
		func(o *ecrpublic.Options) { o.Region = "us-east-1" })
	if err != nil {
		return nil, nil, err
	}
	if out == nil || out.AuthorizationData == nil {
		return nil, nil, ErrToken
	}
	return out.AuthorizationData.AuthorizationToken, out.AuthorizationData.ExpiresAt, nil
}

// get returns the token of a place, and asks for a new one when it is time.
func (c *Credentials) get(ctx context.Context, host string, p place, ask func(context.Context) (*string, *time.Time,
	error)) (registry.Credential, error) {
	c.mu.Lock()
	t := c.tokens[p]
	if t == nil {
		if c.tokens == nil {
			c.tokens = make(map[place]*token)
		}
		t = &token{busy: make(chan struct{}, 1)}
		c.tokens[p] = t
	}
	c.mu.Unlock()

	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return registry.Credential{}, fmt.Errorf("ecr: token for %s: %w", host, context.Cause(ctx))
	}
	now := c.now()
	rejected, ok := registry.Rejected(ctx)
	turnedDown := ok && rejected == t.credential
	if now.Before(t.renew) && !turnedDown {
		return t.credential, nil
	}
	asking, cancel := context.WithTimeout(ctx, time.Minute) // the SDK by itself waits for ever
	defer cancel()
	text, end, err := ask(asking)
	var fresh registry.Credential
	if err == nil {
		fresh, err = parseToken(text)
	}
	if err != nil {
		if now.Before(t.end) && !turnedDown {
			return t.credential, nil // too early to despair
		}
		return registry.Credential{}, fmt.Errorf("ecr: token for %s: %w", host, err)
	}
	t.credential, t.renew, t.end = fresh, now, now // without a lifetime it is good for this once
	if end != nil {
		t.end = *end
		t.renew = now.Add(end.Sub(now) / 4 * 3)
	}
	return fresh, nil
}

func (c *Credentials) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// parseToken reads a token: user and password in Base64 with a colon between, as the ECR API reference says under
// AuthorizationData.
func parseToken(text *string) (registry.Credential, error) {
	if text == nil {
		return registry.Credential{}, ErrToken
	}
	data, err := base64.StdEncoding.DecodeString(*text)
	user, password, found := strings.Cut(string(data), ":")
	if err != nil || !found || user == "" || password == "" {
		return registry.Credential{}, ErrToken // the cause would print part of a secret
	}
	return registry.Credential{Username: user, Password: password}, nil
}
