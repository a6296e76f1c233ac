import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKinds } from '../../../src/kinds/kind.ts';

test('the folders of a package are its kinds, and a file beside them is none', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kinds-'));
  await mkdir(join(folder.path, 'widget/kind.yaml'), { recursive: true });
  await writeFile(join(folder.path, 'README.md'), '');
  const kinds = await openKinds({ '@acme/kinds': folder.path });
  expect(kinds.names).toEqual(['widget']);
  await expect(kinds.get('widget')).rejects.toMatchObject({
    code: 'kind-invalid',
    why: expect.stringContaining('EISDIR'),
  });
});
