import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderTemplate } from '../../../src/kinds/template-renderer.ts';

const it = {
  name: 'order-lines',
  port: 8080,
  tls: false,
  empty: '',
  methods: [
    { name: 'Get', arguments: [{ type: 'A' }] },
    { name: 'List', arguments: [{ type: 'B' }, { type: 'C' }] },
  ],
};

describe('what a template may do', () => {
  test.each([
    ['nothing', "a < b && `c` '$d' \\n <div>\n", "a < b && `c` '$d' \\n <div>\n"],
    [
      'read values',
      'on <%= it.name %>:<%= it.port %> <%= it.tls %><%= it.empty %>\n',
      'on order-lines:8080 false\n',
    ],
    ['write what HTML would escape', '<%= it.name %> \'"&<>\n', 'order-lines \'"&<>\n'],
    ['ask for a value', '<% if (it.tls) { %>\na\n<% } else { %>\nb\n<% } %>\nc\n', 'b\nc\n'],
    ['ask for its absence', '<% if (!it.none) { %>\na\n<% } %>\n', 'a\n'],
    ['compare', "<% if (it.name === 'x') { %>\na\n<% } else if (it.name !== 'x') { %>\nb\n<% } %>\n", 'b\n'],
    ['ask within a line', 'a<% if (it.port) { %>, b<% } %>\n', 'a, b\n'],
    ['keep the indentation around values', 'x:\n  <%= it.name %>\n', 'x:\n  order-lines\n'],
    ['say something to its reader', 'a\n<% /* why */ %>\nb\n', 'a\nb\n'],
    [
      'repeat over a list, and in it over another',
      '<% for (const m of it.methods) { %>\n<%= m.name %>(<% for (const a of m.arguments) { %><%= a.type %>;<% } %>)\n<% } %>\n',
      'Get(A;)\nList(B;C;)\n',
    ],
  ])('%s', (_, template, text) => {
    expect(renderTemplate('k/f', template, it)).toBe(text);
  });

  test('keep any text as it is', () => {
    const plain = fc.string({ unit: 'binary' }).filter((text) => !/<%|%>|\r/.test(text));
    fc.assert(
      fc.property(plain, plain, (before, after) => {
        const template = `${before}<%= it.text %>${after}`;
        expect(renderTemplate('k/f', template, { text: after })).toBe(before + after + after);
      }),
    );
  });
});

describe('what a template may not do', () => {
  test.each([
    ['code', 'a\n<% process.exit(1) %>', 'k/f:2: this tag does more than a template may: "process.exit(1)".'],
    ['calls', '<%= it.name.toUpperCase() %>', '1: this tag does more'],
    ['what is not its own', '<%= process.env.HOME %>', '1: this tag does more'],
    ['globals in a condition', '<% if (process) { %><% } %>', '1: this tag does more'],
    ['globals in a list', '<% for (const x of process.argv) { %><% } %>', '1: this tag does more'],
    [
      'a variable outside of its block',
      '<% for (const process of it.methods) { %>\n<% } %>\n<%= process.title %>',
      '3: this tag does more',
    ],
    ['the way to Function', '<%= it.constructor.constructor %>', '1: it.constructor has no values'],
    ['what every object inherits', '<%= it.constructor %>', '1: the value is undefined'],
    ['else without if', '<% for (const m of it.methods) { %><% } else { %><% } %>', '1: no `if` is before'],
    ['a repetition over a word', '<% for (const m of it.name) { %><% } %>', '1: it.name is not a list'],
    ['two statements', '<% if (it.tls) { process.exit() %><% } %>', '1: this tag does more'],
    ['templates of templates', '<%~ it.name %>', '1: this tag does more'],
    ['includes', '<%~ include("/etc/passwd") %>', '1: this tag does more'],
    ['a value that is not there', 'a\nb\n<%= it.nmae %>', '3: the value is undefined'],
    ['a value of what is not there', 'a\n<%= it.none.name %>', '2: it.none has no values'],
    ['a list where a word must be', '<%= it.methods %>', '1: the value is object'],
    ['a block without end', '<% if (it.tls) { %>\n', '2: a block does not end'],
    ['an end without block', 'a\n<% } %>', '2: no block ends here'],
    ['a tag without end', 'a\n<%= it.name', '2: a tag does not end'],
  ])('%s', (_, template, message) => {
    expect(() => renderTemplate('k/f', template, it)).toThrow(
      expect.objectContaining({
        code: 'kind-template-invalid',
        exit: 2,
        message: expect.stringContaining(message),
      }),
    );
  });

  test('anything else, of any parts', () => {
    const words = fc.constantFrom(
      ...[
        'it',
        'x',
        'if',
        'for',
        'const',
        'of',
        'else',
        '(',
        ')',
        '{',
        '}',
        '.',
        ' ',
        '=',
        '`',
        "'",
        'touch()',
      ],
      ...[
        'globalThis',
        'constructor',
        '/*',
        '*/',
        ';',
        ',',
        '!',
        '[',
        ']',
        '\n',
        'options',
        'output',
        '__eta',
      ],
    );
    const tag = fc.tuple(fc.constantFrom('', '=', '~', '-', '_'), fc.array(words, { maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 3 }), (tags) => {
        const template = tags.map(([type, parts]) => `<%${type}${parts.join('')}%>`).join('');
        try {
          expect(renderTemplate('k/f', template, { x: 'text' })).toMatch(/^(text)*$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'kind-template-invalid' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
