package vuln

import (
	"errors"
	"fmt"
	"math"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// ErrVector means that a text is no CVSS vector.
var ErrVector = errors.New("not a CVSS vector")

// Rate makes a rating of a CVSS vector of version 2.0, 3.0, 3.1 or 4.0, as its source wrote it (first.org/cvss). The score is
// the one that the vector is for: the environmental one if it has metrics of that group, else the temporal, else the base
// score. A vector without the prefix of its version is one of version 2. Errors wrap [ErrVector].
//
// At the edge between two scores the lower one may be given (8.5, where the exact product is 8.55): of all base and threat
// vectors of version 4 in 908 of 419,904, of base and temporal ones of version 2 in 33 of 34,992. The severity is the same in
// all of them.
func Rate(source, vector string) (Rating, error) {
	r := Rating{Source: source, Vector: vector}
	method, score, err := score(vector)
	if err != nil {
		return r, fmt.Errorf("vuln: %w: %q: %w", ErrVector, vector, err)
	}
	r.Method, r.Score, r.Scored = method, score, true
	r.Severity = severityOf(method, score)
	return r, nil
}

type vectorScores interface {
	BaseScore() float64
	TemporalScore() float64
	EnvironmentalScore() float64
}

func score(vector string) (method string, score float64, err error) {
	var v vectorScores
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		v4, err := gocvss40.ParseVector(vector)
		if err != nil {
			return "", 0, err
		}
		return "CVSSv4", v4.Score(), nil
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		method = "CVSSv31"
		v, err = gocvss31.ParseVector(vector)
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		method = "CVSSv3"
		v, err = gocvss30.ParseVector(vector)
	default:
		method = "CVSSv2"
		v, err = gocvss20.ParseVector(strings.Trim(strings.TrimPrefix(vector, "CVSS2#"), "()"))
	}
	if err != nil {
		return "", 0, err
	}
	score = v.BaseScore()
	switch environmental, temporal := groups(vector); {
	case environmental:
		score = v.EnvironmentalScore()
	case temporal:
		score = v.TemporalScore()
	}
	if math.IsNaN(score) || score < 0 || score > 10 {
		return "", 0, fmt.Errorf("score %v is out of range", score)
	}
	return method, score, nil
}

// groups reports which groups of metrics a vector of version 2 or 3 defines.
func groups(vector string) (environmental, temporal bool) {
	for metric := range strings.SplitSeq(vector, "/") {
		name, value, _ := strings.Cut(metric, ":")
		if value == "X" || value == "ND" {
			continue
		}
		switch name {
		case "CDP", "TD", "CR", "IR", "AR", "MAV", "MAC", "MPR", "MUI", "MS", "MC", "MI", "MA":
			environmental = true
		case "E", "RL", "RC":
			temporal = true
		}
	}
	return environmental, temporal
}

// severityOf is the word for a score: the qualitative scale of CVSS 3 and 4; for version 2 that of NVD.
func severityOf(method string, score float64) Severity {
	if method == "CVSSv2" {
		switch {
		case score >= 7:
			return High
		case score >= 4:
			return Medium
		}
		return Low
	}
	switch {
	case score >= 9:
		return Critical
	case score >= 7:
		return High
	case score >= 4:
		return Medium
	case score > 0:
		return Low
	}
	return None
}

// rate completes a rating that a document gives: a score and a severity that are missing follow from the vector or the score.
// It returns what is wrong with the vector, in one clause, or "".
func rate(r *Rating) (problem string) {
	if r.Scored && (math.IsNaN(r.Score) || r.Score < 0 || r.Score > 10) {
		problem = fmt.Sprintf("score %v of %s is not between 0 and 10", r.Score, nameOr(r.Source, "a rating"))
		r.Score, r.Scored = 0, false
	}
	if r.Vector != "" && r.Method != "other" && r.Method != "OWASP" && r.Method != "SSVC" {
		vector := r.Vector
		switch {
		case strings.HasPrefix(vector, "CVSS"):
		case r.Method == "CVSSv31":
			vector = "CVSS:3.1/" + vector
		case r.Method == "CVSSv3":
			vector = "CVSS:3.0/" + vector
		case r.Method == "CVSSv4":
			vector = "CVSS:4.0/" + vector
		}
		got, err := Rate(r.Source, vector)
		switch {
		case err != nil:
			problem = fmt.Sprintf("vector %q of %s is not one of CVSS", r.Vector, nameOr(r.Source, "a rating"))
		default:
			r.Method = got.Method // OSV-Scanner's CycloneDX says CVSSv3 of vectors of 3.1
			if !r.Scored {
				r.Score, r.Scored = got.Score, true
			}
		}
	}
	if r.Severity == Unknown && r.Scored && r.Method != "other" && r.Method != "OWASP" && r.Method != "SSVC" {
		r.Severity = severityOf(r.Method, r.Score)
	}
	return problem
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}
