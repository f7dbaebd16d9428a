package plan

import (
	"strings"
	"testing"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
)

// pylock has one package, with wheels for two Pythons.
const pylock = `lock-version = "1.0"
created-by = "test"
[[packages]]
name = "native"
version = "1.0"
wheels = [
  { url = "https://index.example/native-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", hashes = { sha256 = "` + zeros + `" } },
  { url = "https://index.example/native-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", hashes = { sha256 = "` + zeros + `" } },
]
`

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestChoosePython(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, toml, pin string
		known           string
		want, err       string
	}{
		{name: "the newest that every wheel allows", toml: "requires-python = \">=3.10\"\n", want: "3.13 3.12"},
		{name: "requires-python says less", toml: "requires-python = \">=3.10,<3.13\"\n", want: "3.12"},
		{name: "only one is allowed", toml: "requires-python = \"==3.12.*\"\n", known: "3.12", want: "3.12"},
		{name: "the key", toml: "[tool.pyfrontend]\npython = \"3.11\"\n", known: "3.11", want: "3.11"},
		{name: ".python-version", pin: "# a comment\n3.12.4\n", known: "3.12", want: "3.12"},
		{name: "the key before .python-version", toml: "[tool.pyfrontend]\npython = \"3.13\"\n", pin: "3.12\n", known: "3.13", want: "3.13"},
		{name: "an exact lower bound", toml: "requires-python = \">=3.13.2\"\n[tool.pyfrontend]\npython = \"3.13\"\n", known: "3.13", want: "3.13"},
		{name: "the key against requires-python", toml: "requires-python = \">=3.12\"\n[tool.pyfrontend]\npython = \"3.11\"\n", known: "3.11",
			err: "pyproject.toml:6:1: Python 3.11 does not satisfy `requires-python = \">=3.12\"`"},
		{name: ".python-version against requires-python", toml: "requires-python = \">=3.12\"\n", pin: "\n3.11\n", known: "3.11",
			err: ".python-version:2:1: Python 3.11 does not satisfy"},
		{name: "another implementation", pin: "pypy3.10\n", err: ".python-version:1:1: `.python-version` does not state a CPython version: \"pypy3.10\""},
		{name: "nothing satisfies", toml: "requires-python = \">=4\"\n", err: "pyproject.toml:4:1: no Python that has an image satisfies `requires-python = \">=4\"`"},
		{name: "no wheel for any", toml: "requires-python = \">=3.14\"\n", want: "3.15"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, project+tt.toml)
			l, err := lock.ParsePylock([]byte(pylock), lock.Places{File: "pylock.toml"})
			if err != nil {
				t.Fatal(err)
			}
			var pin []byte
			if tt.pin != "" {
				pin = []byte(tt.pin)
			}
			if got := KnownPython(s, pin); got != tt.known {
				t.Errorf("known is %q, want %q", got, tt.known)
			}
			choice, err := ChoosePython(s, l, pin, []string{"amd64"})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if got := strings.Join(choice.Candidates, " "); err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
