package packaging

import "strings"

// NormalizeName gives the one spelling of a project's, extra's or group's name
// that names are compared in: lower case, with every run of "-", "_" and "."
// turned into a single "-" (PEP 503, PEP 685, PEP 735).
func NormalizeName(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		if r == '-' || r == '_' || r == '.' {
			if !dash {
				b.WriteByte('-')
			}
			dash = true
			continue
		}
		dash = false
		b.WriteRune(r)
	}
	return b.String()
}
