// Package ecrhost knows the hosts of Amazon ECR's private registries in every partition. Whatever only begins or ends so is somebody
// else's: it gets no token, and is let in by nobody's account.
package ecrhost

import (
	"regexp"
	"sync"
)

// Place is what a host says.
type Place struct {
	Account string // empty for a host of a VPC endpoint, which does not say it
	Region  string
	FIPS    bool
}

const region = `([a-z0-9]+(?:-[a-z0-9]+)+)`

// private are the registries' own hosts, dual-stack ones too (Amazon ECR User Guide, "Private registry").
var private = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(-fips)?\.` + region +
		`\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws|` +
		`on\.amazonwebservices\.com\.cn|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)
})

// endpoint are the hosts of a VPC endpoint without private DNS: the endpoint's, and an availability zone's of it
// (docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html).
var endpoint = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^()vpce-[0-9a-f]+-[0-9a-z]+(?:-[a-z0-9-]+)?\.dkr\.ecr(-fips)?\.` + region + `\.vpce\.` +
		`(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)
})

// Parse takes a host apart, which is in the one spelling that package imagename has, and reports whether it is ECR's.
func Parse(host string) (Place, bool) {
	m := private().FindStringSubmatch(host)
	if m == nil {
		m = endpoint().FindStringSubmatch(host)
	}
	if m == nil {
		return Place{}, false
	}
	return Place{Account: m[1], Region: m[3], FIPS: m[2] != ""}, true
}
