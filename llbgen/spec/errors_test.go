package spec

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the reports in testdata/mistakes.txt")

const (
	mistakesFile = "testdata/mistakes.txt"
	caseMark     = "=== "
	reportMark   = "---\n"
)

// report writes each mistake as "start-end message" and its hint. Mistakes in
// pyproject.toml leave out the file.
func report(err error) string {
	var b strings.Builder
	for _, e := range Errors(err) {
		if e.At.File != pyproject {
			b.WriteString(e.At.File + ":")
		}
		r := e.At.Range
		fmt.Fprintf(&b, "%d:%d-%d:%d %s\n", r.Start.Line, r.Start.Column, r.End.Line, r.End.Column, e.Message)
		if e.Hint != "" {
			fmt.Fprintf(&b, "    hint: %s\n", e.Hint)
		}
	}
	return b.String()
}

// TestMistakes holds every mistake that one file can have to its exact text
// and place. To add one, add its TOML to the file and run with -update.
func TestMistakes(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	var rewritten strings.Builder
	for _, c := range strings.Split(string(data), caseMark)[1:] {
		name, body, _ := strings.Cut(c, "\n")
		text, want, _ := strings.Cut(body, reportMark)
		s, err := parseOne(text)
		got := report(err)
		if s != nil || got == "" {
			t.Errorf("%s: no mistake is found", name)
		}
		if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" && !*update {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		fmt.Fprintf(&rewritten, "%s%s\n%s%s%s\n", caseMark, name, text, reportMark, got)
	}
	if *update {
		if err := os.WriteFile(mistakesFile, []byte(rewritten.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMistakesCoverKeys keeps the corpus whole: every key of Tool has a reader
// and a case in which it is wrong.
func TestMistakesCoverKeys(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range toolFields {
		if f.key == "" || readers[reflect.TypeFor[Tool]().Field(f.index).Type] == nil {
			t.Errorf("field %d (%q) cannot be read", f.index, f.key)
		}
		if s := string(data); !strings.Contains(s, " `"+f.key+"` ") && !strings.Contains(s, " `"+f.key+".") && !strings.Contains(s, " `"+f.key+"[") {
			t.Errorf("no case has a mistake in %s", f.key)
		}
	}
	for key := range rules {
		if !strings.Contains(" "+strings.Join(toolKeys(), " ")+" ", " "+key+" ") {
			t.Errorf("there is a rule for %s, which is no key", key)
		}
	}
}

// TestBuiltinTargets keeps the names of commands off every target.
func TestBuiltinTargets(t *testing.T) {
	t.Parallel()
	for _, name := range BuiltinTargets() {
		_, err := parseOne("[tool.pyfrontend.commands]\n" + name + " = ['x']\n")
		if diff := cmp.Diff("2:1-2:"+fmt.Sprint(len(name)+1)+" `"+name+"` is a built-in target\n    hint: choose another name\n", report(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMistakesInTwoFiles(t *testing.T) {
	t.Parallel()
	const name = "[project]\nname = 'a'\n"
	for _, test := range []struct {
		name, build, project, want string
	}{
		{
			"Dockerfile", "# syntax=org/pyfrontend\n# escape=`\n\n  from\tpython:3.13 AS base\nRUN x\n", name,
			"Dockerfile:4:3-4:27 `Dockerfile` holds Dockerfile instructions, not a pyfrontend build\n" +
				"    hint: pass `-f pyproject.toml`, or leave only the `# syntax=` line in this file\n",
		},
		{
			"Dockerfile that begins with ARG", "ARG X=1\nFROM a\n", "x",
			"Dockerfile:1:1-1:8 `Dockerfile` holds Dockerfile instructions, not a pyfrontend build\n" +
				"    hint: pass `-f pyproject.toml`, or leave only the `# syntax=` line in this file\n",
		},
		{
			"instructions after a table", "[tool.pyfrontend]\nport = 1\nCOPY . .\r\n", name,
			"Dockerfile:3:1-3:9 `Dockerfile` holds Dockerfile instructions, not a pyfrontend build\n" +
				"    hint: pass `-f pyproject.toml`, or leave only the `# syntax=` line in this file\n",
		},
		{
			"TOML that only looks like it", "user =\n", name,
			"Dockerfile:1:7-1:7 invalid TOML: unexpected character U+000A at start of value\n",
		},
		{
			"both files invalid", "a = \n", "b = \n",
			"Dockerfile:1:5-1:5 invalid TOML: unexpected character U+000A at start of value\n" +
				"1:5-1:5 invalid TOML: unexpected character U+000A at start of value\n",
		},
		{
			"foreign tables", "x = 1\n[tool.pyfrontend]\nport = 0\n[tool.uv]\n[project.urls]\n[[a]]\n", name,
			"Dockerfile:1:1-1:6 `x` does not belong in `Dockerfile`\n" +
				"    hint: move it to `pyproject.toml`; this file may hold `[tool.pyfrontend]` only\n" +
				"Dockerfile:3:8-3:9 `port` must be between 1 and 65535, not 0\n" +
				"Dockerfile:4:1-4:10 `tool.uv` does not belong in `Dockerfile`\n" +
				"    hint: move it to `pyproject.toml`; this file may hold `[tool.pyfrontend]` only\n" +
				"Dockerfile:5:1-5:15 `project` does not belong in `Dockerfile`\n" +
				"    hint: move it to `pyproject.toml`; this file may hold `[tool.pyfrontend]` only\n" +
				"Dockerfile:6:1-6:6 `a` does not belong in `Dockerfile`\n" +
				"    hint: move it to `pyproject.toml`; this file may hold `[tool.pyfrontend]` only\n",
		},
		{
			"tool is no table", "tool = []\n", name,
			"Dockerfile:1:8-1:10 `tool` must be a table, not an array\n",
		},
		{
			"our table twice", "# x\n[tool.pyfrontend]\nport = 0\n", name + "[tool.pyfrontend]\nport = 1\n",
			"Dockerfile:2:1-2:18 `[tool.pyfrontend]` stands in this file and in `pyproject.toml`, line 3\n" +
				"    hint: keep one of the two\n" +
				"Dockerfile:3:8-3:9 `port` must be between 1 and 65535, not 0\n",
		},
		{
			"mistakes in both", "[tool.pyfrontend]\nport = 0\n", "[project]\n",
			"Dockerfile:2:8-2:9 `port` must be between 1 and 65535, not 0\n" +
				"1:1-1:10 `[project]` has no `name`\n" +
				"    hint: add `name = \"…\"`, the one key that cannot be left out\n",
		},
	} {
		_, err := Parse(File{"Dockerfile", []byte(test.build)}, File{pyproject, []byte(test.project)})
		if diff := cmp.Diff(test.want, report(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestNoProject(t *testing.T) {
	t.Parallel()
	const hint = "    hint: create one, for example with `uv init --bare`, or build another directory\n"
	for _, test := range []struct {
		build File
		want  string
	}{
		{File{pyproject, nil}, "1:1-1:1 there is no `pyproject.toml` beside the build file\n" + hint},
		{File{"Dockerfile", []byte("# x\n")}, "Dockerfile:1:1-1:1 there is no `pyproject.toml` beside the build file\n" + hint},
		{
			File{"Dockerfile", []byte("[tool.pyfrontend]\nport=0\n")},
			"Dockerfile:1:1-1:1 there is no `pyproject.toml` beside the build file\n" + hint +
				"Dockerfile:2:6-2:7 `port` must be between 1 and 65535, not 0\n",
		},
	} {
		_, err := Parse(test.build, File{pyproject, nil})
		if diff := cmp.Diff(test.want, report(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.build.Name, diff)
		}
	}
}

// TestLimits gives Parse what a stranger might, to take its time or memory.
func TestLimits(t *testing.T) {
	t.Parallel()
	const (
		many = "the file holds more than 10000 keys and values\n"
		deep = "tables and arrays are nested more than 64 deep\n"
		long = "the key is longer than 2048 bytes\n"
	)
	for _, test := range []struct{ name, text, want string }{
		{"not UTF-8", "a = '\xff'", "1:6-1:7 invalid TOML: invalid UTF-8 character in literal string\n"},
		{"end of file", "a = \"x", "1:6-1:7 invalid TOML: unterminated basic string\n"},
		{"50 MB", strings.Repeat("a = 1\n", 50<<20/6), "1:1-1:1 the file is larger than 4 MiB\n    hint: check that it is the build file that was meant\n"},
		{"keys", repeat(maxSize, "k%d=1\n"), "3334:1-3334:6 " + many},
		{"tables", repeat(maxSize, "[t%d]\n"), "5001:2-5001:7 " + many},
		{"arrays of tables", strings.Repeat("[[a]]\n", 100_000), "5001:3-5001:4 " + many},
		{"elements", "a = [" + strings.Repeat("1,", 500_000) + "]", "1:1-1:2 " + many},
		{"inline tables", "a = [" + strings.Repeat("{},", 300_000) + "]", "1:1-1:2 " + many},
		{"deep arrays", "\nb = " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000), "2:1-2:2 " + deep},
		{"deeper arrays", "a = " + strings.Repeat("[", 2_000_000), "1:10005-1:10006 invalid TOML: arrays and inline tables are nested more than the maximum of 10000 levels deep\n"},
		{"deep tables", "a = " + strings.Repeat("{a=", 500) + "1" + strings.Repeat("}", 500), "1:1-1:2 " + deep},
		{"deep keys", strings.Repeat("a.", 300_000) + "a = 1", "1:1-1:2 " + deep},
		{"deep headers", "[" + strings.Repeat("a.", 300_000) + "a]", "1:2-1:3 " + deep},
		{"long key", strings.Repeat("a", maxPath+1) + " = 1", "1:1-1:2050 " + long},
		{"long keys", "[a]\n[" + strings.Repeat("b", 2000) + "]\nc = {" + strings.Repeat("d", 50) + " = 1}", "3:6-3:56 " + long},
		{"long word", tool(strings.Repeat("s", 2000) + " = 1"), "2:1-2:2001 unknown key `" + strings.Repeat("s", maxQuoted) + "…`\n" +
			"    hint: known are `" + strings.Join(toolKeys(), "`, `") + "`\n"},
	} {
		start := time.Now()
		_, err := parseOne(test.text)
		if diff := cmp.Diff(test.want, report(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		took := time.Since(start)
		t.Logf("%s: %v", test.name, took)
		if took > 30*time.Second {
			t.Errorf("%s: took %v", test.name, took)
		}
	}
	// The most that passes.
	for _, text := range []string{
		repeat(maxSize, "k%04d=1\n")[:len("k0000=1\n")*(maxNodes/3)],
		repeat(maxSize, "[t%05d]\n")[:len("[t00000]\n")*(maxNodes/2)],
	} {
		start := time.Now()
		if _, err := parseOne(text); err != nil {
			t.Error(err)
		}
		t.Logf("%.3s…: %v", text, time.Since(start))
	}
}

// tool puts lines below [tool.pyfrontend].
func tool(lines string) string { return "[tool.pyfrontend]\n" + lines }

// repeat writes numbered lines until there are size bytes.
func repeat(size int, format string) string {
	var b strings.Builder
	for i := 0; b.Len()+20 < size; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
