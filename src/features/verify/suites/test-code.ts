import { languageOf, toolkitOf } from '../../../languages/all.ts';
import { type KeyedTest, keyOf, type TestCode } from '../../../languages/runner.ts';
import type { Primitive } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';

/** A larger file is made by a program. */
const MAX_LENGTH = 1024 * 1024;

/** Data of tests, and installed packages. */
const PASSED_OVER = /(?:^|\/)(?:testdata|vendor|node_modules|\.venv|site-packages)\//;

/** By name, or because they declare a test: a file `check_b.py` with `def test_b()` in a folder of tests is one. */
export async function readTestCode({ path, files }: Primitive, tree: WorkTree): Promise<TestCode> {
  const found = new Map<string, readonly KeyedTest[]>();
  for (const file of files) {
    const language = languageOf(file);
    if (language === undefined || PASSED_OVER.test(file)) continue;
    const { tests } = await toolkitOf(language);
    const isNamed = tests.named.test(file);
    if (!isNamed && tests.mayDeclare === undefined) continue;
    const bytes = await tree.read(`${path}/${file}`);
    if (bytes === undefined) continue;
    const text = bytes.length > MAX_LENGTH ? '' : new TextDecoder().decode(bytes);
    if (!isNamed && tests.mayDeclare?.(file, text) !== true) continue;
    const declared = await tests.read(file, text);
    const full = `${path}/${file}`;
    const place = tests.placeOf(full);
    if (isNamed || declared.length > 0)
      found.set(
        full,
        declared.map((one) => ({ ...one, key: keyOf(place, one.name) })),
      );
  }
  return found;
}
