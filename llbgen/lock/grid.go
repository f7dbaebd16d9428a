package lock

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
)

// Markers are compared by what they say, since uv rewrites them
// (`python_version < '3.12'` becomes `python_full_version < '3.12'`, parts that
// requires-python implies may go): both sides are evaluated in every
// environment of a grid that holds each case the markers themselves mention,
// with its neighbours.

type platformRow struct{ sys, os, system string }

var (
	gridPlatforms = []platformRow{{"linux", "posix", "Linux"}, {"darwin", "posix", "Darwin"}, {"win32", "nt", "Windows"}}
	gridMachines  = []string{"x86_64", "aarch64", "arm64", "AMD64"}
	gridPatches   = []string{"0", "7", "99"}
	comparison    = regexp.MustCompile(`([a-z_]+) (?:[<>=!~]+|not in|in) "([^"]*)"|"([^"]*)" (?:[<>=!~]+|not in|in) ([a-z_]+)`)
	versionText   = regexp.MustCompile(`^\d{1,3}(\.\d{1,4}){0,2}$`)
)

// maxLiterals is the most values of one variable that are taken from markers.
const maxLiterals = 24

// maxGrid is the most environments that are tried for one package; markers that
// would need more are compared in the first of them.
const maxGrid = 60 * 6 * 6 * 2 * 8

// mentioned are the values that markers compare each variable with.
type mentioned map[string][]string

func (m mentioned) read(markers ...*packaging.Marker) {
	var texts []string
	for _, marker := range markers {
		texts = append(texts, marker.String()) // "" for nil
	}
	for _, match := range comparison.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		variable, value := match[1], match[2]
		if variable == "" {
			variable, value = match[4], match[3]
		}
		values := []string{value}
		if strings.ContainsAny(value, " ,") {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' })
		}
		if m[variable] == nil {
			m[variable] = []string{}
		}
		for _, v := range values {
			if len(m[variable]) < maxLiterals && !slices.Contains(m[variable], v) {
				m[variable] = append(m[variable], v)
			}
		}
	}
}

func (m mentioned) any(variables ...string) bool {
	return slices.ContainsFunc(variables, func(v string) bool { return m[v] != nil })
}

// grid is the environments within requires-python in which the markers could
// differ. Extras are the sets of extras to be tried in each.
func (m mentioned) grid(requiresPython packaging.Specifiers, extras [][]string) []packaging.Environment {
	platforms, machines, implementations := m.platforms(), m.machines(), []string{"CPython"}
	if m.any("implementation_name", "platform_python_implementation") {
		implementations = append(implementations, "PyPy")
	}
	pythons := m.pythons(requiresPython)
	for len(pythons)*len(platforms)*len(machines)*len(implementations)*len(extras) > maxGrid {
		pythons, platforms, machines, extras = halve(pythons, 60), halve(platforms, 6), halve(machines, 6), halve(extras, 8)
	}
	var all []packaging.Environment
	for _, python := range pythons {
		release := python.Release()
		minor, _ := packaging.ParseVersion(dotted(release[:min(2, len(release))]))
		for _, platform := range platforms {
			for _, machine := range machines {
				for _, implementation := range implementations {
					for _, extra := range extras {
						all = append(all, packaging.Environment{
							PythonVersion: minor, PythonFullVersion: python, OSName: platform.os, SysPlatform: platform.sys,
							PlatformSystem: platform.system, PlatformMachine: machine, Implementation: implementation, Extras: extra,
						})
					}
				}
			}
		}
	}
	return all
}

// halve shortens a list towards n.
func halve[T any](list []T, n int) []T { return list[:min(len(list), max(n, len(list)/2))] }

func (m mentioned) platforms() []platformRow {
	if !m.any("sys_platform", "os_name", "platform_system") {
		return gridPlatforms[:1]
	}
	rows := slices.Clone(gridPlatforms)
	for _, name := range slices.Concat(m["sys_platform"], m["platform_system"]) {
		known := func(r platformRow) bool { return r.sys == name || r.system == name }
		if !slices.ContainsFunc(rows, known) {
			rows = append(rows, platformRow{name, "posix", name})
		}
	}
	for _, name := range m["os_name"] {
		if name != "posix" && name != "nt" {
			rows = append(rows, platformRow{name, name, name})
		}
	}
	return rows
}

func (m mentioned) machines() []string {
	if !m.any("platform_machine") {
		return gridMachines[:1]
	}
	machines := slices.Clone(gridMachines)
	for _, name := range m["platform_machine"] {
		if !slices.Contains(machines, name) {
			machines = append(machines, name)
		}
	}
	return machines
}

// pythons are the full versions of the grid: every minor version with a few
// patches, and what the markers name with the releases around it.
func (m mentioned) pythons(requires packaging.Specifiers) []packaging.Version {
	var texts []string
	for minor := oldestMinor; minor <= newestMinor; minor++ {
		for _, patch := range gridPatches {
			texts = append(texts, dotted([]int{3, minor})+"."+patch)
		}
	}
	texts = append(texts, "4.0.0")
	for _, name := range []string{"python_version", "python_full_version", "implementation_version"} {
		for _, text := range m[name] {
			texts = append(texts, around(text)...)
		}
	}
	var all, within []packaging.Version
	for _, text := range texts {
		v, err := packaging.ParseVersion(text)
		if err != nil || slices.ContainsFunc(all, func(o packaging.Version) bool { return o.Compare(v) == 0 }) {
			continue
		}
		all = append(all, v)
		if requires.Contains(v) {
			within = append(within, v)
		}
	}
	if !m.any("python_version", "python_full_version", "implementation_version") {
		within = within[:min(1, len(within))]
	}
	if len(within) == 0 {
		return all[:1]
	}
	return within
}

// around is a version with its neighbours: 3.11.4 gives 3.11.3, 3.11.4 and
// 3.11.5.
func around(text string) []string {
	text = strings.TrimSuffix(text, ".*")
	if !versionText.MatchString(text) {
		return nil
	}
	v, err := packaging.ParseVersion(text)
	if err != nil {
		return nil
	}
	release := append(v.Release(), 0, 0)[:3]
	texts := []string{dotted(release), dotted([]int{release[0], release[1], release[2] + 1})}
	if release[2] > 0 {
		texts = append(texts, dotted([]int{release[0], release[1], release[2] - 1}))
	}
	return texts
}

func dotted(release []int) string {
	var b strings.Builder
	for i, n := range release {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// pythonProbes are versions that tell two requires-python apart.
func pythonProbes(texts ...string) []packaging.Version {
	m := mentioned{}
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			m["python_version"] = append(m["python_version"], strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(part), "<>=!~ ")))
		}
	}
	m["python_version"] = append(m["python_version"], "2.7", "3.0", "3.6", "3.7", "3.16", "3.99", "5.0")
	return m.pythons(packaging.Specifiers{})
}

// samePythons tells whether two specifiers allow the same Pythons.
func samePythons(a, b packaging.Specifiers) bool {
	return !slices.ContainsFunc(pythonProbes(a.String(), b.String()), func(v packaging.Version) bool { return a.Contains(v) != b.Contains(v) })
}

// canonical writes specifiers so that equal sets of clauses give equal texts:
// 2 and 2.0 are one version except after ~=, === and in 2.*.
func canonical(s packaging.Specifiers) string {
	clauses := strings.Split(s.String(), ",")
	for i, clause := range clauses {
		operator := clause[:len(clause)-len(strings.TrimLeft(clause, "<>=!~"))]
		version := clause[len(operator):]
		if operator != "~=" && operator != "===" && versionDigits(version) {
			for strings.HasSuffix(version, ".0") {
				version = strings.TrimSuffix(version, ".0")
			}
			clauses[i] = operator + version
		}
	}
	slices.Sort(clauses)
	return strings.Join(slices.Compact(clauses), ",")
}

func versionDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == ""
}
