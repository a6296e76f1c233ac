import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../../src/builders/dockerfile/syntax.ts';

/** Line, name and flags of each instruction, as `1 FROM` or `2 COPY --from=x`. */
const read = (text: string) =>
  parseDockerfile(text).instructions.map(({ line, name, flags }) => [line, name, ...flags].join(' '));

describe('instructions', () => {
  test.each([
    ['comments and empty lines', '# c\n\nFROM a\n  # d\nRUN b\n', ['3 FROM', '5 RUN']],
    ['any case, any indentation', 'from a\n\t CoPy b c', ['1 FROM', '2 COPY']],
    [
      'CRLF and a byte order mark',
      '\ufeffFROM a\r\nRUN b \\\r\n c\r\nUSER x\r\n',
      ['1 FROM', '2 RUN', '4 USER'],
    ],
    ['continued lines', 'RUN a \\\n b \\ \t\n c\nUSER x', ['1 RUN', '4 USER']],
    ['an escaped backslash continues nothing', 'RUN a \\\\\nUSER x', ['1 RUN', '2 USER']],
    ['comments and empty lines inside', 'RUN a \\\n# FROM x\n\n  FROM b\nUSER x', ['1 RUN', '5 USER']],
    ['flags over several lines', 'COPY \\\n --from=a \\\n --chown=b c d', ['1 COPY --from=a --chown=b']],
    ['quoted flags', 'COPY --from="a b" --x=\'c\' d e', ['1 COPY --from=a b --x=c']],
    ['flags end at a word without dashes', 'RUN --mount=a b --from=c', ['1 RUN --mount=a']],
    ['flags end at two dashes', 'RUN -- --mount=a', ['1 RUN']],
  ])('%s', (_name, text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});

describe('here-documents hide what is in them', () => {
  test.each([
    ['RUN', 'RUN <<EOF\nFROM evil\nEOF\nUSER x', ['1 RUN', '4 USER']],
    ['two in one COPY', 'COPY <<A <<B /x/\nFROM a\nA\nFROM b\nB\nUSER x', ['1 COPY', '6 USER']],
    ['with a space', 'RUN cat << EOF\nFROM evil\nEOF\nUSER x', ['1 RUN', '4 USER']],
    ['tabs before the end', 'RUN <<-EOF\nFROM evil\n\t\tEOF\nUSER x', ['1 RUN', '4 USER']],
    ['tabs without the dash are no end', 'RUN <<EOF\n\tEOF\nEOF\nUSER x', ['1 RUN', '4 USER']],
    ['a quoted name', 'RUN <<"E F" cat\nFROM evil\nE F\nUSER x', ['1 RUN', '4 USER']],
    ['ONBUILD', 'ONBUILD RUN <<EOF\nFROM evil\nEOF\nUSER x', ['1 ONBUILD', '4 USER']],
    ['a file descriptor', 'RUN 3<<EOF cat\nFROM evil\nEOF\nUSER x', ['1 RUN', '4 USER']],
    ['on a continued line', 'RUN a \\\n <<EOF\nFROM evil\nEOF\nUSER x', ['1 RUN', '5 USER']],
  ])('%s', (_name, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each([
    ['in quotes', 'RUN echo "<<EOF"\nFROM b'],
    ['in the exec form', 'RUN ["<<EOF"]\nFROM b'],
    ['of another instruction', 'LABEL a=<<EOF\nFROM b'],
    ['a here-string', 'RUN cat <<<EOF\nFROM b'],
  ])('not %s', (_name, text) => {
    expect(read(text)).toHaveLength(2);
  });
});

describe('parser directives', () => {
  test('escape makes the backtick continue lines', () => {
    const text = '# escape=`\nFROM a\nRUN b `\n c\nCOPY d C:\\\nUSER x';
    expect(read(text)).toEqual(['2 FROM', '3 RUN', '5 COPY', '6 USER']);
  });

  test.each([
    ['after a comment', '# c\n# escape=`\nRUN a `\nUSER x'],
    ['after an empty line', '\n# escape=`\nRUN a `\nUSER x'],
    ['after an unknown directive', '# other=1\n# escape=`\nRUN a `\nUSER x'],
  ])('%s it is a comment', (_name, text) => {
    expect(read(text)).toHaveLength(2);
  });

  test.each([
    ['first line', '# syntax=docker/dockerfile:1\nFROM a', 1, 'docker/dockerfile:1'],
    ['loosely written', '#  SYNTAX =  foo/bar:1  \nFROM a', 1, 'foo/bar:1'],
    ['behind another directive', '# escape=`\n# syntax=foo\nFROM a', 2, 'foo'],
    ['below a shebang line', '#!/usr/bin/env docker\n# syntax=foo\nFROM a', 2, 'foo'],
    ['as C comment', '// syntax=foo\nFROM a', 1, 'foo'],
    ['in JSON', '{"syntax": "foo"}', 1, 'foo'],
    ['with arguments', '# syntax=foo --bar\nFROM a', 1, 'foo'],
    ['with a byte order mark', '\ufeff# syntax=foo\nFROM a', 1, 'foo'],
  ])('syntax: %s', (_name, text, line, reference) => {
    expect(parseDockerfile(text).syntax).toEqual({ line, reference });
  });

  test.each(['FROM a\n# syntax=foo', '# c\n# syntax=foo\nFROM a', ' # syntax=foo\nFROM a'])(
    'no syntax: %j',
    (text) => {
      expect(parseDockerfile(text).syntax).toBeUndefined();
    },
  );
});
