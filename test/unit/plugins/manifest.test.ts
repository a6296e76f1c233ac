import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { readPlugin } from '../../../src/plugins/manifest.ts';

const base = mkdtempSync(join(tmpdir(), 'plugin-manifest-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const RULE = { id: 'RUST-001', level: 'error', title: 'x', subject: 'primitive', module: './rules/a.js' };
const COMMAND = {
  id: 'rust:audit',
  aliases: [],
  flags: {},
  args: {},
  relativePath: ['commands', 'rust', 'audit.js'],
};
const FILES: Readonly<Record<string, string>> = {
  'rules/a.js': '',
  'rules/RUST-001.md': '',
  'hooks/plan.js': '',
  'commands/rust/audit.js': '',
  'oclif.manifest.json': JSON.stringify({ version: '1.0.0', commands: { 'rust:audit': COMMAND } }),
};

/** A plugin in a folder of its own. */
function plugin(pjson: object | string, files: Readonly<Record<string, string | null>> = {}): string {
  const folder = mkdtempSync(join(base, 'plugin-'));
  const whole = { name: '@acme/rust', version: '1.0.0', type: 'module' };
  const text = typeof pjson === 'string' ? pjson : JSON.stringify({ ...whole, ...pjson });
  for (const [path, content] of Object.entries({ ...FILES, ...files, 'package.json': text })) {
    if (content === null) continue;
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function refused(folder: string, linked = false): Promise<PrimitiveError> {
  const error = await readPlugin(folder, { linked }).catch((thrown: unknown) => thrown);
  if (!(error instanceof PrimitiveError)) throw new Error(`not refused: ${JSON.stringify(error)}`);
  return error;
}

const declared = { oclif: { commands: './commands' }, primitive: { api: '0.1' } };

describe('a manifest', () => {
  test('says all that the plugin brings', async () => {
    const folder = plugin(
      { ...declared, primitive: { api: '0.1', rules: [RULE], hooks: { plan: './hooks/plan.js' } } },
      { 'kinds/rust/kind.yaml': '', 'kinds/notes/README.md': '' },
    );
    expect(await readPlugin(folder, { linked: false })).toEqual({
      name: '@acme/rust',
      version: '1.0.0',
      api: '0.1',
      oclif: { commands: './commands' },
      commands: ['rust:audit'],
      kinds: ['rust'],
      rules: [RULE],
      hooks: { plan: './hooks/plan.js' },
    });
  });

  test('of a linked plugin needs no list of commands', async () => {
    const folder = plugin(declared, { 'oclif.manifest.json': null, 'commands/rust/index.js': '' });
    expect((await readPlugin(folder, { linked: true })).commands).toEqual(['rust', 'rust:audit']);
  });

  const broken: readonly (readonly [what: string, folder: string, code: string, says: RegExp])[] = [
    ['is not JSON', plugin('{ nope'), 'plugin-syntax', /package\.json:1/],
    ['is of no plugin', plugin({}), 'plugin-none', /no key `primitive`/],
    ['has no version of the interface', plugin({ primitive: {} }), 'plugin-invalid', /api/],
    [
      'is for another interface',
      plugin({ primitive: { api: '0.9', novel: true } }),
      'plugin-api',
      /"0\.9".*0\.1/,
    ],
    [
      'has a key that is unknown',
      plugin({ primitive: { api: '0.1', rule: [] } }),
      'plugin-unknown-key',
      /unknown key `primitive\.rule`/,
    ],
    [
      'has hooks of oclif',
      plugin({ oclif: { hooks: {} }, primitive: { api: '0.1' } }),
      'plugin-unknown-key',
      /hooks/,
    ],
    ['has a name that leaves', plugin({ ...declared, name: '../x' }), 'plugin-invalid', /npm package/],
    ['is CommonJS', plugin({ ...declared, type: 'commonjs' }), 'plugin-invalid', /"type": "module"/],
    [
      'names a module outside',
      plugin({ primitive: { api: '0.1', hooks: { plan: '../plan.js' } } }),
      'plugin-invalid',
      /part "\.\."/,
    ],
    [
      'names a module that is missing',
      plugin({ primitive: { api: '0.1', hooks: { plan: './none.js' } } }),
      'plugin-invalid',
      /no such file/,
    ],
    [
      'has a rule without its page',
      plugin({ primitive: { api: '0.1', rules: [RULE] } }, { 'rules/RUST-001.md': null }),
      'plugin-invalid',
      /no page rules\/RUST-001\.md/,
    ],
    [
      'has rules of two prefixes',
      plugin(
        { primitive: { api: '0.1', rules: [RULE, { ...RULE, id: 'JAVA-001' }] } },
        { 'rules/JAVA-001.md': '' },
      ),
      'plugin-invalid',
      /another prefix/,
    ],
    [
      'has a rule twice',
      plugin({ primitive: { api: '0.1', rules: [RULE, RULE] } }),
      'plugin-invalid',
      /RUST-001 is listed twice/,
    ],
    [
      'has a rule of files without patterns',
      plugin({ primitive: { api: '0.1', rules: [{ ...RULE, subject: 'file' }] } }),
      'plugin-invalid',
      /`files` goes with/,
    ],
    [
      'lists no commands',
      plugin(declared, { 'oclif.manifest.json': null }),
      'plugin-commands',
      /does not have it/,
    ],
    [
      'lists commands that are not JSON',
      plugin(declared, { 'oclif.manifest.json': '{' }),
      'plugin-commands',
      /not JSON/,
    ],
    [
      'lists commands of another version',
      plugin(declared, { 'oclif.manifest.json': JSON.stringify({ version: '0.9.0', commands: {} }) }),
      'plugin-commands',
      /0\.9\.0/,
    ],
    [
      'lists a command outside',
      plugin(declared, {
        'oclif.manifest.json': JSON.stringify({
          version: '1.0.0',
          commands: { 'rust:audit': { ...COMMAND, relativePath: ['..', '..', 'x.js'] } },
        }),
      }),
      'plugin-commands',
      /not in the package/,
    ],
  ];
  test.each(broken)('that %s is refused', async (_, folder, code, says) => {
    const { code: found, message, why = '' } = await refused(folder);
    expect({ code: found, text: `${message} ${why}` }).toEqual({ code, text: expect.stringMatching(says) });
  });

  test('is refused where a module is a link', async () => {
    const folder = plugin({ primitive: { api: '0.1', hooks: { plan: './hooks/link.js' } } });
    symlinkSync('/etc/hostname', join(folder, 'hooks/link.js'));
    expect((await refused(folder)).message).toMatch(/no such file/);
  });
});
