package lock

import (
	"net/url"
	"path"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// validName tells whether a distribution's name has the form PEP 508 allows.
func validName(name string) bool {
	if name == "" || len(name) > 200 {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case (c == '.' || c == '-' || c == '_') && i > 0 && i < len(name)-1:
		default:
			return false
		}
	}
	return true
}

// validFileName tells whether a name can be one file in a directory of ours and
// one argument of a command.
func validFileName(name string) bool {
	if name == "" || len(name) > 255 || name[0] == '-' || name[0] == '.' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`/\:*?"<>|`, c) >= 0 {
			return false
		}
	}
	return true
}

// urlFileName is the last segment of a URL's path, percent-decoded.
func urlFileName(address string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	name := address[strings.LastIndexByte(address, '/')+1:]
	if strings.IndexByte(name, '%') >= 0 {
		if decoded, err := url.PathUnescape(name); err == nil {
			return decoded
		}
	}
	return name
}

// validURL tells whether an address is one that a file can be fetched from.
func validURL(address string) bool {
	if strings.IndexFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) >= 0 {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

// contextPath is where a path stated in a file of the given folder lies within
// the build context; ok is false if it lies outside.
func contextPath(folder, stated string) (clean string, ok bool) {
	if stated == "" || strings.ContainsAny(stated, "\\\x00") || strings.IndexFunc(stated, unprintable) >= 0 {
		return "", false
	}
	if path.IsAbs(stated) || len(stated) > 1 && stated[1] == ':' || strings.Contains(stated, "://") {
		return "", false
	}
	clean = path.Join(folder, stated)
	if clean == "" {
		clean = "."
	}
	return clean, clean != ".." && !strings.HasPrefix(clean, "../")
}

func outside(at spec.Place, what, stated string) error {
	e := spec.Errorf(at, "%s lies at %s, outside the build context", what, literal(stated))
	e.Hint = "move it into the project, or build with the folder that holds both as the context"
	return e
}

// isSHA256 tells whether s is 64 lower-case hexadecimal digits.
func isSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
