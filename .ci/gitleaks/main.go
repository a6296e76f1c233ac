// Reads patterns of RE2, a JSON array of strings, and writes each as a pattern of JavaScript that matches the same:
// written from the syntax tree of Go's own parser, so that flags, classes and folded letters mean the same.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp/syntax"
	"strings"
	"unicode"
)

func main() {
	var patterns []string
	if err := json.NewDecoder(os.Stdin).Decode(&patterns); err != nil {
		fail(err)
	}
	written := make([]string, len(patterns))
	for i, pattern := range patterns {
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			fail(fmt.Errorf("%s: %w", pattern, err))
		}
		written[i] = write(tree)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(written); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func write(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return "(?:)"
	case syntax.OpLiteral:
		var text strings.Builder
		for _, char := range re.Rune {
			text.WriteString(literal(char, re.Flags&syntax.FoldCase != 0))
		}
		return text.String()
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpAnyCharNotNL:
		return `[^\n]`
	case syntax.OpAnyChar:
		return `[^]`
	case syntax.OpBeginText:
		return "^"
	case syntax.OpEndText:
		return "$"
	case syntax.OpWordBoundary:
		return `\b`
	case syntax.OpNoWordBoundary:
		return `\B`
	case syntax.OpCapture:
		return "(" + write(re.Sub[0]) + ")"
	case syntax.OpStar:
		return repeat(re, "*")
	case syntax.OpPlus:
		return repeat(re, "+")
	case syntax.OpQuest:
		return repeat(re, "?")
	case syntax.OpRepeat:
		switch {
		case re.Max == re.Min:
			return repeat(re, fmt.Sprintf("{%d}", re.Min))
		case re.Max < 0:
			return repeat(re, fmt.Sprintf("{%d,}", re.Min))
		}
		return repeat(re, fmt.Sprintf("{%d,%d}", re.Min, re.Max))
	case syntax.OpConcat:
		var text strings.Builder
		for _, sub := range re.Sub {
			if sub.Op == syntax.OpAlternate {
				text.WriteString("(?:" + write(sub) + ")")
			} else {
				text.WriteString(write(sub))
			}
		}
		return text.String()
	case syntax.OpAlternate:
		parts := make([]string, len(re.Sub))
		for i, sub := range re.Sub {
			parts[i] = write(sub)
		}
		return strings.Join(parts, "|")
	}
	fail(fmt.Errorf("%s: what JavaScript has no word for", re))
	return ""
}

func repeat(re *syntax.Regexp, times string) string {
	sub := re.Sub[0]
	text := write(sub)
	single := sub.Op == syntax.OpCharClass || sub.Op == syntax.OpAnyChar || sub.Op == syntax.OpAnyCharNotNL ||
		sub.Op == syntax.OpCapture || sub.Op == syntax.OpLiteral && len(sub.Rune) == 1
	if !single {
		text = "(?:" + text + ")"
	}
	lazy := ""
	if re.Flags&syntax.NonGreedy != 0 {
		lazy = "?"
	}
	return text + times + lazy
}

func literal(char rune, fold bool) string {
	if !fold || char > unicode.MaxASCII {
		return escape(char, `\^$.*+?()[]{}|/`)
	}
	lower, upper := unicode.ToLower(char), unicode.ToUpper(char)
	if lower == upper {
		return escape(char, `\^$.*+?()[]{}|/`)
	}
	return "[" + string(upper) + string(lower) + "]"
}

// The ranges of a class, without the two letters beyond ASCII that fold to k and s.
func class(ranges []rune) string {
	open := "["
	if n := len(ranges); n > 0 && ranges[0] == 0 && ranges[n-1] == unicode.MaxRune {
		open = "[^"
		var inverse []rune
		for i := 1; i+1 < n; i += 2 {
			inverse = append(inverse, ranges[i]+1, ranges[i+1]-1)
		}
		ranges = inverse
	} else {
		ranges = strip(ranges)
		if known, ok := names[string(ranges)]; ok {
			return known
		}
	}
	text := open
	for i := 0; i < len(ranges); i += 2 {
		low, high := ranges[i], ranges[i+1]
		text += escape(low, `\]^-[`)
		if high > low+1 {
			text += "-"
		}
		if high > low {
			text += escape(high, `\]^-[`)
		}
	}
	return text + "]"
}

func strip(ranges []rune) []rune {
	const kelvin, longS = '\u212a', '\u017f'
	var kept []rune
	for i := 0; i < len(ranges); i += 2 {
		if low, high := ranges[i], ranges[i+1]; low != high || low != kelvin && low != longS {
			kept = append(kept, low, high)
		}
	}
	return kept
}

var names = map[string]string{
	"09":       `\d`,
	"09AZ__az": `\w`,
}

func escape(char rune, special string) string {
	switch {
	case char == '\n':
		return `\n`
	case char == '\r':
		return `\r`
	case char == '\t':
		return `\t`
	case char == '\f':
		return `\f`
	case char == '\v':
		return `\v`
	case char < ' ' || char == 0x7f:
		return fmt.Sprintf(`\x%02x`, char)
	case char > 0xffff:
		fail(fmt.Errorf("%U: beyond what JavaScript matches without flags", char))
	case char > unicode.MaxASCII:
		return fmt.Sprintf(`\u%04x`, char)
	case strings.ContainsRune(special, char):
		return `\` + string(char)
	}
	return string(char)
}
