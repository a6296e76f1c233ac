import { PrimitiveError } from '../core/errors.ts';
import type { BuildContext } from './build-context.ts';
import { findEntries, parentsOf, pathIn } from './folders.ts';
import type { CommitTree, TreeEntry } from './source-tree.ts';

/** How a Git LFS pointer begins (git-lfs, docs/spec.md), the second one in its first releases. */
const POINTER = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\//;
const ATTRIBUTES = '.gitattributes';
const MAX_LISTED = 10;

/**
 * Refuses inputs that are Git LFS pointers (`inputs-lfs-pointer`, exit 2): git holds the pointer and not the file, so
 * the image would get a text of three lines. Costs next to nothing if no `.gitattributes` speaks of LFS.
 */
export async function checkLfs(tree: CommitTree, contexts: readonly BuildContext[]): Promise<void> {
  const inputs = new Map<string, { entry: TreeEntry; component: string }>();
  for (const { component, entries } of contexts) {
    const { context } = component.build;
    for (const entry of entries) {
      inputs.set(pathIn(context, entry.path), { entry, component: component.id });
    }
  }
  const places = new Set([...inputs.keys()].flatMap(parentsOf).map((folder) => pathIn(folder, ATTRIBUTES)));
  if (!(await speakOfLfs(tree, places))) return;
  await checkAttributesClean(tree, places);
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
    `Inputs are stored in Git LFS: ${listed.join(', ')}${more(pointers.length)}`,
    {
      why: 'git has only pointers to these files, and images are built from git',
      suggestions: [
        'Keep the files in git itself: git lfs migrate export --include=…',
        'Or fetch them in the Dockerfile by digest: ADD --checksum=sha256:… URL PATH',
        'Or exclude them in `build.inputs` of primitive.yaml: `inputs: ["**", "!assets/**"]`',
      ],
    },
  );
}

/** Whether any of these `.gitattributes` that are there does. */
async function speakOfLfs(tree: CommitTree, places: ReadonlySet<string>): Promise<boolean> {
  const found = await findEntries(tree, [...places]);
  const objects = found.flatMap((entry) => (entry?.mode.startsWith('100') ? [entry.object] : []));
  const texts = await tree.readWhole([...new Set(objects)]);
  return texts.some((text) => /filter\s*=\s*lfs/.test(Buffer.from(text).toString('latin1')));
}

/** Which files are in LFS is read from the index; HEAD is what counts. */
async function checkAttributesClean(tree: CommitTree, places: ReadonlySet<string>): Promise<void> {
  const changed = (await tree.changes()).find(({ path, state }) => places.has(path) && state !== 'untracked');
  if (changed === undefined) return;
  throw new PrimitiveError('inputs-dirty', `${changed.path} differs from HEAD.`, {
    why: 'it decides which files are stored in Git LFS',
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
