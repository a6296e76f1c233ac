import { PrimitiveError } from '../errors.ts';
import type { Listing } from './listing.ts';
import type { InputScope } from './scope.ts';
import { type Change, readWhole, type SourceTree, type TreeEntry } from './source-tree.ts';

/** How a Git LFS pointer begins (git-lfs, docs/spec.md), the second one in its first releases. */
const POINTER = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\//;
const MAX_LISTED = 10;

/**
 * Refuses inputs that are Git LFS pointers (`inputs-lfs-pointer`, exit 2): git holds the pointer and not the file, so
 * the image would get a text of three lines. Costs nothing where no `.gitattributes` speaks of LFS.
 */
export async function checkLfs(
  tree: SourceTree,
  listing: Listing,
  scopes: readonly InputScope[],
  changes: readonly Change[],
): Promise<void> {
  const attributes = listing.entries.filter(({ path }) => /(?:^|\/)\.gitattributes$/.test(path));
  const texts = await readWhole(
    tree,
    attributes.map(({ object }) => object),
  );
  if (!texts.some((text) => /filter\s*=\s*lfs/.test(Buffer.from(text).toString('latin1')))) return;
  checkAttributesClean(attributes, changes);
  const inputs = new Map<string, { entry: TreeEntry; component: string }>();
  for (const { component, entries } of scopes) {
    for (const entry of entries) {
      const path = component.build.context === '' ? entry.path : `${component.build.context}/${entry.path}`;
      inputs.set(path, { entry, component: component.id });
    }
  }
  const filters = await tree.filters([...inputs.keys()]);
  const candidates = [...inputs].filter(([path]) => filters.get(path) === 'lfs');
  const pointers: string[] = [];
  await tree.readBlobs(
    candidates.map(([, { entry }]) => entry.object),
    firstBytes((index, start) => {
      const [path, input] = candidates[index] ?? [];
      if (path !== undefined && POINTER.test(start)) pointers.push(`${input?.component}: ${path}`);
    }),
  );
  if (pointers.length === 0) return;
  const listed = pointers.slice(0, MAX_LISTED);
  throw new PrimitiveError(
    'inputs-lfs-pointer',
    `Inputs are kept in Git LFS: ${listed.join(', ')}${more(pointers.length)}`,
    {
      why: 'git holds pointers to these files, and an image is built from what git holds',
      suggestions: [
        'Keep the files in git itself: git lfs migrate export --include=…',
        'Or fetch them in the Dockerfile by digest: ADD --checksum=sha256:… URL PATH',
        'Or leave them out by `build.inputs` in primitive.yaml: `inputs: ["**", "!assets/**"]`',
      ],
    },
  );
}

/** Which files are in LFS is read from the index; HEAD is what counts. */
function checkAttributesClean(attributes: readonly TreeEntry[], changes: readonly Change[]): void {
  const paths = new Set(attributes.map(({ path }) => path));
  const changed = changes.find(({ path }) => paths.has(path));
  if (changed === undefined) return;
  throw new PrimitiveError('inputs-dirty', `${changed.path} is not as it was committed.`, {
    why: 'it says which files are kept in Git LFS',
    suggestions: ['git add --update && git commit', 'git stash'],
  });
}

function firstBytes(take: (index: number, start: string) => void) {
  let current = 0;
  let start = '';
  return {
    start(index: number) {
      current = index;
      start = '';
    },
    data(chunk: Uint8Array) {
      if (start.length < 128) start += Buffer.from(chunk.subarray(0, 128)).toString('latin1');
    },
    end() {
      take(current, start);
    },
  };
}

function more(count: number): string {
  return count > MAX_LISTED ? ` and ${count - MAX_LISTED} more` : '';
}
