// Package awsarn reads Amazon Resource Names, so that they are compared by their fields.
package awsarn

import (
	"errors"
	"fmt"
	"strings"
)

// An ARN is a name taken apart: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
type ARN struct{ Partition, Service, Region, Account, Resource string }

func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	letters = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func only(s, alphabet string) bool { return s != "" && strings.Trim(s, alphabet) == "" }

// Parse reads the name of something that has a region and an account. Its fields hold what AWS lets them hold, so that two
// names are the same just when their fields are.
func Parse(text string) (ARN, error) {
	if len(text) > 2048 {
		return ARN{}, fmt.Errorf("an ARN of %d bytes", len(text))
	}
	f := strings.SplitN(text, ":", 6)
	if len(f) != 6 || f[0] != "arn" {
		return ARN{}, errors.New("want arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE")
	}
	a := ARN{f[1], f[2], f[3], f[4], f[5]}
	switch {
	case a.Partition != "aws" && !strings.HasPrefix(a.Partition, "aws-") || !only(a.Partition, lower+"-"):
		return ARN{}, errors.New("no partition of AWS")
	case !only(a.Region, lower+digits+"-"):
		return ARN{}, errors.New("no region")
	case len(a.Account) != 12 || !only(a.Account, digits):
		return ARN{}, errors.New("no account of 12 digits")
	}
	return a, nil
}

// A Profile is a signing profile of AWS Signer; with a Version, that one of it.
type Profile struct{ Partition, Region, Account, Name, Version string }

const profiles = "/signing-profiles/"

// ParseProfile reads the ARN of a profile or of one of its versions.
func ParseProfile(text string) (Profile, error) {
	a, err := Parse(text)
	if err != nil {
		return Profile{}, err
	}
	resource, ok := strings.CutPrefix(a.Resource, profiles)
	name, version, versioned := strings.Cut(resource, "/")
	switch {
	case a.Service != "signer" || !ok:
		return Profile{}, errors.New("want arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME")
	case len(name) < 2 || len(name) > 64 || !only(name, letters+digits+"_"):
		return Profile{}, errors.New("no name of a profile, of 2 to 64 letters, digits and underscores")
	case versioned && !only(version, letters+digits):
		return Profile{}, errors.New("no version of a profile")
	}
	return Profile{a.Partition, a.Region, a.Account, name, version}, nil
}

// All returns the profile of a version.
func (p Profile) All() Profile {
	p.Version = ""
	return p
}

func (p Profile) String() string {
	resource := profiles + p.Name
	if p.Version != "" {
		resource += "/" + p.Version
	}
	return ARN{p.Partition, "signer", p.Region, p.Account, resource}.String()
}
