package step

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// distribution is an installed one: its RECORD, path by path.
type distribution struct {
	name string // normalised
	dir  string // path of its .dist-info
	rows [][]string
}

// distributions reads every RECORD in site, sorted by name.
func distributions(site string) ([]distribution, error) {
	dirs, err := filepath.Glob(filepath.Join(escapeGlob(site), "*.dist-info"))
	if err != nil {
		return nil, fmt.Errorf("listing distributions: %w", err)
	}
	result := make([]distribution, 0, len(dirs))
	for _, dir := range dirs {
		name, _, _ := strings.Cut(filepath.Base(dir), "-")
		d := distribution{name: normalise(name), dir: dir}
		data, err := os.ReadFile(filepath.Join(dir, "RECORD"))
		if err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("reading what %s installed: %w", d.name, err)
		}
		if d.rows, err = readRecord(data); err != nil {
			return nil, fmt.Errorf("reading the RECORD of %s: %w", d.name, err)
		}
		result = append(result, d)
	}
	slices.SortFunc(result, func(a, b distribution) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.dir, b.dir))
	})
	return result, nil
}

// readRecord returns rows of path, hash and size.
func readRecord(data []byte) ([][]string, error) {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1
	reader.LazyQuotes = true
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		for len(row) < 3 {
			row = append(row, "")
		}
		rows[i] = row
	}
	return rows, nil
}

// hashOf spells the digest of data as a RECORD does.
func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// refreshRecords corrects the rows of .pyc files that a wheel brought and
// that were compiled anew.
func refreshRecords(site string, wheels []*wheel) error {
	brought := map[string]bool{}
	for _, w := range wheels {
		if w.compiled {
			brought[w.name] = true
		}
	}
	if len(brought) == 0 {
		return nil
	}
	all, err := distributions(site)
	if err != nil {
		return err
	}
	for _, d := range all {
		if brought[d.name] {
			if err := d.refresh(site); err != nil {
				return fmt.Errorf("correcting the RECORD of %s: %w", d.name, err)
			}
		}
	}
	return nil
}

// refresh states the hash and size of the .pyc files that are on disk.
func (d distribution) refresh(site string) error {
	for _, row := range d.rows {
		if !strings.HasSuffix(row[0], ".pyc") || row[1] == "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(site, row[0]))
		if err != nil {
			return err
		}
		row[1], row[2] = hashOf(data), strconv.Itoa(len(data))
	}
	var b bytes.Buffer
	writer := csv.NewWriter(&b)
	if err := writer.WriteAll(d.rows); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "RECORD"), b.Bytes(), 0o644)
}
