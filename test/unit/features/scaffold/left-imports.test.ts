import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../../../../src/core/digest.ts';
import { leftImports } from '../../../../src/features/scaffold/left-imports.ts';
import type { PlannedFile } from '../../../../src/features/scaffold/planned.ts';
import { temporaryFolder } from '../../../support/git.ts';

const moved = (from: string, path: string): PlannedFile => ({
  ...{ path, from, action: 'move', owner: 'generated', mode: '100644', size: 1, digest: digestOf('moved') },
  existing: digestOf('moved'),
  existingSize: 1,
});
const deleted = (path: string): PlannedFile => ({
  ...{ path, action: 'delete', owner: 'generated', mode: '100644', size: 1, digest: digestOf('moved') },
});

const CONTENTS = new Map([[digestOf('moved'), Buffer.from('moved')]]);
const PYTHON = [
  moved('src/acme_a/caller.py', 'src/acme_a/platform/caller.py'),
  deleted('src/acme_a/caller.py'),
];
const TYPESCRIPT = [moved('src/sdk/headers.ts', 'src/platform/headers.ts'), deleted('src/sdk/headers.ts')];

test.each([
  [
    'a module of the package',
    PYTHON,
    'src/acme_a/tools.py',
    'from .caller import Caller\n',
    [['from .caller import', 'from .platform.caller import']],
  ],
  [
    'a module of a package below',
    PYTHON,
    'src/acme_a/more/one.py',
    'from ..caller import Caller\n',
    [['from ..caller import', 'from ..platform.caller import']],
  ],
  [
    'a test',
    PYTHON,
    'tests/test_one.py',
    'import acme_a.caller\n\nfrom acme_a.caller import Caller\n',
    [
      ['from acme_a.caller import', 'from acme_a.platform.caller import'],
      ['import acme_a.caller', 'import acme_a.platform.caller'],
    ],
  ],
  [
    'what only begins like it, or is elsewhere',
    PYTHON,
    'src/acme_a/tools.py',
    'import acme_a.callers\nfrom .callers import Caller\nfrom .platform.caller import NAME\n',
    [],
  ],
  ['what was installed', PYTHON, '.venv/lib/x.py', 'from acme_a.caller import Caller\n', []],
  [
    'a module in its folder',
    TYPESCRIPT,
    'src/sdk/client.ts',
    "import { callHeaders } from './headers.ts';\n",
    [["'./headers.ts'", "'../platform/headers.ts'"]],
  ],
  [
    'a page in another one, with the other quotes',
    TYPESCRIPT,
    'src/pages/home.tsx',
    'import { callHeaders } from "../sdk/headers.ts";\n',
    [['"../sdk/headers.ts"', '"../platform/headers.ts"']],
  ],
  ['a dependency', TYPESCRIPT, 'node_modules/a/b.ts', "import '../../src/sdk/headers.ts';\n", []],
] as const)('names what %s imports by its old path', async (_, files, path, text, expected) => {
  await using folder = await temporaryFolder();
  const at = join(folder.path, path);
  await mkdir(dirname(at), { recursive: true });
  await writeFile(at, text);
  expect(await leftImports(files, CONTENTS, { folder: folder.path, goMod: '' })).toEqual(
    expected.map(([from, to]) => ({ path, from, to })),
  );
});

test('does not name what is still there', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'src/sdk'), { recursive: true });
  await writeFile(join(folder.path, 'src/sdk/headers.ts'), '');
  await writeFile(join(folder.path, 'src/sdk/client.ts'), "import './headers.ts';\n");
  const [move] = TYPESCRIPT;
  expect(move && (await leftImports([move], CONTENTS, { folder: folder.path, goMod: '' }))).toEqual([]);
});
