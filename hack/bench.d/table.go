package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func readRecords(names []string) ([]record, error) {
	var records []record
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 64<<20)
		for n := 1; lines.Scan(); n++ {
			var r record
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
			records = append(records, r)
		}
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// results are records that can be asked for.
type results []record

func (rs results) where(keep func(record) bool) results {
	var kept results
	for _, r := range rs {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

func (rs results) of(scenario string, sd side, push bool) results {
	return rs.where(func(r record) bool { return r.Scenario == scenario && r.Side == sd && r.Push == push })
}

// median gives the middle one of the builds that succeeded, by time.
func (rs results) median() (record, bool) {
	ok := rs.where(func(r record) bool { return r.Error == "" })
	if len(ok) == 0 {
		return record{}, false
	}
	slices.SortStableFunc(ok, func(a, b record) int { return cmp.Compare(a.Seconds, b.Seconds) })
	m := ok[(len(ok)-1)/2]
	if len(ok)%2 == 0 {
		m.Seconds = (m.Seconds + ok[len(ok)/2].Seconds) / 2
	}
	return m, true
}

// last gives the latest record, if there is one.
func (rs results) last() results { return rs[max(len(rs)-1, 0):] }

// subjects lists the pairs of engine and project in order of the records.
func (rs results) subjects() [][2]string {
	var list [][2]string
	for _, r := range rs {
		if s := [2]string{r.Engine, r.Project}; !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func tables(w io.Writer, all results) {
	for _, subject := range all.subjects() {
		rs := all.where(func(r record) bool { return r.Engine == subject[0] && r.Project == subject[1] })
		fmt.Fprintf(w, "### %s, on %s\n\n", subject[1], subject[0])
		timesTable(w, rs)
		notes(w, rs)
		fmt.Fprintln(w)
	}
}

// timesTable has one row a scenario: medians and ratios without and with the
// push, and what was executed and pushed.
func timesTable(w io.Writer, rs results) {
	fmt.Fprintln(w, "| | Dockerfile | pyfrontend | ratio | with push: Dockerfile | pyfrontend | ratio | executed (of dependencies): Dockerfile | pyfrontend | pushed (of dependencies): Dockerfile | pyfrontend |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, sc := range scenarios {
		row := rs.where(func(r record) bool { return r.Scenario == sc.name })
		if len(row) == 0 || sc.name == "index" {
			continue
		}
		cells := []string{sc.title}
		for _, push := range []bool{false, true} {
			theirs, mine := row.of(sc.name, peer, push), row.of(sc.name, ours, push)
			cells = append(cells, theirs.seconds(), mine.seconds(), ratio(theirs, mine))
		}
		for _, text := range []func(record) string{executedText, pushedText} {
			for _, sd := range bothSidesReversed {
				m, ok := row.of(sc.name, sd, true).median()
				if !ok {
					cells = append(cells, "–")
					continue
				}
				cells = append(cells, text(m))
			}
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}

var bothSidesReversed = []side{peer, ours}

func (rs results) seconds() string {
	m, ok := rs.median()
	switch {
	case ok:
		return fmt.Sprintf("%.1f s", m.Seconds)
	case len(rs) > 0:
		return "fails"
	}
	return "–"
}

func ratio(theirs, mine results) string {
	t, ok := theirs.median()
	m, ok2 := mine.median()
	if !ok || !ok2 || m.Seconds == 0 {
		return "–"
	}
	return fmt.Sprintf("**%.1f**", t.Seconds/m.Seconds)
}

func executedText(r record) string {
	return fmt.Sprintf("%d (%d)", r.Operations, r.DependencyOperations)
}

func pushedText(r record) string {
	if r.Pushed == nil {
		return "–"
	}
	return fmt.Sprintf("%s (%s)", bytesText(r.Pushed.Bytes), bytesText(r.Pushed.DependencyBytes))
}

func bytesText(n int64) string {
	switch {
	case n == 0:
		return "0"
	case n >= 10e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}

// notes are what does not fit into the table.
func notes(w io.Writer, rs results) {
	fmt.Fprintln(w)
	for _, sd := range []side{ours, peer} {
		for _, r := range rs.of("image", sd, false).last() {
			var compressed, uncompressed, dependencies int64
			count := 0
			for _, l := range r.Layers {
				compressed += l.Size
				uncompressed += l.Uncompressed
				if l.Dependency {
					dependencies += l.Size
					count++
				}
			}
			fmt.Fprintf(w, "- image of %s: %s compressed, %s unpacked, %d layers; dependencies %s in %d layers\n",
				sd, bytesText(compressed), bytesText(uncompressed), len(r.Layers), bytesText(dependencies), count)
		}
	}
	for _, push := range []bool{false, true} {
		mine, ok := rs.of("unchanged", ours, push).median()
		floor, ok2 := rs.of("unchanged", trivial, push).median()
		if ok && ok2 {
			with := ""
			if push {
				with = " with push"
			}
			fmt.Fprintf(w, "- no change%s: pyfrontend %.2f s, a Dockerfile of FROM and COPY %.2f s, overhead %.2f s\n", with, mine.Seconds, floor.Seconds, mine.Seconds-floor.Seconds)
		}
	}
	for _, row := range []struct{ scenario, text string }{
		{"index", "cold runner with registry cache, no change, all other hosts denied"},
		{"index-code", "cold runner with registry cache, code edit"},
	} {
		for _, sd := range bothSides {
			for _, r := range rs.of(row.scenario, sd, false).last() {
				asked := "no host asked"
				if len(r.Asked) > 0 {
					asked = "asked " + strings.Join(hostNames(r.Asked), ", ")
				}
				result := "built"
				if r.Error != "" {
					result = "failed: " + r.Error
				}
				fmt.Fprintf(w, "- %s: %s %s, %s, %d operations (%d of dependencies)\n", row.text, sd, result, asked, r.Operations, r.DependencyOperations)
			}
		}
	}
	failed := map[string]bool{}
	for _, r := range rs {
		key := fmt.Sprintf("- %s of %s failed: %s", r.Scenario, r.Side, r.Error)
		if r.Error != "" && !strings.HasPrefix(r.Scenario, "index") && !failed[key] {
			failed[key] = true
			fmt.Fprintln(w, key)
		}
	}
	machineNote(w, rs)
}

func machineNote(w io.Writer, rs results) {
	var loads []float64
	count := 0
	for _, r := range rs {
		if r.Seconds > 0 {
			loads = append(loads, r.Load)
			count = max(count, r.Repetition+1)
		}
	}
	slices.Sort(loads)
	for _, r := range rs.of("machine", ours, false).last() {
		var size int64
		for _, l := range r.Layers {
			size += l.Size
		}
		fmt.Fprintf(w, "- frontend image: %s compressed\n", bytesText(size))
		text := ""
		if len(loads) > 0 {
			text = fmt.Sprintf(", load average before a build %.1f at the median, %.1f at most", loads[len(loads)/2], loads[len(loads)-1])
		}
		fmt.Fprintf(w, "- medians of %d; %s, %s%s\n", count, r.Machine, r.Time.Format("2006-01-02"), text)
	}
}

// profile prints, for the median build of each kind, the vertices that took
// longest.
func profile(w io.Writer, all results) {
	for _, subject := range all.subjects() {
		rs := all.where(func(r record) bool { return r.Engine == subject[0] && r.Project == subject[1] })
		for _, sc := range append(scenarioNames(), "index-code") {
			for _, push := range []bool{false, true} {
				for _, sd := range []side{ours, peer, trivial} {
					r, ok := rs.of(sc, sd, push).median()
					if !ok {
						continue
					}
					profileOne(w, r)
				}
			}
		}
	}
}

func profileOne(w io.Writer, r record) {
	with := ""
	if r.Push {
		with = ", push"
	}
	fmt.Fprintf(w, "%s %s %s%s, %s: %.2f s, %.1f CPU seconds, load %.1f\n", r.Engine, r.Project, r.Scenario, with, r.Side, r.Seconds, r.CPU, r.Load)
	longest := slices.Clone(r.Vertices)
	slices.SortStableFunc(longest, func(a, b vertex) int { return cmp.Compare(b.Seconds, a.Seconds) })
	longest = longest[:min(len(longest), 14)]
	slices.SortStableFunc(longest, func(a, b vertex) int { return cmp.Compare(a.Start, b.Start) })
	for _, v := range longest {
		if v.Seconds < 0.02 {
			continue
		}
		name := []rune(v.Name)
		if v.Transfer {
			name = append([]rune("(transfer) "), name...)
		}
		if len(name) > 110 {
			name = append(name[:109], '…')
		}
		fmt.Fprintf(w, "  %7.2f +%6.2f  %s\n", v.Start, v.Seconds, string(name))
	}
	fmt.Fprintln(w)
}
