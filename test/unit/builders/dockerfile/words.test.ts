// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfile variables are written like this.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandWord, splitWords, WordError } from '../../../../src/builders/dockerfile/words.ts';

const variables = new Map([
  ['X', 'ab.ab/x'],
  ['EMPTY', ''],
  ['TAG', '1.26'],
]);
const expand = (text: string, escapeToken = '\\') => expandWord(text, { escapeToken, variables });

// Each was asked of BuildKit's own lexer.
test.each([
  ['plain', 'golang:1.26', 'golang:1.26'],
  ['a variable', 'golang:$TAG', 'golang:1.26'],
  ['in braces', 'golang:${TAG}-bookworm', 'golang:1.26-bookworm'],
  ['none of that name', 'golang:$NONE', 'golang:'],
  ['a lone dollar', 'a$', 'a$'],
  ['a digit ends the name', '$1X', 'X'],
  ['default where unset', '${NONE:-d}', 'd'],
  ['default where empty', '${EMPTY:-d}', 'd'],
  ['no default where empty, without colon', '${EMPTY-d}', ''],
  ['default with a variable in it', '${NONE:-v$TAG}', 'v1.26'],
  ['nested default', '${NONE:-${NEITHER:-d}}', 'd'],
  ['alternative where set', '${TAG:+alt}', 'alt'],
  ['no alternative where empty', '${EMPTY:+alt}', ''],
  ['alternative where empty, without colon', '${EMPTY+alt}', 'alt'],
  ['required and there', '${TAG:?needed}', '1.26'],
  ['single quotes', "'$TAG'", '$TAG'],
  ['double quotes', '"$TAG"', '1.26'],
  ['escaped dollar', '\\$TAG', '$TAG'],
  ['escaped dollar in quotes', '"\\$TAG"', '$TAG'],
  ['other escapes in quotes stay', '"a\\b"', 'a\\b'],
])('%s: %s', (_name, text, value) => {
  expect(expand(text)).toBe(value);
});

test('a backtick can be the escape token', () => {
  expect(expand('`$TAG', '`')).toBe('$TAG');
  expect(expand('a\\b', '`')).toBe('a\\b');
});

test.each([
  ['${NONE:?set it}', 'NONE: set it'],
  ['${EMPTY:?}', 'EMPTY: is not allowed'],
  ['${', "missing '}'"],
  ['${}', 'bad substitution'],
  ['${X:-a', 'unexpected end'],
  ['${X^}', 'unsupported modifier (^)'],
  ['${X#*b}', 'is not supported: write the value out'],
  ['${X%%b*}', 'is not supported: write the value out'],
  ['${X//ab/c}', 'is not supported: write the value out'],
  ['"a', 'double-quote'],
  ["'a", 'single-quote'],
])('%s is refused', (text, reason) => {
  expect(() => expand(text)).toThrow(WordError);
  expect(() => expand(text)).toThrow(reason);
});

test('any text either has a value or is refused', () => {
  const piece = fc.constantFrom(
    'a',
    '$',
    '${',
    '}',
    ':',
    '-',
    '+',
    '?',
    '#',
    '%',
    '/',
    '\\',
    "'",
    '"',
    '*',
    ' ',
    '<',
    'X',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        expect(typeof expand(pieces.join(''))).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(WordError);
      }
    }),
  );
});

describe('splitWords', () => {
  test.each([
    ['a b\tc', ['a', 'b', 'c']],
    ["a 'b c' d", ['a', "'b c'", 'd']],
    ['a "b c"d e', ['a', '"b c"d', 'e']],
    ['a\\ b c', ['a\\ b', 'c']],
    ['cat << EOF', ['cat', '<< EOF']],
    ['$a ${b:-c d}', ['$a', '${b:-c', 'd}']],
    ['$a ${b c}', []],
    ["it's", []],
    ['', []],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  test('quoting a text makes it one word', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => !text.includes("'")),
        (text) => {
          expect(splitWords(`a '${text}' b`)).toEqual(['a', `'${text}'`, 'b']);
        },
      ),
    );
  });
});
