import { glob } from 'node:fs/promises';
import { resolve } from 'node:path';
import { boolean, integer, string } from '@oclif/core/flags';
import { parse } from '@oclif/core/parser';
import { describe, expect, test } from 'vitest';
import { selectionArgs } from '../../../src/cli/flags.ts';
import { unknownCommand, usageError } from '../../../src/cli/usage.ts';
import type { PrimitiveError } from '../../../src/core/errors.ts';

const flags = {
  kind: string(),
  name: string(),
  'dry-run': boolean({ exclusive: ['seal-only'] }),
  'seal-only': boolean(),
  format: string({ options: ['a', 'b'] }),
  depth: integer(),
};

/** What oclif's own parser throws for a command line, as our error. */
async function refusal(
  argv: string[],
  input: Parameters<typeof parse>[1] = { flags },
): Promise<PrimitiveError | undefined> {
  try {
    await parse(argv, { strict: true, ...input });
  } catch (error) {
    return usageError(error, { name: 'publish', flags: Object.keys(flags) });
  }
  return undefined;
}

describe('a command line that is refused', () => {
  test.each([
    [['--knd', 'x'], 'unknown-flag', 'Flag --knd is unknown.', 'Did you mean --kind?'],
    [['--dryrun'], 'unknown-flag', 'Flag --dryrun is unknown.', 'Did you mean --dry-run?'],
    [['--token=s3cr3t'], 'unknown-flag', 'Flag --token is unknown.', 'primitive publish --help'],
    [['-x'], 'unknown-flag', 'Flag -x is unknown.', 'primitive publish --help'],
    [['stray'], 'unexpected-argument', 'publish does not take "stray".', 'primitive publish --help'],
    [
      ['domain/orders'],
      'unexpected-argument',
      'publish does not take "domain/orders".',
      'primitive publish --kind domain --name orders',
    ],
    [['--kind'], 'invalid-flag', 'Flag --kind expects a value.', 'primitive publish --help'],
    [
      ['--kind', 'a', '--kind', 'b'],
      'invalid-flag',
      'Flag --kind can only be specified once.',
      'primitive publish --help',
    ],
    [
      ['--format', 'c'],
      'invalid-flag',
      'Expected --format=c to be one of: a, b.',
      'primitive publish --help',
    ],
    [
      ['--dry-run', '--seal-only'],
      'invalid-flag',
      /--seal-only=true cannot also be provided/,
      'primitive publish --help',
    ],
    [['--depth', 'x'], 'invalid-flag', /Expected an integer but received: x/, 'primitive publish --help'],
  ])('%j', async (argv, code, message, suggestion) => {
    const error = await refusal(argv);
    expect(error).toMatchObject({ code, exit: 2 });
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toMatch(/\n|--help|s3cr3t/);
    expect(error?.suggestions[0]).toBe(suggestion);
  });

  test('a missing argument is named', async () => {
    const args = { selectors: { ...selectionArgs.selectors, required: true } };
    expect(await refusal([], { flags, args })).toMatchObject({
      code: 'missing-argument',
      message: 'publish requires SELECTORS.',
    });
  });

  test('what is not a matter of the command line is left alone', () => {
    expect(usageError(new TypeError('x'), { name: 'publish', flags: [] })).toBeUndefined();
    expect(usageError('x', { name: 'publish', flags: [] })).toBeUndefined();
  });
});

/** A flag with a default counts as given: with `dependsOn`, it would refuse every command line. */
test('flags that depend on others have no default', async () => {
  const related: string[] = [];
  for await (const file of glob('src/commands/**/*.ts')) {
    const { default: command } = (await import(resolve(file))) as {
      readonly default: {
        readonly flags?: Readonly<
          Record<string, { readonly dependsOn?: unknown; readonly default?: unknown }>
        >;
      };
    };
    for (const [name, flag] of Object.entries(command.flags ?? {})) {
      if (flag.dependsOn === undefined) continue;
      related.push(name);
      expect(flag.default, `--${name} of ${file}`).toBeUndefined();
    }
  }
  expect(related).toContain('diff');
});

describe('an unknown command', () => {
  test.each([
    ['pubish', undefined, 'Did you mean primitive publish?'],
    ['bunp', 'gitops', 'Did you mean primitive gitops bump?'],
    ['frobnicate', undefined, 'primitive --help'],
    ['x\u001b[2J', undefined, 'primitive --help'],
  ])('%s', (word, topic, suggestion) => {
    const error = unknownCommand(word, topic, ['publish', 'list', 'gitops bump']);
    expect(error).toMatchObject({ code: 'unknown-command', exit: 2 });
    expect(error.suggestions[0]).toBe(suggestion);
  });
});
