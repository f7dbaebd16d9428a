package packaging

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// number is a decimal without leading zeros, "" when there is none. Versions
// hold numbers of any length, as Python's do: dates, timestamps and hashes
// that happen to be all digits.
type number string

func toNumber(digits string) number {
	if digits == "" {
		return ""
	}
	if n := strings.TrimLeft(digits, "0"); n != "" {
		return number(n)
	}
	return "0"
}

// or is n, or m when there is no n.
func (n number) or(m number) number {
	if n == "" {
		return m
	}
	return n
}

// compare orders by value; no number comes first.
func (n number) compare(o number) int {
	if c := cmp.Compare(len(n), len(o)); c != 0 {
		return c
	}
	return strings.Compare(string(n), string(o))
}

// int is the value, or the largest int when it does not fit.
func (n number) int() int {
	i, err := strconv.Atoi(string(n))
	if err != nil {
		return math.MaxInt
	}
	return i
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
