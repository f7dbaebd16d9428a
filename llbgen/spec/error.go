package spec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a text file; line and column count from 1, the column
// in bytes. The zero Position is nowhere.
type Position struct{ Line, Column int }

// Range is a half-open stretch of a text file. The zero Range is nowhere (a
// default that no file states).
type Range struct{ Start, End Position }

// Place is a range in a named file of the user's.
type Place struct {
	// File is the path relative to the build context, slash separated. It is
	// empty for what no file states.
	File  string
	Range Range
}

// Error is one mistake of the user's: where it stands, what is wrong, and what
// to do about it. Errors are made where they are noticed and never wrapped on
// the way up; several are collected with errors.Join.
type Error struct {
	At Place
	// Message is one sentence without a final period; literals stand in
	// backticks.
	Message string
	// Hint says what to do, in the same form. It may be empty.
	Hint string
}

// Error gives "file:line:column: message (hint: …)".
func (e *Error) Error() string {
	var b strings.Builder
	if e.At.File != "" {
		b.WriteString(e.At.File)
		if p := e.At.Range.Start; p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("\nhint: " + e.Hint)
	}
	return b.String()
}

// Errorf makes an Error without a hint.
func Errorf(at Place, format string, args ...any) *Error {
	return &Error{At: at, Message: fmt.Sprintf(format, args...)}
}

// Errors lists every *Error within err, by file and position. An err without
// any gives nil.
func Errors(err error) []*Error {
	var all []*Error
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) {
		case nil:
		case *Error:
			all = append(all, e)
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		default:
			walk(errors.Unwrap(err))
		}
	}
	walk(err)
	slices.SortStableFunc(all, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.At.File, b.At.File),
			cmp.Compare(a.At.Range.Start.Line, b.At.Range.Start.Line),
			cmp.Compare(a.At.Range.Start.Column, b.At.Range.Start.Column),
		)
	})
	return all
}
