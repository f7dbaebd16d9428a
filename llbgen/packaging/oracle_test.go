//go:build unix

package packaging

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The oracle is PyPA's packaging library in a Python of its own, kept in the
// user's cache directory. There is no test without it: to skip would be to
// believe ourselves.
const oracleRequirement = "packaging==26.3 " +
	"--hash=sha256:d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c\n"

// ask puts one question about many items to the one oracle process.
func ask[Answer, Item any](t testing.TB, question string, items []Item) []Answer {
	t.Helper()
	line, err := json.Marshal(map[string]any{"ask": question, "items": items})
	if err != nil {
		t.Fatal(err)
	}
	o, err := startOracle()
	if err != nil {
		t.Fatalf("no oracle to compare with: %v", err)
	}
	o.Lock()
	defer o.Unlock()
	if _, err = o.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err = o.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("the oracle died: %v", err)
	}
	var answers []Answer
	if err := json.Unmarshal(line, &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(items) {
		t.Fatalf("%d answers to %d items", len(answers), len(items))
	}
	return answers
}

type oracle struct {
	sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

// startOracle starts the process, which ends with the tests: then its input does.
var startOracle = sync.OnceValues(func() (*oracle, error) {
	python, err := oraclePython()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(python, "-I", filepath.Join("testdata", "oracle.py"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &oracle{in: in, out: bufio.NewReader(out)}, cmd.Start()
})

// oraclePython gives a Python that has the library, made once for all tests of
// this user. A lock keeps others from the directory while it is made, and a
// file written last says that it was finished.
func oraclePython() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	venv := filepath.Join(cache, "pyfrontend", "oracle-venv")
	if err := os.MkdirAll(filepath.Dir(venv), 0o777); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(venv+".lock", os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	python := filepath.Join(venv, "bin", "python")
	requirements := filepath.Join(venv, "requirements.txt")
	if have, err := os.ReadFile(requirements); err == nil && string(have) == oracleRequirement {
		if exec.Command(python, "-c", "import packaging").Run() == nil {
			return python, nil
		}
	}
	return python, makeVenv(venv, python, requirements)
}

func makeVenv(venv, python, requirements string) error {
	unfinished := requirements + ".new"
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := run("python3", "-m", "venv", venv); err != nil {
		return err
	}
	if err := os.WriteFile(unfinished, []byte(oracleRequirement), 0o666); err != nil {
		return err
	}
	err := run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--require-hashes", "-r", unfinished)
	if err != nil {
		return err
	}
	return os.Rename(unfinished, requirements)
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// realData reads testdata/NAME.txt, one item a line, met in real locks and
// metadata.
func realData(t testing.TB, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}
