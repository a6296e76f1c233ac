import { PrimitiveError } from '../core/errors.ts';
import type { BuildContext } from './build-context.ts';
import type { CommitTree, TreeEntry } from './source-tree.ts';

/** As Linux does (path_resolution(7)). */
const MAX_HOPS = 40;
/** PATH_MAX; a longer target is no link that can be made. */
const MAX_TARGET = 4096;

/**
 * Refuses symbolic links that lead out of the context (`inputs-link-escapes`, exit 2): what they point to is not
 * covered by the input digest, and is another thing on every machine. A link to nothing inside the context is fine.
 */
export async function checkLinks(tree: CommitTree, contexts: readonly BuildContext[]): Promise<void> {
  const objects = [
    ...new Set(contexts.flatMap(({ entries }) => entries.filter(isLink).map((entry) => entry.object))),
  ];
  const contents = await tree.readWhole(objects, MAX_TARGET);
  const targets = new Map(
    objects.map((object, i) => [object, Buffer.from(contents[i] ?? []).toString('utf8')]),
  );
  for (const { component, entries } of contexts) {
    const links = new Map(
      entries.filter(isLink).map(({ path, object }) => [path, targets.get(object) ?? '']),
    );
    for (const [path, target] of links) {
      if (!escapes(path, links)) continue;
      throw new PrimitiveError(
        'inputs-link-escapes',
        `The link ${path} of ${component.id} leads out of the build context.`,
        {
          why: `it points to ${JSON.stringify(target)}, which is not an input`,
          suggestions: [
            'Make it a relative link to a file of the context, or a copy of the file.',
            `Or exclude it: \`inputs: ["**", "!${path}"]\` under build in ${component.path}/primitive.yaml.`,
          ],
        },
      );
    }
  }
}

function isLink(entry: TreeEntry): boolean {
  return entry.mode === '120000';
}

/**
 * Follows a link as the kernel would. Joining the texts would not do: where `here` links to `.`, `here/../x` stays
 * inside by its text and outside in fact.
 */
function escapes(path: string, links: ReadonlyMap<string, string>): boolean {
  const at: string[] = [];
  const left = path.split('/');
  for (let hops = 0; left.length > 0; ) {
    const name = left.shift();
    if (name === undefined || name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(name);
    const target = links.get(at.join('/'));
    if (target === undefined) continue;
    hops += 1;
    if (target.startsWith('/')) return true;
    // A circle leads nowhere.
    if (hops > MAX_HOPS) return false;
    at.pop();
    left.unshift(...target.split('/'));
  }
  return false;
}
