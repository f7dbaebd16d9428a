package step

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

//go:embed smoke.py
var smokeScript string

// event is one line of smoke.py.
type event struct {
	Event     string   `json:"event"`
	Module    string   `json:"module"`
	Chain     []link   `json:"chain"`
	Similar   []string `json:"similar"`
	Callable  bool     `json:"callable"`
	Type      string   `json:"type"`
	Interface string   `json:"interface"`
}

// link is one exception of a chain, the outermost first.
type link struct {
	Type     string   `json:"type"`
	Message  string   `json:"message"`
	NotFound bool     `json:"notFound"` // a ModuleNotFoundError
	Linking  bool     `json:"linking"`  // can be about a shared library
	Name     string   `json:"name"`
	Path     string   `json:"path"`   // the extension module
	Exists   bool     `json:"exists"` // the top-level module of Name does
	Stdlib   bool     `json:"stdlib"`
	Similar  []string `json:"similar"`
}

// grace is how long what the application left running may hold our pipes.
const grace = 2 * time.Second

// signals are the ones an interpreter dies of by its own doing.
var signals = map[syscall.Signal]string{
	syscall.SIGABRT: "SIGABRT",
	syscall.SIGBUS:  "SIGBUS",
	syscall.SIGFPE:  "SIGFPE",
	syscall.SIGILL:  "SIGILL",
	syscall.SIGSEGV: "SIGSEGV",
	syscall.SIGSYS:  "SIGSYS",
	syscall.SIGTERM: "SIGTERM",
	syscall.SIGTRAP: "SIGTRAP",
}

// importAll imports the modules of the plan. When the interpreter dies, the
// module it was at is to blame, and a new interpreter goes on with the rest.
func (t *smokeTest) importAll(p importPlan) error {
	t.report.Modules = append(t.report.Modules, p.Modules...)
	for len(p.Modules) > 0 {
		at := ""
		finished := false
		state, err := t.run(p, func(e event) {
			switch e.Event {
			case "start", "server":
				at = e.Module
			case "end":
				finished = true
			}
			t.judgeEvent(e)
		})
		if err != nil {
			return err
		}
		if finished {
			return nil
		}
		if at == "" {
			return fmt.Errorf("running %s: %s", t.interpreter(), state)
		}
		if err := t.judgeEnd(at, state); err != nil {
			return err
		}
		p = p.after(at)
	}
	return nil
}

// after is what is left once the interpreter has died at a module.
func (p importPlan) after(module string) importPlan {
	p.Modules = p.Modules[slices.Index(p.Modules, module)+1:]
	if p.Server != nil && !slices.Contains(p.Modules, p.Server.Module) {
		p.Server = nil
	}
	return p
}

func (t *smokeTest) interpreter() string { return filepath.Join(t.venv, "bin", "python") }

// errTimeout stands for an import that did not come back.
var errTimeout = errors.New("timeout")

// ending is how the interpreter ended.
type ending struct {
	timeout bool
	signal  syscall.Signal
	code    int
}

func (e ending) String() string {
	if e.signal != 0 {
		return e.signal.String()
	}
	return fmt.Sprintf("exit status %d", e.code)
}

// run has the image's interpreter import what the plan names, as the image's
// user, and passes on every event.
func (t *smokeTest) run(p importPlan, each func(event)) (ending, error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return ending{}, fmt.Errorf("describing the imports: %w", err)
	}
	events, theirs, err := os.Pipe()
	if err != nil {
		return ending{}, fmt.Errorf("making a pipe: %w", err)
	}
	defer events.Close()
	ctx, cancel := context.WithTimeoutCause(context.Background(), t.timeout, errTimeout)
	defer cancel()
	cmd := t.command(ctx, string(plan), theirs)
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return ending{}, fmt.Errorf("starting the interpreter: %w", err)
	}
	lines := make(chan event)
	go readEvents(events, lines)
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	var late <-chan time.Time
	for open := true; open; {
		select {
		case e, more := <-lines:
			if open = more; more {
				each(e)
			}
		case <-exited:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			exited, late = nil, time.After(grace)
		case <-late:
			events.Close()
		}
	}
	if exited != nil {
		<-exited
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return endingOf(ctx, cmd.ProcessState), nil
}

// command is the interpreter in a process group of its own.
func (t *smokeTest) command(ctx context.Context, plan string, events *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.interpreter(), "-c", smokeScript, plan)
	cmd.Dir = t.workdir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdout, cmd.Stderr = t.out, t.err
	cmd.ExtraFiles = []*os.File{events}
	cmd.WaitDelay = grace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(t.uid), Gid: uint32(t.gid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// readEvents sends the lines of smoke.py until it says that it is done or is
// gone.
func readEvents(from io.Reader, to chan<- event) {
	defer close(to)
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		to <- e
		if e.Event == "end" {
			return
		}
	}
}

func endingOf(ctx context.Context, state *os.ProcessState) ending {
	e := ending{timeout: context.Cause(ctx) == errTimeout, code: state.ExitCode()}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal()
	}
	return e
}

// judgeEnd says why the interpreter did not come to its end.
func (t *smokeTest) judgeEnd(module string, e ending) error {
	f := Failure{Kind: KindImportError, Module: module}
	switch {
	case e.timeout:
		f.Detail = fmt.Sprintf("the import did not end within %s", t.timeout)
	case e.signal == syscall.SIGKILL:
		return fmt.Errorf("the interpreter was killed while it imported %s: is there enough memory?", module)
	case e.signal != 0:
		f.Kind, f.Name = KindCrash, signals[e.signal]
		if f.Name == "" {
			f.Name = fmt.Sprintf("signal %d", int(e.signal))
		}
		f.Detail = fmt.Sprintf("the interpreter died of %s (%s)", f.Name, e.signal)
	default:
		f.Detail = fmt.Sprintf("the import ended the interpreter with %s", e)
	}
	fmt.Fprintf(t.err, "importing %s: %s\n", module, f.Detail)
	t.fail(f)
	return nil
}
