package step

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// claim is one row of a RECORD: who says that a file has which hash.
type claim struct{ owner, hash string }

// checkDuplicates warns about files that two distributions list with
// different content: one of the two does not have what it brought.
func (t *smokeTest) checkDuplicates() error {
	claims := map[string][]claim{}
	for _, d := range t.all {
		for _, row := range d.rows {
			if row[1] == "" || strings.Contains(row[0], "__pycache__/") {
				continue
			}
			claims[row[0]] = append(claims[row[0]], claim{d.name, row[1]})
		}
	}
	var paths []string
	for path, list := range claims {
		if slices.ContainsFunc(list, func(c claim) bool { return c.hash != list[0].hash }) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	index := map[string]int{}
	for _, path := range paths {
		owners, winner := t.contest(path, claims[path])
		if len(owners) < 2 {
			continue
		}
		key := strings.Join(append(slices.Clone(owners), winner), "\x00")
		if i, ok := index[key]; ok {
			t.report.Warnings[i].Files++
			continue
		}
		index[key] = len(t.report.Warnings)
		t.report.Warnings = append(t.report.Warnings, Warning{
			Kind: KindDuplicateFile, Path: path, Files: 1, Distributions: owners, Winner: winner,
		})
	}
	return nil
}

// contest names the claimants of a path and whose file is on disk. Of several
// with the same file the last is named: it was installed last.
func (t *smokeTest) contest(path string, list []claim) (owners []string, winner string) {
	hash := ""
	if data, err := os.ReadFile(filepath.Join(t.site, path)); err == nil {
		hash = hashOf(data)
	}
	for _, c := range list {
		owners = append(owners, c.owner)
		if c.hash == hash {
			winner = c.owner
		}
	}
	return slices.Compact(owners), winner
}
