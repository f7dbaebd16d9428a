//go:build unix

package packaging

import (
	"strings"
	"testing"
)

type markerItem struct {
	Text         string           `json:"text"`
	Environments []map[string]any `json:"environments"`
}

// markerAnswer has nil where PyPA's library finds a comparison without a sense
// only when it has the values.
type markerAnswer struct {
	Str   string
	Holds []*bool
}

// pypaEnvironment is an environment with an extra at most as PyPA's library
// takes it.
func pypaEnvironment(e Environment) map[string]any {
	extra := strings.Join(e.Extras, "")
	return map[string]any{
		"os_name":                        e.OSName,
		"sys_platform":                   e.SysPlatform,
		"platform_machine":               e.PlatformMachine,
		"platform_system":                e.PlatformSystem,
		"platform_release":               e.PlatformRelease,
		"platform_version":               e.PlatformVersion,
		"platform_python_implementation": e.Implementation,
		"implementation_name":            strings.ToLower(e.Implementation),
		"implementation_version":         e.PythonFullVersion.String(),
		"python_version":                 e.PythonVersion.String(),
		"python_full_version":            e.PythonFullVersion.String(),
		"extra":                          extra,
		"extras":                         append([]string{}, e.Extras...),
		"dependency_groups":              append([]string{}, e.DependencyGroups...),
	}
}

func markerEnvironments(t testing.TB) []Environment {
	target := func(version, arch string) Environment {
		v, err := ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		return Target{Python: v, Arch: arch}.Environment()
	}
	first, second, third := target("3.13.2", "x86_64"), target("3.9.20", "aarch64"), target("3.14.0rc1", "x86_64")
	second.Extras, second.DependencyGroups = []string{"Cli.Tools"}, []string{"Dev", "docs"}
	third.Extras, third.DependencyGroups = []string{"extra-7-sensors-cpu"}, []string{"lint"}
	third.PlatformRelease, third.PlatformVersion = "6.1.0", "#1 SMP"
	windows := target("3.12.1", "AMD64")
	windows.OSName, windows.SysPlatform, windows.PlatformSystem = "nt", "win32", "Windows"
	windows.PlatformRelease, windows.Extras = "10", []string{"test"}
	return []Environment{first, second, third, windows}
}

func TestMarkersAsPyPA(t *testing.T) {
	r := &reporter{TB: t}
	g := newGenerator(8)
	environments := markerEnvironments(t)
	var pypa []map[string]any
	for _, e := range environments {
		pypa = append(pypa, pypaEnvironment(e))
	}
	var items []markerItem
	for _, text := range corpus(t, g, "markers", 1200, func() string { return g.marker(2) }) {
		items = append(items, markerItem{text, pypa})
	}
	valid := 0
	for i, want := range ask[*markerAnswer](t, "marker", items) {
		text := items[i].Text
		m, err := ParseMarker(text)
		if err != nil || want == nil {
			r.differ(text, err == nil, want != nil)
			continue
		}
		valid++
		if !strings.Contains(m.String(), `\`) { // else String escapes where PyPA does not
			r.differ(text, m.String(), want.Str)
		}
		again, err := ParseMarker(m.String())
		if err != nil || again.String() != m.String() {
			t.Errorf("%q becomes %q and that %q, %v", text, m, again, err)
		}
		for j, holds := range want.Holds {
			if holds != nil {
				r.differ([]any{text, j}, m.Evaluate(environments[j]), *holds)
			}
		}
	}
	r.done()
	t.Logf("%d markers, %d valid", len(items), valid)
}
