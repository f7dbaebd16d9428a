package step

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// uv runs uv with nothing in its environment but what is named here.
func uv(binary, home string, args, env []string, s streams) error {
	var last lastError
	cmd := exec.Command(binary, args...)
	cmd.Dir = home
	cmd.Stdout = s.out
	cmd.Stderr = io.MultiWriter(s.err, &last)
	cmd.Env = append([]string{
		"HOME=" + home,
		"TMPDIR=" + home,
		"LC_ALL=C.UTF-8",
		"NO_COLOR=1",
		"UV_PYTHON_DOWNLOADS=never",
	}, env...)
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case last.text != "":
		return fmt.Errorf("uv: %s", last.text)
	}
	return fmt.Errorf("running uv: %w", err)
}

// lastError keeps the sentence of uv's last error line and its first cause.
type lastError struct {
	text string
	line []byte
}

func (l *lastError) Write(data []byte) (int, error) {
	for _, c := range data {
		if c != '\n' {
			l.line = append(l.line, c)
			continue
		}
		line := string(l.line)
		if text, ok := strings.CutPrefix(line, "error: "); ok {
			l.text = text
		} else if text, ok := strings.CutPrefix(line, "  cause: "); ok && l.text != "" {
			l.text += ": " + text
		}
		l.line = l.line[:0]
	}
	return len(data), nil
}
