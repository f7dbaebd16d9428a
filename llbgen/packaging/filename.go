package packaging

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// WheelName is what the file name of a wheel says (PEP 427).
type WheelName struct {
	Name    string // normalised
	Version Version
	Build   string // "" or a number with something behind it, "1abc"
	Tags    []Tag
}

// ParseWheelName reads a file name, by the rules of PyPA's
// parse_wheel_filename.
func ParseWheelName(file string) (WheelName, error) {
	w, err := parseWheelName(file)
	if err != nil {
		return WheelName{}, fmt.Errorf("invalid wheel name %q: %w", file, err)
	}
	return w, nil
}

func parseWheelName(file string) (w WheelName, err error) {
	stem, ok := strings.CutSuffix(file, ".whl")
	if !ok {
		return w, errors.New("it does not end in .whl")
	}
	parts := strings.Split(stem, "-")
	if len(parts) != 5 && len(parts) != 6 {
		return w, errors.New("it has neither five nor six parts")
	}
	if !isWheelProject(parts[0]) {
		return w, fmt.Errorf("%q is no escaped name", parts[0])
	}
	w.Name = NormalizeName(parts[0])
	if w.Version, err = ParseVersion(parts[1]); err != nil {
		return w, err
	}
	if len(parts) == 6 {
		w.Build = parts[2]
		if w.Build == "" || !isDigit(w.Build[0]) {
			return w, fmt.Errorf("the build tag %q has no number", w.Build)
		}
	}
	tags := strings.Join(parts[len(parts)-3:], "-")
	if w.Tags = ParseTags(tags); w.Tags == nil {
		return w, fmt.Errorf("%q are no tags", tags)
	}
	return w, nil
}

func isWheelProject(s string) bool {
	other := func(r rune) bool { return r != '.' && !isWord(r) }
	return s != "" && !strings.Contains(s, "__") && !strings.ContainsFunc(s, other)
}

// Rank is the rank of the wheel's best tag; not ok when none fits.
func (w WheelName) Rank(ix TagIndex) (rank int, ok bool) {
	for _, tag := range w.Tags {
		if r, fits := ix[tag]; fits && (!ok || r < rank) {
			rank, ok = r, true
		}
	}
	return rank, ok
}

// CompareBuild orders build tags: none is before any, then by number, then by
// what follows it (PEP 427). The higher one is preferred.
func CompareBuild(a, b string) int {
	an, as := splitBuild(a)
	bn, bs := splitBuild(b)
	return cmp.Or(an.compare(bn), strings.Compare(as, bs))
}

func splitBuild(s string) (number, string) {
	c := cursor{src: s}
	n := toNumber(c.while(isDigit))
	return n, c.rest()
}

// ParseSdistName reads the file name of a source distribution (PEP 625), by
// the rules of PyPA's parse_sdist_filename: the version is what follows the
// last "-". The name is normalised.
func ParseSdistName(file string) (name string, version Version, err error) {
	stem, ok := strings.CutSuffix(file, ".tar.gz")
	if !ok {
		stem, ok = strings.CutSuffix(file, ".zip")
	}
	dash := strings.LastIndexByte(stem, '-')
	if !ok || dash <= 0 {
		return "", Version{}, fmt.Errorf("invalid sdist name %q", file)
	}
	version, err = ParseVersion(stem[dash+1:])
	if err != nil {
		return "", Version{}, fmt.Errorf("invalid sdist name %q: %w", file, err)
	}
	return NormalizeName(stem[:dash]), version, nil
}
