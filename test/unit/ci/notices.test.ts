import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { thirdPartyNotices } from '../../../.ci/notices.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'notices-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function install(folder: string, license: unknown, text?: string): string {
  const path = join('node_modules', folder);
  mkdirSync(join(root, path), { recursive: true });
  const name = folder.replace(/^.*node_modules\//, '');
  writeFileSync(
    join(root, path, 'package.json'),
    JSON.stringify({ name, version: '1.2.3', license, author: 'Somebody' }),
  );
  if (text !== undefined) writeFileSync(join(root, path, 'LICENSE.md'), text);
  return `${path}/lib/index.js`;
}

describe('notices of bundled packages', () => {
  test('name every package once, also nested and scoped ones, with its text', async () => {
    const inputs = [
      install('b', 'MIT', 'text of b\n'),
      install('@scope/a', 'ISC', 'text of a'),
      install('b/node_modules/c', '(GPL-3.0 OR Apache-2.0)'),
    ];
    const text = await thirdPartyNotices(root, [...inputs, ...inputs, 'src/cli/main.ts', 'named-exports:b']);
    expect(text.match(/^.+ 1\.2\.3 \(.*\)$/gm)).toEqual([
      '@scope/a 1.2.3 (ISC)',
      'b 1.2.3 (MIT)',
      'c 1.2.3 ((GPL-3.0 OR Apache-2.0))',
    ]);
    expect(text).toContain('b 1.2.3 (MIT)\n\ntext of b\n');
    expect(text).toContain('Copyright Somebody.');
  });

  test.each([['GPL-3.0'], ['MPL-2.0'], ['SEE LICENSE IN FILE'], [undefined], [{ type: 'MIT' }]])(
    'refuse %j',
    async (license) => {
      const input = install('copyleft', license);
      await expect(thirdPartyNotices(root, [input])).rejects.toThrow(
        /copyleft@1\.2\.3 .* may not be bundled/,
      );
    },
  );
});
