import { posix } from 'node:path';
import { LANGUAGE_IDS, languageNamed } from '../../../languages/all.ts';
import { shippedPaths } from '../../../repository/input-scope.ts';
import { MANIFEST } from '../../../repository/primitive-folders.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-017',
  level: 'error',
  title: 'Image includes files of another primitive',
  subject: 'primitive',
  check: async ({ path, component }, { tree, primitives }) => {
    if (component === undefined) return [];
    const [shipped = []] = shippedPaths(await tree.list(), [component]);
    return primitives.flatMap((other) => {
      const start = `${other.path}/`;
      const [first, ...more] =
        other.path === path ? [] : shipped.filter((file) => file.startsWith(start) && !isContract(file));
      if (first === undefined) return [];
      const rest = more.length === 0 ? '' : ` and ${more.length} more`;
      return [
        {
          message: `\`build\` takes files of ${other.id} into the image: ${first.slice(start.length)}${rest}.`,
          path: `${path}/${MANIFEST}`,
          key: other.id,
          fix: {
            kind: 'text',
            text: `Leave them out of \`build.inputs\`, and call ${other.id} by its API; move what both need into a package outside of primitives.`,
          },
        },
      ];
    });
  },
};

const LANGUAGES = LANGUAGE_IDS.map(languageNamed);
const PACKAGE = new Set([...LANGUAGES.map(({ manifest }) => manifest), 'go.sum']);

/** Proto files, what is generated from them, and what makes a package of that: others may have these. */
function isContract(path: string): boolean {
  const name = posix.basename(path);
  return (
    name.endsWith('.proto') ||
    /^buf(?:\.[a-z]+)?\.yaml$/.test(name) ||
    PACKAGE.has(name) ||
    LANGUAGES.some(({ generated }) => generated.test(name))
  );
}
