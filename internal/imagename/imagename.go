// Package imagename spells names of registries and images in one way. Whatever is kept or looked up by such a name (scopes of trust,
// credentials, caches, policies) is compared in this spelling: else whoever writes a name, in a pod or a task, chooses which rule it meets.
package imagename

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Hub is Docker Hub in names. The hosts index.docker.io and registry-1.docker.io are it, too.
const Hub = "docker.io"

// Normal returns a name, HOST/REPOSITORY with or without a tag and a digest, in its one spelling: the host as [Host] spells it,
// Docker Hub where no host is named, and "library/" before a repository of Docker Hub that has one part. As for Docker,
// the first part is a host if it has a dot or a colon, or is "localhost". What is behind the host is not changed otherwise,
// for registries tell upper and lower case apart there or refuse it. A name that is none stays one that is none.
func Normal(name string, plainHTTP bool) string {
	host, rest, found := strings.Cut(name, "/")
	if found && isHost(host) {
		host = Host(host, plainHTTP)
	} else {
		host, rest = Hub, name
	}
	if host == Hub && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	return host + "/" + rest
}

// Host returns the one spelling of a registry's host, with or without a port: in lower case, without the dot that ends an
// absolute name, without the port that the scheme has anyway (443, or 80 for plain HTTP, which loopback hosts talk) or one
// that is empty, IPv6 addresses as RFC 5952 has them and those that are IPv4's as IPv4's, and Docker Hub's names as [Hub]. A
// port stays where the rest would not look like a host.
func Host(hostport string, plainHTTP bool) string {
	hostport = strings.ToLower(hostport)
	if bare, ok := strings.CutSuffix(hostport, ":"); ok && isHost(bare) && (strings.HasSuffix(bare, "]") || !strings.Contains(bare, ":")) {
		hostport = bare
	}
	host, port := split(hostport)
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && ip.Is4In6() {
		host = ip.Unmap().String()
	} else if err == nil && ip.Is6() {
		host = "[" + ip.String() + "]"
	} else if strings.Contains(host, ":") {
		return hostport // no host that anything could be reached at
	}
	if absolute := strings.TrimRight(host, "."); isHost(absolute) || port != "" && absolute != "" {
		host = absolute
	}
	standard := "443"
	if plainHTTP || IsLoopback(host) {
		standard = "80"
	}
	if port != "" && (port != standard || !isHost(host)) {
		host += ":" + port
	}
	switch host {
	case "index.docker.io", "registry-1.docker.io":
		return Hub
	}
	return host
}

// split takes a port off, as it is dialled: "0443" is 443.
func split(hostport string) (host, port string) {
	i := strings.LastIndexByte(hostport, ':')
	if i < 0 || strings.HasSuffix(hostport, "]") {
		return hostport, ""
	}
	n, err := strconv.ParseUint(hostport[i+1:], 10, 16)
	if err != nil {
		return hostport, "" // no port that anything could be reached at
	}
	return hostport[:i], strconv.FormatUint(n, 10)
}

// hostPattern is a host as reference.go of github.com/distribution/reference has it, and with an underscore, which names of
// containers have.
var hostPattern = regexp.MustCompile(`^(` + label + `(\.` + label + `)*|\[[0-9a-fA-F:.]+\])(:[0-9]+)?$`)

const label = `[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?`

// CheckHost says why a host, as [Host] returns it, is not one that has one spelling: it is no name and no address, or one that
// programs read in several ways.
func CheckHost(hostport string) error {
	host, port := split(hostport)
	switch {
	case strings.ContainsFunc(hostport, func(r rune) bool { return r >= 0x80 }): // and which of them is it to who looks alike?
		return fmt.Errorf("the host %.80q has letters beyond ASCII: write it as its DNS name, which has xn-- where they are", hostport)
	case !hostPattern.MatchString(hostport), strings.Contains(hostport, ":") && port == "" && !strings.HasSuffix(hostport, "]"),
		port == "0":
		return fmt.Errorf("%.80q is no host, HOST or HOST:PORT", hostport)
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if host[0] == '[' && !ip.Is6() || err != nil && isNumber(host[strings.LastIndexByte(host, '.')+1:]) {
		return errors.New("an address is written in full: four numbers without zeros in front, or IPv6 in brackets")
	}
	return nil
}

// isNumber tells what systems read as a number of an address, in decimal, octal or hexadecimal: no name ends so.
func isNumber(label string) bool {
	_, err := strconv.ParseUint(label, 0, 64)
	return err == nil || strings.Trim(label, "0123456789") == ""
}

func isHost(s string) bool { return strings.ContainsAny(s, ".:") || strings.EqualFold(s, "localhost") }

// IsLoopback reports whether a host, with or without a port, is this machine, which is talked to without TLS.
func IsLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
